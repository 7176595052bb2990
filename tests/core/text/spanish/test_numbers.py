"""Spanish numbers: genders, decimals, ordinals, fractions."""

import pytest

from nanospeech_core.text.spanish.numbers import (
    ALONE,
    FEMININE,
    MASCULINE,
    form_before,
    fraction,
    groups,
    integer,
    number,
    ordinal,
    split,
)


@pytest.mark.parametrize(
    ("value", "alone", "masculine", "feminine"),
    [
        (0, "cero", "cero", "cero"),
        (1, "uno", "un", "una"),
        (11, "once", "once", "once"),
        (21, "veintiuno", "veintiún", "veintiuna"),
        (31, "treinta y uno", "treinta y un", "treinta y una"),
        (100, "cien", "cien", "cien"),
        (500, "quinientos", "quinientos", "quinientas"),
        (1000, "mil", "mil", "mil"),
        (1001, "mil uno", "mil un", "mil una"),
        (200_000, "doscientos mil", "doscientos mil", "doscientas mil"),
        (301_201, "trescientos un mil doscientos uno", "trescientos un mil doscientos un",
         "trescientas una mil doscientas una"),
        (1_000_000, "un millón", "un millón", "un millón"),
        (2_000_000_000, "dos mil millones", "dos mil millones", "dos mil millones"),
    ],
)  # fmt: skip
def test_whole_numbers(value, alone, masculine, feminine):
    assert [integer(value, form) for form in (ALONE, MASCULINE, FEMININE)] == [alone, masculine, feminine]


@pytest.mark.parametrize(
    ("following", "form"),
    [
        (" casas", FEMININE), (" canciones", FEMININE), (" veces", FEMININE), (" ciudades", FEMININE),
        (" manos", FEMININE), (" libros", MASCULINE), (" días", MASCULINE), (" problemas", MASCULINE),
        (" aviones", MASCULINE), (" millones", MASCULINE), (" meses", MASCULINE), (" periodistas", MASCULINE),
        (" listas", FEMININE), (" cremas", FEMININE), (" kilogramos", MASCULINE), (" tarjetas", FEMININE),
        (" de mayo", ALONE), ("", ALONE), (".", ALONE), (", casas", ALONE), (" y media", ALONE),
        (" ABC", ALONE),
    ],
)  # fmt: skip
def test_a_number_agrees_with_what_it_counts(following, form):
    assert form_before(following) == form


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("1.234", "mil doscientos treinta y cuatro"),
        ("1 234 567", "un millón doscientos treinta y cuatro mil quinientos sesenta y siete"),
        ("3,5", "tres coma cinco"),
        ("3.5", "tres punto cinco"),
        ("0,05", "cero coma cero cinco"),
        ("0.125", "cero punto uno dos cinco"),
        ("3,14", "tres coma catorce"),
        ("1.234,50", "mil doscientos treinta y cuatro coma cincuenta"),
        ("1,234.5", "mil doscientos treinta y cuatro punto cinco"),
        ("007", "cero cero siete"),
        ("1234567890", "uno dos tres cuatro cinco seis siete ocho nueve cero"),
        ("3000000000", "tres mil millones"),
    ],
)
def test_written_numbers(written, spoken):
    assert number(written) == spoken


def test_split_says_how_the_decimals_are_marked():
    assert split("1.234.567,8") == ("1234567", "coma", "8")
    assert split("12.5") == ("12", "punto", "5") and split("12") == ("12", "coma", "")


def test_ordinals():
    assert [ordinal(value) for value in (1, 3, 10, 12, 21)] == [
        "primero", "tercero", "décimo", "duodécimo", "vigésimo primero",
    ]  # fmt: skip
    assert (ordinal(1, "er"), ordinal(3, "a"), ordinal(4, "os"), ordinal(2, "as")) == (
        "primer", "tercera", "cuartos", "segundas",
    )  # fmt: skip
    assert ordinal(0) is None and ordinal(101) is None


def test_fractions():
    assert (fraction(1, 3), fraction(3, 4), fraction(5, 12)) == (
        "un tercio",
        "tres cuartos",
        "cinco doceavos",
    )
    assert (fraction(1, 20), fraction(2, 32), fraction(1, 40)) == (
        "un veinteavo", "dos treintaidosavos", "un cuarentavo",
    )  # fmt: skip
    assert fraction(1, 365) is None


def test_telephone_numbers_have_pauses():
    assert groups("+34 600-12") == "más tres cuatro, seis cero cero, uno dos"
