"""Checkpoint folders: found here or on the hub, read in the layout of either backend."""

import json
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from checkpoints import conv_tensors, with_header
from huggingface_hub import errors as hub_errors

from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.tensors import (
    load_tensors,
    save_tensors,
    swap_conv_axes,
)
from nanospeech_core.checkpoints.vocoder import find_vocoder
from nanospeech_core.config import ModelConfig, VocosConfig
from nanospeech_core.errors import UserError


def test_resolve_local(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "file").touch()
    assert checkpoint.resolve("models") == Path("models")
    for name in ("models/none", "./none", "../a/b", "one", "a b/c", "~nobody/x", "x" * 300):
        with pytest.raises(UserError, match="does not exist"):
            checkpoint.resolve(name)
    with pytest.raises(UserError, match="is a file"):
        checkpoint.resolve("file")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("run", "a training run"),
        ("log", "a training run"),
        ("run/step-00000012.pt", "a training checkpoint"),
    ],
)
def test_a_training_run_must_be_exported_first(tmp_path, monkeypatch, name, kind):
    """As --model and as --vocoder."""
    monkeypatch.chdir(tmp_path)
    for folder, file in (("run", "step-00000012.pt"), ("log", "log.jsonl")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    command = f"export it first: python -m nanospeech_torch.export {name} -o"
    vocoder = f"if it is of a vocoder, {command} vocos.safetensors"
    for find, advice in ((checkpoint.resolve, f"{command} my-voice"), (find_vocoder, vocoder)):
        with pytest.raises(UserError) as caught:
            find(name)
        assert str(caught.value) == f"{name} is {kind}: {advice}"


def test_resolve_embedded(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path)
    with pytest.raises(UserError, match="no embedded checkpoint"):
        checkpoint.resolve()
    (tmp_path / "config.json").touch()
    assert checkpoint.resolve() == tmp_path


def test_embedded_is_a_name_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert checkpoint.resolve("embedded") == find_vocoder("embedded") == checkpoint.PRETRAINED
        (tmp_path / "embedded").mkdir(exist_ok=True)  # a folder that is called so has to be named otherwise
    assert checkpoint.resolve("./embedded") == checkpoint.resolve(Path("embedded")) == Path("embedded")


def test_resolve_hub(tmp_path, monkeypatch):
    calls = []

    def snapshot_download(repository, **options):
        calls.append((repository, options["revision"], options["allow_patterns"]))
        return str(tmp_path)

    (tmp_path / "model.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert checkpoint.resolve("owner/name") == tmp_path
    assert checkpoint.resolve("owner/name@0a1b2c") == tmp_path
    assert checkpoint.resolve("owner/name", "v1") == tmp_path
    assert [call[:2] for call in calls] == [
        ("owner/name", None),
        ("owner/name", "0a1b2c"),
        ("owner/name", "v1"),
    ]
    assert "*.safetensors" in calls[0][2] and "*.py" not in calls[0][2]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (hub_errors.LocalEntryNotFoundError, "cannot be reached"),
        (hub_errors.GatedRepoError, "is gated"),
        (hub_errors.RepositoryNotFoundError, "neither a local folder nor"),
        (hub_errors.RevisionNotFoundError, "no revision None"),
        (hub_errors.HFValidationError, "could not be downloaded"),
        (OSError, "could not be downloaded"),
    ],
)
def test_hub_errors_are_one_sentence(tmp_path, monkeypatch, error, sentence):
    def snapshot_download(*_, **__):
        raise error.__new__(error, "first line\nsecond line")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(UserError, match=f"owner/name.*{sentence}") as caught:
        checkpoint.resolve("owner/name")
    assert "\n" not in str(caught.value)


def write_folder(folder: Path, format: str | None) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(ModelConfig(vocoder=VocosConfig(dim=8)).to_dict()))
    tensors = conv_tensors()
    if format == "mlx":
        tensors = swap_conv_axes(tensors)
    for name in ("model", "vocos"):
        save_tensors(folder / f"{name}.safetensors", tensors, {"format": format} if format else None)


