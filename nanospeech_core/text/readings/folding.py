"""Characters that stand for plainer ones: apostrophes, spaces, accents, ligatures, bold letters.

The rules of languages in letters read the folded text; their readings get places in the text as it is
written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from .rules import Reading

# Character -> the characters that are read instead.
FOLDED = {
    **dict.fromkeys("‘’‛´′ʹʻʼʽˈꞌ", "'"), "″": '"', "ʺ": '"', "‐": "-", "‑": "-", "‒": "–", "―": "—",
    "½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅕": " 1/5", "⅛": " 1/8", "⅜": " 3/8",
    "⅝": " 5/8", "⅞": " 7/8", "⅖": " 2/5", "⅗": " 3/5", "⅘": " 4/5", "⅙": " 1/6", "⅚": " 5/6",
    "⅐": " 1/7", "⅑": " 1/9", "⅒": " 1/10",
    "⁄": "/", "∕": "/", "№": "No. ", "℃": "°C", "℉": "°F", "µ": "μ", "K": "K",
    "đ": "d", "Đ": "D", "ß": "ss", "ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st",
    "ﬆ": "st",
}  # fmt: skip
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f")
_STYLED = (
    (0x2080, 0x208F),  # subscripts
    (0x2100, 0x214F),  # letter-like: script, double-struck
    (0x2160, 0x217F),  # Roman numerals
    (0x2460, 0x24FF),  # in circles and brackets
    (0x3371, 0x33DF),  # units in one square
    (0xFF01, 0xFF5E),  # full-width
    (0x1D400, 0x1D7FF),  # bold, italic, script, double-struck, monospace
)
_KEPT = frozenset("™℠№℗℘℞℟℣℥℧")
_EXPONENTS = str.maketrans("23", "²³")


class Cluster(NamedTuple):
    """A character with its combining marks, text[start:end], is read as if `plain` were written."""

    start: int
    end: int
    plain: str


def fold(text: str) -> list[Cluster]:
    """The clusters of a text, in order."""
    if text.isascii():
        return [Cluster(i, i + 1, character) for i, character in enumerate(text)]
    clusters, start = [], 0
    while start < len(text):
        end = start + 1
        while end < len(text) and unicodedata.category(text[end]) == "Mn" and text[end] not in _INVISIBLE:
            end += 1
        clusters.append(Cluster(start, end, _plain(text[start:end])))
        start = end
    return clusters


def unfold(readings: Sequence[Reading], text: str, clusters: Sequence[Cluster]) -> list[Reading]:
    """Readings of the folded text as readings of the text itself; each covers whole clusters.

    What was folded outside of any reading becomes a reading.
    """
    if text.isascii():
        return list(readings)
    folded = "".join(cluster.plain for cluster in clusters)
    owners = [i for i, cluster in enumerate(clusters) for _ in cluster.plain]
    starts = [0]  # of each cluster in the folded text
    for cluster in clusters:
        starts.append(starts[-1] + len(cluster.plain))
    groups: list[tuple[int, int, list[Reading]]] = []  # first cluster, the one after the last
    for reading in readings:
        first, last = owners[reading.start], owners[reading.end - 1] + 1
        if groups and first < groups[-1][1]:
            groups[-1] = (groups[-1][0], max(last, groups[-1][1]), [*groups[-1][2], reading])
        else:
            groups.append((first, last, [reading]))
    unfolded, following = [], 0
    for first, last, members in [*groups, (len(clusters), len(clusters), [])]:
        changed = (c for c in clusters[following:first] if text[c.start : c.end] != c.plain)
        unfolded += [Reading(*cluster) for cluster in changed]
        following = last
        if members:
            spoken, position = "", starts[first]
            for member in members:
                spoken += folded[position : member.start] + member.spoken
                position = member.end
            spoken += folded[position : starts[last]]
            unfolded.append(Reading(clusters[first].start, clusters[last - 1].end, spoken))
    return unfolded


def _plain(written: str) -> str:
    if len(written) > 1:
        written = unicodedata.normalize("NFC", written)
        return "".join(map(_plain, written)) if len(written) == 1 else _plain(written[0]) + written[1:]
    if written in FOLDED:
        return FOLDED[written]
    if written.isascii() or written in _KEPT:
        return written
    if written in _INVISIBLE:
        return ""
    code, category = ord(written), unicodedata.category(written)
    if category == "Zs":
        return " "
    if any(first <= code <= last for first, last in _STYLED):
        plain = unicodedata.normalize("NFKC", written)
        return plain.translate(_EXPONENTS) if 0x3371 <= code <= 0x33DF else plain
    if code >= 0x180 and category in ("Ll", "Lu") and unicodedata.decomposition(written):
        base = unicodedata.normalize("NFD", written)[0]  # Vietnamese: espeak-ng spells such letters' codes
        return base if base.isascii() else written
    return written
