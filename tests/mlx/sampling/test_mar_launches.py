"""How many kernels an iteration of masked decoding asks a GPU for, from MLX's own graph of it.

There is no GPU here. So what is one kernel on a GPU and falls apart on a CPU has stand-ins of one operation.
"""

import re

import pytest

mx = pytest.importorskip("mlx.core")

# They are only other views of an array. (A copy that one of them needs is not seen.)
VIEWS = {"Broadcast", "ExpandDims", "Flatten", "Reshape", "Split", "Squeeze", "StopGradient", "Transpose"}
VIEWS |= {"Slice", "Unflatten"}


def one(x, *others, **options):
    return mx.cummax(x, axis=-1)


def attend(q, k, v, **options):
    """One operation of three arrays."""
    tokens = q.shape[2]  # the last block asks for some tokens only
    return mx.where(q.view(mx.bool_)[..., :1], k[:, :, :tokens], v[:, :, :tokens])


@pytest.fixture
def gpu(monkeypatch):
    from nanospeech_mlx.device import kernels

    monkeypatch.setattr(kernels, "on_gpu", lambda: True)
    monkeypatch.setattr(kernels, "compile_in_background", lambda model: None)
    monkeypatch.setattr(kernels._thread, "compiles", True, raising=False)  # the compiled kernels, at once
    monkeypatch.setattr(mx.fast, "layer_norm", one)
    monkeypatch.setattr(mx.fast, "rope", one)
    monkeypatch.setattr(mx.fast, "scaled_dot_product_attention", attend)


def operations(outputs, folder):
    path = folder / "graph.dot"
    mx.export_to_dot(str(path), *outputs)
    found = re.findall(r'label ="(\w+)", shape=rectangle', path.read_text())
    return [name for name in found if name not in VIEWS]


@pytest.mark.slow
@pytest.mark.parametrize(("compiled", "most"), [(False, 218), (True, 199)])
def test_an_iteration(compiled, most, gpu, monkeypatch, tmp_path):
    """The embedded model with the default settings, as in docs/performance.md."""
    from nanospeech_mlx import Nanospeech
    from nanospeech_mlx.sampling import mar

    name, counts = "compile_step" if compiled else "make_step", []
    make_step = getattr(mar, name)

    def make(*networks):
        step = make_step(*networks)

        def counting(*arrays):
            mx.eval(arrays)
            outputs = step(*arrays)
            counts.append(len(operations(outputs, tmp_path)))
            return outputs

        return counting

    monkeypatch.setattr(mar, name, make)
    pipeline = Nanospeech.from_pretrained(compile=compiled, precision="float32")
    mx.eval(pipeline.parameters())
    pipeline.generate("How many kernels does a sentence take?", use_diffusion=True)
    assert len(counts) == 2
    assert most / 2 < min(counts) <= max(counts) <= most  # fewer by a newer MLX would be welcome
