"""python -m nanospeech_mlx.chat: talk with a language model of mlx-lm, which is heard while it writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nanospeech_core.system.process import command, importing, note

PROG = "python -m nanospeech_mlx.chat"

with importing(__name__, PROG):
    import argparse
    import time
    import warnings
    from collections.abc import Sequence
    from contextlib import closing, suppress
    from dataclasses import asdict

    import numpy as np

    from nanospeech_core.audio import files as audio
    from nanospeech_core.audio.player import Player
    from nanospeech_core.checkpoints.folder import local_config
    from nanospeech_core.cli import generate as cli
    from nanospeech_core.cli import output
    from nanospeech_core.cli.flags import add_arguments, from_args
    from nanospeech_core.errors import UserError
    from nanospeech_core.sampling.options import GenerateOptions
    from nanospeech_core.sampling.samplers import check_flags, given
    from nanospeech_core.system.encodings import argument
    from nanospeech_core.system.streams import STANDARD, display_name
    from nanospeech_core.text.markdown.sentence_stream import Dictation
    from nanospeech_core.text.tokenizer import check_text

    from ..generate import load
    from .language_model import LanguageModel

if TYPE_CHECKING:
    from ..nanospeech import Nanospeech


class Voice:
    """Speaks sentence by sentence, to a loudspeaker or for a file.

    Args:
        tts: the model.
        options: how it speaks; where they name no voice, the language of each sentence chooses.
        aloud: play; otherwise `waves` keeps it.
    Raises:
        UserError: the model cannot speak with these options.
    """

    def __init__(self, tts: Nanospeech, options: GenerateOptions, aloud: bool):
        self.tts, self.options = tts, options
        self.player = Player(tts.sample_rate) if aloud else None
        self.waves: list[np.ndarray] = []  # chunks
        self.started: float | None = None  # when the first speech was ready, by time.perf_counter
        self._told: set[str] = set()
        tts.generate(
            "你好。" if options.lang == "zh" else "Hello.", **asdict(options)
        )  # compiles what is slow

    def say(self, sentence: str) -> None:
        """Speak, after what is being heard. A sentence that cannot be spoken is left out, with a warning."""
        try:
            for chunk in self.tts.speak(sentence, within=True, **asdict(self.options)):
                self.started = self.started or time.perf_counter()
                self._give(chunk.wave)
        except UserError as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                warnings.warn(str(error), stacklevel=2)

    def _give(self, wave: np.ndarray) -> None:
        if self.player is None:
            self.waves.append(wave)
        else:
            self.player.put(wave)

    def finish(self) -> None:
        """Wait until all is heard."""
        if self.player is not None:
            self.player.finish()

    def stop(self) -> None:
        """Silence, now."""
        if self.player is not None:
            self.player.stop()


def reply(llm: LanguageModel, voice: Voice, question: str, quiet: bool) -> None:
    """Print and speak the answer. Ctrl-C ends both at once."""
    try:
        try:
            with closing(llm.answer(question)) as pieces:
                dictation = None
                for piece in pieces:
                    if not quiet:
                        output.print_result(piece, end="")
                    dictation = dictation or Dictation(llm.reasoning, llm.reasons_at_once)
                    for sentence in dictation.feed(piece):
                        voice.say(sentence)
        finally:
            if not quiet:
                output.print_result("")
        for sentence in dictation.finish() if dictation else []:
            voice.say(sentence)
        voice.finish()
    except KeyboardInterrupt:
        voice.stop()
        raise


def converse(llm: LanguageModel, voice: Voice, quiet: bool) -> None:
    """Questions from the terminal, until Ctrl-D, or Ctrl-C in place of a question."""
    with suppress(ImportError):  # some builds of Python are without it
        import readline  # noqa: F401  (line editing and history for input())

    while True:
        try:
            question = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if question:
            try:
                reply(llm, voice, check_text(question), quiet)
            except KeyboardInterrupt:
                continue


def chat(args: argparse.Namespace, options: GenerateOptions) -> None:
    """The command's body."""
    question = args.prompt
    interactive = question is None and sys.stdin is not None and sys.stdin.isatty()
    if not interactive:  # what can be refused is refused before a model is loaded
        question = cli.read_standard_input() if question is None else question
        if not question.strip():
            raise UserError("the prompt is empty")
        check_text(question)
    if args.output is None:
        audio.check_player()
    else:
        audio.check_output(args.output)
    tts = load(args.model, args.vocoder, precision=args.precision)
    check_flags(args.asked, options, tts.config)
    tts.prepare(**asdict(options))
    import mlx.core as mx

    mx.random.seed(options.seed)
    llm = LanguageModel.from_pretrained(
        args.llm,
        system=args.system,
        think=args.think,
        max_tokens=args.max_tokens,
        temperature=args.llm_temperature,
    )
    # Of the symbols that a model likes to strew in, none is worth a warning in the middle of its answer.
    warnings.filterwarnings("ignore", message=".* and is skipped$")
    voice = Voice(tts, options, aloud=args.output is None)
    asked = time.perf_counter()
    if interactive:
        converse(llm, voice, args.quiet)
    else:
        reply(llm, voice, question, args.quiet)
        if voice.started is None:
            raise UserError("there is nothing to speak in the answer")
        if not args.quiet:
            note(f"spoke after {voice.started - asked:.2f} s")
    if args.output is not None and voice.waves:
        whole = np.concatenate(voice.waves)
        audio.write(args.output, whole, tts.sample_rate)
        if not args.quiet:
            note(f"{len(whole) / tts.sample_rate:.1f} s of speech -> {display_name(args.output)}")


