"""Audio files that tables and lists name."""

import pytest


@pytest.fixture
def audio_files(tmp_path):
    """A folder with wavs/a1.wav, wavs/a2.flac and a3.wav."""
    (tmp_path / "set" / "wavs").mkdir(parents=True)
    for name in ("wavs/a1.wav", "wavs/a2.flac", "a3.wav"):
        (tmp_path / "set" / name).write_bytes(name.encode())
    return tmp_path / "set"


@pytest.fixture
def clips(tmp_path):
    """A folder with c00.wav to c39.wav."""
    (tmp_path / "clips").mkdir()
    for i in range(40):
        (tmp_path / "clips" / f"c{i:02d}.wav").write_bytes(str(i).encode())
    return tmp_path / "clips"
