"""Abbreviations: "Sr.", "pág. 5", "EE. UU."."""

from __future__ import annotations

import re

from ..readings.rules import alternatives
from .numbers import STOP, Row

# Without their full stops. In the second table only before a number, or a numeral: "no" ends sentences.
ABBREVIATIONS = {
    "Sr": "señor", "Sra": "señora", "Srta": "señorita", "Sres": "señores", "Sras": "señoras", "Dr": "doctor",
    "Dra": "doctora", "Dres": "doctores", "Prof": "profesor", "Profa": "profesora", "Ing": "ingeniero",
    "Lic": "licenciado",
    "Licda": "licenciada", "Arq": "arquitecto", "Ud": "usted", "Uds": "ustedes", "Vd": "usted",
    "Vds": "ustedes",
    "Dña": "doña", "Sto": "santo", "Sta": "santa", "Gral": "general", "Cnel": "coronel", "Cap": "capitán",
    "Mons": "monseñor",
    "Excmo": "excelentísimo", "Excma": "excelentísima", "Ilmo": "ilustrísimo", "Ilma": "ilustrísima",
    "Avda": "avenida", "avda": "avenida", "Av": "avenida", "av": "avenida", "Pza": "plaza", "pza": "plaza",
    "Plza": "plaza", "Ctra": "carretera", "ctra": "carretera", "izq": "izquierda", "izqda": "izquierda",
    "dcha": "derecha", "dpto": "departamento", "Dpto": "departamento", "depto": "departamento",
    "etc": "etcétera",
    "pág": "página", "págs": "páginas", "Pág": "página", "Págs": "páginas", "núm": "número",
    "Núm": "número", "núms": "números", "Núms": "números",
    "tel": "teléfono", "Tel": "teléfono", "teléf": "teléfono", "tfno": "teléfono", "Tfno": "teléfono",
    "aprox": "aproximadamente",
    "máx": "máximo", "mín": "mínimo", "Cía": "compañía", "cía": "compañía", "Ayto": "ayuntamiento",
    "admón": "administración",
    "atte": "atentamente", "Atte": "atentamente", "vs": "contra", "cf": "compárese", "ej": "ejemplo",
    "Ej": "ejemplo",
    "hab": "habitantes", "pdo": "pasado", "ppdo": "próximo pasado", "Hnos": "hermanos", "Fdo": "firmado",
    "Rte": "remitente",
}  # fmt: skip
BEFORE_NUMBER = {
    "p": "página", "pp": "páginas", "art": "artículo", "Art": "artículo", "arts": "artículos",
    "cap": "capítulo",
    "caps": "capítulos", "vol": "volumen", "Vol": "volumen", "vols": "volúmenes", "fig": "figura",
    "Fig": "figura", "figs": "figuras",
    "no": "número", "No": "número", "nro": "número", "Nro": "número", "ed": "edición", "km": "kilómetro",
    "s": "siglo",
    "ss": "siglos", "t": "tomo", "c": "capítulo", "ap": "apartado", "ext": "extensión", "lib": "libro",
    "sec": "sección",
}  # fmt: skip
# Of several words, with any spaces between them.
PHRASES = {
    "EE. UU.": "Estados Unidos", "EEUU": "Estados Unidos", "S. A.": "sociedad anónima",
    "S. L.": "sociedad limitada",
    "p. ej.": "por ejemplo", "P. D.": "posdata", "C. P.": "código postal", "i. e.": "es decir",
    "RR. HH.": "recursos humanos",
    "JJ. OO.": "juegos olímpicos", "CC. AA.": "comunidades autónomas", "S. M.": "su majestad",
    "D. F.": "Distrito Federal",
    "q. e. p. d.": "que en paz descanse", "s. f.": "sin fecha", "N. B.": "nota bene", "e. g.": "por ejemplo",
}  # fmt: skip


def _read_abbreviation(match: re.Match[str]) -> str:
    return ABBREVIATIONS.get(match["word"]) or BEFORE_NUMBER[match["word"]]


def _read_phrase(match: re.Match[str]) -> str:
    return _PHRASES_BY_LETTERS[re.sub(r"[. ]", "", match["phrase"])]


_PHRASES_BY_LETTERS = {re.sub(r"[. ]", "", phrase): reading for phrase, reading in PHRASES.items()}
_PHRASE = alternatives(phrase.removesuffix(".") for phrase in PHRASES).replace(r"\.\ ", r"\. ?")


ROWS: tuple[Row, ...] = (
    ("phrase", rf"(?<![\w.])(?P<phrase>{_PHRASE})(?!\w){STOP}", _read_phrase),
    ("doña", r"\bD\.? ?ª", "doña"),
    ("María", r"\bM\.? ?ª(?!\w)", "María"),
    ("compañía", r"\b[Cc]\.ª(?!\w)", "compañía"),
    ("paseo", r"\bP\.º(?= (?:de|del|[A-ZÁÉÍÓÚÑ])\b)", "paseo"),
    ("don", r"(?<![\w.])D\.(?= (?!\w\.)[A-ZÁÉÍÓÚÑ][a-záéíóúñ]+)", "don"),
    ("street", r"(?<!\w)[cC]/ ?(?=[A-ZÁÉÍÓÚÑ])", "calle "),
    ("number", r"(?<!\w)(?:[nN](?:\.? ?[º°]|\.o)|#|N[o0]\.)\.? {0,2}(?=\d)", "número "),
    ("numbers", r"(?<!\w)[nN](?:\.os|\.?[º°]s|r?os\.)\.? ?(?=\d)", "números "),
    ("number without digits", r"(?<!\w)(?:[nN]\.?[º°]|No\.(?=  ))(?!\w)", "número"),
    (
        "abbreviation before a number",
        rf"(?<![\w.])(?P<word>{alternatives(BEFORE_NUMBER)})\.(?= ?(?:\d|[IVX]+\b))",
        _read_abbreviation,
    ),
    (
        "abbreviation",
        rf"(?<![\w.])(?P<word>{alternatives(ABBREVIATIONS)})(?:\.(?=[,;:)])|(?=\.){STOP})(?!\w)",
        _read_abbreviation,
    ),
)
