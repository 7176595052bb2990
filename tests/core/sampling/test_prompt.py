"""From durations to frames, and from a voice and a sentence to the networks' input."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import tiny_config

from nanospeech_core.config import TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import MAX_FRAMES, pause_id, with_pauses
from nanospeech_core.synthesis.durations import whole_frames
from nanospeech_core.synthesis.prompts import make_prompt
from nanospeech_core.synthesis.segments import halves
from nanospeech_core.voices.reference import (
    Reference,
    even_durations,
)

CONFIG = tiny_config()
FILLER = replace(CONFIG, text=TextConfig("characters", tuple(" abcdefgh,."), "filler"), phone_duration=None)
VOCAB = CONFIG.text.vocab


def encode(symbols: str, config=CONFIG) -> np.ndarray:
    return np.array([config.text.vocab.index(symbol) for symbol in symbols], dtype=np.int64)


def decode(ids: np.ndarray, config=CONFIG) -> str:
    return "".join(config.text.vocab[i] for i in ids)


def reference(frames: int = 40, config=CONFIG) -> Reference:
    """Frame k is filled with k."""
    ids = with_pauses(encode("haɪ."), config)
    mel = np.repeat(np.arange(frames, dtype=np.float32)[:, None], config.transformer.mel_dim, axis=1)
    return Reference(mel, ids, even_durations(frames, len(ids)))


# durations


@pytest.mark.parametrize("patch", [1, 2, 4, 7])
@pytest.mark.parametrize("speed", [0.25, 1.0, 1.3, 4.0])
def test_whole_frames_fill_tokens_and_leave_no_symbol_out(patch, speed):
    rng = np.random.default_rng(0)
    for symbols in (1, 2, 3, 50):
        frames = whole_frames(rng.uniform(-1, 3, symbols), speed, patch)
        assert frames.dtype == np.int64 and len(frames) == symbols
        assert frames.min() >= 1 and frames.sum() % patch == 0


def test_whole_frames_round_the_boundaries():
    assert whole_frames(np.log1p([2.4, 2.4, 2.4, 2.4, 2.4]), 1.0, 1).tolist() == [2, 3, 2, 3, 2]
    predicted = np.random.default_rng(1).uniform(1.5, 12, 500)
    ends = np.cumsum(whole_frames(np.log1p(predicted), 1.0, 1))
    assert np.abs(ends - np.cumsum(predicted)).max() <= 0.5 + 1e-6


def test_symbols_stretched_to_a_frame_do_not_delay_the_rest():
    predicted = np.tile([0.1, 0.1, 0.1, 9.7], 50)
    frames = whole_frames(np.log1p(predicted), 1.0, 1)
    assert frames.min() == 1 and frames.sum() == 500


def test_more_symbols_than_frames_get_one_each():
    assert whole_frames(np.full(9, -3.0), 1.0, 4).tolist() == [1] * 8 + [4]
    assert whole_frames(np.log1p(np.full(9, 0.5)), 1.0, 1).tolist() == [1] * 9


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 3.0])
def test_speed_scales_the_length(speed):
    predicted = np.random.default_rng(2).uniform(8, 20, 100)
    total = whole_frames(np.log1p(predicted), speed, 1).sum()
    assert total == pytest.approx(predicted.sum() / speed, abs=1)


def test_only_the_last_pause_is_stretched():
    for patch in (2, 4, 8):
        plain, filled = (whole_frames(np.log1p([5, 5, 3]), 1.0, p) for p in (1, patch))
        assert (filled[:-1] == plain[:-1]).all() and 0 <= filled[-1] - plain[-1] < patch


def test_absurd_predictions():
    assert whole_frames(np.array([1e4, 1.0]), 1.0, 4)[0] == MAX_FRAMES
    for value in (np.nan, np.inf):
        with pytest.raises(UserError, match="not finite"):
            whole_frames(np.array([1.0, value]), 1.0, 4)


# pauses


def test_a_vocabulary_without_a_space():
    config = replace(CONFIG, text=replace(CONFIG.text, vocab=tuple("abc")))
    with pytest.raises(UserError, match="no space"):
        pause_id(config)


# reference and sentence


def test_prompt_shows_the_reference_and_hides_the_rest():
    ref, ids = reference(40), with_pauses(encode("nˈoʊ."), CONFIG)
    frames = np.array([4, 3, 1, 5, 2, 3, 6])
    prompt = make_prompt(ref, ids, frames, CONFIG)
    assert prompt.cond.shape == (16, 400) and prompt.cond.dtype == np.float32
    assert prompt.visible.tolist() == [True] * 10 + [False] * 6 and prompt.start == 10
    assert (prompt.cond[:10].reshape(40, 100) == ref.mel).all() and not prompt.cond[10:].any()


def test_text_stands_over_its_frames():
    ref, ids = reference(40), with_pauses(encode("nˈoʊ."), CONFIG)
    frames = np.array([4, 3, 1, 5, 2, 3, 6])
    text = make_prompt(ref, ids, frames, CONFIG).text
    assert text.dtype == np.int64 and len(text) == 64
    assert (text[:40] == np.repeat(ref.ids, ref.durations)).all()
    assert decode(text[40:]) == "    " + "nnn" + "ˈ" + "ooooo" + "ʊʊ" + "..." + "      "


def test_prompt_without_a_reference():
    ids = with_pauses(encode("nˈoʊ."), CONFIG)
    prompt = make_prompt(None, ids, np.full(7, 4), CONFIG)
    assert prompt.cond.shape == (7, 400) and not prompt.visible.any() and prompt.start == 0
    assert len(prompt.text) == 28


def test_prompt_of_a_filler_model_has_its_ids_once():
    empty = np.zeros(0, dtype=np.int64)
    ref = Reference(np.ones((20, 100), dtype=np.float32), encode("abc", FILLER), empty)
    prompt = make_prompt(ref, encode("de, f.", FILLER), np.array([33]), FILLER)
    assert decode(prompt.text, FILLER) == "abcde, f."
    assert len(prompt.cond) == 5 + 9 and prompt.start == 5  # 33 frames fill 9 tokens


def test_a_prompt_too_long():
    ids = np.repeat(pause_id(CONFIG), 3)
    room = MAX_FRAMES - 40
    assert len(make_prompt(reference(40), ids, np.array([room - 8, 4, 4]), CONFIG).text) == MAX_FRAMES
    with pytest.raises(UserError, match="at most 44 s"):
        make_prompt(reference(40), ids, np.array([room - 4, 4, 4]), CONFIG)


# sentences that are too long


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
    filler = replace(FILLER, text=replace(FILLER.text, vocab=VOCAB))
    assert [decode(part) for part in halves(encode(sentence), filler)] == expected
