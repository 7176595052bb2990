"""How speech is generated: every option, declared once with its default, range, help and samplers.

A default of None means the value of the model's config (`SamplingConfig`) for the sampler, the guidance scale
and the ODE.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..config import SAMPLER_NAMES, SamplingConfig
from ..errors import UserError
from ..strict import check_type
from ..system.encodings import argument
from ..text.languages import LANGUAGES
from .option_fields import option, options_of, options_of_group

METHODS = ("euler", "midpoint", "rk4")
CFG_SCHEDULES = ("linear", "constant")
TEMPERATURE_SCHEDULES = ("constant", "linear")
ORDERS = ("random", "interleaved", "blocks")
REFINE_ORDERS = ("worst", "random")
PRECISIONS = ("float32", "float16", "bfloat16")
REFINE_SHARE = 0.3  # of a bare --refine
ITERATIONS = 3  # of masked decoding, for a voice without a number of its own
USUAL = SamplingConfig()
# Which samplers read an option: `refine` runs the ODE, then masked decoding.
MASKED, ODE, REFINE = ("masked", "refine"), ("ode", "refine"), ("refine",)


@dataclass(frozen=True)
class GenerateOptions:
    """The options of `generate` and `stream`, except the text.

    To add one: declare it here, then use it in `Backend.sample_steps` or, if it changes the reveal plan, in
    `Backend.plan` (both in `synthesis/backend.py`). A backend changes only if its sample loop needs it.
    """

    voice: str | None = option(
        None,
        group="voice",
        metavar="NAME",
        help="a voice of the model (default: its first for the language)",
    )
    ref_audio: str | os.PathLike[str] | None = option(
        None,
        group="voice",
        metavar="FILE",
        help="speak like this recording instead (2 to 15 s of it are used); only with the speaker's consent",
    )
    ref_text: str | None = option(
        None,
        group="voice",
        metavar="TEXT",
        parse=argument,
        help="words of --ref-audio (default: a recognizer transcribes it)",
    )
    ref_asr: str | None = option(
        None,
        group="voice",
        metavar="KIND:MODEL",
        help="recognizer: faster-whisper:MODEL or mlx-whisper:MODEL, where MODEL is a name or a folder "
        "(default: the installed one, with its small model)",
    )
    lang: str | None = option(
        None,
        group="text",
        choices=LANGUAGES,
        help="language (default: by the script of the text, else the voice's)",
    )
    lexicon: str | os.PathLike[str] | Mapping[str, str] | None = option(  # in Python also {word: phonemes}
        None,
        group="text",
        metavar="FILE",
        help="pronunciations: each line has a word, a tab and its phonemes",
    )
    sampler: str | None = option(
        None,
        choices=SAMPLER_NAMES,
        help="masked autoregressive diffusion, the flow ODE, or the ODE's draft refined by masked diffusion "
        "(default: the model's, usually masked)",
    )
    use_diffusion: bool | None = option(  # in Python also False: the ODE
        None, help="the same as --sampler masked"
    )
    num_iter: int | None = option(
        None,
        samplers=MASKED,
        least=1,
        most=1000,
        flag="--num_iter",
        metavar="N",
        help=f"masked decoding iterations, 1 to 1000 (default: the voice's own number, else {ITERATIONS})",
    )
    order: str = option(
        "interleaved",
        samplers=MASKED,
        choices=ORDERS,
        help="order in which masked decoding reveals the tokens: interleaved keeps neighbors apart, blocks "
        "is left to right",
    )
    diffusion_steps: int = option(
        4,
        samplers=MASKED,
        least=1,
        most=1000,
        metavar="N",
        help="denoising steps per token, 1 to 1000",
    )
    temperature: float = option(
        0.3,
        samplers=MASKED,
        least=0,
        most=2,
        metavar="T",
        help="noise of the diffusion head, 0 to 2",
    )
    temperature_schedule: str = option(
        "constant",
        samplers=MASKED,
        choices=TEMPERATURE_SCHEDULES,
        help="temperature over the iterations; linear rises to --temperature",
    )
    cfg: float | None = option(
        None,
        samplers=SAMPLER_NAMES,
        least=0,
        most=20,
        metavar="SCALE",
        help="guidance scale, 0 to 20; 1 is off (the strength s of Nanospeech and F5-TTS is scale 1 + s; "
        f"default: the model's, usually {USUAL.cfg:g})",
    )
    cfg_schedule: str = option(
        "linear",
        samplers=MASKED,
        choices=CFG_SCHEDULES,
        help="guidance scale over the iterations of masked decoding",
    )
    steps: int | None = option(
        None,
        samplers=ODE,
        least=1,
        most=1000,
        metavar="N",
        help=f"ODE steps, 1 to 1000 (default: the model's, usually {USUAL.steps})",
    )
    method: str | None = option(
        None,
        samplers=ODE,
        choices=METHODS,
        help=f"ODE solver (default: the model's, usually {USUAL.method})",
    )
    sway_coef: float | None = option(
        None,
        samplers=ODE,
        least=-1,  # within -1 and 1 the times stay in order
        most=1,
        metavar="S",
        help=f"sway of the ODE's times, -1 to 1 (default: the model's, usually {USUAL.sway_coef:g})",
    )
    refine: float | None = option(
        None,
        samplers=REFINE,
        least=0,
        most=1,
        metavar="SHARE",
        const=REFINE_SHARE,
        help="use --sampler refine: masked diffusion samples this share (0 to 1) of the ODE draft's tokens "
        f"again (without a number: {REFINE_SHARE:g})",
    )
    refine_order: str = option(
        "worst",
        samplers=REFINE,
        choices=REFINE_ORDERS,
        help="tokens to sample again: worst are those whose ODE estimates disagree most",
    )
    speed: float = option(
        1.0,
        samplers=SAMPLER_NAMES,
        least=0.25,
        most=4,
        metavar="X",
        help="tempo, 0.25 to 4; 2 is twice as fast",
    )
    stream: bool = option(
        False,
        samplers=("masked",),
        group="text",
        help="masked decoding from left to right, in blocks that are played or written at once",
    )
    seed: int = option(
        0,
        samplers=SAMPLER_NAMES,
        least=0,
        most=2**63 - 1,
        metavar="N",
        help="random seed; the same seed gives the same speech",
    )

    def check(self) -> None:
        """Raise UserError, naming the flag, for a value out of range or options that exclude each other."""
        for name, declared in options_of(type(self)).items():
            declared.check(getattr(self, name))
        if self.ref_text is not None and self.ref_audio is None:
            raise UserError("--ref-text needs --ref-audio, the recording of these words")
        if self.ref_asr is not None and (self.ref_audio is None or self.ref_text is not None):
            raise UserError("--ref-asr transcribes --ref-audio: give --ref-audio, and no --ref-text")
        if self.voice is not None and self.ref_audio is not None:
            raise UserError("--voice and --ref-audio cannot be used together")
        self.named_sampler()

    def named_sampler(self) -> str | None:
        """The sampler that the options name; None: the model's. Raises UserError if they name two."""
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
            raise UserError(f"{' and '.join(named)} cannot be used together: they name different samplers")
        return next(iter(named.values()), None)

    def iterations(self, own: int | None = None) -> int:
        """The iterations of masked decoding: `num_iter`, else the voice's `own`, else `ITERATIONS`.

        A voice's own number was measured on whole sentences by masked decoding alone (`Voice.num_iter`), so
        streams and `refine` do not use it.
        """
        usual = own if self.sampler == "masked" and not self.stream else None
        return self.num_iter or usual or ITERATIONS

    def sampling(self) -> dict[str, Any]:
        """The arguments of `Pipeline.sample`, without the seed."""
        return {name: getattr(self, name) for name in SAMPLING if name != "seed"}


DEFAULTS = GenerateOptions()
SAMPLING = options_of_group(GenerateOptions, "sampling")  # the options of how it is generated
COMPILE_HELP = (
    "compile the sample loops, once for each of a few lengths (MLX: durations and vocoder too); the first "
    "sentences take longer (default: yes with MLX on a GPU, in the background, else no; no gain on a CPU, "
    "where MLX ignores it)"
)
PRECISION_HELP = (
    "dtype of the transformer and the diffusion head (with MLX of the vocoder too, but not of its spectrum); "
    "float16 and bfloat16 need half the memory, but MLX on a CPU is slow with them"
)
PRECISION_DEFAULT = " (default: float16 with MLX on a GPU, else float32)"


def check_precision(precision: str, compile: bool | None = None) -> None:
    """Raise UserError if the precision is not one of `PRECISIONS`, or `compile` is no bool and not None."""
    if precision not in PRECISIONS:
        raise UserError(f"the precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    check_type("compile", compile, [bool], optional=True)
