"""The last references: each voice is read, transcribed and aligned once, not for every text."""

from __future__ import annotations

import os
from dataclasses import replace

from ..config import ModelConfig
from ..sampling.options import GenerateOptions
from ..text.tokenizer import Tokenizer
from .alignment import Align, onset_finder
from .reference import Reference, make_reference
from .selection import choose_voice, selection_key

KEPT = 16  # voices


class ReferenceCache:
    """The references of the last `KEPT` voices of one model."""

    def __init__(self) -> None:
        self._references: dict[tuple, tuple[Reference, str]] = {}  # the last used is last

    def get(
        self,
        folder: str | os.PathLike | None,
        options: GenerateOptions,
        text: str,
        config: ModelConfig,
        align: Align | None,
    ) -> tuple[Reference, str]:
        """The reference of the voice that `choose_voice` chooses, and the voice's language.

        A voice is read again only if one of its files has changed, so `config` and `align` must always be
        those of the same model.

        Raises:
            UserError: see `choose_voice` and `make_reference`.
        """
        key = selection_key(folder, options, text)
        found = self._references.pop(key, None)
        if found is None:
            voice = choose_voice(folder, options, text, onset_finder(config, align))
            symbols = voice.phonemes if config.text.kind == "phonemes" else voice.text
            ids = Tokenizer(config.text.kind, config.text.vocab).encode(symbols)
            # A voice's durations are those of its phonemes, all of them.
            known = config.text.kind == "phonemes" and len(ids) == len(symbols)
            reference = make_reference(voice.audio, ids, voice.durations if known else None, config, align)
            found = replace(reference, tempo=voice.tempo), voice.language
        self._references[key] = found
        if len(self._references) > KEPT:
            self._references.pop(next(iter(self._references)))
        return found
