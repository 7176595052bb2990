"""Ordinals and Roman numerals: "1.er piso", "3ª", "siglo XX", "Felipe VI", "II Guerra Mundial"."""

from __future__ import annotations

import re

from .abbreviations import ABBREVIATIONS
from .numbers import FEMININE, MASCULINE, Row, form_before, integer, ordinal

_NUMERAL = r"(?P<numeral>(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3}))"
_END = r"(?![\w’']|-\w|\.\w)"
_VALUES = {"I": 1, "V": 5, "X": 10}
# After these a single I, V or X is a numeral too: "Carlos V".
_RULERS = frozenset(
    "Carlos Felipe Fernando Alfonso Juan Juana Isabel Luis Enrique Jaime Pedro Pablo Pío León Benedicto José "
    "Francisco Sancho Ramiro Ricardo Guillermo Jorge Jacobo Eduardo Napoleón Catalina María Nicolás "
    "Alejandro Federico Clemente Gregorio Inocencio Urbano Sixto Julio Bonifacio Ramsés Darío".split()
)
_COUNTED_PARTS = tuple("capítulo tomo volumen acto parte título libro anexo fase nivel tipo".split())
# What is counted by ordinals. Other things behind a sign of degrees are warm, or in the north.
_COUNTED = (
    "piso|grado|lugar|puesto|año|curso|semestre|trimestre|aniversario|capítulo|ciclo|básico|nivel|batallón|"
    "congreso|festival|izq|dcha|de (?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|"
    "noviembre|diciembre|primaria|secundaria|bachillerato|ESO)"
)
_AFTER_ARTICLE = re.compile(r"\b(?:el|del|al|su|un) $", re.IGNORECASE)
_NOUN = re.compile(r" (?!de\b|del\b|y\b|en\b)([a-zñáéíóú]{3,})\b")


def roman(written: str) -> int:
    """The value of a numeral of I, V and X."""
    values = [_VALUES[c] for c in written]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _read_ordinal(match: re.Match[str]) -> str | None:
    ending, value = (match["ending"] or match["dotted"]).lower(), int(match["number"])
    form = {"º": "o", "ª": "a", "er": "er"}.get(ending, ending[-2:] if ending.endswith("s") else ending[-1])
    found = _NOUN.match(match.string[match.end() :])
    noun = found is not None and found[1] not in ABBREVIATIONS
    if ending == "º" and not noun and value > 12 and not _AFTER_ARTICLE.search(match.string[: match.start()]):
        return f"{integer(value, MASCULINE)} grados"  # "a 30º", which should be written 30 °C
    if ending == "º" and noun and value % 10 in (1, 3) and value != 11:
        form = "er"
    return ordinal(value, form)


def _read_degree(match: re.Match[str]) -> str | None:
    """ "2° piso", which should be written 2.º."""
    value, noun = int(match["number"]), _NOUN.match(match.string[match.end() :])
    shortened = noun is not None and value % 10 in (1, 3) and value != 11
    return ordinal(value, "er" if shortened else "o")


def _read_century(match: re.Match[str]) -> str:
    value = roman(match["numeral"])
    return match["word"] + ((ordinal(value) if value <= 10 else None) or integer(value))


def _read_name(match: re.Match[str]) -> str | None:
    """A ruler or a part of a work: "Felipe VI" is the sixth, "Luis XIV" fourteen."""
    value, name = roman(match["numeral"]), match["name"]
    if len(match["numeral"]) == 1 and name not in _RULERS and name not in _COUNTED_PARTS:
        return None
    if value > 10 or name in _COUNTED_PARTS:
        return f"{name} {integer(value)}"
    feminine = name in ("Isabel", "Beatriz") or (name.endswith("a") and name != "Papa")
    return f"{name} {ordinal(value, 'a' if feminine else 'o')}"


def _read_leading(match: re.Match[str]) -> str | None:
    """ "II Guerra Mundial", "XV Congreso": an ordinal in the gender of the noun behind it."""
    value = roman(match["numeral"])
    if value > 20:
        return None
    feminine = form_before(match.string[match.end() :]) == FEMININE
    return ordinal(value, "a" if feminine else "er" if value % 10 in (1, 3) and value != 11 else "o")


# Before amounts.
DEGREES: tuple[Row, ...] = (
    (
        "ordinal with a sign of degrees",
        rf"(?<![\w.,])(?P<number>\d{{1,3}})(?:\.°|°(?= (?:{_COUNTED})\b))(?!\w)",
        _read_degree,
    ),
)
ROWS: tuple[Row, ...] = (
    (
        "ordinal",
        r"(?<![\w.,])(?P<number>\d{1,3})(?:\.(?P<dotted>er|os|as)|\.? ?(?P<ending>[ºª]))(?!\w)",
        _read_ordinal,
    ),
    (
        "ordinal in letters",
        r"(?<![\w.,])(?P<number>\d{1,3})(?P<dotted>er[oa]?|[rdtmvn][oa]s?)(?P<ending>)(?!\w)",
        _read_ordinal,
    ),
    ("century", rf"(?P<word>\b[sS]iglos? ){_NUMERAL}(?!\w)", _read_century),
    ("second century", rf"(?<=[IVX])(?P<word> (?:y|al?) ){_NUMERAL}(?!\w)", _read_century),
    (
        "name",
        rf"\b(?P<name>[A-ZÁÉÍÓÚÑ][a-záéíóúñ]+|{'|'.join(_COUNTED_PARTS)}) {_NUMERAL}{_END}",
        _read_name,
    ),
    (
        "leading numeral",
        rf"(?<![\w.])(?=[IVX]{{2}}|V ){_NUMERAL}(?= [A-ZÁÉÍÓÚÑ][a-záéíóúñ]+)",
        _read_leading,
    ),
    (
        "numeral",
        rf"(?<![\w.'’-])(?=[IVX]{{2}}){_NUMERAL}{_END}",
        lambda match: integer(roman(match["numeral"])),
    ),
)
