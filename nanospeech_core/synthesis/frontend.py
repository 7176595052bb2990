"""The text front end: from a text and the options to utterances in symbol ids and a reference."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import with_pauses
from ..system.lazy import LazySequence
from ..text.checks import check_text, nothing_to_speak
from ..text.document import Sentence, Word
from ..text.language_detection import detect_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.pronunciation.markup import read_markup
from ..text.sentences import length_limit, split_sentences
from ..text.symbols import SILENT
from ..text.tokenizer import Tokenizer
from ..voices.alignment import Align
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache
from .pauses import JOINED_FRAMES, InnerPause, divide_pause, requested_frames

_ENDS, _CLOSERS = (".", "!", "?", "…", "。", "！", "？", "；"), "\"'”’»)]}」』）】》 "


@dataclass(frozen=True, eq=False)
class Utterance:
    """A sentence ready to be spoken, or a part of one that is too long for one segment."""

    ids: np.ndarray  # int64 [symbols], with pauses at its ends if the model has durations
    text: str  # of the whole sentence, as it is written
    words: tuple[Word, ...] = ()  # of the whole sentence; their symbols count from its first id
    pauses: tuple[InnerPause, ...] = ()
    lead: int | None = None  # frames of silence requested before its first word; None: no request
    tail: int | None = None  # the same after its last word
    offset: int = 0  # symbols of the whole sentence that come before this part


@dataclass(frozen=True)
class PreparedText:
    """A text ready to be spoken. Its utterances are made when they are asked for."""

    reference: Reference
    utterances: LazySequence[Utterance]
    language: str


def prepare_text(
    text: str,
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
    align: Align | None = None,
    references: ReferenceCache | None = None,
) -> PreparedText:
    """Prepare the voice that the options name, and split, phonemize and encode a text, sentence by sentence.

    Args:
        text: any length; it may have pauses and phonemes, see `text.pronunciation.markup`.
        config: the model's.
        folder: the checkpoint's folder, which has its voices; None: no folder.
        options: checked ones; voice, ref_audio, ref_text, lang and lexicon are read here.
        align: finds the durations of a voice that has none, see `make_reference`.
        references: a cache of voices that were used before.
    Raises:
        UserError: the voice is unknown or broken, or the text cannot be spoken.
    """
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    document = read_markup(check_text(text), tokenizer, open_lexicon(options.lexicon, tokenizer.ids))
    plain = document.plain
    reference, voice_language = (references or ReferenceCache()).get(folder, options, plain, config, align)
    language = options.lang or detect_language(plain, voice_language)
    utterances = LazySequence(make_utterances(tokenizer.read(document, language), tokenizer, config))
    if not utterances.has(0):
        raise nothing_to_speak(text)
    return PreparedText(reference, utterances, language)


def check_texts(
    texts: Sequence[str], names: Sequence[str], config: ModelConfig, options: GenerateOptions
) -> None:
    """Raise UserError, with its name, for a text that `prepare_text` would refuse.

    This is fast because it makes no phonemes. So one error is left to `prepare_text`: the vocabulary has none
    of a text's phonemes.
    """
    tokenizer = Tokenizer(config.text.kind, config.text.vocab, report=lambda _: None)
    lexicon = open_lexicon(options.lexicon, tokenizer.ids)
    for text, name in zip(texts, names, strict=True):
        check_text(text, name)
        try:
            document = read_markup(text, tokenizer, lexicon)
            language = options.lang or detect_language(document.plain)
            pieces = (piece for part in document.texts for piece in split_sentences(part, language))
            if not any(tokenizer.spoken(piece.text, language, document.given).text for piece in pieces):
                raise nothing_to_speak(text)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error


def make_utterances(
    parts: Iterable[Sentence | float], tokenizer: Tokenizer, config: ModelConfig
) -> Iterator[Utterance]:
    """The utterances of sentences and pauses in seconds; none if nothing can be spoken.

    The two sides of a [pause] inside a sentence are one utterance with an inner pause, so that they are
    spoken as one sentence. Elsewhere a [pause] is silence between two utterances.
    """
    timed = config.text.alignment == "durations"
    last: Utterance | None = None
    seconds: float | None = None  # of the pause after it
    for part in parts:
        if isinstance(part, float):
            seconds = (seconds or 0.0) + part
            continue
        frames = None if seconds is None else requested_frames(seconds)
        ids, seconds = tokenizer.encode(part.symbols), None
        if last is not None and timed and frames is not None and _is_one(last.text, part.written):
            last = _append(last, part, ids, frames, config)
            continue
        if last is not None:
            if frames is not None:
                tail, frames = divide_pause(frames)
                last = replace(last, tail=tail)
            yield last
        words, pauses = _place(part, int(timed), 0), sentence_pauses(part, 1) if timed else ()
        last = Utterance(with_pauses(ids, config) if timed else ids, part.written, words, pauses, frames)
    if last is not None:
        yield last if seconds is None else replace(last, tail=requested_frames(seconds))


def sentence_pauses(sentence: Sentence, start: int) -> tuple[InnerPause, ...]:
    """The pauses between short sentences that `split_sentences` has joined.

    Without them the pause between two sentences is too short: few utterances of the training data have
    several sentences, and in these the pauses are short.

    start: the index of the sentence's first symbol in the utterance.
    """
    pauses = []
    for joint in sentence.joints:
        first, after = sentence.words[joint - 1].last, sentence.words[joint].first
        last = sentence.symbols.rfind(" ", first, after) + 1
        if last:
            pauses.append(InnerPause(start + first, start + last, JOINED_FRAMES))
    return tuple(pauses)


def _is_one(before: str, after: str) -> bool:
    """Whether the text before and after a [pause] is one sentence, or too short to be two."""
    both = before + after
    ended = before.rstrip(_CLOSERS).endswith(_ENDS)
    short = min(len(before), len(after)) < length_limit(24, both)
    return (short or not ended) and len(both) <= length_limit(300, both)


def _append(
    utterance: Utterance, sentence: Sentence, ids: np.ndarray, frames: int, config: ModelConfig
) -> Utterance:
    """An utterance, a pause of `frames` and a further sentence."""
    first, start = len(utterance.ids) - 1, len(utterance.ids)
    while config.text.vocab[utterance.ids[first - 1]] in SILENT:
        first -= 1
    pauses = (InnerPause(first, start, frames), *sentence_pauses(sentence, start))
    return replace(
        utterance,
        ids=np.concatenate((utterance.ids, ids, utterance.ids[-1:])),  # the last symbol is a pause: a space
        text=f"{utterance.text} {sentence.written}",
        words=utterance.words + _place(sentence, start, len(utterance.text) + 1),
        pauses=utterance.pauses + pauses,
    )


def _place(sentence: Sentence, symbols: int, characters: int) -> tuple[Word, ...]:
    """The words of a sentence that begins after some symbols and characters."""
    return tuple(
        Word(characters + start, characters + end, symbols + first, symbols + last, place)
        for start, end, first, last, place in sentence.words
    )
