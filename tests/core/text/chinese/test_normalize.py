"""Chinese: what is read aloud, sentences in two languages, absent libraries, threads."""

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from text_stages import normalize, phonemize

from nanospeech_core.errors import UserError
from nanospeech_core.text.chinese import normalize as chinese
from nanospeech_core.text.chinese import pinyin
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer


def tokenizer() -> tuple[Tokenizer, list[str]]:
    reports: list[str] = []
    return Tokenizer("phonemes", SYMBOLS, reports.append), reports


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
    "-0.5%，+3%": "负百分之零点五，正百分之三",
    "约3-5%": "约百分之三到百分之五",
    "3-4级，3～4级，3—4级": "三到四级，三到四级，三到四级",
    "票价￥120-380": "票价一百二十到三百八十元",
    "气温-10~-5℃": "气温负十到负五摄氏度",
    "第1-3章，第2-3名": "第一到三章，第二到三名",
    "2、3个，7、8年": "两三个，七八年",
    "2，3个": "二，三个",
    "以21:18战胜，3-1获胜，比分3:10": "以二十一比十八战胜，三比一获胜，比分三比十",
    "3+5×2=13，10-4=6，9÷3=3": "三加五乘二等于十三，十减四等于六，九除以三等于三",
    "x≥5，y<3，±3": "x大于等于五，y小于三，正负三",
    "1920×1080，4x4": "一千九百二十乘一千零八十，四乘四",
    "3/4的学生，2½杯，1 1/2": "四分之三的学生，二又二分之一杯，一又二分之一",
    "1000000000000元": "一万亿元",
    "1234567890": "十二亿三千四百五十六万七千八百九十",
    "100050，53000004116": "十万零五十，五百三十亿零四千一百一十六",
    "202、2002、22000、200": "两百零二、两千零二、两万二千、两百",
    "第200名，第2000名": "第二百名，第二千名",
    "2公斤、2部、2朵、2台、2角": "两公斤、两部、两朵、两台、两角",
    "2楼2层，2手，2次元，2人转": "二楼两层，二手，二次元，二人转",
    "2世纪，2季度，2级": "二世纪，二季度，二级",
    "007，.5": "零零七，零点五",
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
    "2月2日，12月2日": "二月二日，十二月二日",
    "2018-19赛季，1998-1999": "二零一八到一九赛季，一九九八到一九九九",
    "3000年历史，2000年前": "三千年历史，两千年前",
    "05/01，11-2月": "五月一日，十一到二月",
    # times
    "12:30": "十二点三十分",
    "下午3:05": "下午三点零五分",
    "0:30": "零点三十分",
    "00:00": "零点",
    "2点半，12点": "两点半，十二点",
    "2点2分，22点-6点": "两点二分，二十二点到六点",
    "8:00~17:00，晚8点-9点半": "八点到十七点，晚八点到九点半",
    "13:05:09，1:30pm": "十三点零五分零九秒，下午一点三十分",
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
    "5元/人，3-5元/kg，72次/分": "每人五元，每千克三到五元，每分钟七十二次",
    "7.8L/100km": "每百公里七点八升",
    "17.5m²，50m3，5g，5t": "十七点五平方米，五十立方米，五克，五吨",
    "100USD，￥2，$1.5-2亿": "一百美元，两元，一点五到两亿美元",
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
    "请打119，急救打120，一共120": "请打幺幺九，急救打幺二零，一共一百二十",
    "请打010-62511234或+86 13800138000": "请打零幺零，六二五幺幺二三四或加八六，幺三八零零幺三八零零零",
    "价格是HK$100，在No.1之后": "价格是一百港元，在第一之后",
    "尾号6789，1-2-3": "尾号六七八九，一二三",
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
    "打开 example.com": "ta↓kʰai→ ɛɡzˈæmpəl tjɛ↓n kˈɑːm",
    "《Python 编程》（第2版）": "“pˈaɪθən pjɛ→nꭧʰə↗ŋ” (ti↘ɚ↘ pa↓n)",
}


@pytest.mark.parametrize("text", MIXED)
def test_mixed_text_in_chinese(text):
    ids, reports = tokenizer()
    assert [s.symbols for s in ids.sentences(text, "zh")] == [MIXED[text]] and not reports


def test_mixed_text_in_english():
    ids, _ = tokenizer()
    (sentence,) = ids.sentences("I was in 北京 in 2008, and 5月1日 was nice.", "en-gb")
    assert sentence.spoken == "I was in 北京 in two thousand and eight, and 五月一日 was nice."
    beijing, may = phonemize("北京", "zh"), phonemize("五月一日", "zh")
    assert f" {beijing} " in sentence.symbols and f" {may} " in sentence.symbols
    assert phonemize("two thousand and eight", "en-gb") in sentence.symbols


def test_each_paragraph_in_its_own_language():
    texts = [
        s.spoken for s in tokenizer()[0].sentences("It costs 5 dollars today.\n\n这个价格是5元。", "en-us")
    ]
    assert texts == ["It costs five dollars today.", "这个价格是五元。"]


def test_what_has_no_reading_is_skipped_and_reported_once():
    ids, reports = tokenizer()
    (sentence,) = ids.sentences("兙タ😊好，兙好。", "zh")
    assert sentence.symbols == phonemize(" 好， 好。", "zh")
    assert [report[1] for report in reports] == ["兙", "タ", "😊"]


def test_numbers_that_grow_are_split_again():
    sentences = tokenizer()[0].sentences("编号123456789012345678901234567890，" * 6, "zh")
    assert len(sentences) > 1 and max(len(s.spoken) for s in sentences) <= 100


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
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.errors import UserError
try:
    print([s.symbols for s in Tokenizer("phonemes", SYMBOLS).sentences(%r, %r)])
except UserError as error:
    print(error)
"""
LIBRARIES = ["pypinyin", "rjieba", "opencc"]


def without(names: list[str], text: str, language: str) -> str:
    """What is printed."""
    command = [sys.executable, "-c", WITHOUT % (names, text, language)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[4])
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("language", ["zh", "en-us"])
def test_an_absent_library_is_one_sentence(monkeypatch, name, language):
    monkeypatch.setitem(sys.modules, name, None)
    for cached in (pinyin.has_reading, pinyin._pinyin, chinese._opencc):
        monkeypatch.setattr(sys.modules[cached.__module__], cached.__name__, cached.__wrapped__)
    with pytest.raises(UserError, match=rf"^Chinese needs {name}, .*: pip install {name}$"):
        tokenizer()[0].sentences("I paid 价格是5元。", language)


def test_a_broken_installation_is_one_sentence():
    assert without(LIBRARIES, "价格是5元。", "zh").startswith(
        "Chinese needs pypinyin, which cannot be loaded ("
    )


def test_english_loads_no_chinese_library():
    assert without(LIBRARIES, "Hello there.", "en-us") == f"{[phonemize('Hello there.')]}"


def test_threads_do_not_mix():
    texts = [f"請問第{i}個人在{2000 + i}年長大了嗎？我們常常說行長銀行。" for i in range(40)]
    expected = [tokenizer()[0].sentences(text, "zh")[0].symbols for text in texts]
    pinyin._pinyin.cache_clear()

    def read(start: int) -> list[str]:
        order = texts[start:] + texts[:start]
        found = [tokenizer()[0].sentences(text, "zh")[0].symbols for text in order * 3]
        return found[len(texts) - start :][: len(texts)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(0, 40, 5))) == [expected] * 8