def parse(argv: Sequence[str] | None, prog: str = PROG) -> tuple[argparse.Namespace, GenerateOptions]:
    """The arguments. Raises SystemExit after a mistake in them."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s --llm DIR|ID [options]",
        description="Talk with a language model: its answer is spoken while it is written.",
        epilog="Ctrl-C ends the answer, and in place of a question the conversation.",
        allow_abbrev=False,
    )
    who = parser.add_argument_group("who answers what")
    who.add_argument("--llm", metavar="DIR|ID", help="a chat model of mlx-lm: a folder or a hub id")
    who.add_argument(
        "--prompt",
        type=argument,
        metavar="TEXT",
        help="one question (default: ask for them, or standard input if piped)",
    )
    who.add_argument(
        "--system", type=argument, metavar="TEXT", help="what the model is told before the conversation"
    )
    who.add_argument("--think", action="store_true", help="let it reason first, which is not spoken")
    who.add_argument(
        "--max-tokens", type=int, metavar="N", default=2048, help="of an answer (default: %(default)s)"
    )
    who.add_argument(
        "--llm-temperature",
        type=float,
        metavar="T",
        default=0.7,
        help="of the language model, 0 to 2 (default: %(default)s)",
    )
    add_arguments(parser, text=False)
    parser.add_argument("--version", action="version", version=f"nanospeech-mar {output.version()}")
    args = parser.parse_args(argv)
    try:
        options = from_args(args)
        args.asked = given(parser, argv, args)
        check_flags(args.asked, options, local_config(args.model))
    except UserError as error:
        parser.error(str(error))
    if args.output == STANDARD and not args.quiet:
        parser.error("--output - needs --quiet: else the answer's words are written there too")
    if args.llm is None and not args.list_voices:
        parser.error("give --llm, a language model")
    if args.max_tokens < 1:
        parser.error(f"--max-tokens must be a whole number from 1 up, not {args.max_tokens}")
    if not 0 <= args.llm_temperature <= 2:
        parser.error(f"--llm-temperature must be a number from 0 to 2, not {args.llm_temperature}")
    return args, options


@command(PROG)
def main(argv: list[str] | None = None, prog: str = PROG) -> int:
    """The command."""
    args, options = parse(argv, prog)
    if args.list_voices:
        return output.guard(lambda: cli.print_voices(load(args.model, args.vocoder)), prog, args.quiet)
    return output.guard(lambda: chat(args, options), prog, args.quiet)


if __name__ == "__main__":
    sys.exit(main())
