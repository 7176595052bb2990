"""One recording of a source, with the same field names for all sources."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanospeech_core.errors import UserError

# Each field, and its names in data sets; the first that has a value counts.
FIELDS = {
    "text": (
        *("normalized", "normalized_text", "text_normalized", "normalised_text"),
        *("text", "transcription", "transcript", "sentence"),
    ),
    "voice": ("voice", "speaker", "speaker_id", "speaker_name", "client_id"),
    "lang": ("lang", "language", "locale"),
    "audio": (
        *("audio", "path", "file", "file_name", "filename", "audio_file", "audio_path", "audio_filepath"),
        *("file_path", "wav", "wav_path"),
    ),
    "id": ("id", "key", "utt", "utterance", "utterance_id"),
}
KEPT = ("phonemes", "durations", "duration_unit", "source")


@dataclass(frozen=True)
class Recording:
    """One recording with its text, as the source has it."""

    id: str
    audio: bytes | str = b""  # an audio file's content, or its path
    meta: dict = field(default_factory=dict)
    problem: str = ""  # why it cannot be used, if the source already shows it
    detail: str = ""


class Damaged(Exception):
    """The reason why an input cannot be read further."""


class Reject(Exception):
    """A recording must be left out: (reason, detail)."""


class MissingRequirement(UserError):
    """Something that all recordings need is missing: an aligner or a phonemizer."""


def first(meta: dict, name: str) -> str:
    """The value of one of FIELDS in a json, as text; "" if it has none."""
    for alias in FIELDS[name]:
        value = meta.get(alias)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return ""


def canonical(meta: dict) -> dict:
    """The json of any data set with the names of FIELDS."""
    result = {name: first(meta, name) for name in ("text", "voice", "lang")}
    return {**result, **{name: meta[name] for name in KEPT if meta.get(name) is not None}}


def one_line(error: Exception) -> str:
    """An error in one line; its type if it has no message."""
    return " ".join((str(error) or type(error).__name__).split())
