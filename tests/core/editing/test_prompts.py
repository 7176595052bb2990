"""The prompt of an edit: what is masked, and the context."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from checkpoints import tiny_config

from nanospeech_core.config import AlignerConfig
from nanospeech_core.editing.changes import find_changes
from nanospeech_core.editing.prompts import (
    AlignedRecording,
    context_span,
    make_edit_prompt,
    quietest_frame,
)
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import pause_id
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

CONFIG = tiny_config(
    aligner=AlignerConfig(dim=16, key_dim=8, text_layers=1, mel_layers=1, text_num_embeds=len(SYMBOLS), lag=3)
)
TOKENIZER = Tokenizer("phonemes", SYMBOLS)
PAUSE = pause_id(CONFIG)
PATCH = CONFIG.transformer.patch


def test_the_context_is_complete_words_and_some_seconds():
    words = ["".join(letters) for letters in itertools.permutations("abdef", 3)][:40]
    ids, (change,) = find_changes(words, [*words[:20], "xyz", *words[21:]], TOKENIZER, CONFIG)
    frames = np.full(len(ids), 20)
    first, last = context_span(change, AlignedRecording(None, ids, frames), PAUSE)
    assert ids[first] == ids[last - 1] == PAUSE
    for count in (frames[first : change.start].sum(), frames[change.end : last].sum()):
        assert 750 - 4 * 20 < count <= 750
    assert context_span(change, AlignedRecording(None, ids, np.ones_like(ids)), PAUSE) == (0, len(ids))


def prompt_of(old: str, new: str, margin: int, lag: int, length: int = 7, seed: int = 0):
    """The prompt of an edit of a recording of random mel, whose frame t has t in its first bin."""
    rng = np.random.default_rng(seed)
    ids, (change,) = find_changes(old.split(), new.split(), TOKENIZER, CONFIG)
    frames = rng.integers(6, 12, len(ids))
    mel = rng.standard_normal((frames.sum(), 100)).astype(np.float32)
    mel[:, 0] = np.arange(len(mel))
    lengths = np.full(len(change.ids), length)
    span = (0, len(ids))
    config = replace(CONFIG, aligner=replace(CONFIG.aligner, lag=lag))
    edit = make_edit_prompt(change, AlignedRecording(mel, ids, frames), lengths, span, margin, config)
    return edit, change, ids, frames, mel, lengths


EDITS = [("ab cd ef", "ab xyz ef"), ("ab cd ef", "ab ef"), ("ab cd", "xy ab cd"), ("ab cd", "ab cd xy")]


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize("margin", [0, 3, 6])
@pytest.mark.parametrize(("old", "new"), EDITS)
@pytest.mark.parametrize("seed", range(4))
def test_all_but_the_masked_frames_are_the_recording(old, new, margin, lag, seed):
    edit, change, ids, frames, mel, lengths = prompt_of(old, new, margin, lag, seed=seed)
    text = np.repeat(
        np.concatenate((ids[: change.start], change.ids, ids[change.end :])),
        np.concatenate((frames[: change.start], lengths, frames[change.end :])),
    )
    prompt = edit.prompt
    assert len(prompt.text) == len(prompt.cond) * PATCH and np.array_equal(prompt.text[: len(text)], text)
    visible_mel = (prompt.cond.reshape(-1, 100) * CONFIG.mel.std + CONFIG.mel.mean)[:, 0]
    visible = np.repeat(prompt.visible, PATCH)
    assert not visible[edit.start : edit.stop].any() and visible[: edit.start].all()
    complete = len(text) // PATCH * PATCH
    assert visible[edit.stop : complete].all() and not visible[complete:].any()
    np.testing.assert_allclose(visible_mel[: edit.start], np.arange(edit.left), atol=1e-3)
    rest = np.arange(edit.right, len(mel))[: max(0, complete - edit.stop)]
    np.testing.assert_allclose(visible_mel[edit.stop : edit.stop + len(rest)], rest, atol=1e-3)
    assert prompt.start * PATCH == edit.start == edit.left


@pytest.mark.parametrize("lag", [0, 5])
@pytest.mark.parametrize("margin", [0, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_the_masked_frames_are_the_changed_words_and_a_little_around_them(margin, lag, seed):
    edit, change, _, frames, _, lengths = prompt_of("ab cd ef", "ab xyz ef", margin, lag, seed=seed)
    begin, end = frames[: change.start].sum() - lag, frames[: change.end].sum() - lag
    most = 2 * margin + PATCH
    near = margin - PATCH if margin < PATCH else margin  # the margin may have no complete token
    assert near <= begin - edit.left <= most
    assert near <= edit.right - end <= most
    grown = lengths.sum() - frames[change.start : change.end].sum()
    assert edit.stop - edit.start == edit.right - edit.left + grown


def test_an_edit_begins_where_it_is_quiet():
    mel = np.zeros((40, 3), np.float32)
    mel[[15, 16]] = -9
    assert quietest_frame(mel, 8, 24, 4, 0) == 16
    assert quietest_frame(mel, 28, 44, 4, 20) == 36  # the recording's frame 16 is frame 36 here
    assert quietest_frame(mel, 8, 14, 4, 0) in (8, 12)
    assert quietest_frame(mel, 9, 11, 4, 0) in (8, 12) and quietest_frame(mel, 5, 5, 4, 0) == 4


def test_words_too_many_to_be_spoken_at_once():
    with pytest.raises(UserError, match="would last 1.. s; the model speaks at most 44 s"):
        prompt_of("ab cd ef", "ab xyz ef", 3, 0, length=4000)
