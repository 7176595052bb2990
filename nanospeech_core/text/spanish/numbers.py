"""Numbers in Spanish words, by the rules of Unicode's CLDR, with the gender of what is counted.

A number ends in "uno" where nothing follows, in "un" before a masculine noun, in "una" before a feminine one;
the hundreds agree too: "doscientas personas".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..readings.rules import speller

# A row of a table of readings: name, pattern, and what is read: a text, or match -> text or None.
Reader = str | Callable[[re.Match[str]], "str | None"]
Row = tuple[str, str, Reader]

ALONE, MASCULINE, FEMININE = "numbering", "cardinal-masculine", "cardinal-feminine"  # CLDR's names

# 1.234.567,89; 1 234,5; 1,234,567.89 or 1,234.50 (America); 3,5; 3.5; 1234
NUMBER = (
    r"(?:(?<![\d.,])\d{1,3}(?:(?:(?:\.\d{3})+|(?: \d{3})+)(?:,\d+)?|(?:,\d{3}){2,}(?:\.\d+)?|,\d{3}\.\d+)"
    r"(?!\d|[.,]\d| \d)|\d+(?:[.,]\d+)?)"
)
MINUS = r"(?:(?<![\w)€£%°])[-−])"  # before a number; between two it is a range
STOP = r"(?:\.(?![\s\"»”’)\]]*$)|)"  # of an abbreviation: one at the end also ends the sentence, and stays
LONGEST = 15  # digits of a number that is read as one
_SERIAL = 10  # digits in a row that are read one by one, if the last three are no zeros


def integer(value: int, form: str = ALONE) -> str:
    """A whole number in words.

    Args:
        value: not negative, at most `LONGEST` digits.
        form: ALONE, or the gender of the noun that follows.
    """
    thousands, rest = divmod(value, 1000)
    if form == FEMININE and thousands and value < 1_000_000:  # CLDR has "doscientos mil" before both
        parts = (
            integer(thousands, FEMININE) if thousands > 1 else "",
            "mil",
            integer(rest, FEMININE) if rest else "",
        )
        return " ".join(filter(None, parts))
    return _format(value, f"spellout-{form}")


def ordinal(value: int, ending: str = "o") -> str | None:
    """An ordinal: "tercero", "tercer" (ending "er"), "tercera", and plurals ("os", "as"); None: unusual."""
    if not 0 < value <= 100:
        return None
    gender = "feminine" if ending.startswith("a") else "masculine"
    if value in (11, 12) and ending != "er":
        return {11: "undécim", 12: "duodécim"}[value] + ending
    rules = f"spellout-ordinal-{gender}" + {"er": "-adjective"}.get(ending, "-plural" * ending.endswith("s"))
    return _format(value, rules)


def _format(value: int, rules: str) -> str:
    return speller("es").format_number(value, ruleset_names=[rules]).text.replace("\u00ad", "")


def digits(written: str) -> str:
    """Digit by digit."""
    return " ".join(integer(int(c)) for c in written if c.isdigit())


def groups(written: str) -> str:
    """Digit by digit, with a pause between groups: a telephone number."""
    parts = [digits(part) for part in re.split(r"[^\d+]+", written.replace("+", "")) if part]
    return ("más " if written.lstrip().startswith("+") else "") + ", ".join(filter(None, parts))


def split(written: str) -> tuple[str, str, str]:
    """A match of NUMBER -> its whole part, the name of its decimal mark, its decimals ("" if there are none).

    One point before three digits divides thousands, as in Spain: 1.234. A comma before decimals is a "coma".
    """
    number = written.replace(" ", "")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", number) and not number.startswith("0"):
        whole, _, decimals = number.replace(".", "").partition(",")
        return whole, "coma", decimals
    if re.fullmatch(r"\d{1,3}(?:(?:,\d{3}){2,}(?:\.\d+)?|(?:,\d{3})+\.\d+)", number):
        whole, _, decimals = number.replace(",", "").partition(".")
        return whole, "punto", decimals
    whole, mark, decimals = re.fullmatch(r"(\d+)(?:([.,])(\d+))?", number).groups("")  # type: ignore[union-attr]
    return whole, "punto" if mark == "." else "coma", decimals


def number(written: str, form: str = ALONE) -> str:
    """A match of NUMBER in words; a code (007, a long series) digit by digit."""
    whole, mark, decimals = split(written)
    serial = written.isdigit() and len(whole) >= _SERIAL and not whole.endswith("000")
    if len(whole) > LONGEST or serial or (len(whole) > 1 and whole.startswith("0")):
        spoken = digits(whole)
    else:
        spoken = integer(int(whole), ALONE if decimals else form)
    return f"{spoken} {mark} {_decimals(decimals)}" if decimals else spoken


def _decimals(written: str) -> str:
    """One or two are read as a number, more of them one by one: "tres coma catorce"."""
    return digits(written) if len(written) > 2 or written.startswith("0") else integer(int(written))


def is_one(written: str) -> bool:
    """Whether a match of NUMBER is 1, so that a singular follows."""
    whole, _, decimals = split(written)
    return whole == "1" and not decimals


_DENOMINATORS = {
    2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo", 9: "noveno",
    10: "décimo", 100: "centésimo", 1000: "milésimo",
}  # fmt: skip


def fraction(numerator: int, denominator: int) -> str | None:
    """ "tres cuartos", "un medio", "cinco doceavos"; None for a denominator without a usual name."""
    name = _DENOMINATORS.get(denominator)
    if name is None and 11 <= denominator <= 99:
        stem = integer(denominator).replace(" y ", "i").translate(str.maketrans("éúó", "euo"))
        name = re.sub("(?:uno|a)$", lambda match: "un" if match[0] == "uno" else "", stem) + "avo"
    if name is None:
        return None
    return f"{integer(numerator, MASCULINE)} {name}" + "s" * (numerator != 1)


# What follows a number without being counted by it.
_NOT_COUNTED = frozenset(
    "de del a al y e o u ni que en con por para sin sobre entre hasta desde según como es son era eran fue "
    "fueron será serán está están ha han había hay más menos no se lo le les me te nos la las el los un una "
    "su sus mi mis tu tus si sí pero porque cuando donde cada ya muy también solo sólo igual mayor menor "
    "bis".split()
)
# The gender of a counted noun: by lists of the usual exceptions, else by its ending.
_MASCULINE = re.compile(
    r"(?:días?|mapas?|planetas?|dálmatas?|cometas?|poetas?|atletas?|tranvías?|sof[áa]s?|curas?|papas?|gorilas?|pumas?|"
    r"pandas?|colegas?|guardias?|policías?|idiomas?|síntomas?|diplomas?|aromas?|axiomas?|cromosomas?|climas?|"
    r"kilogramos?|dramas?|panoramas?|[a-z]*gramas?|(?!crema|yema)[a-z]+emas?|artistas?|turistas?|"
    r"[a-z]*(?:od|ent|cicl|on|al|an|in)istas?|gas|gases|mes|meses|país|países|interés|compás|"
    r"(?:mi|bi|tri)llones|(?:mi|bi|tri)ll[óo]n)",
    re.IGNORECASE,
)
_FEMININE = re.compile(
    r".*(?:as?|[csxgtn]i(?:ón|ones)|[dt]ad(?:es)?|tud(?:es)?|umbres?|triz|trices)|"
    r"(?:ve[cz]|mujer|noch|call|clas|part|tard|ley|flor|lu[cz]|vo[cz]|llav|nub|sed|fas|bas|fras|red|seri|imagen|"
    r"imágen|gent|suert|muert|fuent|carn|nav|cris|hambr|señal|catedral|sucursal|pared|nari[cz]|raí[cz]|cru[cz]|"
    r"pa[cz]|raz[óo]n|piel|torr|serpient|superfici|especi|dosi|tesi|hipótesi|sedi)(?:e|es|is|s)?|"
    r"manos?|fotos?|motos?|radios?",
    re.IGNORECASE,
)


def form_before(following: str) -> str:
    """How a number is read before this text: ALONE, MASCULINE or FEMININE.

    following: what is written behind the number, from the space on.
    """
    match = re.match(r" ([^\W\d_]+)", following)
    if match is None or match[1].lower() in _NOT_COUNTED or match[1].isupper():
        return ALONE
    feminine = _FEMININE.fullmatch(match[1]) and not _MASCULINE.fullmatch(match[1])
    return FEMININE if feminine else MASCULINE


def counted(match: re.Match[str]) -> str:
    """A number in a text, in the gender of the noun behind it."""
    written = match["number"]
    minus = "menos " if match["minus"] else ""
    return minus + number(written, form_before(match.string[match.end() :]))


ROWS: tuple[Row, ...] = (("number", rf"(?P<minus>{MINUS})?(?P<number>{NUMBER})", counted),)
