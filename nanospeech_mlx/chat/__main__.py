"""python -m nanospeech_mlx.chat: talk with a language model of mlx-lm; its answer is spoken as it comes."""

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
    from nanospeech_core.audio.player import Player, check_player
    from nanospeech_core.checkpoints.folder import local_config
    from nanospeech_core.cli import generate as cli
    from nanospeech_core.cli import output
    from nanospeech_core.cli.flags import add_arguments, check_flags, explicit_arguments, from_args
    from nanospeech_core.errors import UserError
    from nanospeech_core.sampling.options import GenerateOptions
    from nanospeech_core.synthesis.pauses import BEFORE_SECONDS
    from nanospeech_core.system.encodings import argument
    from nanospeech_core.system.streams import STANDARD, display_name
    from nanospeech_core.text.checks import check_text
    from nanospeech_core.text.language_detection import ALPHABETIC
    from nanospeech_core.text.languages import find_language
    from nanospeech_core.text.markdown.sentence_stream import SentenceStream

    from ..load import load
    from .language_model import LanguageModel

if TYPE_CHECKING:
    from ..nanospeech import Nanospeech

# After a part of a sentence, see `sentence_stream.CLAUSE_AFTER`: seconds between its sounds and the next.
CLAUSE_MARKS, CLAUSE_PAUSE = (",", ";", "—", "–", "，", "、", "；"), 0.3


class SpeechOutput:
    """Speaks sentences, to the loudspeaker or into `waves`.

    Args:
        tts: the model.
        options: how to speak. Without a voice, the language of each sentence selects one.
        play: play the speech; else collect it in `waves`.
    Raises:
        UserError: the model cannot speak with these options.
    """

    def __init__(self, tts: Nanospeech, options: GenerateOptions, play: bool) -> None:
        self.tts, self.options = tts, options
        self.player = Player(tts.sample_rate) if play else None
        self.waves: list[np.ndarray] = []  # chunks
        self.chunks = 0  # spoken so far
        self.first_sound: float | None = None  # time.perf_counter() when the first chunk was ready
        self._warned: set[str] = set()
        # A warm-up, which compiles kernels.
        tts.generate(find_language(options.lang or ALPHABETIC).sample, **asdict(options))

    def speak(self, sentence: str) -> None:
        """Speak after the previous sentences. A sentence that cannot be spoken is skipped with a warning.

        After a part of a sentence, which ends with a comma or a dash, the pause is short.
        """
        if sentence.endswith(CLAUSE_MARKS):
            sentence = f"{sentence} [pause {CLAUSE_PAUSE - BEFORE_SECONDS:g}]"
        try:
            for chunk in self.tts.speak(sentence, standalone=False, **asdict(self.options)):
                self.first_sound = self.first_sound or time.perf_counter()
                self.chunks += 1
                self._write(chunk.wave)
        except UserError as error:
            if str(error) not in self._warned:
                self._warned.add(str(error))
                warnings.warn(str(error), stacklevel=2)

    def _write(self, wave: np.ndarray) -> None:
        if self.player is None:
            self.waves.append(wave)
        else:
            self.player.put(wave)

    def finish(self) -> None:
        """Wait until everything is played."""
        if self.player is not None:
            self.player.finish()

    def stop(self) -> None:
        """Stop playing at once."""
        if self.player is not None:
            self.player.stop()


def answer(llm: LanguageModel, speech: SpeechOutput, question: str, quiet: bool) -> None:
    """Print and speak the answer. Ctrl-C stops both at once.

    Raises UserError if the question is no text, the language model fails, or the answer cannot be spoken.
    """
    before, written = speech.chunks, ""
    check_text(question, "the question")
    try:
        try:
            with closing(llm.answer(question)) as pieces:
                sentences = None
                for piece in pieces:
                    written += piece
                    if not quiet:
                        output.print_result(piece, end="")
                    sentences = sentences or SentenceStream(
                        llm.reasoning, llm.reasons_at_once, speech.options.lang or ALPHABETIC
                    )
                    for sentence in sentences.feed(piece):
                        speech.speak(sentence)
        finally:
            if not quiet:
                output.print_result("")
        for sentence in sentences.finish() if sentences else []:
            speech.speak(sentence)
        speech.finish()
    except KeyboardInterrupt:
        speech.stop()
        raise
    if speech.chunks == before:
        raise UserError(why_nothing_is_spoken(llm, written))


def why_nothing_is_spoken(llm: LanguageModel, written: str) -> str:
    """One sentence about an answer of which nothing was spoken; `written` includes the reasoning."""
    if not written.strip():
        return "the answer is empty"
    if llm.messages and llm.messages[-1]["role"] == "assistant":
        return "the answer has nothing to speak"
    return "the answer has only reasoning: raise --max-tokens, or leave out --think"


