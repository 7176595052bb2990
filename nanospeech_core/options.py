"""How speech is generated: every option, its default and its flag, once.

The guidance and the ODE that suit a model are its config's (`SamplingConfig`): None asks for them here.
"""

from __future__ import annotations

import argparse
import math
import numbers
import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .config import SamplingConfig
from .encodings import argument
from .errors import UserError
from .text import LANGUAGES

METHODS = ("euler", "midpoint", "rk4")
CFG_SCHEDULES = ("linear", "constant")
TEMPERATURE_SCHEDULES = ("constant", "linear")
ORDERS = ("random", "interleaved", "blocks")
REFINE_ORDERS = ("worst", "random")
PRECISIONS = ("float32", "float16", "bfloat16")
REFINE_SHARE = 0.3  # of a bare --refine
# The options that `Nanospeech.sample` takes, beside the seed.
SAMPLING = (
    "use_diffusion", "num_iter", "order", "diffusion_steps", "temperature", "temperature_schedule", "cfg",
    "cfg_schedule", "steps", "method", "sway_coef", "refine", "refine_order",
)  # fmt: skip


@dataclass(frozen=True)
class GenerateOptions:
    """What `generate` and `stream` take, beside the text."""

    voice: str | None = None  # None: the model's default voice, or its first that speaks Chinese
    ref_audio: str | None = None  # in place of a voice
    ref_text: str | None = None  # None: a recogniser finds it
    ref_asr: str | None = None  # the recogniser, KIND:MODEL; None: one that is installed
    lang: str | None = None  # None: told by the script of the text, else the voice's
    lexicon: str | dict[str, str] | None = None  # a file (`read_lexicon`), or words and their phonemes
    use_diffusion: bool = False  # the masked path in place of the ODE
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
        ):
            if value not in choices:
                names = ", ".join(choice for choice in choices if choice)
                raise UserError(f"--{flag} must be one of {names}, not {value!r}")
        for flag, value in (("use-diffusion", self.use_diffusion), ("stream", self.stream)):
            if not isinstance(value, (bool, np.bool_)):
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


def named(name: str) -> str:
    """The name of a file, folder or the like on the command line; "" would be the current folder."""
    if not name:
        raise argparse.ArgumentTypeError("the name is empty")
    return name


def add_arguments(parser: argparse.ArgumentParser, text: bool = True) -> None:
    """All flags of `generate`. Where a flag has a dash or an underscore, both are accepted.

    text: with --text, --input, and what can be done with a text that is there from the beginning.
    """
    what = parser.add_argument_group("what to say, and where")
    if text:
        _add(
            what, "--text", type=argument,
            help="what to say (default: standard input); [pause 0.5] is half a second of silence, "
            "[tomato](/təˈmɑːtoʊ/) a word and its phonemes",
        )  # fmt: skip
    _add(
        what,
        "--output",
        type=named,
        metavar="FILE",
        help="write .wav, .flac, .ogg, .opus or .mp3 (default: play it)",
    )
    _add(
        what,
        "--model",
        type=named,
        metavar="DIR|ID",
        help="checkpoint folder, hub id or `embedded` (default)",
    )
    _add(
        what,
        "--vocoder",
        type=named,
        metavar="DIR|ID",
        help="speak through this Vocos: folder, file, hub id or `embedded` (default: the model's own)",
    )
    add_precision(what)
    _add(
        what,
        "--lang",
        choices=LANGUAGES,
        help="language (default: by the script of the text, then the voice)",
    )
    _add(
        what,
        "--lexicon",
        type=named,
        metavar="FILE",
        help="pronunciations: lines of a word, a tab and its phonemes",
    )
    if text:
        _add(
            what, "--timestamps", type=named, metavar="FILE",
            help="write when each word is said: .json (phones too), .srt or .vtt",
        )  # fmt: skip
        _add(
            what, "--stream", action="store_true",
            help="masked decoding from left to right, in blocks that are played or written as they are ready",
        )  # fmt: skip
        _add(
            what,
            "--input",
            type=named,
            metavar="FILE",
            help="speak each line of a text file, several at once, into",
        )
        _add(what, "--output-dir", type=named, metavar="DIR", help="this folder, as 0001.wav, 0002.wav, ...")
        _add(what, "--batch-size", type=int, metavar="N", default=8, help="of --input: sentences at once")
    else:
        parser.set_defaults(stream=True)
    voice = parser.add_argument_group("who says it")
    _add(voice, "--voice", metavar="NAME", help="a voice of the model (default: its first for the language)")
    _add(
        voice,
        "--ref-audio",
        type=named,
        metavar="FILE",
        help="speak like this recording (2 to 15 s are used) instead; only of a person who agreed to it",
    )
    _add(
        voice,
        "--ref-text",
        type=argument,
        metavar="TEXT",
        help="what is said in it (default: what a recogniser hears)",
    )
    _add(
        voice,
        "--ref-asr",
        metavar="KIND:MODEL",
        help="the recogniser: faster-whisper: or mlx-whisper:, and "
        "a model's name or folder (default: the small one of what is installed)",
    )
    _add(voice, "--list-voices", action="store_true", help="list the model's voices and exit")
    how = parser.add_argument_group("how it is generated")
    _add(
        how,
        "--use-diffusion",
        action="store_true",
        help="masked autoregressive diffusion; without it, the flow ODE",
    )
    add_sampling(how)
    _add(parser, "--quiet", action="store_true", help="print errors only")


