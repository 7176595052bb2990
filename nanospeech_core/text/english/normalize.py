"""Written English to spoken English: numbers, times, dates and abbreviations become words.

One table of (pattern, reading), applied in order. `espeak` cuts a sentence at every punctuation mark before
espeak-ng reads it, so "3.5", "10:30", "Mr." and "U.S." must become words here.
"""

import functools
import re
from collections.abc import Callable

from ..sentences import SENTENCE_END
from . import numbers

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_MONTH = "|".join(rf"{month}|{month[:3]}\b\.?" for month in numbers.MONTHS) + r"|Sept\b\.?"

_FOLD = str.maketrans({
    "‘": "'", "’": "'", "´": "'", "′": "'", "″": '"', "−": "-", "‐": "-", "‑": "-", "\u00a0": " ",
    "\u202f": " ", "\u00ad": None, "\u200b": None, "\u200c": None, "\u200d": None, "\u2060": None,
    "\ufeff": None, "½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "№": "No. ",
})  # fmt: skip

# Written with a full stop. espeak-ng knows Mr, Mrs and Messrs.
_ABBREVIATIONS = {
    "Mr": "Mr", "Mrs": "Mrs", "Ms": "Mizz", "Messrs": "Messrs", "Dr": "Doctor", "Drs": "Doctors",
    "St": "Saint", "Prof": "Professor", "Rev": "Reverend", "Gen": "General", "Col": "Colonel",
    "Capt": "Captain", "Lt": "Lieutenant", "Maj": "Major", "Sgt": "Sergeant", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Supt": "Superintendent",
    "Hon": "Honorable", "Jr": "Junior", "Sr": "Senior", "Mt": "Mount", "Ft": "Fort", "Ave": "Avenue",
    "Blvd": "Boulevard", "Rd": "Road", "Inc": "Incorporated", "Ltd": "Limited", "Corp": "Corporation",
    "Co": "Company", "Bros": "Brothers", "Dept": "Department", "Ph.D": "PhD", "vs": "versus",
    "etc": "et cetera", "approx": "approximately", "cf": "compare", "viz": "namely",
    "a.k.a": "also known as",
}  # fmt: skip
_AFTER_NAME = {"St": "Street", "Dr": "Drive"}
_BEFORE_NUMBER = {
    "No": "number", "Nos": "numbers", "Fig": "figure", "Figs": "figures", "Vol": "volume", "Vols": "volumes",
    "p": "page", "pp": "pages", "Ch": "chapter", "Sec": "section", "Art": "article", "Eq": "equation",
    "Pt": "part",
}  # fmt: skip
_RULERS = (
    "Albert|Alexander|Alfonso|Benedict|Catherine|Charles|Christian|Clement|Constantine|Darius|Edward|Elizabeth|"
    "Ferdinand|Francis|Frederick|Friedrich|George|Gregory|Gustav|Haakon|Harald|Henry|Innocent|Ivan|James|"
    "John|Carlos|Joseph|Leo|Leopold|Louis|Ludwig|Mary|Maximilian|Mehmed|Napoleon|Nicholas|Otto|Paul|Pedro|"
    "Peter|Philip|Pius|Ramesses|Richard|Robert|Rudolf|Sixtus|Umberto|Urban|Victoria|Wilhelm|William|Xerxes"
)
_NUMBERED = "War|Chapter|Part|Book|Act|Scene|Volume|Section|Article|Phase|Type|Title|Level|Appendix|Bowl"
_WEB = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon",
    "?": "question mark", "=": "equals", "&": "and", "+": "plus", "#": "hash", "%": "percent",
    "~": "tilde",
}  # fmt: skip


def normalize(text: str, accent: str = "en-us") -> str:
    """Spell out what espeak-ng would misread. Text that needs nothing stays as it is.

    Args:
        text: one sentence (`split_sentences`); the mark of a list item or heading is dropped.
        accent: "en-us" or "en-gb".
    Raises:
        UserError: unicode-rbnf is not installed.
    """
    text = text.translate(_FOLD)
    for pattern, reading in _rules():
        text = pattern.sub(reading if isinstance(reading, str) else functools.partial(reading, accent), text)
    return " ".join(text.split())


