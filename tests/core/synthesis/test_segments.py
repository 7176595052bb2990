"""Segments: silences in the mel, and sentences that are too long for one."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.config import AlignerConfig, TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.prompt import MAX_FRAMES, with_pauses
from nanospeech_core.synthesis.frontend import prepare_text
from nanospeech_core.synthesis.pauses import GENERATED_FRAMES, JOINT_FRAMES, SPLIT_FRAMES, InnerPause
from nanospeech_core.synthesis.segments import halves, make_segments, split
from nanospeech_core.synthesis.utterances import Utterance
from nanospeech_core.voices.store import save_voice

CONFIG = tiny_config(aligner=AlignerConfig(lag=5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    return folder


def predict(ids: np.ndarray) -> np.ndarray:
    """Six to eight frames a symbol, complete tokens, a long pause before and after; as `predict_frames`."""
    frames = 6 + ids % 3
    frames[[0, -1]] = 20
    frames[-1] += -int(frames.sum()) % 4
    return frames


def test_a_long_pause_is_put_into_the_mel_where_the_model_is_silent(folder):
    prepared = prepare_text("I told him [pause 3] stop it.", CONFIG, folder, GenerateOptions())
    (segment,) = make_segments(prepared.reference, prepared.utterances[0], CONFIG, predict)
    space = prepared.utterances[0].pauses[0].last - 1
    assert segment.utterance.ids[space] == CONFIG.text.vocab.index(" ") and segment.durations[space] == 281
    generated = len(segment.prompt.text) - 188
    assert segment.durations.sum() - generated == 281 - GENERATED_FRAMES
    mel = segment.with_silences(np.arange(generated, dtype=np.float32)[:, None] * np.ones(100, np.float32))
    silent = np.flatnonzero(mel[:, 0] == np.float32(np.log(1e-5)))
    start = segment.durations[:space].sum() - 5
    assert silent[0] == start + GENERATED_FRAMES // 2 and len(silent) == 281 - GENERATED_FRAMES
    assert (np.delete(mel[:, 0], silent) == np.arange(generated)).all()


def encode(symbols: str) -> np.ndarray:
    return np.array([CONFIG.text.vocab.index(symbol) for symbol in symbols], dtype=np.int64)


def decode(ids: np.ndarray) -> str:
    return "".join(CONFIG.text.vocab[i] for i in ids)


def test_a_sentence_too_long_is_spoken_in_parts(folder):
    reference = prepare_text("Hi.", CONFIG, folder, GenerateOptions()).reference
    text = " ".join("word" if i % 5 else "word," for i in range(100))
    utterance = Utterance(with_pauses(encode(text), CONFIG), lead=3, tail=4)
    segments = make_segments(reference, utterance, CONFIG, lambda part: np.full(len(part), 20))
    assert len(segments) > 1 and all(len(segment.prompt.text) <= MAX_FRAMES for segment in segments)
    assert " ".join(decode(segment.utterance.ids).strip() for segment in segments) == text
    edges = [(segment.utterance.lead, segment.utterance.tail) for segment in segments]
    assert edges == [(3, None)] + [(None, None)] * (len(segments) - 2) + [(None, 4)]
    assert [segment.utterance.continues for segment in segments] == [True] * (len(segments) - 1) + [False]
    for segment in segments:
        inner = decode(segment.utterance.ids)[1:-1]
        assert text[segment.utterance.offset : segment.utterance.offset + len(inner)] == inner


def test_a_part_is_generated_with_words_of_its_neighbors(folder):
    reference = prepare_text("Hi.", CONFIG, folder, GenerateOptions()).reference
    text = " ".join(f"{a}o{b}" for a in "bdfkl" for b in "mnprstvz") + "."
    utterance = Utterance(with_pauses(encode(text), CONFIG))
    segments = make_segments(reference, utterance, CONFIG, lambda part: np.full(len(part), 60), context=6)
    assert len(segments) > 2
    at = 0
    for segment in segments:
        generated, own = decode(segment.ids), decode(segment.utterance.ids)
        assert generated[segment.part] == own and len(segment.durations) == len(generated)
        begin = text.index(own.strip(), at)
        at = begin + len(own.strip())
        before, after = text[:begin].split()[-2:], text[at:].split()[:2]
        assert generated == " ".join(["", *before, own.strip(), *after, ""])
    assert decode(segments[0].ids).startswith(" bom bon ") and segments[0].part.start == 0
    assert at == len(text) and segments[-1].part.stop == len(segments[-1].ids)


def test_no_pause_is_predicted_at_a_cut_without_a_mark(folder):
    """The space at the cut is short, in the part and in its neighbor's context; one after a mark is not."""
    reference = prepare_text("Hi.", CONFIG, folder, GenerateOptions()).reference
    for text, longest in (("word word word word ab", JOINT_FRAMES), ("word word, word word ab", 400)):
        left, right = split(Utterance(with_pauses(encode(text), CONFIG)), CONFIG)
        assert (decode(left.ids)[-2] == ",") == ("," in text)
        for part in (left, right):
            (segment,) = make_segments(reference, part, CONFIG, lambda ids: np.full(len(ids), 40), context=1)
            space = segment.part.start if part is right else segment.part.stop - 1
            assert decode(segment.ids)[space] == " " and segment.durations[space] == min(longest, 40)
            assert (segment.durations[space - 1] < 40) == ("," not in text)
            assert (np.delete(segment.durations, [space - 1, space]) >= 40).all()
            assert segment.durations.sum() == segment.generated_frames


