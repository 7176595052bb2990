"""Choose the voice and the language of each text of an evaluation."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from ..errors import UserError
from ..pipeline import Pipeline
from ..sampling.options import GenerateOptions
from ..text.languages import LANGUAGES, check_language, find_code
from ..voices.selection import choose_voice
from ..voices.store import Voice, composed
from .dataset import TextItem


def choose_voices(
    pipeline: Pipeline, items: Sequence[TextItem], voice_options: GenerateOptions
) -> dict[str, Voice]:
    """The voice of each text, by the text's id.

    It is the voice of `voice_options` if they name one; else the text's own voice if the model has it; else
    the model's first for the language. A corpus may prefix a voice's name: `af_heart` finds `heart`.

    Args:
        pipeline: the model.
        items: the texts.
        voice_options: `voice`, `ref_audio` and `ref_text` are used.
    Raises:
        UserError: there is no such voice, or a model cannot speak the language of a text.
    """
    default = choose_voice(pipeline.folder, voice_options)
    voices = {item.id: default for item in items}
    if voice_options.voice is None and voice_options.ref_audio is None:
        by_name = {voice.name: voice for voice in pipeline.voices()}
        unknown, substitutes = set(), set()
        for item in items:
            name = composed(item.voice or "")
            own = by_name.get(name) or by_name.get(name.rpartition("_")[2])
            language = find_code(item.lang, default.language) or default.language
            voices[item.id] = own or choose_voice(pipeline.folder, GenerateOptions(lang=language))
            if item.voice and own is None:
                unknown.add(item.voice)
                substitutes.add(voices[item.id].name)
        if unknown:
            warnings.warn(
                f"the model has no voice {', '.join(sorted(unknown))}: "
                f"{' or '.join(sorted(substitutes))} speaks instead",
                stacklevel=2,
            )
    for item in items:
        code = choose_language(item, voices[item.id])
        try:
            check_language(code, pipeline.config.text.languages)
        except UserError as error:
            raise UserError(f"the text {item.id}: {error}") from error
    return voices


def own_iterations(pipeline: Pipeline, voices: Iterable[Voice]) -> set[int | None]:
    """The numbers of iterations that these voices speak with; None among them: the usual one."""
    names = {voice.name if voice.num_iter is not None else None for voice in voices}
    found: set[int | None] = {None} if None in names else set()
    for name in names - {None}:
        options = GenerateOptions(voice=name)
        reference, _ = pipeline.references.get(
            pipeline.folder, options, "", pipeline.config, pipeline.aligner
        )
        found.add(reference.num_iter)
    return found


def choose_language(item: TextItem, voice: Voice) -> str:
    """The language to speak a text in, one of LANGUAGES; "en" becomes the voice's accent of it."""
    code = find_code(item.lang, voice.language)
    if code is None:
        raise UserError(
            f"the text {item.id}: lang must be one of en, {', '.join(LANGUAGES)}, not {item.lang!r}"
        )
    return code
