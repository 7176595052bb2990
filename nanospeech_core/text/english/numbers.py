"""Numbers in English words: each public function is the reading of one pattern in `normalize`.

Each takes the accent ("en-us" or "en-gb") and the match, and reads the match's named groups.
"""

import functools
import re

from ...errors import UserError

MONTHS = "January February March April May June July August September October November December".split()
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"), "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}  # fmt: skip
MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "b": "billion",
    "bn": "billion",
    "tn": "trillion",
}
UNITS = {
    "km/h": "kilometer per hour", "kph": "kilometer per hour", "mph": "mile per hour",
    "m/s": "meter per second", "km²": "square kilometer", "m²": "square meter", "cm²": "square centimeter",
    "m³": "cubic meter", "sq ft": "square foot", "km": "kilometer", "m": "meter", "cm": "centimeter",
    "mm": "millimeter", "mi": "mile", "ft": "foot", "yd": "yard", "kg": "kilogram", "g": "gram",
    "mg": "milligram", "lb": "pound", "lbs": "pound", "oz": "ounce", "l": "liter", "L": "liter",
    "ml": "milliliter", "mL": "milliliter", "ms": "millisecond", "s": "second", "sec": "second",
    "min": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "W": "watt", "kW": "kilowatt", "MW": "megawatt",
    "kWh": "kilowatt hour", "V": "volt", "mA": "milliamp", "KB": "kilobyte", "kB": "kilobyte",
    "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "dB": "decibel", "°C": "degree Celsius",
    "°F": "degree Fahrenheit", "℃": "degree Celsius", "℉": "degree Fahrenheit", "°": "degree", "%": "percent",
}  # fmt: skip
_PLURALS = {"foot": "feet", "hertz": "hertz", "kilohertz": "kilohertz", "megahertz": "megahertz",
            "gigahertz": "gigahertz", "percent": "percent"}  # fmt: skip


def number(accent: str, match: re.Match) -> str:
    """A plain number: four digits from 1100 to 2099 are a year: "nineteen oh-five", "fifteen hundred"."""
    written, letters_follow = match["number"], match["letters"] is not None
    if re.fullmatch(r"1[1-9]\d\d|20\d\d", written) and not letters_follow and not match["minus"]:
        return _year(written, accent)
    return _cardinal((match["minus"] or "") + written, accent) + (" " if letters_follow else "")


def ordinal(accent: str, match: re.Match) -> str:
    return _words(match["number"].replace(",", ""), accent, "ordinal")


def points(accent: str, match: re.Match) -> str:
    """Versions and addresses: "one point two point three"."""
    return " point ".join(_cardinal(part, accent) for part in match[0].split("."))


def money(accent: str, match: re.Match) -> str:
    """ "three dollars and fifty cents"; €3,50 with its decimal comma: "three euros fifty"."""
    one, many, cent, cents = CURRENCIES[match["currency"][-1]]
    written, article = match["number"].replace(",", "." if match["comma"] else ""), match["article"] or ""
    before = article + ("minus " if match["minus"] else "")
    whole, _, hundredths = written.partition(".")
    if match["magnitude"]:
        magnitude = MAGNITUDES.get(match["magnitude"].lower(), match["magnitude"].lower())
        return f"{before}{_cardinal(written, accent)} {magnitude} {one if article else many}"
    if len(hundredths) != 2:
        return f"{before}{_cardinal(written, accent)} {one if article or written == '1' else many}"
    parts = []
    if whole.strip("0") or hundredths == "00":
        parts.append(f"{_cardinal(whole or '0', accent)} {one if article or whole == '1' else many}")
    if match["comma"] and parts and hundredths[0] != "0":
        return f"{before}{parts[0]} {_words(hundredths, accent)}"
    if hundredths != "00":
        parts.append(f"{_words(hundredths, accent)} {cent if hundredths == '01' else cents}")
    return before + " and ".join(parts)


def measure(accent: str, match: re.Match) -> str:
    article, written = match["article"] or "", match["number"]
    unit = UNITS[match["unit"]]
    if not article and not match["hyphen"] and written not in ("1", "-1"):  # a 5 km run, a five-mile walk
        unit = _plural(unit)
    return f"{article}{_cardinal(written, accent)} {unit}"


def time(accent: str, match: re.Match) -> str:
    hour, minute, second, half = (match[name] for name in ("hour", "minute", "second", "half"))
    if int(hour) > 24:
        return match[0]
    words = _words(hour, accent)
    if minute and minute != "00":
        words += (" oh " if minute[0] == "0" else " ") + _words(minute, accent)
    elif not half and not second:
        words += " o'clock" if 1 <= int(hour) <= 12 else " hundred"
    if second:
        words += f" and {_words(second, accent)} second" + ("s" if second != "01" else "")
    return words + (f" {half.upper()}-M" if half else "")  # the hyphen keeps "A" from being the article