def converse(llm: LanguageModel, speech: SpeechOutput, quiet: bool, prog: str = PROG) -> None:
    """Read questions from the terminal and answer them, until Ctrl-D or Ctrl-C at the prompt.

    A question or an answer with an error is reported; the conversation goes on.
    """
    with suppress(ImportError):  # missing in some builds of Python
        import readline  # noqa: F401  (line editing and history for input())

    while True:
        try:
            question = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            note(
                f"{prog}: the question has the byte 0x{byte:02X}, which is not in the terminal's encoding "
                f"{sys.stdin.encoding}: set PYTHONUTF8=1"
            )
            continue
        if question:
            try:
                answer(llm, speech, question, quiet)
            except UserError as error:
                note(f"{prog}: {' '.join(str(error).split())}")
            except KeyboardInterrupt:
                continue


def save(speech: SpeechOutput, path: str | None, quiet: bool) -> None:
    """Write what was collected, if anything, to `path`. Raises UserError if it cannot be written."""
    if path is not None and speech.waves:
        whole = np.concatenate(speech.waves)
        audio.write(path, whole, speech.tts.sample_rate)
        if not quiet:
            note(f"{len(whole) / speech.tts.sample_rate:.1f} s of speech -> {display_name(path)}")


def chat(args: argparse.Namespace, options: GenerateOptions, prog: str = PROG) -> None:
    """Run the command. All input is checked before a model is loaded."""
    question = args.prompt
    interactive = question is None and sys.stdin is not None and sys.stdin.isatty()
    if not interactive:
        question = cli.read_standard_input() if question is None else question
        if not question.strip():
            raise UserError("the prompt is empty")
        check_text(question)
    if args.output is None:
        check_player()
    else:
        audio.check_output(args.output)
    tts = load(args.model, args.vocoder, precision=args.precision)
    check_flags(args.given_flags, options, tts.config)
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
    # Language models use many symbols that are skipped; no warning should interrupt the answer for them.
    warnings.filterwarnings("ignore", message=".* and is skipped$")
    speech = SpeechOutput(tts, options, play=args.output is None)
    asked = time.perf_counter()
    if interactive:
        try:
            converse(llm, speech, args.quiet, prog)
        finally:  # however it ends, for example when the terminal is closed
            save(speech, args.output, args.quiet)
    else:
        answer(llm, speech, question, args.quiet)
        if not args.quiet and speech.first_sound is not None:
            note(f"first sound after {speech.first_sound - asked:.2f} s")
        save(speech, args.output, args.quiet)


def parse(argv: Sequence[str] | None, prog: str = PROG) -> tuple[argparse.Namespace, GenerateOptions]:
    """Parse the arguments. Raises SystemExit after a mistake in them."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s --llm DIR|ID [options]",
        description="Talk with a language model. Its answer is spoken while it is generated.",
        epilog="Ctrl-C stops an answer; at the prompt, it ends the conversation.",
        allow_abbrev=False,
    )
    model = parser.add_argument_group("language model")
    model.add_argument("--llm", metavar="DIR|ID", help="a chat model of mlx-lm: a folder or a hub id")
    model.add_argument(
        "--prompt",
        type=argument,
        metavar="TEXT",
        help="one question (default: read questions from the terminal, or one from a pipe)",
    )
    model.add_argument("--system", type=argument, metavar="TEXT", help="the system prompt")
    model.add_argument("--think", action="store_true", help="allow reasoning first, which is not spoken")
    model.add_argument(
        "--max-tokens",
        type=int,
        metavar="N",
        default=2048,
        help="length limit of an answer (default: %(default)s)",
    )
    model.add_argument(
        "--llm-temperature",
        type=float,
        metavar="T",
        default=0.7,
        help="temperature of the language model, 0 to 2 (default: %(default)s)",
    )
    add_arguments(parser, text=False)
    output.add_version(parser)
    args = parser.parse_args(argv)
    try:
        options = from_args(args)
        args.given_flags = explicit_arguments(parser, argv, args)
        check_flags(args.given_flags, options, local_config(args.model))
    except UserError as error:
        parser.error(str(error))
    if args.output == STANDARD and not args.quiet:
        parser.error("--output - needs --quiet, as the answer's text is printed to standard output too")
    if args.llm is None and not args.list_voices:
        parser.error("name a language model with --llm")
    if args.max_tokens < 1:
        parser.error(f"--max-tokens must be a whole number of at least 1, not {args.max_tokens}")
    if not 0 <= args.llm_temperature <= 2:
        parser.error(f"--llm-temperature must be a number from 0 to 2, not {args.llm_temperature}")
    return args, options


@command(PROG)
def main(argv: list[str] | None, prog: str) -> int:
    """Run the command."""
    args, options = parse(argv, prog)
    if args.list_voices:
        return output.guard(lambda: cli.print_voices(load(args.model, args.vocoder)), prog, args.quiet)
    return output.guard(lambda: chat(args, options, prog), prog, args.quiet)


if __name__ == "__main__":
    sys.exit(main())
