"""`python -m nanospeech_{mlx,torch}.edit`: change words in a recording."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

from ..audio import files as audio
from ..checkpoints.folder import local_config
from ..editing.edit import MARGIN, MAX_MARGIN, check_margin
from ..errors import UserError
from ..sampling.options import SAMPLING, GenerateOptions
from ..system.encodings import argument
from ..system.process import note
from ..system.streams import display_name
from ..text.checks import check_text
from ..text.languages import LANGUAGES
from . import output
from .flags import add_precision, add_sampling, check_flags, explicit_arguments, named

DESCRIPTION = (
    "Change words in a recording: the changed words and a little around them are generated again, with the "
    "rest as context. All other samples stay unchanged."
)
CONSENT = (
    "Only edit the speech of a person who agreed to it. Say that it was edited wherever it could be taken "
    "for what the person said."
)


def run(load: Callable, argv: Sequence[str] | None, prog: str) -> int:
    """Run the command; `load`, `argv`, `prog` and the exit code are those of `generate.run`."""
    parser = argparse.ArgumentParser(prog=prog, description=DESCRIPTION, epilog=CONSENT, allow_abbrev=False)
    # fmt: off
    parser.add_argument("--audio", type=named, required=True, metavar="FILE", help="the recording")
    parser.add_argument("--text", type=argument, required=True, help="the words of the recording")
    parser.add_argument("--edit", type=argument, required=True, metavar="TEXT", help="the new words")
    parser.add_argument("--output", type=named, required=True, metavar="FILE", help="the result, at "
        "the recording's rate; if the recording is uncompressed, .wav keeps every unedited sample exactly, "
        ".flac 24 bits of it")
    parser.add_argument("--margin", type=float, default=MARGIN, metavar="MS", help="least "
        "time to generate again on each side of changed words, in ms, "
        f"0 to {MAX_MARGIN:g} (default: %(default)g)")
    parser.add_argument("--lang", choices=LANGUAGES, help="language (default: by the script of the text)")
    parser.add_argument("--lexicon", type=named, metavar="FILE", help="pronunciations: each "
        "line has a word, a tab and its phonemes")
    parser.add_argument("--model", metavar="DIR|ID", help="checkpoint folder, hub id or `embedded` (default)")
    parser.add_argument("--vocoder", metavar="DIR|ID", help="use this Vocos as vocoder "
        "(default: the model's own)")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    output.add_version(parser)
    generation = parser.add_argument_group("generation")
    # fmt: on
    add_precision(generation)
    add_sampling(generation)
    args = parser.parse_args(argv)
    names = [*SAMPLING, "lang", "lexicon"]
    options = {name: getattr(args, name) for name in names}
    given_flags, checked = explicit_arguments(parser, argv, args), GenerateOptions(**options)
    try:
        check_margin(args.margin)
        checked.check()
        check_flags(given_flags, checked, local_config(args.model))
    except UserError as error:
        parser.error(str(error))

    def work() -> None:
        check_text(args.text, "--text")
        check_text(args.edit, "--edit")
        wave, rate, encoding = audio.read_whole(args.audio)
        audio.check_output(args.output, rate, wave.shape[1], encoding)
        pipeline = load(args.model, args.vocoder, precision=args.precision)
        check_flags(given_flags, checked, pipeline.config)
        started = time.perf_counter()
        result = pipeline.edit(wave, args.text, args.edit, sample_rate=rate, margin=args.margin, **options)
        elapsed = time.perf_counter() - started
        audio.write(args.output, result, rate, encoding)
        if not args.quiet and not np.array_equal(result, wave):
            seconds = len(result) / rate
            note(f"{seconds:.1f} s of speech edited in {elapsed:.1f} s -> {display_name(args.output)}")

    return output.guard(work, prog, args.quiet)
