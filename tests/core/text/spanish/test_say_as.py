"""Spanish: kinds of text that the user names."""

import pytest

from nanospeech_core.text.spanish.say_as import say_as
from nanospeech_core.text.ssml.say_as import read_say_as


@pytest.mark.parametrize(
    ("kind", "text", "spoken"),
    [
        ("characters", "aÑé5@w", "a eñe e con acento cinco arroba uve doble"),
        ("digits", "12-3", "uno dos tres"),
        ("digits", "abc", None),
        ("telephone", "+34 600 123", "más tres cuatro, seis cero cero, uno dos tres"),
        ("date", "2024-3-15", "quince de marzo de dos mil veinticuatro"),
        ("date", "-3-15", "quince de marzo"),
        ("date", "1999--", "mil novecientos noventa y nueve"),
        ("duration", "1:02:00", "una hora y dos minutos"),
        ("duration", "0:1:21", "un minuto y veintiún segundos"),
        ("duration", "0:0:0", "cero segundos"),
        ("ordinal", "3", "tercero"),
        ("ordinal", "3.ª", "tercera"),
        ("ordinal", "1er", "primer"),
        ("ordinal", "x", None),
        ("fraction", "3/4", "tres cuartos"),
        ("fraction", "1 1/2", "uno y medio"),
        ("fraction", "1/12345", None),
        ("cardinal", "1.234,5", "mil doscientos treinta y cuatro coma cinco"),
        ("cardinal", "-12", "menos doce"),
        ("cardinal", "1" * 16, None),
        ("cardinal", "doce", None),
    ],
)
def test_kinds(kind, text, spoken):
    assert say_as(kind, text) == spoken


def test_ssml_reads_them():
    assert read_say_as("15/3/2024", "date", "dmy", "es") == "quince de marzo de dos mil veinticuatro"
    assert read_say_as("14:30", "time", "hms24", "es") == "catorce treinta"
