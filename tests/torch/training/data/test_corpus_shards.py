"""Where the audio of prepared shards is: the right bytes of tar files and folders, or a clear error."""

import json
import os
import tarfile
from collections import Counter

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.errors import UserError

pytest.importorskip("torch")
pytest.importorskip("soundfile")

from nanospeech_torch.training.data.corpus import AudioLocation, Skip, read_wave, scan_shards


def test_places_give_the_bytes_of_tar_files_and_folders(tmp_path):
    folder = tmp_path / "a-folder"
    folder.mkdir()
    rng = np.random.default_rng(0)
    content = {key: rng.bytes(int(rng.integers(1, 3000))) for key in ("x", "x.1", "x.2", "y", "z/y")}
    for key in ("x", "x.1", "x.2"):  # a folder's files are named by people: only the last dot ends the key
        (folder / f"{key}.flac").write_bytes(content[key])
        (folder / f"{key}.json").write_text(json.dumps({"n": key}))
    (folder / "notes.txt").write_text("no utterance")
    files = [(f"{key}.wav", content[key]) for key in ("y", "z/y")]
    files += [(f"{key}.json", json.dumps({"n": key}).encode()) for key in ("z/y", "y")]  # in any order
    corpus.write_tar(tmp_path / "b.tar", files)
    patterns = (str(tmp_path / "*"), str(tmp_path / "*.tar"))  # the second matches what the first did
    found = list(scan_shards(patterns))
    assert [key for key, _, _ in found] == list(content)
    assert {key: place.read() for key, place, _ in found} == content
    assert all(meta == {"n": key} for key, _, meta in found)


def test_a_folder_of_tar_files(tmp_path):
    """The output folder of prepare: its name is enough."""
    (tmp_path / "my data [1]").mkdir()
    for name in ("a", "b"):
        files = [(f"{name}.wav", b"x"), (f"{name}.json", b"{}")]
        corpus.write_tar(tmp_path / "my data [1]" / f"{name}.tar", files)
    (tmp_path / "my data [1]" / "report.json").write_text("{}")
    assert [key for key, _, _ in scan_shards((str(tmp_path / "my data*"),))] == ["a", "b"]


def test_key_is_the_name_up_to_the_first_dot_of_the_base_name(tmp_path):
    files = [
        *(("v1.0/a.16k.flac", b"A0"), ("v1.0/a.json", b'{"n": 0}'), ("v1.0/a.npy", b"not ours")),
        *(("v1.0/b.json", b'{"n": 1}'), ("v1.0/b.OGG", b"A1"), ("v1.0/._b.json", b"hidden")),
        *(("c.mp3", b"A2"), ("c.wav", b"the same in another format"), ("c.json", b'{"n": 2}')),
    ]
    skipped = []
    places = scan_shards((str(corpus.write_tar(tmp_path / "x.tar", files)),), skipped.append)
    found = {key: (place.read(), meta["n"]) for key, place, meta in places}
    assert found == {"v1.0/a": (b"A0", 0), "v1.0/b": (b"A1", 1), "c": (b"A2", 2)}
    assert skipped == []


def test_incomplete_broken_and_repeated_utterances_are_counted(tmp_path):
    files = [
        *(("a.json", b"{}"), ("b.wav", b"x"), ("c.wav", b"x"), ("c.json", b"{broken")),
        *(("d.wav", b"x"), ("d.json", b"[1]"), ("e.wav", b"1"), ("e.json", b"\xff")),
        *(("f.wav", b"1"), ("f.json", b'{"n": 1}'), ("f.wav", b"2"), ("f.json", b'{"n": 2}')),
    ]
    corpus.write_tar(tmp_path / "x.tar", files)
    corpus.write_tar(
        tmp_path / "y.tar", [("f.wav", b"3"), ("f.json", b"{}"), ("g.wav", b"4"), ("g.json", b"{}")]
    )
    skipped = Counter()
    found = list(scan_shards((str(tmp_path / "*.tar"),), lambda reason: skipped.update([reason])))
    assert [(key, place.read(), meta) for key, place, meta in found] == [
        ("f", b"1", {"n": 1}),
        ("g", b"4", {}),
    ]
    assert skipped == {"no audio": 1, "no json": 1, "broken json": 3, "an id that was read before": 2}


