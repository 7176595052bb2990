"""The text front end: from a text and the options to utterances in symbol ids and a reference."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..system.lazy import LazySequence
from ..text.checks import check_text, nothing_to_speak
from ..text.document import Document, Settings
from ..text.language_detection import ALPHABETIC, detect_language
from ..text.languages import base_language, check_language
from ..text.pronunciation.lexicon import open_lexicon
from ..text.pronunciation.markup import read_markup
from ..text.sentences import split_sentences
from ..text.ssml.reader import read_ssml
from ..text.ssml.xml import is_ssml
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
        text: any length; it may have markup (`text.pronunciation.markup`) or be SSML (`text.ssml`).
        config: the model's.
        folder: the checkpoint's folder, which has its voices; None: no folder.
        options: checked ones; voice, ref_audio, ref_text, lang and lexicon are read here.
        aligner: finds the durations of a voice that has none, see `make_reference`.
        references: a cache of voices that were used before.
    Raises:
        UserError: the voice is unknown or broken, the model does not speak a language that is named, or the
            text cannot be spoken.
    """
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    check_language(options.lang, config.text.languages)
    document = read_document(check_text(text), tokenizer, options)
    _check_languages(document, config)
    cache, plain = references or ReferenceCache(), document.plain
    _check_voices(document, folder)
    passages = document.passages() or [(Settings(), document)]

    @functools.cache
    def find_voice(settings: Settings) -> tuple[Reference, str]:
        own = _with_voice(options, settings, document.language)
        return cache.get(folder, own, plain, config, aligner)

    def find(settings: Settings, spoken: str) -> tuple[Reference, str]:
        reference, language = find_voice(settings._replace(rate=1.0, language=None))
        chosen = settings.language or options.lang or _with_accent(document.language, language)
        default = language if base_language(language) in config.text.languages else ALPHABETIC
        return reference, chosen or detect_language(spoken, default, config.text.languages)

    def read() -> Iterator[Iterator[Utterance]]:
        for settings, passage in passages:
            reference, language = find(settings, passage.plain)
            sentences = tokenizer.read(passage, language, max_characters(config))
            spoken = functools.partial(replace, reference=reference, rate=settings.rate)
            yield map(spoken, make_utterances(sentences, config))

    reference, language = find(Settings(), plain)
    alone = len(passages) == 1  # then nothing is to be joined, and the first utterance is ready sooner
    utterances = LazySequence(chain.from_iterable(read()) if alone else joined_passages(read()))
    if not utterances:
        raise nothing_to_speak(text)
    return PreparedText(reference, utterances, language)


def read_document(
    text: str,
    tokenizer: Tokenizer,
    options: GenerateOptions,
    report: Callable[[str], object] = warnings.warn,
) -> Document:
    """A checked text in SSML or with markup. Raises UserError, see `read_ssml` and `read_markup`."""
    lexicon = open_lexicon(options.lexicon, tokenizer.ids)
    if is_ssml(text):
        return read_ssml(text, tokenizer, lexicon, options.lang, report)
    return read_markup(text, tokenizer, lexicon)


def _check_languages(document: Document, config: ModelConfig) -> None:
    """Raise UserError if the text itself names a language that the model does not speak."""
    settings = [part for part in document.parts if isinstance(part, Settings)]
    named = [document.language, *(code for part in settings for code in (part.language, part.voice_language))]
    for language in filter(None, named):
        check_language(language, config.text.languages)


def _with_voice(options: GenerateOptions, settings: Settings, language: str | None) -> GenerateOptions:
    """The options that choose a voice. language: of the document, if it says so."""
    if settings.voice is not None:
        return replace(options, voice=settings.voice, ref_audio=None, ref_text=None, ref_asr=None)
    if settings.voice_language is not None:
        lang = settings.voice_language
        return replace(options, voice=None, ref_audio=None, ref_text=None, ref_asr=None, lang=lang)
    if options.voice is None and options.ref_audio is None and options.lang is None and language is not None:
        return replace(options, lang=language)
    return options


def _with_accent(language: str | None, voice: str) -> str | None:
    """A language in the accent of the voice, if the voice speaks it."""
    same = language is not None and base_language(language) == base_language(voice)
    return voice if same else language


def check_options(config: ModelConfig, folder: str | os.PathLike | None, options: GenerateOptions) -> None:
    """Raise UserError for a lexicon or a name of a voice that `prepare_text` would refuse.

    folder: the checkpoint's, as for `prepare_text`.
    """
    open_lexicon(options.lexicon, Tokenizer(config.text.kind, config.text.vocab).ids)
    if options.voice is not None:
        find_voice_folder(voices_folder(folder), options.voice)


def check_texts(
    texts: Sequence[str],
    names: Sequence[str],
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
) -> None:
    """Raise UserError for options (`check_options`) and, with its name, for a text (`check_speakable`) that
    `prepare_text` would refuse.
    """
    check_options(config, folder, options)
    for text, name in zip(texts, names, strict=True):
        check_speakable(text, name, config, folder, options)


def check_speakable(
    text: str,
    name: str,
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
) -> None:
    """Raise UserError, with its name, for a text that `prepare_text` would refuse.

    This is fast because it makes no phonemes. So one error is left to `prepare_text`: the vocabulary has none
    of a text's phonemes.

    options: accepted by `check_options`.
    """
    check_text(text, name)
    tokenizer = Tokenizer(config.text.kind, config.text.vocab, report=_ignore)
    try:
        check_language(options.lang, config.text.languages)
        document = read_document(text, tokenizer, options, _ignore)
        _check_languages(document, config)
        _check_voices(document, folder)
        language = options.lang or document.language or detect_language(document.plain)
        given = document.given
        pieces = (piece for part in document.texts for piece in split_sentences(part, language))
        if not any(tokenizer.spoken(piece.written, language, given).text for piece in pieces):
            raise nothing_to_speak(text)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def _check_voices(document: Document, folder: str | os.PathLike | None) -> None:
    """Raise UserError for a voice in a text that is not there: now, not after minutes of speech."""
    named = (part.voice for part in document.parts if isinstance(part, Settings))
    for voice in dict.fromkeys(voice for voice in named if voice is not None):
        find_voice_folder(voices_folder(folder), voice)


def _ignore(message: str) -> None:
    """Report nothing: `prepare_text` will."""
