"""Nanospeech on PyTorch: the same names, files and arguments as `nanospeech_mlx`."""

from __future__ import annotations

import importlib
import importlib.util

if importlib.util.find_spec("torch") is None:
    raise ImportError('nanospeech_torch needs PyTorch: pip install "nanospeech-mar[torch]"')

PUBLIC = {
    "DiT": "dit",
    "DiffLoss": "diffloss",
    "DurationPredictor": "duration",
    "DurationTransformer": "duration",
    "Nanospeech": "nanospeech",
    "PhoneDurationPredictor": "duration",
    "Vocos": "vocos",
}
__all__ = list(PUBLIC)  # noqa: PLE0604


def __getattr__(name: str):
    """A public class, imported when first asked for (PEP 562)."""
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
