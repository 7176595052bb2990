"""Which voice speaks: the recording or the voice that the options name, or the model's for the language."""

from __future__ import annotations

import itertools
import os
from glob import escape, glob
from pathlib import Path

from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..text.language_detection import detect_language
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
    if options.ref_audio is not None:
        files = [Path(options.ref_audio)]
        depends_on = (options.ref_text, options.ref_asr, options.lang)
    else:
        folders = [Path(place, "voices") for place in (voices_folder(folder), user_folder())]
        # Not Path.glob, which raises for a folder that may not be read: that is no error yet.
        files = [Path(file) for place in folders for file in glob(os.path.join(escape(str(place)), "*"))]
        name = None if options.voice is None else composed(options.voice)
        files = [file for file in files if name in (None, composed(file.stem))]
        detected = [detect_language(text, *known) for known in itertools.product(LANGUAGES, ((), LANGUAGES))]
        depends_on = None if options.voice is not None else (options.lang, *detected)
    changed = tuple(sorted((str(file), file.stat().st_mtime_ns) for file in files if os.path.isfile(file)))
    return options.voice, depends_on, changed
