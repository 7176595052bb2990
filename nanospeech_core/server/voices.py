"""The voices that a client can name: the model's, the user's, and OpenAI's names for them."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..text.language_detection import detect_language
from ..text.languages import base_language
from ..voices.store import Voice, composed, no_voice
from .errors import ApiError

# OpenAI's voices, which some clients insist on: each stands for an English and a Mandarin voice of ours.
ALIASES = {
    "alloy": ("heart", "xiaoxiao"),
    "ash": ("michael", "yunxi"),
    "ballad": ("george", "yunxi"),
    "cedar": ("michael", "yunxi"),
    "coral": ("heart", "xiaoxiao"),
    "echo": ("michael", "yunxi"),
    "fable": ("george", "yunxi"),
    "marin": ("emma", "xiaoxiao"),
    "nova": ("heart", "xiaoxiao"),
    "onyx": ("george", "yunxi"),
    "sage": ("emma", "xiaoxiao"),
    "shimmer": ("emma", "xiaoxiao"),
    "verse": ("michael", "yunxi"),
}


def find_voice_name(name: str | None, text: str, lang: str | None, voices: Sequence[Voice]) -> str | None:
    """The voice that a request means; None: the model's first for the language.

    A name is only compared with those of `voices`: nothing of a request becomes a path.

    Args:
        name: a voice's, or one of `ALIASES`; None: none is asked for.
        text: to be spoken: an alias has a voice for each language.
        lang: the language of the text, if the request says it.
        voices: all that there are.
    Raises:
        ApiError: there is no such voice.
    """
    languages = {voice.name: voice.language for voice in voices}
    name = None if name is None else composed(name)
    if name is None or name in languages:
        return name
    if name not in ALIASES:
        known = [*languages, *(alias for alias in ALIASES if alias not in languages)]
        message = str(UserError(no_voice(name, known)))  # without control characters of the name
        raise ApiError(message, param="voice", code="voice_not_found")
    default = voices[0].language if voices else "en-us"
    language = base_language(lang or detect_language(text, default))
    matching = (n for n in ALIASES[name] if base_language(languages.get(n, "")) == language)
    return next(matching, None)