def _read_web(accent: str, match: re.Match) -> str:
    address = re.sub(r"^https?://", "", match[0])
    return " ".join(re.sub(r"\W|_", lambda mark: f" {_WEB.get(mark[0], '')} ", address).split())


def _read_abbreviation(accent: str, match: re.Match) -> str:
    return _ABBREVIATIONS[match["short"]] + ("." if match["end"] is not None else "")


def _read_after_name(accent: str, match: re.Match) -> str:
    return f"{match['name']} {_AFTER_NAME[match['short']]}" + ("." if match["end"] is not None else "")


def _read_before_number(accent: str, match: re.Match) -> str:
    return _BEFORE_NUMBER[match["short"]] + " "


def _read_initials(accent: str, match: re.Match) -> str:
    letters = re.sub(r"[.\s]+", "-", match["letters"]).upper()  # hyphens keep "A" from being the article
    if match["end"] is not None and match[0].endswith("."):
        return letters + "."
    return "Eh" if letters == "A" else letters


def _alternatives(words: dict[str, str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@functools.cache
def _rules() -> tuple[tuple[re.Pattern, str | Callable[[str, re.Match], str]], ...]:
    end = rf"(?:(?P<end>){SENTENCE_END})?"  # the group is set where the full stop ends the sentence too
    half = rf"(?P<half>[aApP])(?:[mM]\b|\.\s?[mM]\b(?:\.(?!{SENTENCE_END[3:]})?)"
    magnitudes = "hundred|thousand|million|billion|trillion|[kKmMbB]|mn|[bt]n"
    months = rf"(?P<month>{_MONTH})"
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    table = (
        # Markdown, dashes
        (r"^\s*(?:#{1,6}|[-*•])\s+", ""),
        (r"\[([^\[\]]+)\]\([^()\s]*\)", r"\1"),
        (r"(?<![\w*_`])[*_`]+(?=\w)|(?<=[\w.,!?])[*_`]+(?![\w*_`])", ""),
        (r"(?<!\S)[*_=~#-]{3,}(?!\S)", ""),
        (r"(?<=\d) - (?=\d+ ?=)", " minus "),
        (r"(?<=\d) – (?=\d)", " to "),
        (r" [-–]{1,2} ", " — "),
        (r"--+|(?<=[^\W\d])–(?=[^\W\d])", "—"),
        # Addresses
        (r"(?:https?://|\bwww\.)[^\s<>\"]*[\w/]", _read_web),
        (r"\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+", _read_web),
        (
            r"\b[\w-]{1,63}(?:\.[\w-]{1,63})*\.(?:com|org|net|edu|gov|io|ai|co\.uk)\b(?:/[^\s<>\"]*[\w/])?",
            _read_web,
        ),
        # Numbers, the more particular first
        (
            r"(?<![\w.-])(?:\+?\d{1,3}[ .-])?(?:\(\d{3}\) ?|\d{3}[-. ])?\d{3}[-.]\d{4}(?![\w-])",
            numbers.phone,
        ),
        (r"(?<![\w.])\+\d{1,3}(?:[ -]?\d{2,}){2,}(?!\w)", numbers.phone),
        (r"\b(?P<year>[12]\d{3})-(?P<a>0[1-9]|1[0-2])-(?P<b>0[1-9]|[12]\d|3[01])\b", numbers.date),
        (r"\b(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<year>[12]\d{3})\b", numbers.date),
        (r"(?<=[\d%])[-–](?=[$£€]?\d)", " to "),
        (rf"\b{months} {day}\b(?![:.,]?\d|%)", numbers.month_day),
        (rf"\b(?P<the>[Tt]he )?{day} (?:of )?{months}(?!\w)", numbers.day_month),
        (
            r"(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])"
            rf"(?:\s?{half})?",
            numbers.time,
        ),
        (rf"(?<![\d:.])(?P<hour>\d{{1,2}})(?P<minute>)(?P<second>)\s?{half}", numbers.time),
        (r"(?<=\d):(?=\d)", " to "),
        (
            rf"(?:(?P<article>\b[Aa] )|(?P<minus>(?<!\w)-))?(?P<currency>US\$|[$£€¥₹]) ?"
            rf"(?P<number>(?P<comma>\d+,\d\d(?!\d|[.,]\d))|{_NUMBER}|\.\d+)"
            rf"(?:[ -]?(?P<magnitude>{magnitudes})\b)?",
            numbers.money,
        ),
        (r"(?<=\d)¢", " cents"),
        (r"(?<!\w)(\d)' ?(\d{1,2})(?:\"|'')", r"\1 foot \2"),
        (r"(?<!\w)'?(?P<century>1[1-9]|20)?(?P<tens>[1-9]0|(?<=\d\d)00)s\b", numbers.decade),
        (
            r"(?<![\w/.])(?:(?P<whole>\d{1,3}) +)?(?P<above>\d{1,9})/(?P<below>\d{1,9})(?![\w/])",
            numbers.fraction,
        ),
        (r"(?<=\d)(?: [x×] |[x×])(?=\d)", " by "),
        (
            rf"(?P<article>\b[Aa] )?(?<![\w.,])(?P<number>-?{_NUMBER})(?: |(?P<hyphen>-))?"
            rf"(?P<unit>{_alternatives(numbers.UNITS)})(?![\w/²³])(?:\.(?=\s+[a-z]))?",
            numbers.measure,
        ),
        (rf"\b(?P<short>{_alternatives(_BEFORE_NUMBER)})\. ?(?=\d)", _read_before_number),
        (r"(?<!\w)#(?=\d)", "number "),
        (r"(?<!\w)#(?=[A-Za-z])", "hashtag "),
        (r"~(?=\d)", "about "),
        (r"(?<![\w.,])(?P<number>\d{1,3}(?:,\d{3}){1,3}|\d{1,9})(?:st|nd|rd|th)\b", numbers.ordinal),
        (r"(?<!\w)[vV](?=\d+\.\d)", "v "),  # a capital would be five in "Type V"
        (r"(?:(?<=\bv )\d+(?:\.\d+)+|(?<![\w.])\d+(?:\.\d+){2,})(?!\w)", numbers.points),
        (
            rf"(?P<minus>(?<![\w)])-)?(?<![A-Za-z\d])(?P<number>{_NUMBER}|(?<![\w.])\.\d+)"
            r"(?:(?P<letters>)(?=[A-Za-z]))?",
            numbers.number,
        ),
        # Abbreviations
        (r"\be\.g\.,?", "for example,"),
        (r"\bi\.e\.,?", "that is,"),
        (r"\band/or\b", "and or"),
        (r"\bw/o\b", "without"),
        (r"\bw/(?=\s)", "with"),
        (
            rf"\b(?P<name>\w+) (?P<short>St)\.(?:(?=[,;:)]|\s+[a-z])|(?P<end>){SENTENCE_END})",
            _read_after_name,
        ),
        (
            rf"\b(?P<name>[A-Z]\w+) (?P<short>Dr)\.(?:(?=[,;:)]|\s+[a-z])|(?P<end>){SENTENCE_END})",
            _read_after_name,
        ),
        (rf"\b(?P<short>{_alternatives(_ABBREVIATIONS)})\.{end}", _read_abbreviation),
        (r"\bMs(?= [A-Z])", "Mizz"),
        (r"\bDr(?= [A-Z])", "Doctor"),
        (r"\bSt(?= [A-Z])", "Saint"),
        (
            rf"\b(?:(?P<ruler>(?:King|Queen|Pope|Emperor|Empress|Tsar) \w+(?= I\b)"
            rf"|(?:{_RULERS})(?! (?:[IL]\b|[VX]\.? [A-Z])))"
            rf"|(?P<numbered>{_NUMBERED})) (?P<roman>(?=[IVXL]+\b)(?:XL|L?X{{0,3}})(?:IX|IV|V?I{{0,3}}))\b"
            r"(?:\.(?=[,;:]| [a-z]))?",
            numbers.roman,
        ),
        (rf"\b(?P<letters>(?:[A-Z]\.\s?)+[A-Z](?=\.)|(?:[A-Za-z]\.)+[A-Za-z]\b)\.?{end}", _read_initials),
        (rf"\b(?P<letters>[A-HJ-Z])\.(?=\s+[A-Z][a-z]){end}", _read_initials),
    )
    return tuple((re.compile(pattern), reading) for pattern, reading in table)
