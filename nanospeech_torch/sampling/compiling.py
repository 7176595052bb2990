"""torch.compile, once for each shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from nanospeech_core.errors import UserError
from nanospeech_core.system.compiling import ByShape


def by_shape(function: Callable) -> ByShape:
    """A function of tensors that is compiled for each new shape of its arguments.

    Calling it raises UserError if PyTorch cannot compile on this machine.
    """
    config = torch._dynamo.config
    config.cache_size_limit = max(config.cache_size_limit, 64)  # torch gives up after 8 shapes
    compiled = torch.compile(function, dynamic=False)

    def with_advice(*arguments: object) -> Any:
        try:
            return compiled(*arguments)
        except Exception as error:
            if not type(error).__module__.startswith(("torch._inductor", "torch._dynamo")):
                raise
            reason = str(error).strip().splitlines()[0]
            if "No space left on device" in str(error):
                reason = "No space left on device in the temporary folder"
            raise UserError(f"PyTorch cannot compile on this machine (--compile): {reason}") from error

    return ByShape(with_advice)
