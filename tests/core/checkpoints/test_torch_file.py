"""Files of torch.save, read without torch: the numbers of its own reader, and nothing else."""

import collections
import copy
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nanospeech_core.checkpoints.tensors import BFLOAT16
from nanospeech_core.checkpoints.torch_file import load_torch_file
from nanospeech_core.errors import UserError

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parents[3]


def saved(folder: Path, value: object, **options) -> Path:
    torch.save(value, folder / "x.bin", **options)
    return folder / "x.bin"


def tensors() -> dict:
    """Every dtype; views, shared storages, a parameter, odd shapes."""
    torch.manual_seed(0)
    base = torch.randn(6, 8)
    numbers = {str(d): torch.arange(5).to(d) for d in (torch.int64, torch.int32, torch.int16, torch.uint8)}
    floats = {str(d): torch.randn(3, 4).to(d) for d in (torch.float64, torch.float32, torch.float16)}
    return (
        numbers
        | floats
        | {
            "int8": torch.arange(-3, 3).to(torch.int8),
            "bool": torch.tensor([True, False, True]),
            "contiguous": base,
            "transposed": base.T,
            "slice": base[1:4, 2:7:2],
            "shared": base[5],
            "parameter": torch.nn.Parameter(torch.randn(2)),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
            "conv.weight": torch.randn(4, 2, 7),
        }
    )


def test_the_numbers_are_torchs(tmp_path):
    path = saved(tmp_path, tensors())
    ours, theirs = load_torch_file(path), torch.load(path, weights_only=True)
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        expected = tensor.detach().numpy()
        assert ours[name].dtype == expected.dtype and ours[name].shape == expected.shape
        assert (ours[name] == expected).all()


def test_a_modules_state_and_bfloat16(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Conv1d(2, 4, 3)).bfloat16()
    ours = load_torch_file(saved(tmp_path, module.state_dict()))  # an OrderedDict with an attribute
    assert list(ours) == list(module.state_dict())
    for name, tensor in module.state_dict().items():
        assert ours[name].dtype == BFLOAT16 and ours[name].shape == tuple(tensor.shape)
        assert ours[name].tobytes() == tensor.view(torch.int16).numpy().tobytes()


def test_torch_is_not_imported(tmp_path):
    path = saved(tmp_path, tensors())
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from nanospeech_core.checkpoints.torch_file import load_torch_file\n"
        "print(len(load_torch_file(sys.argv[1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == str(len(tensors())), done.stderr


class Evil:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [2, 4])
def test_code_is_refused_and_not_run(tmp_path, protocol):
    path = saved(tmp_path, {"a": torch.ones(1), "b": Evil(tmp_path / "hacked")}, pickle_protocol=protocol)
    with pytest.raises(UserError, match="mkdir, which is not a tensor"):
        load_torch_file(path)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("value", [torch.nn.Linear(2, 2), {"a": torch.Size([1])}], ids=["module", "class"])
def test_other_classes_are_refused(tmp_path, value):
    with pytest.raises(UserError, match="is not a tensor"):
        load_torch_file(saved(tmp_path, value))


@pytest.mark.parametrize(
    "value", [torch.ones(2), {"a": 1}, {1: torch.ones(2)}, {"state": {"a": torch.ones(2)}}, [torch.ones(1)]]
)
def test_anything_but_a_dict_of_tensors_is_refused(tmp_path, value):
    with pytest.raises(UserError, match="contains no dict of tensors"):
        load_torch_file(saved(tmp_path, value))


@pytest.mark.parametrize("kept", [0, 0.3, 0.7, 0.99])
def test_a_damaged_file_gives_an_error(tmp_path, kept):
    path = saved(tmp_path, tensors())
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(UserError, match="not a complete file of torch.save"):
        load_torch_file(path)


def test_flipped_bytes_give_an_error_or_are_harmless(tmp_path):
    path = saved(tmp_path, tensors())
    data, rng, errors = path.read_bytes(), np.random.default_rng(0), 0
    for place in rng.integers(0, len(data), 300):
        path.write_bytes(data[:place] + bytes([data[place] ^ rng.integers(1, 256)]) + data[place + 1 :])
        try:
            load_torch_file(path)
        except UserError:
            errors += 1
    assert errors > 30  # zip checks the sums of its members


