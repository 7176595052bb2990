"""The text front end: from a text and the options to utterances in symbol ids and a reference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..system.lazy import LazySequence
from ..text.checks import check_text, nothing_to_speak
from ..text.language_detection import detect_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.pronunciation.markup import read_markup
from ..text.sentences import split_sentences
from ..text.tokenizer import Tokenizer
from ..voices.alignment import Aligner
from ..voices.reference import Reference
from ..voices.reference_cache import ReferenceCache
from .utterances import Utterance, make_utterances, max_characters


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
    plain = document.plain
    reference, voice_language = (references or ReferenceCache()).get(folder, options, plain, config, aligner)
    language = options.lang or detect_language(plain, voice_language)
    sentences = tokenizer.read(document, language, max_characters(config))
    utterances = LazySequence(make_utterances(sentences, config))
    if not utterances:
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
            language, given = options.lang or detect_language(document.plain), document.given
            pieces = (piece for part in document.texts for piece in split_sentences(part, language))
            if not any(tokenizer.spoken(piece.written, language, given).text for piece in pieces):
                raise nothing_to_speak(text)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
