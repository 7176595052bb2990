"""得 and 地 as words: de after verbs and adverbs, děi before what must be done, dé and dì otherwise."""

from __future__ import annotations

import re

TaggedWord = tuple[str, str]  # a word, and its kind as jieba names it: v, a, n, d, ...

# What one gets, or how getting goes on.
_GOT = re.compile("[了过着到出知以奖分病癌]|不到|[冠亚季]军|[金银铜]牌|第|满分|高分|胜|逞|势|失|救|益|罪|名|人心|天下")
_DEGREE = re.compile("很|太|真|好|非常|特别|十分|越来越|挺|更|最|那么|这么|要命|要死|厉害|慌|不行|不得了|像|说不")
_VERB_LIKE = re.compile("[病气长下事写变涨弄](?<!事)$")
_MUST_BEFORE = re.compile(
    "[是都就还也总真又才先非再须老]$|看来|恐怕|估计|至少|今天|明天|以后|现在|时间|一定|肯定|[每整]天|经常|有时|偶尔"
)
_PLACE = re.compile("[里上下中外方块皮面价产处段的是和与有很]")
_ADVERBIAL = re.compile("ad|[dzilab]|m")


def read_de(words: list[TaggedWord], number: int) -> str:
    """The reading of the word 得 or 地 among the words of a run; "": as pypinyin has it."""
    before = words[number - 1] if number else None
    after = words[number + 1] if number + 1 < len(words) else None
    return (_read_得 if words[number][0] == "得" else _read_地)(before, after)


def _read_得(before: TaggedWord | None, after: TaggedWord | None) -> str:
    if after is None:
        return ""
    if before is None:
        return "" if _GOT.match(after[0]) or after[1][0] not in "vdprc" else "dei3"
    word, kind = before
    if _MUST_BEFORE.search(word):
        return "" if _GOT.match(after[0]) or (word == "又" and after[1][0] == "n") else "dei3"
    if kind[0] == "d" or word[-1] in "测求取获夺可各每所或":
        return ""
    if kind[0] in "vazb" or _VERB_LIKE.search(word) and kind[0] != "r":
        return "de5" if not re.match("[了到出]", after[0]) else ""
    if _GOT.match(after[0]):
        return ""
    if after[1][0] == "m" and not after[0].startswith(("一个人", "多")):
        return ""
    if kind[0] != "r" and _DEGREE.match(after[0]):
        return "de5"
    return "dei3" if after[1][0] in "vdpracmifzl" or kind[0] in "rt" else ""


def _read_地(before: TaggedWord | None, after: TaggedWord | None) -> str:
    if before is None or after is None or _PLACE.match(after[0]):
        return ""
    word, kind = before
    if kind[0] == "m":
        return "de5" if len(word) > 3 or word.endswith(("声", "次", "步")) else ""
    if _ADVERBIAL.match(kind):
        return "de5" if len(word) > 1 or (kind[0] == "a" and after[1][0] == "v") else ""
    if len(word) > 1 and kind[0] in "vn" and kind not in ("ns", "nt", "nr"):
        return "de5" if after[1][0] in "vdp" else ""
    return ""
