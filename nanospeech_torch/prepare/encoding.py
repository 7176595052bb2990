"""Encoding audio files, with the same bytes for the same audio."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np

from nanospeech_core.audio.files import FORMATS
from nanospeech_core.audio.mel import SAMPLE_RATE

BLOCK = 65536  # libsndfile's Ogg encoders overflow the stack when given minutes of audio in one call
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # the bits of each byte


def encode(wave: np.ndarray, suffix: str, id: str) -> bytes:
    """float32 [samples] at 24 kHz -> the content of a .flac or .opus file. Equal input gives equal bytes."""
    import soundfile

    container, encoding = FORMATS[f".{suffix}"]
    buffer = io.BytesIO()
    wave = np.clip(wave, -1.0, 1.0)
    with soundfile.SoundFile(buffer, "w", SAMPLE_RATE, 1, encoding, format=container) as file:
        for start in range(0, len(wave), BLOCK):
            file.write(wave[start : start + BLOCK])
    content = buffer.getvalue()
    return with_serial(content, zlib.crc32(id.encode(errors="replace"))) if container == "OGG" else content


def with_serial(ogg: bytes, serial: int) -> bytes:
    """An Ogg file with another serial number (libsndfile's is random) and its checksums.

    Pages are those of RFC 3533. Their CRC-32 (polynomial 0x04c11db7, from 0, most significant bit first) is
    zlib's with the bits of every byte and of the result reversed, and without its two inversions.
    """
    result = bytearray(ogg)
    start = 0
    while start < len(result):
        segments = result[start + 26]
        end = start + 27 + segments + sum(result[start + 27 : start + 27 + segments])
        struct.pack_into("<I", result, start + 14, serial)
        struct.pack_into("<I", result, start + 22, 0)
        crc = zlib.crc32(bytes(result[start:end]).translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
        struct.pack_into("<I", result, start + 22, int(f"{crc:032b}"[::-1], 2))
        start = end
    return bytes(result)
