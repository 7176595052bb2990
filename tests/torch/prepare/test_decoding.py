"""Decoding what libsndfile reads, and what it does not."""

import io
import sys

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_torch.prepare.decoding import clipped_share, decode, find_doubts
from nanospeech_torch.prepare.recording import Reject


def tone(seconds: float, rate: int) -> np.ndarray:
    return 0.25 * np.sin(2 * np.pi * 500 * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def encode(wave: np.ndarray, rate: int, container: str, codec: str) -> bytes:
    """A file of a format that libsndfile does not write."""
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    return file.getvalue()


def test_what_libsndfile_reads():
    wave, rate = decode(corpus.audio_bytes(tone(1.0, 16000), 16000), "", 30.0)
    assert (wave.shape, wave.dtype, rate) == ((16000, 1), np.float32, 16000)
    wave, rate = decode(corpus.audio_bytes(tone(9.0, SAMPLE_RATE)), "", 2.0)
    assert len(wave) == 2 * SAMPLE_RATE + 1  # enough to see that it is too long


@pytest.mark.parametrize(
    ("container", "codec", "suffix"), [("mp4", "aac", ".m4a"), ("matroska", "aac", ".mka")]
)
def test_what_only_ffmpeg_reads(container, codec, suffix):
    content = encode(tone(2.0, 44100), 44100, container, codec)
    wave, rate = decode(content, suffix, 30.0)
    assert rate == 44100 and wave.dtype == np.float32 and abs(len(wave) - 2 * rate) < 4096
    middle = wave[rate // 2 : rate * 3 // 2, 0]
    assert np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) == 500
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.25, rel=0.05)
    short, _ = decode(content, suffix, 0.5)
    assert rate / 2 < len(short) < rate  # it does not go on to the end
    with pytest.raises(Reject, match="unreadable audio"):
        decode(content[:300], suffix, 30.0)


def test_without_av(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        Reject, match=r".m4a audio, which libsndfile does not read: pip install av, or convert"
    ):
        decode(b"\0\0\0\x20ftypM4A " + bytes(200), "", 30.0)


FORMS = [
    *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("AIFF", "PCM_16"), ("FLAC", None), ("MP3", None)),
    *(("OGG", "VORBIS"), ("OGG", "OPUS")),
]


@pytest.mark.parametrize(("form", "subtype"), FORMS)
def test_files_that_are_cut_off(form, subtype):
    """Their texts say more than they do."""
    content = corpus.audio_bytes(np.random.default_rng(0).normal(size=72000) / 9, 24000, form, subtype)
    assert len(decode(content, "", 30.0)[0]) == 72000
    assert len(decode(content, "", 1.0)[0]) == 24001
    for part in (2, 10):
        with pytest.raises(Reject) as caught:
            decode(content[: -len(content) // part], "", 30.0)
        assert caught.value.args[0] == ("unreadable audio" if form == "FLAC" else "audio that is cut off")


def test_m4a_that_is_cut_off(tmp_path):
    """With its index at the beginning, as phones and editors write it, FFmpeg reads what is there."""
    av = pytest.importorskip("av")
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as output:
        stream = output.add_stream("aac", rate=24000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(4.0, 24000)[None], format="fltp", layout="mono")
        frame.sample_rate = 24000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            output.mux(packet)
    content = path.read_bytes()
    assert abs(len(decode(content, ".m4a", 30.0)[0]) - 4 * 24000) < 4096
    for tenths in range(2, 9):  # within a packet, FFmpeg itself refuses
        with pytest.raises(Reject, match="cut off|unreadable audio"):
            decode(content[: len(content) * tenths // 10], ".m4a", 30.0)


def test_what_is_clipped():
    wave = np.random.default_rng(0).normal(size=(24000, 1)).astype(np.float32) / 4
    assert clipped_share(np.clip(wave, -1, 1)) == 0
    loud = np.clip(np.cumsum(wave, axis=0) / 9, -1, 1)
    assert clipped_share(loud) > 0.1 and clipped_share(loud / 9) == 0  # quiet plateaus are no clipping
    assert clipped_share(np.hstack([wave, loud])) == clipped_share(loud)  # the worst channel
    assert clipped_share(np.zeros((24000, 2), np.float32)) == 0 == clipped_share(np.ones((2, 1)))
    assert clipped_share(tone(1.0, 24000)[:, None] * 4) == 0
    ((what, detail),) = find_doubts(b"RIFF", loud)
    assert what == "clipped: it was recorded too loud" and detail.endswith("%")


def test_an_ogg_file_without_an_end():
    content = corpus.audio_bytes(tone(1.0, 24000), 24000, "OGG", "OPUS")
    last = content.rindex(b"OggS")
    assert find_doubts(content, np.zeros((9, 1))) == []
    ((what, _),) = find_doubts(content[:last], np.zeros((9, 1)))
    assert what.startswith("may be cut off")


def test_sizes_of_a_pipe():
    content = bytearray(corpus.audio_bytes(tone(1.0, 24000), 24000))
    for size in (0xFFFFFFFF, 0x7FFFFFFF, len(content)):
        content[4:8] = size.to_bytes(4, "little")
        assert len(decode(bytes(content), "", 30.0)[0]) == 24000


def test_nonsense():
    with pytest.raises(Reject, match="unreadable audio"):
        decode(b"nonsense", ".wav", 30.0)
