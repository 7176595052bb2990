"""Pauses and phonemes written into a text, and a lexicon: what is read, and what is refused."""

import time
import warnings

import pytest
from text_stages import phonemize

from nanospeech_core.errors import UserError
from nanospeech_core.text.checks import MAX_CHARACTERS
from nanospeech_core.text.pronunciation.lexicon import read_lexicon
from nanospeech_core.text.pronunciation.markup import read_markup
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

TOMATO = "[tomato](/təˈmɑːtoʊ/)"
TOKENIZER = Tokenizer("phonemes", SYMBOLS)


def spoken(text: str, lexicon: dict[str, str] | None = None, language: str = "en-us") -> str:
    """The symbols of all sentences, pauses as "[seconds]"."""
    document = read_markup(text, TOKENIZER, lexicon)
    parts = TOKENIZER.read(document, language)
    return " ".join(f"[{part:g}]" if isinstance(part, float) else part.symbols for part in parts)


def parts_of(text: str, tokenizer: Tokenizer = TOKENIZER) -> list:
    """The texts and pauses of a document."""
    parts = read_markup(text, tokenizer).parts
    return [part if isinstance(part, float) else part.text for part in parts]


# phonemes in the text


def test_given_phonemes_are_spoken():
    assert spoken(f"Eat a {TOMATO} now.") == "ˈiːt ɐ təˈmɑːtoʊ nˈaʊ."
    assert spoken(TOMATO) == "təˈmɑːtoʊ"
    assert spoken(f"{TOMATO}, {TOMATO} and [potato](/pˈoʊ/)!") == "təˈmɑːtoʊ, təˈmɑːtoʊ ænd pˈoʊ!"
    assert spoken(f'He said "{TOMATO}".', language="en-gb") == 'hiː sˈɛd "təˈmɑːtoʊ".'


def test_a_stand_in_may_be_in_the_text():
    """As `[Zubazub](/.../)`, in a lexicon, or by itself: it is read as any word."""
    zubazub = phonemize("zubazub")
    assert spoken("A zubazub and [Ozubazub](/tˈuː/).", {"ozubazubs": "wˈʌn"}) == f"ɐ {zubazub} ænd tˈuː."
    assert spoken("Zubazubs, ozubazubs.", {"ozubazubs": "wˈʌn"}) == f"{zubazub}z, wˈʌn."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The [x](/ˈæpəl/) fell.", "ðɪ ˈæpəl fˈɛl."),  # as before a vowel
        ("The [x](/lˈæp/) fell.", "ðə lˈæp fˈɛl."),
        ("I saw Mr. [Nguyen](/wˈɪn/) at 5.", "aɪ sˈɔː mˈɪstɚ wˈɪn æt fˈaɪv."),  # the sentence does not end
        ("[C++](/sˈiː/) is 2.", "sˈiː ɪz tˈuː."),  # its signs are not read
        (
            "[Nick](/nˈɪk/)'s dog, [Bush](/bˈʊʃ/)’s cat, [Bob](/bˈɑːb/)'s.",
            "nˈɪks dˈɑːɡ, bˈʊʃɪz kˈæt, bˈɑːbz.",
        ),
        ("[re](/ɹˈiː/)-run", "ɹˈiːɹˈʌn"),
        ("a[b](/bˈiː/)c", "ɐ bˈiː sˈiː"),
        ("[g](/gˈoʊ/)", "ɡˈoʊ"),  # as a keyboard has it
        ("[two  words](/ tˈuː   wˈɜːdz /)", "tˈuː wˈɜːdz"),
        ("It is 5 [km](/kˈeɪ/) and 3 [10](/tˈɛn/).", "ɪɾ ɪz fˈaɪv kˈeɪ ænd θɹˈiː tˈɛn."),  # not numbers
        ("In the [U.S.](/jˈuː/) Then [etc.](/ˈɛt/).", "ɪnðə jˈuː ðˈɛn ˈɛt."),  # its stops end nothing
        ("[of](/ʌv/) the end, of the [end](/ˈɛ/)", "ʌv ðɪ ˈɛnd, ʌvðɪ ˈɛ"),  # words that are run together
    ],
)
def test_what_is_around_given_phonemes(text, expected):
    assert spoken(text) == expected


