"""docs/figures.py plots what the model did, and the documentation has its pictures."""

import os
import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import commands
import numpy as np
import pytest

from nanospeech_core.errors import UserError

pytest.importorskip("matplotlib")

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "figures.py"


@pytest.fixture
def figures(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    import figures

    return figures


@pytest.fixture
def model(figures):
    try:
        return figures.load_model()
    except UserError as error:  # no backend is installed
        pytest.skip(str(error))


def png_size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    return struct.unpack(">II", data[16:24])


def bars(axis) -> int:
    """The bars above a mel."""
    return sum(len(collection.get_paths()) for collection in axis.collections)


def colored_tokens(axis, patch: int) -> int:
    """The tokens in color: the second image of an axis."""
    return int((~np.ma.getmaskarray(axis.images[1].get_array())[0]).sum()) // patch


@pytest.mark.slow
def test_reveal_shows_the_plan(figures, model, tmp_path):
    figure = figures.draw_reveal(model, "Hello.", num_iter=3)
    options = {"num_iter": 3, "speed": 0.8}
    plan = figures.speak(model, "Hello.", **options).plan
    blocks = figures.speak(model, "Hello.", stream=True, **options).plan
    patch = model.config.transformer.patch
    for column, expected in ((0, plan), (1, blocks)):
        axes = [axis for axis in figure.axes[column::2] if axis.get_visible()]
        counts = [len(tokens) for tokens in expected.reveal]
        assert [bars(axis) for axis in axes] == counts
        visible = figures.SHOWN_REFERENCE + np.cumsum(counts)
        assert [colored_tokens(axis, patch) for axis in axes] == visible.tolist()
        assert [axis.get_ylabel().split("\n")[1].split()[0] for axis in axes] == [f"+{n}" for n in counts]
    figures.save(figure, tmp_path / "reveal.png")
    width, height = png_size(tmp_path / "reveal.png")
    assert width == 1350 and 300 < height < 1500
    assert "sample_steps" not in vars(model)  # the recording of the steps has ended


@pytest.mark.slow
def test_refine_keeps_the_draft_where_it_is_not_marked(figures, model):
    *_, axis = figures.draw_samplers(model, "Hello.").axes
    regenerated, kept = (len(collection.get_paths()) for collection in axis.collections)
    assert regenerated == round(0.3 * (regenerated + kept))


@pytest.mark.slow
def test_an_edit_is_marked_where_samples_differ(figures, model):
    before, after = figures.draw_edit(model, "Hello there.", "Hello again.").axes
    spans = [[line.get_xdata()[0] for line in axis.lines] for axis in (before, after)]
    assert spans[0][0] == spans[1][0] > 0.3  # "Hello" is unchanged
    assert all(start < end for start, end in spans)


def test_common_ends(figures):
    assert figures.common_ends(np.array([1, 2, 3, 4]), np.array([1, 9, 9, 9, 4])) == (1, 1)
    assert figures.common_ends(np.array([1, 1]), np.array([1, 1, 1])) == (2, 0)


@pytest.mark.slow
def test_the_same_bytes_twice(tmp_path):
    for folder in ("a", "b"):
        done = commands.in_a_process(
            "figures", "architecture", "--output", tmp_path / folder, env={"PYTHONPATH": search_path()}
        )
        assert (done.code, done.err) == (0, "")
        assert done.out.split() == [str(tmp_path / folder / "architecture.svg")]
    first, second = (tmp_path / folder / "architecture.svg" for folder in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert ElementTree.parse(first).getroot().get("viewBox")


def search_path() -> str:
    """Where a process finds the script, and the package."""
    return os.pathsep.join((str(SCRIPT.parent), str(ROOT)))


def test_without_matplotlib_one_line(tmp_path):
    env = {"PYTHONPATH": search_path()}
    done = commands.in_a_process(
        "figures", "architecture", "--output", tmp_path, absent=("matplotlib",), env=env
    )
    assert done.code == 1
    assert done.err.startswith('python docs/figures.py: drawing needs matplotlib: pip install ".[train]"')
    assert len(done.err.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_an_unknown_name(figures, capsys):
    with pytest.raises(SystemExit, match="2"):
        figures.main(["portrait"])
    assert "there is no figure 'portrait'; there are reveal, samplers" in capsys.readouterr().err


def test_pictures_are_there_and_small(figures):
    for name in figures.FIGURES:
        path = figures.FOLDER / name
        assert 5_000 < path.stat().st_size < 200_000, name
        if path.suffix == ".png":
            assert png_size(path)[0] == 1350
        else:
            assert ElementTree.parse(path).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name
)
def test_pictures_that_a_page_shows_exist(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", text) + re.findall(
        r"<(?:img|source)[^>]*?src(?:set)?=\"([^\"]+)", text
    )
    for link in links:
        if "://" not in link:
            assert (page.parent / link).is_file(), link
