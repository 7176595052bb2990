"""The examples are read as strictly as a user's files, by the command that their first lines name."""

import re
from pathlib import Path

import pytest

from nanospeech_core.text import SYMBOLS

pytest.importorskip("torch")

from nanospeech_torch.training.config import load_config  # noqa: E402
from nanospeech_torch.training.vocoder_config import read_config  # noqa: E402

ROOT = Path(__file__).parents[2]
READERS = {"nanospeech_torch.train": load_config, "nanospeech_torch.train_vocoder": read_config}
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))


def test_there_are_examples():
    assert {"embedded.toml", "vocoder.toml"} <= {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example(path):
    text = path.read_text(encoding="utf-8")
    (module,) = set(re.findall(rf"python -m (nanospeech_torch\.train\w*) examples/{path.name}", text))
    config = READERS[module](path)
    assert re.fullmatch(r"runs/[\w-]+", config.out), "examples write into runs/"
    patterns = config.data.shards if module == "nanospeech_torch.train" else config.data.sources
    assert patterns and not any(Path(pattern).is_absolute() for pattern in patterns)
    if module == "nanospeech_torch.train":
        assert config.model.text.vocab == SYMBOLS
