"""Letters by their names, acronyms, web and mail addresses, telephone numbers."""

from __future__ import annotations

import re

from .numbers import Row, digits, groups, integer, number

_NAMES = (
    "a be ce de e efe ge hache i jota ka ele eme ene eñe o pe cu erre ese te u uve - equis - zeta".split()
)
LETTERS = dict(zip("abcdefghijklmnñopqrstuvwxyz", _NAMES, strict=True))
LETTERS |= {"w": "uve doble", "y": "i griega"}
_PLAIN = str.maketrans("áéíóúü", "aeiouu")
SIGNS = {
    ".": "punto", ",": "coma", "-": "guion", "_": "guion bajo", "/": "barra", "\\": "barra invertida",
    "@": "arroba", "#": "almohadilla", "&": "y", "+": "más", "*": "asterisco", "=": "igual",
    ":": "dos puntos",
    ";": "punto y coma", "!": "cierre de exclamación", "¡": "apertura de exclamación",
    "?": "cierre de interrogación",
    "¿": "apertura de interrogación", "%": "por ciento", "$": "dólar", "€": "euro", "(": "abre paréntesis",
    ")": "cierra paréntesis", "'": "apóstrofo", '"': "comillas", "~": "tilde", "|": "barra vertical",
}  # fmt: skip

# Acronyms that are spelled though they could be words, and those with a reading of their own.
_SPELLED = frozenset("ONG OMS SOS".split())
# Of two letters; others are spelled.
_SHORT_WORDS = frozenset(
    "NO SI YO TU MI SU EL LA LO LE SE ME TE NI DE EN ES UN AL YA HA HE VA VE DA DI OH AH AY EH UY".split()
)
_READ = {"PSOE": "pesoe", "CNN": "ce ene ene", "WC": "váter", "KO": "nocaut", "PYME": "pyme", "NASA": "nasa"}
_ONSET = r"(?:[bcfgp][rl]|[dt]r|ch|ll|rr|qu|gu|[bcdfghjklmnñpqrstvwxyz])"
_WORD = re.compile(
    rf"(?:{_ONSET}?[aeiouáéíóúü]{{1,3}}(?:[nlrsdzmxbcpg]s?(?={_ONSET}[aeiouáéíóú]|$)|y$)?)+", re.IGNORECASE
)


def spell(letters: str) -> str:
    """Letters by their names."""
    return " ".join(LETTERS.get(c, c) for c in letters.lower().translate(_PLAIN) if c.isalpha())


def is_word(letters: str) -> bool:
    """Whether letters can be read as one Spanish word: OTAN, not ADN."""
    return _WORD.fullmatch(letters) is not None


def _read_acronym(match: re.Match[str]) -> str | None:
    written = match["letters"]
    if not any(map(str.islower, match.string)):
        return None  # a sentence in capitals
    space = " " if match.string[match.end() :][:1].isdigit() else ""  # CO2, IB-3456
    if written in _READ:
        return _READ[written] + space
    word = written in _SHORT_WORDS if len(written) < 3 else is_word(written) and written not in _SPELLED
    return (written if space else None) if word else spell(written) + space


def _read_address(match: re.Match[str]) -> str:
    """ "info@casa.es": "info arroba casa punto es"."""
    written = re.sub(r"^https?://", "", match[0])
    parts = []
    for part in re.findall(r"[^\W\d_]+|\d+|.", written):
        if part.isdigit():
            parts.append(digits(part) if len(part) > 4 or part[0] == "0" else integer(int(part)))
        elif part.isalpha():
            parts.append(part if is_word(part) else spell(part))
        else:
            parts.append(SIGNS.get(part, ""))
    return " ".join(filter(None, parts))


def _read_telephone(match: re.Match[str]) -> str:
    return groups(match["number"])


_TOP_LEVEL = "com|org|net|edu|gob|gov|info|io|eu|es|mx|ar|cl|co|pe|ve|uy|cat"
_ADDRESS = (
    r"(?:https?://|www\.)[!-;=?-~]+(?<![.,;:!?)'\"\]])"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    rf"|(?<![\w.@-])[a-z][\w-]*(?:\.[\w-]+)*\.(?:{_TOP_LEVEL})\b(?!\.\w)"
)
_TELEPHONE = r"[6-9]\d{2}(?: \d{3}){2}|[6-9]\d{2}(?: \d{2}){3}|9\d \d{3} \d{2} \d{2}|\d{3}-\d{3}-\d{3,4}"


def _read_points(match: re.Match[str]) -> str | None:
    """A version or a network address; a number with points between the thousands is none."""
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+", match[0]):
        return None
    return " punto ".join(integer(int(part)) for part in match[0].split("."))


def _read_letters(match: re.Match[str]) -> str:
    return spell(match["letters"])


ADDRESSES: tuple[Row, ...] = (
    ("address", _ADDRESS, _read_address),
    (
        "telephone with its country",
        r"(?<![\w+])(?P<number>\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6})(?!\d)",
        _read_telephone,
    ),
    (
        "telephone",
        rf"(?<![\d.,+-])(?P<number>{_TELEPHONE})(?![\d.,-]\d|\d|[ -]\d)",
        _read_telephone,
    ),
    ("several points", r"(?<![\d.,])\d+(?:\.\d+){2,}(?![\d,])", _read_points),
)
ROWS: tuple[Row, ...] = (
    (
        "letters with stops",
        r"(?<![\w.])(?P<letters>(?:[A-ZÑ]\. ?){2,}(?<=\.))(?= [a-z(]|[,;:)])",
        _read_letters,
    ),
    ("acronym", r"(?<![\w’'])(?P<letters>[A-ZÑ]{2,5})(?:s\b|-?(?=\d)|(?![\w’']))", _read_acronym),
    ("initial", r"(?<![\w’'.])(?P<letters>[A-ZÑ])\.(?= ?[A-ZÁÉÍÓÚÑ]| de )", _read_letters),
    ("letter", r"(?<![^\W\d_]|[’'.])(?P<letters>[B-DF-NP-TV-XZÑ])(?![\w’']|\.\w)", _read_letters),
    ("letter before digits", r"(?P<before>[^\W\d_])-?(?=\d)", lambda match: f"{match['before']} "),
    (
        "digits before letters",
        r"(?<![\d.,])(?P<number>\d+)-?(?=[^\W\d_ºª⁰¹²³⁴-⁹])",
        lambda match: f"{number(match['number'])} ",
    ),
)
