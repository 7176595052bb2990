"""`python -m nanospeech_{mlx,torch}.book`: an audiobook from an EPUB, Markdown or text file."""

from __future__ import annotations

import argparse
import functools
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..audio.files import read_whole
from ..checkpoints.folder import folder_config, local_config, local_folder
from ..config import ModelConfig
from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.option_fields import options_of_group
from ..sampling.options import GenerateOptions
from ..speech.timestamps import SUFFIXES as TIMES
from ..speech.timestamps import no_times
from ..system.install import need, pip_install
from ..system.process import note
from .flags import (
    add_options,
    add_precision,
    add_sampling,
    check_flags,
    explicit_arguments,
    from_args,
    named,
)
from .output import add_version, guard, print_result, version

DESCRIPTION = "Make an audiobook with chapters from an EPUB, Markdown or text file."
NEEDED = ("av",)
SUFFIXES = ("m4b", "m4a", "mp3", "opus", "flac", "wav")
MOST_CHAPTERS = 10_000


def run(load: Callable[..., Pipeline], argv: Sequence[str] | None, prog: str) -> int:
    """Run the command; `load`, `argv`, `prog` and the result as in `generate.run`."""
    args, options = _parse(argv, prog)
    if args.list:
        return guard(lambda: _list(args, options, prog), prog, args.quiet)
    return guard(lambda: _make(load, args, options), prog, args.quiet)


def _parse(argv: Sequence[str] | None, prog: str) -> tuple[argparse.Namespace, GenerateOptions]:
    parser = argparse.ArgumentParser(
        prog=prog, usage="%(prog)s BOOK --output FILE [options]", description=DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument("book", type=named, metavar="BOOK", help="an .epub, .md or .txt file")
    parser.add_argument(
        "-o",
        "--output",
        type=named,
        metavar="FILE|DIR",
        help="write .m4b, .m4a, .mp3, .opus, .flac or .wav; without suffix: a folder, a file per chapter",
    )
    parser.add_argument(
        "--format", choices=SUFFIXES, default="mp3", help="of the files in a folder (default: %(default)s)"
    )
    parser.add_argument("--list", action="store_true", help="list the chapters and exit")
    parser.add_argument(
        "--chapters",
        type=parse_chapters,
        metavar="LIST",
        help="only these, by their numbers in --list: 3-5,8,10-",
    )
    parser.add_argument(
        "--all", action="store_true", help="also title page, contents, notices, index and the like"
    )
    parser.add_argument(
        "--timestamps",
        choices=[suffix[1:] for suffix in TIMES],
        help="write the times of each word, a file per chapter",
    )
    parser.add_argument(
        "--bit-rate", type=_bit_rate, default=64, metavar="KBPS", help="of the audio (default: 64)"
    )
    tags = parser.add_argument_group("what players show")
    tags.add_argument("--title", type=named, help="title (default: the book's)")
    tags.add_argument("--author", type=named, help="author (default: the book's)")
    tags.add_argument(
        "--cover", type=named, metavar="FILE", help="a JPEG or PNG file (default: the EPUB's cover)"
    )
    model = parser.add_argument_group("what speaks")
    model.add_argument("--model", type=named, metavar="DIR|ID", help="a folder or hub id (default: embedded)")
    model.add_argument("--vocoder", type=named, metavar="DIR|ID", help="another vocoder")
    add_precision(model)
    add_options(model, "lang", "lexicon", *options_of_group(GenerateOptions, "voice"))
    add_sampling(parser.add_argument_group("how it is generated"))
    parser.set_defaults(stream=False)
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    add_version(parser)
    args = parser.parse_args(argv)
    args.given_flags = explicit_arguments(parser, argv, args)
    if args.output is None and not args.list:
        parser.error("give --output, or --list to see the chapters")
    try:
        options = from_args(args)
        check_flags(args.given_flags, options, local_config(args.model))
    except UserError as error:
        parser.error(str(error))
    return args, options


def parse_chapters(text: str) -> list[tuple[int, int]]:
    """ "3-5,8,10-" as first and last numbers; an open end is `MOST_CHAPTERS`."""
    ranges = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5})?\s*(-)?\s*(\d{1,5})?\s*", part, re.ASCII)
        if match is None or not (match[1] or match[3]) or (match[1] and match[3] and not match[2]):
            raise argparse.ArgumentTypeError(f"{part!r} is no chapter: write them like 3-5,8")
        first = int(match[1] or 1)
        last = int(match[3] or (MOST_CHAPTERS if match[2] else first))
        if not 1 <= first <= last:
            raise argparse.ArgumentTypeError(f"{part!r} has no chapter in it: the first is 1")
        ranges.append((first, last))
    return ranges


def _bit_rate(text: str) -> int:
    if not text.isdecimal() or not 16 <= int(text) <= 320:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 16 to 320 kilobits per second")
    return int(text)


def _read(args: argparse.Namespace) -> Any:
    """The book with the flags' title, author and cover, the chapters to speak by number, the count of all."""
    from ..book.reading import read_book, read_cover

    book = read_book(args.book)
    cover = None if args.cover is None else read_cover(args.cover)
    book = replace(book, title=args.title or book.title, author=args.author or book.author).with_cover(cover)
    chapters = dict(enumerate(book.spoken(args.all), 1))
    if not chapters:
        raise UserError(f"{args.book} has only title pages, notices and the like: use --all to speak them")
    count = len(chapters)
    if args.chapters is not None:
        for first, _ in args.chapters:
            if first > count:
                raise UserError(f"there is no chapter {first}: {args.book} has {count} (see --list)")
        chosen = [n for n in chapters if any(first <= n <= last for first, last in args.chapters)]
        chapters = {number: chapters[number] for number in chosen}
    return book, chapters, count


