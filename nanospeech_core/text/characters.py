"""Find Chinese characters, and replace full-width forms and Chinese punctuation."""

import re
import unicodedata

from .traced import TracedText

HAN = "\u4e00-\u9fff"  # a range for regular expressions; rarer characters have no reading and are skipped
CLOSERS = "\"'”’»)\\]}」』）】》"  # for a character class: what may follow the last mark of a sentence
_HAN = re.compile(f"[{HAN}]")
# A circle, as 零 is typed in years: 二○二六年.
_CIRCLE = re.compile("(?<=[一二三四五六七八九零])[○◯]+|[○◯]+(?=[一二三四五六七八九])")

# Full-width letters, digits and signs to plain ones, but not the punctuation of Chinese text.
_FOLD: dict[int, int | str] = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in "，！？；：（）"
}
_FOLD |= str.maketrans("\u3000￥￡￠｡､｢｣〇", " ¥£¢。、「」零")
_FOLD |= {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xF900, 0xFAFF)}
# Bold, italic, script, double-struck letters and digits; ligatures.
_STYLED = (*range(0x1D400, 0x1D800), *map(ord, "ℂℊℋℌℍℎℐℑℒℕℙℚℛℜℝℤℬℯℰℱℳﬀﬁﬂﬃﬄﬅﬆ"))
_FOLD |= {code: unicodedata.normalize("NFKC", chr(code)) for code in _STYLED}

# A letter and accents that follow it as characters of their own, as in the names of macOS's files (NFD).
_DECOMPOSED = re.compile("[^\\W\\d_][\u0300-\u036f]+")

# Chinese punctuation, as Western text has it; a table for str.translate.
WESTERN_PUNCTUATION = str.maketrans({
    "，": ", ", "、": ", ", "。": ". ", "！": "! ", "？": "? ", "；": "; ", "：": ": ",
    "（": " (", "「": " “", "『": " “", "《": " “", "【": " “",
    "）": ") ", "」": "” ", "』": "” ", "》": "” ", "】": "” ",
})  # fmt: skip


def fold(text: str) -> str:
    """Replace full-width, bold and script letters and signs: "Ｐｙ３％" is "Py3%"; "，。！？；：（）" stay.

    Only a ligature changes the length: "ﬃ" is "ffi".
    """
    return _CIRCLE.sub(_zeros, text.translate(_FOLD))


def fold_traced(text: TracedText) -> TracedText:
    """The same for a traced text."""
    return text.replace_characters(_FOLD).rewrite(_CIRCLE, _zeros)


def compose(text: TracedText) -> TracedText:
    """Letters with separate accents as one character each, where there is one (NFC)."""
    return text.rewrite(_DECOMPOSED, lambda match: unicodedata.normalize("NFC", match[0]))


def _zeros(circles: re.Match[str]) -> str:
    return "零" * len(circles[0])


def is_han(character: str) -> bool:
    """Whether it is a Chinese character."""
    return _HAN.match(character) is not None


def is_wide(character: str) -> bool:
    """Whether it is a Chinese character or mark, as "。" is."""
    return is_han(character) or (not character.isalpha() and unicodedata.east_asian_width(character) in "WF")
