"""Amounts of money: signs and codes before and after the number, magnitudes, rates."""

from __future__ import annotations

import re

from ...readings.rules import alternatives
from .numbers import MAGNITUDES, NUMBER, Row, cardinal, indian, plain, words

_DOLLAR, _CENT = ("dollar", "dollars"), ("cent", "cents")
# Sign -> one, many, one hundredth, many hundredths.
CURRENCIES = {
    "$": (*_DOLLAR, *_CENT), "US$": (*_DOLLAR, *_CENT), "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", *_CENT), "¥": ("yen", "yen", "sen", "sen"), "₩": ("won", "won", "jeon", "jeon"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"), "₹": ("rupee", "rupees", "paisa", "paise"),
    "₺": ("lira", "lira", "kurus", "kurus"), "₪": ("shekel", "shekels", "agora", "agorot"),
    "₴": ("hryvnia", "hryvnias", "kopeck", "kopecks"), "₫": ("dong", "dong", "xu", "xu"),
    "฿": ("baht", "baht", "satang", "satang"), "₱": ("peso", "pesos", "centavo", "centavos"),
    "₦": ("naira", "naira", "kobo", "kobo"), "₿": ("bitcoin", "bitcoins", "satoshi", "satoshis"),
    "Fr.": ("franc", "francs", "centime", "centimes"),
    "Rs.": ("rupee", "rupees", "paisa", "paise"), "Rs": ("rupee", "rupees", "paisa", "paise"),
    "R$": ("real", "reais", "centavo", "centavos"),
}  # fmt: skip
COUNTRIES = {
    "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian", "CAD": "Canadian",
    "HK": "Hong Kong", "NZ": "New Zealand", "S": "Singapore", "SG": "Singapore", "NT": "New Taiwan",
    "AUD": "Australian", "NZD": "New Zealand",
}  # fmt: skip
for _prefix, _country in COUNTRIES.items():
    CURRENCIES[f"{_prefix}$"] = (f"{_country} dollar", f"{_country} dollars", *_CENT)
