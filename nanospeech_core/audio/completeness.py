"""Whether an audio file is complete: a copy that was stopped half-way has less than its text says."""

from __future__ import annotations

import struct

_STREAMED = 0x7F000000  # sizes from here on are those of files that were written to a pipe
_PAGE_HEAD = 27  # bytes of an Ogg page before the table of its segments (RFC 3533)
_LAST_FRAME = 1500  # bytes: a cut within the last frame of an MP3 loses 26 ms at most
_BEGIN, _END = 2, 4  # flags of an Ogg page: the first and the last of its stream


def is_cut_off(content: bytes) -> bool:
    """Whether a WAV, AIFF or MP3 file is shorter than its header says, or an Ogg file ends within a page.

    Of other formats a decoder sees it.
    """
    if content[:4] == b"OggS":
        return _read_ogg(content)[0]
    if is_mp3(content):
        return _mp3_lacks(content) > _LAST_FRAME
    order = {b"RIFF": "<I", b"FORM": ">I"}.get(content[:4])
    if order is None or len(content) < 8:
        return False
    (size,) = struct.unpack_from(order, content, 4)
    return len(content) < size < _STREAMED


def is_mp3(content: bytes) -> bool:
    """Whether a file begins as an MP3 does: with a tag (ID3v2), or a frame's eleven bits of 1."""
    return content[:3] == b"ID3" or (content[:1] == b"\xff" and content[1:2] >= b"\xe0")


def _mp3_lacks(content: bytes) -> int:
    """How many bytes an MP3 lacks of what its first frame says (a Xing header); 0: it says nothing."""
    start = 0
    if content[:3] == b"ID3" and len(content) >= 10:
        size = 0
        for byte in content[6:10]:  # seven bits each
            size = size << 7 | (byte & 0x7F)
        start = 10 + size
    for name in (b"Xing", b"Info"):
        at = content.find(name, start, start + 200)
        if at >= 0 and len(content) >= at + 16:
            flags, *numbers = struct.unpack_from(">III", content, at + 4)
            if flags & 2:  # the number of bytes, after that of the frames
                return numbers[flags & 1] - (len(content) - start)
    return 0


def lacks_end_mark(content: bytes) -> bool:
    """Whether a stream of an Ogg file has no page that is marked as its last.

    It may be cut off between two pages. But some recorders never write the mark.
    """
    return content[:4] == b"OggS" and bool(_read_ogg(content)[1])


def _read_ogg(content: bytes) -> tuple[bool, set[bytes]]:
    """(whether the last page of an Ogg file is incomplete, the serial numbers of streams without an end)"""
    start, open_streams = 0, set[bytes]()
    while content.startswith(b"OggS", start):
        if start + _PAGE_HEAD > len(content):
            return True, open_streams
        flags, serial, segments = content[start + 5], content[start + 14 : start + 18], content[start + 26]
        table = content[start + _PAGE_HEAD : start + _PAGE_HEAD + segments]
        start += _PAGE_HEAD + segments + sum(table)
        if len(table) < segments or start > len(content):
            return True, open_streams
        if flags & _BEGIN:
            open_streams.add(serial)
        if flags & _END:
            open_streams.discard(serial)
    cut_in_head = 0 < len(content) - start < 4 and b"OggS".startswith(content[start:])
    return cut_in_head, open_streams
