"""Which voice speaks: the recording or the voice that the options name, or the model's for the language."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..text.language_detection import CHINESE, detect_language
from ..text.languages import LANGUAGES, base_language
from .alignment import FindOnsets
from .recording import voice_from_recording
from .speech_check import FitsText
from .store import Voice, composed, find_voice, list_voices, user_folder, voices_folder


def choose_voice(
    folder: str | os.PathLike | None,
    options: GenerateOptions,
    text: str = "",
    find_onsets: FindOnsets | None = None,
    fits: FitsText | None = None,
) -> Voice:
    """The voice that speaks a text.

    That is the recording of `ref_audio`; else the voice that `options` name, the model's or the user's; else
    the model's first voice in the language of the text, the default voice before the others. A voice with
    another accent comes before one in another language.

    Args:
        folder: the checkpoint's, see `voices_folder`.
        options: voice, ref_audio, ref_text, ref_asr and lang are read.
        text: to be spoken.
        find_onsets, fits: see `voice_from_recording`.
    Raises:
        UserError: there is no such voice, its files are broken, or the recording cannot be used.
    """
    if options.ref_audio is not None:
        return voice_from_recording(
            options.ref_audio, options.ref_text, options.lang, options.ref_asr, find_onsets, fits=fits
        )
    folder = voices_folder(folder)
    if options.voice is not None:
        return find_voice(folder, options.voice)
    voices = list_voices(folder)
    if not voices:
        raise UserError("this model has no voices: use --ref-audio")
    spoken = [base_language(voice.language) for voice in voices]
    language = options.lang or detect_language(text, voices[0].language, spoken)

    def distance(voice: Voice) -> tuple[bool, bool]:
        return voice.language != language, base_language(voice.language) != base_language(language)

    return min(voices, key=distance)


def selection_key(folder: str | os.PathLike | None, options: GenerateOptions, text: str) -> tuple:
    """Everything that `choose_voice` depends on, to look its result up; of files, the time of last change."""
    depends_on: tuple | None
    changed: tuple[tuple[str, int], ...]
    if options.ref_audio is not None:
        file = os.path.abspath(options.ref_audio)
        changed = ((file, os.stat(file).st_mtime_ns),) if os.path.isfile(file) else ()
        depends_on = (options.ref_text, options.ref_asr, options.lang)
    else:
        name = None if options.voice is None else composed(options.voice)
        places = [os.path.join(place, "voices") for place in (voices_folder(folder), user_folder())]
        changed = tuple(sorted(file for place in places for file in _changes(place, name)))
        depends_on = None
        if options.voice is None:  # where the text is in letters, it may be the language of the first voice
            detected = (
                detect_language(text),
                detect_language(text, CHINESE),
                detect_language(text, spoken=LANGUAGES),
            )
            depends_on = options.lang, *detected
    return options.voice, depends_on, changed


def _changes(folder: str, name: str | None) -> Iterator[tuple[str, int]]:
    """The files of a voice (None: of all) in a folder and when they changed; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                named = name is None or composed(os.path.splitext(entry.name)[0]) == name
                if named and not entry.name.startswith(".") and entry.is_file():
                    yield entry.path, entry.stat().st_mtime_ns
    except OSError:  # it is no error yet
        return
