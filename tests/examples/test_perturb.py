"""examples/embedded/perturb.py: other speakers, made of those that a corpus has."""

import io
import json
import tarfile
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE

pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

FOLDER = Path(__file__).parents[2] / "examples" / "embedded"


@pytest.fixture
def perturb(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import perturb

    return perturb


def contents(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    return found


@pytest.mark.slow
def test_copies_can_be_trained_on(perturb, tmp_path, capsys):
    from nanospeech_torch.training.config import DataConfig
    from nanospeech_torch.training.data.corpus import read_index

    shard = corpus.write_corpus(tmp_path / "a.tar", count=100)
    flags = ["--share", "0.5", "--voices", "3", "--shard-size", "8", "--format", "flac"]
    assert perturb.main([str(shard), "-o", str(tmp_path / "out"), *flags]) == 0
    files = contents(tmp_path / "out")
    metas = {name: json.loads(content) for name, content in files.items() if name.endswith(".json")}
    assert 30 <= len(metas) <= 70 and len(list((tmp_path / "out").glob("*.tar"))) == -(-len(metas) // 8)
    assert {meta["voice"] for meta in metas.values()} == {f"v{v}+{n}" for v in (0, 1) for n in (1, 2, 3)}
    originals = {name: json.loads(content) for name, content in all_files(shard).items() if "json" in name}
    speeds = {}
    for name, meta in metas.items():
        original = originals[name.split("+")[0] + ".json"]
        assert meta["durations"] == original["durations"] and meta["phonemes"] == original["phonemes"]
        assert meta["voice"].split("+")[0] == original["voice"]
        assert sum(meta["durations"]) * meta["duration_unit"] == pytest.approx(meta["samples"], abs=2)
        wave, rate = soundfile.read(io.BytesIO(files[name.replace(".json", ".flac")]))
        assert (len(wave), rate) == (meta["samples"], SAMPLE_RATE) and 0.001 < np.abs(wave).max() < 1
        speed = sum(original["durations"]) * corpus.UNIT / meta["samples"]
        assert 0.02 < abs(np.log(speed)) < 0.21
        speeds.setdefault(meta["voice"], set()).add(round(speed, 3))
    assert all(len(found) == 1 for found in speeds.values())  # one of each voice
    assert len({speed for found in speeds.values() for speed in found}) == len(speeds)
    data = DataConfig(shards=(str(tmp_path / "out" / "*.tar"),))
    assert len(read_index(data, corpus.small_model(), lambda line: None)) == len(metas)

    # The same copies from half of the corpus.
    some = corpus.write_tar(tmp_path / "b.tar", list(all_files(shard).items())[:40])
    assert perturb.main([str(some), "-o", str(tmp_path / "half"), *flags]) == 0
    half = contents(tmp_path / "half")
    assert half and half.items() <= files.items()


def all_files(shard: Path) -> dict[str, bytes]:
    with tarfile.open(shard) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def test_pitch_goes_with_the_tempo(perturb):
    wave = np.sin(2 * np.pi * 500 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    peaks = set()
    for key in map(str, range(20)):
        copy, meta = perturb.perturb(wave, {"voice": "v", "durations": [40]}, key, 5)
        peak = np.abs(np.fft.rfft(copy)).argmax() * SAMPLE_RATE / len(copy)
        assert peak == pytest.approx(500 * SAMPLE_RATE / len(copy), abs=2)
        peaks.add(round(peak))
    assert 3 <= len(peaks) <= 5


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--share", "0"], "--share must be more than 0"),
        (["--voices", "0"], "--voices must be at least 1"),
        (["--share", "0.0000001"], "no utterance is selected"),
    ],
)
def test_mistakes(perturb, tmp_path, capsys, flags, message):
    shard = corpus.write_corpus(tmp_path / "a.tar", count=2)
    try:
        code = perturb.main([str(shard), "-o", str(tmp_path / "out"), *flags])
    except SystemExit as exit:
        code = exit.code
    error = capsys.readouterr().err
    assert code and message in error and "Traceback" not in error and not (tmp_path / "out").exists()


def test_nothing_there(perturb, tmp_path, capsys):
    assert perturb.main([str(tmp_path / "none*.tar"), "-o", str(tmp_path / "out")]) == 1
    assert "nothing matches" in capsys.readouterr().err
