"""Numbers with units: SI units with any prefix, everyday units, units divided by units, feet and inches."""

from __future__ import annotations

import re

from .numbers import NUMBER, Row, alternatives, cardinal, fraction

PREFIXES = {
    "T": "tera", "G": "giga", "M": "mega", "k": "kilo", "h": "hecto", "d": "deci", "c": "centi",
    "m": "milli", "μ": "micro", "u": "micro", "n": "nano", "p": "pico",
}  # fmt: skip
# `_NOT_ALONE` has those that are not read without a prefix: the letter is more often something else.
SI_UNITS: dict[str, tuple[str, str]] = {  # symbol -> name, its prefixes
    "m": ("meter", "kcdmμnp"), "g": ("gram", "kmμnp"), "s": ("second", "mμnp"), "l": ("liter", "hdcmμ"),
    "L": ("liter", "hdcmμ"), "Hz": ("hertz", "TGMkm"), "W": ("watt", "TGMkmμ"), "V": ("volt", "MkmμG"),
    "A": ("amp", "kmμ"), "J": ("joule", "GMkm"), "N": ("newton", "MkGm"), "Pa": ("pascal", "GMkhm"),
    "Ω": ("ohm", "GMkm"), "F": ("farad", "mμnp"), "Wh": ("watt hour", "TGMkm"), "B": ("byte", "TGMk"),
    "bit": ("bit", "TGMk"), "bps": ("bit per second", "TGMk"), "b": ("bit", "GM"), "cal": ("calorie", "k"),
    "eV": ("electron volt", "TGMkm"), "mol": ("mole", "kmμn"), "Bq": ("becquerel", "TGMk"),
    "Sv": ("sievert", "mμ"), "bar": ("bar", "m"), "Ah": ("amp hour", "mk"), "M": ("molar", "mμn"),
    "T": ("tesla", "mμ"), "t": ("tonne", "Mk"), "lm": ("lumen", "k"), "pc": ("parsec", "Mk"),
    "ha": ("hectare", ""), "VA": ("volt amp", "Mk"), "H": ("henry", "mμ"), "Wp": ("watt peak", "Mk"),
}  # fmt: skip
_NOT_ALONE = frozenset({"A", "N", "F", "B", "b", "M", "T", "t", "H", "pc", "J"})
UNITS = {
    "KB": "kilobyte", "mL": "milliliter", "ML": "megaliter", "KiB": "kibibyte", "MiB": "mebibyte",
    "GiB": "gibibyte", "TiB": "tebibyte", "PB": "petabyte", "kph": "kilometer per hour", "KHz": "kilohertz",
    "kmh": "kilometer per hour", "mph": "mile per hour", "fps": "frame per second", "rpm": "R-P-M",
    "dpi": "D-P-I", "ppm": "part per million", "ppb": "part per billion", "psi": "P-S-I", "hp": "horsepower",
    "dB": "decibel", "dBm": "D-B-M", "mmHg": "millimeter of mercury", "BTU": "B-T-U",
    "sq ft": "square foot", "sq. ft": "square foot", "sqft": "square foot", "sq m": "square meter",
    "sq. m": "square meter", "sq km": "square kilometer", "sq mi": "square mile", "sq. mi": "square mile",
    "cu ft": "cubic foot", "cu. ft": "cubic foot", "fl oz": "fluid ounce", "fl. oz": "fluid ounce",
    "mi": "mile", "ft": "foot", "yd": "yard", "yds": "yard", "in.": "inch", "lb": "pound", "lbs": "pound",
    "oz": "ounce", "gal": "gallon", "qt": "quart", "pt.": "pint", "tbsp": "tablespoon", "tbsps": "tablespoon",
    "Tbsp": "tablespoon", "tsp": "teaspoon", "tsps": "teaspoon", "sec": "second", "secs": "second",
    "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "wk": "week", "wks": "week",
    "yr": "year", "yrs": "year", "mo": "month", "mos": "month", "kt": "knot", "kts": "knot",
    "°C": "degree Celsius", "° C": "degree Celsius", "ºC": "degree Celsius", "°F": "degree Fahrenheit",
    "° F": "degree Fahrenheit", "ºF": "degree Fahrenheit", "°": "degree", "º": "degree", "%": "percent",
    "‰": "per thousand", "pct": "percent", "doz": "dozen", "c.": "cup", "px": "pixel", "pts": "point",
}  # fmt: skip
for _symbol, (_name, _prefixes) in SI_UNITS.items():
    if _symbol not in _NOT_ALONE:
        UNITS.setdefault(_symbol, _name)
    for _prefix in _prefixes + "u" * ("μ" in _prefixes):
        UNITS.setdefault(_prefix + _symbol, PREFIXES[_prefix] + _name)
