"""The text front end: from a text and the options to utterances in symbol ids and a reference."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..system.lazy import LazySequence
from ..text.checks import check_text, nothing_to_speak
from ..text.document import Settings
from ..text.language_detection import detect_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.pronunciation.markup import read_markup
from ..text.sentences import split_sentences
from ..text.tokenizer import Tokenizer
from ..voices.alignment import Aligner
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache
from ..voices.store import find_voice_folder, voices_folder
from .utterances import Utterance, joined_passages, make_utterances, max_characters


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
    aligner: Aligner | None = None,
    references: ReferenceCache | None = None,
) -> PreparedText:
    """Prepare the voice that the options name, and split, phonemize and encode a text, sentence by sentence.

    Args:
        text: any length; it may have pauses and phonemes, see `text.pronunciation.markup`.
        config: the model's.
        folder: the checkpoint's folder, which has its voices; None: no folder.
        options: checked ones; voice, ref_audio, ref_text, lang and lexicon are read here.
        aligner: finds the durations of a voice that has none, see `make_reference`.
        references: a cache of voices that were used before.
    Raises:
        UserError: the voice is unknown or broken, or the text cannot be spoken.
    """
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    document = read_markup(check_text(text), tokenizer, open_lexicon(options.lexicon, tokenizer.ids))
    cache, plain = references or ReferenceCache(), document.plain
    for part in document.parts:
        if isinstance(part, Settings) and part.voice is not None:
            find_voice_folder(voices_folder(folder), part.voice)  # an error now, not after minutes of speech

    passages = document.passages() or [(Settings(), document)]

    def find(settings: Settings, spoken: str) -> tuple[Reference, str]:
        own = options if settings.voice is None else _with_voice(options, settings.voice)
        reference, language = cache.get(folder, own, plain, config, aligner)
        return reference, options.lang or detect_language(spoken, language)

    def read() -> Iterator[Utterance]:
        for settings, passage in passages:
            reference, language = find(settings, passage.plain)
            sentences = tokenizer.read(passage, language, max_characters(config))
            for utterance in make_utterances(sentences, config):
                yield replace(utterance, reference=reference, rate=settings.rate)

    reference, language = find(Settings(), plain)
    utterances = LazySequence(read() if len(passages) == 1 else joined_passages(read()))
    if not utterances:
        raise nothing_to_speak(text)
    return PreparedText(reference, utterances, language)


def _with_voice(options: GenerateOptions, voice: str) -> GenerateOptions:
    return replace(options, voice=voice, ref_audio=None, ref_text=None, ref_asr=None)


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
            language, given = options.lang or detect_language(document.plain), document.given
            pieces = (piece for part in document.texts for piece in split_sentences(part, language))
            if not any(tokenizer.spoken(piece.written, language, given).text for piece in pieces):
                raise nothing_to_speak(text)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
