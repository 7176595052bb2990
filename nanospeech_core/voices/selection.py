"""The voice that the options name, read, transcribed and aligned once, not for every text."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from glob import escape, glob
from pathlib import Path

import numpy as np

from ..audio.mel import SAMPLE_RATE, log_mel
from ..config import ModelConfig
from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..sampling.prompt import with_pauses
from ..text.tokenizer import LANGUAGES, Tokenizer, language_of
from .alignment import boundaries, lag
from .recording import Locate, voice_from_reference
from .reference import Reference, make_reference
from .store import Voice, find_voice, list_voices, user_folder, voices_folder

# Log-mel [frames, mel_dim] and ids -> frames of each, see `make_reference`.
Align = Callable[[np.ndarray, np.ndarray], np.ndarray]
KEPT = 16  # voices


class References:
    """The last voices that were spoken in: each is read, transcribed and aligned once, not for every text."""

    def __init__(self) -> None:
        self._kept: dict[tuple, tuple[Reference, str]] = {}

    def find(
        self,
        folder: str | os.PathLike | None,
        options: GenerateOptions,
        text: str,
        config: ModelConfig,
        align: Align | None,
    ) -> tuple[Reference, str]:
        """What `choose_voice` chooses, as a model takes it, and the voice's language.

        Read anew only when a file has changed; so `config` and `align` are always those of one model.
        """
        key = _what_chooses(folder, options, text)
        found = self._kept.pop(key, None)
        if found is None:
            voice = choose_voice(folder, options, text, locator(config, align))
            said = voice.phonemes if config.text.kind == "phonemes" else voice.text
            ids = Tokenizer(config.text.kind, config.text.vocab).encode(said)
            # A voice's durations are those of its phonemes, all of them.
            known = config.text.kind == "phonemes" and len(ids) == len(said)
            reference = make_reference(voice.audio, ids, voice.durations if known else None, config, align)
            found = replace(reference, tempo=voice.tempo), voice.language
        self._kept[key] = found  # the last to be forgotten
        if len(self._kept) > KEPT:
            self._kept.pop(next(iter(self._kept)))
        return found


def _what_chooses(folder: str | os.PathLike | None, options: GenerateOptions, text: str) -> tuple:
    """All that `choose_voice` goes by; of files the time of their last change."""
    if options.ref_audio is not None:
        files = [Path(options.ref_audio)]
        how = (options.ref_text, options.ref_asr, options.lang)
    else:
        folders = [Path(place, "voices") for place in (voices_folder(folder), user_folder())]
        # Not Path.glob: what may not be read is no error yet.
        files = [Path(file) for place in folders for file in glob(os.path.join(escape(str(place)), "*"))]
        files = [file for file in files if options.voice in (None, file.stem)]
        told = [language_of(text, default) for default in LANGUAGES]
        how = None if options.voice is not None else (options.lang, *told)
    changed = tuple(sorted((str(file), file.stat().st_mtime_ns) for file in files if os.path.isfile(file)))
    return options.voice, how, changed


def choose_voice(
    folder: str | os.PathLike | None,
    options: GenerateOptions,
    text: str = "",
    locate: Locate | None = None,
) -> Voice:
    """The recording of `ref_audio`, or a voice: the named one, of those that `voices_folder` has or of the
    user's own; else the first that speaks the language of `text`, the default one before the others and a
    near accent before none.

    locate: as `voice_from_reference` takes it.
    """
    if options.ref_audio is not None:
        return voice_from_reference(
            options.ref_audio, options.ref_text, options.lang, options.ref_asr, locate
        )
    folder = voices_folder(folder)
    if options.voice is not None:
        return find_voice(folder, options.voice)
    voices = list_voices(folder)
    if not voices:
        raise UserError("this model has no voices; give it one by --ref-audio")
    language = options.lang or language_of(text, voices[0].language)
    return min(voices, key=lambda v: (v.language != language, (v.language == "zh") != (language == "zh")))


def locator(config: ModelConfig, align: Align | None) -> Locate | None:
    """What tells when each phoneme of a recording begins, by the checkpoint's aligner; None without one."""
    if align is None or config.text.kind != "phonemes":
        return None
    place = {symbol: index for index, symbol in enumerate(config.text.vocab)}

    def locate(wave: np.ndarray, phonemes: str) -> np.ndarray:
        ids = np.array([place.get(symbol, -1) for symbol in phonemes], dtype=np.int64)
        frames = align(log_mel(wave), with_pauses(ids, config))
        return boundaries(frames, len(wave), lag(config)) / SAMPLE_RATE

    return locate
