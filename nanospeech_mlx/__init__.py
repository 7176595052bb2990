"""Nanospeech on MLX: the same names, files and arguments as `nanospeech_torch`."""

from __future__ import annotations

import importlib
from typing import Any

from nanospeech_core.system.process import importing

with importing(__name__, "python -m nanospeech_mlx"):
    from .device.blas import use_fast_blas
    from .device.choice import use_chosen_device

PUBLIC = {
    "DiT": "models.dit",
    "DiffLoss": "models.diffloss",
    "DurationPredictor": "models.duration",
    "DurationTransformer": "models.duration",
    "Nanospeech": "nanospeech",
    "PhoneDurationPredictor": "models.duration",
    "Vocos": "models.vocos",
    "say": "nanospeech",
}
__all__ = [*PUBLIC, "UserError"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """A public name, imported at its first use (PEP 562)."""
    if name == "UserError":  # works without the framework
        return importlib.import_module("nanospeech_core.errors").UserError
    if name not in PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import mlx.core  # noqa: F401
    except ImportError as error:
        from nanospeech_core.system.install import mlx_advice

        raise ImportError(f"nanospeech_mlx needs MLX ({error}): {mlx_advice()}") from error
    use_chosen_device()
    use_fast_blas()
    importlib.import_module(".device.memory", __name__).keep_freed_memory()
    return getattr(importlib.import_module(f".{PUBLIC[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
