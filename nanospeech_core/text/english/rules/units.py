"""Numbers with units: SI units with any prefix, everyday units, units divided by units, feet and inches."""

from __future__ import annotations

import re

from ...readings.rules import alternatives
from .money import describes_noun
from .numbers import NUMBER, Row, cardinal, fraction, plain

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
    "Sv": ("sievert", "mμ"), "bar": ("bar", "m"), "K": ("kelvin", "mμn"), "Ah": ("amp hour", "mk"),
    "M": ("molar", "mμn"),
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
    "°K": "degree Kelvin", "deg": "degree", "pp": "percentage point", "p.p.": "percentage point",
    "in": "inch",
    "ac": "acre", "BR": "bedroom", "BA": "bathroom", "bpm": "beat per minute", "BPM": "beat per minute",
    "mpg": "mile per gallon", "ly": "light year", "pt": "point", "c": "cup", "bp": "basis point",
    "A": "amp", "N": "newton", "T": "tesla", "J": "joule", "mb": "millibar", "atm": "atmosphere",
    "y": "year", "y/o": "year old", "y.o.": "year old", "sf": "square foot", "kgs": "kilogram",
    "kms": "kilometer",
    "‰": "per thousand", "pct": "percent", "doz": "dozen", "c.": "cup", "px": "pixel", "pts": "point",
}  # fmt: skip
for _symbol, (_name, _prefixes) in SI_UNITS.items():
    if _symbol not in _NOT_ALONE:
        UNITS.setdefault(_symbol, _name)
    for _prefix in _prefixes + "u" * ("μ" in _prefixes):
        UNITS.setdefault(_prefix + _symbol, PREFIXES[_prefix] + _name)
# These letters are units only with a space before them (" "), none (""), a hyphen or a fraction ("/"), or
# before a text that matches the pattern.
_LENGTHS = r" (?:wide|long|tall|high|deep|thick|across|in diameter)\b| ?[=≈×]| x \d"
ONLY = {
    "in": ("-", _LENGTHS), "pt": ("-", " (?:font|type|text|bold)"), "c": ("/", " of "), "ly": (" ", ""),
    "pp": (" ", ""), "ac": (" ", " lot"), "K": (" ", ""), "y": ("-", " old| bond| Bund|[)]"),
}  # fmt: skip
# And these only in a text that speaks of the like.
CONTEXTS = {
    "A": r"\d ?[mk]?V\b|\b(?:amps?|fuse|current|charger|circuit|socket)\b",
    "N": r"\b(?:[Ff]orce|tension|thrust|pull|push|newtons?)\b",
    "T": r"\b(?:MRI|magnet\w*|field|scanner)\b",
    "J": r"\b(?:energy|heat|pulse|laser|work done)\b",
    "BA": r"\d ?BR\b",
    "bp": r"\b(?:[Rr]ates?|yields?|spreads?|hike|cut|bonds?|the Fed|ECB|basis)\b|%",
    "mb": r"\b(?:[Pp]ressure|barometer|storm|hurricane|low|high|hPa|°[CF]|wind)",
}
_LABELED = re.compile(r"(?:Rte\.?|[Rr]oute|Hwy\.?|[Ee]xit|[Ss]eat|[Gg]ate|[Rr]oom|[Ff]lat|Apt\.?|\bI-) ?$")
_NO_KELVIN = re.compile(
    r"-[a-z]| (?:race|run|walk|fun|loop|video|screen|resolution|people|users|[a-z]+ers)\b"
)
POWERS = {"²": "square", "^2": "square", "³": "cubic", "^3": "cubic"}
_PLURALS = {
    "foot": "feet", "inch": "inches", "percent": "percent", "horsepower": "horsepower", "per": "per",
    "henry": "henries", "electron": "electron", "millimeter": "millimeters",
}  # fmt: skip
# After a measure these have it as an adjective: a 45 degree angle.
_DESCRIBED = re.compile(
    r" (?:angle|turn|bend|rotation|slope|view|heat|weather|lot|font|bottle|lens|zone|limit|run|race|walk"
    r"|hike|screen"
    r"|monitor|bag|pack|jar|engine|battery|bulb|drive|radius|fence|wall|pipe|cable|rope|apartment|house"
    r"|guarantee"
    r"|warranty|contract|lease|delay|timer|break|Bunds?|bonds?|charger|LP|single|floppy|relay)\b"
)
# Names of two words whose last word has the plural.
_TWO_WORDS = ("square", "cubic", "fluid", "electron", "percentage", "basis", "light")
_UNCHANGED = re.compile(r"(?:hertz|molar|dozen|kelvin)$|^[A-Z]-|^per ")
_UNIT = rf"(?P<unit>{alternatives(UNITS)})(?P<power>[²³]|\^[23])?"
# What a unit may be divided by.
DIVISORS = {
    **{name: UNITS[name] for name in
       "s ms μs ns min h hr sec wk mo yr m cm mm km ft in mi yd g kg mg μg lb oz L l mL ml dL gal mol mmol "
       "J kJ K W kW kWh "
       "V Hz MHz GB MB ac ha Pa bar μL μl".split()},
    "d": "day", "day": "day", "week": "week", "year": "year", "month": "month", "hour": "hour",
    "minute": "minute",
    "second": "second", "cell": "cell", "dose": "dose",
}  # fmt: skip
_DIVISORS = alternatives(DIVISORS)


