"""Numbers in English words, by the rules of Unicode's CLDR."""

from __future__ import annotations

import re
from collections.abc import Callable

from ...readings.rules import speller

# A row of a table of readings: name, pattern, and what is read: a text, or (accent, match) -> text or None.
Reader = str | Callable[[str, re.Match[str]], "str | None"]
Row = tuple[str, str, Reader]

# With points between the thousands: 1.234,56 and 1.000.000.
THOUSANDS = r"\d{1,3}(?:(?:\.\d{3})+,\d\d?|(?:\.\d{3}){2,5})(?!\d|[.,]\d)"
NUMBER = (
    rf"(?:(?<![\d.,]){THOUSANDS}|"
    + r"\d{1,3}(?:[,_']\d{3})+(?!\d)|(?<!\d )(?<![\d.,])[1-9]\d{0,2}(?: \d{3})+(?!,?\d| \d)|\d+)(?:\.\d+)?"
)
MAGNITUDES = {
    "k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million", "mln": "million",
    "mio": "million", "b": "billion", "B": "billion", "bn": "billion", "tn": "trillion", "trn": "trillion",
    "T": "trillion", "mil": "million", "mm": "million", "MM": "million",
    "cr": "crore", **{name: name for name in
    ("hundred", "thousand", "million", "billion", "trillion", "lakh", "crore")}, "lakhs": "lakh",
    "crores": "crore",
}  # fmt: skip


def words(written: str, accent: str, to: str = "cardinal") -> str:
    """A whole number in words. to: "cardinal", "ordinal" or "year"."""
    rules = f"spellout-{to}" + "-verbose" * (accent == "en-gb")  # British: "one hundred and five"
    if to == "year":
        rules = "spellout-numbering-year"
    return speller("en").format_number(int(written), ruleset_names=[rules]).text.replace(",", "")


def spell(written: str, accent: str) -> str:
    """Digit by digit, letters by their names: "1A" is "one Eh"."""
    return " ".join(words(c, accent) if c.isdigit() else letter(c) for c in written if c.isalnum())


def letter(character: str) -> str:
    """A letter's name: espeak-ng reads "A" as the article."""
    return "Eh" if character in "Aa" else character.upper()


def letters(written: str) -> str:
    """Letters by their names: "US" is "U-S". A hyphen keeps the first "A" from being the article."""
    first, *rest = (c for c in written if c.isalpha())
    if not rest:
        return letter(first)
    return "-".join([first.upper(), *map(letter, rest)])


def plain(written: str) -> str:
    """Without marks between the thousands, with a point before the decimals: "1.234,5" is "1234.5"."""
    if re.search(r"^[-−]?\d+,\d\d?$|\.\d{3}[.,]", written):
        written = written.replace(".", "").replace(",", ".")
    return re.sub("[,_' ]", "", written)


def cardinal(written: str, accent: str) -> str:
    """Digits, with optional minus, marks between the thousands, and decimals after a point or comma."""
    whole, _, decimals = plain(written).lstrip("-−").partition(".")
    code = (
        len(whole) > 15
        or (len(written) > 8 and written.isdigit() and written[-3:] != "000")
        or (len(whole) > 1 and whole[0] == "0")
    )  # serial numbers, 007
    spoken = spell(whole, accent) if code else words(whole, accent) if whole else ""
    if decimals:
        spoken += " point " + spell(decimals, accent)
    return ("minus " if written[0] in "-−" else "") + spoken.strip()


def indian(written: str, accent: str) -> str:
    """A number with commas as in 1,50,000: "one lakh fifty thousand"."""
    whole, _, decimals = written.replace(",", "").partition(".")
    value, parts = int(whole), []
    for size, name in ((10_000_000, "crore"), (100_000, "lakh")):
        if value >= size:
            parts.append(f"{words(str(value // size), accent)} {name}")
            value %= size
    if value or not parts:
        parts.append(words(str(value), accent))
    return " ".join(parts) + (f" point {spell(decimals, accent)}" if decimals else "")


def year(written: str, accent: str) -> str:
    """ "nineteen oh-five", "fifteen hundred", "ten sixty-six", "two thousand one"."""
    value = int(written)
    if 1010 <= value <= 2999 and not 2000 <= value <= 2009:
        return words(written, accent, "year")
    if 100 < value < 1000 and value % 100 > 9:
        return f"{words(written[0], accent)} {words(written[1:], accent)}"
    return words(written, accent)


