"""From a text and the options to ids and a reference: everything about speaking that needs no framework."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..audio.mel import FRAME_RATE
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import with_pauses
from ..text.checks import check_text, nothing_to_speak
from ..text.language_detection import detect_language
from ..text.lexicon import Lexicon, check_phonemes, read_lexicon
from ..text.markup import GivenPronunciation, Markup, count_stand_ins, insert_pronunciations, read_markup
from ..text.sentences import length_limit
from ..text.symbols import SILENT
from ..text.tokenizer import Sentence, Tokenizer
from ..voices.alignment import Align
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache
from .segments import Hold, Line

JOINED_FRAMES = round(0.35 * FRAME_RATE)  # of silence between short sentences that are spoken as one
_ENDS, _CLOSERS = (".", "!", "?", "…", "。", "！", "？", "；"), "\"'”’»)]}」』）】》 "
# Where one sentence ends inside another: in symbols, and in the text that they are of.
_INNER = re.compile(rf"(?<!\.)[.!?][{re.escape(_CLOSERS[:-1])}]* (?=\S)")
_INNER_TEXT = re.compile(
    rf"(?:(?<!\.)[.!?][{re.escape(_CLOSERS[:-1])}]*\s+|[。！？]+\s*)(?=[^\s{re.escape(_CLOSERS)}])"
)


@dataclass(frozen=True)
class Said:
    """A sentence, and where it begins in the symbols of its line: with a pause inside, a line has two."""

    sentence: Sentence
    given: list[GivenPronunciation]  # words whose phonemes are given, see `markup`
    start: int


@dataclass(frozen=True)
class Script:
    """A text, ready to be spoken line by line."""

    reference: Reference
    lines: list[Line]
    said: list[list[Said]]  # what is said in each line
    tokenizer: Tokenizer
    language: str


def read_script(
    text: str,
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
    align: Align | None = None,
    references: ReferenceCache | None = None,
) -> Script:
    """Split, phonemize and encode a text, and prepare the voice that `options` name.

    Args:
        text: any length; with pauses and phonemes where wanted, see `markup`.
        config: the model's.
        folder: the checkpoint's, where its voices are; None: it has none.
        options: of which voice, ref_audio, ref_text, lang and lexicon are read here.
        align: of a voice whose durations are not known, see `make_reference`.
        references: those of earlier texts, where the voice is looked up first.
    Raises:
        UserError: an option is out of range, the voice is unknown or broken, the text cannot be spoken.
    """
    options.check()
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    markup = read_markup(check_text(text), tokenizer, open_lexicon(options.lexicon, tokenizer))
    reference, spoken = (references or ReferenceCache()).get(folder, options, markup.plain, config, align)
    language = options.lang or detect_language(markup.plain, spoken)
    lines, told = make_lines(markup, tokenizer, language, config)
    if not lines:
        raise nothing_to_speak(text)
    return Script(reference, lines, told, tokenizer, language)


def check_texts(
    texts: Sequence[str], names: Sequence[str], config: ModelConfig, options: GenerateOptions
) -> None:
    """Raise UserError for a text that `read_script` would refuse, with its name. Without phonemes: at once.

    What only phonemes tell, that none of a text's are the model's, is left to `read_script`.
    """
    options.check()
    tokenizer = Tokenizer(config.text.kind, config.text.vocab, report=lambda _: None)
    lexicon = open_lexicon(options.lexicon, tokenizer)
    for text, name in zip(texts, names, strict=True):
        check_text(text, name)
        try:
            markup = read_markup(text, tokenizer, lexicon)
            language = options.lang or detect_language(markup.plain)
            written = [part for part in markup.parts if isinstance(part, str)]
            if not any(tokenizer.spoken(part, language) for part in written):
                raise nothing_to_speak(text)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error


def open_lexicon(lexicon: str | os.PathLike | Mapping[str, str] | None, tokenizer: Tokenizer) -> Lexicon:
    """The entries of a file, or of a mapping, checked; none of None.

    The last file and the last mapping are kept: each text asks anew. Raises UserError.
    """
    if lexicon is None:
        return Lexicon({})
    known = frozenset(tokenizer.ids)
    if isinstance(lexicon, Mapping):
        for entry in lexicon.items():
            if not all(isinstance(part, str) and part.strip() for part in entry):
                raise UserError(f"lexicon: an entry is what is written and its phonemes, not {entry!r:.60}")
        return _index(tuple(lexicon.items()), known)
    try:
        status = os.stat(lexicon)
        changed = (status.st_mtime_ns, status.st_size)
    except OSError:  # `read_lexicon` says why
        changed = None
    return _open_file(os.fspath(lexicon), changed, known)


@functools.lru_cache(maxsize=1)
def _index(entries: tuple[tuple[str, str], ...], known: frozenset[str]) -> Lexicon:
    return Lexicon({word: check_phonemes(p, known, f'lexicon, "{word}"') for word, p in entries})


@functools.lru_cache(maxsize=1)
def _open_file(path: str, changed: tuple[int, int] | None, known: frozenset[str]) -> Lexicon:
    return Lexicon(read_lexicon(path, known))


def make_lines(
    markup: Markup, tokenizer: Tokenizer, language: str, config: ModelConfig
) -> tuple[list[Line], list[list[Said]]]:
    """The lines of a text and what is said in each; none where nothing can be spoken.

    Where there is a pause inside a sentence, its two sides are one line with a held space, so that it is
    spoken as one sentence. Elsewhere a pause is silence between two lines.
    """
    timed = config.text.alignment == "durations"
    given = iter(markup.pronunciations)
    lines: list[Line] = []
    said: list[list[Said]] = []
    seconds: float | None = None  # of the pause before the next sentence
    for part in markup.parts:
        if isinstance(part, float):
            seconds = (seconds or 0.0) + part
            continue
        for sentence in tokenizer.find_sentences(part, language):
            words = [next(given) for _ in range(count_stand_ins(sentence.written))]
            symbols = insert_pronunciations(sentence, words, tokenizer, language)
            ids = tokenizer.encode(symbols)
            sentence = sentence._replace(symbols=symbols)
            frames = None if seconds is None else round(seconds * FRAME_RATE)
            if timed and frames is not None and lines and _is_one(said[-1], sentence):
                lines[-1], start = _append(lines[-1], sentence, ids, frames, config)
                said[-1].append(Said(sentence, words, start))
            else:
                if frames is not None and lines:
                    lines[-1] = replace(lines[-1], tail=frames // 2)
                    frames -= frames // 2
                holds = inner_holds(sentence, 1) if timed else ()
                lines.append(Line(with_pauses(ids, config) if timed else ids, holds, lead=frames))
                said.append([Said(sentence, words, int(timed))])
            seconds = None
    if seconds is not None and lines:
        lines[-1] = replace(lines[-1], tail=round(seconds * FRAME_RATE))
    return lines, said


def inner_holds(sentence: Sentence, start: int) -> tuple[Hold, ...]:
    """Pauses between the short sentences that `split_sentences` joined.

    Of utterances with several sentences the durations have learnt little, and their teacher hurries there.
    A small letter goes on with the sentence ("Is it? he asked."). start: of its symbols in the line.
    """
    marks, written = list(_INNER.finditer(sentence.symbols)), list(_INNER_TEXT.finditer(sentence.text))
    if len(marks) != len(written):  # it cannot be told which is which
        return ()
    return tuple(
        Hold(start + mark.start(), start + mark.end(), JOINED_FRAMES)
        for mark, place in zip(marks, written, strict=True)
        if not sentence.text[place.end()].islower()
    )


def _is_one(before: list[Said], sentence: Sentence) -> bool:
    """Whether what is before a pause and what is after it are one sentence, or too short to be two."""
    written = [said.sentence.written for said in before]
    both = "".join(written) + sentence.written
    least = length_limit(24, both)
    ended = written[-1].rstrip(_CLOSERS).endswith(_ENDS)
    short = min(len("".join(written)), len(sentence.written)) < least
    return (short or not ended) and len(both) <= length_limit(300, both)


def _append(
    line: Line, sentence: Sentence, ids: np.ndarray, frames: int, config: ModelConfig
) -> tuple[Line, int]:
    """A line, a pause and a further sentence; and where the sentence begins."""
    first, start = len(line.ids) - 1, len(line.ids)
    while config.text.vocab[line.ids[first - 1]] in SILENT:
        first -= 1
    return replace(
        line,
        ids=np.concatenate((line.ids, ids, line.ids[-1:])),  # its last symbol, a pause, is the space
        holds=(*line.holds, Hold(first, start, frames), *inner_holds(sentence, start)),
    ), start