@pytest.mark.parametrize(
    "damage",
    ["no tar", "empty", "cut in a member", "cut in the last", "cut between members", "bad header", "gz"],
)
def test_a_broken_tar_file_is_an_error_that_names_it(tmp_path, damage):
    files = [(f"{key}.{suffix}", b"1" * 512) for key in "abc" for suffix in ("json", "wav")]
    path = corpus.write_tar(tmp_path / "x.tar", files)
    content = bytearray(path.read_bytes())
    if damage == "no tar":
        content = b"nonsense" * 1000
    elif damage == "empty":
        content = b""
    elif damage == "cut in a member":
        content = content[: 3 * 1024 + 700]
    elif damage == "cut in the last":
        content = content[: 5 * 1024 + 700]
    elif damage == "cut between members":
        content = content[: 4 * 1024]
    elif damage == "bad header":
        content[2 * 1024 : 2 * 1024 + 512] = b"\x7f" * 512
    else:
        path = tmp_path / "x.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            tar.add(tmp_path / "x.tar")
        content = path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read the shard .*x\.tar") as caught:
        list(scan_shards((str(path),)))
    assert ("nanospeech_torch.prepare reads other formats" in str(caught.value)) == (damage == "gz")


def test_files_that_vanish_or_may_not_be_read(tmp_path):
    with pytest.raises(Skip, match="unreadable audio"):
        AudioLocation(str(tmp_path / "nowhere.wav")).read()
    (tmp_path / "a.json").symlink_to(tmp_path / "nowhere")  # no file: as if it were not there
    (tmp_path / "a.wav").write_bytes(b"x")
    skipped = []
    assert list(scan_shards((str(tmp_path),), skipped.append)) == [] and skipped == ["no json"]
    if os.geteuid():
        (tmp_path / "b.json").write_text("{}")
        (tmp_path / "b.json").chmod(0)
        with pytest.raises(UserError, match="cannot read .*b.json"):
            list(scan_shards((str(tmp_path),)))


# audio


@pytest.mark.parametrize(
    ("suffix", "form", "subtype", "rate"),
    [
        ("wav", "WAV", "PCM_16", 24000),
        ("wav", "WAV", "FLOAT", 48000),
        ("flac", "FLAC", None, 16000),
        ("ogg", "OGG", "VORBIS", 24000),
        ("opus", "OGG", "OPUS", 24000),
        ("mp3", "MP3", None, 44100),
        ("aiff", "AIFF", None, 22050),
    ],
)
def test_any_format_rate_and_channels(suffix, form, subtype, rate):
    import soxr

    wave, _ = corpus.tone_utterance(np.random.default_rng(0), letters=10)
    stereo = np.stack([wave, 0.5 * wave], axis=1)
    audio = corpus.audio_bytes(soxr.resample(stereo, SAMPLE_RATE, rate), rate, form, subtype)
    got = read_wave(audio, 10.0)
    assert got.dtype == np.float32 and got.ndim == 1
    assert abs(len(got) - len(wave)) < 0.1 * SAMPLE_RATE
    # the same sound, wherever the codec lets it begin
    n = min(len(got), len(wave))
    spectrum = np.fft.rfft(got, 2 * n) * np.conj(np.fft.rfft(0.75 * wave, 2 * n))
    similarity = np.fft.irfft(spectrum).max() / np.sum((0.75 * wave) ** 2)
    assert similarity == pytest.approx(1, abs=0.06)


def test_broken_audio():
    wave, _ = corpus.tone_utterance(np.random.default_rng(0))
    spoiled = wave.copy()
    spoiled[100] = np.nan
    for audio, reason in (
        (b"", "unreadable audio"),
        (b"not audio", "unreadable audio"),
        (corpus.audio_bytes(wave)[:30], "unreadable audio"),
        (corpus.audio_bytes(wave[:0]), "too short"),
        (corpus.audio_bytes(spoiled, subtype="FLOAT"), "audio with values that are not finite"),
        (corpus.audio_bytes(np.zeros(28000, np.float32)), "longer than 1 s"),
    ):
        with pytest.raises(Skip, match=f"^{reason}$"):
            read_wave(audio, 1.0)
    assert len(read_wave(corpus.audio_bytes(np.zeros(26400, np.float32)), 1.0)) == 26400  # codecs pad
