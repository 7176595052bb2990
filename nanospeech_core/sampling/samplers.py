"""The samplers: which one speaks, the options that each of them reads, and what is said of the others."""

from __future__ import annotations

import argparse
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


def given(parser: argparse.ArgumentParser, argv: Sequence[str] | None, args: argparse.Namespace) -> list[str]:
    """The names of the arguments that stand on the command line, in the order in which they were added.

    Args:
        parser: what made `args` of `argv`.
        argv: the arguments, without the program's name; None: those of the process.
    """
    unset = argparse.Namespace(**dict.fromkeys(vars(args)))  # argparse puts no default where a value is
    return [name for name, value in vars(parser.parse_args(argv, unset)).items() if value is not None]


def check_flags(
    names: Sequence[str], options: GenerateOptions, config: ModelConfig | None, compile: bool = False
) -> None:
    """Raise UserError for a flag that would do nothing, and for --compile where nothing is compiled.

    Args:
        names: of the arguments, as `given` gives them.
        options: what they say.
        config: the model's; None, before it is known: what can be told without it is told.
        compile: whether --compile is among the flags.
    """
    if options.stream and "order" in names and options.order != "blocks":
        raise UserError(f"--stream goes from left to right, which excludes --order {options.order}")
    named = options.named_sampler()
    if named is None and config is None:
        return
    sampler = named or sampler_of(options, config)
    check_read(names, sampler, named is not None)
    if compile and sampler == "ode":
        raise UserError("--compile needs --sampler masked or refine: the ODE is not compiled")


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
