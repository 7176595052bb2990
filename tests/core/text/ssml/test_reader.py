"""SSML to documents: texts, pauses and settings, words with their places, and what is refused."""

from __future__ import annotations

import time
import warnings

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text.checks import MAX_CHARACTERS
from nanospeech_core.text.document import Document, Settings
from nanospeech_core.text.pronunciation.markup import read_markup
from nanospeech_core.text.ssml.reader import read_ssml
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText

TOKENIZER = Tokenizer("phonemes", SYMBOLS)


def read(inside: str, lexicon: dict[str, str] | None = None, language: str | None = None) -> Document:
    """What is in <speak>; nothing may be without effect."""

    def fail(message: str) -> None:
        raise AssertionError(message)

    return read_ssml(f"<speak>{inside}</speak>", TOKENIZER, lexicon, language, fail)


def parts(document: Document) -> list:
    """Texts with single spaces, pauses, settings."""
    return [
        " ".join(part.text.split()) if isinstance(part, TracedText) else part
        for part in document.parts
        if not isinstance(part, TracedText) or part.text.strip()
    ]


def spoken(document: Document, language: str = "en-us") -> list:
    """The symbols of the sentences, and pauses."""
    return [part if isinstance(part, float) else part.symbols for part in TOKENIZER.read(document, language)]


def words(source: str, language: str = "en-us") -> list[tuple[str, str]]:
    """Each spoken word as it is written, and its place in the source."""
    document = read_ssml(source, TOKENIZER, language=language)
    return [
        (sentence.written[word.start : word.end], source[slice(*word.place)])
        for sentence in TOKENIZER.read(document, language)
        if not isinstance(sentence, float)
        for word in sentence.words
    ]


@pytest.mark.parametrize(
    ("ssml", "markup"),
    [
        ('Wait <break time="500ms"/> for me.', "Wait [pause 0.5] for me."),
        ('Wait. <break time="2s"/> For me.', "Wait. [pause 2] For me."),
        ('<break time="1s"/>Hi.<break time="1s"/>', "[pause 1]Hi.[pause 1]"),
        ('Wait <break strength="none"/> for me.', "Wait [pause 0] for me."),
        (
            'A <phoneme alphabet="ipa" ph="təˈmɑːtoʊ">tomato</phoneme> in it.',
            "A [tomato](/təˈmɑːtoʊ/) in it.",
        ),
        ("<phoneme ph='nˈɪk'>Nick</phoneme>'s dog", "[Nick](/nˈɪk/)'s dog"),
        ("<phoneme ph='tə.ˈmɑː.t͡ʃoʊ'>a</phoneme>", "[a](/təˈmɑːtʃoʊ/)"),
        ('<voice name="emma">Hi.</voice> Ho.', "[voice: emma]Hi.[voice: default] Ho."),
        (
            '<voice name="emma">A. <voice name="x">B.</voice> C.</voice>',
            "[voice: emma]A. [voice: x]B.[voice: emma] C.",
        ),
        ('<prosody rate="90%">Hi.</prosody> Ho.', "[rate: 0.9]Hi.[rate: 1] Ho."),
        (
            '<prosody rate="slow">A. <prosody rate="-20%">B.</prosody></prosody>',
            "[rate: .75]A. [rate: 0.6]B.",
        ),
        ('A. <lang xml:lang="en-GB">I can\'t.</lang>', "A. [lang: en-gb]I can't."),
        ('<p xml:lang="zh-CN">3:2</p>', "[lang: zh]3:2"),
        ("<s>One.</s> <s>Two.</s>", "One. Two."),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p><s>One</s><s>Two!</s></p>Three", "One\n\nTwo!\n\nThree"),
        ("One\n\n  -  two &amp;\nthree", "One - two & three"),
        ("<w>one</w> <token>two</token><metadata><x:y>no</x:y></metadata>", "one two"),
        ('We met the <sub alias="World Wide Web">WWW</sub> of 3.', "We met the World Wide Web of 3."),
        ('On <say-as interpret-as="date" format="md">3/4</say-as>.', "On March fourth."),
        ('<say-as interpret-as="cardinal">1984</say-as> apples', "1,984 apples"),
    ],
)
def test_the_same_in_our_markup(ssml, markup):
    """As symbols, pauses and settings; test_pipeline_ssml.py compares the speech."""
    found = [(settings, spoken(document)) for settings, document in read(ssml).passages()]
    expected = read_markup(markup, TOKENIZER).passages()
    assert found == [(settings, spoken(document)) for settings, document in expected]


