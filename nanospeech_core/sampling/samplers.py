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

    Raises UserError if they name no sampler and change an option that the model's default sampler does not
    read: it would have no effect.
    """
    sampler = sampler_of(options, config)
    if options.named_sampler() is None:
        changed = {
            name for name in options_of(GenerateOptions) if getattr(options, name) != getattr(DEFAULTS, name)
        }
        # `Nanospeech.stream` yields whole sentences if the sampler cannot stream them in chunks
        check_sampler_reads(sorted(changed - {"stream"}), sampler, named=False)
    share = (REFINE_SHARE if options.refine is None else options.refine) if sampler == "refine" else None
    return replace(options, sampler=sampler, use_diffusion=None, refine=share)


def check_sampler_reads(names: Collection[str], sampler: str, named: bool = True) -> None:
    """Raise UserError for an option that other samplers read and this one does not: it would have no effect.

    Args:
        names: of options; those that no sampler reads, and other names, are ignored.
        sampler: one of `SAMPLERS`.
        named: whether the user named the sampler; False: it is the model's default.
    """
    for name in names:
        readers = [f"--sampler {other}" for other, options in SAMPLERS.items() if name in options]
        if readers and name not in SAMPLERS[sampler]:
            flag, default = options_of(GenerateOptions)[name].flag, "" if named else " (the default)"
            raise UserError(
                f"{flag} is an option of {' and of '.join(readers)}; "
                f"--sampler {sampler}{default} does not read it"
            )
