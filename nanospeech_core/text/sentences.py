"""Split text into sentences that are neither too long nor too short to be spoken well.

No character but white space is ever dropped.
"""

import re

from .characters import HAN, is_han
from .chinese.pinyin import cut_words

# Words after which a full stop does not end the sentence: a name, a number or an explanation follows.
_NEVER = frozenset(
    "mr mrs ms messrs dr drs prof rev hon gen col capt cpt cmdr lt maj sgt cpl pvt gov sen rep pres supt "
    "mt e.g i.e cf vs viz approx ca al messrs adm".split()
)
# The same, but only before a number ("No. 5"; "He said no." ends a sentence).
_BEFORE_NUMBER = frozenset(
    "no nos nr fig figs vol vols p pp ch chap sec art eq eqs pt ex ver rev ext apt rm para par ref op c "
    "b d bk "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# Before a letter or a Roman numeral too: "Fig. A", "vol. ii".
_BEFORE_LETTER = frozenset("fig figs vol vols p pp ch chap sec art eq pt ex app apt bk".split())
# Only before a small letter or a number: "1 tbsp. sugar", "max. 5", "etc. and". A capital starts a sentence.
_BEFORE_SMALL = frozenset(
    "etc max min avg dept govt incl excl misc temp bldg tel tbsp tsp oz lb lbs ft yd mi gal qt sq cu mins "
    "sec secs hr hrs wk wks yr yrs mo cm mm km kg esp resp orig intl qty pkg asst attn ed eds trans".split()
)
# The full stop belongs to the word; it ends the sentence only before one of STARTERS.
_MAYBE = frozenset("st ave blvd rd hwy jr sr inc ltd co corp bros dept est ph.d ft".split())
# The same, with a capital only ("He sat.").
_MAYBE_CAPITAL = frozenset(
    "Mon Tue Tues Wed Weds Thu Thur Thurs Fri Sat Jan Feb Mar Apr Jun Jul Aug Sept Oct Nov Dec "
    "Calif Mass Conn Fla Mich Minn Tenn Tex Wash Pa Va".split()
)
# Words that start a sentence far more often than they continue one when written with a capital.
STARTERS = (
    "The|This|That|These|Those|He|She|It|We|They|You|There|Here|But|And|So|Then|When|While|If|In|On|At|As|"
    "After|Before|However|What|Why|How|Who|Where|His|Her|My|Our|Their|Its|Not|No|Yes|For|From|With|"
    "Whether|Although|Though|Because|Since|Once|Until|Unless|Even|Each|Every|Some|Many|Most|All|Both|Another|"
    "Such|Now|Today|Later|Soon|Maybe|Perhaps|Please|Let|Do|Does|Did|Is|Are|Was|Were|Can|Could|Would|Should|Have|"
    "Has|Had|To|By|During|Without|Through|Yet|Or|Thus|Therefore|Moreover|Furthermore|Meanwhile|Also|Still|Never|"
    "Always|Often|Sometimes|Indeed|Instead|Finally|Which|Whose|Nobody|Someone|Everyone|Everything|Nothing|Something|Open|Closed|"
    r"An?(?= [a-z])|I(?=[ '’][a-z])"
)

_CLOSERS = "\"'”’»)\\]}」』）】》"
# A full stop that belongs to a word also ends its sentence when this follows it.
SENTENCE_END = rf"(?=[{_CLOSERS}]*(?:\s*$|\s+[\"'“‘(]*(?:{STARTERS})\b))"

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*|\n\s*(?=(?:[-*•]|\d{1,3}[.)])[^\S\n])")
# Marks of a Western keyboard between Chinese characters, where no space follows.
_TYPED = rf"(?<=[{HAN}])(?:[!?]+|\.(?!\.))(?=[{_CLOSERS}]*[{HAN}])"
_TERMINATOR = re.compile(
    rf"(?P<cjk>(?:[。！？；｡]+|…{{2,}}(?![，、：—])|{_TYPED})[{_CLOSERS}]*)"
    rf"|(?<![.!?…])(?P<stop>[.!?…]+)(?P<closers>[{_CLOSERS}]*)(?=\s)"
)
_SENTENCE_END = re.compile(SENTENCE_END)
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LAST_WORD = re.compile(r"[^\s\"'“‘(\[{—–]*$")
_LETTER_OR_ROMAN = re.compile(r"[A-HJ-Z]\d*(?![\w'’.])|(?:[IVXL]{2,}|[ivxl]+)(?![\w'’])")
_INCHES = re.compile(r"\d in$")
_BREAKS = tuple(map(re.compile, (r"[;；…]\s*|\.{3}\s*", r":\s+|：|[—–]\s*", r",\s+|[，、]", r"\s+")))


def split_sentences(text: str, max_characters: int = 300, min_characters: int = 24) -> list[str]:
    """Split text into sentences of at most `max_characters`, in order, whitespace collapsed to single spaces.

    A sentence that is too long is divided at ; : — , and then at spaces. A text without
    spaces is cut, Chinese between words. One shorter than `min_characters` is joined to a neighbor in its
    paragraph if both fit: short clips sound bad.
    Blank lines and list items always separate. In Chinese text a character counts as three.
    """
    sentences: list[str] = []
    for paragraph in _PARAGRAPH.split(text):
        paragraph = " ".join(paragraph.split())
        limit, least = length_limit(max_characters, paragraph), length_limit(min_characters, paragraph)
        spans = [piece for span in _sentence_spans(paragraph) for piece in _divide(paragraph, *span, limit)]
        sentences += [paragraph[a:b].strip() for a, b in _merge(spans, limit, least)]
    return [sentence for sentence in sentences if sentence]