def test_settings_end_with_their_element():
    document = read('A <prosody rate="2">b <voice name="x">c</voice></prosody> <voice name="x"> </voice>d')
    assert parts(document) == [
        "A",
        Settings(None, 2.0),
        "b",
        Settings("x", 2.0),
        "c",
        Settings(),
        "d",  # in one text, as the last <voice> has no words
    ]


def test_voices_by_language():
    chosen = Settings(None, 1.0, "zh", "zh")
    assert parts(read('<voice languages="zh-CN:x en">你好</voice>')) == [chosen, "你好"]
    assert parts(read('<voice language="zh">3</voice>')) == [chosen, "3"]
    assert parts(read('<voice xml:lang="zh">3</voice>')) == [chosen, "3"]
    assert parts(read('<voice name="default">A</voice>')) == ["A"]


def test_languages():
    source = '<speak xml:lang="en-GB"><p xml:lang="en">A</p><s xml:lang="en-US">B</s></speak>'
    document = read_ssml(source, TOKENIZER)
    assert document.language == "en-gb" and parts(document) == ["A", Settings(language="en-us"), "B"]


def test_chinese_in_an_english_sentence_does_not_cut_it():
    assert parts(read('Say <lang xml:lang="zh-CN">你好</lang> to him.')) == ["Say 你好 to him."]
    assert len(parts(read('Say <lang xml:lang="zh-CN">3</lang> to him.'))) == 5


def test_say_as_is_read_in_the_language_around_it():
    date = '<say-as interpret-as="date" format="mdy">3/4/2024</say-as>'
    assert parts(read(date)) == ["March fourth, twenty twenty-four"]
    assert parts(read(f"今天是{date}")) == ["今天是二零二四年三月四日"]  # by its script
    assert parts(read(date, language="zh")) == ["二零二四年三月四日"]
    assert parts(read(f'<lang xml:lang="zh">{date}</lang>'))[1:] == ["二零二四年三月四日"]
    assert parts(read_ssml(f'<speak xml:lang="zh">{date}</speak>', TOKENIZER)) == ["二零二四年三月四日"]


