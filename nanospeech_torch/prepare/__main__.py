"""`python -m nanospeech_torch.prepare SOURCE... -o DIR`: the command."""

from __future__ import annotations

import sys

from nanospeech_core.system.process import command, importing

with importing(__name__, "prepare"):
    import argparse
    import inspect
    import os
    import re
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from nanospeech_core.cli.output import guard, print_result
    from nanospeech_core.cluster.parts import part_argument
    from nanospeech_core.errors import UserError
    from nanospeech_core.text.languages import LANGUAGES

PROG = "python -m nanospeech_torch.prepare"
SOURCES = """\
sources (the kind is detected):
  shards             data/*.tar, or addresses (https://..., hf://...; {000..123} expands), which are streamed:
                     audio and json ("text"; optional "voice", "lang", "phonemes", "durations")
                     or txt of equal names
  a folder           with metadata.csv, with shards, with audio and txt or json files of equal names,
                     or with one table
  metadata.csv       lines id|text|normalized text (LJSpeech) or path.wav|text|speaker|lang, or with a
                     header; separated by "|", tabs, semicolons or commas; .csv, .tsv (Common Voice), .txt;
                     --columns names other columns
  list.jsonl         lines {"audio": path, "text": ...}
  hf-dataset:NAME[@REVISION][:CONFIG[:SPLIT]]  streamed by the library datasets
parts, for the jobs of an array (docs/cluster.md):
  prepare SOURCE... -o DIR --part 3/64         keeps its part in DIR/parts, for each of 1/64 to 64/64
  prepare --join DIR                           then makes the shards, the same as without parts
"""
JOINED = "--join takes its settings from the parts"


@command("prepare")
def main(argv: list[str] | None, prog: str) -> int:
    """Turn recordings and their texts into shards to train on, with phonemes, durations and a report.

    A run that was stopped continues where it stopped. Recordings that cannot be used are counted, and listed
    in rejected.jsonl. The summary begins with three examples of what was understood: look at them.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=inspect.cleandoc(main.__doc__ or ""),
        epilog=SOURCES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="see below; with --join, folders with parts"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder for the shards (--join: default SOURCE)"
    )
    parser.add_argument("--name", type=word, default="data", help="name of the shards (default: data)")
    parser.add_argument(
        "--lang",
        choices=LANGUAGES,
        default="en-us",
        help="language of texts that do not name theirs (default: en-us)",
    )
    parser.add_argument("--voice", default="", help="voice of recordings that do not name theirs")
    parser.add_argument(
        "--columns",
        default="",
        metavar="A,B,...",
        help="names of a table's columns: path or id, text, speaker, lang, normalized; - is not used",
    )
    parser.add_argument(
        "--format", choices=("flac", "opus"), default="flac", help="audio format (default: flac)"
    )
    parser.add_argument(
        "--shard-size", type=whole(1), default=1000, metavar="N", help="utterances per shard (default: 1000)"
    )
    parser.add_argument(
        "--min-seconds", type=float, default=0.3, metavar="S", help="reject shorter recordings (default: 0.3)"
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=120.0,
        metavar="S",
        help="reject longer recordings (default: 120)",
    )
    parser.add_argument(
        "--split-seconds",
        type=float,
        default=12.0,
        metavar="S",
        help="split longer recordings at pauses (default: 12, the longest that train takes; 0: never)",
    )
    parser.add_argument("--aligner", metavar="MODEL", help="checkpoint with an aligner (default: embedded)")
    parser.add_argument("--no-align", action="store_true", help="use the durations of the data; find none")
    parser.add_argument(
        "--workers", type=whole(0), metavar="N", help="worker processes (default: one per core)"
    )
    parser.add_argument(
        "--engine",
        choices=("processes", "ray"),
        default="processes",
        help="ray: on a Ray cluster, or else with --workers here (extra [cluster]; default: processes)",
    )
    divided = parser.add_mutually_exclusive_group()
    divided.add_argument("--part", type=part_argument, metavar="N/ALL", help="prepare one part, such as 3/64")
    divided.add_argument("--join", action="store_true", help="make the shards from all parts")
    args = parser.parse_args(argv)
    if args.join:
        own = {"sources", "output", "join"}
        if any(value != parser.get_default(name) for name, value in vars(args).items() if name not in own):
            parser.error(JOINED)
        return guard(lambda: run_join(args), "prepare", quiet=False)
    if args.output is None:
        parser.error("the following arguments are required: -o/--output")
    if args.no_align and args.aligner:
        parser.error("--aligner and --no-align cannot be used together")
    if not 0 < args.min_seconds < args.max_seconds <= 600:
        parser.error("--min-seconds must be more than 0 and less than --max-seconds, which is at most 600")
    if not (args.split_seconds == 0 or 4 <= args.split_seconds <= 600):
        parser.error("--split-seconds must be 0 or from 4 to 600")
    return guard(lambda: run(args), "prepare", quiet=False)


def run(args: argparse.Namespace) -> None:
    from .dataset import Settings, prepare
    from .report import table
    from .utterance import Recipe

    settings = Settings(
        sources=tuple(args.sources),
        recipe=Recipe(
            lang=args.lang,
            voice=args.voice,
            format=args.format,
            min_seconds=args.min_seconds,
            max_seconds=args.max_seconds,
            split_seconds=args.split_seconds,
            align=not args.no_align,
        ),
        name=args.name,
        shard_size=args.shard_size,
        columns=columns(args.columns),
        aligner=args.aligner,
    )
    workers = cores() if args.workers is None else args.workers
    how: dict[str, Any] = {"workers": workers, "note": print_result, "engine": args.engine}
    if args.part is not None:
        from .parts.part import prepare_part, summary

        counts = prepare_part(settings, args.output, args.part, **how)
        return print_result(summary(args.part, counts))
    print_result(table(prepare(settings, args.output, **how)))


def run_join(args: argparse.Namespace) -> None:
    from .parts.join import join
    from .report import table

    folders = [Path(source) for source in args.sources]
    if args.output is None and len(folders) > 1:
        raise UserError("--join of several folders needs --output, the folder for the shards")
    print_result(table(join(folders, args.output or folders[0], note=print_result)))


def columns(names: str) -> tuple[str, ...]:
    """The columns of --columns. Raises UserError for an unknown name, or if the text or audio is missing."""
    from .recording import KNOWN
    from .sources.columns import UNUSED, check_columns

    found = tuple(name.strip() for name in names.split(",")) if names else ()
    for name in found:
        if name not in KNOWN and name != UNUSED:
            raise UserError(
                f"--columns: {name!r} is not one of {', '.join(sorted(KNOWN))} (or {UNUSED!r}: not used)"
            )
    if found:
        check_columns(found, "--columns")
    return found


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def word(text: str) -> str:
    """A type of arguments: names of files."""
    if not re.fullmatch(r"\w[\w-]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be a file name: use letters, digits, _ and -")
    return text


def whole(least: int) -> Callable[[str], int]:
    """A type of arguments: integers from `least` on."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return number


if __name__ == "__main__":
    sys.exit(main())
