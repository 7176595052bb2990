"""One utterance as its source has it, by names that are the same for all sources."""

from __future__ import annotations

from dataclasses import dataclass, field

# Our name of a field, and what data sets call it; the first that says something counts.
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
    """One utterance as its source has it."""

    id: str
    audio: bytes | str = b""  # an audio file's content, or its path
    meta: dict = field(default_factory=dict)
    problem: str = ""  # why it cannot be used, where the source already shows that
    detail: str = ""


class Damaged(Exception):
    """Why an input cannot be read further."""


def first(meta: dict, name: str) -> str:
    """What a json says of one of FIELDS, as text; "" where it says nothing."""
    for alias in FIELDS[name]:
        value = meta.get(alias)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return ""


def canonical(meta: dict) -> dict:
    """A json of any data set by our names."""
    result = {name: first(meta, name) for name in ("text", "voice", "lang")}
    return {**result, **{name: meta[name] for name in KEPT if meta.get(name) is not None}}


def one_line(error: Exception) -> str:
    """An error in one line; its kind, where it says nothing."""
    return " ".join((str(error) or type(error).__name__).split())
