"""From a reference and a sentence to the networks' input."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import tiny_config

from nanospeech_core.config import TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import MAX_FRAMES, pause_id, with_pauses
from nanospeech_core.synthesis.prompts import make_prompt
from nanospeech_core.voices.reference import Reference, even_durations

CONFIG = tiny_config()
FILLER = replace(CONFIG, text=TextConfig("characters", tuple(" abcdefgh,."), "filler"), phone_duration=None)


def encode(symbols: str, config=CONFIG) -> np.ndarray:
    return np.array([config.text.vocab.index(symbol) for symbol in symbols], dtype=np.int64)


def decode(ids: np.ndarray, config=CONFIG) -> str:
    return "".join(config.text.vocab[i] for i in ids)


def reference(frames: int = 40, config=CONFIG) -> Reference:
    """Frame k is filled with k."""
    ids = with_pauses(encode("haɪ."), config)
    mel = np.repeat(np.arange(frames, dtype=np.float32)[:, None], config.transformer.mel_dim, axis=1)
    return Reference(mel, ids, even_durations(frames, len(ids)))


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
