"""Chapters cut into passages: what is spoken and kept as one file, a few minutes long."""

from __future__ import annotations

import re

from .book import has_words

LONGEST = 2000  # characters, if paragraphs allow it: two minutes, about 30 s of work on one core
_SETTING = re.compile(r"[\[［]\s*(voice|rate)\s*[:：][^\[\]［］\n]*[\]］](?!\()", re.IGNORECASE)


def split_passages(text: str, longest: int = LONGEST) -> list[str]:
    """Cut a chapter between paragraphs. A passage begins with the [voice: ...] and [rate: ...] then in force.

    Args:
        text: paragraphs separated by blank lines.
        longest: characters of a passage; one paragraph may be longer, up to ten times, and
            is then cut between sentences.
    """
    passages: list[str] = []
    settings: dict[str, str] = {}
    begun: list[str] = []
    opening = ""  # the settings at the beginning of the passage
    for paragraph in _paragraphs(text, 10 * longest):
        if sum(map(len, begun)) + len(paragraph) > longest and has_words("\n\n".join(begun)):
            passages.append(opening + "\n\n".join(begun))
            begun, opening = [], "".join(settings.values())
        begun.append(paragraph)
        settings |= {match[1].lower(): match[0] for match in _SETTING.finditer(paragraph)}
    last = opening + "\n\n".join(begun)
    if has_words("\n\n".join(begun)) or not passages:
        passages.append(last)
    else:  # only a pause is left
        passages[-1] += "\n\n" + "\n\n".join(begun)
    return passages


def _paragraphs(text: str, longest: int) -> list[str]:
    paragraphs = []
    for paragraph in re.split(r"\n[^\S\n]*\n\s*", text.strip()):
        while len(paragraph) > longest:
            ends = [match.end() for match in re.finditer(r"[.!?。！？]\W*\s|[。！？]", paragraph[:longest])]
            end = ends[-1] if ends else (paragraph.rfind(" ", 1, longest) + 1 or longest)
            paragraphs.append(paragraph[:end])
            paragraph = paragraph[end:]
        paragraphs.append(paragraph)
    return [paragraph for paragraph in paragraphs if paragraph.strip()]
