"""Letters as letters: initials, initialisms, chemical formulas, the letter A; Roman numerals; states."""

from __future__ import annotations

import re

from ...readings.rules import alternatives
from ..names import HEIRS, REIGNS, RULERS, STATES, find_state
from ..sentences import SENTENCE_END
from .numbers import Row, cardinal, letter, letters, words

FORMULAS = (
    "NaCl NaOH HCl KCl KOH HBr LiCl AgCl CaO MgO ZnO NaF KBr CuO FeO PbO SiC GaAs CdTe CO NO HCN NaHCO KMnO"
).split()
NUMBERED = (
    "War|Chapter|Part|Book|Act|Scene|Volume|Section|Article|Phase|Type|Title|Level|Appendix|Bowl|Canto"
    "|Grade|Stage|"
    "Class|Table|Figure|Page|Apollo|Rocky|Mark|Category|Group|Unit|Lesson|Form|Factor|Olympiad|Corps"
    "|Division|"
    "Symphony|Century|Schedule|Verse|Psalm|Step|Episode"
)
# Initialisms that espeak-ng reads as words.
SPELLED = (
    "EOD EOM EOY ETA ETD FAQ AKA OT BA MA UX UAE EIN IPO IMF ECB EPS UFC FAA EPA IOU ICU ER OED IQ EQ VIP "
    "DOA AOB ABV "
    "ALS EEG ECG EKG EMT IED IUD AOC UAW UAV UC USC ESL EV IRL IDK OMW DOB EIA ACLU AWS NGO COD COO EMI "
    "ERP ESG ETF "
    "HOA IVF POV PTO QA RPG ROI ROA ROE SEO UPS ASL AFC ACL APR ATV CBO DEI DUI EDM EFT EPL ESP GOP HOV "
    "HVAC IBS INS "
    "IVR LAX NCAA NIH NYU OBE ROTC SOS TSA USPS UTI YTD IDE CLI CI OTP ACM IOC ANC IDF IAEA EEA AMA ABA "
    "ITV ESA ETH "
    "NUS PTA EMS ENT AA UV RSI ICBM OKR IIRC EZ OAP"
).split()
# These it spells, but without the "s" of the plural.
_PLURALS = "CPU GPU API URL ID UFO ATM CEO CFO CTO RBI MBA AI UI KPI MVP SUV OEM ISP NDA DIY FBI".split()
# What people mean by letters in messages; in small letters only, or with a capital at the beginning.
MESSAGES = {
    "idk": "I don't know", "idc": "I don't care", "brb": "be right back", "btw": "by the way",
    "imo": "in my opinion", "imho": "in my humble opinion", "lol": "laughing out loud",
    "rofl": "rolling on the floor laughing", "tbh": "to be honest", "ttyl": "talk to you later",
    "afaik": "as far as I know", "iirc": "if I recall correctly", "fyi": "for your information",
    "omg": "oh my God", "nvm": "never mind", "ikr": "I know, right", "irl": "in real life",
    "smh": "shaking my head", "hbu": "how about you", "wbu": "what about you", "omw": "on my way",
    "gtg": "got to go", "g2g": "got to go", "ofc": "of course", "lmk": "let me know", "hmu": "hit me up",
    "icymi": "in case you missed it", "tysm": "thank you so much", "bff": "best friend forever",
    "afk": "away from keyboard", "tfw": "that feeling when", "ngl": "not going to lie", "jk": "just kidding",
    "wdym": "what do you mean",
}  # fmt: skip
# They show that capitals are sentences: "US GDP UP" has none.
FUNCTION_WORDS = frozenset(
    "A ALL AND ARE AS AT BE BUT BY CAN DID DO DOES FOR FROM HAD HAS HAVE HE HER HIM HIS HOW I I'M IN IS LET "
    "LET'S ME MY NO NOT OF ON OR OUR SHE SO THAT THE THEIR THEM THEN THERE THEY THIS TO WAS WE WERE WHAT "
    "WHEN WHERE WHO WHY WILL WITH WOULD YOU YOUR".split()
)
_HEIR = re.compile(rf"\b(?:{HEIRS}) (?:[A-Z]\.? )?(?:Mc|Mac|O')?[A-Z][a-z]+ $")
_ELEMENT = r"(?:H|He|Li|B|C|N|O|F|Na|Mg|Al|Si|P|S|Cl|K|Ca|Mn|Fe|Cu|Zn|Br|Ag|I|Ba|Pb|U)"
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_END = rf"(?:(?P<end>){SENTENCE_END})?"  # the group is set where the full stop ends the sentence too


