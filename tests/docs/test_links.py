"""What the documentation names exists: files, headings, modules, numbers."""

import csv
import re
from importlib.util import find_spec
from pkgutil import resolve_name

import pages
import pytest


def without_blocks(page: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", pages.text(page), flags=re.DOTALL | re.MULTILINE)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", pages.text(page), flags=re.S | re.M), re.M
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages.PAGES)
def test_links(page: str) -> None:
    for target in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]*`", "", without_blocks(page))):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = ((pages.ROOT / page).parent / name).resolve() if name else pages.ROOT / page
        assert path.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(str(path.relative_to(pages.ROOT))), f"{page} links to {target}"


@pytest.mark.parametrize("page", [page for page in pages.PAGES if page != "CHANGELOG.md"])
def test_paths_and_modules(page: str) -> None:
    text = pages.text(page)
    folders = "nanospeech_core|nanospeech_mlx|nanospeech_torch|convert|examples|tests|docs"
    for path in re.findall(rf"(?<![\w/.-])(?:{folders})/[\w./-]*\w/?(?![\w*{{<])", text):
        placeholder = path.endswith("/X.py")
        assert placeholder or (pages.ROOT / path).exists(), f"{page} names {path}"
    for name in re.findall(r"`(nanospeech_(?:core|mlx|torch)\.[\w.]+)", text):
        resolve_name(name)
    for module in re.findall(r"python -m ([\w.]+\w)(?![\w{])", text):
        if module.split(".")[0] in folders.split("|"):
            assert find_spec(module), f"{page} names {module}"


def test_measured_intervals_are_in_the_data() -> None:
    """Every percentage with its interval, and every difference with its own, is a line of experiments.csv."""
    with open(pages.ROOT / "docs" / "experiments.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == set("experiment language setting baseline metric value low high n".split())
    known = set()
    for row in rows:
        value, low, high = (float(row[key]) if row[key] else None for key in ("value", "low", "high"))
        assert value is not None or (low is not None and high is not None), row
        assert low is None or value is None or low <= value <= high, row
        known.add((value, low, high))
    number = r"([+-]?\d+\.\d+)"
    for page in ("README.md", "docs/experiments.md"):
        text = pages.text(page)
        stated = re.findall(rf"{number}%? \({number} to {number}\)", text)
        assert stated
        for triple in stated:
            assert tuple(map(float, triple)) in known, (page, triple)
        for value, error in re.findall(rf"{number} ± {number}", text):
            value, error = float(value), float(error)
            assert (value, round(value - error, 6), round(value + error, 6)) in known, (page, value, error)
