"""What a benchmark needs to know of another speech system."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Peer:
    """A loaded speech system."""

    name: str  # in the table
    speak: Callable[[str], Iterable[np.ndarray]]  # a sentence -> its samples [samples], each part when ready
    sample_rate: int
    versions: dict[str, str]  # of its packages and its model


@dataclass(frozen=True)
class PeerFiles:
    """Files of peers that the user names; None: those of the packages that `INSTALL` of each peer names."""

    piper_voice: str | None = None  # .onnx, with its .onnx.json beside it
    kokoro_model: str | None = None  # .onnx, with the config.json of its vocabulary beside it
    kokoro_voice: str | None = None  # float32 [lengths, 256]: .bin, or .npz of such arrays
