"""`python -m nanospeech_{mlx,torch}.evaluate`: the arguments and the output of `evaluation.evaluate`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..checkpoints.folder import check_exported, is_training_run
from ..cluster.parts import part_argument
from ..errors import UserError
from ..evaluation.evaluate import LoadModel, evaluate
from ..evaluation.parts.join import join
from ..evaluation.settings import VOICE_REFERENCE, EvaluationConfig, parse_setting
from ..evaluation.tables import evaluation_table
from ..sampling.options import PRECISIONS, GenerateOptions
from ..system.encodings import argument
from . import output
from .flags import add_precision

DESCRIPTION = (
    "Speak the sentences of a file by one or more settings and measure the speech: word error rate (WER; for "
    "Chinese, character error rate: CER), similarity to a reference, DNSMOS, standard deviations of pitch "
    "and level, and the real-time factor (time / duration of the speech, without the first sentence)."
)


def run(load: LoadModel, argv: Sequence[str] | None, prog: str) -> int:
    """Run the command.

    Args:
        load: loads the model.
        argv: the arguments, without the program's name; None: those of the process.
        prog: the program's name in messages.
    Returns:
        the exit code of `output.guard`.
    Raises:
        SystemExit: 2 after a mistake in the arguments, 0 after --help and --version.
    """
    config, joined, quiet = _parse(argv, prog)

    def work() -> None:
        results = join(joined, config.json) if joined else evaluate(load, config, quiet)
        output.print_result(evaluation_table(results))

    return output.guard(work, prog, quiet)


def _parse(argv: Sequence[str] | None, prog: str) -> tuple[EvaluationConfig, list[str], bool]:
    """What to evaluate, the reports of parts to join instead, and whether --quiet is given."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, allow_abbrev=False)
    # fmt: off
    parser.add_argument("checkpoint", nargs="?", metavar="CKPT", help="folder, hub id, `embedded` (default); "
        "on PyTorch also a training checkpoint, step-N.pt, whose averaged weights are used")
    parser.add_argument("--texts", metavar="JSONL", help="{text, id, lang, voice} per line; "
        "only text is required")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N texts")
    parser.add_argument("--setting", action="append", metavar="SAMPLER[:KEY=VALUE,...]", help="`masked`, "
        "`ode` or `refine`, with options of generate: masked:num_iter=4,cfg=2; repeatable (default: masked "
        "and ode)")
    add_precision(parser, PRECISIONS[0])
    parser.add_argument("--wavs", metavar="DIR", help="measure recordings instead of a model: "
        "DIR/ID.wav (or .flac, ...)")
    parser.add_argument("--output", metavar="DIR", help="save the speech as DIR/SETTING/ID.wav")
    parser.add_argument("--json", metavar="FILE", help="write all results, utterance by utterance")
    parser.add_argument("--engine", choices=("here", "ray"), default="here", help="ray: speak and measure in "
        "the workers of a Ray cluster, or else with a worker per core here (extra [cluster]; default: here)")
    divided = parser.add_mutually_exclusive_group()
    divided.add_argument("--part", type=part_argument, metavar="N/ALL", help="evaluate one part of the "
        "texts, such as 3/64, into a --json of its own")
    divided.add_argument("--join", nargs="+", metavar="FILE", help="print the table of all parts, from their "
        "--json files; with --json, also write their results into one")
    parser.add_argument("--quiet", action="store_true", help="print only the table and errors")
    output.add_version(parser)
    voice = parser.add_argument_group("voice (default: the text's voice if the model has it, else its first)")
    voice.add_argument("--voice", metavar="NAME", help="a voice of the model, for all texts")
    voice.add_argument("--ref-audio", metavar="FILE", help="a recording, as the voice of all texts")
    voice.add_argument("--ref-text", type=argument, metavar="TEXT", help="the words of the recording")
    metrics = parser.add_argument_group("metrics")
    metrics.add_argument("--asr", metavar="KIND:MODEL", help="measure error rates with "
        "faster-whisper:NAME_OR_PATH; a small recognizer also makes errors on people: "
        "measure recordings too, for comparison")
    metrics.add_argument("--reference", action="append", default=[], metavar="DIR|voice", help="measure "
        "similarity to DIR/ID.wav (or .flac, ...), or to the voice's own recording; repeatable for both")
    metrics.add_argument("--no-dnsmos", action="store_true", help="leave out DNSMOS")
    metrics.add_argument("--no-prosody", action="store_true", help="leave out the deviations of pitch and "
        "level")
    metrics.add_argument("--threads", type=int, default=0, metavar="N", help="threads of the recognizer "
        "(default: 0, its own choice)")
    # fmt: on
    args = parser.parse_args(argv)
    if args.join:
        given = {name for name, value in vars(args).items() if value != parser.get_default(name)}
        if given - {"join", "json", "quiet"}:
            parser.error("--join takes what was measured from the parts: give it only --json and --quiet")
        return EvaluationConfig("", json=args.json), args.join, args.quiet
    if args.texts is None:
        parser.error("the following arguments are required: --texts")
    if args.part is not None and args.json is None:
        parser.error("--part needs --json, the file of the part's results")
    try:
        _check(args)
        settings = tuple(parse_setting(text) for text in args.setting or ())
        if len({setting.folder_name for setting in settings}) < len(settings):
            raise UserError("the same --setting is named twice: remove one")
    except UserError as error:
        parser.error(str(error))
    same = ("texts", "limit", "checkpoint", "precision", "wavs", "voice", "ref_audio", "ref_text", "output",
            "json", "asr", "threads", "part", "engine")  # fmt: skip
    config = EvaluationConfig(
        settings=settings,
        references=tuple(args.reference),
        dnsmos=not args.no_dnsmos,
        prosody=not args.no_prosody,
        **{name: getattr(args, name) for name in same},
    )
    return config, [], args.quiet


def _check(args: argparse.Namespace) -> None:
    """Raise UserError for arguments that are out of range or cannot be used together."""
    if args.ref_audio is not None and args.ref_text is None:
        raise UserError("--ref-audio needs --ref-text, the words of the recording")
    GenerateOptions(voice=args.voice, ref_audio=args.ref_audio, ref_text=args.ref_text).check()
    if args.limit is not None and args.limit < 1 or args.threads < 0:
        raise UserError("--limit must be at least 1, and --threads at least 0")
    if len(args.reference) != len({name == VOICE_REFERENCE for name in args.reference}):
        raise UserError("--reference takes at most one folder, and `voice`")
    if args.wavs is None:
        if args.checkpoint is not None and is_training_run(args.checkpoint):
            check_exported(args.checkpoint)  # before what is missing to measure it
        return
    for name in ("checkpoint", "setting", "voice", "ref_audio", "output"):
        if getattr(args, name):
            flag = "a checkpoint" if name == "checkpoint" else "--" + name.replace("_", "-")
            raise UserError(f"--wavs and {flag} cannot be used together: recordings are measured as they are")
    if VOICE_REFERENCE in args.reference:
        raise UserError("--reference voice needs a model: --wavs measures recordings")