def add_sampling(how: argparse._ActionsContainer) -> None:
    """The flags of `SAMPLING` but --use-diffusion, of speed and of seed."""
    d, usual = DEFAULTS, SamplingConfig()
    _add(how, "--num_iter", type=int, metavar="N", default=d.num_iter, help="masked decoding iterations")
    _add(
        how, "--order", choices=ORDERS, default=d.order,
        help="of the tokens in masked decoding: interleaved keeps neighbours apart, blocks is left to right",
    )  # fmt: skip
    _add(
        how,
        "--diffusion-steps",
        type=int,
        metavar="N",
        default=d.diffusion_steps,
        help="denoising steps a token",
    )
    _add(
        how, "--temperature", type=float, metavar="T", default=d.temperature, help="of the diffusion, 0 to 2"
    )
    _add(
        how, "--temperature-schedule", choices=TEMPERATURE_SCHEDULES, default=d.temperature_schedule,
        help="linear: rising to it over the iterations",
    )  # fmt: skip
    _add(
        how, "--cfg", type=float, metavar="SCALE",
        help="guidance scale, 1 is off (the strength s of Nanospeech and F5-TTS is scale 1 + s; "
        f"default: the model's, usually {usual.cfg:g})",
    )  # fmt: skip
    _add(how, "--cfg-schedule", choices=CFG_SCHEDULES, default=d.cfg_schedule, help="of masked decoding")
    _add(
        how, "--steps", type=int, metavar="N", help=f"ODE steps (default: the model's, usually {usual.steps})"
    )
    _add(how, "--method", choices=METHODS, help=f"ODE solver (default: the model's, usually {usual.method})")
    _add(
        how, "--sway-coef", type=float, metavar="S",
        help=f"sway of the ODE's times, -1 to 1 (default: the model's, usually {usual.sway_coef:g})",
    )  # fmt: skip
    _add(
        how, "--refine", type=float, metavar="SHARE", nargs="?", const=REFINE_SHARE,
        help="draft by the ODE, then draw this share of the tokens anew by masked diffusion "
        f"(without a number: {REFINE_SHARE:g})",
    )  # fmt: skip
    _add(
        how, "--refine-order", choices=REFINE_ORDERS, default=d.refine_order,
        help="which tokens those are: worst are those about which the ODE changed its mind most",
    )  # fmt: skip
    _add(how, "--speed", type=float, metavar="X", default=d.speed, help="0.25 to 4")
    _add(how, "--seed", type=int, metavar="N", default=d.seed, help="same seed, same speech")


def add_precision(group: argparse._ActionsContainer) -> None:
    """The flag of `Nanospeech.set_precision`."""
    _add(group, "--precision", choices=PRECISIONS, default=PRECISIONS[0], help=PRECISION_HELP)


def check_precision(precision: str) -> None:
    """Raise UserError unless it is one of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise UserError(f"the precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")


def from_args(args: argparse.Namespace) -> GenerateOptions:
    """The options among parsed arguments. Raises UserError for a value out of range."""
    options = GenerateOptions(**{name: getattr(args, name) for name in GenerateOptions.__dataclass_fields__})
    options.check()
    return options


def _add(group: argparse._ActionsContainer, flag: str, **settings) -> None:
    if "default" in settings:
        settings["help"] += " (default: %(default)s)"
    group.add_argument(flag, **settings)
    name = flag.removeprefix("--")
    twin = "--" + (name.replace("_", "-") if "_" in name else name.replace("-", "_"))
    if twin != flag:
        hidden = {**settings, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
        group.add_argument(twin, dest=name.replace("-", "_"), **hidden)


def _check_range(flag: str, value: float, least: float, most: float, whole: bool = False) -> None:
    number = isinstance(value, numbers.Integral if whole else numbers.Real) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:
        kind = "a whole number" if whole else "a number"
        bounds = f"from {least:g} up" if most >= 2**31 else f"from {least:g} to {most:g}"
        raise UserError(f"--{flag} must be {kind} {bounds}, not {value!r}")