def _plural(unit: str) -> str:
    """The head noun's plural: "miles per hour", "degrees Celsius", "square feet", "kilowatt hours"."""
    if _UNCHANGED.search(unit):
        return unit
    parts = unit.split(" ")
    head = 1 if parts[0] in _TWO_WORDS or parts[1:] in (["hour"], ["volt"], ["amp"], ["peak"]) else 0
    parts[head] = _PLURALS.get(parts[head], parts[head] + "s")
    return " ".join(parts)


def _measure(accent: str, match: re.Match[str]) -> str | None:
    article, written, name = match["article"] or "", match["number"], match["unit"]
    after = match.string[match.end() :]
    if not _is_unit(match, after):
        return None
    unit = (
        "basis point"
        if name == "bps" and plain(written or "0").isdigit() and int(plain(written)) < 1000
        else UNITS[name]
    )
    if name == "pp" and written and plain(written).isdigit():
        is_page = int(plain(written)) > 20 or (match[0].endswith(".") and after[:1] in (",", ")"))
        unit = "page" if is_page else unit
    if match["power"]:
        unit = f"{POWERS[match['power']]} {unit}"
    below = match["below"]
    is_part = below and not match["whole"]  # half a kilogram
    is_compound = article or match["hyphen"] or describes_noun(match) or _DESCRIBED.match(after)
    if not is_compound and not is_part and written not in ("1", "-1"):  # a 5 km run, a five-mile walk
        unit = _plural(unit)
    for per, power in ((match["per"], match["per_power"]), (match["also_per"], None)):
        if per:
            unit += f" per {DIVISORS[per]}"
        if power:
            unit += " squared" if "2" in power or "²" in power else " cubed"
            unit = re.sub(r"per (\w*meter) (squared|cubed)", _per_area, unit)
    number = fraction(accent, match["whole"], match["above"], below) if below else cardinal(written, accent)
    between = "over" if name == "mmHg" else "or"
    other = f"{cardinal(match['other'], accent)} {between} " if match["other"] else ""
    return f"{article}{other}{number} {unit}"


def _is_unit(match: re.Match[str], after: str) -> bool:
    """Whether the letters after a number are a unit: 3 K but not 3K, 12-V battery but not T-1-V."""
    name, text = match["unit"], match.string
    if name == "s" and text[match.start() - 1 : match.start()] in ("x", "×"):  # 2x4s
        return False
    if name in CONTEXTS:
        nearby = text[max(0, match.start() - 100) : match.end() + 100]
        return bool(re.search(CONTEXTS[name], nearby)) and not (match["hyphen"] or re.match("['-]", after))
    if _LABELED.search(text[max(0, match.start() - 8) : match.start()]):
        return False
    if name == "K" and _NO_KELVIN.match(after):
        return False
    if name in ONLY:
        needed, pattern = ONLY[name]
        if name == "in" and re.search(
            r"(?:ft\.?|feet|foot) $", text[max(0, match.start() - 5) : match.start()]
        ):
            return True
        if name == "in" and match["hyphen"]:
            return re.match(" [a-z]{3}|-[a-z]{4}", after) is not None
        between = "-" if match["hyphen"] else "/" if match["below"] else match["space"] or ""
        return between == needed or bool(pattern and re.match(pattern, after))
    if match["hyphen"] and name in ("s", "h", "m", "g", "l", "L", "V", "W", "K"):  # 2-m is no measure
        return text[match.start() - 1 : match.start()] != "-" and re.match(" [a-z]{3}", after) is not None
    return True


