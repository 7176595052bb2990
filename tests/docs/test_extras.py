"""A page that shows a command says which extra it needs."""

import re

import pages
import pytest

from nanospeech_core.doctor.software import EXTRAS

MODULE = r"(?:python -m nanospeech_(?:mlx|torch)\.|nanospeech-mar (?:--backend \w+ )?)"
NEEDS = {
    "train": rf"{MODULE}(?:train|prepare|training\.speed)\b|-m nanospeech_torch\.train\b",
    "evaluate": rf"{MODULE}(?:evaluate|diagnose)\b(?! --join)",
    "chat": rf"{MODULE}chat\b",
    "serve": rf"{MODULE}serve\b",
    "book": rf"{MODULE}book\b",
    "wyoming": rf"{MODULE}wyoming\b",
    "cluster": r"--engine ray\b",
}
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_extras_are_there():
    assert set(NEEDS) <= set(EXTRAS)


@pytest.mark.parametrize("page", pages.PAGES)
def test_a_page_names_the_extras_of_its_commands(page):
    text = pages.text(page)
    commands = "\n".join(BLOCK.findall(text)).replace("\\\n", " ")
    named = {name.strip() for found in re.findall(r"\.\[([\w, -]+)\]", text) for name in found.split(",")}
    missing = {extra for extra, pattern in NEEDS.items() if re.search(pattern, commands)} - named
    assert not missing
