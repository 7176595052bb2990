"""16-bit WAV, written to streams while it is made."""

import io
import os
import threading

import numpy as np
import pytest
import soundfile
from wavs import wav_samples

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.wav_stream import pcm16
from nanospeech_core.errors import UserError

WAVE = np.concatenate(
    (np.random.default_rng(0).uniform(-1.1, 1.1, 5000), np.arange(-4, 5) / 32768, [1, -1])
).astype(np.float32)


def test_samples_are_those_of_a_file(tmp_path):
    audio.write(tmp_path / "a.wav", WAVE)
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert np.array_equal(pcm16(WAVE), written)
    assert np.array_equal(audio.as_written(WAVE), audio.read(tmp_path / "a.wav"))


def test_what_is_appended_is_not_put_in_the_middle(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"before")
    number = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        audio.write(f"/dev/fd/{number}", WAVE)
    finally:
        os.close(number)
    data = path.read_bytes()
    assert data.startswith(b"before") and len(wav_samples(data[6:])) == len(WAVE)


def test_a_sentence_is_there_before_the_next_is_made(tmp_path):
    reader, writer = os.pipe()
    with audio.writing(f"/dev/fd/{writer}") as write_chunk:
        assert len(os.read(reader, 1000)) == 44
        for value in (0.5, -0.5):
            write_chunk(np.full(100, value, np.float32))
            got = np.frombuffer(os.read(reader, 1000), "<i2")
            assert len(got) == 100 and (got == 32768 * value).all()
        with pytest.raises(UserError, match="not finite"):
            write_chunk(np.full(5, np.nan, np.float32))
    os.close(reader), os.close(writer)


@pytest.mark.parametrize("name", ["pipe", "pipe.wav", "pipe.flac", "pipe.ogg"])
def test_a_named_pipe(tmp_path, name):
    path, got = tmp_path / name, []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    audio.write(path, WAVE)
    reader.join(10)
    assert path.is_fifo()
    if "." not in name or name.endswith(".wav"):
        assert np.array_equal(wav_samples(got[0]), pcm16(WAVE))
    wave, rate = soundfile.read(io.BytesIO(got[0]))
    assert rate == 24000 and len(wave) == len(WAVE)
    assert soundfile.info(io.BytesIO(got[0])).format == (
        {"flac": "FLAC", "ogg": "OGG"}.get(name.partition(".")[2], "WAV")
    )


def test_a_recording_of_its_own_kind(tmp_path):
    """What is edited keeps its rate, channels and encoding in a pipe too."""
    stereo = np.stack((WAVE, WAVE / 2), axis=1)
    got, path = [], tmp_path / "pipe"
    os.mkfifo(path)
    for encoding, channels in (("PCM_24", stereo), ("FLOAT", stereo), ("PCM_16", stereo)):
        reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
        reader.start()
        audio.check_output(path, 44100, 2, encoding)
        audio.write(path, channels, 44100, encoding)
        reader.join(10)
        info = soundfile.info(io.BytesIO(got[-1]))
        assert (info.samplerate, info.channels, info.subtype) == (44100, 2, encoding)
        assert soundfile.read(io.BytesIO(got[-1]))[0].shape == stereo.shape
