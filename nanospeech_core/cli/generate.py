"""`python -m nanospeech_{mlx,torch}.generate`: speak a text, or each line of a file."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audio import files as audio
from ..audio.player import check_player, playing
from ..checkpoints.folder import local_config
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..speech.speech import Speech
from ..speech.timestamps import check_timestamps, no_times, write_timestamps
from ..system.encodings import read_text
from ..system.files import check_writable, making_folder, split_lines
from ..system.process import note
from ..system.streams import STANDARD, display_name, seekable
from ..text.checks import MAX_CHARACTERS, check_text, decode_text
from .flags import add_arguments, add_compile, check_flags, explicit_arguments, from_args
from .output import add_version, guard, print_result

DESCRIPTION = "Speak a text by masked autoregressive diffusion or by flow matching."


def run(load: Callable[..., Pipeline], argv: Sequence[str] | None, prog: str) -> int:
    """Run the command.

    Args:
        load: loads the model, from a checkpoint folder, hub id or None (the embedded model); a vocoder or
            None; whether to compile, or None; and one of `PRECISIONS`, or None.
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
    speak = _speak if args.input is None else _speak_lines
    return guard(lambda: speak(load, args, options), prog, args.quiet)


def _parse(argv: Sequence[str] | None, prog: str) -> tuple[argparse.Namespace, GenerateOptions]:
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s --text TEXT --output FILE [options]",
        description=DESCRIPTION,
        allow_abbrev=False,
    )
    add_arguments(parser)
    add_compile(parser)
    add_version(parser)
    args = parser.parse_args(argv)
    args.given_flags = given_flags = explicit_arguments(parser, argv, args)
    single = [name for name in ("text", "output", "timestamps") if getattr(args, name) is not None]
    if args.input is not None and (single or args.stream):
        parser.error(f"--input and --{(single or ['stream'])[0]} cannot be used together")
    if args.output_dir == STANDARD:
        parser.error("--output-dir must be a folder, not standard output")
    if (args.input is None) != (args.output_dir is None):
        parser.error("--input needs --output-dir, and --output-dir needs --input")
    if args.input is None and "batch_size" in given_flags:
        parser.error("--batch-size needs --input")
    try:
        options = from_args(args)
        check_flags(given_flags, options, local_config(args.model))
    except UserError as error:
        parser.error(str(error))
    if args.batch_size < 1:
        parser.error("--batch-size must be at least 1")
    has_input = args.text is not None or args.input is not None or args.list_voices
    if not has_input and (sys.stdin is None or sys.stdin.isatty()):
        parser.error("give --text, or pipe a text to standard input")
    return args, options


def print_voices(pipeline: Pipeline) -> None:
    """The output of --list-voices."""
    voices = pipeline.voices()
    width = max((len(voice.name) for voice in voices), default=0)
    second = max((len(voice.language) for voice in voices), default=0)
    rows = [f"{voice.name:{width}}  {voice.language:{second}}  {voice.description}" for voice in voices]
    if rows:
        print_result("\n".join(row.rstrip() for row in rows))


def _speak(load: Callable[..., Pipeline], args: argparse.Namespace, options: GenerateOptions) -> None:
    # All input is checked before the model is loaded.
    piped = args.text in (None, STANDARD)
    text = check_text(read_standard_input()) if piped else check_text(args.text, "--text")
    if args.output is None:
        check_player()
    else:
        audio.check_output(args.output)
    if args.timestamps is not None:
        check_timestamps(args.timestamps)
    pipeline = load(args.model, args.vocoder, args.compile, args.precision)
    check_flags(args.given_flags, options, pipeline.config)
    if args.timestamps is not None and pipeline.config.text.alignment != "durations":
        raise no_times()
    started = time.perf_counter()
    samples, waited = 0, 0.0
    timed: list[Speech] = []
    with _open_output(args.output, pipeline.sample_rate) as write, _Bar(args.quiet, "sentence") as bar:
        for speech in pipeline.speak(text, progress=bar, **asdict(options)):
            began = time.perf_counter()
            write(speech.wave)
            waited += time.perf_counter() - began  # for playback
            samples += len(speech.wave)
            if args.timestamps is not None and speech.text:
                timed.append(replace(speech, wave=speech.wave[:0]))  # without the wave, which may be long
        elapsed = time.perf_counter() - started - waited
    if args.timestamps is not None:
        write_timestamps(args.timestamps, timed)
    _print_speed(samples / pipeline.sample_rate, elapsed, args.output, args.quiet)


