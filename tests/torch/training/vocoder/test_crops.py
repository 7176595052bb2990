"""Crops of recordings: inside the recording, numbered, augmented, with predicted mels."""

from pathlib import Path

import numpy as np
import pytest

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from nanospeech_torch.training.vocoder.config import VocoderDataConfig
from nanospeech_torch.training.vocoder.crops import CropSampler
from nanospeech_torch.training.vocoder.recordings import Recording, read_recordings


def tone(seconds=0.8, hz=200.0):
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def read(*sources, **changes):
    """(for training, held out, the lines reported)."""
    lines = []
    settings = {"hold_out_every": 3, **changes}
    config = VocoderDataConfig(sources=tuple(map(str, sources)), **settings)
    return *read_recordings(config, 0, lines.append), lines


@pytest.fixture
def folder(tmp_path):
    """A folder of ten recordings, tone-0.wav to tone-9.wav."""
    for i in range(10):
        soundfile.write(tmp_path / f"tone-{i}.wav", tone(hz=150.0 + 20 * i), SAMPLE_RATE)
    return tmp_path


def test_crops_keep_to_the_recording():
    recordings = [
        Recording("a", np.full(100, 1000, np.int16)),
        Recording("b", np.full(30000, -2000, np.int16)),
    ]
    batch = CropSampler(recordings, 16, 0.0, seed=0).batch(0, 64).wave.numpy()
    assert batch.shape == (64, 4096) and batch.dtype == np.float32
    values = {round(float(v) * 32768) for v in np.unique(batch)}
    assert values <= {1000, 0, -2000} and -2000 in values


def test_crops_are_numbered():
    noise = np.random.default_rng(0).integers(-20000, 20000, 50000).astype(np.int16)
    crops = CropSampler([Recording("a", noise)], 8, 3.0, seed=1)
    small = np.concatenate([crops.batch(number, 2).wave.numpy() for number in range(4, 8)])
    np.testing.assert_array_equal(crops.batch(1, 8).wave.numpy(), small)
    assert len({row.tobytes() for row in small}) == 8
    other = CropSampler([Recording("a", noise)], 8, 3.0, seed=2).batch(1, 8).wave.numpy()
    assert not (other == small).all(axis=1).any()


@pytest.mark.slow
def test_augmented_crops_are_of_other_voices_and_sample_rates():
    noise = np.random.default_rng(0).integers(-6000, 6000, SAMPLE_RATE).astype(np.int16)
    crops = CropSampler([Recording("a", noise)], 48, 0.0, seed=0, augment=0.75)
    batch = crops.batch(0, 200).wave.numpy()
    np.testing.assert_array_equal(batch[100:], crops.batch(1, 100).wave.numpy())
    powers = np.abs(np.fft.rfft(batch)) ** 2
    dull = powers[:, -1000:].sum(1) < 1e-3 * powers.sum(1)  # above 10 kHz
    assert 0.3 < dull.mean() < 0.6  # 0.75 * 0.6, less what noise or slower playing filled or emptied
    untouched = (batch * 32768 == np.round(batch * 32768)).all(1)
    assert 0.2 < untouched.mean() < 0.4  # 0.25, and those of which each change was left out


def test_augmented_pitch():
    tones = [Recording("a", (20_000 * tone(1.2, 1000.0)).astype(np.int16))]
    batch = CropSampler(tones, 32, 0.0, seed=0, augment=1.0).batch(0, 100).wave.numpy()
    peaks = np.abs(np.fft.rfft(batch)).argmax(1) * SAMPLE_RATE / batch.shape[1]
    assert 780 < peaks.min() < 900 and 1100 < peaks.max() < 1280
    assert 0.3 < (abs(peaks - 1000) < 5).mean() < 0.7


def test_predicted_mels_go_with_their_waves(folder, tmp_path_factory):
    mels = tmp_path_factory.mktemp("mels")
    names = [f"tone-{i}" for i in range(6)]
    for name in names:  # a model that speaks half as loud
        wave = audio.read(folder / f"{name}.wav")
        np.save(mels / f"{name}.npy", log_mel(wave).astype(np.float16) - np.log(2))
    training, held_out, lines = read(folder, predicted=str(mels), predicted_share=0.5)
    with_predicted = [recording for recording in training if recording.predicted is not None]
    assert {Path(r.name).stem for r in with_predicted} == set(names) - {Path(r.name).stem for r in held_out}
    assert lines[1] == f"{len(with_predicted)} of the recordings have predicted mels"
    assert all(recording.predicted is None for recording in held_out)

    batch = CropSampler(training, 32, 6.0, seed=0, predicted_share=0.5).batch(0, 200, 7)
    has = batch.has_predicted.numpy()
    assert batch.adversarial_crops == 7 and batch.predicted.shape == (200, 33, 100)
    assert abs(has.mean() - 0.5 * len(with_predicted) / len(training)) < 0.12
    own = torch.stack([torch.from_numpy(log_mel(wave.numpy())) for wave in batch.wave])
    louder = (own - batch.predicted).numpy()[has][:, 4:-4]  # at the ends a crop's own mel sees no more
    audible = own.numpy()[has][:, 4:-4] > -5
    np.testing.assert_allclose(louder[audible], np.log(2), atol=0.06)
    assert len({float(wave.abs().max()) for wave in batch.wave[has]}) > 20  # in gains of their own
    source = batch.input_mels(own).numpy()
    np.testing.assert_array_equal(source[~has], own.numpy()[~has])
    np.testing.assert_array_equal(source[has], batch.predicted.numpy()[has])
    assert batch.input_mels(own[:3]).shape == (3, 33, 100)