# After a number of four digits these say that it counts something: "1850 metres". So does a plural.
_COUNTED = frozenset(
    "people men women children sheep fish feet percent dollars euros pounds cents million billion "
    "thousand hundred miles metres meters kilometers kilometres square cubic tons tonnes copies other "
    "more new different additional fewer sq staff troops personnel infantry cavalry cattle head species "
    "pages words degrees".split()
)
_NOT_PLURAL = frozenset(
    "was is as has his its this us thus always perhaps across plus less unless yes does besides towards "
    "sometimes "
    "whereas afterwards ours theirs yours hers goes comes says shows makes takes sees gives marks begins "
    "remains becomes seems brings class press process business address access success progress congress "
    "series "
    "minus versus times equals perhaps various famous previous religious".split()
)
# What a year follows; a plural after it is then no sign of a count ("in 1984 prices rose").
_BEFORE_YEAR = re.compile(
    r"(?i)\b(?:in|since|year|years|by|until|till|from|before|after|during|circa|c\.|ca\.|ad|a\.d\.|of|the"
    r"|early|"
    r"late|mid|spring|summer|autumn|fall|winter|january|february|march|april|may|june|july|august|september|"
    r"october|november|december|\w+day),? $|\d(?:st|nd|rd|th),? $|(?:january|february|march|april|may|june"
    r"|july|august|"
    r"september|october|november|december) \d\d?,? $"
)
_IN_YEAR = re.compile(r"(?i)\b(?:in|since|year|by|until|till|before|after|circa|c\.|ca\.|ad|a\.d\.) $")
_ERA = re.compile(r" ?(?:AD|A\.D\.|BCE?|B\.C\.|CE)\b")
_UNIT_OF_COUNT = re.compile(
    r" (?:(?:kilo|milli|centi)?met(?:er|re)s|miles|feet|bytes|degrees|people|dollars|euros|pounds)\b"
)


def _is_count(match: re.Match[str]) -> bool:
    """Whether a number from 1000 to 2999 counts something: otherwise it is a year."""
    before, after = match.string[: match.start()][-24:], match.string[match.end() :]
    if _UNIT_OF_COUNT.match(after):
        return True
    following = re.match(r" ([a-z]+)(?: ([a-z]+))?", after)
    if following is None or _IN_YEAR.search(before):
        return False
    if re.search(r"(?i)\bof $", before):
        return bool(
            re.search(
                r"(?i)\b(?:total|sum|number|crowd|force|army|fleet|distance|population|speed|length|"
                r"height|depth|weight|size|cost|maximum|minimum|average|collection|set|batch) of $",
                before,
            )
        )
    if _BEFORE_YEAR.search(before):
        return False
    return _is_counted(following[1])


def _is_counted(word: str) -> bool:
    if word in _COUNTED:
        return True
    return (
        len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "ous")) and word not in _NOT_PLURAL
    )


def _number(accent: str, match: re.Match[str]) -> str | None:
    """A plain number; four digits are a year unless they count something."""
    written, letters_follow = match["number"], match["letters"] is not None
    space = " " if letters_follow else ""
    if written.isdigit() and not letters_follow and not match["minus"]:
        before, after = match.string[: match.start()][-24:], match.string[match.end() :]
        if len(written) > 5 and re.search(r"(?i)(?:\bno\.|number|#) ?$", before):
            return spell(written, accent)
        dated = _IN_YEAR.search(before) or _ERA.match(after)
        if len(written) == 4 and written[0] in "12":
            if re.fullmatch(r"1[1-9]\d\d|20\d\d", written):
                if not _is_count(match) or (written[2:] == "00" and written[1] != "0"):
                    return year(written, accent)
            elif dated and not _is_count(match):
                return year(written, accent)
        elif len(written) == 3 and (_ERA.match(after) or re.search(r"(?i)\b(?:year|ad|a\.d\.) $", before)):
            return year(written, accent)
    return cardinal((match["minus"] or "") + written, accent) + space


def _ordinal(accent: str, match: re.Match[str]) -> str:
    return words(match["number"].replace(",", ""), accent, "ordinal")


def fraction(accent: str, whole: str | None, above: str, below: str) -> str:
    """ "three and one half"; the two numbers where it is no fraction: 24/7, 9/11."""
    before = cardinal(whole, accent) if whole else ""
    numerator, denominator = (int(part) if part.isdigit() else 0 for part in (above, below))
    is_named = denominator in _DENOMINATORS or (numerator == 1 and denominator > 31)
    if not (0 < numerator < denominator and is_named):
        return " ".join([before, cardinal(above, accent), cardinal(below, accent)]).strip()
    name = {2: "half", 4: "quarter"}.get(denominator) or words(below, accent, "ordinal")
    return (f"{before} and " if before else "") + f"{words(above, accent)} {name}{'s' * (numerator > 1)}"


