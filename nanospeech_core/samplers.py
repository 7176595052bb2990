"""The samplers, the options that each of them reads, and what is said of a flag that it does not."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from .errors import UserError
from .options import GenerateOptions

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
CALLED = {"masked": "--use-diffusion", "ode": "the ODE", "refine": "--refine"}  # on the command line


def sampler_of(options: GenerateOptions) -> str:
    """The one of `SAMPLERS` that the options choose."""
    if options.refine is not None:  # with use_diffusion too: it is the ODE and masked diffusion
        return "refine"
    return "masked" if options.use_diffusion else "ode"


def given(parser: argparse.ArgumentParser, argv: Sequence[str] | None, args: argparse.Namespace) -> list[str]:
    """The names of the arguments that stand on the command line, in the order in which they were added.

    Args:
        parser: what made `args` of `argv`.
        argv: the arguments, without the program's name; None: those of the process.
    """
    unset = argparse.Namespace(**dict.fromkeys(vars(args)))  # argparse puts no default where a value is
    return [name for name, value in vars(parser.parse_args(argv, unset)).items() if value is not None]


def check_read(names: Sequence[str], sampler: str, called: Mapping[str, str] = CALLED) -> None:
    """Raise UserError for an option that other samplers read and this one does not: it would do nothing.

    Args:
        names: of arguments, as `given` gives them; those that no sampler reads are passed over.
        sampler: one of `SAMPLERS`.
        called: how each of them is chosen, in words.
    """
    for name in names:
        readers = [called[other] for other, options in SAMPLERS.items() if name in options]
        if readers and name not in SAMPLERS[sampler]:
            flag = "--num_iter" if name == "num_iter" else "--" + name.replace("_", "-")
            raise UserError(
                f"{flag} is an option of {' and of '.join(readers)}; {called[sampler]} does not read it"
            )
