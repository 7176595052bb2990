"""Where a Spanish sentence ends: which full stops belong to a word, and which end the sentence too."""

from __future__ import annotations

import re

from ..characters import CLOSERS
from .abbreviations import ABBREVIATIONS, BEFORE_NUMBER, PHRASES

# Abbreviations that often stand at the end of a sentence: they end it if a capital letter follows.
_MAYBE = frozenset("etc Cía cía Hnos hnos aprox izq izqda dcha atte hab máx mín".split())
_NEVER = frozenset(ABBREVIATIONS) - _MAYBE
_MONTHS = frozenset("ene feb mar abr may jun jul ago sept sep oct nov dic".split())
_UNIT = re.compile(r"\d ?(?:h|min|s|seg|m|km|cm|mm|kg|g|l|ml|ha)$")
# Words that begin a sentence far more often than they are a surname.
_STARTER = re.compile(
    r"[\"“«(—]*[¿¡]|[\"“«(—]*(?:El|La|Los|Las|Lo|Un|Una|Y|O|Pero|En|A|Al|De|Del|Con|Por|Para|Sin|No|Sí|Si|Se|Es|Son|"
    r"Era|Fue|Ha|Hay|Su|Sus|Mi|Este|Esta|Esto|Estos|Estas|Ese|Esa|Eso|Aquel|Aquella|Él|Ella|Ellos|Yo|Tú|Nosotros|"
    r"Cuando|Como|Cómo|Qué|Quién|Dónde|Porque|Aunque|Mientras|Después|Antes|Luego|Entonces|Además|También|Tampoco|"
    r"Ahora|Hoy|Ayer|Mañana|Así|Ya|Todo|Todos|Cada|Nadie|Nada|Algo|Tras|Desde|Hasta|Según|Otro|Otra|Nunca|Siempre)\b"
)
_CAPITAL = re.compile(rf"[{CLOSERS}]*(?:\s*$|\s+[\"“«(—]*[¿¡A-ZÁÉÍÓÚÑ])")
_LAST_WORD = re.compile(r"[^\s\"'“‘«(\[{—–]*$")
_INITIALS = re.compile(r"(?:[A-ZÑ]{1,2}\.)*[A-ZÑ]{1,2}")
_NUMERAL = re.compile(r"\d|[IVX]+\b")
_COMPLETE_WORD = re.compile(r"\s*\S+\s+\S")
_PHRASES = sorted(
    (*PHRASES, "a. m.", "p. m.", "a. C.", "d. C.", "a. de C.", "d. de C."), key=len, reverse=True
)
_PARTS = {part for phrase in _PHRASES for part in phrase.replace(".", "").split()}
_PHRASE = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(phrase).replace("\\ ", " ?") for phrase in _PHRASES) + ")"
)


def ends_sentence(text: str, start: int, stop: re.Match[str], finished: bool) -> bool | None:
    """Whether a full stop ends its sentence; see `languages.Language`."""
    place = stop.start()
    following = text[stop.end() : stop.end() + 12].lstrip()
    found = _LAST_WORD.search(text, max(start, place - 30), place)
    word = found[0] if found else ""
    if word.isdigit() and place - len(word) == start:
        return False  # "1. Un punto"
    if word in _NEVER:
        return False
    phrase = next((p for p in _PHRASE.finditer(text, max(start, place - 12)) if p.end() > place), None)
    inside = phrase is not None and phrase.start() < place
    if inside and phrase is not None and phrase.end() > place + 1:
        return False  # the first stop of "EE. UU."
    initial = not inside and _INITIALS.fullmatch(word) is not None and (len(word) < 2 or "." in word)
    unit = _UNIT.search(text, max(start, place - 8), place) is not None
    own = inside or initial or unit or word in _MAYBE or word in _MONTHS or word in BEFORE_NUMBER
    if not finished and (own or word in _PARTS) and not _COMPLETE_WORD.match(text, stop.end()):
        return None
    if not own:
        return True
    if word in BEFORE_NUMBER and not inside and not unit:
        return _NUMERAL.match(following) is None
    if word in _MONTHS:
        return not (following[:1].isdigit() or following.startswith("de "))
    if initial:
        return not following or _STARTER.match(following) is not None  # "J. L. Borges"
    return _CAPITAL.match(text, stop.end("stop")) is not None
