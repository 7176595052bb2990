"""Utterances: pauses between joined sentences, places of words, only as many as are asked for."""

from checkpoints import tiny_config

from nanospeech_core.synthesis.pauses import JOINED_FRAMES
from nanospeech_core.synthesis.utterances import Utterance, make_utterances
from nanospeech_core.text.pronunciation.markup import read_markup
from nanospeech_core.text.tokenizer import Tokenizer

CONFIG = tiny_config()


def utterances(text: str) -> list[Utterance]:
    tokenizer = Tokenizer("phonemes", CONFIG.text.vocab)
    return list(make_utterances(tokenizer.read(read_markup(text, tokenizer)), CONFIG))


def symbols(utterance: Utterance, first: int = 0, last: int | None = None) -> str:
    return "".join(CONFIG.text.vocab[i] for i in utterance.ids[first:last])


def test_words_have_their_symbols_and_places():
    text = "Wait [pause 1] for  [me](/mˈiː/), $5.\n\nThe second one is here, of the two."
    for utterance in utterances(text):
        for word in utterance.words:
            assert "".join(symbols(utterance, word.first, word.last).split())
        written = [utterance.text[word.start : word.end] for word in utterance.words]
        assert " ".join(written) == utterance.text
    first = utterances(text)[0]
    assert [text[slice(*word.place)] for word in first.words] == [
        "Wait", "for", "[me](/mˈiː/),", "$5.",
    ]  # fmt: skip
    assert [symbols(first, word.first, word.last) for word in first.words] == [
        "wˈeɪt", "fɔːɹ", "mˈiː", "fˈaɪv dˈɑːlɚz",
    ]  # fmt: skip


def test_the_pause_between_joined_sentences_is_after_their_marks():
    (utterance,) = utterances('I know. "That is all!" Is it? he asked.')
    pauses = [symbols(utterance, pause.first, pause.last) for pause in utterance.pauses]
    assert pauses == [". ", '!" '] and {pause.frames for pause in utterance.pauses} == {JOINED_FRAMES}


def test_lines_are_apart():
    (utterance,) = utterances("Milk\nEggs\nBread")
    assert [symbols(utterance, pause.first, pause.last) for pause in utterance.pauses] == [" ", " "]


def test_nothing_to_speak():
    assert utterances("*** [pause 1]") == []
