"""`python -m nanospeech_{mlx,torch}.generate`: all of it but the backend, which is passed in."""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Protocol

import numpy as np

from . import audio
from .config import ModelConfig
from .errors import UserError
from .narration import Speech
from .options import GenerateOptions, add_arguments, from_args
from .text import MAX_CHARACTERS, check_text, decode_text
from .timestamps import check_timestamps, no_times, write_timestamps
from .voices import Voice

DESCRIPTION = "Speak a text by masked autoregressive diffusion or by flow matching."


class Speaker(Protocol):
    """What a backend's `Nanospeech` offers."""

    sample_rate: int
    config: ModelConfig

    def voices(self) -> list[Voice]: ...

    def speak(
        self, text: str, *, progress: Callable[[int, int], None] | None = None, **options
    ) -> Iterator[Speech]: ...


def run(load: Callable[[str | None, str | None], Speaker], argv: Sequence[str] | None, prog: str) -> int:
    """The command's body.

    Args:
        load: a checkpoint folder, hub id or None (the embedded model), and a vocoder or None -> the model.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of `guard`.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help and --version.
    """
    args, options = _parse(argv, prog)
    if args.list_voices:
        return guard(lambda: print_voices(load(args.model, args.vocoder)), prog, args.quiet)
    return guard(lambda: _speak(load, args, options), prog, args.quiet)


def guard(command: Callable[[], None], prog: str, quiet: bool) -> int:
    """Run a command's body: its UserError is one line on stderr, as is each warning unless `quiet`.

    Returns:
        the exit code: 0, 1 after a UserError, 130 after Ctrl-C, 141 when standard output is closed.
    """
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: quiet or print(f"{prog}: {message}", file=sys.stderr)
        try:
            command()
            return 0
        except UserError as error:
            print(f"{prog}: {' '.join(str(error).split())}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print(f"{prog}: interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
            return 141


def _parse(argv: Sequence[str] | None, prog: str) -> tuple[argparse.Namespace, GenerateOptions]:
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s --text TEXT --output FILE [options]",
        description=DESCRIPTION,
        allow_abbrev=False,
    )
    add_arguments(parser)
    parser.add_argument("--version", action="version", version=f"nanospeech-mar {version()}")
    args = parser.parse_args(argv)
    try:
        options = from_args(args)
    except UserError as error:
        parser.error(str(error))
    if args.text is None and not args.list_voices and (sys.stdin is None or sys.stdin.isatty()):
        parser.error("give --text, or pipe a text to standard input")
    return args, options


def print_voices(speaker: Speaker) -> None:
    """The answer to --list-voices."""
    voices = speaker.voices()
    width = max((len(voice.name) for voice in voices), default=0)
    second = max((len(voice.language) for voice in voices), default=0)
    for voice in voices:
        print(f"{voice.name:{width}}  {voice.language:{second}}  {voice.description}".rstrip())
    sys.stdout.flush()


def _speak(
    load: Callable[[str | None, str | None], Speaker], args: argparse.Namespace, options: GenerateOptions
) -> None:
    # What can be refused is refused before the model is loaded.
    text = check_text(read_standard_input() if args.text is None else args.text)
    if args.output is None:
        audio.check_player()
    else:
        audio.check_output(args.output)
    if args.timestamps is not None:
        check_timestamps(args.timestamps)
    speaker = load(args.model, args.vocoder)
    if args.timestamps is not None and speaker.config.text.alignment != "durations":
        raise no_times()
    started = time.perf_counter()
    speeches = []
    with _Bar(args.quiet) as bar:
        for speech in speaker.speak(text, progress=bar, **asdict(options)):
            speeches.append(speech)
            if args.output is None:  # the next sentence is generated while this one is heard
                audio.play(speech.wave, speaker.sample_rate)
    elapsed = time.perf_counter() - started
    whole = np.concatenate([speech.wave for speech in speeches])
    if args.output is None:
        audio.finish_playing()
    else:
        audio.write(args.output, whole, speaker.sample_rate)
    if args.timestamps is not None:
        write_timestamps(args.timestamps, speeches)
    if not args.quiet:
        seconds = len(whole) / speaker.sample_rate
        factor = elapsed / max(seconds, 1e-9)
        where = f" -> {args.output}" if args.output else ""
        print(
            f"{seconds:.1f} s of speech in {elapsed:.1f} s (real-time factor {factor:.2f}){where}",
            file=sys.stderr,
        )


def read_standard_input() -> str:
    """All of it. Raises UserError when it is no text, or more than can be spoken at once."""
    limit = 4 * MAX_CHARACTERS  # UTF-8 takes at most four bytes a character
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise UserError(
            f"the text is too long; at most {MAX_CHARACTERS:,} characters are spoken at a time: split it"
        )
    return decode_text(data)


class _Bar:
    """A progress bar of sentences, shown when there are more than one; a failure wipes it away."""

    def __init__(self, quiet: bool):
        self.quiet, self.bar = quiet, None

    def __enter__(self) -> _Bar:
        return self

    def __call__(self, done: int, total: int) -> None:
        if self.bar is None and total > 1 and not self.quiet:
            from tqdm import tqdm

            self.bar = tqdm(total=total, unit="sentence", file=sys.stderr)
        if self.bar is not None:
            self.bar.update(done - self.bar.n)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self.bar is not None:
            self.bar.leave = failure is None
            self.bar.close()


def version() -> str:
    """This package's, as it is installed."""
    from importlib import metadata

    try:
        return metadata.version("nanospeech-mar")
    except metadata.PackageNotFoundError:
        return "(not installed)"