@pytest.mark.parametrize("format", ["pt", "mlx", None])
@pytest.mark.parametrize("backend", ["pt", "mlx"])
def test_load_folder_gives_the_backends_layout(tmp_path, format, backend):
    write_folder(tmp_path / "m", format)
    config, tensors = checkpoint.load_folder(tmp_path / "m", backend)
    assert config.vocoder.dim == 8
    assert set(tensors) == {prefix + name for prefix in ("", "vocoder.") for name in conv_tensors()}
    expected = conv_tensors()["conv.weight"]
    expected = expected if backend == "pt" else expected.swapaxes(1, 2)
    assert (tensors["conv.weight"] == expected).all() and (tensors["vocoder.conv.weight"] == expected).all()
    assert tensors["bfloat16.weight"].dtype == np.float32


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("config.json", None, "cannot read .*config.json"),
        ("config.json", b"{", "config.json is not valid JSON"),
        ("config.json", b"\xff\xfe", "config.json is not valid JSON"),
        ("config.json", b'{"transfromer": {}}', "unknown key 'transfromer'"),
        ("model.safetensors", None, "cannot read .*model.safetensors"),
        ("vocos.safetensors", None, "cannot read .*vocos.safetensors"),
        (
            "model.safetensors",
            with_header({"__metadata__": {"format": "flax"}}),
            "format must be one of pt, mlx, not 'flax'",
        ),
    ],
)
def test_a_broken_folder_gives_an_error(tmp_path, file, content, sentence):
    write_folder(tmp_path / "m", "pt")
    (tmp_path / "m" / file).unlink()
    if content is not None:
        (tmp_path / "m" / file).write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        checkpoint.load_folder(tmp_path / "m", "pt")


def test_a_folder_without_vocoder_takes_the_embedded_one(tmp_path, monkeypatch):
    write_folder(tmp_path / "m", "pt")
    (tmp_path / "m" / "vocos.safetensors").unlink()
    (tmp_path / "m" / "config.json").write_text(json.dumps(ModelConfig(vocoder=None).to_dict()))
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "none")
    assert set(checkpoint.load_folder(tmp_path / "m", "pt")[1]) == set(conv_tensors())
    write_folder(tmp_path / "embedded", "mlx")
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "embedded")
    config, tensors = checkpoint.load_folder(tmp_path / "m", "pt")
    assert config.vocoder == checkpoint.read_config(tmp_path / "embedded").vocoder
    own, _ = load_tensors(tmp_path / "embedded" / "vocos.safetensors")
    mine = {name.removeprefix("vocoder."): t for name, t in tensors.items() if name.startswith("vocoder.")}
    assert {n: t.shape for n, t in mine.items()} == {n: t.shape for n, t in swap_conv_axes(own).items()}


# what is trained must be exported first


def run_folder(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text('{"task": "acoustic"}')
    (run / "log.jsonl").write_text("")
    (run / "step-00000006.pt").write_bytes(b"")
    return run


def test_a_training_run_is_not_a_model(tmp_path):
    run = run_folder(tmp_path)
    export = "export it first: python -m nanospeech_torch.export"
    for path, what in ((run, "a training run"), (run / "step-00000006.pt", "a training checkpoint")):
        with pytest.raises(UserError, match=f"^{path} is {what}: {export} {path} -o my-voice$"):
            checkpoint.resolve(path)
        with pytest.raises(
            UserError, match=f"{what}: if it is of a vocoder, {export} {path} -o vocos.safetensors$"
        ):
            find_vocoder(path)
    (tmp_path / "other.ckpt").write_bytes(b"")
    with pytest.raises(UserError, match="other.ckpt is a training checkpoint: if it is of a vocoder"):
        find_vocoder(tmp_path / "other.ckpt")
    (run / "log.jsonl").unlink()
    with pytest.raises(UserError, match="is a training run"):  # copied without its log
        checkpoint.resolve(run)
    (run / "step-00000006.pt").unlink()
    assert checkpoint.resolve(run) == run
