"""Where the words of a recording are, and where the sound of a word ends."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import tiny_config

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.config import AlignerConfig
from nanospeech_core.editing.changes import find_changes
from nanospeech_core.editing.prompts import AlignedRecording
from nanospeech_core.editing.speech_span import (
    find_sounds,
    fit_to_sound,
    locate_speech,
    move_boundary,
    timing_misfit,
)
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer

LAG = 3
CONFIG = tiny_config(
    aligner=AlignerConfig(
        dim=16, key_dim=8, text_layers=1, mel_layers=1, text_num_embeds=len(SYMBOLS), lag=LAG
    )
)
TOKENIZER = Tokenizer("phonemes", SYMBOLS)
RATE = SAMPLE_RATE


def sound(seconds: float, level: float = 0.05) -> np.ndarray:
    return (level * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def predict(ids: np.ndarray, frames: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.full(len(ids), np.log1p(10.0), np.float32)


def test_sounds_between_silences():
    wave = np.concatenate((silence(0.5), sound(1), silence(0.1), sound(1), silence(0.4), sound(0.5)))
    assert find_sounds(wave) / RATE == pytest.approx(np.array([[0.5, 2.6], [3.0, 3.5]]), abs=0.02)
    for floor in (1e-4, 1e-3, 5e-3):  # the noise of the room is no sound
        assert find_sounds(wave + sound(3.5, floor)) / RATE == pytest.approx(
            np.array([[0.5, 2.6], [3.0, 3.5]]), abs=0.02
        )
    assert find_sounds(sound(1)).tolist() == [[0, RATE]] and find_sounds(silence(1)).tolist() == [[0, RATE]]


def test_durations_that_are_no_speech():
    ids = np.arange(22)
    even = np.full(22, 10)
    assert timing_misfit(ids, even, predict) == pytest.approx(0)
    assert timing_misfit(ids, even * 12 // 10, predict) < 0.02  # a slow speaker
    assert timing_misfit(ids, even * 8, predict) > 0.5  # nobody is so slow
    stretched = even.copy()
    stretched[-2] = 400
    assert timing_misfit(ids, stretched, predict) > 0.1
    uneven = even.copy()
    uneven[::2] = 1
    assert timing_misfit(ids, uneven, predict) > 0.5


class EvenModel:
    """An aligner for which all symbols are equally long, and durations that are."""

    config = CONFIG

    def __init__(self):
        self.aligner = self

    def align(self, mel, ids):
        return np.diff(np.round(np.linspace(0, len(mel), len(ids) + 1)).astype(np.int64))

    def infill_durations(self, ids, frames, known):
        return predict(ids, frames, known)


def test_the_part_in_which_the_words_have_their_length():
    """Thirty symbols of 10 frames are 3.2 s."""
    ids, model = np.arange(30), EvenModel()
    words = sound(3.2)
    for before, after in ((0, 9), (9, 0), (9, 12), (0, 0)):
        parts = [sound(before), silence(0.5), words, silence(0.5), sound(after)]
        start, stop = locate_speech(model, np.concatenate(parts), ids)
        assert (start / RATE, stop / RATE) == pytest.approx((before + 0.45, before + 3.75), abs=0.03)
        assert start % HOP == 0
    assert locate_speech(model, words, ids) == (0, len(words))
    model.config = replace(CONFIG, phone_duration=None)  # without expected durations, only silence is cut
    parts = [silence(0.5), words, silence(0.5), sound(9)]
    assert locate_speech(model, np.concatenate(parts), ids)[1] == pytest.approx(13.2 * RATE, abs=HOP)


def spans(old: str, new: str, frames: dict[int, int], wave: np.ndarray) -> tuple[float, float]:
    """The seconds at which a change begins and ends; all symbols have 10 frames but those of `frames`."""
    ids, (change,) = find_changes(old.split(), new.split(), TOKENIZER, CONFIG)
    durations = np.full(len(ids), 10)
    for symbol, count in frames.items():
        durations[symbol] = count
    durations[-1] += len(wave) // HOP + 1 - durations.sum()
    assert durations[-1] > 0
    recording = AlignedRecording(np.zeros((durations.sum(), 100)), ids, durations)
    begins = fit_to_sound(change, recording, wave, CONFIG, predict).begins() - LAG
    assert begins[-1] == durations.sum() - LAG and (np.diff(begins) >= 1).all()
    return begins[change.start] * HOP / RATE, begins[change.end] * HOP / RATE


def test_silence_in_the_last_phone_is_a_pause():
    """The sound of "cd" ends at 1 s; the aligner gives the rest to its last phone, or to the mark."""
    wave = np.concatenate((sound(1), silence(3), sound(1)))
    for long in (5, 6):
        _, end = spans("ab cd.", "ab xy.", {long: 380}, wave)
        assert end == pytest.approx(1, abs=0.03)
    _, end = spans("ab cd. ef", "ab xy. ef", {5: 300}, wave)
    assert end == pytest.approx(1, abs=0.03)


def test_silence_in_the_first_phone_is_a_pause():
    wave = np.concatenate((sound(0.3), silence(2), sound(1)))
    begin, _ = spans("ab cd.", "ab xy.", {4: 200}, wave)
    assert begin == pytest.approx(2.3, abs=0.03)
    begin, _ = spans("ab cd.", "xy cd.", {1: 200}, np.concatenate((silence(2), sound(2))))
    assert begin == pytest.approx(2, abs=0.03)


def test_a_last_word_without_silence_after_it_ends_where_it_is_quietest():
    """Its last phone begins at 0.5 s and is expected to take 0.2 s."""
    wave = sound(5)
    wave[round(0.60 * RATE) : round(0.63 * RATE)] *= 0.1
    begin, end = spans("ab cd.", "ab xy.", {5: 300}, wave)
    assert begin == pytest.approx((40 - LAG) * HOP / RATE) and end == pytest.approx(0.615, abs=0.03)


def test_a_stop_is_no_silence():
    wave = sound(2)
    wave[RATE // 2 : RATE // 2 + RATE // 10] = 0  # 0.1 s inside "cd"
    _, end = spans("ab cd ef", "ab xy ef", {}, wave)
    assert end == pytest.approx((60 - LAG) * HOP / RATE, abs=0.001)


@pytest.mark.parametrize("frame", [-5, 0, 3, 30, 60, 99, 200])
@pytest.mark.parametrize("symbol", [1, 3, 5])
def test_a_moved_boundary_leaves_every_symbol_a_frame(symbol, frame):
    begins = np.array([0, 10, 20, 30, 40, 50, 100])
    moved = move_boundary(begins, symbol, frame)
    assert moved[0] == 0 and moved[-1] == 100 and (np.diff(moved) >= 1).all()
    if symbol < frame < 94:
        assert moved[symbol] == frame
    assert move_boundary(begins, symbol, int(begins[symbol])).tolist() == begins.tolist()
