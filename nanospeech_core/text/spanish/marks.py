"""Marks: dialogue dashes, angles, inverted marks, list items."""

from __future__ import annotations

from .numbers import Row

ROWS: tuple[Row, ...] = (
    ("dialogue", r"^(?:[—–] ?|- ?(?!\d))(?=[\w¿¡\"“«])", ""),
    ("dialogue, inside", r" [—–](?=[\w¿¡])", ", "),
    ("dialogue, before a mark", r"(?<=\w)[—–](?=[,;:.!?])", ""),
    ("dialogue, closed", r"(?<=\w)[—–](?= )", ","),
    ("dash between words", r"(?<=[^\W\d_]) --? (?=[^\W\d_¿¡])", ", "),
    ("angles, open", "«", "“"),
    ("angles, closed", "»", "”"),
    ("inverted mark", r"[,;:.!?…](?=[¿¡]\w)", lambda match: f"{match[0]} "),
    ("item", r"^(?:[-*•‣▪◦] |#{1,6} )", ""),
    ("and", r" & ", " y "),
    ("and, close", r"(?<=\w)&(?=\w)", " y "),
    ("percent sign", r"(?<!\w)%(?=\s)", "por ciento"),
    ("and or", r"(?<=\w)/(?=[^\W\d])", " "),
    ("plus", r"(?<=\w) \+ (?=\w)", " más "),
    ("underscore", "_", " "),
)
