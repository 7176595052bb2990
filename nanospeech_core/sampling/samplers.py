"""The samplers: which one speaks, the options that each of them reads, and what is said of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..config import ModelConfig
from ..errors import UserError
from .options import DEFAULTS, REFINE_SHARE, GenerateOptions

# The options that do something, by sampler.
SAMPLERS = {
    "masked": (
        "num_iter", "order", "diffusion_steps", "temperature", "temperature_schedule", "cfg", "cfg_schedule",
        "stream", "speed", "seed",
    ),
    "ode": ("steps", "method", "sway_coef", "cfg", "speed", "seed"),
    "refine": (
        "refine", "refine_order", "steps", "method", "sway_coef", "num_iter", "order", "diffusion_steps",
        "temperature", "temperature_schedule", "cfg", "cfg_schedule", "speed", "seed",
    ),
}  # fmt: skip


def sampler_of(options: GenerateOptions, config: ModelConfig) -> str:
    """The one of `SAMPLERS` that speaks: what the options name, else what the model's config says."""
    usual = "ode" if config.diffusion is None else "masked"
    return options.named_sampler() or config.sampling.sampler or usual


def with_sampler(options: GenerateOptions, config: ModelConfig) -> GenerateOptions:
    """The options with their sampler named, and where that is refine, its share.

    Raises UserError where they name none and have what the model's own does not read: it would do nothing.
    """
    sampler = sampler_of(options, config)
    if options.named_sampler() is None:
        known = {name for names in SAMPLERS.values() for name in names}
        changed = [name for name in known if getattr(options, name) != getattr(DEFAULTS, name)]
        # `Nanospeech.stream` gives whole sentences where they cannot be cut
        check_read(sorted({*changed} - {"stream"}), sampler, named=False)
    share = (REFINE_SHARE if options.refine is None else options.refine) if sampler == "refine" else None
    return replace(options, sampler=sampler, use_diffusion=None, refine=share)


def check_read(names: Sequence[str], sampler: str, named: bool = True) -> None:
    """Raise UserError for an option that other samplers read and this one does not: it would do nothing.

    Args:
        names: of arguments, as `given` gives them; those that no sampler reads are passed over.
        sampler: one of `SAMPLERS`.
        named: whether it was asked for; False: it is the model's default.
    """
    for name in names:
        readers = [f"--sampler {other}" for other, options in SAMPLERS.items() if name in options]
        if readers and name not in SAMPLERS[sampler]:
            flag = "--num_iter" if name == "num_iter" else "--" + name.replace("_", "-")
            default = "" if named else " (the default)"
            raise UserError(
                f"{flag} is an option of {' and of '.join(readers)}; "
                f"--sampler {sampler}{default} does not read it"
            )
