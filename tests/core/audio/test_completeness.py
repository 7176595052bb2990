"""Files that are cut off, at any byte."""

import struct

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.completeness import is_cut_off, lacks_end_mark

WAVE = (np.random.default_rng(0).normal(size=48000) / 9).astype(np.float32)


def borders(ogg: bytes) -> list[int]:
    """Where the pages of an Ogg file end."""
    result, start = [], 0
    while start < len(ogg):
        segments = ogg[start + 26]
        start += 27 + segments + sum(ogg[start + 27 : start + 27 + segments])
        result.append(start)
    return result


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_files_at_every_byte(subtype):
    content = corpus.audio_bytes(WAVE, 24000, "OGG", subtype)
    ends = borders(content)
    assert len(ends) > 3 and ends[-1] == len(content)
    assert not is_cut_off(content) and not lacks_end_mark(content)
    near = {end + shift for end in ends for shift in (-2, -1, 1, 2, 4, 27, 30)}
    for size in sorted(near | set(range(4, len(content), 97)) - set(ends)):
        if 4 <= size < len(content) and size not in ends:
            assert is_cut_off(content[:size]), size
    for size in ends[:-1]:  # between two pages
        assert not is_cut_off(content[:size]) and lacks_end_mark(content[:size]), size
    assert not is_cut_off(content + b"TAG" + bytes(125)) and not lacks_end_mark(content + bytes(9))


def test_two_streams_one_after_the_other():
    one = corpus.audio_bytes(WAVE, 24000, "OGG", "OPUS")
    other = corpus.audio_bytes(WAVE[:24000], 24000, "OGG", "OPUS")
    assert not lacks_end_mark(one + other)
    assert lacks_end_mark(one + other[: borders(other)[-2]])


def test_wav_files():
    content = corpus.audio_bytes(WAVE, 24000)
    assert not is_cut_off(content) and not lacks_end_mark(content)
    assert is_cut_off(content[:-20])
    assert not is_cut_off(content[:4] + struct.pack("<I", 0xFFFFFFFF) + content[8:])  # from a pipe
    assert not is_cut_off(b"") and not is_cut_off(b"RIFF") and not lacks_end_mark(b"fLaC")


def test_mp3_files():
    """A cut loses more than the last frame; the encoder wrote the size into the first one."""
    content = corpus.audio_bytes(WAVE, 24000, "MP3", "MPEG_LAYER_III")
    assert not is_cut_off(content) and not is_cut_off(content + b"TAG" + bytes(125))
    for size in range(200, len(content) - 1500, 997):
        assert is_cut_off(content[:size]), size
    tagged = b"ID3\x04\x00\x00" + bytes([0, 0, 2, 44]) + bytes(2 * 128 + 44) + content
    assert not is_cut_off(tagged) and is_cut_off(tagged[: len(tagged) // 2])
    assert not is_cut_off(
        content.replace(b"Xing", b"none").replace(b"Info", b"none")[:9000]
    )  # it says nothing
    assert not is_cut_off(b"ID3") and not is_cut_off(b"\xff\xfb")
