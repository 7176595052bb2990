"""Checkpoint files: bits kept, layouts told by the header, every kind of damage told in one sentence."""

import json
import struct
import subprocess
import sys
from mmap import mmap
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import errors as hub_errors
from safetensors.numpy import save as library_save

from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.checkpoints.folder import BFLOAT16, DTYPES, cast, load_tensors, save_tensors
from nanospeech_core.checkpoints.vocoder import find_vocoder
from nanospeech_core.config import ModelConfig, VocosConfig
from nanospeech_core.errors import UserError

GOLDEN = Path(__file__).parents[2] / "golden"


def tensors_of_every_dtype() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        name: rng.integers(0, 2 if name == "BOOL" else 256, 6 * dtype.itemsize, np.uint8)
        .view(dtype)
        .reshape(2, 3)
        for name, dtype in DTYPES.items()
    }


def test_every_dtype_and_the_order_survive(tmp_path):
    tensors = dict(reversed(tensors_of_every_dtype().items())) | {
        "scalar": np.array(3.0),
        "empty": np.zeros((0, 4), np.float32),
    }
    metadata = {"z": "1", "format": "mlx", "a": "ü\n"}
    save_tensors(tmp_path / "x.safetensors", tensors, metadata)
    loaded, read = load_tensors(tmp_path / "x.safetensors")
    assert list(loaded) == list(tensors)
    assert list(read.items()) == list(metadata.items())
    for name, array in tensors.items():
        assert loaded[name].dtype == array.dtype and loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.tobytes()
        assert loaded[name].flags.aligned and loaded[name].flags.writeable


def test_a_file_is_mapped_and_may_be_replaced(tmp_path):
    """Its tensors are not read before they are used; who has them may change them."""
    path, old, new = tmp_path / "x.safetensors", np.arange(12, dtype="<f4"), np.ones(3, np.float32)
    save_tensors(path, {"a": old})
    (mapped,) = load_tensors(path)[0].values()
    base = mapped
    while isinstance(base, np.ndarray):
        base = base.base
    assert isinstance(base, mmap)
    mapped[0] = 7
    assert np.array_equal(load_tensors(path)[0]["a"], old)
    save_tensors(path, {"a": new})
    assert np.array_equal(mapped[1:], old[1:]) and mapped[0] == 7
    assert np.array_equal(load_tensors(path)[0]["a"], new)


def test_the_bytes_are_the_librarys(tmp_path):
    tensors = {"b": np.arange(6.0).reshape(2, 3), "é": np.ones(3, np.float32), "a": np.ones(1, np.float16)}
    save_tensors(tmp_path / "x.safetensors", tensors, {"format": "pt"})
    assert (tmp_path / "x.safetensors").read_bytes() == library_save(tensors, {"format": "pt"})


@pytest.mark.parametrize("name", ["vocos", "nanospeech", "mar_diffloss"])
def test_golden_files_are_rewritten_as_they_are(tmp_path, name):
    source = GOLDEN / f"{name}.safetensors"
    save_tensors(tmp_path / "x.safetensors", *load_tensors(source))
    assert (tmp_path / "x.safetensors").read_bytes() == source.read_bytes()


def test_bfloat16_widens_exactly_and_comes_back(tmp_path):
    every = np.arange(2**16, dtype=np.uint16).view(BFLOAT16)
    save_tensors(tmp_path / "x.safetensors", {"w": every})
    wide = load_tensors(tmp_path / "x.safetensors", widen=True)[0]["w"]
    assert wide.dtype == np.float32
    assert (wide.view(np.uint32) == np.arange(2**16, dtype=np.uint32) << 16).all()
    back = cast(wide, BFLOAT16)
    nan = np.isnan(wide)
    assert (back[~nan] == every[~nan]).all()
    assert np.isnan(cast(back[nan], DTYPES["F32"])).all()


@pytest.mark.parametrize(
    ("single", "half"),
    [
        (0x3F800000, 0x3F80),
        (0x3F808000, 0x3F80),  # a tie, to even below
        (0x3F818000, 0x3F82),  # a tie, to even above
        (0x3F808001, 0x3F81),
        (0x7F7FFFFF, 0x7F80),  # the largest float32 rounds to infinity
        (0xFF800000, 0xFF80),
        (0x80000000, 0x8000),
    ],
)
def test_rounding_to_bfloat16(single, half):
    assert cast(np.array([single], np.uint32).view(np.float32), BFLOAT16).view(np.uint16) == half


def test_casts_between_halves():
    values = np.array([[1.0, -2.5], [0.0, 3.0]], np.float16)
    assert (cast(cast(values, BFLOAT16), DTYPES["F16"]) == values).all()


def conv_tensors() -> dict[str, np.ndarray]:
    return {
        "conv.weight": np.arange(24.0).reshape(2, 3, 4),
        "linear.weight": np.arange(6.0).reshape(2, 3),
        "grn.gamma": np.arange(5.0).reshape(1, 1, 5),
        "bfloat16.weight": np.arange(24, dtype=np.uint16).reshape(2, 3, 4).view(BFLOAT16),
    }


