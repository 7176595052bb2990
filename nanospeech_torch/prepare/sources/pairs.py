"""An audio file and the file with its text, of equal names: in a folder, and the same pairs of a tar."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from nanospeech_core.errors import UserError
from nanospeech_core.system.encodings import decode

from ...training.data.shards import kind_of, parse
from ..recording import Recording, Remark, canonical, unused_keys

TEXT_SUFFIXES = (".txt", ".lab")
MAX_BYTES = 256 << 20  # of one audio file: memory holds several
# The files of one key: kind -> [(name, content; a local audio file's path; None: too large)].
Parts = dict[str, list[tuple[str, bytes | str | None]]]


def part_of(name: str) -> str | None:
    """What a file is of a pair: "audio", "json" or "text"; None: nothing."""
    path = PurePosixPath(name)
    if path.suffix.lower() in TEXT_SUFFIXES and not path.name.startswith("."):
        return "text"
    return kind_of(name)


def pair_recording(key: str, parts: Parts) -> Recording:
    """The recording of an audio file and its json or text. If it has both, the text of the json is used."""
    for kind, found in parts.items():
        if len(found) > 1:
            problem = "several audio files" if kind == "audio" else "several texts"
            return Recording(key, problem=problem, detail=", ".join(name for name, _ in found))
    if "audio" not in parts:
        return Recording(key, problem="no audio")
    ((file, audio),) = parts["audio"]
    if len(parts) == 1:
        return Recording(key, problem="no json or txt", file=file)
    meta = parse(parts["json"][0][1] or b"") if "json" in parts else {}
    if meta is None:
        return Recording(key, problem="broken json", file=file)
    if audio is None:
        return Recording(key, problem=f"an audio file over {MAX_BYTES >> 20} MiB", file=file)
    unused = tuple(f'key "{name}"' for name in unused_keys(meta))
    meta = {**canonical(meta), "suffix": PurePosixPath(file).suffix.lower()}
    if "text" in parts:
        ((name, content),) = parts["text"]
        if meta["text"]:
            unused += (f"{PurePosixPath(name).suffix} beside json with a text",)
        else:
            try:
                meta["text"] = decode(content if isinstance(content, bytes) else b"", name)
            except UserError as error:
                return Recording(key, problem="text that is not UTF-8", detail=str(error), file=file)
    return Recording(key, audio, meta, file=file, unused=unused)


def has_pairs(folder: Path) -> bool:
    """Whether there is a json, or an audio file and a text of equal names."""
    stems: dict[str | None, set[str]] = {}
    for path in folder.iterdir():
        stems.setdefault(part_of(path.name), set()).add(path.stem)
    return "json" in stems or bool(stems.get("audio", set()) & stems.get("text", set()))


def pair_recordings(folder: Path) -> Iterator[Recording | Remark]:
    """The recordings of a folder: an audio file and a json or txt each.

    Those with a txt are one voice, named after the folder.
    """
    paths = sorted(p for p in folder.iterdir() if part_of(p.name) and p.is_file())
    paths.sort(key=lambda path: path.stem)
    for key, found in itertools.groupby(paths, key=lambda path: path.stem):
        parts: Parts = {}
        for path in found:
            kind = part_of(path.name)
            if kind:
                content = str(path) if kind == "audio" else path.read_bytes()
                parts.setdefault(kind, []).append((path.name, content))
        recording = pair_recording(key, parts)
        yield recording if "json" in parts else replace(recording, default_voice=folder.resolve().name)
    others = (
        p for p in folder.iterdir() if not p.name.startswith(".") and not (part_of(p.name) and p.is_file())
    )
    yield from remarks(Counter("folders" if p.is_dir() else f"{p.suffix or 'other'} files" for p in others))


def remarks(others: Counter[str]) -> Iterator[Remark]:
    """A remark for each kind of file that is no part of a pair."""
    for what, count in sorted(others.items()):
        yield Remark(f"{what} among the pairs", count)


def explain(recording: Recording, detail: str) -> Recording:
    """The recording; if its other half is missing, with this detail."""
    missing = recording.problem in ("no audio", "no json or txt")
    return replace(recording, detail=detail) if missing else recording
