"""Abbreviations: with a full stop, without one, and with a slash."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...readings.rules import alternatives
from ..sentences import SENTENCE_END
from .numbers import Row

# Written with a full stop. espeak-ng knows Mr, Mrs and Messrs.
ABBREVIATIONS = {
    "Mr": "Mr", "Mrs": "Mrs", "Ms": "Mizz", "Messrs": "Messrs", "Dr": "Doctor", "Drs": "Doctors",
    "St": "Saint", "Prof": "Professor", "Profs": "Professors", "Rev": "Reverend", "Gen": "General",
    "Col": "Colonel",
    "Capt": "Captain", "Cpt": "Captain", "Cmdr": "Commander", "Lt": "Lieutenant", "Maj": "Major",
    "Sgt": "Sergeant", "Cpl": "Corporal", "Pvt": "Private", "Gov": "Governor", "Adm": "Admiral",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Supt": "Superintendent",
    "Hon": "Honorable", "Fr": "Father",
    "Br": "Brother", "Insp": "Inspector", "Det": "Detective", "Cdr": "Commander", "Brig": "Brigadier",
    "Amb": "Ambassador", "Atty": "Attorney", "Mme": "Madame", "Mlle": "Mademoiselle", "Jr": "Junior",
    "Sr": "Senior", "Mt": "Mount", "Mts": "Mountains", "Ft": "Fort",
    "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Hwy": "Highway", "Hwys": "Highways",
    "Rte": "Route", "Pkwy": "Parkway",
    "Inc": "Incorporated",
    "Ltd": "Limited", "Corp": "Corporation", "Co": "Company", "Bros": "Brothers", "Ph.D": "PhD",
    "Esq": "Esquire",
    "Assn": "Association", "Assoc": "Association", "Univ": "University", "Inst": "Institute",
    "Msgr": "Monsignor", "et al": "et al",
    "a.k.a": "also known as", "op. cit": "opere citato", "loc. cit": "loco citato",
}  # fmt: skip
# These stand before a name. Some names are words that begin a sentence: Dr. No, Mr. So.
TITLES = (
    "Mr|Mrs|Ms|Dr|Prof|Rev|Gen|Col|Capt|Cpt|Cmdr|Lt|Maj|Sgt|Cpl|Pvt|Gov|Adm|Sen|Rep|Hon|Fr|Br|Insp|Det|Cdr"
    "|Brig|"
    "Amb|Atty|Mme|Mlle"
).split("|")
_NAMES = re.compile(r"(?:\.|) ?(?:No|So|He|You|Do|Who|Still|Such|Even|May)\b(?!\.)")
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
    "ctr": "center", "acct": "account", "appt": "appointment", "mtg": "meeting", "qtr": "quarter",
    "doz": "dozen", "amt": "amount", "inc": "including",
}  # fmt: skip
# Short forms that are clear without a full stop; espeak-ng spells them.
WITHOUT_STOP = {
    **{short: COMMON[short] for short in (
        "vs approx qty dept avg govt tbsp tsp lbs mgr bldg incl excl pkg natl intl attn mfg acct appt mtg"
    ).split()},
    "thx": "thanks", "pls": "please", "plz": "please", "msg": "message", "msgs": "messages", "ppl": "people",
    "tmrw": "tomorrow", "tmr": "tomorrow", "2moro": "tomorrow", "2day": "today", "2nite": "tonight",
    "btwn": "between", "mgmt": "management", "wknd": "weekend", "gr8": "great", "b4": "before",
    "l8r": "later", "m8": "mate",
    "hwy": "highway", "utd": "united", "mins": "minutes", "hrs": "hours", "yrs": "years", "wks": "weeks",
}  # fmt: skip
AFTER_NAME = {
    "Ave": "Avenue",
    "Rd": "Road",
    "Blvd": "Boulevard",
    "Pkwy": "Parkway",
    "St": "Street",
    "Dr": "Drive",
    "Sq": "Square",
    "Pl": "Place",
    "Ln": "Lane",
    "Ct": "Court",
}
# Before a number, a Roman numeral or a letter; may begin with a small letter or a capital.
BEFORE_NUMBER = {
    "no": "number", "nos": "numbers", "nr": "number", "fig": "figure", "figs": "figures", "vol": "volume",
    "vols": "volumes", "p": "page", "pp": "pages", "pg": "page", "ch": "chapter", "chap": "chapter",
    "sec": "section",
    "sect": "section", "art": "article", "arts": "articles", "eq": "equation", "eqs": "equations",
    "pt": "part",
    "ex": "example", "exs": "examples", "tab": "table", "ver": "version", "rev": "revision",
    "ext": "extension",
    "apt": "apartment", "rm": "room", "para": "paragraph", "par": "paragraph", "thm": "theorem",
    "lem": "lemma",
    "def": "definition", "prop": "proposition", "app": "appendix", "inv": "invoice",
    "elev": "elevation", "pop": "population", "exp": "expires", "dep": "departing",
    "arr": "arriving", "rte": "route", "hwy": "highway", "ps": "psalm", "ref": "reference",
    "refs": "references",
    "bk": "book", "ll": "lines", "op": "opus", "c": "circa", "ca": "circa", "est": "established",
    "b": "born", "r": "reigned", "d": "died", "fl": "flourished",
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
SLASHED = {
    "w/o": "without", "w/out": "without", "w/in": "within", "b/c": "because", "and/or": "and or",
    "n/a": "N-Eh", "a/c": "A-C", "i/o": "I-O", "h/o": "history of", "w/v": "weight by volume",
    "v/v": "volume by volume",
    "he/she": "he or she", "she/he": "she or he", "s/he": "she or he", "his/her": "his or her",
    "him/her": "him or her", "yes/no": "yes or no", "sir/madam": "sir or madam",
}  # fmt: skip
PERIODS = {"y": "year", "q": "quarter", "m": "month", "w": "week"}
# "m/m" and "w/w" compare months and weeks where something changes; "w/w" of a mixture is by weight.
_CHANGE = re.compile(r"(?i)%|percent|\b(?:bps|pp|rose|fell|up|down|grew|growth|rates?|sales|cpi|gdp|index)\b")
_MIXTURE = re.compile(r"(?i)\b(?:solutions?|aqueous|ethanol|acid|water|salt|agar|gel|NaCl|mixture)\b|w/v|v/v")
# Short forms of two words.
PHRASES = (
    ("for example", r"\be\.\s?g\.,?", "for example,"),
    ("that is", r"\bi\.\s?e\.,?", "that is,"),
    ("with", r"\b[wW]/(?=\s)", "with"),
    ("black and white", r"\b[bB]/[wW](?= (?:photo|picture|film|movie|image|print|TV))", "black and white"),
    ("between", r"\bb/w(?= )", "between"),
    ("week commencing", r"\bw/c(?= [\dA-Z])", "week commencing"),
    ("week ending", r"\bw/e(?= [\dA-Z])", "week ending"),
    ("edited by", r"\bed\.(?= by\b)", "edited"),
    ("edition", r"(?<=\d(?:st|nd|rd|th) )ed\.", "edition"),
    ("floor", r"(?<=\d(?:st|nd|rd|th) )fl\b\.?", "floor"),
    ("century", r"c(?<=\d(?:st|nd|rd|th) c)\b(?:\.(?= [a-zAB])|(?=\.))", "century"),
    ("care of", r"\bc/o(?= )", "care of"),
    ("number of", r"\b[Nn]o\. (?=of\b)", "number "),
    ("French", r"\bFr\.(?= [a-z])", "French"),
    ("the with an apostrophe", r"\bth'(?= [a-z])", "the"),
    ("versus", r"(?<=\w) v\.(?= [A-Z])", " versus"),
    ("Sister", r"(?:^|(?<=[a-z,] ))Sr\.?(?= (?:Mary|Maria|Teresa|Catherine|Agnes|Anne|Clare)\b)", "Sister"),
    ("right honorable", r"\bRt\.? Hon\b\.?", "Right Honorable"),
    ("Point", r"\bPt\.(?= [A-Z][a-z])", "Point"),
    ("latitude", r"\b[Ll]at\.(?= ?[-−]?\d)", "latitude"),
    ("longitude", r"\b[Ll]ong?\.(?= ?[-−]?\d{1,3}(?:\.\d+)? ?°)", "longitude"),
    ("per annum", r"p\.a(?<=[\w%] p\.a)(?:\.(?!\s*$|\s+[A-Z])|(?=\.))|pa\b(?<=% pa)", "per annum"),
    ("world war", r"\bWW ?(?:II|2)\b", "World War two"),
    ("first world war", r"\bWW ?[I1]\b", "World War one"),
)
_END = rf"(?:(?P<end>){SENTENCE_END})?"  # the group is set where the full stop ends the sentence too


def _with_stop(spoken: str, match: re.Match[str]) -> str:
    return spoken + ("." if match["end"] is not None else "")


def _abbreviation(accent: str, match: re.Match[str]) -> str:
    short = match["short"]
    if short in TITLES and _NAMES.match(match.string, match.end()):
        return ABBREVIATIONS[short]
    return _with_stop(ABBREVIATIONS[short], match)


def _without_stop(accent: str, match: re.Match[str]) -> str:
    spoken = WITHOUT_STOP[match["short"].lower()]
    return spoken.capitalize() if match["short"][0].isupper() else spoken


def _slashed(accent: str, match: re.Match[str]) -> str | None:
    short = match["short"]
    if short == "B/C":
        return None
    spoken = SLASHED[short.lower()]
    return spoken.capitalize() if short[0].isupper() and spoken[0].islower() else spoken


def _compared(accent: str, match: re.Match[str]) -> str | None:
    """5% y/y, YoY; mom and wow are words."""
    first, between = match["first"].lower(), match["between"]
    if first in "mw":
        nearby = match.string[max(0, match.start() - 100) : match.end() + 100]
        is_word = between == "o" and not match[0][::2].isupper()
        if is_word or not _CHANGE.search(nearby):
            return None
        if first == "w" and _MIXTURE.search(nearby):
            return "weight by weight"
    return f"{PERIODS[first]} {'on' if accent == 'en-gb' else 'over'} {PERIODS[first]}"


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


def _street(accent: str, match: re.Match[str]) -> str | None:
    """10 Downing St, 5th Ave"""
    before = match.string[max(0, match.start() - 20) : match.start()]
    return AFTER_NAME[match["short"]] if re.search(r"(?:[A-Z][a-z]+|\d(?:st|nd|rd|th)) $", before) else None


def _before_number(accent: str, match: re.Match[str]) -> str | None:
    short = match["short"]
    if short.lower() == "r" and not re.match(r"(?:c\. )?\d{3}", match.string[match.end() :]):
        return None  # of a king: in years
    return ("floor" if short == "Fl" else BEFORE_NUMBER[short.lower()]) + " "


def _state(accent: str, match: re.Match[str]) -> str:
    return _with_stop(STATES[match["short"]], match)


def _either_case(names: Iterable[str]) -> str:
    names = set(names)
    return alternatives({*names, *(name[0].upper() + name[1:] for name in names)})


_BEFORE = "|".join(
    f"[{n[0]}{n[0].upper()}]{re.escape(n[1:])}" if n[1:] else n
    for n in sorted(BEFORE_NUMBER, key=len, reverse=True)
)
ROWS: tuple[Row, ...] = (
    *PHRASES,
    ("short form with a slash", rf"(?<![\w/])(?P<short>(?i:{alternatives(SLASHED)}))(?![\w/])", _slashed),
    (
        "change over a period",
        r"(?<![\w/-])(?P<first>[yYqQmMwW])(?P<between>/|-o-|o)(?i:(?P=first))(?![\w/'-])",
        _compared,
    ),
    (
        "street after a name",
        rf"(?<=\w )(?P<short>St)\.(?:(?=[,;:)]|\s+[a-z&\d])|(?P<end>){SENTENCE_END})",
        _after_name,
    ),
    (
        "street without a full stop",
        r"(?<=\w )(?P<short>St|Ave|Rd|Blvd|Dr|Sq|Pl|Ln|Ct|Pkwy)(?P<end>(?!))?(?=[,;:)]|$| (?:[a-z&]"
        r"|[NSEW]{1,2}\b|\d))",
        _street,
    ),
    (
        "drive after a name",
        rf"(?<=\w )(?P<short>Dr|Sq|Pl|Ln|Ct)\.(?:(?=[,;:)]|\s+[a-z&\d])|(?P<end>){SENTENCE_END})",
        _after_name,
    ),
    (
        "abbreviation before a number",
        rf"(?<![\w.'])(?P<short>{_BEFORE})\. ?(?=\(?\d|[IVXL]{{2,}}\b(?!\.)|[ivxl]{{2,}}\b)",
        _before_number,
    ),
    (
        "short form before a number",
        r"(?<![\w.'/-])(?P<short>[Rr]m|[Rr]te|[Hh]wy|[Vv]ol|[Ff]ig|pp|pg) (?=\d)(?!pp \d+ ?%)",
        _before_number,
    ),
    (
        "abbreviation before a letter",
        r"(?<![\w.])(?P<short>[Ff]ig|[Aa]pp|[Ee]x|[Ee]q|[Tt]ab|[Vv]ol|[Aa]pt|[Rr]m)\. ?(?=\(?[A-Z]\d*\b"
        r"(?!\.))",
        _before_number,
    ),
    ("state of America", rf"(?:(?<=, )|(?<=\b[DRI]-))(?P<short>{alternatives(STATES)})\.{_END}", _state),
    ("abbreviation", rf"\b(?P<short>{alternatives(ABBREVIATIONS)})\.{_END}", _abbreviation),
    ("common abbreviation", rf"(?<![\w.'])(?P<short>{_either_case(COMMON)})\.{_END}(?!\w)", _common),
    (
        "abbreviation without a full stop",
        rf"(?<![\w.'@/#-])(?P<short>{_either_case(WITHOUT_STOP)})(?![\w'@/(-]|[.:]\w)(?:\.(?=\s+[a-z]))?",
        _without_stop,
    ),
    ("Ms", r"\bMs(?= [A-Z])", "Mizz"),
    ("Fr", r"\bFr(?= [A-Z][a-z])", "Father"),
    ("Dr", r"\bDr(?= [A-Z])", "Doctor"),
    ("St", r"\bSt(?= [A-Z])", "Saint"),
)
