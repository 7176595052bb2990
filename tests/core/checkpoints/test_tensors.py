"""Safetensors files: every bit is kept, the header names the layout, damage is one sentence."""

import struct
import subprocess
import sys
from mmap import mmap
from pathlib import Path

import numpy as np
import pytest
from checkpoints import conv_tensors, with_header
from safetensors.numpy import save as library_save

from nanospeech_core.checkpoints.tensors import (
    BFLOAT16,
    DTYPES,
    cast,
    check_tensors,
    convert_layout,
    load_tensors,
    save_tensors,
    swap_conv_axes,
)
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


def test_swapping_conv_axes_is_an_involution():
    tensors = conv_tensors()
    swapped = swap_conv_axes(tensors)
    assert swapped["conv.weight"].shape == swapped["bfloat16.weight"].shape == (2, 4, 3)
    assert swapped["conv.weight"][1, 3, 0] == tensors["conv.weight"][1, 0, 3]
    assert swapped["grn.gamma"].shape == (1, 1, 5)
    for name, array in swap_conv_axes(swapped).items():
        assert array.tobytes() == tensors[name].tobytes()
    assert convert_layout(tensors, "mlx", "mlx")["conv.weight"].shape == (2, 3, 4)
    assert convert_layout(tensors, "mlx", "pt")["conv.weight"].shape == (2, 4, 3)


def test_check_names_what_does_not_fit():
    tensors = {"a": np.zeros(2), "b": np.zeros((2, 3)), "head.istft.window": np.zeros(4)}
    kept = check_tensors(tensors, {"b": (2, 3), "a": [2]}, "m")
    assert list(kept) == ["b", "a"]
    with pytest.raises(UserError, match=r"1 missing: c"):
        check_tensors(tensors, {"a": (2,), "b": (2, 3), "c": (1,)}, "m")
    with pytest.raises(UserError, match=r"m does not match its config.*1 unexpected: b"):
        check_tensors(tensors, {"a": (2,)}, "m")
    with pytest.raises(UserError, match=r"1 of the wrong shape: b \(is \[2, 3\], should be \[3, 2\]\)"):
        check_tensors(tensors, {"a": (2,), "b": (3, 2)}, "m")
    many = {f"t{i}": np.zeros(1) for i in range(9)}
    with pytest.raises(UserError, match=r"9 unexpected: t0, t1, t2, \.\.\.$"):
        check_tensors(many, {}, "m")


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
def test_a_broken_file_gives_an_error(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match="broken.safetensors") as caught:
        load_tensors(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [1, 7, 100, 5000, -1])
def test_a_truncated_file_gives_an_error(tmp_path, cut):
    (tmp_path / "cut.safetensors").write_bytes((GOLDEN / "vocos.safetensors").read_bytes()[:cut])
    with pytest.raises(UserError, match="cut.safetensors"):
        load_tensors(tmp_path / "cut.safetensors")


def test_the_header_is_bounded(tmp_path, monkeypatch):
    """Also where the file is as large as its header says."""
    path = tmp_path / "x.safetensors"
    names = {f"tensor {i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100)}
    path.write_bytes(with_header(names))
    assert len(load_tensors(path)[0]) == 100
    monkeypatch.setattr("nanospeech_core.checkpoints.tensors.MAX_HEADER", 1000)
    with pytest.raises(UserError, match="its header has 6,.* bytes; at most 1,000 are read"):
        load_tensors(path)


def test_missing_file_and_folder_in_its_place(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(UserError, match="cannot read"):
            load_tensors(path)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": np.zeros(3)})
    before = path.read_bytes()
    code = (  # a limit on the size of a file stands for a disk that is full
        "import resource, sys, numpy as np; from nanospeech_core.checkpoints.tensors import *; "
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
