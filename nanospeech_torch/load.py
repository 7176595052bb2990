"""Loading a model for a command. PyTorch is imported when a model is loaded: --help works without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanospeech_core.errors import UserError

if TYPE_CHECKING:
    from .nanospeech import Nanospeech


def import_backend() -> type[Nanospeech]:
    """Import PyTorch and the models. Raises UserError, with what to install, if PyTorch is missing."""
    try:
        from . import Nanospeech
    except ImportError as error:
        raise UserError(str(error)) from error
    return Nanospeech


def load(
    model: str | None, vocoder: str | None = None, compile: bool | None = None, precision: str | None = None
) -> Nanospeech:
    """Load a model on the GPU if there is one, else on the CPU.

    Args:
        model: a checkpoint folder or a hub id; None: the embedded model.
        vocoder: another Vocos to speak through, as `Nanospeech.from_pretrained` takes it.
        compile, precision: as `Nanospeech.from_pretrained` takes them.
    Raises:
        UserError: PyTorch is not installed, or the checkpoint is missing or broken.
    """
    nanospeech = import_backend()
    from .threads import place

    return place(nanospeech.from_pretrained(model, vocoder=vocoder, compile=compile, precision=precision))


def device_name() -> str:
    """The device that the model computes on."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"cpu ({torch.get_num_threads()} threads)"
