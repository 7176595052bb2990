"""The flags of the options: `GenerateOptions` on the command line."""

from __future__ import annotations

import argparse

from ..config import SAMPLER_NAMES, SamplingConfig
from ..sampling.options import (
    CFG_SCHEDULES,
    DEFAULTS,
    METHODS,
    ORDERS,
    PRECISION_HELP,
    PRECISIONS,
    REFINE_ORDERS,
    REFINE_SHARE,
    TEMPERATURE_SCHEDULES,
    GenerateOptions,
)
from ..system.encodings import argument
from ..text.languages import LANGUAGES


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
            help="what to say (default, and -: standard input); [pause 0.5] is half a second of silence, "
            "[tomato](/təˈmɑːtoʊ/) a word and its phonemes",
        )  # fmt: skip
    _add(
        what,
        "--output",
        type=named,
        metavar="FILE",
        help="write .wav, .flac, .ogg, .opus or .mp3; - is a WAV to standard output (default: play it)",
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
            help="speak each line of a text file (-: standard input), several at once, into",
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
        help="what is said in it (default: what a recognizer hears)",
    )
    _add(
        voice,
        "--ref-asr",
        metavar="KIND:MODEL",
        help="the recognizer: faster-whisper: or mlx-whisper:, and "
        "a model's name or folder (default: the small one of what is installed)",
    )
    _add(voice, "--list-voices", action="store_true", help="list the model's voices and exit")
    how = parser.add_argument_group("how it is generated")
    add_sampling(how)
    _add(parser, "--quiet", action="store_true", help="print errors only")


def add_sampling(how: argparse._ActionsContainer) -> None:
    """The flags of `SAMPLING`, of speed and of seed."""
    d, usual = DEFAULTS, SamplingConfig()
    _add(
        how, "--sampler", choices=SAMPLER_NAMES,
        help="masked autoregressive diffusion, the flow ODE, or the ODE's draft refined by masked diffusion "
        "(default: the model's, usually masked)",
    )  # fmt: skip
    _add(how, "--use-diffusion", action="store_true", default=None, help="the same as --sampler masked")
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
        help="--sampler refine: the ODE drafts, this share of the tokens is drawn anew by masked diffusion "
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


def from_args(args: argparse.Namespace) -> GenerateOptions:
    """The options among parsed arguments. Raises UserError for a value out of range."""
    options = GenerateOptions(**{name: getattr(args, name) for name in GenerateOptions.__dataclass_fields__})
    options.check()
    return options


def _add(group: argparse._ActionsContainer, flag: str, **settings) -> None:
    if settings.get("default") is not None:
        settings["help"] += " (default: %(default)s)"
    group.add_argument(flag, **settings)
    name = flag.removeprefix("--")
    twin = "--" + (name.replace("_", "-") if "_" in name else name.replace("-", "_"))
    if twin != flag:
        hidden = {**settings, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
        group.add_argument(twin, dest=name.replace("-", "_"), **hidden)
