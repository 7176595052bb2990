"""`python -m nanospeech_{mlx,torch}.voices`: add, list, remove and export your own voices."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import UserError
from ..system.encodings import argument
from ..text.languages import LANGUAGES
from ..voices.alignment import onset_finder
from ..voices.recording import voice_from_recording
from ..voices.speech_check import text_checker
from ..voices.store import (
    check_free,
    check_new_name,
    composed,
    load_voice,
    remove_voice,
    save_voice,
    user_folder,
    user_voices,
    voice_names,
)
from . import output
from .flags import named

DESCRIPTION = "Your own voices, from recordings. --voice NAME speaks with one."
CONSENT = (
    "Only add the voice of a person who agreed to be imitated. Say that the speech is synthetic wherever it "
    "could be taken for the person's."
)


def run(load: Callable, argv: Sequence[str] | None, prog: str) -> int:
    """Run the command; `load`, `argv`, `prog` and the exit code are those of `generate.run`."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, epilog=CONSENT, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add = commands.add_parser("add", help="add a voice", epilog=CONSENT, allow_abbrev=False)
    add.add_argument("name", metavar="NAME", help="name of the new voice")
    add.add_argument("recording", type=named, metavar="FILE", help="any audio file; 2 to 15 s of it are used")
    add.add_argument(
        "text",
        metavar="TEXT",
        nargs="?",
        type=argument,
        help="words of the recording (default: a recognizer transcribes it)",
    )
    add.add_argument("--lang", choices=LANGUAGES, help="language (default: by the script of the text)")
    add.add_argument(
        "--description",
        type=argument,
        default="yours",
        metavar="TEXT",
        help="description that --list-voices shows (default: %(default)s)",
    )
    add.add_argument("--asr", metavar="KIND:MODEL", help="recognizer, as --ref-asr of generate")
    add.add_argument("--replace", action="store_true", help="replace your voice of this name")
    commands.add_parser("list", help="list your voices", allow_abbrev=False)
    remove = commands.add_parser("remove", help="delete a voice", allow_abbrev=False)
    remove.add_argument("name", metavar="NAME", help="name of the voice")
    export = commands.add_parser(
        "export", help="copy a voice into the folder of a model, or to share it", allow_abbrev=False
    )
    export.add_argument("name", metavar="NAME", help="name of the voice")
    export.add_argument("folder", metavar="FOLDER", help="folder for voices/NAME.flac and voices/NAME.json")
    export.add_argument("--replace", action="store_true", help="replace a voice of this name there")
    args = parser.parse_args(argv)
    work: dict[str, Callable[[], None]] = {
        "add": lambda: _add(load, args),
        "list": _list,
        "remove": lambda: _remove(args.name),
        "export": lambda: _export(args),
    }
    return output.guard(work[args.command], prog, quiet=False)


def _add(load: Callable, args: argparse.Namespace) -> None:
    args.name = check_new_name(args.name, args.replace)
    pipeline = functools.cache(lambda: load(None, None))  # when it is needed: it takes half a second

    def locate(wave: np.ndarray, phonemes: str) -> np.ndarray:  # called for long recordings only
        find = onset_finder(pipeline().config, pipeline().aligner)
        assert find is not None  # the embedded model has an aligner
        return find(wave, phonemes)

    def fits(wave: np.ndarray, phonemes: str) -> bool:  # called for texts that are given
        check = text_checker(pipeline().config, pipeline().aligner)
        assert check is not None
        return check(wave, phonemes)

    voice = voice_from_recording(args.recording, args.text, args.lang, args.asr, locate, "TEXT", fits)
    voice = replace(voice, name=args.name, description=args.description)
    save_voice(user_folder(), voice, args.replace)
    output.print_result(f'{voice.name}  {voice.language}  {voice.seconds:.1f} s  "{voice.text}"')


def _list() -> None:
    for voice in user_voices():
        output.print_result(
            f'{voice.name}  {voice.language}  {voice.seconds:.1f} s  "{voice.text}"  {voice.description}'
        )


def _remove(name: str) -> None:
    _check_own(name)
    remove_voice(user_folder(), name)


def _export(args: argparse.Namespace) -> None:
    _check_own(args.name)
    if not os.path.isdir(args.folder):
        raise UserError(f"there is no folder {args.folder}")
    check_free(args.folder, args.name, args.replace, f"{args.folder} has")
    save_voice(args.folder, load_voice(user_folder(), args.name), args.replace)


def _check_own(name: str) -> None:
    own = voice_names(user_folder())
    if composed(name) not in own:
        known = f"yours are {', '.join(own)}" if own else "you have none yet"
        raise UserError(f'you have no voice "{name}"; {known}')
