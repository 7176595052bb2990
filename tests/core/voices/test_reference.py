"""The reference of a voice: its mel, ids and durations."""

from dataclasses import replace

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.audio.mel import FRAME_RATE, SAMPLE_RATE, log_mel, noise_floor
from nanospeech_core.audio.signal import resample
from nanospeech_core.config import TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.voices.reference import (
    NOISE_FLOOR,
    clean_mel,
    even_durations,
    make_reference,
    seconds_to_frames,
)

CONFIG = tiny_config()
FILLER = replace(CONFIG, text=TextConfig("characters", tuple(" abcdefgh,."), "filler"), phone_duration=None)


def encode(symbols: str, config=CONFIG) -> np.ndarray:
    return np.array([config.text.vocab.index(symbol) for symbol in symbols], dtype=np.int64)


def decode(ids: np.ndarray, config=CONFIG) -> str:
    return "".join(config.text.vocab[i] for i in ids)


@pytest.mark.parametrize(("frames", "symbols"), [(10, 3), (188, 17), (5, 5), (3, 7), (0, 4), (9, 1)])
def test_even_durations(frames, symbols):
    durations = even_durations(frames, symbols)
    assert durations.dtype == np.int64 and len(durations) == symbols
    assert durations.sum() == frames and durations.max() - durations.min() <= 1


def test_seconds_to_frames_is_exact():
    rng = np.random.default_rng(3)
    for _ in range(50):
        seconds = rng.uniform(0, 0.2, rng.integers(1, 60))
        exact = seconds.sum() * FRAME_RATE
        for frames in (int(exact), int(exact) + 2, max(0, int(exact) - 3)):
            durations = seconds_to_frames(seconds, frames)
            assert durations.sum() == frames and durations.min() >= 0
        inner = np.cumsum(seconds_to_frames(seconds, int(exact) + 2))[:-1]
        assert np.abs(inner - np.cumsum(seconds)[:-1] * FRAME_RATE).max(initial=0) <= 0.5 + 1e-9


def test_reference_of_a_voice():
    voice = make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.")
    made = make_reference(voice.audio, encode(voice.phonemes), voice.durations, CONFIG)
    assert decode(made.ids) == " həlˈoʊ ðˈɛɹ. "
    assert made.mel.dtype == np.float32 and made.mel.shape == (188, 100)
    expected = (log_mel(voice.audio)[:188] - CONFIG.mel.mean) / CONFIG.mel.std
    assert made.mel == pytest.approx(expected)
    assert len(made.durations) == len(made.ids) and made.durations.sum() == 188
    assert (made.durations == seconds_to_frames(voice.durations, 188)).all()


def test_unknown_durations_are_even():
    voice = make_voice("me", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.")
    made = make_reference(voice.audio, encode(voice.phonemes), None, CONFIG)
    assert (made.durations == even_durations(188, 14)).all()


def test_reference_shorter_than_its_text():
    wave = np.random.default_rng(0).standard_normal(SAMPLE_RATE // 2).astype(np.float32)
    assert make_reference(wave, encode("a" * 42), None, CONFIG).durations.tolist() == [1] * 44
    with pytest.raises(UserError, match="0.5 s is too short for its text of 45 symbols"):
        make_reference(wave, encode("a" * 43), None, CONFIG)


def test_reference_of_a_filler_model():
    voice = make_voice("me", "en-us", "abc", "abc")
    made = make_reference(voice.audio, encode("abc", FILLER), voice.durations, FILLER)
    assert decode(made.ids, FILLER) == "abc " and len(made.durations) == 0 and len(made.mel) == 188
    spaceless = replace(FILLER, text=replace(FILLER.text, vocab=tuple("abc")))
    assert list(make_reference(voice.audio, encode("abc", spaceless), None, spaceless).ids) == [0, 1, 2]


def test_missing_treble_becomes_a_little_noise():
    """Original checkpoints get the mel as it is, and so does every model if there is treble."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    low = (0.1 * np.sin(2 * np.pi * 2000 * time) * np.hanning(SAMPLE_RATE)).astype(np.float32)
    mel, floor = log_mel(low), noise_floor(NOISE_FLOOR)

    def reference_log_mel(wave, config):
        return make_reference(wave, encode("abc"), [0.2] * 5, config).mel * config.mel.std + config.mel.mean

    treble = reference_log_mel(low, CONFIG)
    count = len(treble)
    first = int(np.flatnonzero(np.quantile(mel, 0.95, axis=0) >= floor)[-1]) + 1
    assert 40 < first < 90 and (mel[10:-10, :10] < floor[:10]).all()  # there is as little bass
    np.testing.assert_allclose(treble[:, first:], np.maximum(mel, floor)[:count, first:], atol=1e-4)
    np.testing.assert_allclose(treble[:, :first], mel[:count, :first], atol=1e-4)
    np.testing.assert_allclose(reference_log_mel(low, FILLER), mel[:count], atol=1e-4)
    full = low + (0.01 * np.random.default_rng(0).standard_normal(SAMPLE_RATE)).astype(np.float32)
    full[: SAMPLE_RATE // 4] = 0  # a pause is no missing treble
    np.testing.assert_allclose(reference_log_mel(full, CONFIG), log_mel(full)[:count], atol=1e-4)


@pytest.mark.parametrize("rate", [22050, 32000, 44100, 48000])
def test_a_recording_is_alike_at_every_rate(rate):
    """Resampled as a recorder would."""
    rng = np.random.default_rng(0)
    wave = 0.05 * rng.standard_normal(2 * SAMPLE_RATE) * np.abs(np.sin(np.arange(2 * SAMPLE_RATE) / 3000))
    wave = wave.astype(np.float32)
    mel, other = (
        clean_mel(w) for w in (wave, resample(resample(wave, SAMPLE_RATE, rate), rate, SAMPLE_RATE))
    )
    count = min(len(mel), len(other))
    loud = mel[:count] > mel.max() - 4
    assert np.abs(mel[:count] - other[:count])[loud].mean() < 0.05
    bands = [m[:count].mean(axis=0) for m in (mel, other)]
    assert np.abs(bands[0] - bands[1])[:96].max() < 0.7
    assert max(band[97:].max() for band in bands) < -5  # nothing above 11 kHz


def test_steady_noise_is_subtracted():
    rng = np.random.default_rng(0)
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    speech = 0.2 * np.sin(2 * np.pi * 500 * time) * np.maximum(0, np.sin(2 * np.pi * 2 * time))
    noisy = (speech + 0.01 * rng.standard_normal(len(time))).astype(np.float32)
    before, after = log_mel(noisy), clean_mel(noisy)
    peak = int(np.argmax(before.max(axis=0)))
    assert after[:, peak].max() == pytest.approx(before[:, peak].max(), abs=0.1)  # the voice stays
    assert np.median(after[:, 60:90]) < np.median(before[:, 60:90]) - 1.5
