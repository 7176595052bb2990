"""The language of a text, and the parts of a text in two scripts that are read in different languages.

There are two scripts: Chinese characters, and letters. Letters are read in the language of the text, or
in `ALPHABETIC` where that is Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .characters import HAN, WESTERN_PUNCTUATION, fold
from .traced import TracedText

CHINESE, ALPHABETIC = "zh", "en-us"  # the language of each script, where nothing else says which
_HAN = re.compile(f"[{HAN}]")
_ANY_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_LETTER = rf"(?:(?![{HAN}])[^\W\d_])"
_LETTERS = re.compile(_LETTER)
_SCRIPT = re.compile(rf"(?P<han>[{HAN}]+)|{_LETTER}+")

_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.!?;:”)])")
_CLOSING, _OPENING = tuple(",.!?;:)”…，。！？；：）、」』》】"), tuple("“‘(（「『《【[{")

_ADDRESS = re.compile(
    r"(?:https?://|www\.)[!-;=?-~]+|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.@-])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io|ai)\b(?:/[!-;=?-~]*)?",
    re.ASCII,
)
# In Chinese text an English phrase keeps the numbers inside it, as in 他说 "I have 3 cats"; those at its
# edge, like the 15 of 我的 iPhone 15, are read in Chinese.
_WORD, _BETWEEN = r"[A-Za-z][A-Za-z'’-]+", r"[ ,;:]+"
_PHRASE = re.compile(
    rf"{_ADDRESS.pattern}"
    rf"|(?<![A-Za-z\d]){_WORD}(?:{_BETWEEN}(?:{_WORD}|[A-Za-z]|[$£€¥₹]?\d[\d.,:/]*%?))*"
    rf"{_BETWEEN}{_WORD}(?![A-Za-z\d])",
    re.ASCII,
)
# In English text numbers are Chinese between Chinese characters and where they touch one: in 2024年5月.
_NUMBER = r"[¥-]?\d[\d.:/%-]*"
_PASSAGE = re.compile(
    rf"(?:{_NUMBER})?[{HAN}](?:(?:(?!{_LETTER}).)*[{HAN}])?(?:{_NUMBER})?[。！？；，、：」』》】]*"
)


def detect_language(text: str, default: str = ALPHABETIC) -> str:
    """The language of a text by its script.

    Args:
        text: any.
        default: the language of a text in letters. Where that is Chinese, English is "en-us".
    Returns:
        "zh" where Chinese characters outnumber Latin words, else `default`.
    """
    text = _ADDRESS.sub(" ", fold(text))
    words = len(_LATIN_WORD.findall(text))
    if len(_ANY_HAN.findall(text)) > words:
        return CHINESE
    return ALPHABETIC if default == CHINESE and words else default


def split_written(text: TracedText, language: str) -> list[tuple[str, TracedText]]:
    """A written sentence as (language, part), in order; a part's numbers are read in its language.

    A sentence in one script is in that script's language. `language` decides where both scripts meet, and
    where there are no letters at all.
    """
    has_han, has_letters = _HAN.search(text.text) is not None, _LETTERS.search(text.text) is not None
    alphabetic = _alphabetic(language)
    if not has_han or not has_letters:
        return [(CHINESE if has_han else alphabetic if has_letters else language, text)]
    if language == CHINESE:
        inner, inner_language, outer_language = _PHRASE, alphabetic, CHINESE
    else:
        inner, inner_language, outer_language = _PASSAGE, CHINESE, alphabetic
    parts, start = [], 0
    for match in inner.finditer(text.text):
        if inner is _PASSAGE or any(map(str.isdigit, match[0])) or _ADDRESS.match(match[0]):
            inside = text[match.start() : match.end()]
            parts += [(outer_language, text[start : match.start()]), (inner_language, inside)]
            start = match.end()
    return [(code, part) for code, part in [*parts, (outer_language, text[start:])] if part.text.strip()]


def split_spoken(text: TracedText, language: str) -> list[tuple[str, TracedText]]:
    """A normalized sentence as (language, part), by the script alone; closing marks stay with their part.

    A text without letters is in `language`.
    """
    starts: list[tuple[str, int]] = []
    end = 0
    for match in _SCRIPT.finditer(text.text):
        code = CHINESE if match["han"] else _alphabetic(language)
        if not starts:
            starts.append((code, 0))
        elif code != starts[-1][0]:
            starts.append((code, _boundary(text.text, end, match.start())))
        end = match.end()
    if not starts:
        return [(language, text)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    parts = [(code, text[start:end]) for (code, start), end in zip(starts, ends, strict=True)]
    return [(code, part if code == CHINESE else _western(part)) for code, part in parts]


def join_parts(parts: Iterable[TracedText]) -> TracedText:
    """Join parts of a sentence with spaces, except inside brackets and quotes or before a comma."""
    joined = TracedText("", ())
    for part in (part.strip() for part in parts):
        if not part.text:
            continue
        if joined.text and not joined.text.endswith(_OPENING) and not part.text.startswith(_CLOSING):
            joined += TracedText.read_as(" ", (joined.span[1],) * 2)
        joined += part
    return joined


def _alphabetic(language: str) -> str:
    """The language in which the letters of a text are read."""
    return ALPHABETIC if language == CHINESE else language


def _boundary(text: str, start: int, end: int) -> int:
    """Where in text[start:end], which has no letters, the punctuation that opens the next part begins."""
    while end > start:
        before = text[end - 1]
        opens = before == '"' and text.count('"', 0, end) % 2 == 1
        if not (opens or before.isspace() or before in _OPENING):
            break
        end -= 1
    return end


def _western(text: TracedText) -> TracedText:
    """Text with Chinese punctuation made Western; text that has none is left as it is."""
    western = text.replace_characters(WESTERN_PUNCTUATION)
    return text if western is text else western.rewrite(_SPACE_BEFORE_MARK, "").strip()
