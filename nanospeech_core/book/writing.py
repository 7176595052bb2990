"""Write an audiobook: one file with chapter marks, or a folder with a file per chapter."""

from __future__ import annotations

import base64
import io
import os
import re
import struct
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..audio.mel import SAMPLE_RATE
from ..errors import UserError
from ..speech.timestamps import SUFFIXES as TIMES
from ..speech.timestamps import write_timestamps
from .book import LEAD, TAIL, Book, image_format
from .speaking import SpokenChapter

BLOCK = 1 << 15  # samples that are read and encoded at a time


@dataclass(frozen=True)
class BookFormat:
    """A format: FFmpeg's names, options of the container; `covers`: how it holds a picture."""

    container: str
    codec: str
    options: dict[str, str]
    covers: str = "stream"
    is_compressed: bool = True


_MP4 = {"movflags": "+faststart"}  # the index at the beginning, so that players begin at once
FORMATS = {
    ".m4b": BookFormat("mp4", "aac", {**_MP4, "brand": "M4B "}),
    ".m4a": BookFormat("mp4", "aac", {**_MP4, "brand": "M4A "}),
    ".mp3": BookFormat("mp3", "libmp3lame", {"id3v2_version": "3"}),
    ".opus": BookFormat("ogg", "libopus", {}, "comment"),
    ".flac": BookFormat("flac", "flac", {}, is_compressed=False),
    ".wav": BookFormat("wav", "pcm_s16le", {}, "", is_compressed=False),
}
_COMMENTS = ("ogg", "flac")  # FFmpeg rounds the seconds of their marks wrongly
_COMMENT = "Synthetic speech"  # tells the files of audiobooks from others
_NO_NAME = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')  # for the file systems of all computers


def write_file(
    path: Path,
    book: Book,
    chapters: Sequence[SpokenChapter],
    bit_rate: int,
    track: tuple[int, int] | None = None,
) -> None:
    """Write chapters to a file, with marks where each begins.

    Args:
        path: with one of `FORMATS`' suffixes.
        book: for the tags and the cover.
        chapters: in order.
        bit_rate: bits per second, of formats that are compressed.
        track: for a file of one chapter, its number and the count of the book's; the file is then named after
            its chapter, and has no marks.
    Raises:
        UserError: the file cannot be written.
    """
    try:
        _write(path, book, chapters, bit_rate, track)
    except OSError as error:  # PyAV's errors of files are of this class
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def _write(
    path: Path, book: Book, chapters: Sequence[SpokenChapter], bit_rate: int, track: tuple[int, int] | None
) -> None:
    import av
    from av.stream import Disposition

    form = FORMATS[path.suffix.lower()]
    with av.open(str(path), "w", format=form.container, options=dict(form.options)) as output:
        output.metadata.update(_tags(book, chapters[0].title if track else book.title, track))
        stream = output.add_stream(form.codec, rate=SAMPLE_RATE, layout="mono")
        assert isinstance(stream, av.AudioStream)
        if form.is_compressed:
            stream.bit_rate = bit_rate
        if len(book.language) in (2, 3):
            stream.metadata["language"] = book.language
        picture = _picture(book.cover) if form.covers else None
        cover_stream = None
        if picture is not None and form.covers == "stream":
            cover_stream = output.add_stream_from_template(picture.streams.video[0])
            cover_stream.disposition = Disposition.attached_pic.value
        elif picture is not None and book.cover is not None:
            stream.metadata["METADATA_BLOCK_PICTURE"] = _picture_comment(book.cover, picture)
            stream.metadata.update(_tags(book, chapters[0].title if track else book.title, track))
        if track is None and form.container in _COMMENTS:
            output.metadata.update(_mark_comments(chapters))
            stream.metadata.update(_mark_comments(chapters))
        elif track is None:
            output.set_chapters(_marks(chapters))
        if picture is not None and cover_stream is not None:
            packet = next(picture.demux(picture.streams.video[0]))
            packet.stream, packet.pts, packet.dts = cover_stream, 0, 0
            output.mux(packet)
        position = 0
        for samples in _samples(chapters):
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, position, Fraction(1, SAMPLE_RATE)
            position += len(samples)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if picture is not None:
            picture.close()


def _samples(chapters: Sequence[SpokenChapter]) -> Iterator[np.ndarray]:
    """The samples of chapters, int16, block by block, with the silence around each."""
    import soundfile

    for chapter in chapters:
        yield np.zeros(round(LEAD * SAMPLE_RATE), np.int16)
        for passage in chapter.passages:
            with soundfile.SoundFile(passage.path) as file:
                while len(block := file.read(BLOCK, dtype="int16")):
                    yield block
        yield np.zeros(round(TAIL * SAMPLE_RATE), np.int16)


