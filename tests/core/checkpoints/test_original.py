"""Original Nanospeech checkpoints: the config from the shapes, and all ways for a folder to be wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backends import NAMES, Backend
from originals import VOCAB, original_config, original_weights, write_original

from nanospeech_core.checkpoints.folder import PRETRAINED, load_folder
from nanospeech_core.checkpoints.original import OriginalFiles, read_original, read_vocab
from nanospeech_core.checkpoints.tensors import load_for_backend, load_tensors, save_tensors, swap_conv_axes
from nanospeech_core.config import DiffLossConfig, ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.synthesis.prompts import make_prompt


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    name = next(name for name in NAMES if pytest.importorskip({"torch": "torch", "mlx": "mlx.core"}[name]))
    return original_weights(Backend(name), original_config())


@pytest.fixture
def folder(tmp_path, weights) -> Path:
    return write_original(tmp_path / "m", weights)


def read(folder: Path) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    return read_original(OriginalFiles.find(folder), lambda file: load_for_backend(file, "pt"))


def rewrite(folder: Path, change, file: str = "model.safetensors", metadata: dict | None = None) -> None:
    tensors, _ = load_tensors(folder / file)
    save_tensors(folder / file, change(tensors), metadata)


def test_config_and_weights(folder, weights):
    config, tensors = read(folder)
    assert config == original_config()
    assert set(tensors) == set(weights)
    assert all((tensors[name] == array).all() for name, array in weights.items())


@pytest.mark.slow
def test_the_published_sizes(tmp_path):
    """Shapes alone, 82 million numbers never made: broadcast zeros."""
    config = original_config(tuple(map(chr, range(0x100, 0x1FF))), small=False)
    backend = Backend("torch")
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        model = backend.module("nanospeech").Nanospeech.from_config(config)
    zero = np.zeros(1, np.float32)
    tensors = {name: np.broadcast_to(zero, tuple(t.shape)) for name, t in model.state_dict().items()}
    count = sum(t.size for name, t in tensors.items() if name.startswith("transformer."))
    assert 81e6 < count < 83e6
    parts = {
        "model.safetensors": {n: t for n, t in tensors.items() if n.startswith("transformer.")},
        "duration.safetensors": {
            n.removeprefix("duration_predictor."): t for n, t in tensors.items() if n.startswith("duration_")
        },
    }
    for name in parts:
        (tmp_path / name).touch()
    (tmp_path / "vocab.txt").write_text("\n".join(config.text.vocab), encoding="utf-8")
    found, renamed = read_original(OriginalFiles.find(tmp_path), lambda file: parts[file.name])
    assert found == config and set(renamed) == set(tensors)
    assert (found.transformer.depth, found.transformer.heads, found.duration.heads) == (18, 12, 8)


@pytest.mark.parametrize("wrapper", ["ema_model.", "module.", "ema_model.module.", "_orig_mod."])
def test_wrappers_come_off(folder, weights, wrapper):
    counters = {"initted": np.ones(1, np.float32), "step": np.ones(1, np.float32)}
    for file in ("model.safetensors", "duration.safetensors"):
        rewrite(folder, lambda t: counters | {wrapper + name: array for name, array in t.items()}, file)
    config, tensors = read(folder)
    assert config == original_config() and set(tensors) == set(weights)


def test_a_file_in_mlxs_layout(folder, weights):
    for file in ("model.safetensors", "duration.safetensors"):
        rewrite(folder, swap_conv_axes, file, {"format": "mlx"})
    config, tensors = read(folder)
    assert config == original_config()
    assert all((tensors[name] == array).all() for name, array in weights.items())


@pytest.mark.parametrize("backend", ["pt", "mlx"])
def test_load_folder_gives_the_backends_layout(folder, weights, backend):
    _, tensors = load_folder(folder, backend)
    name = "transformer.input_embed.conv_pos_embed.conv1d.0.weight"
    expected = weights[name] if backend == "pt" else weights[name].swapaxes(1, 2)
    assert (tensors[name] == expected).all()


def test_a_predictor_inside_the_model(folder, weights):
    """As written by a trainer that saves the entire system."""
    duration, _ = load_tensors(folder / "duration.safetensors")
    rewrite(folder, lambda t: t | {f"_duration_predictor.{name}": array for name, array in duration.items()})
    (folder / "duration.safetensors").unlink()
    config, tensors = read(folder)
    kept = {name for name in tensors if "mel_spec" not in name}
    assert config == original_config() and kept == set(weights)


def test_without_a_predictor(folder):
    (folder / "duration.safetensors").unlink()
    config, tensors = read(folder)
    assert config == replace(original_config(), duration=None)
    assert not any(name.startswith("duration") for name in tensors)


@pytest.mark.parametrize("ending", ["", "\n", "\n\n", "\r\n"])
def test_the_vocabulary(tmp_path, ending):
    path = tmp_path / "vocab.txt"
    path.write_bytes(("\n".join(VOCAB) + ending).encode())
    assert read_vocab(path) == VOCAB
    path.write_bytes(b"\n \na")  # the newline itself is a symbol: an empty line, whose id is kept
    assert read_vocab(path) == ("", " ", "a")


def test_what_is_no_original_checkpoint(folder):
    assert OriginalFiles.find(folder).duration == folder / "duration.safetensors"
    (folder / "config.json").write_text("{}")
    assert OriginalFiles.find(folder) is None
    (folder / "config.json").unlink()
    (folder / "vocab.txt").unlink()
    assert OriginalFiles.find(folder) is None
    with pytest.raises(UserError, match="cannot read .*config.json"):
        load_folder(folder, "pt")


def without(name: str):
    return lambda tensors: {key: array for key, array in tensors.items() if key != name}


def reshaped(name: str, *shape: int):
    return lambda tensors: tensors | {name: np.zeros(shape, np.float32)}


TO_Q = "transformer.transformer_blocks.0.attn.to_q.weight"
CONV = "transformer.input_embed.conv_pos_embed.conv1d.0.weight"


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("model", reshaped("lora.weight", 1), "model.safetensors is not an original .* a tensor lora.weight"),
        ("model", without(TO_Q), f"model.safetensors is not an original .* it has no {TO_Q}"),
        (
            "model",
            reshaped(TO_Q, 100, 32),
            r"by the width of a head is not a whole number: 100 is not divisible by 64",
        ),
        (
            "model",
            reshaped(CONV, 32, 3, 31),
            r"channels of a group is not a whole number: 32 is not divisible by 3",
        ),
        ("model", reshaped(CONV, 32, 0, 31), r"32 is not divisible by 0"),
        ("model", reshaped(CONV, 32, 2), "conv1d.0.weight has 2 axes, not 3"),
        ("model", reshaped(CONV, 32, 2, 30), "conv_pos_kernel must be odd, not 30"),
        ("model", lambda tensors: {}, "it has no transformer.input_embed.proj.weight"),
        (
            "duration",
            without("transformer.text_embed.text_embed.weight"),
            "duration.safetensors is not an original",
        ),
        ("duration", reshaped("to_mel.weight", 1), "a tensor to_mel.weight"),
        ("duration", reshaped("transformer.text_embed.text_embed.weight", 9, 16), "text_num_embeds is 8"),
    ],
)
def test_a_wrong_folder_gives_an_error(folder, file, change, sentence):
    rewrite(folder, change, f"{file}.safetensors")
    with pytest.raises(UserError, match=sentence):
        read(folder)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without("transformer.proj_out.weight"), "1 missing: transformer.proj_out.weight"),
        (
            reshaped("transformer.proj_out.weight", 80, 32),
            "proj_out.weight .is .80, 32., should be .100, 32.",
        ),
        (reshaped("transformer.extra.weight", 2), "1 unexpected: transformer.extra.weight"),
    ],
)
def test_the_model_reports_a_tensor_that_does_not_fit(folder, name, change, sentence):
    rewrite(folder, change)
    with pytest.raises(UserError, match=sentence):
        Backend(name).module("nanospeech").Nanospeech.from_pretrained(folder, vocoder=PRETRAINED)


@pytest.mark.parametrize("imported", [False, True], ids=["original", "imported"])
def test_warm_start_of_a_model_with_a_head(folder, weights, tmp_path, imported):
    """The transformer and the predictor are loaded, the diffusion head and the regression stay fresh."""
    torch = pytest.importorskip("torch")
    from convert.original import import_nanospeech
    from nanospeech_torch import Nanospeech
    from nanospeech_torch.training.acoustic.weights import initialize, warm_start

    if imported:
        folder = import_nanospeech(folder, tmp_path / "ours", PRETRAINED)
    head = DiffLossConfig(target_channels=100, z_channels=32, depth=1, width=16)
    torch.manual_seed(0)
    model = Nanospeech.from_config(replace(original_config(), diffusion=head))
    initialize(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert warm_start(model, str(folder)) == ["diffusion_module", "to_mel"]
    for name, tensor in model.state_dict().items():
        expected = torch.from_numpy(weights[name]) if name in weights else before[name]
        assert torch.equal(tensor, expected), name
    prompt = make_prompt(None, np.arange(1, 9), 30, model.config)
    mel = model.eval().sample(prompt, use_diffusion=True, num_iter=2)
    assert mel.shape == (30, 100) and np.isfinite(mel).all()
