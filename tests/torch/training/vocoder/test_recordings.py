"""The vocoder's recordings: read, held out, limited."""

import zlib

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from nanospeech_torch.training.vocoder.config import VocoderDataConfig
from nanospeech_torch.training.vocoder.recordings import Recording, read_recordings, split_held_out


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


def recordings_named(*names):
    noise = np.random.default_rng(0)
    return [Recording(name, noise.integers(-9, 9, 50).astype(np.int16)) for name in names]


def names_held_out(recordings, every):
    """In their order; nothing is lost, and what is trained on keeps its order."""
    training, held_out = split_held_out(recordings, every)
    kept = list(map(id, training))
    assert kept == [i for i in map(id, recordings) if i in set(kept)]
    assert sorted(kept + list(map(id, held_out))) == sorted(map(id, recordings))
    return [recording.name for recording in held_out]


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
    (held_out,) = split_held_out(recordings, 100)[1]
    (again,) = split_held_out(recordings[::-1], 100)[1]
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


def test_a_damaged_shard_is_an_error(folder):
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


def test_bad_predicted_mels(folder, tmp_path_factory):
    mels = tmp_path_factory.mktemp("mels")
    settings = {"predicted": str(mels), "predicted_share": 0.5}
    with pytest.raises(UserError, match="there is no NAME.npy"):
        read(folder, **settings)
    for broken in (np.zeros((9, 80)), np.zeros((9000, 100))):
        for i in range(10):
            np.save(mels / f"tone-{i}.npy", broken)
        with pytest.raises(UserError, match=r"tone-\d.npy is not a log-mel of tone-\d.wav"):
            read(folder, **settings)
    for i in range(10):
        (mels / f"tone-{i}.npy").write_bytes(b"no array")
    with pytest.raises(UserError, match="cannot read"):
        read(folder, **settings)