def test_the_old_format_and_a_missing_file_give_an_error(tmp_path):
    path = saved(tmp_path, tensors(), _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match="not a complete file of torch.save"):
        load_torch_file(path)
    with pytest.raises(UserError, match="cannot read .*none.bin: No such file"):
        load_torch_file(tmp_path / "none.bin")


def rewritten(path: Path, *, compression: int = zipfile.ZIP_STORED, change=lambda name, data: data) -> Path:
    """The same archive with changed members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, change(name, data))
    return path


def test_compressed_storages_are_refused(tmp_path):
    path = rewritten(saved(tmp_path, {"a": torch.zeros(1000)}), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="it is compressed"):
        load_torch_file(path)


def archive_of(folder: Path, pickled: bytes) -> Path:
    with zipfile.ZipFile(folder / "x.bin", "w") as archive:
        archive.writestr("x/data.pkl", pickled)
    return folder / "x.bin"


@pytest.mark.parametrize(
    ("pickled", "sentence"),
    [
        (pickle.dumps({}, 2)[:-1] + b"r\xff\xff\xff\x7f.", "its pickle has LONG_BINPUT 2147483647"),
        (b"\x80\x05}p2000000000\n.", "its pickle has PUT 2000000000"),
        (pickle.dumps(bytearray(70_000), 5), "its pickle has BYTEARRAY8"),
        (b"\x80\x04\x8d" + (2**40).to_bytes(8, "little") + b"a.", "expected 1099511627776 bytes"),
        (pickle.dumps(bytes(17_000_000), 4), "its pickle has more than 16,000,000 bytes"),
    ],
    ids=["memo", "text memo", "bytearray", "text", "long"],
)
def test_a_pickle_takes_no_more_memory_than_its_size(tmp_path, pickled, sentence):
    with pytest.raises(UserError, match=sentence):
        load_torch_file(archive_of(tmp_path, pickled))


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """A zip bomb without compression: two hundred names for the same megabyte."""
    path = saved(tmp_path, {"a": torch.zeros(250_000)})
    with zipfile.ZipFile(path, "a") as archive:
        (entry,) = (entry for entry in archive.infolist() if entry.filename.endswith("/data/0"))
        for number in range(1, 200):
            other = copy.copy(entry)
            other.filename = entry.filename[:-1] + str(number)
            archive.filelist.append(other)
        archive._didModify = True
    with pytest.raises(UserError, match="its members are larger than the file"):
        load_torch_file(path)


def test_a_big_endian_file_is_refused(tmp_path):
    path = rewritten(
        saved(tmp_path, {"a": torch.zeros(3)}),
        change=lambda name, data: b"big" if name.endswith("byteorder") else data,
    )
    with pytest.raises(UserError, match="big-endian"):
        load_torch_file(path)


class Storage:
    """Pickled as torch pickles a float32 storage of four numbers."""


class Pickler(pickle.Pickler):
    def persistent_id(self, value: object):
        return ("storage", torch.FloatStorage, "0", "cpu", 4) if isinstance(value, Storage) else None


@pytest.mark.parametrize(
    ("offset", "size", "stride", "sentence"),
    [
        (0, (2, 2), (2, 1), None),
        (0, (5,), (1,), "past the end"),
        (3, (2,), (1,), "past the end"),
        (0, (2, 2), (3, 2), "past the end"),
        (0, (10**6, 10**6), (0, 0), "past the end"),
        (-1, (2,), (1,), "invalid shape"),
        (3, (2,), (-1,), "invalid shape"),
        (0, (2,), (1, 1), "invalid shape"),
    ],
)
def test_a_tensor_lies_inside_its_storage(tmp_path, offset, size, stride, sentence):
    class Tensor:
        def __reduce__(self):
            empty = collections.OrderedDict()
            return torch._utils._rebuild_tensor_v2, (Storage(), offset, size, stride, False, empty)

    with open(tmp_path / "data.pkl", "wb") as file:
        Pickler(file, protocol=2).dump({"a": Tensor()})
    with zipfile.ZipFile(tmp_path / "x.bin", "w") as archive:
        archive.write(tmp_path / "data.pkl", "x/data.pkl")
        archive.writestr("x/data/0", np.arange(4, dtype="<f4").tobytes())
    if sentence is None:
        assert load_torch_file(tmp_path / "x.bin")["a"].tolist() == [[0, 1], [2, 3]]
        return
    with pytest.raises(UserError, match=sentence):
        load_torch_file(tmp_path / "x.bin")