def starts(chapters: Sequence[SpokenChapter]) -> list[float]:
    """Where chapters begin in a file of them all, in seconds."""
    samples = np.cumsum([0, *(chapter.samples for chapter in chapters)])
    return [float(sample) / SAMPLE_RATE for sample in samples[:-1]]


def _marks(chapters: Sequence[SpokenChapter]) -> list:
    edges = np.cumsum([0, *(chapter.samples for chapter in chapters)])
    milliseconds = [round(int(edge) * 1000 / SAMPLE_RATE) for edge in edges]
    return [
        {
            "id": number,
            "start": start,
            "end": end,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": chapter.title},
        }
        for number, (chapter, start, end) in enumerate(
            zip(chapters, milliseconds, milliseconds[1:], strict=False)
        )
    ]


def _mark_comments(chapters: Sequence[SpokenChapter]) -> dict[str, str]:
    """The marks as Ogg and FLAC files have them (https://wiki.xiph.org/Chapter_Extension)."""
    comments: dict[str, str] = {}
    for number, (chapter, start) in enumerate(zip(chapters, starts(chapters), strict=True)):
        minutes, milliseconds = divmod(round(start * 1000), 60_000)
        clock = f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds / 1000:06.3f}"
        comments |= {f"CHAPTER{number:03d}": clock, f"CHAPTER{number:03d}NAME": chapter.title}
    return comments


def _tags(book: Book, title: str, track: tuple[int, int] | None) -> dict[str, str]:
    """Title, author and so on, by the names that FFmpeg translates for each container."""
    tags = {
        "title": title,
        "album": book.title,
        "artist": book.author,
        "album_artist": book.author,
        "date": book.date,
        "genre": "Audiobook",
        "comment": _COMMENT,
        "track": f"{track[0]}/{track[1]}" if track else "",
    }
    return {key: value for key, value in tags.items() if value}


def _picture(cover: bytes | None):
    """The cover as PyAV's input; None: there is none, or it is damaged."""
    import av

    kind = None if cover is None else image_format(cover)
    if cover is None or kind is None:
        return None
    try:
        picture = av.open(io.BytesIO(cover), format=f"{kind}_pipe")
        if picture.streams.video and picture.streams.video[0].width:
            return picture
        picture.close()
    except (av.error.FFmpegError, ValueError):
        pass
    return None


def _picture_comment(cover: bytes, picture) -> str:
    """FLAC's picture block in base64, as Ogg files have it (https://www.rfc-editor.org/rfc/rfc9639#section-8.8)."""
    video, kind = picture.streams.video[0], f"image/{image_format(cover)}".encode()
    front = 3
    head = struct.pack(">II", front, len(kind)) + kind + struct.pack(">I", 0)
    size = struct.pack(">IIIII", video.width, video.height, 24, 0, len(cover))
    return base64.b64encode(head + size + cover).decode()


def file_name(number: int, count: int, title: str, suffix: str) -> str:
    """The name of a chapter's file: "03 The Cave.mp3". count: of the book's chapters."""
    plain = " ".join(_NO_NAME.sub(" ", title).split()).strip(". ")
    while len(plain.encode()) > 120:
        plain = plain[:-1].rstrip()
    return f"{number:0{max(2, len(str(count)))}d} {plain}".strip() + suffix


def write_times(
    folder: Path, chapters: Sequence[SpokenChapter], count: int, suffix: str, whole: bool
) -> None:
    """Write the times of words, a file per chapter.

    Args:
        folder: an existing one.
        chapters: all that are spoken.
        count: as for `file_name`.
        suffix: of `TIMES`.
        whole: the times are those of one file of all chapters; False: of a file per chapter.
    """
    assert suffix in TIMES
    for chapter, start in zip(chapters, starts(chapters), strict=True):
        name = file_name(chapter.number, count, chapter.title, suffix)
        write_timestamps(folder / name, chapter.sentences(start if whole else 0.0))


def chapter_number(name: str, suffixes: Container[str]) -> int | None:
    """The number in the name of a chapter's file, as `file_name` makes it; None: it is another file."""
    stem, suffix = os.path.splitext(name)
    match = re.fullmatch(r"(\d{2,9})(?: .*)?", stem, re.ASCII | re.DOTALL)
    return int(match[1]) if match and suffix.lower() in suffixes else None


def album_of(path: Path) -> str | None:
    """The title of the book, from a file that `write_file` has written; None: it is another file."""
    try:
        import av
    except ImportError:  # only --list comes here without it
        return None
    try:
        with av.open(str(path)) as file:
            tags = {**file.metadata, **file.streams.audio[0].metadata}  # Ogg has them with the stream
    except (av.error.FFmpegError, OSError, ValueError, IndexError):  # damaged, no audio
        return None
    tags = {key.lower(): value for key, value in tags.items()}
    return tags.get("album", "") if tags.get("comment") == _COMMENT else None