_DENOMINATORS = frozenset([*range(2, 11), 12, 16, 20, 32, 50, 64, 100])
_RATED = re.compile(r"(?i)\b(?:rat\w+|scored?|scoring|g[ai]ve\w*|grades?|gpa|solid|got)\b[^.\d]{0,20}$")
_RATING = re.compile(r",? (?:stars?|points?|would|correct|on)\b")
_RHYTHM = re.compile(r" (?:time|beat|meter|metre|jig|rhythm|bar|signature)\b")
_PRESSURE = re.compile(r"\b(?:BP|[Bb]lood pressure)\b[^.\d]{0,12}$")


def _fraction(accent: str, match: re.Match[str]) -> str:
    whole, above, below = match["whole"], match["above"], match["below"]
    after = match.string[match.end() :]
    is_part = bool(whole) or re.match(" (?:of|inch)", after) is not None
    if between := _between(match, is_part):
        unit = " millimeters of mercury" if match["pressure"] else ""
        return f"{cardinal(above, accent)} {between} {cardinal(below, accent)}{unit}".replace("  ", " ")
    if float(below) > 10 and not is_part and not (above == "1" and float(below) > 31):
        return f"{cardinal(above, accent)} {cardinal(below, accent)}"
    return fraction(accent, whole, above, below)


def _between(match: re.Match[str], is_part: bool) -> str | None:
    """What is said for the slash of 6/8 time, BP 120/80, 10/2 = 5, 4.5/5 stars and 18/20; None: no word."""
    before, after = match.string[max(0, match.start() - 40) : match.start()], match.string[match.end() :]
    above, below = float(match["above"]), float(match["below"])
    has_decimals = "." in match["above"] + match["below"]
    if _RHYTHM.match(after):
        return " "
    if match["pressure"] or _PRESSURE.search(before):
        return "over"
    if above > below:
        return (
            "divided by"
            if re.match(" ?=", after)
            else "to"
            if before.endswith("odds ")
            else "over" * has_decimals
        )
    if is_part or (above == below and below in (1, 20, 50)):
        return None
    if has_decimals and above < 1:
        return "over"
    is_date = above <= 12 and below <= 31
    is_rated = _RATED.search(before) or _RATING.match(after) or (below > 10 and above > 1 and not is_date)
    return "out of" if has_decimals or is_rated or above == below else None


ROWS: tuple[Row, ...] = (
    (
        "Indian number",
        r"(?<![\w.,])\d{1,2}(?:,\d\d)+,\d{3}(?![\d,])",
        lambda accent, match: indian(match[0], accent),
    ),
    (
        "decimal comma",
        r"(?<![\w.,(\[{/-])(?:0,\d{1,9}(?![\w,)\]}–-]|\.\d)"
        r"|\d{1,9},\d\d?(?= (?:thousand|million|billion|trillion)\b))",
        lambda accent, match: cardinal(match[0].replace(",", "."), accent),
    ),
    (
        "short year",
        r"(?<!\w)'0(?P<digit>\d)(?![\w'])",
        lambda accent, match: f"oh {cardinal(match['digit'], accent)}",
    ),
    (
        "fraction",
        r"(?<![\w/.,])(?:(?P<whole>\d{1,3})(?: +|-(?=\d/\d\b)))?(?P<above>\d{1,9}(?:\.\d{1,3})?)"
        r"/(?P<below>\d{1,9}(?:\.\d{1,3})?)(?P<pressure> ?mm ?Hg)?(?![\w/]|\.\d)",
        _fraction,
    ),
    (
        "decimals after a letter",
        r"\.(?:(?<=[A-Za-z]\d\.)|(?<=[A-Za-z]\d\d\.))\d{1,4}(?![\w.]\w|\w)",
        lambda accent, match: f" point {spell(match[0], accent)}",
    ),
    ("number sign", r"(?<!\w)#(?=[A-Z]{0,3}-?\d)", "number "),
    ("hashtag", r"(?<!\w)#(?=[A-Za-z])", "hashtag "),
    ("ordinal", r"(?<![\w.,])(?P<number>\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:st|nd|rd|th)\b", _ordinal),
    (
        "times as many",
        r"(?<![\w.,])(?P<number>\d+(?:\.\d+)?)[x×](?! ?(?:[-+=*^)²³]|/(?![a-z]))|\w)",
        lambda accent, match: f"{cardinal(match['number'], accent)} times",
    ),
    ("fifty-fifty", r"(?<![\w.,-])50[-/]50(?![\w-])", "fifty fifty"),
    (
        "number",
        rf"(?P<minus>(?<![\w)\].])[-−])?(?:(?<![A-Za-z\d])|(?<=\d[x×]))(?P<number>{NUMBER}|(?<![\w.])\.\d+)"
        r"(?:(?P<letters>)(?=[A-Za-zα-ωΑ-Ω]))?",
        _number,
    ),
)
