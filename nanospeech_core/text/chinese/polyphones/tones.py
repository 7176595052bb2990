"""The tones of 一 and 不, which depend on the next syllable, also on that of the next word.

一 is yí before a fourth tone, yì before another one, and yī as a number in a row or an ordinal and at the
end; light between doubled verbs (看一看). 不 is bú before a fourth tone. After Chao, "A Grammar of Spoken
Chinese" (1968), 1.3.3.
"""

from __future__ import annotations

import re
from itertools import accumulate

_DIGITS = frozenset("〇零一二三四五六七八九十")
_NUMERALS = _DIGITS | frozenset("百千万亿两幺")
_LARGE = frozenset("百千万亿")
# Words that end with the number.
_ORDINAL_WORDS = re.compile(
    "(?:第|统|唯|惟|单|万|之|周|星期|礼拜|专|逐|划|归|合|初|高|大|研|如|其|独|不|整齐划|三合|二合)一"
)
# What 一 numbers: the first month, the first floor.
_NUMBERED = re.compile("月|号|楼|级|年级|等[奖功品舱]|流|线(?!希望|生机|光)|单元|中(?=学|的|毕)")


def change_tones(words: list[str], readings: list[str]) -> None:
    """Give 一 and 不 their tones.

    Args:
        words: of a run of Chinese characters.
        readings: pinyin of each character ("yi1"); changed in place.
    """
    text = "".join(words)
    begins = list(accumulate(map(len, words), initial=0))
    word_of = [number for number, word in enumerate(words) for _ in word]
    for i in reversed(range(len(text))):  # from the end: the tone of the next syllable is then known
        if text[i] == "一" and readings[i].startswith("yi"):
            number = word_of[i]
            before = (
                words[number - 1] if number and i == begins[number] else words[number][: i - begins[number]]
            )
            readings[i] = f"yi{_tone_of_一(text, i, words[number], before, readings)}"
        elif text[i] == "不" and readings[i] in ("bu2", "bu4") and i + 1 < len(text):
            readings[i] = "bu2" if readings[i + 1].endswith("4") else "bu4"


def _tone_of_一(text: str, i: int, word: str, before: str, readings: list[str]) -> int:
    """The tone of text[i], in a word; `before` is what is before it in this word, else the word before."""
    after = text[i + 1 : i + 2]
    if not after or _ORDINAL_WORDS.fullmatch(word) or text[max(0, i - 1) : i] in ("第", "初"):
        return 1
    if before and before[-1] in _NUMERALS | {"点"} and set(before) <= _NUMERALS | {"点"}:
        in_row = before[-1] != "点" or after in _DIGITS
        if in_row and not (after in _LARGE and before[-1] in _LARGE):
            return 1
    if after in _DIGITS or _NUMBERED.match(text, i + 1):
        return 1
    if after == "日" and text[max(0, i - 1) : i] == "月":
        return 1
    if text[max(0, i - 1) : i] == after and text[max(0, i - 2) : i - 1] not in _NUMERALS | {"每"}:
        return 5
    return 2 if readings[i + 1].endswith("4") or after == "个" else 4