def first_sentence_end(text: str, least: int) -> int:
    """Where the first sentence of an unfinished text ends; 0 if that is not certain yet.

    Args:
        text: the beginning of a paragraph, with single spaces.
        least: characters; a shorter sentence goes with the next one.
    """
    start = 0
    for match in _TERMINATOR.finditer(text):
        following = text[match.end() :].lstrip()
        if not following:
            return 0
        if not match["cjk"]:
            word = _last_word(text, start, match)
            if _needs_next_word(word) and not re.match(r"\S+\s+\S", following):
                return 0  # its next word is not whole
            if not _ends_sentence(text, start, match):
                continue
        if match.end() >= length_limit(least, text[: match.end()]):
            return match.end()
        start = match.end()
    return 0


def first_break(text: str, limit: int) -> int:
    """Where to divide a sentence of more than `limit` characters first."""
    return _divide(text, 0, len(text), limit)[0][1]


def length_limit(characters: int, text: str) -> int:
    """The number of characters of this text that speak as long as some characters of English text."""
    chinese = 2 * len(_CJK.findall(text)) > len(text)
    return max(1, characters // 3) if chinese else characters  # a Chinese character is a syllable


def _sentence_spans(text: str) -> list[tuple[int, int]]:
    """Cut points of one paragraph, as half-open spans that cover it."""
    spans, start = [], 0
    for match in _TERMINATOR.finditer(text):
        if match["cjk"] or _ends_sentence(text, start, match):
            spans.append((start, match.end()))
            start = match.end()
    return [*spans, (start, len(text))] if start < len(text) else spans


def _ends_sentence(text: str, start: int, match: re.Match) -> bool:
    stop, following = match["stop"], text[match.end() : match.end() + 8].lstrip()
    if match["closers"] and following[:1].islower():
        return False  # "Stop!" he said.
    if stop != ".":
        return "..." not in stop and "…" not in stop
    word = _last_word(text, start, match)
    if word.isdigit() and match.start() - len(word) == start:
        return False  # "1. An item"
    word = re.split("[-/]", word)[-1]  # Mon.-Fri.
    lowered = word.lower()
    if lowered in _NEVER:
        return False
    if lowered in _BEFORE_NUMBER and following[:1].isdigit():
        return False
    if lowered in _BEFORE_LETTER and _LETTER_OR_ROMAN.match(following):
        return False
    in_small = lowered in _BEFORE_SMALL or _INCHES.search(text, max(start, match.start() - 4), match.start())
    if in_small and (following[:1].islower() or following[:1].isdigit()):
        return False
    if word == "I":
        return not _is_initial(text, start, match)
    if _may_own_stop(word):
        return bool(_SENTENCE_END.match(text, match.end("stop")))
    return True


def _is_initial(text: str, start: int, match: re.Match) -> bool:
    """Whether the "I" before a full stop is a letter of a name: "N. I. N. A.", "I. M. Pei"."""
    before = text[max(start, match.start() - 5) : match.start() - 1]
    if re.search(r"(?:^|\s)[A-Z]\.\s?$", before):
        return True
    return not before.strip() and re.match(r"\s[A-Z]\.", text[match.end() : match.end() + 3]) is not None


def _last_word(text: str, start: int, stop: re.Match) -> str:
    """The word before a full stop, of a sentence that begins at `start`."""
    found = _LAST_WORD.search(text, max(start, stop.start() - 30), stop.start())
    return found[0] if found else ""


def _may_own_stop(word: str) -> bool:
    """Whether the full stop after a word may belong to the word: then what follows it decides."""
    initial = len(word) == 1 and word.isupper() and word != "I"
    word = re.split("[-/]", word)[-1]
    return (
        initial
        or word.lower() in _MAYBE
        or word in _MAYBE_CAPITAL
        or bool(re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word))
    )


def _needs_next_word(word: str) -> bool:
    """Whether the word after the full stop of this one decides if the sentence ends."""
    return _may_own_stop(word) or word == "I" or word.lower() in _BEFORE_LETTER


def _divide(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Cut one sentence into spans of at most `limit` characters, evenly, at its strongest inner breaks."""
    spans = []
    while end - start > limit:
        pieces = -(-(end - start) // limit)
        even = cut = start + -(-(end - start) // pieces)
        for pattern in _BREAKS:
            ends = [match.end() for match in pattern.finditer(text, start, start + limit)]
            ends = [stop for stop in ends if stop - start >= limit // 3]
            if ends:
                cut = min(ends, key=lambda stop: abs(stop - even))
                break
        else:
            cut = _word_end(text, start, cut, start + limit)
        spans.append((start, cut))
        start = cut
    return [*spans, (start, end)]


def _word_end(text: str, start: int, cut: int, end: int) -> int:
    """The end of a Chinese word that is nearest to a cut in text[start:end], which has no marks."""
    if not (is_han(text[cut - 1]) and is_han(text[cut])):
        return cut
    ends, position = [], start
    for word in cut_words(text[start : end + 8]):
        position += len(word)
        ends.append(position)
    return min((stop for stop in ends if stop <= end), key=lambda stop: abs(stop - cut), default=cut)


def _merge(spans: list[tuple[int, int]], limit: int, least: int) -> list[tuple[int, int]]:
    """Join spans shorter than `least` to the one before or after, when both fit in `limit`."""
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        first, middle = merged[-1] if merged else (start, start)
        if merged and end - first <= limit and min(end - start, middle - first) < least:
            merged[-1] = (first, end)
        else:
            merged.append((start, end))
    return merged