def date(accent: str, match: re.Match) -> str:
    """2020-07-04, and 07/04/2020 with the month first unless the accent or the numbers say otherwise."""
    month, day = int(match["a"]), int(match["b"])
    if "/" in match[0] and (month > 12 or (accent == "en-gb" and day <= 12)):
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    return f"{MONTHS[month - 1]} {_words(str(day), accent, 'ordinal')}, {_year(match['year'], accent)}"


def month_day(accent: str, match: re.Match) -> str:
    if not 1 <= int(match["day"]) <= 31:
        return match[0]
    return f"{_month(match['month'])} {_words(match['day'], accent, 'ordinal')}"


def day_month(accent: str, match: re.Match) -> str:
    if not 1 <= int(match["day"]) <= 31:
        return match[0]
    return f"{match['the'] or 'the '}{_words(match['day'], accent, 'ordinal')} of {_month(match['month'])}"


def decade(accent: str, match: re.Match) -> str:
    century, tens = match["century"], match["tens"]
    if tens == "00":
        return _year(century + tens, accent) + "s"
    prefix = f"{_words(century, accent)} " if century else ""
    tens = _words(tens, accent)
    return prefix + (tens[:-1] + "ies" if tens.endswith("y") else tens + "s")


def fraction(accent: str, match: re.Match) -> str:
    above, below = int(match["above"]), int(match["below"])
    whole = _cardinal(match["whole"], accent) if match["whole"] else ""
    if not 0 < above < below <= 10:  # 24/7, 9/11
        return " ".join([whole, *(_cardinal(match[part], accent) for part in ("above", "below"))]).strip()
    name = {2: "half", 4: "quarter"}.get(below) or _words(match["below"], accent, "ordinal")
    return (f"{whole} and " if whole else "") + f"{_words(match['above'], accent)} {name}{'s' * (above > 1)}"


def phone(accent: str, match: re.Match) -> str:
    """Digit by digit, a comma's pause between the groups."""
    groups = ", ".join(_spell(group, accent) for group in re.findall(r"\d+", match[0]))
    return f"plus {groups}" if match[0][0] == "+" else groups


def roman(accent: str, match: re.Match) -> str:
    """Henry VIII -> "Henry the eighth", World War II -> "World War two"."""
    values = [{"I": 1, "V": 5, "X": 10, "L": 50}[letter] for letter in match["roman"]]
    value = str(sum(-v if v < max(values[i:]) else v for i, v in enumerate(values)))
    if match["ruler"]:
        return f"{match['ruler']} the {_words(value, accent, 'ordinal')}"
    return f"{match['numbered']} {_words(value, accent)}"


def _words(written: str, accent: str, to: str = "cardinal") -> str:
    """A whole number in words. to: "cardinal", "ordinal" or "year"."""
    rules = f"spellout-{to}" + "-verbose" * (accent == "en-gb")  # British: "one hundred and five"
    if to == "year":
        rules = "spellout-numbering-year"
    return _speller().format_number(int(written), ruleset_names=[rules]).text.replace(",", "")


@functools.cache
def _speller():
    """The numbers of Unicode's CLDR."""
    try:
        from unicode_rbnf import RbnfEngine
    except ImportError as error:
        raise UserError("numbers need unicode-rbnf: pip install unicode-rbnf") from error
    return RbnfEngine.for_language("en")


def _spell(written: str, accent: str) -> str:
    return " ".join(_words(digit, accent) for digit in written)


def _cardinal(written: str, accent: str) -> str:
    """Digits, with optional minus, thousands commas and decimals."""
    whole, _, decimals = written.replace(",", "").lstrip("-").partition(".")
    code = len(whole) > 15 or (len(whole) > 1 and whole[0] == "0")  # serial numbers, 007
    words = _spell(whole, accent) if code else _words(whole, accent) if whole else ""
    if decimals:
        words += " point " + _spell(decimals, accent)
    return ("minus " if written[0] == "-" else "") + words.strip()


def _year(written: str, accent: str) -> str:
    if 1100 <= int(written) <= 2099 and not 2000 <= int(written) <= 2009:
        return _words(written, accent, "year")
    return _words(written, accent)


def _month(name: str) -> str:
    return next(month for month in MONTHS if month.startswith(name[:3]))


def _plural(unit: str) -> str:
    """The head noun's plural: "miles per hour", "degrees Celsius", "square feet"."""
    words = unit.split(" ")
    head = 1 if words[0] in ("square", "cubic", "kilowatt") else 0
    words[head] = _PLURALS.get(words[head], words[head] + "s")
    return " ".join(words)
