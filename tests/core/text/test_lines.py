"""Which line breaks end a sentence: those of letters, poems and lists, not those of wrapped prose."""

import textwrap

import pytest
from text_stages import split_sentences

from nanospeech_core.text.lines import separate_lines
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

PROSE = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, "
    "it was the season of Darkness. London and Paris were far apart then, Dover lay between them, and Mr. "
    "Lorry was on his way. I said: Nobody reads this aloud, Sir, unless it is wrapped well."
)
NAMES = (
    "On Friday the President of the United States, Joe Biden, met King Charles the Third in London "
    "and said that Britain was a close friend. Prime Minister Sunak was there too, with Queen "
    "Camilla. They spoke for an hour."
)
NUMBERS = (
    "We asked forty people, ten of whom were older than 90. By 2023 most of them had moved. The "
    "program needs CUDA 12. You may install it with pip. Harry looked up. “I think Ron and Hermione "
    "are late,” he said. Nobody spoke."
)


@pytest.mark.parametrize("width", [30, 44, 60, 72, 80, 100])
def test_wrapped_prose_has_no_separate_lines(width):
    assert separate_lines(textwrap.wrap(PROSE, width)) == []


@pytest.mark.parametrize(
    "lines",
    [
        ["Dear Mrs. Lee,", "Thank you for your letter of last week, which I read with pleasure."],
        ["I remain, with many thanks for everything that you did,", "Yours sincerely,", "Anna Smith"],
        ["Roses are red,", "Violets are blue,", "Sugar is sweet,", "And so are you."],
        ["Roses are red,", "Violets are blue."],
        ["Milk", "Eggs", "Bread and butter", "Apples"],
        ["milk", "eggs", "bread and butter", "apples"],
        ["Anna Smith", "12 Long Street", "Springfield, IL 62704", "USA"],
        ["床前明月光，", "疑是地上霜。", "举头望明月，", "低头思故乡。"],
        ["亲爱的小王：", "你好！上次寄来的信我已经收到了，非常感谢。"],
        ["Breakfast: eggs", "Lunch: soup and a sandwich", "Dinner: fish"],
        ["red | green | blue", "one | two | three | four and five"],
        ["milk", "eggs", "bread", "butter"],
    ],
)
def test_separate_lines(lines):
    assert separate_lines(lines) == list(range(len(lines) - 1))


@pytest.mark.parametrize(
    "lines",
    [
        ["One line", "goes on here."],
        ["I live in New", "York."],
        ["This line of a message was broken by the program", "that sent it, and goes on."],
        ["a"],
        [
            "the President of the United States, Joe",
            "Biden, met King Charles and said that",
            "Britain was here",
        ],
        ["We asked forty people, some of whom were older than", "90. By 2023 most of them had moved to"],
    ],
)
def test_lines_that_go_on(lines):
    assert separate_lines(lines) == []


def test_sentences_of_lines():
    lines = ["Shopping list for tomorrow", "Milk and honey", "Twelve eggs from the farm next door", "Bread"]
    text = "\n".join(lines)
    assert split_sentences(text, min_characters=0) == lines
    assert split_sentences(f"{text}\n\nThe end")[-1] == "The end"


CHINESE = (
    "我家住在一个小城市里，每天早上六点我就起床，先去公园跑步，然后回家吃早饭。早饭一般是面包稀饭和鸡"
    "蛋，有时候也喝一点牛奶或者豆浆。吃完饭以后我就去上班，晚上再一起回家做饭看电视聊天，这样的生活虽"
    "然简单但是很幸福。"
)


@pytest.mark.parametrize("width", range(12, 61, 4))
def test_wrapped_chinese_has_no_spaces(width):
    lines = [CHINESE[i : i + width] for i in range(0, len(CHINESE), width)]
    assert split_sentences("\n".join(lines)) == split_sentences(CHINESE)


@pytest.mark.parametrize("width", range(22, 100, 3))
def test_wrapped_texts_are_split_as_unwrapped_ones(width):
    for text in (PROSE, NAMES, NUMBERS):
        assert split_sentences(textwrap.fill(text, width)) == split_sentences(text)


@pytest.mark.parametrize(
    "lines",
    [
        ["a) milk and bread", "b) eggs for the cake"],
        ["(1) One thing", "(2) Another thing"],
        ["3. The third", "4. The fourth"],
        ["– milk and honey", "– eggs"],
        ["[ ] buy milk", "[x] call mom"],
        ["① 洗菜", "② 切菜"],
        ["（一）准备", "（二）开始"],
    ],
)
def test_items_are_apart(lines):
    assert split_sentences("\n".join(lines)) == lines


def test_a_stop_at_the_end_of_a_line_is_of_the_street():
    tokenizer = Tokenizer("phonemes", SYMBOLS)
    for text, spoken in (
        ("42 Elm St.\nSpringfield", "forty-two Elm Street. Springfield"),
        ("1 Oak Dr.\nApt. 4", "one Oak Drive. apartment four"),
    ):
        assert tokenizer.sentences(text)[0].spoken.startswith(spoken)