def test_each_word_knows_its_place_in_the_xml():
    source = (
        '<?xml version="1.0"?>\n<speak>The <sub alias="World Wide Web">W3 C</sub>, <emphasis>all</emphasis> '
        'of R&amp;D: <say-as interpret-as="characters">AB</say-as> <phoneme ph="tˈuː"/> '
        '<phoneme ph="wˈʌn">one</phoneme>\'s<break/> €5</speak>'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert words(source) == [
            ("The", "The"),
            ("W3 C,", "W3 C</sub>,"),
            ("all", "all"),
            ("of", "of"),
            ("R&D:", "R&amp;D:"),
            ("AB", "AB"),
            ("tˈuː", '<phoneme ph="tˈuː"/>'),
            ("one's", "one</phoneme>'s"),
            ("€5", "€5"),
        ]


def test_places_in_chinese():
    source = '<speak>你<say-as interpret-as="cardinal">12</say-as>好</speak>'
    assert words(source, "zh") == [("你", "你"), ("12", "12"), ("好", "好")]


def test_a_reader_sees_what_is_written():
    document = read('The <sub alias="World Wide Web">WWW</sub> and <phoneme ph="tˈuː">two</phoneme>.')
    assert document.plain == "The WWW and two."


def test_square_brackets_are_text():
    document = read("[pause 1] [voice: x] [a](/tˈuː/)")
    assert parts(document) == ["[pause 1] [voice: x] [a](/tˈuː/)"] and not document.pronunciations


def test_a_lexicon():
    lexicon = {"york": "jˈɔːk", "new york": "nuː jˈɔːk", "two": "tˈuː"}
    assert spoken(read("New <emphasis level='none'>York</emphasis>'s", lexicon)) == ["nuː jˈɔːks"]
    alias = read(
        '<sub alias="York">Y</sub> of <sub alias="York Two">Y</sub> <phoneme ph="wˈʌn">two</phoneme>', lexicon
    )
    assert [given.phonemes for given in alias.pronunciations.values()] == ["jˈɔːk", "wˈʌn"]
    characters = Tokenizer("characters", tuple("abcdefgh "))
    with pytest.raises(UserError, match="a lexicon gives phonemes, but this model reads characters"):
        read_ssml("<speak>a</speak>", characters, {"a": "b"})
    with pytest.raises(UserError, match="column 8: <phoneme> gives phonemes, but this model reads"):
        read_ssml("<speak><phoneme ph='a'>a</phoneme></speak>", characters)


def test_what_has_no_effect_is_spoken_and_reported_once():
    source = (
        '<speak xmlns:mstts="x">A <emphasis>b</emphasis> <emphasis level="none">c</emphasis> '
        '<prosody pitch="high" volume="medium">d</prosody><mark name="m"/> '
        '<audio src="x.wav"><desc>no</desc>e</audio> <mstts:express-as style="sad">f</mstts:express-as> '
        '<voice gender="female">g</voice> <say-as interpret-as="name">h</say-as> '
        "<emphasis>i</emphasis></speak>"
    )
    reports: list[str] = []
    document = read_ssml(source, TOKENIZER, report=reports.append)
    assert parts(document) == ["A b c d e f g h i"]
    assert reports == [
        "without effect in SSML: <emphasis>, pitch of <prosody>, <mark>, <audio>, <mstts:express-as>, "
        'gender of <voice>, <say-as interpret-as="name"> of "h"; the text is spoken as usual'
    ]


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("\n <foo>x</foo>", "line 2, column 2: there is no element <foo> in SSML"),
        ('a<break tim="1s"/>', 'column 9: <break> has no attribute "tim"; it has time, strength'),
        ("<p a=''/>", '<p> has no attribute "a"; it has none'),
        ('<break time="61s"/>', 'the time "61s" is not 0 to 60 seconds'),
        ("<break>x</break>", "<break> must be empty: write <break/>"),
        ("<speak/>", "<speak> cannot be inside <speak>"),
        ("<sub>a</sub>", '<sub> needs the attribute "alias"'),
        ("<lang>a</lang>", '<lang> needs the attribute "xml:lang"'),
        ("<sub alias='a'><s>b</s></sub>", "<s> cannot be inside <sub>"),
        ("<lang xml:lang='fr'>a</lang>", 'there is no language "fr"'),
        ("<voice name=' '>a</voice>", "the name of the voice is empty"),
        ("<phoneme ph='Ж'>a</phoneme>", 'ph: "Ж" is not a phoneme of this model'),
        ("<phoneme ph=''>a</phoneme>", "ph: there are no phonemes"),
        ("<phoneme alphabet='x-sampa' ph='a'>a</phoneme>", 'the alphabet "x-sampa" is not read: write'),
        ("<prosody rate='0.3'><prosody rate='-50%'>a</prosody></prosody>", "gives a tempo of 0.15"),
    ],
)
def test_what_is_refused_is_named_with_its_place(inside, message):
    with pytest.raises(UserError) as caught:
        read(inside)
    assert str(caught.value).startswith("SSML, line ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "unit",
    [
        "<p>a b</p>",
        "a <voice name='x'>b</voice> ",
        "<sub alias='a b'>c</sub> ",
        "<s>a.</s>",
        "<phoneme ph='a'>b</phoneme> ",
        "word ",
        "<break/>",
        "<say-as interpret-as='digits'>1</say-as>",
    ],
)
def test_long_texts_are_quick(unit):
    started = time.process_time()
    document = read(unit * ((MAX_CHARACTERS - 20) // len(unit)), {"word": "wˈɜːd", "c d": "a"})
    document.passages()
    assert time.process_time() - started < 4


def test_deep_texts_are_quick():
    started = time.process_time()
    depth = 60
    read("<lang xml:lang='zh'>" * depth + "a " * 40_000 + "</lang>" * depth)
    assert time.process_time() - started < 3
