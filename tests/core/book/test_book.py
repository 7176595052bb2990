"""How long a chapter lasts, before it is spoken."""

import time

import pytest

from nanospeech_core.book.book import DIGIT, HAN, LEAD, LETTER, SENTENCE, TAIL, Chapter
from nanospeech_core.book.speaking import voice_of_book
from nanospeech_core.sampling.options import GenerateOptions

ENGLISH = """The road along the river

[pause 0.9]

He turned to see the crowd which was pressing curiously round the policeman, and listening eagerly. The letter
had been carefully traced by a clever hand, which shook as it went. "You must not go there," said the old man.
"It is late!"

In the morning they walked on. Nothing moved; the fields lay white under the snow, and far away a dog barked
twice. She counted her money: there were 12 coins, no more.

[pause 1.2]

Years later, when the house had been sold and the garden was full of weeds, he came back. Nobody knew him.
"""
CHINESE = """第一章

[pause 0.9]

早上天气很好，他们沿着河边慢慢走。老人说：“今天不会下雨，我们可以走得远一点。”孩子们笑了。

过了几年，房子卖掉了，花园里长满了草。他回来的时候，没有人认识他。
"""


def silent_seconds(text: str) -> float:
    """The estimate without the silence around a chapter."""
    return Chapter("", text).seconds() - LEAD - TAIL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc.", 3 * LETTER + SENTENCE),
        ("abc def", 6 * LETTER + SENTENCE),  # a title
        ("abc.[pause 2]", 3 * LETTER + 2),
        ("abc\n\n[pause 0.9]\n\ndef.", 6 * LETTER + 0.9 + SENTENCE),
        ("abc\n\ndef.", 6 * LETTER + 2 * SENTENCE),
        ("in 1984.", 2 * LETTER + 4 * DIGIT + SENTENCE),
        ("你好。再见！", 4 * HAN + 2 * SENTENCE),
        ("[voice: emma][abc](/wˈɜːd/)[lang: zh].", 3 * LETTER + SENTENCE),
        ("abc. [rate: 0.5]abc. [rate: default]abc.", 3 * LETTER * (1 + 2 + 1) + 3 * SENTENCE),
    ],
)
def test_what_is_counted(text, expected):
    assert silent_seconds(text) == pytest.approx(expected)


def test_a_higher_speed_shortens_the_words():
    assert Chapter("", "abcd.").seconds(2.0) == pytest.approx(LEAD + TAIL + 2 * LETTER + SENTENCE)


@pytest.mark.parametrize("text", ["[pause" * 30_000, "[rate:" * 50_000, "[rate: " + " " * 10**5, "." * 10**5])
def test_no_text_takes_long(text):
    began = time.process_time()
    Chapter("", text).seconds()
    assert time.process_time() - began < 2


@pytest.mark.slow
@pytest.mark.parametrize(("text", "voice"), [(ENGLISH, None), (ENGLISH, "george"), (CHINESE, None)])
def test_the_estimate_is_near_to_the_speech(text, voice):
    pytest.importorskip("mlx.core")
    from nanospeech_mlx import Nanospeech

    options, chapter = GenerateOptions(voice=voice), Chapter("One", text)
    voice = voice_of_book(None, options, [chapter])
    tts = Nanospeech.from_pretrained()
    spoken = sum(len(s.wave) for s in tts.speak(text, voice, standalone=False, num_iter=1)) / tts.sample_rate
    assert chapter.seconds(voice.tempo) == pytest.approx(LEAD + spoken + TAIL, rel=0.08)
