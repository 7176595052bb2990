"""How speech is generated: every option and its default, once; `flags` has the flags.

The sampler, the guidance and the ODE that suit a model are its config's (`SamplingConfig`): None asks for
them here.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..config import SAMPLER_NAMES
from ..errors import UserError
from ..text.languages import LANGUAGES

METHODS = ("euler", "midpoint", "rk4")
CFG_SCHEDULES = ("linear", "constant")
TEMPERATURE_SCHEDULES = ("constant", "linear")
ORDERS = ("random", "interleaved", "blocks")
REFINE_ORDERS = ("worst", "random")
PRECISIONS = ("float32", "float16", "bfloat16")
REFINE_SHARE = 0.3  # of a bare --refine
# The options that `Nanospeech.sample` takes, beside the seed.
SAMPLING = (
    "sampler", "use_diffusion", "num_iter", "order", "diffusion_steps", "temperature",
    "temperature_schedule", "cfg", "cfg_schedule", "steps", "method", "sway_coef", "refine", "refine_order",
)  # fmt: skip


@dataclass(frozen=True)
class GenerateOptions:
    """What `generate` and `stream` take, beside the text."""

    voice: str | None = None  # None: the model's default voice, or its first that speaks Chinese
    ref_audio: str | None = None  # in place of a voice
    ref_text: str | None = None  # None: a recognizer finds it
    ref_asr: str | None = None  # the recognizer, KIND:MODEL; None: one that is installed
    lang: str | None = None  # None: told by the script of the text, else the voice's
    lexicon: str | dict[str, str] | None = None  # a file (`read_lexicon`), or words and their phonemes
    sampler: str | None = None  # masked, ode or refine; None: the model's own
    use_diffusion: bool | None = None  # True is the sampler masked, False the ODE
    num_iter: int = 3
    order: str = "interleaved"  # in which masked decoding reveals the tokens
    diffusion_steps: int = 4
    temperature: float = 0.3
    temperature_schedule: str = "constant"
    cfg: float | None = None  # guidance scale: 1 is off
    cfg_schedule: str = "linear"
    steps: int | None = None
    method: str | None = None
    sway_coef: float | None = None
    refine: float | None = None  # the ODE drafts, and the masked path draws this share of the tokens anew
    refine_order: str = "worst"
    speed: float = 1.0
    stream: bool = False  # masked decoding from left to right, to be heard before its end is known
    seed: int = 0

    def check(self) -> None:
        """Raise UserError, naming the flag, for a value out of range."""
        for flag, value in (
            ("num_iter", self.num_iter),
            ("diffusion-steps", self.diffusion_steps),
            ("steps", self.steps),
        ):
            if value is not None:
                _check_range(flag, value, 1, 1000, whole=True)
        _check_range("seed", self.seed, 0, 2**63 - 1, whole=True)
        _check_range("temperature", self.temperature, 0, 2)
        if self.cfg is not None:
            _check_range("cfg", self.cfg, 0, 20)
        if self.sway_coef is not None:
            _check_range("sway-coef", self.sway_coef, -1, 1)  # the times stay in order
        if self.refine is not None:
            _check_range("refine", self.refine, 0, 1)
        _check_range("speed", self.speed, 0.25, 4)
        for flag, value, choices in (
            ("method", self.method, (None, *METHODS)),
            ("cfg-schedule", self.cfg_schedule, CFG_SCHEDULES),
            ("temperature-schedule", self.temperature_schedule, TEMPERATURE_SCHEDULES),
            ("order", self.order, ORDERS),
            ("refine-order", self.refine_order, REFINE_ORDERS),
            ("lang", self.lang, (None, *LANGUAGES)),
            ("sampler", self.sampler, (None, *SAMPLER_NAMES)),
        ):
            if value not in choices:
                names = ", ".join(choice for choice in choices if choice)
                raise UserError(f"--{flag} must be one of {names}, not {value!r}")
        for flag, value in (("use-diffusion", self.use_diffusion), ("stream", self.stream)):
            if not isinstance(value, (bool, np.bool_)) and (value is not None or flag == "stream"):
                raise UserError(f"--{flag} must be True or False, not {value!r:.40}")
        for flag, value, types in (
            ("voice", self.voice, (str,)),
            ("ref-audio", self.ref_audio, (str, os.PathLike)),
            ("ref-text", self.ref_text, (str,)),
            ("ref-asr", self.ref_asr, (str,)),
            ("lexicon", self.lexicon, (str, os.PathLike, Mapping)),
        ):
            if value is not None and not isinstance(value, types):
                kinds = {str: "a string", os.PathLike: "a path", Mapping: "a mapping"}
                raise UserError(f"--{flag} must be {' or '.join(kinds[t] for t in types)}, not {value!r:.40}")
        if self.ref_text is not None and self.ref_audio is None:
            raise UserError("--ref-text needs --ref-audio, the recording it is said in")
        if self.ref_asr is not None and (self.ref_audio is None or self.ref_text is not None):
            raise UserError("--ref-asr finds the words of --ref-audio where there is no --ref-text")
        if self.voice is not None and self.ref_audio is not None:
            raise UserError("--voice and --ref-audio exclude each other")
        self.named_sampler()

    def named_sampler(self) -> str | None:
        """The sampler that the options name; None: they leave it to the model.

        Raises UserError where they name two.
        """
        named = {}
        if self.sampler is not None:
            named[f"--sampler {self.sampler}"] = self.sampler
        if self.use_diffusion is not None:
            named["--use-diffusion" if self.use_diffusion else "use_diffusion=False"] = (
                "masked" if self.use_diffusion else "ode"
            )
        if self.refine is not None:
            named["--refine"] = "refine"
        if len(set(named.values())) > 1:
            raise UserError(f"{' and '.join(named)} exclude each other: they name different samplers")
        return next(iter(named.values()), None)

    def sampling(self) -> dict:
        """The arguments of `Nanospeech.sample`, without the seed."""
        return {name: getattr(self, name) for name in SAMPLING}


DEFAULTS = GenerateOptions()
COMPILE_HELP = (
    "compile masked decoding, once for each of a few lengths; the first sentences take longer. On a CPU it "
    "gains nothing, and MLX does not do it there; Metal and CUDA have not been measured"
)

PRECISION_HELP = (
    "of the transformer and the diffusion head, the rest being float32; a half needs half the memory, and a "
    "CPU's MLX is slow in it"
)


def check_precision(precision: str) -> None:
    """Raise UserError unless it is one of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise UserError(f"the precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")


def _check_range(flag: str, value: float, least: float, most: float, whole: bool = False) -> None:
    number = isinstance(value, numbers.Integral if whole else numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        bounds = f"from {least:g} up" if most >= 2**31 else f"from {least:g} to {most:g}"
        raise UserError(f"--{flag} must be {kind} {bounds}, not {value!r}")
