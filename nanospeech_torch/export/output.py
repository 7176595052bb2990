"""The folder that export writes: whether it may be replaced, and whether the model in it speaks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nanospeech_core.audio.signal import SILENT, level
from nanospeech_core.checkpoints.folder import is_training_run
from nanospeech_core.errors import UserError
from nanospeech_core.system.folders import check_replaceable
from nanospeech_core.voices.store import list_voices, voice_names

# what export writes; a folder with other files is not replaced
WRITTEN = {"config.json", "model.safetensors", "vocos.safetensors", "aligner.safetensors", "voices"}
MARKS = {".DS_Store", "Thumbs.db"}  # of file managers


def check_folder(output: Path, voices: Sequence[str]) -> None:
    """Check that a folder may be written: it is new, empty, or an earlier export without voices of its own.

    Args:
        output: the folder.
        voices: the names of those that will be made. An earlier export is replaced as a whole: files of two
            runs in one folder would be a model that nobody trained.
    Raises:
        UserError: it is a file, a training run, or has files or voices that would be lost.
    """
    if output.suffix == ".safetensors":
        raise UserError(f"{output} is the name of a file: an acoustic model is exported to a folder")
    if os.path.isfile(output):
        raise UserError(f"{output} is a file: choose another --output")
    if not os.path.isdir(output):
        return
    if is_training_run(output):
        raise UserError(f"{output} is a training run: choose another folder, such as {output / 'model'}")
    check_replaceable(output)
    others = sorted(set(os.listdir(output)) - WRITTEN - MARKS)
    if others:
        raise UserError(
            f"{output} has other files than an export ({', '.join(others[:3])}"
            f"{', ...' * (len(others) > 3)}), which would be deleted: choose another --output"
        )
    if lost := sorted(set(voice_names(output)) - set(voices)):
        raise UserError(
            f"{output} has voices that would be deleted ({', '.join(lost)}): "
            "make them again with --voice or --voices, or choose another --output"
        )


def find_silence(folder: Path) -> str:
    """Let an exported model speak with its own voice: "", or what to tell if nothing is heard.

    Models without voices are not tried. So is what cannot be spoken: an untrained duration predictor asks for
    seconds for a symbol.
    """
    from ..nanospeech import Nanospeech

    voices = list_voices(folder)
    if not voices:
        return ""
    try:
        wave = np.asarray(Nanospeech.from_pretrained(folder).generate("Hello there.", voice=voices[0].name))
    except UserError:
        return "it cannot speak yet: train it for longer"
    if level(wave) < SILENT:
        return f"its speech is silent so far ({level(wave):.0f} dBFS): train it for longer"
    return ""