def test_given_phonemes_in_chinese_text():
    assert spoken("这很[重](/ꭧʰʊ↗ŋ/)要。", language="zh") == "ꭧɤ↘ xə↓n ꭧʰʊ↗ŋ jau↘."
    assert spoken("我爱Python。", {"python": "pˈɪ"}, "zh") == "wo↓ ai↘ pˈɪ."


def test_a_markdown_link_is_no_markup():
    assert spoken("See [the docs](https://example.com/).") == phonemize("See the docs.")
    assert read_markup("[a](b)", TOKENIZER).pronunciations == {}
    assert parts_of("[ ](/ə/)") == ["[ ](/ə/)"]  # there is no word


def test_a_reader_sees_the_words():
    text = f"A [pause 1] {TOMATO} in York."
    document = read_markup(text, TOKENIZER, {"york": "jˈɔːk"})
    assert " ".join(document.plain.split()) == "A tomato in York."
    first, pause, second = TOKENIZER.read(document)
    assert (first.written, pause, second.written) == ("A", 1.0, "tomato in York.")
    places = [(text[slice(*word.place)], second.symbols[word.first : word.last]) for word in second.words]
    assert places == [(TOMATO, "təˈmɑːtoʊ"), ("in", "ɪn"), ("York.", "jˈɔːk")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a](/tèst/)", r'^\[a\]\(/tèst/\): "è" is not a phoneme of this model; its phonemes are .*ɑ'),
        ("[a](/X/)", '"X" is not a phoneme'),
        ("[a](//)", "there are no phonemes"),
        ("[a](/ˈ,/)", "there are no phonemes"),
    ],
)
def test_bad_phonemes(text, message):
    with pytest.raises(UserError, match=message):
        read_markup(text, TOKENIZER)


def test_a_model_of_characters_has_no_phonemes():
    characters = Tokenizer("characters", tuple("abcdefgh "))
    with pytest.raises(UserError, match="this model reads characters"):
        read_markup(TOMATO, characters)
    with pytest.raises(UserError, match="this model reads characters"):
        read_markup("abc", characters, {"abc": "a"})
    assert parts_of("a[pause 1]b", characters) == ["a", 1.0, "b"]


def test_a_vocabulary_without_the_stand_ins_phonemes():
    small = Tokenizer("phonemes", tuple("hiːɪz təmɑoʊ.ˈ "), lambda report: None)
    (sentence,) = small.read(read_markup(f"He is {TOMATO}.", small))
    assert sentence.symbols == "hiː ɪz təˈmɑːtoʊ."


# pauses


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a [pause 0.5] b", ["a ", 0.5, " b"]),
        ("[pause 1]a[PAUSE .25s]b[ pause 2.0 s ]", [1.0, "a", 0.25, "b", 2.0]),
        ("[pause 0][pause 60]", [0.0, 60.0]),
        ("你好［pause ０．５］世界", ["你好", 0.5, "世界"]),
        ("[pauses] [pause](/pˈɔːz/)", ["[pauses] zubazub"]),
        ("[pause [pause](/pˈɔːz/) [pause 1]", ["[pause zubazub ", 1.0]),
        ("[pause 1\n[pause 2]", ["[pause 1\n", 2.0]),
    ],
)
def test_pauses(text, parts):
    assert parts_of(text) == parts


@pytest.mark.parametrize(
    "mark", ["[pause]", "[pause x]", "[pause -1]", "[pause 61]", "[pause 1e3]", "[pause 1 2]", "[pause nan]"]
)
def test_bad_pauses(mark):
    with pytest.raises(
        UserError, match="not a pause of 0 to 60 seconds: write it like .pause 0.5."
    ) as caught:
        read_markup(f"a {mark} b", TOKENIZER)
    assert str(caught.value).startswith(f'"{mark}" is')