def test_swapping_conv_axes_is_an_involution():
    tensors = conv_tensors()
    swapped = checkpoint.swap_conv_axes(tensors)
    assert swapped["conv.weight"].shape == swapped["bfloat16.weight"].shape == (2, 4, 3)
    assert swapped["conv.weight"][1, 3, 0] == tensors["conv.weight"][1, 0, 3]
    assert swapped["grn.gamma"].shape == (1, 1, 5)
    for name, array in checkpoint.swap_conv_axes(swapped).items():
        assert array.tobytes() == tensors[name].tobytes()
    assert checkpoint.for_backend(tensors, "mlx", "mlx")["conv.weight"].shape == (2, 3, 4)
    assert checkpoint.for_backend(tensors, "mlx", "pt")["conv.weight"].shape == (2, 4, 3)


def test_check_names_what_does_not_fit():
    tensors = {"a": np.zeros(2), "b": np.zeros((2, 3)), "head.istft.window": np.zeros(4)}
    kept = checkpoint.check(tensors, {"b": (2, 3), "a": [2]}, "m")
    assert list(kept) == ["b", "a"]
    with pytest.raises(UserError, match=r"1 missing: c"):
        checkpoint.check(tensors, {"a": (2,), "b": (2, 3), "c": (1,)}, "m")
    with pytest.raises(UserError, match=r"m does not fit.*1 unexpected: b"):
        checkpoint.check(tensors, {"a": (2,)}, "m")
    with pytest.raises(UserError, match=r"1 of the wrong shape: b \(is \[2, 3\], should be \[3, 2\]\)"):
        checkpoint.check(tensors, {"a": (2,), "b": (3, 2)}, "m")
    many = {f"t{i}": np.zeros(1) for i in range(9)}
    with pytest.raises(UserError, match=r"9 unexpected: t0, t1, t2, \.\.\.$"):
        checkpoint.check(many, {}, "m")


def with_header(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


BROKEN = {
    "empty": b"",
    "short": b"\0\0\0",
    "not a safetensors file": b"RIFF" + b"\0" * 100,
    "huge header": struct.pack("<Q", 2**60) + b"{}",
    "no JSON": struct.pack("<Q", 4) + b"{{{{",
    "data cut": with_header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, b"\0" * 15),
    "data left over": with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0" * 5),
    "shape and offsets disagree": with_header(
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 4
    ),
    "unsupported dtype": with_header(
        {"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, b"\0"
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_told(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="broken.safetensors") as told:
        load_tensors(path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("cut", [1, 7, 100, 5000, -1])
def test_a_truncated_file_is_told(tmp_path, cut):
    (tmp_path / "cut.safetensors").write_bytes((GOLDEN / "vocos.safetensors").read_bytes()[:cut])
    with pytest.raises(UserError, match="cut.safetensors"):
        load_tensors(tmp_path / "cut.safetensors")


def test_missing_file_and_folder_in_its_place(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(UserError, match="cannot read"):
            load_tensors(path)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": np.zeros(3)})
    before = path.read_bytes()
    code = (  # a limit on the size of a file stands for a disk that is full
        "import resource, sys, numpy as np; from nanospeech_core.checkpoints.folder import *; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "save_tensors(sys.argv[1], {'a': np.zeros(100_000)})"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code, path], cwd=root, capture_output=True, text=True)
    assert "UserError: cannot write" in done.stderr.splitlines()[-1]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_writing_where_no_folder_is(tmp_path):
    with pytest.raises(UserError, match="cannot write .*No such file"):
        save_tensors(tmp_path / "none" / "x.safetensors", {"a": np.zeros(1)})


def test_resolve_local(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "file").touch()
    assert checkpoint.resolve("models") == Path("models")
    for name in ("models/none", "./none", "../a/b", "one", "a b/c", "~nobody/x", "x" * 300):
        with pytest.raises(UserError, match="no such folder"):
            checkpoint.resolve(name)
    with pytest.raises(UserError, match="is a file"):
        checkpoint.resolve("file")


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
        (hub_errors.RepositoryNotFoundError, "neither a folder here nor"),
        (hub_errors.RevisionNotFoundError, "no revision None"),
        (hub_errors.HFValidationError, "could not be fetched"),
        (OSError, "could not be fetched"),
    ],
)
def test_hub_errors_are_one_sentence(tmp_path, monkeypatch, error, sentence):
    def snapshot_download(*_, **__):
        raise error.__new__(error, "first line\nsecond line")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(UserError, match=f"owner/name.*{sentence}") as told:
        checkpoint.resolve("owner/name")
    assert "\n" not in str(told.value)


def write_folder(folder: Path, format: str | None) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(ModelConfig(vocoder=VocosConfig(dim=8)).to_dict()))
    tensors = conv_tensors()
    if format == "mlx":
        tensors = checkpoint.swap_conv_axes(tensors)
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
        ("model.safetensors", with_header({"__metadata__": {"format": "flax"}}), "format 'flax'"),
    ],
)
def test_a_broken_folder_is_told(tmp_path, file, content, sentence):
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
    assert {n: t.shape for n, t in mine.items()} == {
        n: t.shape for n, t in checkpoint.swap_conv_axes(own).items()
    }