CODES = {
    "USD": CURRENCIES["$"], "EUR": CURRENCIES["€"], "GBP": CURRENCIES["£"], "JPY": CURRENCIES["¥"],
    "INR": CURRENCIES["₹"], "KRW": CURRENCIES["₩"], "RUB": CURRENCIES["₽"], "AUD": CURRENCIES["A$"],
    "CAD": CURRENCIES["C$"], "NZD": CURRENCIES["NZ$"], "HKD": CURRENCIES["HK$"], "SGD": CURRENCIES["S$"],
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"), "CNY": ("yuan", "yuan", "fen", "fen"),
    "RMB": ("yuan", "yuan", "fen", "fen"), "SEK": ("krona", "kronor", "öre", "öre"),
    "NOK": ("krone", "kroner", "öre", "öre"), "DKK": ("krone", "kroner", "öre", "öre"),
    "MXN": ("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "BRL": ("real", "reais", "centavo", "centavos"), "ZAR": ("rand", "rand", "cent", "cents"),
    "PLN": ("zloty", "zlotys", "grosz", "grosze"), "TRY": ("lira", "lira", "kurus", "kurus"),
}  # fmt: skip
# What an amount may be for, after a slash.
RATES = {
    "lb": "pound", "lbs": "pound", "oz": "ounce", "kg": "kilogram", "g": "gram", "ton": "ton", "t": "tonne",
    "hr": "hour", "h": "hour", "hour": "hour", "min": "minute", "minute": "minute", "s": "second",
    "sec": "second", "second": "second", "day": "day", "night": "night", "wk": "week", "week": "week",
    "mo": "month", "month": "month", "yr": "year", "year": "year", "qtr": "quarter", "quarter": "quarter",
    "person": "person", "pp": "person", "head": "head", "each": "each", "unit": "unit", "item": "item",
    "piece": "piece", "pc": "piece", "seat": "seat", "user": "user", "room": "room", "ticket": "ticket",
    "mile": "mile", "mi": "mile", "km": "kilometer", "m": "meter", "ft": "foot", "sqft": "square foot",
    "sq ft": "square foot", "m²": "square meter", "gal": "gallon", "gallon": "gallon", "L": "liter",
    "l": "liter",
    "liter": "liter", "litre": "litre", "barrel": "barrel", "bbl": "barrel", "kWh": "kilowatt hour",
    "MWh": "megawatt hour", "GB": "gigabyte", "MB": "megabyte", "share": "share", "dozen": "dozen",
    "bottle": "bottle", "box": "box", "meal": "meal", "cup": "cup", "game": "game", "word": "word",
    "capita": "capita", "pr": "pair", "ea": "each", "doz": "dozen", "pkg": "package", "pk": "pack",
    "pt": "pint", "qt": "quart",
    "yd": "yard", "in": "inch", "acre": "acre", "ac": "acre", "bu": "bushel", "ct": "carat",
    "sq m": "square meter",
    "m2": "square meter", "ft²": "square foot", "yr.": "year", "rm": "room",
}  # fmt: skip
_SIGNS = alternatives(CURRENCIES)
_CODES = alternatives(CODES)
_MAGNITUDES = alternatives(MAGNITUDES)
_AMOUNT = (
    rf"(?P<number>(?P<comma>(?:\d{{1,3}}(?:\.\d{{3}})+|\d+),\d\d(?!\d|[.,]\d))|(?P<indian>\d{{1,2}}"
    rf"(?:,\d\d)+,\d{{3}}(?!\d)(?:\.\d+)?)|{NUMBER}|\.\d+)"
    rf"(?:[ -]?(?P<magnitude>{_MAGNITUDES})\b(?!(?<= \w)-)\.?(?:(?<!\.)|(?<=\.)(?=\s+[a-z]|,)))?"
)


_NOUN = re.compile(
    r" (?!(?:is|was|in|from|for|he|she|they|we|it|that|which|who|you|has|had|have|will|would|to|of|and|or"
    r"|per|on|at|by"
    r"|with|are|were|as|a|an|the|each|only|off|more|less|into|when|while|but|if|not|so|than|out|up|back"
    r"|long|wide|tall"
    r"|high|deep|thick|away|apart|across|above|below|over|under|north|south|east|west|ago|later|before"
    r"|after|between"
    r"|still|also|then|now|through|along|around|down|below|left|right|last|next|every|must|can|could"
    r"|should|may|might"
    r"|did|does|do|be|been|further|farther|longer|taller|higher|deeper|shorter|there|here|because|until"
    r"|since|without"
    r"|within|during|toward|towards|inland|ahead|beyond|behind|upstream|downstream)\b)[a-z]{3,}"
)
_DETERMINER = re.compile(
    r"\b(?:[Tt]he|[Tt]his|[Tt]hat|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts|[Oo]ur|[Mm]y|[Yy]our|[Aa]n?) $"
)


def describes_noun(match: re.Match[str]) -> bool:
    """Whether an amount describes a noun: the $64,000 question, her 10 km run."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    return bool(_DETERMINER.search(before) and _NOUN.match(match.string, match.end()))


def _amount(accent: str, match: re.Match[str]) -> str | None:
    """ "three dollars and fifty cents"; €3,50 with its decimal comma: "three euros fifty"."""
    groups = match.groupdict()
    one, many, cent, cents = {**CURRENCIES, **CODES}[match["currency"]]
    written, article = match["number"], groups.get("article") or ""
    if not match["indian"]:
        written = plain(written)
    before = article + ("minus " if groups.get("minus") else "")
    name = one if article or groups.get("compound") is not None or describes_noun(match) else many
    if match["indian"]:
        return f"{before}{indian(written, accent)} {name}"
    magnitude = MAGNITUDES[match["magnitude"]] if match["magnitude"] else ""
    if groups.get("first"):
        magnitude = f" {magnitude}" if magnitude else ""
        name = one if describes_noun(match) else many  # a $10-15 ticket
        return f"{cardinal(match['first'], accent)} to {cardinal(written, accent)}{magnitude} {name}"
    if magnitude:
        return f"{before}{cardinal(written, accent)} {magnitude} {name}"
    whole, _, hundredths = written.partition(".")
    if len(hundredths) != 2:
        return f"{before}{cardinal(written, accent)} {one if written == '1' else name}"
    parts = []
    if whole.strip("0") or hundredths == "00":
        parts.append(f"{cardinal(whole or '0', accent)} {one if whole == '1' else name}")
    if match["comma"] and parts and hundredths[0] != "0":
        return f"{before}{parts[0]} {words(hundredths, accent)}"
    if hundredths != "00":
        parts.append(f"{words(hundredths, accent)} {cent if hundredths == '01' else cents}")
    return before + " and ".join(parts)


def _range(accent: str, match: re.Match[str]) -> str | None:
    """$5-10, $5-$10 million: one "dollars"; $5-$10 is two amounts."""
    return None if match["again"] and not match["magnitude"] else _amount(accent, match)


def _rate(accent: str, match: re.Match[str]) -> str | None:
    """The slash of $5/lb, £3.75k/month, 20/hour, $15/class, £2/100 g, where an amount is before it."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    amount = rf"(?:{_SIGNS}|\d)(?: ?(?:{_SIGNS}|{_MAGNITUDES}))?\+?(?: ?[a-zA-Z]+| [a-z]+ [a-z]+s)?$"
    of = match["of"]
    if of != "capita" and not re.search(amount, before):
        return None
    if match["many"]:
        return " per hundred thousand"
    if of is None:
        return " per "
    name = RATES.get(of)
    if name is None:
        is_money = re.search(rf"(?:{_SIGNS}) ?[\d.,]+$|[\d.,]+ ?(?:{_SIGNS})$", before)
        if not is_money:
            return None
        name = of
    return f" {name}" if name == "each" else f" per {name}"


def _per_person(accent: str, match: re.Match[str]) -> str | None:
    before = match.string[max(0, match.start() - 16) : match.start()]
    return " per person" if re.search(rf"(?:{_SIGNS}) ?[\d.,]+$", before) else None


def _tens(accent: str, match: re.Match[str]) -> str:
    return {"10": "tens", "100": "hundreds"}.get(match["size"], "thousands")


def _magnitude(accent: str, match: re.Match[str]) -> str | None:
    """2.5bn, 1.5M users, 3K people; 4K, 5k and 3M stay letters."""
    short, after = match["short"], match.string[match.end() :]
    is_counted = re.match(r" (?:[a-z]+s|people|men|women|children)\b(?<! is)(?<! was)(?<! has)", after)
    if short in "MBKk" and not is_counted and ("." not in match["number"] or short in "Kk"):
        return None
    return f"{cardinal(match['number'], accent)} {MAGNITUDES[match['short']]}"


_ARTICLE = r"(?:(?P<article>\b[Aa] )|(?P<minus>(?<![\w\d])-))?"
_OPEN = r"(?<![A-Za-z\d])"
ROWS: tuple[Row, ...] = (
    (
        "range of money",
        rf"{_OPEN}(?P<currency>{_SIGNS}) ?(?P<first>{NUMBER}) ?[-–] ?(?P<again>"
        rf"(?P=currency))?{_AMOUNT}(?![\d-])",
        _range,
    ),
    (
        "money",
        rf"{_ARTICLE}{_OPEN}(?P<currency>{_SIGNS}) ?{_AMOUNT}(?P<compound>(?=-(?:a-)?[a-z]))?",
        _amount,
    ),
    ("money with a code", rf"{_ARTICLE}(?<!/)\b(?P<currency>{_CODES})[ $£€]?{_AMOUNT}", _amount),
    ("money with a code after it", rf"{_ARTICLE}(?<![\w.,]){_AMOUNT} ?(?P<currency>{_CODES})\b", _amount),
    (
        "money with a sign after it",
        rf"{_ARTICLE}(?<![\w.,]){_AMOUNT} ?(?P<currency>[$£€¥₩₽₹₺₪₴₫฿₱₦₿]|Fr\.(?=\s[a-z]|,))(?![\w.]*\d)",
        _amount,
    ),
    ("cents", r"(?<=\d) ?¢", " cents"),
    ("for an amount", r"(?<=\d)/(?=[$£€])", " for "),
    ("end of an amount", r"(?<=\d)/-(?!\w)", ""),
)
RATE_ROWS: tuple[Row, ...] = (
    (
        "rate",
        rf"(?<=[\w$£€¥₩₽₹¢+%]) ?/ ?(?:(?P<of>{alternatives(RATES)}|[a-z]{{3,12}})(?![\w/²³])(?:\."
        rf"(?=\s+[a-z\d(=]|,))?"
        r"|(?P<many>100k|100,000)\b|(?=\d{2,4} ?(?:g|kg|ml|mL|km|mi|m)\b))",
        _rate,
    ),
    ("per person", r"(?<=\d) ?pp\b", _per_person),
)
# Before measures: the m of 3m people is no meter.
MAGNITUDE_ROWS: tuple[Row, ...] = (
    (
        "millions",
        rf"(?<![\w.,])(?P<number>{NUMBER})(?P<short>m)(?= (?:people|users|copies|jobs|homes|barrels|views"
        rf"|customers|votes|"
        r"children|adults|visitors|workers|tonnes|tons|passengers|followers|downloads|subscribers|euros"
        r"|dollars|pounds)\b)",
        _magnitude,
    ),
    ("magnitude", rf"(?<![\w.,])(?P<number>{NUMBER})(?P<short>bn|mn|tn|trn|mln|M|B|[kK])\b", _magnitude),
    ("tens and hundreds", r"(?<![\w.,])(?P<size>10|100|1,?000)'?s(?= of\b)", _tens),
)
