"""Characters of several readings: 1200 texts with the right ones, the corpus, and how a rule is written."""

import json
import re
from pathlib import Path

import pytest
from pypinyin import Style, lazy_pinyin
from text_stages import phonemize

from nanospeech_core.text.chinese import pinyin
from nanospeech_core.text.chinese.polyphones import rules
from nanospeech_core.text.traced import TracedText

DATA = Path(__file__).parents[2] / "data"
MARKED = re.compile(r"(.)(?:\{(\w+)\})?")
LINES = [
    line
    for line in (DATA / "polyphones_zh.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
CORPUS = [
    json.loads(line)
    for name in ("corpus_phonemes_zh.jsonl", "phonemes_zh.jsonl")
    for line in (DATA / name).read_text("utf-8").splitlines()
]
# Sentences of the corpus that pypinyin read wrongly when the models were trained.
CORRECTED = {
    "zh00246": "得de5", "zh00258": "得de5", "zh00360": "为wei2", "zh00444": "大dai4", "zh00045": "拽zhuai4",
    "zh02094": "铺pu1", "zh02244": "得de5", "zh02909": "弹tan2", "zh03551": "地de5", "zh05323": "脏zang1",
    "zh06033": "得de5", "zh07669": "落luo4", "zh08806": "得de5", "zh09456": "地de5", "zh09693": "切qie1",
    "zh10467": "落luo4", "zh10609": "肚du4",
}  # fmt: skip


def read(text: str) -> list[str]:
    """The pinyin of each Chinese character."""
    runs = re.findall("[\u3400-\u9fff]+", text)
    return [reading for run in runs for word in pinyin.read_words(run) for reading in word]


def wrong_readings(line: str) -> list[str]:
    """The marked characters of a line that are read otherwise."""
    marks = MARKED.findall(line)
    readings = read("".join(character for character, _ in marks))
    return [
        f"{character}{{{reading}}}"
        for (character, right), reading in zip(marks, readings, strict=True)
        if right and reading != right
    ]


@pytest.mark.slow
def test_marked_readings():
    assert len(LINES) > 1200
    assert {line: wrong for line in LINES if (wrong := wrong_readings(line))} == {}


@pytest.mark.slow
def test_the_corpus_changes_only_where_it_was_wrong():
    changed = {}
    for row in CORPUS:
        runs = re.findall("[\u3400-\u9fff]+", row["text"])
        words = [word for run in runs for word in pinyin.cut_words(run)]
        before = [
            reading
            for word in words
            for reading in lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
        ]
        characters = "".join(words)
        differences = [
            character + after
            for character, was, after in zip(characters, before, read(row["text"]), strict=True)
            if was != after and character not in "一不"  # see `tones`
        ]
        if differences:
            changed[row["id"]] = "".join(differences)
    assert changed == CORRECTED


def test_every_line_of_the_table_is_a_rule():
    lines = Path(rules.__file__).with_name("readings.txt").read_text("utf-8").splitlines()
    written = [line for line in lines if line and not line.startswith("#") and " = " not in line]
    found = {line for of_character in rules.read_table().values() for line in of_character}
    assert len(found) == len(set(written)) == len(written)
    for line in found:
        rule = rules.parse_rule(line)
        assert set(rule.readings) == set(rule.pattern.groupindex) - {"a"} and rule.readings
        assert rule.pattern.groups == len(rule.pattern.groupindex)
        assert all(not reading or pinyin._syllable(reading) for reading in rule.readings.values())


@pytest.mark.parametrize(
    ("line", "words", "found"),
    [
        ("支行{hang2}", "支行", {1: "hang2"}),
        ("支行{hang2}", "北京支行", {3: "hang2"}),
        ("支行{hang2}", "支 行", {1: "hang2"}),
        ("支行{hang2}", "分支 行动", {}),
        ("支行{hang2}", "分支 行", {}),
        ("长{chang2}", "很 长", {1: "chang2"}),
        ("长{chang2}", "校长", {}),
        ("弹{tan2} > 琴|一首", "弹 一首", {0: "tan2"}),
        ("弹{tan2} > 琴|一首", "弹琴", {0: "tan2"}),
        ("弹{tan2} > 琴|一首", "子弹 琴", {}),
        ("数{shu3} > 到", "我数 到", {1: "shu3"}),
        ("数{shu3} > 到", "人数 到", {}),
        ("我|你 < 教{jiao1} > 做", "我教 做菜", {1: "jiao1"}),
        ("我|你 < 教{jiao1} > 做", "他 教 做菜", {}),
        ("头发长{zhang3}长{chang2}", "头发 长长 了", {2: "zhang3", 3: "chang2"}),
        ("脚踏{}实地", "脚踏实地", {}),
        ("^.. < 传{zhuan4} > $", "鲁迅 传", {2: "zhuan4"}),
        ("^.. < 传{zhuan4} > $", "鲁迅 传 了", {}),
    ],
)
def test_a_rule_cuts_no_word(monkeypatch, line, words, found):
    monkeypatch.setattr(
        rules, "read_table", lambda: {character: [line] for character, _ in rules._MARK.findall(line)}
    )
    assert rules.find_readings(words.split()) == found


def test_the_first_rule_decides(monkeypatch):
    monkeypatch.setattr(rules, "read_table", lambda: {"弹": ["炮弹{dan4}", "弹{}药", "弹{tan2} > .|$"]})
    assert rules.find_readings(["炮弹"]) == {1: "dan4"}
    assert rules.find_readings(["弹药"]) == {}
    assert rules.find_readings(["弹", "琴"]) == {0: "tan2"}


def test_words_and_places_stay():
    text = TracedText.of("他头发长长了，得剪了。")
    phonemes = pinyin.phonemize(text)
    assert phonemes.text == phonemize("他头发长长了，得剪了。", "zh")
    assert phonemes.text == "tʰa→ tʰou↗fa↘ ꭧa↓ŋꭧʰa↗ŋ lɤ, tei↓ ʨjɛ↓n lɤ."
    runs = phonemes.runs({(place, place + 1) for place in (3, 4, 7)})
    assert [phonemes.text[start:end].strip() for place, start, end in runs if place] == [
        "ꭧa↓ŋ",
        "ꭧʰa↗ŋ",
        "tei↓",
    ]
