"""The last references: each voice is read, transcribed and aligned once, not for every text."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

from ..config import ModelConfig
from ..sampling.options import GenerateOptions
from ..text.tokenizer import Tokenizer
from .alignment import Aligner, onset_finder
from .reference import Reference, make_reference
from .selection import choose_voice, selection_key
from .speech_check import text_checker
from .store import voice_names

KEPT = 16  # voices


class ReferenceCache:
    """The references of the last `KEPT` voices of one model. Threads may share it; a copy is empty."""

    def __init__(self) -> None:
        self._references: dict[tuple, tuple[Reference, str]] = {}  # the last used is last
        self._lock = threading.Lock()  # of the two dicts
        self._preparing: dict[tuple, threading.Lock] = {}  # held while that voice is being read

    def __reduce__(self) -> tuple:  # locks cannot be copied
        return ReferenceCache, ()

    def get(
        self,
        folder: str | os.PathLike | None,
        options: GenerateOptions,
        text: str,
        config: ModelConfig,
        aligner: Aligner | None,
    ) -> tuple[Reference, str]:
        """The reference of the voice that `choose_voice` chooses, and the voice's language.

        A voice is read again only if one of its files has changed, so `config` and `aligner` must always be
        those of the same model. If several threads want a new voice, one reads it and the others wait for it.

        Raises:
            UserError: see `choose_voice` and `make_reference`.
        """
        key = selection_key(folder, options, text)
        found = self._find(key)
        if found is not None:
            return found
        with self._lock:
            preparing = self._preparing.setdefault(key, threading.Lock())
        with preparing:
            try:
                found = self._find(key)
                if found is None:
                    found = self._read(folder, options, text, config, aligner)
                    self._keep(key, found)
            finally:
                with self._lock:
                    self._preparing.pop(key, None)
        return found

    @staticmethod
    def _read(
        folder: str | os.PathLike | None,
        options: GenerateOptions,
        text: str,
        config: ModelConfig,
        aligner: Aligner | None,
    ) -> tuple[Reference, str]:
        find_onsets, fits = onset_finder(config, aligner), text_checker(config, aligner)
        voice = choose_voice(folder, options, text, find_onsets, fits)
        symbols = voice.phonemes if config.text.kind == "phonemes" else voice.text
        ids = Tokenizer(config.text.kind, config.text.vocab).encode(symbols)
        # A voice's durations are those of its phonemes, all of them.
        known = config.text.kind == "phonemes" and len(ids) == len(symbols)
        reference = make_reference(voice.audio, ids, voice.durations if known else None, config, aligner)
        own = folder is not None and voice.name in voice_names(folder)  # made with this model
        number = voice.num_iter if own else None
        return replace(reference, tempo=voice.tempo, num_iter=number), voice.language

    def _find(self, key: tuple) -> tuple[Reference, str] | None:
        """A kept reference, which is then the last used one."""
        with self._lock:
            found = self._references.pop(key, None)
            if found is not None:
                self._references[key] = found
        return found

    def _keep(self, key: tuple, reference: tuple[Reference, str]) -> None:
        with self._lock:
            self._references[key] = reference
            if len(self._references) > KEPT:
                del self._references[next(iter(self._references))]
