"""Which parts of a text are Chinese, and the language of the entire text."""

import time

import pytest

from nanospeech_core.text.language_detection import detect_language, join_parts, split_spoken, split_written
from nanospeech_core.text.traced import TracedText


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好，世界！", "zh"),
        ("我用 Python 写代码。", "zh"),
        ("I love 北京 very much.", "en-gb"),
        ("Hello there.", "en-gb"),
        ("网址是 https://www.example.com/a/b/c", "zh"),  # an address is not a lot of words
        ("邮箱：someone.else@mail.example.com", "zh"),
        ("ＯＫ好的", "zh"),
        ("2024", "en-gb"),
        ("", "en-gb"),
    ],
)
def test_language_of(text, language):
    assert detect_language(text, "en-gb") == language


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        ("¡Hola!", True),
        ("¿Qué hora es?", True),
        ("«¿Vienes?», dijo.", True),
        ("El señor Núñez vive en la costa.", True),
        ("La niña y el niño", True),
        ("piñata party", False),
        ("El Niño brings rain", False),
        ("jalapeño con queso", False),
        ("He said: ¡Hola!", False),
        ("The Spanish mark ¿ opens a question.", False),
        ("Señor Ibáñez de la Vega met the president of the club.", False),
        ("Hola, buenos días", False),  # no sure sign
        ("Hello there.", False),
        ("他说：“¿Qué?” 是什么意思？", False),
    ],
)
def test_spanish_only_by_its_signs_and_where_it_is_spoken(text, spanish):
    assert (detect_language(text, spoken=("en", "zh", "es")) == "es") is spanish
    assert detect_language(text) == detect_language(text, spoken=("en", "zh")) != "es"
    assert detect_language(text, "es") == ("zh" if "他" in text else "es")  # a Spanish voice reads it


def test_a_chinese_voice_does_not_make_english_chinese():
    assert detect_language("Hello there.", "zh") == "en-us"
    assert detect_language("12:30", "zh") == "zh"


@pytest.mark.parametrize(
    ("text", "language", "parts"),
    [
        ("价格是 5 元。", "en-us", [("zh", "价格是 5 元。")]),
        ("It costs 5.", "zh", [("en-us", "It costs 5.")]),
        ("12:30", "zh", [("zh", "12:30")]),
        ("12:30", "en-gb", [("en-gb", "12:30")]),
        ("我的 iPhone 15 很贵", "zh", [("zh", "我的 iPhone 15 很贵")]),
        ("他说 We have 3 cats。", "zh", [("zh", "他说 "), ("en-us", "We have 3 cats"), ("zh", "。")]),
        ("打开 example.com 吧", "zh", [("zh", "打开 example.com 吧")]),
        ("买 iPhone 15 Pro 了", "zh", [("zh", "买 iPhone 15 Pro 了")]),
        (
            "用 Word 2016 on Windows 11 吧",
            "zh",
            [("zh", "用 "), ("en-us", "Word 2016 on Windows"), ("zh", " 11 吧")],
        ),
        ("这款 3-in-1 咖啡", "zh", [("zh", "这款 "), ("en-us", "3-in-1"), ("zh", " 咖啡")]),
        ("他说：2 of us are here", "zh", [("zh", "他说："), ("en-us", "2 of us are here")]),
        ("写 I was born in 1998.", "zh", [("zh", "写 "), ("en-us", "I was born in 1998"), ("zh", ".")]),
        ("我 check in 3 次了", "zh", [("zh", "我 check in 3 次了")]),
        ("问 me@x.com at 5 吧", "zh", [("zh", "问 me@x.com at 5 吧")]),
        (
            "I bought 3 个苹果 there",
            "en-us",
            [("en-us", "I bought "), ("zh", "3 个苹果"), ("en-us", " there")],
        ),
        ("in 北京, 2008", "en-gb", [("en-gb", "in "), ("zh", "北京"), ("en-gb", ", 2008")]),
        ("on 5月1日 at 3", "en-us", [("en-us", "on "), ("zh", "5月1日"), ("en-us", " at 3")]),
    ],
)
def test_whose_numbers(text, language, parts):
    found = split_written(TracedText.of(text), language)
    assert [(code, part.text) for code, part in found] == parts
    assert all(text[slice(*part.span)] == part.text for _, part in found)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("我用 Python 写。", [("zh", "我用"), ("en-us", " Python"), ("zh", " 写。")]),
        ("说“hello”吧", [("zh", "说"), ("en-us", "“hello”"), ("zh", "吧")]),
        ("Hello，world！你好。", [("en-us", "Hello, world!"), ("zh", "你好。")]),
        ('说"OK"吧', [("zh", "说"), ("en-us", '"OK"'), ("zh", "吧")]),
        ("……", [("zh", "……")]),
    ],
)
def test_parts_take_the_punctuation_that_closes_them(text, parts):
    assert [(code, part.text) for code, part in split_spoken(TracedText.of(text), "zh")] == parts


def test_without_chinese_the_text_stays_as_it_is():
    text = TracedText.of(" Well — so, yes! ")
    assert split_spoken(text, "en-gb") == [("en-gb", text)]


def test_join():
    for parts, joined in (
        ([" a", "", "，b ", "c", "!"], "a，b c!"),
        (["说：“", "Hi", "”吧", "(", "a)"], "说：“Hi”吧 (a)"),
    ):
        assert join_parts(map(TracedText.of, parts)).text == joined


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "a+", "a-", "a@", "a@a.", "www.", "http://", "你", "你a", "1,", "a 1,", "the 1 ", "你the 1"],
)
def test_hostile_texts_are_quick(unit):
    started = time.process_time()
    detect_language(unit * (100_000 // len(unit)))
    sentence = TracedText.of(unit * (300 // len(unit)))
    for language in ("zh", "en-us"):
        split_written(sentence, language)
        split_spoken(sentence, language)
    assert time.process_time() - started < 5