def _check_files(args: argparse.Namespace, options: GenerateOptions, book: Any) -> None:
    """Raise UserError for an output or a recording that cannot be used."""
    if args.output is not None:
        _target(args).check(book)
    if options.ref_audio is not None:
        read_whole(options.ref_audio, "float32")


def _find_errors(
    args: argparse.Namespace,
    options: GenerateOptions,
    chapters: dict[int, Any],
    config: ModelConfig,
    folder: str | os.PathLike | None,
) -> list[UserError]:
    """What a model would refuse to speak, by chapters. Raises UserError for what is wrong with the flags.

    config, folder: of the model.
    """
    from ..book.speaking import find_errors

    if args.timestamps and config.text.alignment != "durations":
        raise no_times()
    return find_errors(chapters, config, folder, options)


def _target(args: argparse.Namespace) -> Any:
    """What is written."""
    from ..book.audiobook import Target

    times = f".{args.timestamps}" if args.timestamps else ""
    return Target(Path(args.output), f".{args.format}", times, 1000 * args.bit_rate)


def _list(args: argparse.Namespace, options: GenerateOptions, prog: str) -> None:
    """Print the chapters, then what the command would refuse without --list."""
    from ..book.speaking import voice_of_book

    book, chapters, _ = _read(args)
    _check_files(args, options, book)
    folder = local_folder(args.model)
    errors: list[UserError] = []
    if folder is None:
        note(f"{prog}: tags in the text are not checked, because {args.model} is not on this machine")
    else:
        errors = _find_errors(args, options, chapters, folder_config(folder), folder)
    tempo = options.speed
    if options.ref_audio is None:
        tempo *= voice_of_book(folder, options, chapters.values()).tempo
    rows = []
    for number, chapter in chapters.items():
        rows.append((str(number), clock(chapter.seconds(tempo)), f"{chapter.words:,}", chapter.title))
    left = [chapter for chapter in book.chapters if chapter.left_out] if not args.all else []
    rows += [("-", "", f"{chapter.words:,}", f"{chapter.title} ({chapter.left_out})") for chapter in left]
    head = ("", "about", "words", "title")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(3)]
    lines = [f"{book.title}{f', by {book.author}' if book.author else ''}", ""]
    for row in [head, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[3]]))
    total = sum(chapter.seconds(tempo) for chapter in chapters.values())
    skipped = f"; {len(left)} left out (--all speaks them)" if left else ""
    count = f"{len(chapters)} chapter{'s' if len(chapters) != 1 else ''}"
    print_result("\n".join([*lines, "", f"{count}, about {clock(total)}{skipped}"]))
    for error in errors[:-1]:
        note(f"{prog}: {error}")
    for error in errors[-1:]:
        raise error


def _make(load: Callable[..., Pipeline], args: argparse.Namespace, options: GenerateOptions) -> None:
    from ..book.audiobook import make_audiobook
    from ..book.speaking import model_key

    need(NEEDED, "an audiobook", "book")
    if not _writes_marks():
        raise UserError(f"an audiobook needs PyAV 16 or newer: {pip_install('book')}")
    book, chapters, count = _read(args)
    _check_files(args, options, book)
    folder = local_folder(args.model)
    find = functools.partial(_find_errors, args, options, chapters)
    for error in [] if folder is None else find(folder_config(folder), folder):
        raise error
    started = time.perf_counter()

    def load_checked() -> Pipeline:
        pipeline = load(args.model, args.vocoder, None, args.precision)
        check_flags(args.given_flags, options, pipeline.config)
        if folder is None:  # it was on the hub: what it speaks is known only now
            for error in find(pipeline.config, pipeline.folder):
                raise error
        return pipeline

    def key(pipeline: Pipeline) -> str:
        return model_key(pipeline, args.vocoder, args.precision, version())

    with _Bar(args.quiet, count) as bar:
        seconds = make_audiobook(load_checked, book, chapters, count, _target(args), options, key, bar)
    if not args.quiet:
        elapsed = time.perf_counter() - started
        note(f"{clock(seconds)} of speech in {clock(elapsed)} -> {args.output}")


def _writes_marks() -> bool:
    import av.container

    return hasattr(av.container.OutputContainer, "set_chapters")


def clock(seconds: float) -> str:
    """A duration as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class _Bar:
    """A progress bar over the characters that are spoken now, with the time left.

    count: of the book's chapters.
    """

    def __init__(self, quiet: bool, count: int):
        self.quiet, self.count = quiet, count
        self.bar: Any = None  # a tqdm

    def __enter__(self) -> _Bar:
        return self

    def __call__(self, chapter: int, spoken: int, ready: int, total: int) -> None:
        if self.quiet:
            return
        if self.bar is None:
            from tqdm import tqdm

            if ready:
                note(f"{100 * ready // total}% is ready from the last time")
            form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left"
            self.bar = tqdm(total=total, initial=ready, file=sys.stderr, bar_format=form)
        self.bar.set_description_str(f"chapter {chapter} of {self.count}", refresh=False)
        self.bar.update(ready + spoken - self.bar.n)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self.bar is not None:
            self.bar.leave = failure is None
            self.bar.close()
            if failure is not None and self.bar.n:
                note("what is finished is kept: the same command goes on from there")
