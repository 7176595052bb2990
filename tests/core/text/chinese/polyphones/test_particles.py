"""得 and 地 as words of their own, after and before words of each kind."""

import pytest

from nanospeech_core.text.chinese.polyphones.particles import read_particle


@pytest.mark.parametrize(
    ("words", "reading"),
    [
        ("我/r 得/ud 走/v", "dei3"),
        ("得/ud 走/v 了/ul", "dei3"),
        ("明天/t 就/d 得/ud 交/v", "dei3"),
        ("病人/n 得/ud 多/m 休息/v", "dei3"),
        ("跑/v 得/ud 很快/d", "de5"),
        ("高兴/b 得/ud 跳/v", "de5"),
        ("雨下/f 得/ud 很大/a", "de5"),
        ("他/r 得/ud 了/ul 第一名/m", ""),
        ("怎么/r 得/ud 的/uj", ""),
        ("不/d 得/ud 入内/v", ""),
        ("三七/m 得/ud 二十一/m", ""),
        ("又/d 得/ud 铜剑/n", ""),
        ("跑/v 得/ud", ""),
        ("认真/ad 地/uv 做/v", "de5"),
        ("一步/m 一步/m 地/uv 走/v", "de5"),
        ("大声/m 地/uv 喊/v", "de5"),
        ("惊讶/v 地/uv 发现/v", "de5"),
        ("孤独/a 地站/n 着/uz", "de5"),
        ("这块/r 地/uv 很大/a", ""),
        ("一块/m 地/uv 种/v", ""),
        ("在/p 地/uv 里/f", ""),
        ("买/v 地/uv 建房/v", ""),
        ("北京/ns 地/uv 处/v", ""),
        ("慢慢/d 地/uv", ""),
        ("地/uv 是/v", ""),
    ],
)
def test_particle(words, reading):
    tagged = [tuple(word.split("/")) for word in words.split()]
    number = next(number for number, (word, _) in enumerate(tagged) if word[0] in "得地")
    assert read_particle(tagged, number) == reading
