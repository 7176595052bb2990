"""examples/notebook.ipynb: its cells run in order, as a notebook would run them.

The cells are executed in this process, without Jupyter's 30 packages: a cell's last expression is its result.
"""

import ast
import base64
import io
import json
import re

import numpy as np
import pytest
import soundfile
from backends import Backend
from commands import ROOT

PATH = ROOT / "examples" / "notebook.ipynb"
NOTEBOOK = json.loads(PATH.read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def run_cells(cells: list[str], names: dict) -> list[object]:
    """The results of the cells; None for a cell that does not end with an expression."""
    results = []
    for number, source in enumerate(cells):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), names)  # our own file
        results.append(last and eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names))
    return results


def test_its_format():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w-]{1,64}", name) for name in names)


def test_no_outputs_are_stored():
    assert all(cell["outputs"] == [] for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code")
    assert PATH.stat().st_size < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_the_cells_run(backend, capsys):
    matplotlib = pytest.importorskip("matplotlib", reason="needs the extra [test]")
    matplotlib.use("Agg")
    Backend(backend)
    names: dict = {"__name__": "__main__"}
    cells = [source.replace("nanospeech_mlx", f"nanospeech_{backend}") for source in CODE]
    results = [result for result in run_cells(cells, names) if result is not None]
    voices, speech, words, edited = results
    assert "emma" in voices and [word for word, _, _ in words][0] == "Hello" and len(words) == 6
    for one in (speech, edited):  # what Jupyter shows is a player of a WAV file
        (data,) = re.findall(r'src="data:audio/wav;base64,([^"]+)"', one._repr_html_())
        wave, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
        assert rate == 24000 and len(wave) == len(one.wave) and 0.02 < np.sqrt((wave**2).mean()) < 0.3
    top, bottom = names["figure"].axes
    assert len(top.texts) == 6 and len(bottom.images) == 1
    assert bottom.images[0].get_extent()[1] == pytest.approx(len(speech.wave) / 24000, abs=0.05)
    printed = capsys.readouterr().out.splitlines()
    chunks = [float(line.split()[0]) for line in printed if line.endswith(" s")]
    assert len(chunks) > 2 and 2 < sum(chunks) < 6
    same = float(re.search(r"the first ([\d.]+) s are the same", printed[-1])[1])
    assert 0.5 < same < len(speech.wave) / 24000 - 0.3
    matplotlib.pyplot.close("all")
