"""Fractions: "1/2", "3½ kg", "⅔ de la población" (`folding` writes "½" as " 1/2")."""

from __future__ import annotations

import re

from ..readings.rules import alternatives
from .amounts import CURRENCIES, PER_PATTERN, UNITS, counted_unit, minus, per
from .numbers import ALONE, FEMININE, MINUS, Row, form_before, fraction, integer, ordinal

# At the beginning of a sentence, a hyphen with a space is a list's.
_MINUS = rf"(?P<minus>{MINUS}|(?<=\S )[-−] |− )?"
_VALUE = r"(?:(?P<whole>\d{1,3}) {1,2})?(?P<numerator>\d{1,2})/(?P<denominator>\d{1,4})"
_FRACTION = rf"(?<![\d/.,]){_MINUS}{_VALUE}"
# "3/4 taza" is three quarters of one. What follows other fractions may be a verb: "1/3 votó".
_MEASURES = (
    "taza tacita cucharada cucharadita vaso vasito copa litro kilo gramo hora minuto pulgada metro pie milla "
    "libra onza docena botella paquete sobre barra lata pizca manzana cebolla diente limón galón pinta"
).split()


def _spoken(match: re.Match[str]) -> str | None:
    """Without the whole number; None for what is no proper fraction, or has no usual name."""
    numerator, denominator = int(match["numerator"]), int(match["denominator"])
    return fraction(numerator, denominator) if 0 < numerator < denominator else None


def _read_amount(match: re.Match[str]) -> str | None:
    """ "½ kg": medio kilogramo; "3½ kg": tres kilogramos y medio; "¾ l": tres cuartos de litro."""
    sign, spoken = match["unit"], _spoken(match)
    if spoken is None or (sign == "A" and not match["space"]):
        return None
    unit = UNITS.get(sign) or CURRENCIES[sign]
    if spoken == "un medio":
        spoken = "media" if unit.form == FEMININE else "medio"
        amount = f"{spoken} {unit.one}"
    else:
        amount = f"{spoken} de {unit.one}"
    if match["whole"]:
        amount = f"{counted_unit(match['whole'], unit)} y {spoken}"
    return minus(match) + amount + per(match)


def _read_percent(match: re.Match[str]) -> str | None:
    spoken = _spoken(match)
    if spoken is None:
        return None
    spoken = "medio" if spoken == "un medio" else spoken
    whole = f"{integer(int(match['whole']))} y " if match["whole"] else ""
    return f"{minus(match)}{whole}{spoken} {'por ciento' if match['sign'] == '%' else 'por mil'}"


def _read_measure(match: re.Match[str]) -> str | None:
    """ "¾ taza": tres cuartos de taza; "2¼ tazas": dos tazas y un cuarto. Of a half: `_read_fraction`."""
    spoken = _spoken(match)
    if spoken is None or spoken == "un medio":
        return None
    one, many = match["noun"], match["noun"] + match["plural"]
    if not match["whole"]:
        return f"{minus(match)}{spoken} de {many}"
    whole = int(match["whole"])
    return f"{minus(match)}{integer(whole, form_before(f' {one}'))} {one if whole == 1 else many} y {spoken}"


def _read_parts(match: re.Match[str]) -> str | None:
    """ "2/3 partes": dos terceras partes; "la 1/4 parte": la cuarta parte."""
    numerator, denominator = int(match["numerator"]), int(match["denominator"])
    if not 0 < numerator < denominator or not 3 <= denominator <= 10:
        return None
    article = f"{match['article']} " if match["article"] else ""
    count = "" if numerator == 1 and article else f"{integer(numerator, FEMININE)} "
    return f"{article}{count}{ordinal(denominator, 'a' if numerator == 1 else 'as')}"


def _read_fraction(match: re.Match[str]) -> str | None:
    spoken = _spoken(match)
    if spoken is None:
        return None
    form = form_before(match.string[match.end() :])
    if spoken == "un medio" and (match["whole"] or form != ALONE):
        spoken = "media" if form == FEMININE else "medio"
    whole = f"{integer(int(match['whole']), form)} y " if match["whole"] else ""
    return minus(match) + whole + spoken


ROWS: tuple[Row, ...] = (
    (
        "fraction of a unit",
        rf"{_FRACTION}(?P<space> ?)(?P<unit>{alternatives([*UNITS, *CURRENCIES])})(?![\w²³º°$])"
        rf"{PER_PATTERN}(?:\.(?= [a-zñáéíóú]))?",
        _read_amount,
    ),
    ("fraction of a hundred", rf"{_FRACTION} ?(?P<sign>[%‰])", _read_percent),
    (
        "fraction of a measure",
        rf"{_FRACTION} (?P<noun>{alternatives(_MEASURES)})(?P<plural>s?)\b",
        _read_measure,
    ),
    (
        "parts",
        r"(?<![\d/.,])(?:(?P<article>\b[lL]as?) {1,2})?(?P<numerator>\d{1,2})/(?P<denominator>\d{1,2})"
        r"(?= partes?\b)",
        _read_parts,
    ),
    ("fraction", rf"{_FRACTION}(?![\d/]|[.,]\d)", _read_fraction),
)
