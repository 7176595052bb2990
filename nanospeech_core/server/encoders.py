"""Encoders of a stream of speech: one for the whole stream, so there are no gaps between chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..audio.mel import SAMPLE_RATE
from ..audio.wav_stream import pcm16, wav_header

BLOCK = 4800  # samples that are encoded at a time


@dataclass(frozen=True)
class AudioFormat:
    """A format that a client can ask for.

    container, codec: FFmpeg's names; "" for formats that need no encoder.
    options: of the container.
    bit_rate: in bits per second; 0: the codec's own.
    """

    name: str
    media_type: str
    container: str = ""
    codec: str = ""
    options: tuple[tuple[str, str], ...] = ()
    bit_rate: int = 0


# Without a Xing or ID3 header, which would be written at the end, at the beginning of the file.
_NO_MP3_HEADER = (("write_xing", "0"), ("id3v2_version", "0"))
FORMATS = {
    each.name: each
    for each in (
        AudioFormat("mp3", "audio/mpeg", "mp3", "libmp3lame", _NO_MP3_HEADER, 96_000),
        AudioFormat("opus", "audio/opus", "ogg", "libopus", (("page_duration", "20000"),), 48_000),  # µs
        AudioFormat("aac", "audio/aac", "adts", "aac", (), 96_000),
        AudioFormat("flac", "audio/flac", "flac", "flac"),
        AudioFormat("wav", "audio/wav"),
        AudioFormat("pcm", "audio/pcm"),
    )
}


class Encoder(Protocol):
    """Encodes one stream."""

    def encode(self, wave: np.ndarray) -> bytes:
        """The next bytes, for the next samples float32 [samples] within [-1, 1]. They may be empty."""

    def finish(self) -> bytes:
        """The last bytes."""


def make_encoder(name: str) -> Encoder:
    """An encoder of speech (24 kHz, one channel) to one of `FORMATS`."""
    if name == "pcm":
        return PcmEncoder(b"")
    if name == "wav":
        return PcmEncoder(wav_header(SAMPLE_RATE, 1, None))
    return CompressedEncoder(FORMATS[name])


def encode_all(name: str, wave: np.ndarray) -> bytes:
    """A whole file, samples float32 [samples]; a WAV's header has its length."""
    if name == "wav":
        data = pcm16(wave).tobytes()
        return wav_header(SAMPLE_RATE, 1, len(data)) + data
    encoder = make_encoder(name)
    return encoder.encode(wave) + encoder.finish()


class PcmEncoder:
    """16-bit little-endian samples after a header."""

    def __init__(self, header: bytes):
        self._header = header

    def encode(self, wave: np.ndarray) -> bytes:
        """See `Encoder`."""
        header, self._header = self._header, b""
        return header + pcm16(wave).tobytes()

    def finish(self) -> bytes:
        """See `Encoder`."""
        return self.encode(np.zeros(0, np.float32))


class CompressedEncoder:
    """An encoder of FFmpeg, by PyAV."""

    def __init__(self, audio_format: AudioFormat):
        import av

        self._output = _Output()
        options = {**dict(audio_format.options), "flush_packets": "1"}
        self._container = av.open(self._output, "w", format=audio_format.container, options=options)
        stream = self._container.add_stream(audio_format.codec, rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        self._stream = stream
        if audio_format.bit_rate:
            self._stream.bit_rate = audio_format.bit_rate
        self._samples = 0

    def encode(self, wave: np.ndarray) -> bytes:
        """See `Encoder`."""
        import av

        for start in range(0, len(wave), BLOCK):
            samples = pcm16(wave[start : start + BLOCK])
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, self._samples
            self._samples += len(samples)
            self._container.mux(self._stream.encode(frame))
        return self._output.take()

    def finish(self) -> bytes:
        """See `Encoder`."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._output.take()


class _Output:
    """A file that only grows: what was written since the last `take`."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data
