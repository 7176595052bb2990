"""Hugging Face `datasets`, streamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePosixPath

from nanospeech_core.errors import UserError

from ..recording import FIELDS, Damaged, Recording, canonical, first, one_line, unused_keys

DATASET = "hf-dataset:"


def dataset_recordings(source: str, skip: int) -> Iterator[Recording]:
    """The rows of hf-dataset:NAME[@REVISION][:CONFIG[:SPLIT]] (default: "train"), streamed, not decoded.

    Raises:
        Damaged: the stream ended with an error.
        UserError: the library is missing, there is no such data set, or it has no audio.
    """
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"{source} needs the library datasets: pip install datasets") from error
    name, config, split = [*source.removeprefix(DATASET).split(":"), "", ""][:3]
    pinned = {}
    if "@" in name and not os.path.exists(name):  # a folder's name may have one
        name, _, pinned["revision"] = name.partition("@")
    try:
        data = datasets.load_dataset(name, config or None, split=split or "train", streaming=True, **pinned)
        features = data.features or {}
        audio = next((c for c, kind in features.items() if isinstance(kind, datasets.Audio)), None)
        if audio is not None:
            data = data.cast_column(audio, datasets.Audio(decode=False))
        elif features:
            raise UserError(f"{source} has no column of audio, only {', '.join(features)}")
        rows = iter(data.skip(skip))
    except UserError:
        raise
    except Exception as error:  # the library raises many kinds, some of them without a network
        raise UserError(f"cannot open {source}: {one_line(error)}") from error
    number = skip
    while True:
        try:
            row = next(rows, None)
        except ImportError as error:
            raise UserError(f"cannot read {source}: {one_line(error)}") from error
        except Exception as error:
            raise Damaged(one_line(error)) from error
        if row is None:
            return
        yield dataset_recording(row, row.get(audio or "audio"), f"{split or 'train'}-{number:08d}")
        number += 1


def dataset_recording(row: dict, audio: object, place: str) -> Recording:
    """The recording of a row. `audio` is {"bytes", "path"}; one of the two may be None."""
    if not isinstance(audio, dict) or not (audio.get("bytes") or audio.get("path")):
        return Recording(first(row, "id") or place, problem="no audio")
    path = PurePosixPath(audio.get("path") or "")
    meta = {key: value for key, value in row.items() if key not in FIELDS["audio"]}
    content = audio.get("bytes") or audio["path"]
    id = first(row, "id") or path.stem or place
    unused = tuple(f'key "{key}"' for key in unused_keys(meta))
    meta = {**canonical(meta), "suffix": path.suffix.lower()}
    return Recording(id, content, meta, file=path.name or id, unused=unused)
