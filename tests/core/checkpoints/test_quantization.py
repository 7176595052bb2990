"""Weights of 4 or 8 bits: the format, the folders that `convert quantize` writes, and what loads them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from convert.convert import convert
from convert.describe import describe
from convert.quantize import quantize_folder
from nanospeech_core.checkpoints.folder import PRETRAINED, load_folder
from nanospeech_core.checkpoints.quantization import can_quantize, dequantize, quantize
from nanospeech_core.checkpoints.tensors import load_tensors, save_tensors
from nanospeech_core.config import QuantizationConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import PRECISIONS

TEXT = "Hello there."
# groups of 32 fit most layers of the tiny model: 32 wide, but not all (text_dim is 16)
SMALL = tiny_config()


def matrices() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    extremes = rng.standard_normal((9, 256))
    extremes[0], extremes[1], extremes[2, :64] = 0, 1e-9, 5.0  # all zero, nearly, and all the same
    return {
        "normal": rng.standard_normal((9, 256)),
        "far from zero": 3 + rng.random((9, 256)),
        "negative": -rng.random((9, 256)),
        "extremes": extremes,
    }


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("group_size", [32, 64, 128])
@pytest.mark.parametrize("name", list(matrices()))
def test_the_format_is_that_of_mlx(name: str, group_size: int, bits: int) -> None:
    mx = pytest.importorskip("mlx.core")
    weight = matrices()[name].astype(np.float32)
    ours = quantize(weight, bits, group_size)
    theirs = mx.quantize(mx.array(weight), group_size, bits)
    assert all((mine == np.array(other)).all() for mine, other in zip(ours, theirs, strict=True))
    restored = mx.dequantize(*(mx.array(part) for part in ours), group_size, bits)
    assert np.abs(dequantize(*ours, bits) - np.array(restored)).max() <= 1e-6 * np.abs(weight).max()


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("name", list(matrices()))
def test_a_weight_is_restored_to_less_than_a_step(name: str, bits: int) -> None:
    weight = matrices()[name].astype(np.float32)
    packed, scales, biases = quantize(weight, bits, 64)
    assert packed.shape == (9, 256 * bits // 32) and scales.shape == biases.shape == (9, 4)
    error = np.abs(dequantize(packed, scales, biases, bits) - weight)
    assert (error.reshape(9, 4, 64).max(-1) <= 1.01 * np.abs(scales)).all()
    assert (np.abs(scales) < 1.2 * np.ptp(weight.reshape(9, 4, 64), axis=-1) / (2**bits - 1) + 1e-6).all()


def test_only_matrices_that_divide_into_groups_fit() -> None:
    for name, shape, expected in (
        ("layer.weight", (8, 64), True),
        ("layer.weight", (8, 100), False),
        ("layer.weight", (1, 64), False),
        ("layer.bias", (64,), False),
        ("conv.weight", (8, 64, 7), False),
        ("grn.gamma", (64, 64), False),
    ):
        assert can_quantize(name, np.zeros(shape, np.float32), 64) is expected, (name, shape)


@pytest.fixture(scope="module", params=["pt", "mlx"])
def source(request, tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("source") / "tiny", request.param, "F16", SMALL)


def test_the_content_of_a_folder(source: Path, tmp_path: Path) -> None:
    out = quantize_folder(source, 4, 32, tmp_path / "out")
    before, after = snapshot(source), snapshot(out)
    assert after.keys() == before.keys()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"config.json", "model.safetensors"}  # neither the vocoder nor the voices
    assert len(after["model.safetensors"]) < 0.65 * len(before["model.safetensors"])
    config, old = json.loads(after["config.json"]), json.loads(before["config.json"])
    assert config == old | {"quantization": {"group_size": 32, "bits": 4, "mode": "affine"}}

    old, metadata = load_tensors(source / "model.safetensors")
    new, same = load_tensors(out / "model.safetensors")
    assert same == metadata
    layer = "transformer.transformer_blocks.0.attn.to_q"
    assert new[f"{layer}.weight"].dtype == np.uint32 and new[f"{layer}.weight"].shape == (32, 4)
    assert new[f"{layer}.scales"].dtype == np.float16 and new[f"{layer}.scales"].shape == (32, 1)
    kept = (
        "transformer.text_embed.text_embed.weight",  # 16 wide
        "duration_predictor.to_pred.weight",  # a single row
        "transformer.input_embed.conv_pos_embed.conv1d.0.weight",
        f"{layer}.bias",
    )
    for name in kept:
        assert new[name].tobytes() == old[name].tobytes() and new[name].dtype == old[name].dtype


def test_inspect_counts_the_parameters_as_before(source: Path, tmp_path: Path) -> None:
    def counts(folder: Path) -> list[str]:
        lines = describe(folder).splitlines()
        return [line.partition(" parameters")[0] for line in lines if " parameters" in line]

    assert counts(quantize_folder(source, 4, 32, tmp_path / "out")) == counts(source)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [4, 8])
def test_one_folder_speaks_alike_on_both_backends_and_near_the_original(
    source: Path, tmp_path: Path, bits: int
) -> None:
    out = quantize_folder(source, bits, 32, tmp_path / "out")
    spoken = {}
    for name in NAMES:
        model = Backend(name).module("nanospeech").Nanospeech
        for folder in (source, out):
            pipeline = model.from_pretrained(folder)
            spoken[name, folder] = pipeline.generate(TEXT, use_diffusion=True, num_iter=3, seed=1)
    assert np.abs(spoken["torch", out] - spoken["mlx", out]).max() < 2e-4
    exact, near = spoken["torch", source], spoken["torch", out]
    length = min(len(exact), len(near))  # durations may differ by some frames
    assert abs(len(exact) - len(near)) < 0.1 * len(exact)
    assert not np.array_equal(exact[:length], near[:length])
    assert 0.5 < np.std(near) / np.std(exact) < 2


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NAMES)
def test_in_every_precision(source: Path, tmp_path: Path, name: str, precision: str) -> None:
    """The codes are kept; the scales have the precision, as what is computed with them."""
    out = quantize_folder(source, 8, 32, tmp_path / "out")
    pipeline = Backend(name).module("nanospeech").Nanospeech.from_pretrained(out, precision=precision)
    attention = pipeline.transformer.transformer_blocks[0].attn
    layer = attention.to_qkv if name == "mlx" else attention.to_q
    if name == "mlx":
        assert str(layer.weight.dtype).endswith(".uint32") and str(layer.scales.dtype).endswith(precision)
    else:
        assert str(layer.weight.dtype).endswith(f".{precision}")
    assert str(pipeline.duration_predictor.to_pred.weight.dtype).endswith(".float32")
    assert str(pipeline.vocoder.head.out.weight.dtype).endswith(".float32")
    for options in ({"sampler": "masked", "num_iter": 2}, {"sampler": "ode", "steps": 2}):
        wave = pipeline.generate(TEXT, **options)
        assert wave.dtype == np.float32 and 0.01 < np.abs(wave).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_no_such_precision(source: Path, name: str) -> None:
    model = Backend(name).module("nanospeech").Nanospeech
    with pytest.raises(
        UserError, match="the precision must be one of float32, float16, bfloat16, not 'half'"
    ):
        model.from_pretrained(source, precision="half")


def test_mlx_keeps_the_codes_and_torch_the_floats(source: Path, tmp_path: Path) -> None:
    mx = pytest.importorskip("mlx.core")
    nn = pytest.importorskip("mlx.nn")
    out = quantize_folder(source, 8, 32, tmp_path / "out")
    pipeline = Backend("mlx").module("nanospeech").Nanospeech.from_pretrained(out)
    block = pipeline.transformer.transformer_blocks[0]
    assert isinstance(block.attn.to_qkv, nn.QuantizedLinear) and block.attn.to_qkv.weight.dtype == mx.uint32
    assert isinstance(block.ff.ff[0][0], nn.QuantizedLinear)
    assert isinstance(pipeline.duration_predictor.text_embed, nn.QuantizedEmbedding)
    assert not isinstance(pipeline.duration_predictor.to_pred, nn.QuantizedLinear)
    assert not any(isinstance(m, nn.QuantizedLinear) for m in pipeline.vocoder.modules())

    config, tensors = load_folder(out, "pt")
    assert config.quantization is None and not any(name.endswith(".scales") for name in tensors)
    packed = load_tensors(out / "model.safetensors")[0]
    name = "transformer.transformer_blocks.1.ff.ff.2"
    codes, *rest = (mx.array(packed[f"{name}.{part}"]) for part in ("weight", "scales", "biases"))
    scales, biases = (part.astype(mx.float32) for part in rest)
    expected = np.array(mx.dequantize(codes, scales, biases, 32, 8))
    assert np.abs(tensors[f"{name}.weight"] - expected).max() < 1e-6
    original = load_folder(source, "pt")[1][f"{name}.weight"].astype(np.float32)
    assert 0 < np.abs(expected - original).max() < 0.02 * np.abs(original).max()


def test_the_layout_can_be_changed_afterwards(source: Path, tmp_path: Path) -> None:
    out = quantize_folder(source, 8, 32, tmp_path / "out")
    have = load_tensors(out / "model.safetensors")[1]["format"]
    want = {"pt": "mlx", "mlx": "pt"}[have]
    other = convert(out, want, tmp_path / "other")
    ours, theirs = load_folder(out, "mlx"), load_folder(other, "mlx")
    assert ours[0] == theirs[0] and ours[0].quantization == QuantizationConfig(32, 8)
    assert ours[1].keys() == theirs[1].keys()
    assert all((ours[1][name] == theirs[1][name]).all() for name in ours[1])


def test_bfloat16_scales(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "tiny", "pt", "BF16")
    out = quantize_folder(source, 8, 32)
    assert out == tmp_path / "tiny-8bit"
    tensors = load_tensors(out / "model.safetensors")[0]
    assert tensors["to_mel.scales"].dtype.names == ("bfloat16",)
    assert load_folder(out, "pt")[1]["to_mel.weight"].dtype == np.float32


def test_what_cannot_be_quantized(source: Path, tmp_path: Path) -> None:
    out = quantize_folder(source, 8, 32, tmp_path / "out")
    original = tmp_path / "original"
    original.mkdir()
    save_tensors(original / "model.safetensors", {"a.weight": np.zeros((2, 64), np.float32)})
    (original / "vocab.txt").write_text("a\nb\n")
    narrow = tmp_path / "narrow"
    narrow.mkdir()
    save_tensors(narrow / "model.safetensors", {"a.weight": np.zeros((2, 64), np.float32)})
    (narrow / "config.json").write_text(json.dumps(SMALL.to_dict()))
    before = snapshot(tmp_path)
    for folder, bits, group_size, sentence in (
        (out, 4, 32, "is already quantized to 8 bits"),
        (source, 3, 32, "quantization.bits must be one of 4, 8, not 3"),
        (source, 8, 48, "quantization.group_size must be one of 32, 64, 128, not 48"),
        (narrow, 8, 128, "does not match its config"),
        (original, 8, 64, "import-nanospeech"),
        (tmp_path / "none", 8, 64, "does not exist"),
        (source / "model.safetensors", 8, 64, "is a file"),
    ):
        with pytest.raises(UserError, match=sentence):
            quantize_folder(folder, bits, group_size, tmp_path / "new")
    with pytest.raises(UserError, match="--force"):
        quantize_folder(source, 8, 32, out)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("backend", NAMES)
def test_a_folder_that_contradicts_its_config(source: Path, tmp_path: Path, backend: str) -> None:
    out = quantize_folder(source, 8, 32, tmp_path / "out")
    model = Backend(backend).module("nanospeech").Nanospeech
    tensors, metadata = load_tensors(out / "model.safetensors")
    values = json.loads((out / "config.json").read_text())

    def check_error(config: dict, tensors: dict, sentence: str) -> None:
        (out / "config.json").write_text(json.dumps(config))
        save_tensors(out / "model.safetensors", tensors, metadata)
        with pytest.raises(UserError, match=sentence):
            model.from_pretrained(out)

    for quantization in ({"bits": 4, "group_size": 32}, {"bits": 8, "group_size": 64}):
        check_error(values | {"quantization": quantization}, tensors, "is not quantized as its config says")
    check_error(values | {"quantization": None}, tensors, "unexpected: .*scales")
    check_error(
        values | {"quantization": {"mode": "mxfp4"}},
        tensors,
        "quantization.mode must be one of affine, not 'mxfp4'",
    )
    lacking = {name: array for name, array in tensors.items() if name != "to_mel.biases"}
    check_error(values, lacking, "to_mel is not quantized as its config says")
    lacking = {name: array for name, array in tensors.items() if name != "to_mel.scales"}
    check_error(values, lacking, "does not match its config")
    plain, _ = load_tensors(source / "model.safetensors")
    check_error(values, plain, "has no quantized layer")
    wide = {"to_mel.weight": np.zeros((4, 16), np.uint32)}
    wide |= {f"to_mel.{part}": np.zeros((4, 2), np.float16) for part in ("scales", "biases")}
    check_error(values, tensors | wide, "to_mel.weight")


def test_the_embedded_checkpoint(tmp_path: Path) -> None:
    sizes = {}
    for bits in (8, 4):
        out = quantize_folder(None, bits, output=tmp_path / str(bits))
        sizes[bits] = (out / "model.safetensors").stat().st_size
    assert sizes[4] < 0.4 * (PRETRAINED / "model.safetensors").stat().st_size
    assert sizes[8] < 0.6 * (PRETRAINED / "model.safetensors").stat().st_size


def test_training_takes_the_weights_and_not_the_codes(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from nanospeech_torch.training.acoustic.config import AcousticConfig
    from nanospeech_torch.training.acoustic.weights import read_weights

    out = quantize_folder(write_checkpoint(tmp_path / "tiny"), 8, 32)
    config, tensors = read_weights(str(out))
    assert config.quantization is None and tensors["to_mel.weight"].dtype == np.float32
    with pytest.raises(UserError, match="model.quantization"):
        AcousticConfig(model=replace(SMALL, quantization=QuantizationConfig()))
