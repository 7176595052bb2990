"""Raw text that cannot be spoken, and what is accepted."""

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.text.checks import MAX_CHARACTERS, check_text, decode_text
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("a\0b", r"control character \(U\+0000\)"),
        ("\x1b[31mred", "control character"),
        (
            "\udcff",
            "not UTF-8 .it has the byte 0xFF",
        ),  # what Python makes of a byte that is not UTF-8 in an argument
        ("a" * (MAX_CHARACTERS + 1), "100,001 characters; at most 100,000"),
    ],
)
def test_bad_text(bad, message):
    with pytest.raises(UserError, match=message):
        check_text(bad)
    with pytest.raises(UserError, match=message):
        Tokenizer("phonemes", SYMBOLS).sentences(bad)


def test_good_text_passes():
    assert check_text("tab\tline\r\nend\f") == "tab\tline\r\nend\f"


def test_decode_text():
    assert decode_text("\ufeffhé".encode()) == "hé"
    with pytest.raises(UserError, match="not UTF-8 .at byte 1."):
        decode_text(b"a\xff\xfe")


@pytest.mark.parametrize("text", [None, 5, b"Hello.", ["Hello."]])
def test_what_is_no_text(text):
    with pytest.raises(UserError, match="^the text must be a string, not "):
        check_text(text)
