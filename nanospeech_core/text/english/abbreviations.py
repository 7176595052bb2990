"""Abbreviations, initials, names of letters, chemical formulas, Roman numerals."""

from __future__ import annotations

import re

from .numbers import Row, alternatives, cardinal, letter, letters, roman_value, words
from .sentences import SENTENCE_END

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
FORMULAS = (
    "NaCl NaOH HCl KCl KOH HBr LiCl AgCl CaO MgO ZnO NaF KBr CuO FeO PbO SiC GaAs CdTe CO NO HCN NaHCO KMnO"
).split()
RULERS = (
    "Albert|Alexander|Alfonso|Benedict|Catherine|Charles|Christian|Clement|Constantine|Darius|Edward|Elizabeth|"
    "Ferdinand|Francis|Frederick|Friedrich|George|Gregory|Gustav|Haakon|Harald|Henry|Innocent|Ivan|James|"
    "John|Carlos|Joseph|Leo|Leopold|Louis|Ludwig|Mary|Maximilian|Mehmed|Napoleon|Nicholas|Otto|Paul|Pedro|"
    "Peter|Philip|Pius|Ramesses|Richard|Robert|Rudolf|Sixtus|Umberto|Urban|Victoria|Wilhelm|William|Xerxes"
)
NUMBERED = (
    "War|Chapter|Part|Book|Act|Scene|Volume|Section|Article|Phase|Type|Title|Level|Appendix|Bowl|Canto|Grade|Stage|"
    "Class|Table|Figure|Page|Apollo|Rocky|Mark|Category|Group|Unit|Lesson|Form|Factor|Olympiad|Corps|Division|"
    "Symphony|Century|Schedule|Verse|Psalm|Step|Episode"
)
_ELEMENT = r"(?:H|He|Li|B|C|N|O|F|Na|Mg|Al|Si|P|S|Cl|K|Ca|Mn|Fe|Cu|Zn|Br|Ag|I|Ba|Pb|U)"
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


def _initials(accent: str, match: re.Match[str]) -> str:
    spoken = letters(match["letters"])
    return spoken + "." if match["end"] is not None and match[0].endswith(".") else spoken


def _letters_with_and(accent: str, match: re.Match[str]) -> str:
    return f"{letter(match['first'])} and {letter(match['second'])}"


def _letters(accent: str, match: re.Match[str]) -> str:
    return letters(match[0])


def _formula(accent: str, match: re.Match[str]) -> str | None:
    written = match[0]
    plain = re.sub(r"\d", "", written)
    parts = re.findall(r"[A-Za-z]+|\d+", written)
    if plain not in FORMULAS and written not in ("O2", "O3", "N2", "H2", "Cl2"):
        if not any(c.isdigit() for c in written) or len(re.findall("[A-Z]", written)) < 2:
            return None
        if (
            len(plain) == 2
            and plain[0] == plain[1]
            or re.fullmatch(r"[A-Z]\d[A-Z]", written)
            and "O" not in plain
        ):
            return None  # P2P, B2B, B2C
    elif plain in ("CO", "NO") and plain == written:
        return None
    return " ".join(cardinal(part, accent) if part.isdigit() else letters(part) for part in parts)


def _roman(accent: str, match: re.Match[str]) -> str:
    """Henry VIII -> "Henry the eighth", World War II -> "World War two", Scene iii -> "Scene three"."""
    value = str(roman_value(match["roman"]))
    if match["ruler"]:
        return f"{match['ruler']} the {words(value, accent, 'ordinal')}"
    return f"{match['numbered']} {words(value, accent)}"


def _small_roman(accent: str, match: re.Match[str]) -> str:
    return f"{match['numbered']} {words(str(roman_value(match['roman'])), accent)}"


def _roman_after_number_word(accent: str, match: re.Match[str]) -> str:
    return words(str(roman_value(match[0])), accent)


def _either_case(names: dict[str, str]) -> str:
    return alternatives({*names, *(name[0].upper() + name[1:] for name in names)})


_ROMAN = r"(?=[IVXL]+\b)(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_SMALL_ROMAN = r"(?=[ivxl]{2,}\b)(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
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
    (
        "Roman numeral",
        r"\b(?:(?P<ruler>(?:King|Queen|Pope|Emperor|Empress|Tsar) \w+(?= I\b)"
        rf"|(?:{RULERS})(?! (?:[IL]\b|[VX]\.? [A-Z])))"
        rf"|(?P<numbered>{NUMBERED})) (?P<roman>{_ROMAN})\b"
        r"(?:\.(?=[,;:]| [a-z]))?",
        _roman,
    ),
    (
        "small Roman numeral",
        rf"\b(?P<numbered>(?i:{NUMBERED}|pages?|parts?|chapters?|verses?)) (?P<roman>{_SMALL_ROMAN})\b",
        _small_roman,
    ),
    (
        "Roman numeral after an abbreviation",
        rf"(?:(?<=[Vv]ol\. )|(?<=[Nn]o\. )(?=[IVXL]{{2}})|(?<=[Cc]h\. )|(?<=[Pp]t\. )|(?<=[Bb]k\. )"
        rf"|(?<=[Ss]ec\. )|(?<=[Aa]rt\. ))(?:{_ROMAN})\b|(?:(?<=\bp\. )|(?<=\bpp\. )"
        rf"|(?<=[Vv]ol\. ))(?:{_SMALL_ROMAN})\b",
        _roman_after_number_word,
    ),
    (
        "Roman numeral after a name",
        r"(?<=[a-z] )(?<!\bthe )(?<!\ban )(?:XI{1,3}|X?VI{1,3}|I{2,3}|IX|XIV|XV"
        r"|XX[IV]+)(?![\w'])(?=[\s,.;:!?)]|$)",
        _roman_after_number_word,
    ),
    ("letters with and", r"(?<![\w&])(?P<first>[A-Z])(?:&| & )(?P<second>[A-Z])(?![\w&])", _letters_with_and),
    ("letters with a slash", r"(?<![\w/])[A-Z]/[A-Z](?![\w/])", _letters),
    ("slash between capitals", r"(?<=[A-Z]{2})/(?=[A-Z]{2})", " "),
    ("degree", r"\bB\.Sc\b\.?|\bM\.Sc\b\.?|\bB\.Ed\b\.?", _letters),
    (
        "initials",
        rf"\b(?P<letters>(?:[A-Z]\.\s?)+[A-Z](?=\.)|(?:[A-Za-z]\.)+[A-Za-z]\b)\.?{_END}",
        _initials,
    ),
    ("initial", rf"\b(?P<letters>[A-HJ-Z])\.(?=\s+[A-Z][a-z]){_END}", _initials),
    (
        "chemical formula",
        rf"(?<![A-Za-z-])(?<!\d-){_ELEMENT}\d{{0,2}}(?:\(?{_ELEMENT}\d{{0,2}}\)?\d?){{0,6}}(?![\w-])",
        _formula,
    ),
    (
        "the letter A",
        r"(?<![\w'.-])A(?=[;:!?)]|[.,\"”](?!\w)|$| (?:is|was|and|or|to)\b| ?[=+<>^])(?![.] ?[A-Z]\.)"
        r"|(?<= the )A(?= )|(?<= an )A(?![\w'-])|(?<=[a-z] )A(?= [a-z]+s\b(?= ))(?!.)"
        r"|(?<![\w'])a(?= ?[=+<>^÷×] ?[\w(])|(?<=[=+<>^÷×] )a(?![\w' ]|$ )",
        "Eh",
    ),
)
