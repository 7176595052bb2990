"""Both backends against numbers that the original MAR and Nanospeech made from the same random weights."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from backends import NAMES, Backend, relative_error
from devices import computing_on

from nanospeech_core.checkpoints.tensors import load_tensors
from nanospeech_core.sampling.schedules import ode_times

FOLDER = Path(__file__).parent
MODULE, SAMPLER = 1e-5, 1e-4  # relative tolerances
COARSER = 1000  # a hosted Mac's virtual GPU


@pytest.fixture(params=[*NAMES, pytest.param("mlx on gpu", marks=pytest.mark.mac)])
def backend(request):
    """A backend; `coarser` is what the tolerances are multiplied by, for a GPU's bounds."""
    name, _, device = request.param.partition(" on ")
    backend = Backend(name)
    backend.coarser = COARSER if device else 1
    with computing_on(device) if device else contextlib.nullcontext():
        yield backend


def read(name: str, *prefixes: str):
    """A golden file's config, weights by prefix (which is cut off), and the other tensors."""
    tensors, metadata = load_tensors(FOLDER / name)
    weights = [
        {key.removeprefix(p): tensors.pop(key) for key in list(tensors) if key.startswith(p)}
        for p in prefixes
    ]
    return json.loads(metadata["config"]), *weights, tensors


@pytest.fixture
def mar(backend):
    """DiffLoss with the golden weights, its config, and the golden tensors."""
    config, weights, golden = read("mar_diffloss.safetensors", "w.")
    size = {key: config[key] for key in ("target_channels", "z_channels", "depth", "width")}
    head = backend.load(backend.module("models.diffloss").DiffLoss(**size, objective="ddpm"), weights)
    return head, config, golden


@pytest.fixture
def nanospeech(backend):
    """DiT and DurationPredictor with the golden weights, their config, and the golden tensors."""
    config, weights, duration, golden = read("nanospeech.safetensors", "model.transformer.", "duration.")
    shared = {
        key: config[key] for key in ("dim", "heads", "dim_head", "text_dim", "ff_mult", "text_num_embeds")
    }
    transformer = backend.module("models.dit").DiT(
        **shared, depth=config["depth"], conv_layers=config["conv_layers"]
    )
    parts = backend.module("models.duration")
    predictor = parts.DurationPredictor(
        parts.DurationTransformer(
            **shared, depth=config["duration_depth"], conv_layers=config["duration_conv_layers"]
        )
    )
    return backend.load(transformer, weights), backend.load(predictor, duration), config, golden


def test_mar_network(backend, mar):
    head, _, golden = mar
    out = head.net(*(backend.array(golden[name]) for name in ("target", "t", "z")))
    assert relative_error(backend.numpy(out), golden["net_out"]) < MODULE * backend.coarser


@pytest.mark.parametrize("part", ["mse", "vb", "loss"])
def test_mar_loss(backend, mar, part):
    head, _, golden = mar
    losses = head.loss(*(backend.array(golden[name]) for name in ("target", "z", "t", "eps")))
    assert relative_error(backend.numpy(losses[part]), golden[f"loss.{part}"]) < MODULE * backend.coarser


@pytest.mark.parametrize("kind", ["plain", "cfg"])
def test_mar_sampler(backend, mar, kind):
    head, config, golden = mar
    z, init, noise, out = (golden[f"sample.{kind}.{name}"] for name in ("z", "init", "noise", "out"))
    cfg = float(config["cfg"]) if kind == "cfg" else 1.0
    rows = len(init)  # with guidance the original returns the conditional rows twice
    steps = int(config["num_sampling_steps"])
    *_, ours = head.sample(
        backend.array(z), backend.array(init), noise[:, :rows], steps, float(config["temperature"]), cfg
    )
    assert relative_error(backend.numpy(ours), out[:rows]) < SAMPLER * backend.coarser


def test_dit(backend, nanospeech):
    transformer, _, _, golden = nanospeech
    inputs = [backend.array(golden[f"dit.{name}"]) for name in ("x", "cond", "text", "time")]
    assert relative_error(backend.numpy(transformer(*inputs)), golden["dit.out"]) < MODULE * backend.coarser
    null = transformer(*inputs, drop=backend.array(np.array([True])))
    assert relative_error(backend.numpy(null), golden["dit.out_null"]) < MODULE * backend.coarser
    assert relative_error(golden["dit.out_null"], golden["dit.out"]) > 0.01  # else the two tests were one


def test_text_embedding(backend, nanospeech):
    transformer, _, config, golden = nanospeech
    ours = transformer.embed_text(backend.array(golden["dit.text"]), config["total_frames"])
    assert relative_error(backend.numpy(ours), golden["dit.text_embed"]) < MODULE * backend.coarser


def test_padded_batch(backend, nanospeech):
    transformer, _, config, golden = nanospeech
    mask = np.arange(config["total_frames"]) < golden["batch.lens"][:, None]
    assert not mask.all()
    inputs = [backend.array(golden[f"batch.{name}"]) for name in ("x", "cond", "text", "time")]
    ours = backend.numpy(transformer(*inputs, mask=backend.array(mask)))
    assert relative_error(ours, golden["batch.out"]) < MODULE * backend.coarser
    assert relative_error(ours[mask], golden["batch.out"][mask]) < MODULE * backend.coarser


def test_duration(backend, nanospeech):
    _, predictor, _, golden = nanospeech
    ours = predictor(backend.array(golden["dur.cond"]), backend.array(golden["dur.text"]))
    assert relative_error(backend.numpy(ours), golden["dur.seconds"]) < MODULE * backend.coarser


@pytest.mark.slow
@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
def test_ode_sampler(backend, nanospeech, method):
    transformer, _, config, golden = nanospeech
    total, reference = config["total_frames"], config["ref_frames"]
    cond = np.zeros((total, 100), np.float32)
    cond[:reference] = golden["sample.ref_mel"][0]
    *_, ours = backend.module("sampling.flow").sample(
        transformer,
        backend.array(cond[None]),
        backend.array(np.arange(total)[None] < reference),
        backend.array(golden["dit.text"][:1]),
        backend.array(golden["sample.noise"][None]),
        ode_times(config["steps"] - 1, config["sway_sampling_coef"]),  # its steps are points, ours intervals
        method,
        1 + config["cfg_strength"],  # its guidance is c + s (c - u), ours u + (1 + s)(c - u)
        "velocity",
    )
    assert (
        relative_error(backend.numpy(ours)[0, reference:], golden[f"sample.{method}.out"])
        < SAMPLER * backend.coarser
    )
