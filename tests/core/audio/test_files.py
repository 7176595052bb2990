"""Audio files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError

RATE = audio.SAMPLE_RATE


def tone(seconds: float = 1.0, rate: int = RATE, frequency: float = 440.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(
        np.float32
    )


def peak_frequency(wave: np.ndarray) -> float:
    return np.abs(np.fft.rfft(wave)).argmax() * RATE / len(wave)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_read_resamples_and_mixes(tmp_path, rate, channels):
    path = tmp_path / "a.wav"
    silence = np.zeros(rate, dtype=np.float32)
    wave = tone(rate=rate)
    soundfile.write(path, np.stack([wave, silence][:channels], axis=1), rate, subtype="FLOAT")
    read = audio.read(path)
    assert read.dtype == np.float32 and read.ndim == 1
    assert len(read) == RATE
    assert peak_frequency(read) == pytest.approx(440, abs=2)
    assert np.abs(read[2000:-2000]).max() == pytest.approx(0.5 / channels, rel=0.02)


@pytest.mark.parametrize("suffix", audio.FORMATS)
def test_write_then_read(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    audio.write(path, tone())
    read = audio.read(path)
    assert len(read) == pytest.approx(RATE, abs=2000)
    assert peak_frequency(read) == pytest.approx(440, abs=3)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_write_is_16_bit_and_clips(tmp_path):
    path = tmp_path / "a.wav"
    audio.write(path, np.array([0.5, 1.5, -1.5], dtype=np.float32))
    assert soundfile.info(path).subtype == "PCM_16"
    assert audio.read(path) == pytest.approx([0.5, 1.0, -1.0], abs=1e-4)


def test_long_ogg_is_written_completely(tmp_path):
    path = tmp_path / "a.ogg"
    audio.write(path, tone(20))
    assert len(audio.read(path)) == 20 * RATE


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.wav", None, "No such file"),
        ("empty.wav", b"", "not an audio file"),
        ("text.wav", b"hello " * 100, "not an audio file"),
        ("text.raw", b"hello " * 100, "not an audio file"),
    ],
)
def test_unreadable_files(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        audio.read(path)
    assert str(path) in str(caught.value)


def test_reading_a_folder(tmp_path):
    with pytest.raises(UserError, match="directory"):
        audio.read(tmp_path)


@pytest.mark.parametrize("rate", [16000, 24000])
def test_no_audio_and_not_finite(tmp_path, rate):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((0, 1), dtype=np.float32), rate, subtype="FLOAT")
    with pytest.raises(UserError, match="has no audio"):
        audio.read(path)
    soundfile.write(path, np.array([0, np.nan, 0], dtype=np.float32), rate, subtype="FLOAT")
    with pytest.raises(UserError, match="not finite"):
        audio.read(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.xyz", "suffix must be one of .wav"),
        ("a", "suffix"),
        ("no/such/a.wav", "there is no folder"),
        ("folder.wav", "it is a folder"),
    ],
)
def test_refused_outputs(tmp_path, name, message):
    (tmp_path / "folder.wav").mkdir()
    for refuse in (audio.check_output, lambda path: audio.write(path, tone())):
        with pytest.raises(UserError, match=message):
            refuse(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "rate", "channels", "message"),
    [
        (
            "a.opus",
            44100,
            1,
            "at 44100 Hz with 1 channel.*: Opus only supports sample rates of 8000, .* and 48000$",
        ),
        ("a.mp3", 96000, 2, "at 96000 Hz with 2 channel.* only supports sample rates of 8000, .* and 48000$"),
        ("a.ogg", 384000, 1, "Vorbis has at most 200000 Hz$"),  # libsndfile crashes there
        ("a.flac", 700000, 1, "flac does not support this sample rate$"),
        ("a.flac", 44100, 9, "with 9 channel"),
    ],
)
def test_rates_and_channels_that_a_format_does_not_have(tmp_path, name, rate, channels, message):
    wave = np.zeros((10, channels))
    for refuse in (
        lambda path: audio.check_output(path, rate, channels),
        lambda path: audio.write(path, wave, rate),
    ):
        with pytest.raises(UserError, match=message):
            refuse(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("source", [*audio.KEPT, "ALAC_24", "IMA_ADPCM", "MPEG_LAYER_III"])
def test_encodings_are_kept_or_replaced_by_sufficient_ones(tmp_path, source):
    """`.wav` and `.flac` keep the samples of a recording of that encoding."""
    container, rate = {
        "ALAC_24": ("CAF", RATE),
        "PCM_S8": ("FLAC", RATE),
        "MPEG_LAYER_III": ("MP3", RATE),
    }.get(source, ("WAV", RATE))
    soundfile.write(tmp_path / "a", tone(), rate, subtype=source, format=container)
    wave, _, encoding = audio.read_whole(tmp_path / "a")
    assert encoding == source
    exact = {"wav": 0.0, "flac": 0.0 if source not in ("PCM_32", "FLOAT", "DOUBLE") else 2**-23}
    if source == "MPEG_LAYER_III":
        exact = dict.fromkeys(exact, 2**-15)
    for suffix, error in exact.items():
        path = tmp_path / f"b.{suffix}"
        audio.write(path, wave, rate, encoding)
        assert np.abs(soundfile.read(path, always_2d=True)[0] - wave).max() <= error
        bits = soundfile.info(path).subtype
        assert bits == source or bits == ("PCM_24" if source in audio.FINE else "PCM_16")


def test_not_finite_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    with pytest.raises(UserError, match="not finite"):
        audio.write(path, np.array([np.inf], dtype=np.float32))
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_ctrl_c_is_not_lost_while_a_recording_is_read(tmp_path):
    """What is raised in a function that libsndfile calls goes no further, nor does it in a destructor."""
    audio.write(tmp_path / "a.flac", np.random.default_rng(0).uniform(-1, 1, 24000))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupts = 0
    try:
        for tenths in range(30):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002 + tenths / 10000)
                limit = time.monotonic() + 0.5
                while time.monotonic() < limit:
                    audio.read_whole(tmp_path / "a.flac")
            except KeyboardInterrupt:
                interrupts += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts >= 27


def test_as_written_is_what_is_read_back(tmp_path):
    wave = np.linspace(-1.1, 1.1, 10_001).astype(np.float32)
    audio.write(tmp_path / "a.wav", wave)
    assert np.array_equal(audio.read(tmp_path / "a.wav"), audio.as_written(wave))


FULL = """
import os, resource, numpy as np
from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
wave = np.random.default_rng(0).normal(size=12000).astype(np.float32) / 5
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for suffix in audio.FORMATS:
    audio.write(f"complete{suffix}", wave)
    size = os.path.getsize(f"complete{suffix}")
    for fitting in (0, size // 2, size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (fitting, hard))
        try:
            audio.write(f"part{suffix}", wave)
        except UserError as error:
            print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
"""


def test_a_file_whose_end_does_not_fit_is_not_left(tmp_path):
    """A limit in place of a full disk. libsndfile does not report that .flac, .ogg and .opus are cut."""
    environment = {**os.environ, "PYTHONPATH": str(Path(audio.__file__).parents[2])}
    line = [sys.executable, "-c", FULL]
    done = subprocess.run(line, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, timeout=120)
    expected = [f"cannot write part{suffix}: File too large" for suffix in audio.FORMATS for _ in range(3)]
    assert done.stdout.splitlines() == expected
    assert sorted(os.listdir(tmp_path)) == sorted(f"complete{suffix}" for suffix in audio.FORMATS)


@pytest.mark.parametrize("part", [0.9, 0.3])
def test_a_file_that_is_cut_off(tmp_path, part):
    path = tmp_path / "a.flac"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(48000), 24000)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(
        UserError, match=r"cannot read .*a.flac: the file is damaged or cut off \(flac decoder"
    ):
        audio.read(path)


def test_an_mp3_file_that_is_cut_off(tmp_path, capfd):
    path = tmp_path / "a.mp3"
    audio.write(path, np.random.default_rng(0).normal(size=72000) / 9, 24000)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"cannot read .*a.mp3: the file is cut off"):
        audio.read(path)
    assert capfd.readouterr().err == ""  # the decoder has warnings of its own


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_an_ogg_file_that_is_cut_off(tmp_path, subtype):
    """libsndfile would read what is left."""
    path = tmp_path / "a.ogg"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(48000), 24000, subtype=subtype)
    assert len(audio.read(path)) == 48000
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    with pytest.raises(UserError, match=r"cannot read .*a.ogg: the file is cut off"):
        audio.read(path)


def test_a_header_that_claims_too_much(tmp_path):
    """The first bit of a FLAC's number of samples: 2^35 of them would take 256 GiB."""
    path = tmp_path / "claims.flac"
    soundfile.write(path, np.full((2400, 1), 0.1), 24000)
    data = bytearray(path.read_bytes())
    data[21] |= 0x08
    path.write_bytes(data)
    try:
        assert len(audio.read(path)) == 2400
    except UserError as error:
        assert "damaged or cut off" in str(error)
