"""Threads that wait instead of spin, a BLAS for MLX, and the skipping of tests whose hardware is absent."""

import contextlib
import os
import pwd
import signal
import sys
import tempfile

import pytest

# Before any test imports numpy, mlx or torch: OpenMP and OpenBLAS read these once.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # one of `pytest -n`: a core each
    os.environ["OMP_NUM_THREADS"] = "1"
    # MLX builds kernels in the temporary folder, where it would load those that another is still writing.
    # macOS's own temporary folder has a name that is too long for the sockets of worker processes.
    temporary = "/tmp" if sys.platform == "darwin" else tempfile.gettempdir()
    os.environ["TMPDIR"] = os.path.join(temporary, f"nanospeech-tests-{os.getuid()}-{worker}")
    os.makedirs(os.environ["TMPDIR"], exist_ok=True)
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's: on some CPUs two threads round a mel otherwise than one
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test reaches the network
os.environ["NANOSPEECH_DATA"] = os.devnull  # nor the voices of whoever runs them

# A shell starts background jobs with Ctrl-C ignored, and their children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["MLX_ENABLE_TF32"] = "0"  # some Apple GPUs' products are coarser with it than the tests allow

pytest.register_assert_rewrite("commands")  # its assertions print what they compared

with contextlib.suppress(ImportError):
    from nanospeech_mlx.device.blas import use_fast_blas
    from nanospeech_mlx.device.choice import use_chosen_device

    use_chosen_device()  # for tests of single modules; the public classes see to it themselves
    use_fast_blas()


def has_gpu_of_mlx() -> bool:
    """Metal, on Apple Silicon; or NVIDIA's, which stands in for it."""
    try:
        import mlx.core as mx
    except ImportError:
        return False
    return mx.is_available(mx.gpu)


def has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


@pytest.fixture(autouse=True)
def fresh_accelerate():
    """accelerate keeps a precision for the entire process: no test shall inherit another's."""
    yield
    if "accelerate" in sys.modules:
        from runs import reset_accelerate

        reset_accelerate()


@pytest.fixture
def one_thread():
    """Sums are then the same in every run."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def homeless(monkeypatch):
    """No HOME, and a user id that the system does not know."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "NANOSPEECH_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert os.path.expanduser("~") == "~"


@pytest.fixture(scope="session")
def shard(tmp_path_factory):
    """A corpus of tones, prepared for training. Tests read it only."""
    import corpus

    return corpus.write_corpus(tmp_path_factory.mktemp("data") / "corpus.tar")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    checks = {
        "mac": has_gpu_of_mlx,
        "gpu": has_cuda,
    }
    for marker, present in checks.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and not present():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=f"needs the hardware of the marker {marker!r}"))
