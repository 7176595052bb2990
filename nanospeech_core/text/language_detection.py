"""The language of a text, and the parts of a text in two scripts that are read in different languages.

There are two scripts: Chinese characters, and letters. Letters are read in the language of the text, or
in `ALPHABETIC` where that is Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from .characters import HAN, WESTERN_PUNCTUATION, fold
from .traced import TracedText

CHINESE, ALPHABETIC = "zh", "en-us"  # the language of each script, where nothing else says which
SPANISH = "es"
_HAN = re.compile(f"[{HAN}]")
_ANY_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_LETTER = rf"(?:(?![{HAN}])[^\W\d_])"
_LETTERS = re.compile(_LETTER)
_SCRIPT = re.compile(rf"(?P<han>[{HAN}]+)|{_LETTER}+")

_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.!?;:”)])")
_CLOSING, _OPENING = tuple(",.!?;:)”…，。！？；：）、」』》】"), tuple("“‘(（「『《【[{")

# What tells Spanish from English. The small words are of one of the two languages only.
_OPENED_SPANISH, _ENYE = re.compile(r"[¿¡]\W*[^\W\d_]"), re.compile("[ñÑ]")
_SPANISH_WORD = re.compile(
    r"\b(?:el|la|los|las|de|del|que|qué|y|en|un|una|por|con|para|es|se|lo|su|sus|al|como|más|pero|está|muy|cuando|"
    r"mi|si|sí|yo|él|ella|porque|ya|este|esta|hay|fue|ser|sobre|también|hasta|todo|todos)\b",
    re.IGNORECASE,
)
_ENGLISH_WORD = re.compile(
    r"\b(?:the|of|and|to|is|it|you|that|was|for|on|are|with|i|his|they|at|be|this|from|have|or|by|not|but|"
    r"what|we|can|were|which|when|your|said|there|she|an|in|means|how|do|did|does|my|its|her|our)\b",
    re.IGNORECASE,
)

# A web or mail address. The last letters of one without www. are a list: "end.So" is none.
ADDRESS = re.compile(
    r"(?:https?://|www\.)[!-;=?-~]+(?<![.,;:!?)'\"\]])|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.@-])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|io|ai|cn|tv|cc)\b(?:/[!-;=?-~]*(?<![.,;:!?)'\"\]]))?",
    re.ASCII,
)
# In Chinese text numbers are Chinese, also in names: iPhone 15 Pro. They are English in an English clause, as
# in 他说 "I have 3 cats", and in words such as 24-hour.
_VALUE = r"[$£€¥₹]?\d{1,6}(?:[.,:/]\d{1,6})*(?:%|st\b|nd\b|rd\b|th\b|s\b|[ap]m\b)?"
_WORD = r"[A-Za-z][A-Za-z'’-]*"
_PHRASE = re.compile(
    rf"(?P<address>{ADDRESS.pattern})"
    r"|(?<![\w.-])(?P<compound>\d{1,4}-(?:in-\d|[a-z]{3,}|Eleven)(?:-[a-z]+)*|(?:top|pre|post|mid|non)-\d{1,4}s?)(?![\w-])"
    rf"|(?<![A-Za-z\d.])(?P<first>{_VALUE},? +)?{_WORD}(?:[,;:]? +(?:{_WORD}|{_VALUE}))*(?![A-Za-z\d])",
    re.ASCII,
)
# An English clause has one of these; a name seldom has.
_CLAUSE = re.compile(
    r"\b(?:an?|the|is|are|was|were|am|be|been|I|you|he|she|it|we|they|my|your|his|her|our|their|this|that|these|those|"
    r"have|has|had|do|does|did|will|would|can|could|should|must|not|in|on|at|to|for|from|with|by|and|or|but|if|as|than|"
    r"there|what|when|where|who|how|please|get|buy|want|need|about|after|before|until|since|only|more|less|"
    r"days|weeks|months|years|hours|minutes|people|times|things|ways|reasons)\b",
    re.IGNORECASE,
)
_LAST_VALUE = re.compile(rf"(?:[,;:]? +{_VALUE})+$", re.ASCII)
# What is before a clause and after it, where it may begin and end with a number.
_OPENED = re.compile(r"(?:^|[\"“‘「『《：:(（])\s*$")
_CLOSED = re.compile(r"\s*(?:$|[.!?\"”’」』》)）])")
_CONTINUED = re.compile(r"\s*[\w%℃$€£¥-]")
# In English text numbers are Chinese between Chinese characters and where they touch one: in 2024年5月.
_NUMBER = r"[¥-]?\d[\d.:/%-]*(?: (?=[个只位元块年月日号点次条张本岁]))?"
_PASSAGE = re.compile(
    rf"(?:{_NUMBER})?[{HAN}](?:(?:(?!{_LETTER}).)*[{HAN}])?(?:{_NUMBER})?[。！？；，、：」』》】]*"
)


def detect_language(text: str, default: str = ALPHABETIC, spoken: Collection[str] = ()) -> str:
    """The language of a text by its script.

    Args:
        text: any.
        default: the language of a text in letters. Where that is Chinese, English is "en-us".
        spoken: the languages that a model speaks. With "es" among them, text with the signs of Spanish is
            Spanish (`_is_spanish`).
    Returns:
        "zh" where Chinese characters outnumber Latin words; "es", see above; else `default`.
    """
    text = ADDRESS.sub(" ", fold(text))
    words = len(_LATIN_WORD.findall(text))
    if len(_ANY_HAN.findall(text)) > words:
        return CHINESE
    if SPANISH in spoken and _is_spanish(text):
        return SPANISH
    return ALPHABETIC if default == CHINESE and words else default


def _is_spanish(text: str) -> bool:
    """Whether a text has ñ, ¿ or ¡, and its small words are Spanish: "piñata" is an English word too."""
    opened = _OPENED_SPANISH.search(text) is not None
    if not opened and not _ENYE.search(text):
        return False
    spanish = len(_SPANISH_WORD.findall(text)) + 2 * opened
    return spanish >= max(2, 4 * len(_ENGLISH_WORD.findall(text)))


def split_written(text: TracedText, language: str) -> list[tuple[str, TracedText]]:
    """A written sentence as (language, part), in order; a part's numbers are read in its language.

    A sentence in one script is in that script's language. `language` decides where both scripts meet, and
    where there are no letters at all.
    """
    has_han, has_letters = _HAN.search(text.text) is not None, _LETTERS.search(text.text) is not None
    alphabetic = _alphabetic(language)
    if not has_han or not has_letters:
        return [(CHINESE if has_han else alphabetic if has_letters else language, text)]
    spans: Iterable[tuple[int, int]]
    if language == CHINESE:
        spans, inner, outer = map(_english_span, _PHRASE.finditer(text.text)), alphabetic, CHINESE
    else:
        spans, inner, outer = (match.span() for match in _PASSAGE.finditer(text.text)), CHINESE, alphabetic
    parts, position = [], 0
    for start, end in spans:
        if start < end:
            parts += [(outer, text[position:start]), (inner, text[start:end])]
            position = end
    return [(code, part) for code, part in [*parts, (outer, text[position:])] if part.text.strip()]


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


def _english_span(match: re.Match[str]) -> tuple[int, int]:
    """Which part of a match of `_PHRASE` has English numbers; an empty span if none has."""
    start, end = match.span()
    text = match.string
    if match["compound"]:
        return start, end
    if match["address"] or not any(map(str.isdigit, match[0])) or not _CLAUSE.search(match[0]):
        return start, start
    if match["first"] and not _OPENED.search(text[:start]):
        start = match.end("first")
    last = _LAST_VALUE.search(text, start, end)
    if last:
        word = re.search(r"[A-Za-z']+$", text[start : last.start()])
        after_word = word and _CLAUSE.fullmatch(word[0]) and not _CONTINUED.match(text, end)
        if not (after_word or _CLOSED.match(text, end)):
            end = last.start()
    return (start, end) if any(map(str.isdigit, text[start:end])) else (start, start)


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