def _unit(accent: str, match: re.Match[str]) -> str:
    return f" {_plural(UNITS[match['unit']])}" + (f" per {DIVISORS[match['per']]}" if match["per"] else "")


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
    is_compound = (
        describes_noun(match)
        or _DESCRIBED.match(following)
        or (re.search(r"\b[Aa]n? $", before) and re.match(r" (?:[a-z]|\dK )", following))
        or (re.search(r"\b(?:two|three|four|\d) $", before) and re.match(r" [a-z]+s\b", following))
    )
    return f"{cardinal(number, accent)} {one if number == '1' or is_compound else many}"


def _part_of_inch(accent: str, match: re.Match[str]) -> str:
    spoken = fraction(accent, match["whole"], match["above"], match["below"])
    return f"{spoken} inch{'es' * bool(match['whole'])}"


def _temperature(accent: str, match: re.Match[str]) -> str:
    scale = "Fahrenheit" if match["scale"] == "F" else "Celsius"
    return f"{cardinal(match['number'], accent)} degrees {scale}"


def _between_measures(accent: str, match: re.Match[str]) -> str | None:
    """350°F/180°C, 200g/7oz"""
    before = match.string[max(0, match.start() - 12) : match.start()]
    return ", " if re.search(r"\d ?(?:°?[CF]|[kmc]?[mg]|mL|L|lb|oz|ft|mi|V|A|W|BR|%)\.?$", before) else None


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
        r"(?:(?<![\w.,'])|(?<='[x×]))(?P<inches>(?!))?(?P<feet>\d{1,3},\d{3}|\d{1,6})'(?=\s|[,.;:)]|-[a-z]"
        r"|[x×]\d|$)",
        _feet,
    ),
    (
        "by",
        r"(?:(?<=\d)|(?<=\d['\"])|(?<=[cmk]m)|(?<=ft)|(?<=in)|(?<=ft\.)|(?<=in\.))(?: [x×] |[x×])(?=\d)",
        lambda accent, match: " by " if _is_dimension(match) else " times ",
    ),
    (
        "temperature",
        r"(?<![\w.,+$£€])(?P<number>[-−]?(?:(?:\d{2,3}|\d{1,3}\.\d)(?= )|[1-4]\d\d|(?<=[-−])\d{1,2})) ?"
        r"(?P<scale>[FC])"
        r"(?![\w&'+-]|/(?!\d)|\.\w"
        r"|\. [A-Z])",
        _temperature,
    ),
    (
        "measure",
        rf"(?P<article>\b[Aa]n? )?(?:(?<![\w.,^])|(?<=\d[x×]))(?<!\^-)(?<!\b[A-Za-z]-)(?:"
        rf"(?P<other>\d{{2,4}}|\d\.\d)/(?=\d{{2,4}}\D|\d ?GHz))?"
        rf"(?P<number>(?:(?<![\w)%°$£€.,])[-−])?(?:\d{{1,6}},\d\d?(?![\d,])|{NUMBER}|(?<![\w.])\.\d{{1,6}})"
        rf"|(?:(?P<whole>\d{{1,3}})[ -])?(?P<above>\d{{1,2}})/(?P<below>\d{{1,4}}))(?:(?P<space> )|"
        rf"(?P<hyphen>-))?{_UNIT}"
        rf"(?:/(?P<per>{_DIVISORS})(?P<per_power>[²³]|\^?[23](?!\d))?(?:/(?P<also_per>{_DIVISORS}))?)?"
        r"(?![\w²³]|/(?!\d)|'(?!\s)|\.\w)(?:\.(?=\s+[a-z\d(]|[,;:)/-]|\s+[NSEW]{1,2}\b))?",
        _measure,
    ),
    (
        "slash between measures",
        r"/(?!100 ?(?:km|mi|g|kg|ml|mL)\b)(?=\d+(?:\.\d+)? ?(?:°|[a-zA-Z]+))",
        _between_measures,
    ),
    (
        "unit after a power",
        rf"(?:(?<=\^\d)|(?<=\^\d\d)|(?<=\^-\d)|(?<=\^-\d\d)|(?<=[⁰¹²³⁴⁵⁶⁷⁸⁹])) (?P<unit>{_DIVISORS})"
        rf"(?:/(?P<per>{_DIVISORS}))?(?![\w/²³'])",
        _unit,
    ),
)