def test_a_pause_keeps_its_place_behind_a_context(folder):
    reference = prepare_text("Hi.", CONFIG, folder, GenerateOptions()).reference
    whole = Utterance(
        with_pauses(encode("word word word word word, ab ef"), CONFIG), (InnerPause(25, 27, 30),)
    )
    plain = replace(whole, context_before=tuple(encode("one two")))
    (segment,) = make_segments(reference, plain, CONFIG, lambda ids: np.full(len(ids), 8))
    assert segment.durations[segment.part][25:27].tolist() == [8, 22]
    assert (np.delete(segment.durations[segment.part], [0, 25, 26])[:-1] == 8).all()


def test_an_utterance_is_split_at_its_pause():
    utterance = Utterance(
        with_pauses(encode("ab, cd ef"), CONFIG), (InnerPause(3, 5, 100), InnerPause(7, 8, 50))
    )
    left, right = split(utterance, CONFIG)
    assert (decode(left.ids), decode(right.ids)) == (" ab, ", " cd ef ")
    assert (left.pauses, left.tail, left.offset) == ((), 50, 0)
    assert (right.pauses, right.lead, right.offset) == ((InnerPause(3, 4, 50),), 50, 4)
    assert not left.continues and left.context_after == right.context_before == ()
    (unsplit,) = split(Utterance(with_pauses(encode("a"), CONFIG)), CONFIG)
    assert decode(unsplit.ids) == " a "


def test_parts_of_a_part_keep_its_outer_context():
    utterance = Utterance(
        with_pauses(encode("ab cd, ef xh ij kl"), CONFIG),
        offset=7,
        continues=True,
        context_before=tuple(encode("one")),
        context_after=tuple(encode("two")),
    )
    left, right = split(utterance, CONFIG, 1)
    assert [decode(part.ids) for part in (left, right)] == [" ab cd, ", " ef xh ij kl "]
    assert [decode(part.context_before) for part in (left, right)] == ["one", "d,"]
    assert [decode(part.context_after) for part in (left, right)] == ["ef", "two"]
    assert left.continues and right.continues and (left.offset, right.offset) == (7, 14)
    left, right = split(replace(utterance, pauses=(InnerPause(6, 8, 50),)), CONFIG, 1)
    assert (left.tail, right.lead, left.continues, right.continues) == (25, 25, False, True)
    assert left.context_after == right.context_before == ()
    assert decode(left.context_before) == "one" and decode(right.context_after) == "two"


def test_a_model_without_durations_has_a_pause_at_a_cut():
    text = TextConfig("characters", CONFIG.text.vocab, "filler")
    filler = replace(CONFIG, text=text, phone_duration=None)
    left, right = split(Utterance(encode("ab cd, ef xh ij kl")), filler)
    assert left.tail + right.lead == SPLIT_FRAMES and not left.continues
    assert left.context_after == right.context_before == ()


def test_a_symbol_too_long(folder):
    reference = prepare_text("Hi.", CONFIG, folder, GenerateOptions()).reference
    with pytest.raises(UserError, match="at most 44 s"):
        make_segments(
            reference,
            Utterance(with_pauses(encode("abc"), CONFIG)),
            CONFIG,
            lambda part: np.full(len(part), 2000),
        )


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("abc def", ["abc", "def"]),
        ("abcd ef xh", ["abcd", "ef xh"]),
        ("ab cd, ef xh ij kl", ["ab cd,", "ef xh ij kl"]),  # rather at a mark than in the middle
        ("a, bcd efx hij klm nop qrs", ["a, bcd efx hij", "klm nop qrs"]),  # unless it is far from it
        ("abcdef", ["abc", "def"]),
        ("ab", ["a", "b"]),
        ("a", ["a"]),
    ],
)
def test_halves(sentence, expected):
    timed = halves(with_pauses(encode(sentence), CONFIG), CONFIG)
    assert [decode(part) for part in timed] == [f" {part} " for part in expected]
    text = TextConfig("characters", CONFIG.text.vocab, "filler")
    filler = replace(CONFIG, text=text, phone_duration=None)
    assert [decode(part) for part in halves(encode(sentence), filler)] == expected