POWERS = {"²": "square", "^2": "square", "³": "cubic", "^3": "cubic"}
_PLURALS = {
    "foot": "feet", "inch": "inches", "percent": "percent", "horsepower": "horsepower", "per": "per",
    "henry": "henries", "electron": "electron", "millimeter": "millimeters",
}  # fmt: skip
# Names of two words whose last word has the plural.
_TWO_WORDS = ("square", "cubic", "fluid", "electron")
_UNCHANGED = re.compile(r"(?:hertz|molar|dozen)$|^[A-Z]-|^per ")
_UNIT = rf"(?P<unit>{alternatives(UNITS)})(?P<power>[²³]|\^[23])?"
_DIVISORS = alternatives([unit for unit in UNITS if unit[0].isalpha() and " " not in unit])


def _plural(unit: str) -> str:
    """The head noun's plural: "miles per hour", "degrees Celsius", "square feet", "kilowatt hours"."""
    if _UNCHANGED.search(unit):
        return unit
    parts = unit.split(" ")
    head = 1 if parts[0] in _TWO_WORDS or parts[1:] in (["hour"], ["volt"], ["amp"], ["peak"]) else 0
    parts[head] = _PLURALS.get(parts[head], parts[head] + "s")
    return " ".join(parts)


def _measure(accent: str, match: re.Match[str]) -> str | None:
    article, written = match["article"] or "", match["number"]
    if match["unit"] in ("s", "h", "m", "g", "l", "V", "W") and match["hyphen"]:
        return None  # 2-m is no measure, T-1-V
    unit = UNITS[match["unit"]]
    if match["power"]:
        unit = f"{POWERS[match['power']]} {unit}"
    below = match["below"]
    is_part = below and not match["whole"]  # half a kilogram
    if (
        not article and not match["hyphen"] and not is_part and written not in ("1", "-1")
    ):  # a 5 km run, a five-mile walk
        unit = _plural(unit)
    if match["per"]:
        unit += f" per {UNITS[match['per']]}"
        if match["per_power"]:
            unit += " squared" if "2" in match["per_power"] or "²" in match["per_power"] else " cubed"
            unit = re.sub(r"per (\w*meter) (squared|cubed)", _per_area, unit)
    number = fraction(accent, match["whole"], match["above"], below) if below else cardinal(written, accent)
    return f"{article}{number} {unit}"


def _unit(accent: str, match: re.Match[str]) -> str:
    return f" {_plural(UNITS[match['unit']])}" + (f" per {UNITS[match['per']]}" if match["per"] else "")


def _per_area(match: re.Match[str]) -> str:
    return f"per {'square' if match[2] == 'squared' else 'cubic'} {match[1]}"


def _is_quoted(text: str, mark: str) -> bool:
    """Whether a quotation that opened with this mark is still open at the end of the text."""
    if mark == '"':
        is_open = False
        for quote in re.finditer('"', text):
            before = text[quote.start() - 1 : quote.start()]
            is_open = not is_open and not before.isdigit()
        return is_open
    return len(re.findall(r"(?<!\w)'(?=\S)", text)) > len(re.findall(r"(?<=[^\s\d])'(?!\w)", text))


