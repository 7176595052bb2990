"""Which folders an export may replace; whether a model is heard."""

import shutil

import numpy as np
import pytest

from nanospeech_core.audio.signal import SILENT, level
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.errors import UserError

pytest.importorskip("torch")

from nanospeech_torch.export.output import check_folder, find_silence


def test_folders_that_may_be_written(tmp_path):
    check_folder(tmp_path / "new" / "folder", [])
    check_folder(tmp_path, [])
    for name in ("config.json", "model.safetensors", "vocos.safetensors", ".DS_Store"):
        (tmp_path / name).touch()
    check_folder(tmp_path, [])


@pytest.mark.parametrize("name", ["README.md", ".git", "notes.txt", "metadata.csv"])
def test_other_files_are_not_deleted(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(UserError, match="has other files than an export"):
        check_folder(tmp_path, [])


@pytest.mark.slow
def test_a_model_that_speaks_is_not_silent(tmp_path):
    if not (PRETRAINED / "voices").is_dir():
        pytest.skip("no embedded checkpoint")
    shutil.copytree(PRETRAINED, tmp_path / "model")
    assert find_silence(tmp_path / "model") == ""


def test_levels():
    assert level(np.zeros(0, np.float32)) == level(np.zeros(100, np.float32)) == -180.0
    assert level(np.full(100, 0.1, np.float32)) == pytest.approx(-20.0)
    assert level(np.full(100, 1e-3, np.float32)) < SILENT < level(np.full(100, 0.01, np.float32))
