"""From a text and the options to ids and a reference: everything about speaking that needs no framework."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .config import ModelConfig
from .errors import UserError
from .options import GenerateOptions
from .prompt import Reference, make_reference, with_pauses
from .text import Tokenizer, language_of
from .voices import Voice, list_voices, load_voice, voice_from_reference, voices_folder


@dataclass(frozen=True)
class Script:
    """A text, ready to be spoken sentence by sentence."""

    reference: Reference
    sentences: list[np.ndarray]  # int64 [symbols] each, with pauses where the model has durations


def read_script(
    text: str,
    config: ModelConfig,
    folder: str | os.PathLike | None,
    options: GenerateOptions,
    align: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Script:
    """Split, phonemize and encode a text, and prepare the voice that `options` name.

    Args:
        text: any length.
        config: the model's.
        folder: the checkpoint's, where its voices are; None: it has none.
        options: of which voice, ref_audio, ref_text and lang are read here.
        align: of a voice whose durations are not known, see `make_reference`.
    Raises:
        UserError: an option is out of range, the voice is unknown or broken, the text cannot be spoken.
    """
    options.check()
    voice = choose_voice(folder, options, text)
    tokenizer = Tokenizer(config.text.kind, config.text.vocab)
    said = voice.phonemes if config.text.kind == "phonemes" else voice.text
    ids = tokenizer.encode(said)
    # A voice's durations are those of its phonemes, all of them.
    known = config.text.kind == "phonemes" and len(ids) == len(said)
    reference = make_reference(voice.audio, ids, voice.durations if known else None, config, align)
    reference = replace(reference, tempo=voice.tempo)
    language = options.lang or language_of(text, voice.language)
    sentences = [tokenizer.encode(s.symbols).astype(np.int64) for s in tokenizer.sentences(text, language)]
    if config.text.alignment == "durations":
        sentences = [with_pauses(ids, config) for ids in sentences]
    return Script(reference, sentences)


def choose_voice(folder: str | os.PathLike | None, options: GenerateOptions, text: str = "") -> Voice:
    """The recording of `ref_audio`, or a voice as `voices_folder` has them: the named one, else the first
    that speaks the language of `text`, the default one before the others and a near accent before none.
    """
    if options.ref_audio is not None:
        return voice_from_reference(
            options.ref_audio, options.ref_text, options.lang or language_of(options.ref_text)
        )
    folder = voices_folder(folder)
    if options.voice is not None:
        return load_voice(folder, options.voice)
    voices = list_voices(folder)
    if not voices:
        raise UserError("this model has no voices; give it one by --ref-audio and --ref-text")
    language = options.lang or language_of(text, voices[0].language)
    return min(voices, key=lambda v: (v.language != language, (v.language == "zh") != (language == "zh")))