def _roman_value(written: str) -> int:
    values = [_ROMAN_DIGITS[character] for character in written.upper()]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))


def _initials(accent: str, match: re.Match[str]) -> str:
    spoken = letters(match["letters"])
    return spoken + "." if match["end"] is not None and match[0].endswith(".") else spoken


def _letters_with_and(accent: str, match: re.Match[str]) -> str:
    return f"{letter(match['first'])} and {letter(match['second'])}" + ("'s" if match["plural"] else "")


def _letters(accent: str, match: re.Match[str]) -> str:
    return letters(match[0])


def _initialism(accent: str, match: re.Match[str]) -> str | None:
    """An ETA; CPUs, TVs and FAQs: capitals without a vowel are letters too."""
    written = match["letters"]
    if match["plural"]:
        is_spelled = written in SPELLED or written in _PLURALS or not re.search("[AEIOUY]", written)
        return f"{letters(written)}'s" if is_spelled else None
    return letters(written) if written in SPELLED else None


def _word_in_capitals(accent: str, match: re.Match[str]) -> str | None:
    """IT WAS US: words, if most of the sentence is in capitals, and it is no list of initialisms."""
    found = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", match.string)
    capitals = [word for word in found if word.isupper()]
    is_sentence = len(found) >= 3 and len(capitals) >= 0.8 * len(found)
    return match[0].lower() if is_sentence and not FUNCTION_WORDS.isdisjoint(capitals) else None


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


def _postal(accent: str, match: re.Match[str]) -> str | None:
    return find_state(match.string[max(0, match.start() - 100) : match.start()], match["state"])


def _message(accent: str, match: re.Match[str]) -> str:
    spoken = MESSAGES[match["short"].lower()]
    return spoken[0].upper() + spoken[1:] if match["short"][0].isupper() else spoken


def _heir(accent: str, match: re.Match[str]) -> str | None:
    """John Smith III -> "John Smith the third"."""
    if not _HEIR.search(match.string, max(0, match.start() - 60), match.start()):
        return None
    return f"the {words(str(_roman_value(match['roman'])), accent, 'ordinal')}"


def _roman(accent: str, match: re.Match[str]) -> str:
    """Henry VIII -> "Henry the eighth", World War II -> "World War two", Scene iii -> "Scene three"."""
    value = str(_roman_value(match["roman"]))
    if match["ruler"]:
        return f"{match['ruler']} the {words(value, accent, 'ordinal')}"
    return f"{match['numbered']} {words(value, accent)}"


def _small_roman(accent: str, match: re.Match[str]) -> str:
    return f"{match['numbered']} {words(str(_roman_value(match['roman'])), accent)}"


def _roman_after_number_word(accent: str, match: re.Match[str]) -> str:
    return " to ".join(words(str(_roman_value(part)), accent) for part in re.split("[-–]", match[0]))


