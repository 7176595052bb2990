"""The device that MLX computes on: a GPU if there is one, or what the environment says."""

from __future__ import annotations

import os

VARIABLE = "NANOSPEECH_DEVICE"


def use_chosen_device() -> None:
    """Compute on the device that the environment variable NANOSPEECH_DEVICE names, if it names one.

    On a Mac, "cpu" avoids Metal: its numbers are those of other machines, and it shows whether a fault is the
    GPU's.

    Raises:
        UserError: it is not cpu or gpu, or there is no such device.
        ImportError: MLX is not installed.
    """
    name = os.environ.get(VARIABLE)
    if not name:
        return
    from nanospeech_core.errors import UserError

    if name not in ("cpu", "gpu"):
        raise UserError(f"{VARIABLE} must be cpu or gpu, not {name!r:.40}")
    import mlx.core as mx

    device = getattr(mx, name)
    if not mx.is_available(device):
        raise UserError(f"MLX has no {name} here: leave out {VARIABLE}")
    mx.set_default_device(device)