@pytest.mark.parametrize(
    "unit", ["[pause", "[pause 1", "［pause\n", "[pause 1](", "[", "[a](/", "zubazub", "[ "]
)
def test_hostile_texts_are_quick(unit):
    started = time.process_time()
    read_markup(unit * (MAX_CHARACTERS // len(unit)), TOKENIZER, {"pause 1": "pˈɔːz"})
    assert time.process_time() - started < 3


# the lexicon


def test_a_lexicon_file(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text("\ufeff# mine\u2028or yours\n\nNew  York\t/nuː  jˈɔːk/\ngif\tdʒˈɪf\r\n", encoding="utf-8")
    assert read_lexicon(path, SYMBOLS) == {"New York": "nuː jˈɔːk", "gif": "dʒˈɪf"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("gif dʒˈɪf\n", "line 1: an entry must be a word, a tab and its phonemes"),
        ("# a\n\tdʒˈɪf\n", "line 2: an entry must be"),
        ("gif\tdʒˈɪf\tjif\n", "line 1: an entry must be"),
        ("gif\t\n", "line 1: there are no phonemes"),
        ("gif\tdʒˈ1f\n", 'line 1: "1" is not a phoneme of this model'),
        ("gif\tdʒˈɪf\n# a\fb\ngif\tɡˈɪf\n", 'line 3: there is already an entry for "gif"'),
    ],
)
def test_a_bad_lexicon(tmp_path, content, message):
    path = tmp_path / "words.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message) as caught:
        read_lexicon(path, SYMBOLS)
    assert str(path) in str(caught.value)


def test_a_lexicon_that_cannot_be_read(tmp_path):
    for path, message in ((tmp_path / "no.tsv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UserError, match=message):
            read_lexicon(path, SYMBOLS)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="is not UTF-8"):
        read_lexicon(tmp_path / "binary", SYMBOLS)


LEXICON = {
    "gif": "dʒˈɪf",
    "Polish": "pˈoʊlɪʃ",
    "new york": "nuː jˈɔːk",
    "New York City": "ɛn wˈaɪ",
    "can": "kˈaː",
    "IT": "ˌaɪtˈiː",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A GIF, a gif.", "ɐ dʒˈɪf, ɐ dʒˈɪf."),  # in any case
        ("Polish it.", "pˈoʊlɪʃ ɪt."),  # with its capital only
        ("polish IT.", "pˈɑːlɪʃ ˌaɪtˈiː."),
        ("new\nyork", "nuː jˈɔːk"),
        ("New York City.", "ɛn wˈaɪ."),  # the longest
        ("New York city.", "nuː jˈɔːk sˈɪɾi."),
        ("I can't, can I?", "aɪ kˈænt, kˈaː ˈaɪ?"),  # complete words
        ("The can's gifs.", f"ðə kˈaːz {phonemize('gifs')}."),
        ("Go to gif.com.", phonemize("Go to gif dot com.")),
        (f"[gif](/ɡˈɪf/) {TOMATO}", "ɡˈɪf təˈmɑːtoʊ"),  # the text knows better
    ],
)
def test_words_of_the_lexicon(text, expected):
    assert spoken(text, LEXICON) == expected


def test_chinese_words_of_the_lexicon():
    lexicon = {"重庆": "ꭧʰʊ↗ŋ", "重庆市": "ʂɨ↘"}
    assert spoken("我爱重庆市，重庆好。", lexicon, "zh") == "wo↓ ai↘ ʂɨ↘, ꭧʰʊ↗ŋ xau↓."


def test_without_markup_nothing_changes():
    text = "It cost $5, Dr. Smith said. And this is [not] markup."
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert spoken(text) == " ".join(s.symbols for s in TOKENIZER.sentences(text))