def _speak_lines(load: Callable[..., Pipeline], args: argparse.Namespace, options: GenerateOptions) -> None:
    """Speak each line of a file into its own file, which has the number of the line."""
    folder = Path(args.output_dir)
    source = display_name(args.input, 0)
    try:
        with seekable(args.input) as path:
            lines = split_lines(read_text(path, source))
    except OSError as error:
        raise UserError(f"cannot read {source}: {error.strerror or error}") from error
    texts = {number: line for number, line in enumerate(lines, 1) if line.strip()}
    if not texts:
        raise UserError(f"{source} has no text")
    names = [f"{source}, line {number}" for number in texts]
    for line, name in zip(texts.values(), names, strict=True):
        check_text(line, name)
    check_writable(folder / "0001.wav" if os.path.isdir(folder) else folder)
    pipeline = load(args.model, args.vocoder, args.compile, args.precision)
    check_flags(args.given_flags, options, pipeline.config)
    started, samples = time.perf_counter(), 0
    with making_folder(folder), _Bar(args.quiet, "text") as bar:
        size = args.batch_size
        batches = pipeline.generate_batch([*texts.values()], batch_size=size, names=names, **asdict(options))
        bar(0, len(texts))  # the first batch takes a while
        numbers = [*texts]  # of the lines
        for done, (index, wave) in enumerate(batches, 1):
            audio.write(folder / f"{numbers[index]:04d}.wav", wave, pipeline.sample_rate)
            samples += len(wave)
            bar(done, len(texts))
    elapsed = time.perf_counter() - started
    _print_speed(samples / pipeline.sample_rate, elapsed, args.output_dir, args.quiet)


def _print_speed(seconds: float, elapsed: float, where: str | None, quiet: bool) -> None:
    if not quiet:
        factor = elapsed / max(seconds, 1e-9)
        arrow = f" -> {display_name(where)}" if where else ""
        note(f"{seconds:.1f} s of speech in {elapsed:.1f} s (real-time factor {factor:.2f}){arrow}")


@contextmanager
def _open_output(output: str | None, sample_rate: int) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that writes or plays a wave. The file is complete when the block ends."""
    if output is not None:
        with audio.writing(output, sample_rate) as write:
            yield write
        return
    with playing(sample_rate) as put:
        yield put


def read_standard_input() -> str:
    """All text of standard input. Raises UserError if it is not text, or too long to speak at once."""
    limit = 4 * MAX_CHARACTERS  # UTF-8 has at most four bytes per character
    if sys.stdin is None:
        raise UserError("cannot read standard input: it is closed")
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise UserError(
            f"the text is too long; at most {MAX_CHARACTERS:,} characters are spoken at a time: split it"
        )
    return decode_text(data)


class _Bar:
    """A progress bar, shown if there is more than one unit, and removed after a failure."""

    def __init__(self, quiet: bool, unit: str):
        self.quiet, self.unit = quiet, unit
        self.bar: Any = None  # a tqdm

    def __enter__(self) -> _Bar:
        return self

    def __call__(self, done: int, total: int) -> None:
        if self.bar is None and total > 1 and not self.quiet:
            from tqdm import tqdm

            self.bar = tqdm(total=total, unit=self.unit, file=sys.stderr)
        if self.bar is not None:
            self.bar.update(done - self.bar.n)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self.bar is not None:
            self.bar.leave = failure is None
            self.bar.close()
