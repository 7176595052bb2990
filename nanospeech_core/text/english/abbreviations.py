"""Abbreviations, initials, names of letters, chemical formulas, Roman numerals."""

from __future__ import annotations

import re

from ..sentences import SENTENCE_END
from .numbers import Row, alternatives

# Written with a full stop. espeak-ng knows Mr, Mrs and Messrs.
ABBREVIATIONS = {
    "Mr": "Mr", "Mrs": "Mrs", "Ms": "Mizz", "Messrs": "Messrs", "Dr": "Doctor", "Drs": "Doctors",
    "St": "Saint", "Prof": "Professor", "Rev": "Reverend", "Gen": "General", "Col": "Colonel",
    "Capt": "Captain", "Cpt": "Captain", "Cmdr": "Commander", "Lt": "Lieutenant", "Maj": "Major",
    "Sgt": "Sergeant", "Cpl": "Corporal", "Pvt": "Private", "Gov": "Governor", "Adm": "Admiral",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Supt": "Superintendent",
    "Hon": "Honorable", "Jr": "Junior", "Sr": "Senior", "Mt": "Mount", "Mts": "Mountains", "Ft": "Fort",
    "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Hwy": "Highway", "Pkwy": "Parkway",
    "Inc": "Incorporated",
    "Ltd": "Limited", "Corp": "Corporation", "Co": "Company", "Bros": "Brothers", "Ph.D": "PhD",
    "Esq": "Esquire",
    "Assn": "Association", "Univ": "University", "Inst": "Institute", "Msgr": "Monsignor", "et al": "et al",
    "a.k.a": "also known as", "op. cit": "opere citato", "loc. cit": "loco citato",
}  # fmt: skip
# These may begin with a small letter or a capital.
COMMON = {
    "dept": "department", "approx": "approximately", "max": "maximum", "min": "minimum", "vs": "versus",
    "etc": "et cetera", "cf": "compare", "viz": "namely", "avg": "average", "incl": "including",
    "excl": "excluding",
    "misc": "miscellaneous", "temp": "temperature", "govt": "government", "intl": "international",
    "esp": "especially", "resp": "respectively", "orig": "originally", "bldg": "building",
    "asst": "assistant",
    "attn": "attention", "apt": "apartment", "est": "estimated", "tel": "telephone", "ext": "extension",
    "cont": "continued", "abbr": "abbreviated", "mgr": "manager", "mfg": "manufacturing", "qty": "quantity",
    "req": "required", "std": "standard", "ca": "circa", "tbsp": "tablespoon", "tsp": "teaspoon",
    "lb": "pound",
    "lbs": "pounds", "oz": "ounce", "sq": "square", "pkg": "package", "dir": "director", "edn": "edition",
    "eds": "editors", "ibid": "ibidem", "yr": "year", "yrs": "years", "hr": "hour", "hrs": "hours",
    "mins": "minutes", "secs": "seconds", "freq": "frequency", "vocab": "vocabulary", "encl": "enclosed",
    "par": "paragraph", "pl": "plural", "vol": "volume", "vols": "volumes", "natl": "national",
    "ctr": "center",
}  # fmt: skip
AFTER_NAME = {"St": "Street", "Dr": "Drive", "Sq": "Square", "Pl": "Place", "Ln": "Lane", "Ct": "Court"}
# Before a number, a Roman numeral or a letter; may begin with a small letter or a capital.
BEFORE_NUMBER = {
    "no": "number", "nos": "numbers", "nr": "number", "fig": "figure", "figs": "figures", "vol": "volume",
    "vols": "volumes", "p": "page", "pp": "pages", "ch": "chapter", "chap": "chapter", "sec": "section",
    "sect": "section", "art": "article", "arts": "articles", "eq": "equation", "eqs": "equations",
    "pt": "part",
    "ex": "example", "exs": "examples", "tab": "table", "ver": "version", "rev": "revision",
    "ext": "extension",
    "apt": "apartment", "rm": "room", "para": "paragraph", "par": "paragraph", "thm": "theorem",
    "lem": "lemma",
    "def": "definition", "prop": "proposition", "app": "appendix", "ref": "reference", "refs": "references",
    "bk": "book", "ll": "lines", "op": "opus", "c": "circa", "ca": "circa", "est": "established",
    "b": "born", "d": "died", "fl": "flourished",
    "approx": "approximately", "ser": "series", "iss": "issue", "q": "question", "ste": "suite",
}  # fmt: skip
STATES = {
    "Ala": "Alabama", "Ariz": "Arizona", "Ark": "Arkansas", "Calif": "California", "Colo": "Colorado",
    "Conn": "Connecticut", "Del": "Delaware", "Fla": "Florida", "Ga": "Georgia", "Ill": "Illinois",
    "Ind": "Indiana",
    "Kan": "Kansas", "Ky": "Kentucky", "La": "Louisiana", "Mass": "Massachusetts", "Md": "Maryland",
    "Mich": "Michigan", "Minn": "Minnesota", "Miss": "Mississippi", "Mo": "Missouri", "Mont": "Montana",
    "Neb": "Nebraska", "Nev": "Nevada", "Okla": "Oklahoma", "Ore": "Oregon", "Pa": "Pennsylvania",
    "Tenn": "Tennessee", "Tex": "Texas", "Va": "Virginia", "Vt": "Vermont", "Wash": "Washington",
    "Wis": "Wisconsin", "Wyo": "Wyoming",
}  # fmt: skip
# Short forms without a full stop, and of two words.
PHRASES = (
    ("for example", r"\be\.\s?g\.,?", "for example,"),
    ("that is", r"\bi\.\s?e\.,?", "that is,"),
    ("and or", r"\band/or\b", "and or"),
    ("without", r"\bw/o\b", "without"),
    ("with", r"\bw/(?=\s)", "with"),
    ("because", r"\bb/c\b", "because"),
    ("care of", r"\bc/o(?= )", "care of"),
    ("number of", r"\b[Nn]o\. (?=of\b)", "number "),
    ("the with an apostrophe", r"\bth'(?= [a-z])", "the"),
    ("versus", r"(?<=\w) v\.(?= [A-Z])|(?<=[A-Z]) vs(?= [A-Z])", " versus"),
)
# Before a chapter and a verse.
BIBLE = {
    "Gen": "Genesis", "Ex": "Exodus", "Exod": "Exodus", "Lev": "Leviticus", "Num": "Numbers",
    "Deut": "Deuteronomy", "Ps": "Psalm", "Prov": "Proverbs", "Isa": "Isaiah", "Jer": "Jeremiah",
    "Matt": "Matthew", "Rom": "Romans", "Cor": "Corinthians", "Gal": "Galatians", "Eph": "Ephesians",
    "Phil": "Philippians", "Col": "Colossians", "Heb": "Hebrews", "Rev": "Revelation",
}  # fmt: skip
_END = rf"(?:(?P<end>){SENTENCE_END})?"  # the group is set where the full stop ends the sentence too


