"""Which line breaks end a sentence: those of letters, poems and lists, not those of wrapped prose."""

import textwrap

import pytest
from text_stages import split_sentences

from nanospeech_core.text.lines import separate_lines

PROSE = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, "
    "it was the season of Darkness. London and Paris were far apart then, Dover lay between them, and Mr. "
    "Lorry was on his way. I said: Nobody reads this aloud, Sir, unless it is wrapped well."
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
    ],
)
def test_lines_that_go_on(lines):
    assert separate_lines(lines) == []


def test_sentences_of_lines():
    lines = ["Shopping list for tomorrow", "Milk and honey", "Twelve eggs from the farm next door", "Bread"]
    text = "\n".join(lines)
    assert split_sentences(text, min_characters=0) == lines
    assert split_sentences(f"{text}\n\nThe end")[-1] == "The end"
