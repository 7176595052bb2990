"""One recording of a source, with the same field names for all sources."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from nanospeech_core.errors import UserError

# The names of a text as it is spoken (numbers as words). It goes before the text as it is written.
NORMALIZED = ("normalized", "normalized_text", "text_normalized", "normalised_text")
# Each field, and its names in data sets; the first that has a value counts.
FIELDS = {
    "text": (*NORMALIZED, "text", "transcription", "transcript", "sentence"),
    "voice": ("voice", "speaker", "speaker_id", "speaker_name", "client_id"),
    "lang": ("lang", "language", "locale"),
    "audio": (
        *("audio", "path", "file", "file_name", "filename", "audio_file", "audio_path", "audio_filepath"),
        *("file_path", "wav", "wav_path", "wav_filename"),
    ),
    "id": ("id", "key", "utt", "utt_id", "utterance", "utterance_id"),
}
KNOWN = frozenset(itertools.chain(*FIELDS.values()))
KEPT = ("phonemes", "durations", "duration_unit", "source")


@dataclass(frozen=True)
class Recording:
    """One recording with its text, as the source has it."""

    id: str
    audio: bytes | str = b""  # an audio file's content, or its path
    meta: dict = field(default_factory=dict)
    problem: str = ""  # why it cannot be used, if the source already shows it
    detail: str = ""
    file: str = ""  # the audio file's name, for people
    default_voice: str = ""  # of a folder of one speaker, where neither the source nor the user names one
    unused: tuple[str, ...] = ()  # what the source has of it beside that, such as 'column "age"'


@dataclass(frozen=True)
class Remark:
    """In the stream of recordings: how an input was understood, or what of it is no recording."""

    text: str
    unused: int = 0  # how many of `text` are not used; 0: the text says how the input was understood


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


def unused_keys(meta: dict) -> tuple[str, ...]:
    """The keys of a json whose values `canonical` drops; names of the recording do not count."""
    known = {*KEPT, *FIELDS["id"], *FIELDS["audio"], "samples", "suffix"}
    for name in ("text", "voice", "lang"):
        value = first(meta, name)
        chosen = next((alias for alias in FIELDS[name] if str(meta.get(alias)) == value), "")
        known |= {alias for alias in FIELDS[name] if str(meta.get(alias)) == value}
        if chosen in NORMALIZED:  # the text as it is written is not needed then
            known |= {alias for alias in FIELDS["text"] if alias not in NORMALIZED}
    return tuple(key for key, value in meta.items() if key not in known and value not in (None, "", [], {}))


def one_line(error: Exception) -> str:
    """An error in one line; its type if it has no message."""
    return " ".join((str(error) or type(error).__name__).split())
