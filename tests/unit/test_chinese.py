"""Chinese: what is read aloud, the corpus's own phonemes, sentences in two languages, absent libraries."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from nanospeech_core import chinese
from nanospeech_core.errors import UserError
from nanospeech_core.normalize import normalize
from nanospeech_core.text import SYMBOLS, Tokenizer, phonemize

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 13), reason="misaki needs Python 3.12 or older")

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "corpus_phonemes_zh.jsonl").read_text("utf-8").splitlines()
]


def tokenizer() -> tuple[Tokenizer, list[str]]:
    reports: list[str] = []
    return Tokenizer("phonemes", SYMBOLS, reports.append), reports


def test_phonemes_are_those_of_the_corpus():
    assert len(ROWS) == 131
    different = [row for row in ROWS if phonemize(row["text"], "zh") != row["phonemes"]]
    assert len(different) <= 1, [row["text"] for row in different]


def test_plain_sentences_reach_the_model_as_they_did_in_training():
    """But for 著, which the corpus reads as zhù where 着 is meant."""
    plain = [row for row in ROWS if "著" not in row["text"]]
    assert len(ROWS) - len(plain) == 2
    assert [row["text"] for row in plain if normalize(row["text"], "zh") != row["text"]] == []
    for row in plain[:40]:
        (sentence,) = tokenizer()[0].sentences(row["text"], "zh")
        assert sentence.symbols == row["phonemes"]


READINGS = {
    # numbers
    "2个苹果": "两个苹果",
    "12000": "一万二千",
    "1,234,567人": "一百二十三万四千五百六十七人",
    "3.14": "三点一四",
    "-5度": "负五度",
    "1/2": "二分之一",
    "½杯": "二分之一杯",
    "第3章": "第三章",
    "第 3 章": "第三章",
    "3-5天": "三到五天",
    "比分是3:2": "比分是三比二",
    "比分是3：0": "比分是三比零",
    "2次、第2次、12次": "两次、第二次、十二次",
    "2年前，2年级": "两年前，二年级",
    "2+3=5": "二加三等于五",
    "2亿": "两亿",
    "50%": "百分之五十",
    "3%-5%": "百分之三到百分之五",
    "5‰": "千分之五",
    # dates
    "2024年5月1日": "二零二四年五月一日",
    "2024年05月02日": "二零二四年五月二日",
    "2024-05-01": "二零二四年五月一日",
    "2024/5/1": "二零二四年五月一日",
    "2024.12.2": "二零二四年十二月二日",
    "2024-05": "二零二四年五月",
    "5月2号": "五月二号",
    "2018–2020年": "二零一八到二零二零年",
    "20世纪80年代": "二十世纪八十年代",
    "90后": "九零后",
    "二〇二四年": "二零二四年",
    # times
    "12:30": "十二点三十分",
    "下午3:05": "下午三点零五分",
    "0:30": "零点三十分",
    "00:00": "零点",
    "2点半，12点": "两点半，十二点",
    "上午9:00-11:30": "上午九点到十一点三十分",
    # money
    "￥128": "一百二十八元",
    "¥1,234.5": "一千二百三十四点五元",
    "￥3.5万": "三点五万元",
    "$100": "一百美元",
    "US$2.5亿": "二点五亿美元",
    "HK$100": "一百港元",
    "$5-$10": "五美元到十美元",
    "€5": "五欧元",
    # units
    "36.5℃": "三十六点五摄氏度",
    "60km/h": "每小时六十公里",
    "5㎡": "五平方米",
    "2.4GHz": "二点四吉赫兹",
    "100W": "一百瓦",
    # telephones, codes
    "电话13800138000": "电话幺三八零零幺三八零零零",
    "138-0013-8000": "幺三八，零零幺三，八零零零",
    "+86 13800138000": "加八六，幺三八零零幺三八零零零",
    "电话：010-62511234": "电话：零幺零，六二五幺幺二三四",
    "（010）62511234": "零幺零，六二五幺幺二三四",
    "400-123-4567": "四零零，幺二三，四五六七",
    "拨打110": "拨打幺幺零",
    "110个人": "一百一十个人",
    "房间号302": "房间号三零二",
    "电话3000个": "电话三千个",
    "2单元201室": "二单元二零幺室",
    "GB2312": "GB二三一二",
    "v1.2.3": "v一点二点三",
    "1.1.1": "一点一点一",
    "COVID-19": "COVID 十九",
    "No.1": "第一",
    # characters
    "請問現在幾點？": "请问现在几点？",
    "乾淨的頭髮": "干净的头发",
    "她睡著了，著名的原著": "她睡着了，著名的原著",
    "甚麼": "什么",
    "ＧＤＰ増長５％": "GDP増长百分之五",
    # marks
    "你好,世界!": "你好，世界！",
    "你好吗?很好.": "你好吗？很好。",
    "他走了……": "他走了…",
    "『好』〈吧〉": "「好」「吧」",
    "真的？！": "真的？",
    "a,b": "a,b",
}


@pytest.mark.parametrize("text", READINGS)
def test_reading(text):
    assert normalize(text, "zh") == READINGS[text]


MIXED = {
    "我用 Python 写代码。": "wo↓jʊ↘ŋ pˈaɪθən ɕje↓ tai↘ma↓.",
    "我的iPhone 15很贵。": "wo↓ tɤ ˈaɪ fˈoʊn ʂɨ↗u↓ xə↓n kwei↘.",
    "他说：“We have 3 cats.”": "tʰa→ ʂwo→: “wiː hæv θɹˈiː kˈæts.”",
    "打开 example.com": "ta↓kʰai→ ɛɡzˈæmpəl dˈɑːt kˈɑːm",
    "《Python 编程》（第2版）": "“pˈaɪθən pjɛ→nꭧʰə↗ŋ” (ti↘ɚ↘ pa↓n)",
}


@pytest.mark.parametrize("text", MIXED)
def test_mixed_text_in_chinese(text):
    ids, reports = tokenizer()
    assert [s.symbols for s in ids.sentences(text, "zh")] == [MIXED[text]] and not reports


def test_mixed_text_in_english():
    ids, _ = tokenizer()
    (sentence,) = ids.sentences("I was in 北京 in 2008, and 5月1日 was nice.", "en-gb")
    assert sentence.text == "I was in 北京 in two thousand and eight, and 五月一日 was nice."
    beijing, may = phonemize("北京", "zh"), phonemize("五月一日", "zh")
    assert f" {beijing} " in sentence.symbols and f" {may} " in sentence.symbols
    assert phonemize("two thousand and eight", "en-gb") in sentence.symbols


def test_each_paragraph_in_its_own_language():
    texts = [
        s.text for s in tokenizer()[0].sentences("It costs 5 dollars today.\n\n这个价格是5元。", "en-us")
    ]
    assert texts == ["It costs five dollars today.", "这个价格是五元。"]


def test_what_has_no_reading_is_skipped_and_reported_once():
    ids, reports = tokenizer()
    (sentence,) = ids.sentences("兙タ😊好，兙好。", "zh")
    assert sentence.symbols == phonemize(" 好， 好。", "zh")
    assert [report[1] for report in reports] == ["兙", "タ", "😊"]


def test_numbers_that_grow_are_split_again():
    sentences = tokenizer()[0].sentences("编号123456789012345678901234567890，" * 6, "zh")
    assert len(sentences) > 1 and max(len(s.text) for s in sentences) <= 100


@pytest.mark.parametrize("seed", range(4))
def test_any_text_can_be_read(seed):
    characters = [
        *"你好世界的我看著他两 ，。“”！？：；、（）《》「」abcXYZ'\"\\[]{}<>|/-_=+*&^%$#@!~`:;,.",
        *"0123456789年月日号点分￥℃‰％㎡①½ー々〇\u200b１２",
        *(
            "😊",
            "USD",
            "http://a.b/",
            "a@b.com",
            "$5",
            "iPhone",
            "I have 3 cats",
            "电话",
            "3:05",
            "2024-05-01",
        ),
    ]
    generator = random.Random(seed)
    for _ in range(40):
        text = "".join(generator.choices(characters, k=generator.randint(1, 25)))
        assert not any(character in "0123456789" for character in normalize(text, "zh")), text
        for language in ("zh", "en-us"):
            try:
                sentences = tokenizer()[0].sentences(text, language)
            except UserError as error:
                assert "nothing to speak" in str(error)
            else:
                assert all(set(s.symbols) <= set(SYMBOLS) and "  " not in s.symbols for s in sentences)


# Without the libraries, in a process of its own: this one has loaded them.
WITHOUT = """
import sys
for name in %r:
    sys.modules[name] = None
