"""The flags that commands share: those of `GenerateOptions`, and which of them cannot be used together."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ..config import ModelConfig
from ..sampling.option_fields import Option, options_of, options_of_group
from ..sampling.options import (
    COMPILE_HELP,
    PRECISION_DEFAULT,
    PRECISION_HELP,
    PRECISIONS,
    GenerateOptions,
)
from ..sampling.samplers import check_order, check_sampler_reads, sampler_of
from ..system.encodings import argument


def named(name: str) -> str:
    """The name of a file or folder on the command line. An empty one, which would be the current folder, is
    refused.
    """
    if not name:
        raise argparse.ArgumentTypeError("the name is empty")
    return name


def add_arguments(parser: argparse.ArgumentParser, text: bool = True) -> None:
    """Add all flags of `generate`. If a flag has a dash or an underscore, both spellings are accepted.

    text: add --text, --input and the other flags that need the whole text before the start.
    """
    what = parser.add_argument_group("what to say, and where")
    if text:
        _add(
            what,
            "--text",
            type=argument,
            help="text to speak (default or -: standard input); [pause 0.5] is half a second of silence, "
            "[tomato](/təˈmɑːtoʊ/) is a word and its phonemes",
        )
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
        help="use this Vocos as vocoder: folder, file, hub id or `embedded` (default: the model's own)",
    )
    add_precision(what)
    add_options(what, "lang", "lexicon")
    if text:
        _add(
            what,
            "--timestamps",
            type=named,
            metavar="FILE",
            help="write the times of each word: .json (phones too), .srt or .vtt",
        )
        add_options(what, "stream")
        _add(
            what,
            "--input",
            type=named,
            metavar="FILE",
            help="speak each line of a text file (-: standard input), several at once, into --output-dir",
        )
        _add(
            what,
            "--output-dir",
            type=named,
            metavar="DIR",
            help="with --input: folder for 0001.wav, 0002.wav, ...",
        )
        _add(what, "--batch-size", type=int, metavar="N", default=8, help="with --input: sentences at once")
    else:
        parser.set_defaults(stream=True)
    voice = parser.add_argument_group("who says it")
    add_options(voice, *options_of_group(GenerateOptions, "voice"))
    _add(voice, "--list-voices", action="store_true", help="list the model's voices and exit")
    add_sampling(parser.add_argument_group("how it is generated"))
    _add(parser, "--quiet", action="store_true", help="print errors only")


def add_sampling(group: argparse._ActionsContainer, cls: type[GenerateOptions] = GenerateOptions) -> None:
    """Add the flags of how speech is generated, speed and seed among them."""
    add_options(group, *options_of_group(cls, "sampling"), cls=cls)


def add_options(
    group: argparse._ActionsContainer, *names: str, cls: type[GenerateOptions] = GenerateOptions
) -> None:
    """Add the flags of some options, as they are declared in `GenerateOptions`."""
    for name in names:
        declared = options_of(cls)[name]
        _add(
            group, declared.flag, default=declared.default, help=declared.help, **_argparse_settings(declared)
        )


def _argparse_settings(declared: Option) -> dict[str, Any]:
    if declared.is_switch:
        return {"action": "store_true"}
    settings: dict[str, Any] = {"metavar": declared.metavar}
    if declared.choices:
        settings["choices"] = declared.choices
    if declared.const is not None:
        settings |= {"nargs": "?", "const": declared.const}
    if declared.types in ((int,), (float,)):
        settings["type"] = declared.types[0]
    elif os.PathLike in declared.types:
        settings["type"] = named
    return settings if declared.parse is None else {**settings, "type": declared.parse}


def add_precision(group: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add the flag of `Nanospeech.set_precision`; None: the device decides."""
    text = PRECISION_HELP + (PRECISION_DEFAULT if default is None else "")
    _add(group, "--precision", choices=PRECISIONS, default=default, help=text)


def add_compile(group: argparse._ActionsContainer, more: str = "") -> None:
    """Add --compile and --no-compile; without either, the device decides."""
    group.add_argument("--compile", action=argparse.BooleanOptionalAction, help=COMPILE_HELP + more)


def from_args(args: argparse.Namespace) -> GenerateOptions:
    """The options among parsed arguments. Raises UserError for a value out of range."""
    options = GenerateOptions(**{each.name: getattr(args, each.name) for each in fields(GenerateOptions)})
    options.check()
    return options


def explicit_arguments(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, args: argparse.Namespace
) -> list[str]:
    """The names of the arguments that are on the command line, in the order in which they were added.

    Args:
        parser: the parser that made `args` from `argv`.
        argv: the arguments, without the program's name; None: those of the process.
    """
    unset = argparse.Namespace(
        **dict.fromkeys(vars(args))
    )  # argparse sets no default for a name with a value
    return [name for name, value in vars(parser.parse_args(argv, unset)).items() if value is not None]


def check_flags(names: Sequence[str], options: GenerateOptions, config: ModelConfig | None) -> None:
    """Raise UserError for a flag that would have no effect.

    Args:
        names: the result of `explicit_arguments`.
        options: the options on the command line.
        config: the model's; None: not known yet. What depends on it is then not checked.
    """
    if "order" in names:
        check_order(options)
    sampler = options.named_sampler()
    is_named = sampler is not None
    if sampler is None:
        if config is None:
            return
        sampler = sampler_of(options, config)
    check_sampler_reads(names, sampler, is_named)


def _add(group: argparse._ActionsContainer, flag: str, **settings: Any) -> None:
    """Add a flag in both spellings; help shows one of them, and the default."""
    if settings.get("default") is not None and "action" not in settings:
        settings["help"] += " (default: %(default)s)"
    group.add_argument(flag, **settings)
    name = flag.removeprefix("--")
    twin = "--" + (name.replace("_", "-") if "_" in name else name.replace("-", "_"))
    if twin != flag:
        hidden = {**settings, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
        group.add_argument(twin, dest=name.replace("-", "_"), **hidden)
