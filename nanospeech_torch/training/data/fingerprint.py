"""What a run's data are: compared when it is resumed, so that no run goes on with other people's voices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from nanospeech_core.audio.mel import SAMPLE_RATE

from .corpus import IndexEntry

SHOWN = 3  # keys of held-out utterances in a message


def fingerprint(used: Sequence[bytes], held_out: Sequence[bytes], samples: int) -> dict:
    """A summary of data, as JSON has it; equal for equal data in any order.

    Args:
        used: what tells each utterance from others, see `entry_bytes`; held-out ones too.
        held_out: the same of the held-out ones.
        samples: of all utterances, at 24 kHz.
    """
    return {
        "utterances": len(used),
        "hours": samples / SAMPLE_RATE / 3600,
        "digest": digest(used),
        "held_out": len(held_out),
        "held_out_digest": digest(held_out),
    }


def fingerprint_entries(held_out: Sequence[IndexEntry], training: Sequence[IndexEntry]) -> dict:
    """The `fingerprint` of a corpus. Where its shards are, and how its audio is encoded, does not matter."""
    entries = [*held_out, *training]
    return fingerprint(
        [entry_bytes(entry) for entry in entries],
        [entry_bytes(entry) for entry in held_out],
        sum(entry.samples for entry in entries),
    )


def entry_bytes(entry: IndexEntry) -> bytes:
    """Key, voice, text, length, symbols and durations of an utterance."""
    durations = b"" if entry.durations is None else entry.durations.tobytes()
    words = f"{entry.key}\0{entry.voice}\0{entry.text}\0{entry.samples}\0".encode("utf-8", "surrogatepass")
    return words + entry.ids.tobytes() + b"\0" + durations


def digest(parts: Iterable[bytes]) -> str:
    """A checksum that does not depend on the order of the parts."""
    total = hashlib.sha256()
    for part in sorted(hashlib.sha256(part).digest() for part in parts):
        total.update(part)
    return total.hexdigest()[:32]


def describe_held_out(keys: Sequence[str], samples: int, setting: str) -> str:
    """A line that tells which utterances are held out, and by which setting."""
    if not keys:
        return f"nothing is held out ({setting} = 0): no validation and no samples of held-out speech"
    names = ", ".join(sorted(keys)[:SHOWN]) + ", ..." * (len(keys) > SHOWN)
    minutes = samples / SAMPLE_RATE / 60
    return f"held out for validation and not trained on: {len(keys)}, {minutes:.1f} min ({names}; {setting})"
