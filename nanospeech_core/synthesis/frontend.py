"""The text front end: from a text and the options to utterances in symbol ids and a reference."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import with_pauses
from ..text.checks import check_text, nothing_to_speak
from ..text.language_detection import detect_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.pronunciation.markup import (
    GivenPronunciation,
    Markup,
    count_stand_ins,
    insert_pronunciations,
    read_markup,
)
from ..text.sentences import length_limit
from ..text.symbols import SILENT
from ..text.tokenizer import Sentence, Tokenizer
from ..voices.alignment import Align
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache
from .pauses import JOINED_FRAMES, InnerPause, divide_pause, one_ellipsis, requested_frames

_ENDS, _CLOSERS = (".", "!", "?", "…", "。", "！", "？", "；"), "\"'”’»)]}」』）】》 "
# Of an utterance. The training texts have up to 136 (in Chinese 34, which count as 102). Longer utterances
# have more errors, and their last seconds become quieter. Without durations, parts have a pause between them.
MAX_CHARACTERS, MAX_CHARACTERS_WITHOUT_DURATIONS = 200, 300
# Where one sentence ends inside another: in symbols, and in the text that they are of.
_INNER = re.compile(rf"(?<!\.)[.!?][{re.escape(_CLOSERS[:-1])}]* (?=\S)")
_INNER_TEXT = re.compile(
    rf"(?:(?<!\.)[.!?][{re.escape(_CLOSERS[:-1])}]*\s+|[。！？]+\s*)(?=[^\s{re.escape(_CLOSERS)}])"
)


@dataclass(frozen=True, eq=False)
class Utterance:
    """A sentence ready to be spoken, or a part of one that is too long for one segment."""

    ids: np.ndarray  # int64 [symbols], with pauses at its ends if the model has durations
    pauses: tuple[InnerPause, ...] = ()
    lead: int | None = None  # frames of silence requested before its first word; None: no request
    tail: int | None = None  # the same after its last word
    offset: int = 0  # symbols of the whole sentence that come before this part
    continues: bool = False  # whether the next utterance is a part of the same sentence, see `joints`
    # The ids of the words that are generated before and after it, and cut off its waveform.
    context_before: tuple[int, ...] = ()
    context_after: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlacedSentence:
    """A sentence and its place in an utterance; around a [pause], one utterance has two sentences."""

    sentence: Sentence
    given: list[GivenPronunciation]  # its words with given phonemes, see `text.pronunciation.markup`
    start: int  # index of its first symbol in the utterance


@dataclass(frozen=True)
class PreparedText:
    """A text ready to be spoken, utterance by utterance."""

    reference: Reference
    utterances: list[Utterance]
    sentences: list[list[PlacedSentence]]  # of each utterance
    tokenizer: Tokenizer
    language: str


def prepare_text(
    text: str,
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
    align: Align | None = None,
    references: ReferenceCache | None = None,
) -> PreparedText:
    """Split, phonemize and encode a text, and prepare the voice that the options name.

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
    markup = read_markup(check_text(text), tokenizer, open_lexicon(options.lexicon, tokenizer.ids))
    reference, voice_language = (references or ReferenceCache()).get(
        folder, options, markup.plain, config, align
    )
    language = options.lang or detect_language(markup.plain, voice_language)
    utterances, sentences = make_utterances(markup, tokenizer, language, config)
    if not utterances:
        raise nothing_to_speak(text)
    return PreparedText(reference, utterances, sentences, tokenizer, language)


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
            markup = read_markup(text, tokenizer, lexicon)
            language = options.lang or detect_language(markup.plain)
            written = [part for part in markup.parts if isinstance(part, str)]
            if not any(tokenizer.spoken(part, language) for part in written):
                raise nothing_to_speak(text)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error


