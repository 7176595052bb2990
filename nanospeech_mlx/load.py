"""Loading a model for a command. MLX is imported when a model is loaded: --help works without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanospeech_core.errors import UserError

if TYPE_CHECKING:
    from .nanospeech import Nanospeech


def import_backend() -> type[Nanospeech]:
    """Import MLX and the models. Raises UserError, with what to install, if MLX is missing."""
    try:
        from . import Nanospeech
    except ImportError as error:
        raise UserError(str(error)) from error
    return Nanospeech


def load(
    model: str | None, vocoder: str | None = None, compile: bool | None = None, precision: str | None = None
) -> Nanospeech:
    """Load a model on MLX's default device.

    Args:
        model: a checkpoint folder or a hub id; None: the embedded model.
        vocoder: another Vocos to speak through, as `Nanospeech.from_pretrained` takes it.
        compile, precision: as `Nanospeech.from_pretrained` takes them.
    Raises:
        UserError: MLX is not installed, or the checkpoint is missing or broken.
    """
    return import_backend().from_pretrained(model, vocoder=vocoder, compile=compile, precision=precision)


def device_name() -> str:
    """The device that the model computes on."""
    import mlx.core as mx

    return str(mx.default_device())
