"""What does not fit its config is not written; what training tools add to the names is taken off."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from conversions import (
    CONFIG,
    CONV,
    failure,
    make_folder,
    make_parts,
    make_tensors,
    run,
    snapshot,
    torch_weights,
)

from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_core.checkpoints.tensors import load_tensors, save_tensors


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def rewrite(path: Path, change) -> None:
    tensors, metadata = load_tensors(path)
    tensors = {name: np.array(array) for name, array in tensors.items()}
    change(tensors)
    save_tensors(path, tensors, metadata)


def grow(tensors: dict) -> None:
    tensors[CONV] = np.zeros((8, 4, 9), np.float32)


def spoil(tensors: dict) -> None:
    tensors[CONV] = np.full((8, 4, 7), np.nan, np.float32)


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("model", grow, f"1 of the wrong shape: {CONV} (is [8, 4, 9], should be [8, 4, 7])"),
        ("model", spoil, f"the tensor {CONV} has values that are not finite"),
        ("model", lambda t: t.update(extra=np.ones(3)), "1 unexpected: extra"),
        ("model", lambda t: t.pop(CONV), f"1 missing: {CONV}"),
        ("vocos", lambda t: t.pop("head.out.bias"), "1 missing: head.out.bias"),
        ("aligner", lambda t: t.update(extra=np.ones(3)), "1 unexpected: extra"),
    ],
    ids=["shape", "not finite", "extra", "missing", "vocoder", "aligner"],
)
@pytest.mark.parametrize("command", ["torch2mlx", "quantize"])
def test_a_folder_that_could_not_be_loaded_is_not_written(tmp_path, command, file, change, sentence):
    source = make_folder(tmp_path / "model")
    rewrite(source / f"{file}.safetensors", change)
    bits = ["--bits", 4, "--group-size", 32] if command == "quantize" else []
    message = failure(command, source, *bits)
    wrong = "is damaged:" if change is spoil else "does not match its config; tensors"
    assert f"{file}.safetensors {wrong} {sentence}" in message
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("file", ["vocos", "aligner"])
def test_a_missing_part_is_told_before(tmp_path, file):
    source = make_folder(tmp_path / "model")
    (source / f"{file}.safetensors").unlink()
    assert f"has no {file}.safetensors, but its config describes one" in failure("torch2mlx", source)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_file_is_compared_with_the_config_beside_it(tmp_path):
    source = make_folder(tmp_path / "model") / "model.safetensors"
    rewrite(source, grow)
    assert "1 of the wrong shape" in failure("torch2mlx", source, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def ema(tensors: dict) -> dict:
    online = {f"online_model.{name}": array * 0 for name, array in tensors.items()}
    extra = {"initted": np.ones(1, np.float32), "step": np.ones(1, np.float32)}
    return online | {f"ema_model.{name}": array for name, array in tensors.items()} | extra


WRAPPED = {
    "ema": ema,
    "ddp": lambda tensors: {f"module.{name}": array for name, array in tensors.items()},
    "compiled": lambda tensors: {f"_orig_mod.{name}": array for name, array in tensors.items()},
    "all": lambda tensors: ema({f"module._orig_mod.{name}": array for name, array in tensors.items()}),
    "a compiled part": lambda tensors: {
        name.replace("transformer.", "transformer._orig_mod."): array for name, array in tensors.items()
    },
}


@pytest.mark.parametrize("wrap", [*WRAPPED.values()], ids=WRAPPED)
def test_the_names_of_training_tools_are_taken_off(tmp_path, wrap):
    """The result is that of a checkpoint without them."""
    source, plain = make_folder(tmp_path / "model"), make_folder(tmp_path / "plain")
    metadata = load_tensors(source / "model.safetensors")[1]
    save_tensors(source / "model.safetensors", wrap(make_tensors("F32")), metadata)
    run("torch2mlx", source)
    run("torch2mlx", plain)
    assert snapshot(tmp_path / "model-mlx") == snapshot(tmp_path / "plain-mlx")


@pytest.mark.parametrize("wrap", [*WRAPPED.values()], ids=WRAPPED)
@pytest.mark.parametrize("key", ["model", "state_dict", None])
def test_of_a_pt_too(tmp_path, torch, wrap, key):
    parts = make_parts()
    complete = parts["model"] | {f"vocoder.{name}": array for name, array in parts["vocos"].items()}
    tensors = {name: torch.from_numpy(array) for name, array in wrap(complete).items()}
    torch.save(tensors if key is None else {key: tensors, "config": CONFIG.to_dict()}, tmp_path / "x.ckpt")
    run("torch2mlx", tmp_path / "x.ckpt", "-o", tmp_path / "out")
    written, _ = load_tensors(tmp_path / "out" / "model.safetensors")
    assert written.keys() == parts["model"].keys()
    assert np.array_equal(written[CONV].swapaxes(1, 2), parts["model"][CONV])
    assert (tmp_path / "out" / "vocos.safetensors").exists()


def test_a_pt_that_does_not_fit_is_not_written(tmp_path, torch):
    state = {"model": torch_weights(torch) | {"extra": torch.ones(2)}, "config": CONFIG.to_dict()}
    torch.save(state, tmp_path / "x.pt")
    assert "does not match its config; tensors 1 unexpected: extra" in failure("torch2mlx", tmp_path / "x.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


def test_a_training_checkpoint_has_no_voices_and_that_is_told(tmp_path, torch):
    state = {"ema": torch_weights(torch), "config": CONFIG.to_dict(), "step": 12}
    torch.save(state, tmp_path / "step-00000012.pt")
    done = run("torch2mlx", tmp_path / "step-00000012.pt", "-o", tmp_path / "out")
    assert done.err == (
        f"python -m convert: {tmp_path / 'out'} has no voices of its own, as step-00000012.pt contains none: "
        "it speaks with the embedded ones; python -m nanospeech_torch.export makes voices of the training "
        "data\n"
    )


@pytest.mark.parametrize("command", [["torch2mlx"], ["inspect"], ["quantize", "--bits", 4]])
def test_a_run_must_be_exported_first(tmp_path, command):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "step-00000012.pt").write_bytes(b"")
    name, *rest = command
    message = failure(name, tmp_path / "run", *rest)
    assert f"{tmp_path / 'run'} is a training run: export it first: " in message
    assert f"python -m nanospeech_torch.export {tmp_path / 'run'} -o my-voice" in message


@pytest.mark.skipif(not importlib.util.find_spec("mlx"), reason="MLX is not installed")
def test_what_is_written_can_be_loaded(tmp_path):
    from nanospeech_mlx.networks import Networks

    source = make_folder(tmp_path / "model", "BF16")
    save_tensors(source / "model.safetensors", ema(make_tensors("F32")), {"format": "pt"})
    run("torch2mlx", source)
    config, tensors = load_folder(tmp_path / "model-mlx", "mlx")
    Networks.from_config(config).set_weights(tensors, "model")