_ROMAN = r"(?=[IVXL]+\b)(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_SMALL_ROMAN = r"(?=[ivxl]{2,}\b)(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
ROWS: tuple[Row, ...] = (
    (
        "Roman numeral",
        r"\b(?:(?P<ruler>(?:King|Queen|Pope|Emperor|Empress|Tsar) \w+(?= I\b)"
        rf"|(?:{RULERS})(?! (?:I\b(?!'s|{REIGNS})|L\b(?!'s)|[VX]\.? [A-Z]))(?<!Malcolm(?= X)))"
        rf"|(?P<numbered>{NUMBERED})) (?P<roman>{_ROMAN})\b"
        r"(?:\.(?=[,;:]| [a-z]))?",
        _roman,
    ),
    (
        "heir",
        r"(?<=[a-z] )(?P<roman>I{2,3}|IV)\b",
        _heir,
    ),
    (
        "small Roman numeral",
        rf"\b(?P<numbered>(?i:{NUMBERED}|pages?|parts?|chapters?|verses?)) (?P<roman>{_SMALL_ROMAN})\b",
        _small_roman,
    ),
    (
        "Roman numeral after an abbreviation",
        rf"(?:(?<=[Vv]ol\. )|(?<=[Nn]o\. )(?=[IVXL]{{2}})|(?<=[Cc]h\. )|(?<=[Pp]t\. )|(?<=[Bb]k\. )"
        rf"|(?<=[Ss]ec\. )|(?<=[Aa]rt\. ))(?:{_ROMAN})\b|(?:(?<=\bp\. )|(?<=\bpp\. )|(?<=\bch\. )"
        rf"|(?<=[Vv]ol\. ))(?:{_SMALL_ROMAN})\b(?:[-–](?:{_SMALL_ROMAN})\b)?",
        _roman_after_number_word,
    ),
    (
        "Roman numeral after a name",
        r"(?<=[a-z] )(?<!\bthe )(?<!\ban )(?:XI{1,3}|X?VI{1,3}|I{2,3}|IX|XIV|XV"
        r"|XX[IV]+)(?![\w'])(?=[\s,.;:!?)]|$)",
        _roman_after_number_word,
    ),
    (
        "infusion",
        r"\bIV\b(?:(?= (?:drip|fluids?|line|bag|antibiotics?|injections?|infusion|therapy)\b)|(?<=\ban IV))",
        "I-V",
    ),
    (
        "word in capitals",
        r"(?<![\w.'&/-])(?<!\bTHE )"
        r"(?:IT(?! (?:DEPARTMENT|TEAM|STAFF|SUPPORT|SECURITY|MANAGER|SYSTEMS?|SECTOR)\b)"
        r"|US(?! (?:ARMY|NAVY|DOLLARS?|PRESIDENT|SENATE|CONGRESS|GOVERNMENT|OPEN|TROOPS|ECONOMY)\b)|UPS|MA)"
        r"(?![\w&/$]|\.\w)",
        _word_in_capitals,
    ),
    (
        "state after a city",
        rf"(?<=[a-z.,\d] )(?P<state>{'|'.join(STATES)})(?![\w&/-]|\.\w|'(?!s\b))",
        _postal,
    ),
    (
        "letters of a message",
        rf"(?<![\w.'@/#&-])(?P<short>{alternatives(MESSAGES)}|(?:(?<=^)|(?<=[.!?…] ))"
        rf"(?:Imo(?=,| (?:the|it|this|that|these|he|she|you|we|they|its|it's)\b)"
        rf"|{alternatives({m.capitalize() for m in MESSAGES} - {'Imo'})}))(?![\w'@/&-]|[.:]\w)",
        _message,
    ),
    ("initialism", r"(?<![\w.'&/-])(?P<letters>[A-Z]{2,5})(?P<plural>s)?(?![\w&]|'\w|\.\w)", _initialism),
    (
        "letters with and",
        r"(?<![\w&])(?P<first>[A-Z])(?:&| & )(?P<second>[A-Z])(?P<plural>s\b)?(?![\w&])",
        _letters_with_and,
    ),
    ("letters with a slash", r"(?<![\w/])[A-Z]/[A-Z](?![\w/])", _letters),
    ("slash between capitals", r"(?<=[A-Z]{2})/(?=[A-Z]{2})", " "),
    ("degree", r"\b(?:[BM]\.Sc|[BM]\.Ed|Ed\.D|LL\.[BM]|D\.Phil|Psy\.D|Pharm\.D)\b\.?", _letters),
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