def _with_stop(spoken: str, match: re.Match[str]) -> str:
    return spoken + ("." if match["end"] is not None else "")


def _abbreviation(accent: str, match: re.Match[str]) -> str:
    return _with_stop(ABBREVIATIONS[match["short"]], match)


def _common(accent: str, match: re.Match[str]) -> str:
    short = match["short"]
    spoken = COMMON[short[0].lower() + short[1:]]
    return _with_stop(spoken.capitalize() if short[0].isupper() else spoken, match)


def _after_name(accent: str, match: re.Match[str]) -> str | None:
    """Elm St., 42nd St., Oak Dr."""
    before = match.string[max(0, match.start() - 20) : match.start()]
    if match["short"] != "St" and not re.search(r"(?:[A-Z]\w*|\d(?:st|nd|rd|th)) $", before):
        return None
    return _with_stop(AFTER_NAME[match["short"]], match)


def _before_number(accent: str, match: re.Match[str]) -> str:
    return BEFORE_NUMBER[match["short"].lower()] + " "


def _book(accent: str, match: re.Match[str]) -> str:
    return BIBLE[match["short"]]


def _state(accent: str, match: re.Match[str]) -> str:
    return _with_stop(STATES[match["short"]], match)


def _either_case(names: dict[str, str]) -> str:
    return alternatives({*names, *(name[0].upper() + name[1:] for name in names)})


_BEFORE = "|".join(
    f"[{n[0]}{n[0].upper()}]{re.escape(n[1:])}" if n[1:] else n
    for n in sorted(BEFORE_NUMBER, key=len, reverse=True)
)
ROWS: tuple[Row, ...] = (
    *PHRASES,
    (
        "street after a name",
        rf"(?<=\w )(?P<short>St)\.(?:(?=[,;:)]|\s+[a-z])|(?P<end>){SENTENCE_END})",
        _after_name,
    ),
    (
        "drive after a name",
        rf"(?<=\w )(?P<short>Dr|Sq|Pl|Ln|Ct)\.(?:(?=[,;:)]|\s+[a-z])|(?P<end>){SENTENCE_END})",
        _after_name,
    ),
    ("book of the Bible", rf"\b(?P<short>{alternatives(BIBLE)})\.(?= \d+:\d)", _book),
    (
        "abbreviation before a number",
        rf"(?<![\w.'])(?P<short>{_BEFORE})\. ?(?=\(?\d|[IVXL]{{2,}}\b(?!\.)|[ivxl]{{2,}}\b)",
        _before_number,
    ),
    (
        "abbreviation before a letter",
        r"(?<![\w.])(?P<short>[Ff]ig|[Aa]pp|[Ee]x|[Ee]q|[Tt]ab|[Vv]ol|[Aa]pt)\. ?(?=\(?[A-Z]\d*\b(?!\.))",
        _before_number,
    ),
    ("state of America", rf"(?<=, )(?P<short>{alternatives(STATES)})\.{_END}", _state),
    ("abbreviation", rf"\b(?P<short>{alternatives(ABBREVIATIONS)})\.{_END}", _abbreviation),
    ("common abbreviation", rf"(?<![\w.'])(?P<short>{_either_case(COMMON)})\.{_END}(?!\w)", _common),
    ("Ms", r"\bMs(?= [A-Z])", "Mizz"),
    ("Dr", r"\bDr(?= [A-Z])", "Doctor"),
    ("St", r"\bSt(?= [A-Z])", "Saint"),
)
