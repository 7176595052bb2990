"""The vocoder's audio: what sources hold, what of it is held out, and how it is cropped."""

import zlib
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from nanospeech_torch.training.vocoder.config import VocoderDataConfig
from nanospeech_torch.training.vocoder.crops import Crops, Recording, read_recordings, split


def tone(seconds=0.8, hz=200.0):
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def read(*sources, **changes):
    """(for training, held out, the lines reported)."""
    lines = []
    settings = {"hold_out_every": 3, **changes}
    config = VocoderDataConfig(sources=tuple(map(str, sources)), **settings)
    return *read_recordings(config, 0, lines.append), lines


def held_out_name(every=3, prefix="h"):
    return next(n for n in (f"{prefix}{i}.wav" for i in range(99)) if zlib.crc32(n.encode()) % every == 0)


@pytest.fixture
def folder(tmp_path):
    """A folder of ten recordings, tone-0.wav to tone-9.wav."""
    for i in range(10):
        soundfile.write(tmp_path / f"tone-{i}.wav", tone(hz=150.0 + 20 * i), SAMPLE_RATE)
    return tmp_path


def test_files_folders_and_shards(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    stereo = np.stack([tone(), tone()], axis=1)
    soundfile.write(other / "half.flac", stereo[::2], SAMPLE_RATE // 2)  # half the rate, two channels
    members = [("a/k0.wav", corpus.audio_bytes(tone())), ("a/k0.json", b"{}"), ("a/k1.txt", b"no audio")]
    corpus.write_tar(other / "shard-000.tar", members)
    training, held_out, lines = read(folder, other / "*.flac", other / "*.tar")
    recordings = training + held_out
    assert sorted(r.name for r in recordings) == [
        "half.flac",
        "k0.wav",
        *(f"tone-{i}.wav" for i in range(10)),
    ]
    for recording in recordings:
        assert recording.samples.dtype == np.int16
        assert abs(len(recording.samples) - 0.8 * SAMPLE_RATE) <= 2
        assert abs(int(np.abs(recording.samples).max()) - 0.3 * 32768) < 400
    assert lines == [f"12 recordings, 0.00 h, {len(held_out)} of them held out"]


def test_the_split_goes_by_the_name_and_stays_when_files_are_added(folder):
    before = {r.name for r in read(folder)[1]}
    assert before == {f"tone-{i}.wav" for i in range(10) if zlib.crc32(b"tone-%d.wav" % i) % 3 == 0}
    added = held_out_name()
    soundfile.write(folder / added, tone(), SAMPLE_RATE)
    soundfile.write(folder / "zz.wav", tone(), SAMPLE_RATE)
    assert {r.name for r in read(folder)[1]} - {added, "zz.wav"} == before
    assert read(folder, hold_out_every=0)[1] == []
    assert [len(part) for part in read(folder, hold_out_every=100)[:2]] == [11, 1]  # by chance, none would be


def recordings_named(*names):
    noise = np.random.default_rng(0)
    return [Recording(name, noise.integers(-9, 9, 50).astype(np.int16)) for name in names]


def names_held_out(recordings, every):
    """In their order; nothing is lost, and what is trained on keeps its order."""
    training, held_out = split(recordings, every)
    kept = list(map(id, training))
    assert kept == [i for i in map(id, recordings) if i in set(kept)]
    assert sorted(kept + list(map(id, held_out))) == sorted(map(id, recordings))
    return [recording.name for recording in held_out]


@pytest.mark.parametrize("every", [1, 2, 4, 100, 1_000_003])
def test_few_recordings_do(every):
    """Whatever their names: some are held out, and some, at least as many, trained on."""
    for count in range(2, 12):
        for take in range(20):
            recordings = recordings_named(*(f"take-{take}-{i}.wav" for i in range(count)))
            held_out = names_held_out(recordings, every)
            assert 1 <= len(held_out) <= count // 2
            assert names_held_out(recordings[::-1], every) == held_out
    assert names_held_out(recordings_named("a.wav"), every) == names_held_out([], every) == []


def test_what_is_trained_on_is_not_held_out_when_recordings_are_added():
    recordings = recordings_named(*(f"{i}.wav" for i in range(4000)))
    trained = set()
    for count in (8, 40, 300, 4000):
        held_out = set(names_held_out(recordings[:count], 100))
        assert not held_out & trained
        trained |= {recording.name for recording in recordings[:count]} - held_out
    assert 25 < len(held_out) < 55


def test_recordings_of_one_name_in_several_folders():
    recordings = recordings_named(*["audio.wav"] * 6)
    (held_out,) = split(recordings, 100)[1]
    (again,) = split(recordings[::-1], 100)[1]
    assert held_out is again


def test_broken_files_are_counted_and_skipped(folder):
    (folder / "broken.wav").write_bytes(b"not audio")
    (folder / "film.mp4").write_bytes(b"what libsndfile does not read")
    soundfile.write(folder / "click.wav", tone(0.1), SAMPLE_RATE)
    (folder / "notes.txt").write_text("not even by its name")
    training, held_out, lines = read(folder)
    assert len(training) + len(held_out) == 10
    assert lines[1:] == ["skipped 1: shorter than 0.25 s", "skipped 2: unreadable audio"]


def test_hours_are_limited(folder):
    training, held_out, lines = read(folder, max_hours=2.5 / 3600)
    assert len(training) + len(held_out) == 4  # of 0.8 s each
    assert "max_hours" in lines[0]


def test_a_damaged_shard_is_told(folder):
    shard = corpus.write_tar(folder / "s.tar", [(f"k{i}.wav", corpus.audio_bytes(tone())) for i in range(3)])
    shard.write_bytes(shard.read_bytes()[:60000])
    with pytest.raises(UserError, match=r"cannot read the shard .*s\.tar"):
        read(shard)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sources": ("nowhere/*.opus",)}, "nothing matches nowhere"),
        ({"sources": ()}, "data.sources .it is empty"),
        ({"max_hours": 1e-9}, "1 recordings to train on and 0 to hold out"),
    ],
)
def test_no_data_is_one_sentence(folder, changes, words):
    config = VocoderDataConfig(**{"sources": (str(folder),), "hold_out_every": 3, **changes})
    with pytest.raises(UserError, match=words):
        read_recordings(config, 0, lambda line: None)


def test_crops_keep_to_the_recording():
    recordings = [
        Recording("a", np.full(100, 1000, np.int16)),
        Recording("b", np.full(30000, -2000, np.int16)),
    ]
    batch = Crops(recordings, 16, 0.0, seed=0).batch(0, 64).wave.numpy()
    assert batch.shape == (64, 4096) and batch.dtype == np.float32
    values = {round(float(v) * 32768) for v in np.unique(batch)}
    assert values <= {1000, 0, -2000} and -2000 in values


def test_crops_are_numbered():
    noise = np.random.default_rng(0).integers(-20000, 20000, 50000).astype(np.int16)
    crops = Crops([Recording("a", noise)], 8, 3.0, seed=1)
    small = np.concatenate([crops.batch(number, 2).wave.numpy() for number in range(4, 8)])
    np.testing.assert_array_equal(crops.batch(1, 8).wave.numpy(), small)
    assert len({row.tobytes() for row in small}) == 8
    other = Crops([Recording("a", noise)], 8, 3.0, seed=2).batch(1, 8).wave.numpy()
    assert not (other == small).all(axis=1).any()


@pytest.mark.slow
def test_augmented_crops_are_of_other_voices_and_sample_rates():
    noise = np.random.default_rng(0).integers(-6000, 6000, SAMPLE_RATE).astype(np.int16)
    crops = Crops([Recording("a", noise)], 48, 0.0, seed=0, augment=0.75)
    batch = crops.batch(0, 200).wave.numpy()
    np.testing.assert_array_equal(batch[100:], crops.batch(1, 100).wave.numpy())
    powers = np.abs(np.fft.rfft(batch)) ** 2
    dull = powers[:, -1000:].sum(1) < 1e-3 * powers.sum(1)  # above 10 kHz
    assert 0.3 < dull.mean() < 0.6  # 0.75 * 0.6, less what noise or slower playing filled or emptied
    untouched = (batch * 32768 == np.round(batch * 32768)).all(1)
    assert 0.2 < untouched.mean() < 0.4  # 0.25, and those of which each change was left out


def test_augmented_pitch():
    tones = [Recording("a", (20_000 * tone(1.2, 1000.0)).astype(np.int16))]
    batch = Crops(tones, 32, 0.0, seed=0, augment=1.0).batch(0, 100).wave.numpy()
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
    told = [recording for recording in training if recording.predicted is not None]
    assert {Path(r.name).stem for r in told} == set(names) - {Path(r.name).stem for r in held_out}
    assert lines[1] == f"{len(told)} of the recordings have predicted mels"
    assert all(recording.predicted is None for recording in held_out)

    batch = Crops(training, 32, 6.0, seed=0, predicted_share=0.5).batch(0, 200, 7)
    has = batch.has_predicted.numpy()
    assert batch.judged == 7 and batch.predicted.shape == (200, 33, 100)
    assert abs(has.mean() - 0.5 * len(told) / len(training)) < 0.12
    own = torch.stack([torch.from_numpy(log_mel(wave.numpy())) for wave in batch.wave])
    louder = (own - batch.predicted).numpy()[has][:, 4:-4]  # at the ends a crop's own mel sees no more
    heard = own.numpy()[has][:, 4:-4] > -5
    np.testing.assert_allclose(louder[heard], np.log(2), atol=0.06)
    assert len({float(wave.abs().max()) for wave in batch.wave[has]}) > 20  # in gains of their own
    source = batch.source(own).numpy()
    np.testing.assert_array_equal(source[~has], own.numpy()[~has])
    np.testing.assert_array_equal(source[has], batch.predicted.numpy()[has])
    assert batch.source(own[:3]).shape == (3, 33, 100)


def test_bad_predicted_mels(folder, tmp_path_factory):
    mels = tmp_path_factory.mktemp("mels")
    told = {"predicted": str(mels), "predicted_share": 0.5}
    with pytest.raises(UserError, match="there are no NAME.npy"):
        read(folder, **told)
    for broken in (np.zeros((9, 80)), np.zeros((9000, 100))):
        for i in range(10):
            np.save(mels / f"tone-{i}.npy", broken)
        with pytest.raises(UserError, match=r"tone-\d.npy is no log-mel of tone-\d.wav"):
            read(folder, **told)
    for i in range(10):
        (mels / f"tone-{i}.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match="cannot read"):
        read(folder, **told)