from nanospeech_core.text import SYMBOLS, Tokenizer
from nanospeech_core.errors import UserError
reports = []
try:
    print([s.symbols for s in Tokenizer("phonemes", SYMBOLS, reports.append).sentences(%r, %r)])
except UserError as error:
    print(error)
print(*reports, sep="\\n")
"""


def without(names: list[str], text: str, language: str) -> list[str]:
    """The lines that are printed."""
    command = [sys.executable, "-c", WITHOUT % (names, text, language)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize("name", ["misaki", "wetext"])
def test_an_absent_library_is_one_sentence(name):
    assert without([name], "价格是5元。", "zh") == [
        'Chinese needs more packages: pip install "nanospeech-mar[zh]"',
        "",
    ]


@pytest.mark.parametrize("name", ["misaki", "jieba", "pypinyin", "cn2an", "ordered_set", "wetext", "opencc"])
def test_all_libraries_are_missed(monkeypatch, name):
    assert not chinese.missing()
    monkeypatch.setitem(sys.modules, name, None)
    assert chinese.missing()


def test_in_english_text_they_are_skipped_where_a_library_is_absent():
    assert without(["misaki"], "I was in 北京 once.", "en-us") == [
        f"{[phonemize('I was in once.')]}",
        'Chinese characters are skipped: Chinese needs more packages: pip install "nanospeech-mar[zh]"',
    ]


def test_english_loads_no_chinese_library():
    libraries = ["misaki", "jieba", "pypinyin", "cn2an", "ordered_set", "wetext", "kaldifst", "opencc"]
    assert without(libraries, "Hello there.", "en-us") == [f"{[phonemize('Hello there.')]}", ""]
