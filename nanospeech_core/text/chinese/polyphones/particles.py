"""得 and 地 as words: de after verbs and adverbs, děi before what must be done, dé and dì otherwise."""

from __future__ import annotations

import re

TaggedWord = tuple[str, str]  # a word, and its part of speech as jieba names it: v, a, n, d, ...

# What is obtained, or how obtaining goes on: 得 is dé.
_OBTAINED = re.compile(
    "[了过着到出知以奖分病癌]|不到|[冠亚季]军|[金银铜]牌|第|满分|高分|胜|逞|势|失|救|益|罪|名|人心|天下"
)
_DEGREE = re.compile(
    "很|太|真|好|非常|特别|十分|越来越|挺|更|最|那么|这么|要命|要死|厉害|慌|不行|不得了|像|说不"
)
_TAGGED_AS_NOUN = re.compile("[病气长下写变涨弄]$")  # verbs that jieba takes for nouns: 雨下, 字写
_BEFORE_MUST = re.compile(
    "[是都就还也总真又才先非再须老]$|看来|恐怕|估计|至少|今天|明天|以后|现在|时间|一定|肯定|[每整]天|经常|有时|偶尔"
)
_AFTER_GROUND = re.compile("[里上下中外方块皮面价产处段的是和与有很]")  # what follows 地 as a noun


def read_particle(words: list[TaggedWord], number: int) -> str:
    """The pinyin of 得 or 地, which begins a word of a run (and mostly is it); "": as pypinyin has it."""
    word, _ = words[number]
    before = words[number - 1] if number else None
    if word[1:]:
        after = (word[1:], "v")
    elif number + 1 < len(words):
        after = words[number + 1]
    else:
        return ""
    return _read_得(before, after) if word[0] == "得" else _read_地(before, after)


def _read_得(before: TaggedWord | None, after: TaggedWord) -> str:
    obtained = _OBTAINED.match(after[0])
    if before is None:
        return "dei3" if not obtained and after[1][0] in "vdprc" else ""
    word, tag = before
    if _BEFORE_MUST.search(word):
        return "" if obtained or (word == "又" and after[1][0] == "n") else "dei3"
    if word == "怎么" or tag[0] == "d" or word[-1] in "测求取获夺可各每所或":
        return ""
    if tag[0] in "vazb" or (_TAGGED_AS_NOUN.search(word) and tag[0] != "r"):
        return "" if after[0].startswith(("了", "到", "出")) else "de5"
    if obtained or (after[1][0] == "m" and not after[0].startswith(("一个人", "多"))):
        return ""
    if tag[0] != "r" and _DEGREE.match(after[0]):
        return "de5"
    return "dei3" if after[1][0] in "vdpracmifzl" or tag[0] in "rt" else ""


def _read_地(before: TaggedWord | None, after: TaggedWord) -> str:
    if before is None or _AFTER_GROUND.match(after[0]):
        return ""
    word, tag = before
    if tag[0] == "m":  # 一步一步地, 大声地; but not 一块地
        adverb = len(word) > 3 or word.endswith(("声", "次", "步"))
    elif tag[0] in "dzilab":
        adverb = len(word) > 1 or (tag[0] == "a" and after[1][0] == "v")
    else:
        adverb = len(word) > 1 and tag[0] in "vn" and tag not in ("ns", "nt") and after[1][0] in "vdpc"
    return "de5" if adverb else ""
