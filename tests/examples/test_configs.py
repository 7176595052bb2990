"""The examples are read as strictly as a user's files, by the command that trains with them."""

import re
from pathlib import Path

import pytest

from nanospeech_core.text.symbols import SYMBOLS

pytest.importorskip("torch")

from nanospeech_torch.training.tasks import load_config

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/*.toml"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_there_are_examples():
    embedded = {f"examples/embedded/{part}.toml" for part in ("acoustic", "vocoder", "aligner")}
    assert embedded <= set(map(name_of, EXAMPLES))


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_example(path):
    config = load_config(str(path))
    assert re.fullmatch(r"runs/[\w-]+", config.out), "examples write into runs/"
    patterns = config.data.sources if config.task == "vocoder" else config.data.shards
    assert patterns and not any(Path(pattern).is_absolute() for pattern in patterns)
    if config.task == "acoustic":
        assert config.model.text.vocab == SYMBOLS


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.parent.name == "embedded"], ids=name_of)
def test_its_first_lines_say_how_to_train(path):
    head = "".join(line for line in path.read_text(encoding="utf-8").splitlines(True) if line.startswith("#"))
    assert f"python -m nanospeech_torch.train {name_of(path)}\n" in head
    assert re.search(rf"python -m nanospeech_torch.export .*\b{load_config(str(path)).out}\b", head)
