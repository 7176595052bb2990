"""Split text into sentences that are neither too long nor too short to be spoken well.

No character but white space is ever dropped.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from .characters import CLOSERS, HAN, is_han, is_wide
from .chinese.pinyin import cut_words
from .document import Piece
from .language_detection import ALPHABETIC
from .languages import TABLE
from .lines import separate_lines
from .traced import Span, TracedText, concatenate

MIN_LENGTH, MAX_LENGTH = 24, 300  # of what is spoken as one, in characters of English text
_ITEM = (
    r"[^\S\n]*(?:(?:[-*•–—‣▪◦·]|\(?(?P<number>\d{1,3})[.)]|\(?[a-zA-Z]\)|\[[ xX]\])[^\S\n]"
    r"|[①-⑳]|[（(][一二三四五六七八九十]{1,3}[）)])"
)
_FIRST_ITEM = re.compile(_ITEM)
_PARAGRAPH = re.compile(rf"\n[^\S\n]*\n\s*|\n(?={_ITEM})")
# Marks of a Western keyboard between Chinese characters, where no space follows.
_TYPED = rf"(?<=[{HAN}])(?:[!?]+|\.(?!\.))(?=[{CLOSERS}]*[{HAN}])"
_TERMINATOR = re.compile(
    rf"(?P<cjk>(?:[。！？；｡]+|(?<=[{HAN}{CLOSERS}。！？])…{{2,}}(?![，、：—])|{_TYPED})[{CLOSERS}]*)"
    rf"|(?<![.!?…])(?P<stop>\.(?: \.){{2,}}|[.!?…]+)(?P<closers>[{CLOSERS}]*)(?=\s)"
)
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_BREAKS = tuple(map(re.compile, (r"[;；…]\s*|\.{3}\s*", r":\s+|：|[—–]\s*", r",\s+|[，、]", r"\s+")))


ReadAloud = Callable[[TracedText], TracedText]  # a sentence as it is written -> as it is read aloud


def _as_written(text: TracedText) -> TracedText:
    return text


def split_sentences(
    text: TracedText,
    language: str = ALPHABETIC,
    max_characters: int = MAX_LENGTH,
    min_characters: int = MIN_LENGTH,
    read_aloud: ReadAloud = _as_written,
) -> Iterator[Piece]:
    """Split text into sentences of at most `max_characters`, in order, white space as single spaces.

    A sentence that is too long is divided at ; : — , and then at spaces. A text without
    spaces is cut, Chinese between words. One shorter than `min_characters` is joined to a neighbor in its
    paragraph if both fit: short clips sound bad.
    Blank lines and list items always separate; the lines of a letter, a poem or an address end sentences. In
    Chinese text a character counts as three.

    Args:
        text: any.
        language: of the text.
        max_characters: of a sentence, also when it is read aloud: numbers grow when they are spelled out.
        min_characters: see above.
        read_aloud: spells a sentence out; by default it stays as it is.
    """
    position = 0
    for match in [*_paragraphs(text.text), None]:
        paragraph = text[position : match.start() if match else None]
        position = match.end() if match else position
        for whole in _split_paragraph(paragraph, language, max_characters, min_characters):
            spoken = read_aloud(whole.written)
            if len(spoken) <= length_limit(max_characters, spoken.text):
                yield whole._replace(spoken=spoken)
                continue
            parts = list(_split_paragraph(spoken, language, max_characters, min_characters))
            parts[-1] = parts[-1]._replace(continues=whole.continues)
            for part, aloud in zip(parts, _share_places([part.written for part in parts]), strict=True):
                written = _written(whole.written, *aloud.span)
                yield Piece(written, aloud, (*part.joints, *whole.joints), part.continues)


def _paragraphs(text: str) -> Iterator[re.Match[str]]:
    """What separates paragraphs and list items. A number begins an item if it follows the one before it."""
    first = _FIRST_ITEM.match(text)
    last = int(first["number"]) if first and first["number"] else 0
    for match in _PARAGRAPH.finditer(text):
        number = int(match["number"]) if match["number"] else None
        if number is None or number in (0, 1, last + 1):
            last = last if number is None else number
            yield match


def _split_paragraph(text: TracedText, language: str, most: int, least: int) -> Iterator[Piece]:
    """The pieces of a paragraph, which may have several lines, as they are written.

    A line that ends a sentence (`separate_lines`) ends with a line break in the pieces; other line breaks are
    spaces.
    """
    text = _join_lines(text)
    hard = [match.start() for match in re.finditer("\n", text.text)]
    most, least = length_limit(most, text.text), length_limit(least, text.text)
    ends = _sentence_ends(text.text, language, hard)
    spans = [part for span in zip([0, *ends], ends, strict=False) for part in _divide(text.text, *span, most)]
    lines, complete = set(hard), set(ends)
    joints = [e for e in ends if e in lines or not text.text[e : e + 8].lstrip()[:1].islower()]
    places = [text.spans[joint - 1][1] for joint in joints]
    for start, end in _merge(spans, most, least):
        inner = slice(bisect_right(joints, start), bisect_left(joints, end))
        piece = text[start:end].strip()
        if piece.text:
            yield Piece(piece, piece, tuple(places[inner]), end not in complete)


def _join_lines(text: TracedText) -> TracedText:
    """A paragraph in single-spaced lines, of which only those that end a sentence are left."""
    if "\n" not in text.text:
        return text.single_spaced()
    ends = [match.start() for match in re.finditer("\n", text.text)]
    lines = [
        text[a:b].single_spaced() for a, b in zip([0, *(e + 1 for e in ends)], [*ends, None], strict=True)
    ]
    lines = [line for line in lines if line.text]
    separate = set(separate_lines([line.text for line in lines])) if lines else set()
    joined: list[TracedText] = lines[:1]
    for i, line in enumerate(lines[1:]):
        place = joined[-1].span[1], line.span[0]
        close = is_wide(joined[-1].text[-1]) and is_wide(line.text[0])
        space = "\n" if i in separate else "" if close else " "
        joined += [TracedText.read_as(space, place), line]
    return concatenate(joined)


def _share_places(parts: list[TracedText]) -> list[TracedText]:
    """Parts of a text in which no character of the source is in two parts.

    A number that is cut between two parts ("seven seven" for "77") is divided between them by the length of
    what is read, unless it has too few characters.
    """
    shares: dict[Span, list[tuple[int, int]]] = {}  # the parts with this place, and how much of it
    for number, part in enumerate(parts):
        for span, run in itertools.groupby(part.spans):
            if span[1] - span[0] > 1:
                shares.setdefault(span, []).append((number, sum(1 for _ in run)))
    replaced: dict[tuple[int, Span], Span] = {}
    for (start, end), runs in shares.items():
        sums = list(itertools.accumulate((count for _, count in runs), initial=0))
        cuts = [start + (end - start) * done // sums[-1] for done in sums]
        if len(runs) > 1 and len(set(cuts)) == len(cuts):
            for (number, _), place in zip(runs, itertools.pairwise(cuts), strict=True):
                replaced[number, (start, end)] = place
    if not replaced:
        return parts
    return [
        TracedText(part.text, tuple(replaced.get((number, span), span) for span in part.spans))
        for number, part in enumerate(parts)
    ]


def _written(text: TracedText, start: int, end: int) -> TracedText:
    """The characters that stand for [start, end) of the source, whole or partly."""
    first = bisect_right(text.spans, start, key=lambda span: span[1])
    return text[first : bisect_left(text.spans, end, key=lambda span: span[0])]


def _sentence_ends(text: str, language: str, hard: list[int]) -> list[int]:
    """Where the sentences of a paragraph end, the last one too.

    hard: where they do whatever the marks say.
    """
    ends, start = [], 0
    for match in _TERMINATOR.finditer(text):
        line = bisect_right(hard, match.start())
        start = max(start, hard[line - 1]) if line else start
        if _is_end(text, start, match, language, finished=True):
            ends.append(match.end())
            start = match.end()
    return sorted({*ends, *hard, len(text)} - {0})


def _is_end(text: str, start: int, match: re.Match[str], language: str, finished: bool) -> bool | None:
    """Whether a match of `_TERMINATOR` ends the sentence that begins at `start`; None: not certain yet."""
    if match["cjk"]:
        return True
    if match["closers"] and text[match.end() : match.end() + 8].lstrip()[:1].islower():
        return False  # "Stop!" he said.
    if match["stop"] != ".":
        return not any(ellipsis in match["stop"] for ellipsis in ("...", "…", ". ."))
    return TABLE.get(language, TABLE[ALPHABETIC]).ends_sentence(text, start, match, finished)


def first_sentence_end(text: str, least: int, language: str = ALPHABETIC) -> int:
    """Where the first sentence of an unfinished text ends; 0 if that is not certain yet.

    Args:
        text: the beginning of a paragraph, with single spaces.
        least: characters; a shorter sentence goes with the next one.
        language: of the text.
    """
    start = 0
    for match in _TERMINATOR.finditer(text):
        if not text[match.end() :].lstrip():
            return 0
        ended = _is_end(text, start, match, language, finished=False)
        if ended is None:
            return 0
        if not ended:
            continue
        if match.end() >= length_limit(least, text[: match.end()]):
            return match.end()
        start = match.end()
    return 0


def first_break(text: str, limit: int) -> int:
    """Where to divide a sentence of more than `limit` characters first."""
    return _divide(text, 0, len(text), limit)[0][1]


def length(text: str) -> int:
    """The length of a text in characters of English text that speak as long."""
    return 3 * len(text) if _is_chinese(text) else len(text)


def length_limit(characters: int, text: str) -> int:
    """The number of characters of this text that speak as long as some characters of English text."""
    return max(1, characters // 3) if _is_chinese(text) else characters


def _is_chinese(text: str) -> bool:
    """Whether a character is a syllable."""
    return 2 * len(_CJK.findall(text)) > len(text)


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