def _feet(accent: str, match: re.Match[str]) -> str | None:
    """3' -> "three feet", 12\" -> "twelve inches", 5'10\" -> "five foot ten"."""
    before = match.string[: match.start()]
    if match["inches"] and match["feet"]:
        return f"{cardinal(match['feet'], accent)} foot {cardinal(match['inches'], accent)}"
    number, mark = (match["feet"], "'") if match["feet"] else (match["inches_alone"], '"')
    if _is_quoted(before, mark):
        return None
    one, many = ("foot", "feet") if mark == "'" else ("inch", "inches")
    following = match.string[match.end() :]
    is_compound = re.search(r"\b[Aa]n? $", before) and re.match(r" [a-z]", following)
    return f"{cardinal(number, accent)} {one if number == '1' or is_compound else many}"


def _part_of_inch(accent: str, match: re.Match[str]) -> str:
    spoken = fraction(accent, match["whole"], match["above"], match["below"])
    return f"{spoken} inch{'es' * bool(match['whole'])}"


def _temperature(accent: str, match: re.Match[str]) -> str:
    scale = "Fahrenheit" if match["scale"] == "F" else "Celsius"
    return f"{cardinal(match['number'], accent)} degrees {scale}"


def _is_dimension(match: re.Match[str]) -> bool:
    return "=" not in match.string[match.end() : match.end() + 40] and not re.match(
        r"\d+[\^⁰¹²³⁴⁵⁶⁷⁸⁹⁻]", match.string[match.end() :]
    )


ROWS: tuple[Row, ...] = (
    (
        "part of an inch",
        r"(?<![\w./])(?:(?P<whole>\d{1,3})[ -])?(?P<above>\d{1,2})/(?P<below>\d{1,2})(?:\"|'')(?!\w)",
        _part_of_inch,
    ),
    (
        "feet and inches",
        r"(?<![\w.,'])(?:(?P<feet>\d{1,3})' ?(?P<inches>\d{1,2})(?:\"|'')"
        r"|(?P<inches_alone>\d+(?:\.\d+)?)(?:\"|''))(?!\w)",
        _feet,
    ),
    (
        "feet",
        r"(?:(?<![\w.,'])|(?<='[x×]))(?P<inches>(?!))?(?P<feet>\d{1,6})'(?=\s|[,.;:)]|-[a-z]|[x×]\d|$)",
        _feet,
    ),
    (
        "by",
        r"(?:(?<=\d)|(?<=\d['\"])|(?<=[cmk]m)|(?<=ft)|(?<=in))(?: [x×] |[x×])(?=\d)",
        lambda accent, match: " by " if _is_dimension(match) else " times ",
    ),
    (
        "temperature",
        r"(?<![\w.,$£€])(?P<number>[-−]?(?:\d{2,3}|\d{1,3}\.\d))(?: (?P<scale>[FC]))(?![\w&'+/-]|\.\w"
        r"|\. [A-Z])",
        _temperature,
    ),
    (
        "measure",
        rf"(?P<article>\b[Aa]n? )?(?<![\w.,/^])(?<!\^-)(?P<number>(?:(?<![\w)%°$£€.,])[-−])?{NUMBER}"
        rf"|(?:(?P<whole>\d{{1,3}}) )?(?P<above>\d{{1,2}})/(?P<below>\d{{1,2}}))(?: |(?P<hyphen>-))?{_UNIT}"
        rf"(?:/(?P<per>{_DIVISORS})(?P<per_power>[²³]|\^?[23](?!\d))?)?(?![\w/²³'])(?:\.(?=\s+[a-z\d(]|,))?",
        _measure,
    ),
    (
        "unit after a power",
        rf"(?:(?<=\^\d)|(?<=\^\d\d)|(?<=\^-\d)|(?<=\^-\d\d)|(?<=[⁰¹²³⁴⁵⁶⁷⁸⁹])) (?P<unit>{_DIVISORS})"
        rf"(?:/(?P<per>{_DIVISORS}))?(?![\w/²³'])",
        _unit,
    ),
)
