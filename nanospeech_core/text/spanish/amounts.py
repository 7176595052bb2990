"""Money, units of measure, percentages and mathematics: "3,50 €", "80 km/h", "25 °C", "10-15"."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..readings.rules import alternatives
from .numbers import (
    FEMININE,
    MASCULINE,
    MINUS,
    NUMBER,
    Row,
    integer,
    is_one,
    number,
    split,
)


class Unit(NamedTuple):
    """What a number counts."""

    one: str
    many: str
    form: str = MASCULINE
    hundredth: str = ""  # of a currency, in the plural


def _unit(name: str, form: str = MASCULINE, hundredth: str = "") -> Unit:
    """The unit of a regular plural: of its first word, and of an adjective."""
    plural = re.sub(
        r"^\w+?(?=\b)|ado\b|ico\b", lambda match: match[0] + "s" * (match[0][-1] in "aeiou"), name
    )
    return Unit(name, plural, form, hundredth)


_CENTIMOS, _CENTAVOS = "céntimos", "centavos"
CURRENCIES = {
    **dict.fromkeys(("€", "EUR"), _unit("euro", hundredth=_CENTIMOS)),
    **dict.fromkeys(("US$", "USD", "$"), Unit("dólar", "dólares", hundredth=_CENTAVOS)),
    **dict.fromkeys(("£", "GBP"), Unit("libra", "libras", FEMININE, "peniques")),
    **dict.fromkeys(("¥", "JPY"), Unit("yen", "yenes")),
    **dict.fromkeys(("R$", "BRL"), Unit("real", "reales", hundredth=_CENTAVOS)),
    "MXN": Unit("peso mexicano", "pesos mexicanos", hundredth=_CENTAVOS),
    "ARS": Unit("peso argentino", "pesos argentinos", hundredth=_CENTAVOS),
    "CLP": Unit("peso chileno", "pesos chilenos"),
    "COP": Unit("peso colombiano", "pesos colombianos"),
    "CHF": Unit("franco suizo", "francos suizos", hundredth=_CENTIMOS),
    **dict.fromkeys(("₽", "RUB"), _unit("rublo")),
    **dict.fromkeys(("₹", "INR"), _unit("rupia", FEMININE)),
}
UNITS = {
    **{sign: _unit(name) for sign, name in {
        "km": "kilómetro", "m": "metro", "dm": "decímetro", "cm": "centímetro", "mm": "milímetro",
        "nm": "nanómetro", "μm": "micrómetro", "kg": "kilogramo", "g": "gramo", "gr": "gramo",
        "mg": "miligramo",
        "l": "litro", "L": "litro", "dl": "decilitro", "cl": "centilitro", "ml": "mililitro",
        "mL": "mililitro",
        "min": "minuto", "s": "segundo", "seg": "segundo", "ms": "milisegundo", "W": "vatio",
        "kW": "kilovatio",
        "MW": "megavatio", "GW": "gigavatio", "kWh": "kilovatio hora", "MWh": "megavatio hora", "V": "voltio",
        "mAh": "miliamperio hora", "A": "amperio", "J": "julio", "kJ": "kilojulio", "KB": "kilobyte",
        "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "dB": "decibelio",
        "Hz": "hercio", "kHz": "kilohercio", "MHz": "megahercio", "GHz": "gigahercio",
        "km²": "kilómetro cuadrado", "m²": "metro cuadrado", "cm²": "centímetro cuadrado",
        "m³": "metro cúbico",
        "cm³": "centímetro cúbico", "mm²": "milímetro cuadrado", "dm²": "decímetro cuadrado",
        "hm²": "hectómetro cuadrado", "mm³": "milímetro cúbico", "dm³": "decímetro cúbico",
        "hm³": "hectómetro cúbico", "km³": "kilómetro cúbico", "μg": "microgramo", "°": "grado",
        "° C": "grado Celsius", "° F": "grado Fahrenheit", "Ω": "ohmio", "kΩ": "kiloohmio",
        "°C": "grado Celsius", "°F": "grado Fahrenheit", "ºC": "grado Celsius", "ºF": "grado Fahrenheit",
    }.items()},
    **{sign: _unit(name, FEMININE) for sign, name in {
        "h": "hora", "t": "tonelada", "ha": "hectárea", "cal": "caloría", "kcal": "kilocaloría",
        "lb": "libra",
        "oz": "onza", "mi": "milla",
    }.items()},
    "Pa": Unit("pascal", "pascales"), "hPa": Unit("hectopascal", "hectopascales"), "px": Unit("píxel",
    "píxeles"), "bar": Unit("bar", "bares"),
    "N": Unit("newton", "newtons"), "km2": Unit("kilómetro cuadrado", "kilómetros cuadrados"),
    "m2": Unit("metro cuadrado", "metros cuadrados"), "m3": Unit("metro cúbico", "metros cúbicos"),
    "Mbps": Unit("megabit por segundo", "megabits por segundo"),
    "Gbps": Unit("gigabit por segundo", "gigabits por segundo"),
    "rpm": Unit("revolución por minuto", "revoluciones por minuto", FEMININE),
}  # fmt: skip
PER = {
    "h": "por hora", "s": "por segundo", "s²": "por segundo al cuadrado", "s2": "por segundo al cuadrado",
    "min": "por minuto", "kg": "por kilogramo", "l": "por litro",
    "L": "por litro", "m²": "por metro cuadrado", "m2": "por metro cuadrado", "m³": "por metro cúbico",
    "m3": "por metro cúbico", "km": "por kilómetro", "día": "al día", "mes": "al mes", "año": "al año",
    "semana": "a la semana", "persona": "por persona", "noche": "por noche", "hora": "por hora",
    "kWh": "por kilovatio hora",
    "kilo": "por kilo", "hab": "por habitante",
}  # fmt: skip
_AMOUNT = rf"(?P<minus>{MINUS})?(?P<number>{NUMBER})"
PER_PATTERN = rf"(?: ?/ ?(?P<per>{alternatives(PER)})(?![\w/]))?"
_CURRENCY = alternatives(CURRENCIES)
_MAGNITUDE = r"(?P<magnitude>(?:mil )?(?:m|b|tr)ill(?:ón|ones)|mil|M(?=€)|mill\.)"


def _read_unit(match: re.Match[str]) -> str | None:
    if match["unit"] == "A" and not match["space"]:
        return None  # the bus 27A
    return minus(match) + counted_unit(match["number"], UNITS[match["unit"]]) + per(match)


def _read_money(match: re.Match[str]) -> str:
    unit = CURRENCIES[match["currency"]]
    written, magnitude = match["number"], match.groupdict().get("magnitude")
    if magnitude:
        magnitude = "millones" if magnitude in ("M", "mill.") else magnitude
        of = " " if magnitude == "mil" else " de "
        return minus(match) + number(written, MASCULINE) + f" {magnitude}{of}{unit.many}" + per(match)
    if "$" in match["currency"] and re.fullmatch(r"\d{1,3},\d{3}", written):
        written = written.replace(",", "")  # as where dollars and pesos are paid with
    whole, _, decimals = split(written)
    if unit.hundredth and len(decimals) == 2:
        parts = [] if whole == "0" else [counted_unit(whole, unit)]
        if int(decimals):
            name = unit.hundredth if int(decimals) != 1 else unit.hundredth.removesuffix("s")
            parts.append(f"{integer(int(decimals), MASCULINE)} {name}")
        return minus(match) + (" con ".join(parts) or f"cero {unit.many}") + per(match)
    return minus(match) + counted_unit(written, unit) + per(match)


def counted_unit(written: str, unit: Unit) -> str:
    """A match of NUMBER, and the unit: "tres euros"."""
    whole, _, decimals = split(written)
    of = "de " if not decimals and len(whole) > 6 and whole.endswith("000000") else ""  # un millón de euros
    return f"{number(written, unit.form)} {of}{unit.one if is_one(written) else unit.many}"


def minus(match: re.Match[str]) -> str:
    """ "menos " of a match that has a minus."""
    return "menos " if match.groupdict().get("minus") else ""


def per(match: re.Match[str]) -> str:
    """ " por hora", of a match of PER_PATTERN; "" if it has none."""
    return f" {PER[match['per']]}" if match["per"] else ""


def _read_percent(match: re.Match[str]) -> str:
    return f"{minus(match)}{number(match['number'])} {'por ciento' if match['sign'] == '%' else 'por mil'}"


_WINDS = {"N": "norte", "S": "sur", "E": "este", "O": "oeste", "W": "oeste"}


def _read_angle(match: re.Match[str]) -> str | None:
    """ "40° 25′ 30″ N": what has minutes or a direction."""
    if not match["minutes"] and not match["wind"]:
        return None
    parts = [counted_unit(match["number"], UNITS["°"])]
    if match["minutes"]:
        parts.append(counted_unit(match["minutes"], UNITS["min"]))
    if match["seconds"]:
        parts.append(counted_unit(match["seconds"], UNITS["s"]))
    spoken = minus(match) + ", ".join(parts)
    return f"{spoken} {_WINDS[match['wind']]}" if match["wind"] else spoken


def _read_bare_unit(match: re.Match[str]) -> str:
    """ "el m²": one after "el", "por" and the like, else many."""
    unit = UNITS[match["unit"]]
    before = match.string[: match.start()]
    return (
        unit.one if re.search(r"\b(?:el|del|al|un|por|cada|este|ese) $", before, re.IGNORECASE) else unit.many
    )


_EXPONENTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


# What has a power. Behind longer words and years, it is the mark of a note, as ¹ always is.
_BASE = re.compile(r"(?:(?<![^\W_])[^\W\d_]{1,2}|(?<!\d)\d{1,3}|\))$")


def _read_exponent(match: re.Match[str]) -> str:
    value = int(match["exponent"].translate(_EXPONENTS))
    sign = minus(match)
    if not _BASE.search(match.string[: match.start()]) or (value == 1 and not sign):
        return ""
    if value in (2, 3) and not sign:
        return " al cuadrado" if value == 2 else " al cubo"
    return f" elevado a {sign}{integer(value)}"


def _read_range(match: re.Match[str]) -> str:
    """A range, or the score of a match. A percent sign or a unit after the second number stays."""
    return f"{number(match['first'])} a "


_SIGNS = {
    "+": "más", "-": "menos", "−": "menos", "×": "por", "x": "por", "*": "por", "÷": "entre",
    "=": "igual a", "<": "menor que", ">": "mayor que", "≤": "menor o igual que",
    "≥": "mayor o igual que", "≠": "distinto de", "≈": "aproximadamente", "±": "más menos",
}  # fmt: skip

ROWS: tuple[Row, ...] = (
    (
        "range",
        rf"(?<![\w.,/-])(?P<first>{NUMBER})[-–—](?=\d{{1,4}}(?:[.,]\d+)?(?![\w-]| ?[-/]\d))",
        _read_range,
    ),
    (
        "money",
        rf"{_AMOUNT} ?(?:{_MAGNITUDE} ?(?:de )?)?(?P<currency>{_CURRENCY})(?![\w$]){PER_PATTERN}",
        _read_money,
    ),
    (
        "money, sign first",
        rf"(?P<minus>{MINUS})?(?P<currency>{_CURRENCY}) ?(?P<number>{NUMBER})(?: {_MAGNITUDE})?(?!\d)"
        rf"{PER_PATTERN}",
        _read_money,
    ),
    ("percent", rf"{_AMOUNT} ?(?P<sign>[%‰])", _read_percent),
    (
        "angle",
        rf"{_AMOUNT} ?°(?: ?(?P<minutes>\d{{1,2}}(?:[.,]\d+)?) ?'(?!'))?"
        rf"(?: ?(?P<seconds>\d{{1,2}}(?:[.,]\d+)?) ?(?:\"|''))?(?: ?(?P<wind>[NSEOW])(?!\w|\.\w))?",
        _read_angle,
    ),
    (
        "unit",
        rf"{_AMOUNT}(?P<space> ?)(?P<unit>{alternatives(UNITS)})(?![\w²³º°])"
        rf"{PER_PATTERN}(?:\.(?= [a-zñáéíóú]))?",
        _read_unit,
    ),
    ("unit without a number", r"(?<![\w/²³])(?P<unit>(?:[cdhkm]?m)[²³])(?!\w)", _read_bare_unit),
    ("money per unit", rf"(?<![\w ])€(?! ?\d){PER_PATTERN}(?<=\w)", lambda match: f"euros{per(match)}"),
    ("unit before its number", r"\bkm (?=\d)", "kilómetro "),
    ("range of amounts", r"(?<=[€£%°]) ?[-–—] ?(?=\d)|(?<=\d\dº)[-–](?=\d\dº)", " a "),
    ("more than", rf"(?P<number>{NUMBER})\+(?=\s|$)", lambda match: f"más de {number(match['number'])}"),
    ("sides", r"(?<=[^\W\d_]) [x×] (?=\d)", " por "),
    (
        "mathematics",
        r"(?<=[\d)²³]) ?(?P<sign>[+×*÷=<>≤≥≠≈±−]|(?<= )[-x](?= )|x(?=\d)) ?(?=[-−]?[\d(])",
        lambda match: f" {_SIGNS[match['sign']]} ",
    ),
    ("comparison", r"(?<!\w)(?P<sign>[<>≤≥≈±+]) ?(?=\d)", lambda match: f"{_SIGNS[match['sign']]} "),
    (
        "exponent",
        r"(?<=[\w)])(?P<minus>⁻?)(?P<exponent>[⁰¹²³⁴-⁹]{1,3})(?![^\W_])",
        _read_exponent,
    ),
    ("slash", r"(?<=\d)/(?=\d)", " barra "),
)
