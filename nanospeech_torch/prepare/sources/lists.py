"""Lists of recordings: JSONL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nanospeech_core.system.encodings import open_text

from ...training.data.shards import parse
from ..recording import Recording, Remark
from .audio_files import AudioFinder


def list_recordings(path: Path) -> Iterator[Recording | Remark]:
    """The lines of a JSONL file: {"audio" or "path", "text", ...}; paths are relative to its folder."""
    finder = AudioFinder(path.parent)
    with open_text(path, newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                meta = parse(line)
                name = f"{path.name}:{number}"
                yield (
                    Recording(name, problem="a broken line") if meta is None else finder.recording(meta, name)
                )
    yield from finder.rest(path.name)
