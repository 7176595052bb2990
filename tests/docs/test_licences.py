"""docs/licences.md has what is installed."""

import pytest

licences = pytest.importorskip("licences", reason="needs packaging")
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STRICT = {"GPL", "LGPL", "MPL"}


def written() -> dict[str, list[str]]:
    page = licences.PAGE.read_text(encoding="utf-8")
    lines = page[page.index(licences.HEAD) + len(licences.HEAD) :].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: rest for name, *rest in cells}


@pytest.fixture(scope="module")
def here():
    try:
        return licences.installed()
    except licences.metadata.PackageNotFoundError as error:
        pytest.skip(f"{error} is not installed")


def test_what_is_installed_is_in_the_table(here):
    """All that this package asks for, and whatever obliges to more than a notice, whoever asks for it."""
    table = written()
    names = (Requirement(line) for line in licences.metadata.requires("nanospeech-mar") or ())
    direct = {canonicalize_name(need.name) for need in names if "extra" not in str(need.marker)}
    for name, distribution in here.items():
        found = licences.families(licences.declared(distribution))
        if name in direct or found & STRICT:
            assert name in table, f"python tests/helpers/licences.py would add {name}"
        if name in table and name not in licences.INSIDE:
            assert found <= licences.families(table[name][0]), (licences.declared(distribution), table[name])


def test_what_obliges_is_first_and_there(here):
    table = written()
    strict = [name for name, (licence, _) in table.items() if licences.families(licence) & STRICT]
    assert strict and set(strict) <= set(here), "python tests/helpers/licences.py would take one out"
    assert list(table)[0] == "espeakng-loader" and table["espeakng-loader"][0] == "GPL-3.0-or-later"
    assert all(licence for licence, _ in table.values())


def test_what_metadata_say():
    assert licences.families("LGPL-2.1-or-later") == {"LGPL"}
    assert licences.families("GPL-3.0-or-later") == {"GPL"}
    assert licences.families("BSD-3-Clause and 0BSD and MIT") == {"BSD", "0BSD", "MIT"}
