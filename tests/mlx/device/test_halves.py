"""A sentence on two CPUs: the same bit for bit as on one, and on two only where the second one is free."""

import threading

import numpy as np
import pytest

from nanospeech_core.system import parallel

mx = pytest.importorskip("mlx.core")


@pytest.fixture
def available(monkeypatch):
    """Sets the number of CPUs; without threads of the BLAS."""
    from nanospeech_mlx.device import halves

    monkeypatch.setattr(halves, "_blas_has_threads", lambda: False)

    def set_number(number: int) -> None:
        monkeypatch.setattr(halves, "_available_cpus", lambda: number)

    set_number(2)
    return set_number


@pytest.fixture(scope="module")
def model():
    from nanospeech_mlx import Nanospeech

    return Nanospeech.from_pretrained()


def streams_of(rows: int, batch: int = 1) -> list:
    """The streams that a function of rows is computed on."""
    from nanospeech_mlx.device.halves import in_halves

    used = []

    def double(x):
        used.append((mx.default_stream(mx.cpu), x.shape[1]))
        return 2 * x

    x = mx.arange(batch * rows, dtype=mx.float32).reshape(batch, rows, 1)
    assert mx.array_equal(in_halves(double, x, width=256), 2 * x)
    assert sum(size for _, size in used) == rows
    return [stream for stream, _ in used]


def test_each_half_has_a_stream_of_its_own(available):
    first, second = streams_of(131)
    assert first != second and mx.default_stream(mx.cpu) == second  # the other one is requested first


@pytest.mark.parametrize("rows, batch", [(63, 1), (131, 2), (1, 1)])
def test_few_rows_and_batches_are_not_halved(rows, batch, available):
    assert len(streams_of(rows, batch)) == 1


@pytest.mark.parametrize("width", [32, 80, 100, 160, 256])
def test_products_of_any_size_are_the_same_bit_for_bit(width, available):
    """OpenBLAS adds up small products in another order, so these are not halved."""
    from nanospeech_mlx.device.halves import in_halves

    mx.random.seed(width)
    weights = mx.random.normal((2 * width, width)), mx.random.normal((width, 2 * width))
    halved = set()

    def layer(x):
        halved.add(x.shape[1])
        return (x @ weights[0].T) @ weights[1].T

    for rows in range(64, 700, 37):
        x = mx.random.normal((1, rows, width))
        assert mx.array_equal(in_halves(layer, x), layer(x)), rows
    assert (32 in halved) == (width == 256)  # of 64 rows


def test_only_a_free_cpu_is_used(available, monkeypatch):
    from nanospeech_mlx.device import halves, kernels

    available(1)
    assert len(streams_of(200)) == 1
    available(2)
    with monkeypatch.context() as patched:
        patched.setattr(halves, "_blas_has_threads", lambda: True)
        assert len(streams_of(200)) == 1
    with monkeypatch.context() as patched:
        patched.setattr(kernels, "_pretended", True)
        assert len(streams_of(200)) == 1
    # of three sentences at a time, the first one is generated alone
    counts = [*parallel.ahead(lambda rows, abandoned: len(streams_of(rows)), [200, 201, 202], 2)]
    assert counts == [2, 1, 1]


def test_the_first_item_does_not_wait_for_the_rest(available):
    from nanospeech_mlx.device.halves import first_and_rest

    used = []

    def double(x):
        used.append((mx.default_stream(mx.cpu), len(x)))
        return 2 * x

    x = mx.arange(8).reshape(4, 2)
    assert mx.array_equal(mx.stack([*first_and_rest(double, x)]), 2 * x)
    (other, three), (own, one) = used
    assert (three, one) == (3, 1) and other != own == mx.default_stream(mx.cpu)
    assert mx.array_equal(mx.stack([*first_and_rest(double, x[:1])]), 2 * x[:1])


@pytest.mark.parametrize(
    "options", [{}, {"cfg": 2.0}, {"sampler": "ode", "steps": 3}, {"lang": "zh"}], ids=str
)
def test_the_speech_is_the_same_bit_for_bit(options, model, available):
    texts = {"zh": "你好，世界！我用 Python 写了三行代码。"}
    text = texts.get(options.get("lang"), "The tide went out early.")
    halved = model.generate(text, seed=4, **options)
    available(1)
    assert np.array_equal(halved, model.generate(text, seed=4, **options))


def test_a_stream_in_changing_threads_is_the_same(model, available):
    """The halves of a thread's work are done when another thread goes on."""
    text = "The tide went out early, and the boats lay on the sand until the evening."
    chunks, generator = [], model.stream(text, seed=4)

    def take() -> None:
        chunks.append(next(generator, None))

    while not chunks or chunks[-1] is not None:
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    available(1)
    expected = [*model.stream(text, seed=4)]
    assert len(chunks) == len(expected) + 1 > 3
    assert all(map(np.array_equal, chunks, expected))
