"""Any text: read without an exception but UserError, each word in its place; spoken, or refused."""

import contextlib
import math
import warnings

import numpy as np
import soundfile
from commands import in_this_process
from hypothesis import given
from hypothesis import strategies as st
from strategies import ssml, texts

from nanospeech_core.errors import UserError
from nanospeech_core.text.checks import check_text
from nanospeech_core.text.languages import LANGUAGES
from nanospeech_core.text.markdown.sentence_stream import SentenceStream
from nanospeech_core.text.pronunciation.markup import read_markup
from nanospeech_core.text.ssml.reader import read_ssml
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

LEXICONS = st.dictionaries(
    st.sampled_from(["a", "word", "of the", "你好", "Dr.", "I"]), st.sampled_from(["ə", "tˈuː"]), max_size=3
)


def ignore(message: str) -> None:
    """Report nothing."""


@given(texts(2000), st.sampled_from(LANGUAGES), LEXICONS)
def test_the_front_end(text, language, lexicon):
    tokenizer = Tokenizer("phonemes", SYMBOLS, report=ignore)
    try:
        document = read_markup(check_text(text), tokenizer, lexicon)
    except UserError as error:
        assert "\n" not in str(error).strip()
        return
    places, pauses = check_sentences(text, document, language, tokenizer)
    passages = document.passages()  # of one voice and rate: together, they have it all
    read = [part for _, passage in passages for part in tokenizer.read(passage, language)]
    kept = [part for part in read if isinstance(part, float)]
    assert [word.place for part in read if not isinstance(part, float) for word in part.words] == places
    assert not passages or math.isclose(sum(kept), pauses)
    assert all(0.25 <= settings.rate <= 4 for settings, _ in passages)


@given(ssml(), st.sampled_from(LANGUAGES), LEXICONS)
def test_ssml(text, language, lexicon):
    tokenizer = Tokenizer("phonemes", SYMBOLS, report=ignore)
    try:
        document = read_ssml(check_text(text), tokenizer, lexicon, language, ignore)
    except UserError as error:
        assert "\n" not in str(error).strip()
        return
    check_sentences(text, document, language, tokenizer)
    for settings, passage in document.passages():
        assert 0.25 <= settings.rate <= 4
        check_sentences(text, passage, settings.language or language, tokenizer)


def check_sentences(text, document, language, tokenizer):
    """The sentences have symbols and words, each in its place. Returns the words' places, and all pauses."""
    place, pauses, places = 0, 0.0, []
    for sentence in tokenizer.read(document, language):
        if isinstance(sentence, float):
            assert 0 <= sentence <= 60
            pauses += sentence
            continue
        assert len(sentence.ids) == len(sentence.symbols) and set(sentence.symbols) <= set(SYMBOLS)
        assert "  " not in sentence.symbols and sentence.symbols == sentence.symbols.strip()
        assert sentence.words
        start = first = 0
        for word in sentence.words:
            assert start <= word.start < word.end <= len(sentence.written)
            assert first <= word.first < word.last <= len(sentence.symbols)
            assert place <= word.place[0] < word.place[1] <= len(text)
            start, first = word.end, word.last
            place = word.place[0]
            places.append(word.place)
    return places, pauses


@given(texts(120), st.integers(0, 9))
def test_a_text_is_spoken_or_refused(model, tmp_path, text, seed):
    output = tmp_path / "out.wav"
    output.unlink(missing_ok=True)
    command = ("--model", model, "--text", text, "--output", output, "--seed", seed, "--num-iter", 1)
    done = in_this_process("nanospeech_torch.generate", *command)
    assert "Traceback" not in done.err
    if done.code:
        assert not output.exists() and done.err.strip()
        return
    wave, rate = soundfile.read(output)
    assert rate == 24000 and np.isfinite(wave).all() and np.abs(wave).max() <= 1 and len(wave) > 0.1 * rate
    assert np.abs(wave).max() > 1e-3  # not silence only


@given(texts(600), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_a_reply_in_pieces_of_any_size(text, sizes):
    """A chat model's reply gives the same sentences, however it arrives, and none of our markup."""
    whole = SentenceStream()
    expected = whole.feed(text) + whole.finish()
    stream, found, position, turn = SentenceStream(), [], 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        found += stream.feed(text[position : position + size])
        position, turn = position + size, turn + 1
    assert found + stream.finish() == expected
    tokenizer = Tokenizer("phonemes", SYMBOLS, report=lambda message: None)
    for sentence in expected:
        document = read_markup(sentence, tokenizer)
        assert not document.pronunciations and len(document.parts) <= 1
        with warnings.catch_warnings(), contextlib.suppress(UserError):
            tokenizer.sentences(sentence)
