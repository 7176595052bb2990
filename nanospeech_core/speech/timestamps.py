"""Timestamp files: JSON with words and phones, SubRip, WebVTT. The times come from `assembly`."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..system.files import check_writable, replacing
from ..text.sentences import length_limit
from .speech import Speech, Word

SUFFIXES = (".json", ".srt", ".vtt")
CUE_CHARACTERS = 60  # at most, in a subtitle; a third of it in Chinese
_PAUSES = tuple(",.!?;:…—，。！？；：、)”」』》")


def check_timestamps(path: str | os.PathLike) -> None:
    """Raise UserError if `write_timestamps` cannot succeed. Called before minutes of work."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise UserError(f"cannot write {path}: the suffix must be one of {', '.join(SUFFIXES)}")
    check_writable(path)


def write_timestamps(path: str | os.PathLike, speeches: Sequence[Speech]) -> None:
    """Write the time of each word, in the format of the suffix.

    Args:
        path: .json, .srt or .vtt. WebVTT has a time before each word, JSON also its phones.
        speeches: of `Nanospeech.speak`; chunks without a text are skipped.
    Raises:
        UserError: the suffix is unknown, the file cannot be written, or the model has no durations.
    """
    check_timestamps(path)
    speeches = [speech for speech in speeches if speech.text]
    if any(not speech.phones for speech in speeches):
        raise no_times()
    text = {".json": as_json, ".srt": as_srt, ".vtt": as_vtt}[Path(path).suffix.lower()](speeches)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def no_times() -> UserError:
    return UserError("this model has no durations, which --timestamps needs")


def as_json(speeches: Sequence[Speech]) -> str:
    """`as_dict`, as JSON."""
    return json.dumps(as_dict(speeches), ensure_ascii=False, indent=1) + "\n"


def as_dict(speeches: Sequence[Speech]) -> dict:
    """{duration, sentences: [{text, start, end, words: [{text, start, end, phones: [...]}]}]}, in seconds."""

    def entry(part, **more) -> dict:
        return {"text": part.text, "start": round(part.start, 6), "end": round(part.end, 6), **more}

    sentences = [
        entry(speech, words=[entry(word, phones=[*map(entry, word.phones)]) for word in speech.words])
        for speech in speeches
    ]
    duration = round(speeches[-1].end, 6) if speeches else 0.0
    return {"duration": duration, "sentences": sentences}


def as_srt(speeches: Sequence[Speech]) -> str:
    """SubRip: numbered cues."""
    blocks = []
    for number, (text, words) in enumerate(cues(speeches), 1):
        times = f"{_clock(words[0].start, ',')} --> {_clock(words[-1].end, ',')}"
        blocks.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


def as_vtt(speeches: Sequence[Speech]) -> str:
    """WebVTT: cues with a timestamp before each word but the first."""
    blocks = ["WEBVTT\n"]
    for text, words in cues(speeches):
        marked, end = "", 0
        for i, word in enumerate(words):
            start = text.index(word.text, end)
            stamp = f"<{_clock(word.start, '.')}>" if i else ""
            marked += html.escape(text[end:start], False) + stamp + html.escape(word.text, False)
            end = start + len(word.text)
        marked += html.escape(text[end:], False)
        blocks.append(f"{_clock(words[0].start, '.')} --> {_clock(words[-1].end, '.')}\n{marked}\n")
    return "\n".join(blocks)


def cues(speeches: Sequence[Speech]) -> list[tuple[str, list[Word]]]:
    """Subtitles: sentences; long ones are cut between words, preferably after a mark."""
    result = []
    for speech in speeches:
        limit = length_limit(CUE_CHARACTERS, speech.text)
        places, end = [], 0
        for word in speech.words:
            start = speech.text.index(word.text, end)
            end = start + len(word.text)
            places.append((start, end))
        first = 0
        while first < len(places):
            fitting = [k for k in range(first, len(places)) if places[k][1] - places[first][0] <= limit]
            last = fitting[-1] if fitting else first
            if last + 1 < len(places):
                marks = [
                    k
                    for k in fitting
                    if speech.words[k].text.endswith(_PAUSES) and places[k][1] - places[first][0] >= limit / 3
                ]
                last = marks[-1] if marks else last
            text = speech.text[places[first][0] : places[last][1]]
            result.append((" ".join(text.split()), list(speech.words[first : last + 1])))
            first = last + 1
    return result


def _clock(seconds: float, point: str) -> str:
    whole = round(seconds * 1000)
    minutes, milliseconds = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"
