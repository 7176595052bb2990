"""Which parts of a text are Chinese: its language, and the parts that each need a front end of their own.

Whatever is not written in Chinese characters (Latin letters, mostly) is called Western here.
"""

import re
import unicodedata

from .english.numbers import CURRENCIES

HAN = "\u4e00-\u9fff"  # those that have a reading; what is rarer is skipped
_HAN = re.compile(f"[{HAN}]")
_ANY_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN_WORD = re.compile(r"[A-Za-z]+")
_WESTERN = rf"(?:(?![{HAN}])[^\W\d_])"
_WESTERN_LETTER = re.compile(_WESTERN)
_SCRIPT = re.compile(rf"(?P<zh>[{HAN}]+)|{_WESTERN}+")

# Full-width letters, digits and signs to plain ones, but not the punctuation of Chinese text.
_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in "，！？；：（）"}
_FOLD |= str.maketrans("\u3000￥￡￠｡､｢｣〇", " ¥£¢。、「」零")
_FOLD |= {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xF900, 0xFAFF)}

# Chinese punctuation, as it stands in Western text.
PLAIN = str.maketrans({
    "，": ", ", "、": ", ", "。": ". ", "！": "! ", "？": "? ", "；": "; ", "：": ": ",
    "（": " (", "「": " “", "『": " “", "《": " “", "【": " “",
    "）": ") ", "」": "” ", "』": "” ", "》": "” ", "】": "” ",
})  # fmt: skip
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
    rf"|(?<![A-Za-z\d]){_WORD}(?:{_BETWEEN}(?:{_WORD}|[A-Za-z]|[{''.join(CURRENCIES)}]?\d[\d.,:/]*%?))*"
    rf"{_BETWEEN}{_WORD}(?![A-Za-z\d])",
    re.ASCII,
)
# In English text numbers are Chinese between Chinese characters and where they touch one: in 2024年5月.
_NUMBER = r"[¥-]?\d[\d.:/%-]*"
_PASSAGE = re.compile(
    rf"(?:{_NUMBER})?[{HAN}](?:(?:(?!{_WESTERN}).)*[{HAN}])?(?:{_NUMBER})?[。！？；，、：」』》】]*"
)


def fold(text: str) -> str:
    """Full-width letters, digits and signs made plain: "Ｐｙ３％" is "Py3%"; "，。！？；：（）" stay."""
    return text.translate(_FOLD)


def is_han(character: str) -> bool:
    return _HAN.match(character) is not None


def language_of(text: str, default: str = "en-us") -> str:
    """ "zh" where Chinese characters outnumber Latin words, else `default`, but never "zh" for English."""
    text = _ADDRESS.sub(" ", fold(text))
    words = len(_LATIN_WORD.findall(text))
    if len(_ANY_HAN.findall(text)) > words:
        return "zh"
    return "en-us" if default == "zh" and words else default


def written_parts(text: str, language: str) -> list[tuple[str, str]]:
    """A written sentence as (language, part) in order: where its numbers are to be read in which language.

    A sentence in one script is of that script's language; `language` decides where both scripts meet, and
    where there are no letters at all.
    """
    chinese, western = _HAN.search(text) is not None, _WESTERN_LETTER.search(text) is not None
    english = "en-us" if language == "zh" else language
    if not chinese or not western:
        return [("zh" if chinese else english if western else language, text)]
    inner, outer = (_PHRASE, "zh") if language == "zh" else (_PASSAGE, english)
    parts, start = [], 0
    for match in inner.finditer(text):
        if inner is _PASSAGE or any(map(str.isdigit, match[0])) or _ADDRESS.match(match[0]):
            parts += [(outer, text[start : match.start()]), (english if outer == "zh" else "zh", match[0])]
            start = match.end()
    return [(spoken, part) for spoken, part in [*parts, (outer, text[start:])] if part.strip()]


def spoken_parts(text: str, language: str) -> list[tuple[str, str]]:
    """A sentence without digits as (language, part), by the script alone; punctuation is with what it closes.

    Without any letters the text is in `language`.
    """
    english = "en-us" if language == "zh" else language
    starts: list[tuple[str, int]] = []
    end = 0
    for match in _SCRIPT.finditer(text):
        spoken = "zh" if match["zh"] else english
        if not starts:
            starts.append((spoken, 0))
        elif spoken != starts[-1][0]:
            starts.append((spoken, _boundary(text, end, match.start())))
        end = match.end()
    if not starts:
        return [(language, text)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    parts = [(spoken, text[start:end]) for (spoken, start), end in zip(starts, ends, strict=True)]
    return [(spoken, part if spoken == "zh" else _plain(part)) for spoken, part in parts]


def join(parts: list[str]) -> str:
    """Parts of a sentence with a space between two, but none inside brackets and quotes or before a comma."""
    joined = ""
    for part in filter(None, map(str.strip, parts)):
        close = not joined or joined.endswith(_OPENING) or part.startswith(_CLOSING)
        joined += part if close else f" {part}"
    return joined


def _boundary(text: str, start: int, end: int) -> int:
    """Where in text[start:end], which has no letters, the punctuation that opens the next part begins."""
    while end > start:
        before = text[end - 1]
        opens = before == '"' and text.count('"', 0, end) % 2 == 1
        if not (opens or before.isspace() or before in _OPENING):
            break
        end -= 1
    return end


def _plain(text: str) -> str:
    """Western text with Chinese punctuation made Western; text that has none is left as it is."""
    plain = text.translate(PLAIN)
    return text if plain == text else _SPACE_BEFORE_MARK.sub("", plain).strip()