def make_utterances(
    markup: Markup, tokenizer: Tokenizer, language: str, config: ModelConfig
) -> tuple[list[Utterance], list[list[PlacedSentence]]]:
    """The utterances of a text and the sentences of each; none if nothing can be spoken.

    The two sides of a [pause] inside a sentence are one utterance with an inner pause, so that they are
    spoken as one sentence. Elsewhere a [pause] is silence between two utterances.
    """
    timed = config.text.alignment == "durations"
    limit = MAX_CHARACTERS if timed else MAX_CHARACTERS_WITHOUT_DURATIONS
    given = iter(markup.pronunciations)
    utterances: list[Utterance] = []
    sentences: list[list[PlacedSentence]] = []
    seconds: float | None = None  # of the pause before the next sentence
    for part in markup.parts:
        if isinstance(part, float):
            seconds = (seconds or 0.0) + part
            continue
        found = tokenizer.find_sentences(part, language, limit)
        for sentence, following in itertools.zip_longest(found, found[1:]):
            continues = timed and following is not None and _continues(part, sentence, following)
            words = [next(given) for _ in range(count_stand_ins(sentence.written))]
            symbols = insert_pronunciations(sentence, words, tokenizer, language)
            if tokenizer.kind == "phonemes":
                symbols = one_ellipsis(symbols)
            ids = tokenizer.encode(symbols)
            sentence = sentence._replace(symbols=symbols)
            frames = None if seconds is None else requested_frames(seconds)
            if timed and frames is not None and utterances and _is_one(sentences[-1], sentence):
                utterances[-1], start = _append(utterances[-1], sentence, ids, frames, config)
                utterances[-1] = replace(utterances[-1], continues=continues)
                sentences[-1].append(PlacedSentence(sentence, words, start))
            else:
                if frames is not None and utterances:
                    tail, frames = divide_pause(frames)
                    utterances[-1] = replace(utterances[-1], tail=tail)
                pauses = sentence_pauses(sentence, 1) if timed else ()
                ids = with_pauses(ids, config) if timed else ids
                utterances.append(Utterance(ids, pauses, lead=frames, continues=continues))
                sentences.append([PlacedSentence(sentence, words, int(timed))])
            seconds = None
    if seconds is not None and utterances:
        utterances[-1] = replace(utterances[-1], tail=requested_frames(seconds))
    return utterances, sentences


def sentence_pauses(sentence: Sentence, start: int) -> tuple[InnerPause, ...]:
    """The pauses between short sentences that `split_sentences` has joined.

    Without them the pause between two sentences is too short: few utterances of the training data have
    several sentences, and in these the pauses are short. Before a lower-case letter the sentence goes on
    ("Is it? he asked.").

    start: the index of the sentence's first symbol in the utterance.
    """
    marks, written = list(_INNER.finditer(sentence.symbols)), list(_INNER_TEXT.finditer(sentence.text))
    if len(marks) != len(written):  # they cannot be matched
        return ()
    return tuple(
        InnerPause(start + mark.start(), start + mark.end(), JOINED_FRAMES)
        for mark, place in zip(marks, written, strict=True)
        if not sentence.text[place.end()].islower()
    )


def _continues(text: str, sentence: Sentence, following: Sentence) -> bool:
    """Whether the tokenizer has cut a text between two sentences only because of its length."""
    if sentence.written.rstrip(_CLOSERS).endswith(_ENDS):
        return False
    plain = " ".join(text.split())
    if sentence.written not in plain and following.written not in plain:
        return True  # both are parts of a sentence whose numbers are spelled out
    space = r"(?:[^\S\n]+|[^\S\n]*\n[^\S\n]*)"
    joined = rf"{re.escape(sentence.written)}{space}?{re.escape(following.written)}"
    found = re.search(joined.replace(r"\ ", space), text)
    return found is not None and len(found[0]) > length_limit(MAX_CHARACTERS, found[0])


def _is_one(before: list[PlacedSentence], sentence: Sentence) -> bool:
    """Whether the text before and after a [pause] is one sentence, or too short to be two."""
    written = [placed.sentence.written for placed in before]
    both = "".join(written) + sentence.written
    least = length_limit(24, both)
    ended = written[-1].rstrip(_CLOSERS).endswith(_ENDS)
    short = min(len("".join(written)), len(sentence.written)) < least
    return (short or not ended) and len(both) <= length_limit(MAX_CHARACTERS, both)


def _append(
    utterance: Utterance, sentence: Sentence, ids: np.ndarray, frames: int, config: ModelConfig
) -> tuple[Utterance, int]:
    """An utterance, a pause of `frames` and a further sentence; and the index of its first symbol."""
    first, start = len(utterance.ids) - 1, len(utterance.ids)
    while config.text.vocab[utterance.ids[first - 1]] in SILENT:
        first -= 1
    return replace(
        utterance,
        ids=np.concatenate(
            (utterance.ids, ids, utterance.ids[-1:])
        ),  # its last symbol, a pause, is the space
        pauses=(*utterance.pauses, InnerPause(first, start, frames), *sentence_pauses(sentence, start)),
    ), start
