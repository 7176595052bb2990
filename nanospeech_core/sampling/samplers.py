"""Which sampler is used, and the options that it does not read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..config import SAMPLER_NAMES, ModelConfig
from ..errors import UserError
from .option_fields import options_by_sampler, options_of
from .options import DEFAULTS, REFINE_SHARE, GenerateOptions

# The names of the options that each sampler reads.
SAMPLERS = options_by_sampler(GenerateOptions, SAMPLER_NAMES)


def sampler_of(options: GenerateOptions, config: ModelConfig) -> str:
    """The name of the sampler: from the options, else from the model's config."""
    usual = "ode" if config.diffusion is None else "masked"
    return options.named_sampler() or config.sampling.sampler or usual


def with_sampler(options: GenerateOptions, config: ModelConfig) -> GenerateOptions:
    """The options with their sampler named, and if that is refine, its share.

    Raises UserError if they change an option that the sampler does not read: it would have no effect.
    """
    sampler = sampler_of(options, config)
    changed = {
        name for name in options_of(GenerateOptions) if getattr(options, name) != getattr(DEFAULTS, name)
    }
    # `Nanospeech.stream` yields whole sentences if the sampler cannot stream them in chunks
    check_sampler_reads(sorted(changed - {"stream"}), sampler, options.named_sampler() is not None)
    if options.order != DEFAULTS.order:
        check_order(options)
    share = (REFINE_SHARE if options.refine is None else options.refine) if sampler == "refine" else None
    return replace(options, sampler=sampler, use_diffusion=None, refine=share)


def check_sampler_reads(names: Collection[str], sampler: str, named: bool = True) -> None:
    """Raise UserError for an option that other samplers read and this one does not: it would have no effect.

    Args:
        names: of options; those that no sampler reads, and other names, are ignored.
        sampler: one of `SAMPLERS`.
        named: whether the user named the sampler; False: it is the model's default.
    """
    for name in unread_options(names, sampler):
        readers = [f"--sampler {other}" for other, options in SAMPLERS.items() if name in options]
        flag, default = options_of(GenerateOptions)[name].flag, "" if named else " (the default)"
        raise UserError(
            f"{flag} is an option of {' and of '.join(readers)}; "
            f"--sampler {sampler}{default} does not read it"
        )


def unread_options(names: Collection[str], sampler: str) -> list[str]:
    """Those of some options that other samplers read, and this one does not."""
    read_by_any = {name for options in SAMPLERS.values() for name in options}
    return [name for name in names if name in read_by_any and name not in SAMPLERS[sampler]]


def check_order(options: GenerateOptions) -> None:
    """Raise UserError for an order that a stream does not follow."""
    if options.stream and options.order != "blocks":
        raise UserError(
            f"--stream and --order {options.order} cannot be used together: a stream goes from left to right"
        )
