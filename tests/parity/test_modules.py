"""Every public module of the two backends on the same random weights and inputs, float32."""

import inspect

import numpy as np
import pytest
from backends import NAMES, ORIGINAL, OURS, Backend, random_weights, relative_error
from devices import ALIKE, DEVICES, computing_on

TOLERANCE = 1e-5
FILES = ("layers", "attention", "dit", "context", "diffloss", "duration", "aligner")

BATCH, TOKENS, CHANNELS, DIM = 2, 9, 20, 32

rng = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape, dtype=np.float32)


HIDDEN = normal(BATCH, TOKENS, DIM)
MASK = np.arange(TOKENS) < np.array([[TOKENS], [6]])  # false where padded
TIME = np.array([0.0, 0.83], np.float32)
TEXT = np.array([[3, 0, 10, 7, 1], [4, 4, 9, -1, -1]])
DROP = np.array([False, True])
VISIBLE = np.arange(TOKENS) < np.array([[3], [4]])
X, COND = normal(BATCH, TOKENS, CHANNELS), normal(BATCH, TOKENS, CHANNELS) * VISIBLE[..., None]
TABLE = "rotary_table"  # each backend's own, for HIDDEN and heads of 8
MODULATION = 0.5 * normal(6, BATCH, 1, DIM)
TARGET = np.tanh(normal(7, 20)).astype(np.float32)
TARGET[0, :3], TARGET[1, :3] = 1.0, -1.0  # the two open bins of the likelihood
Y, DENOISING = normal(8, 28), normal(8, 8 * 28)  # embedded times and conditions; modulations of 2 blocks
ROW_MODULATION = normal(7, 72)
Z, EPS, T_ROWS = normal(7, 24), normal(7, 20), np.array([0, 0, 1, 37, 500, 998, 999])
T_FLOW = T_ROWS.astype(np.float32) / 999
DURATIONS = np.array([[3.0, 7, 0, 12, 4], [5, 1, 9, -1, -1]], np.float32)
KNOWN = np.array([[True, True, False, False, False], [True, False, False, False, False]])
ROWS = np.array([0, 8, 9, 14, 4, 10])  # of the tokens of both utterances
SYMBOLS = TEXT >= 0
DURATION = dict(dim=32, depth=2, heads=2, dim_head=8, mel_dim=20, text_num_embeds=11, text_dim=6)
PHONE = dict(dim=32, depth=2, heads=2, dim_head=8, text_num_embeds=11, conv_pos_groups=4)
ALIGNER = dict(dim=16, key_dim=8, text_layers=1, mel_layers=2, mel_dim=20, text_num_embeds=11)
HEAD = dict(target_channels=20, z_channels=24, depth=2, width=28)
WITH_CONTEXT = {**HEAD, "z_channels": DIM, "context": 1, "regression": True}

# (file, class, constructor's arguments, method or "" for the call itself, inputs)
CASES = [
    ("layers", "GRN", (32,), "", (HIDDEN,)),
    ("layers", "ConvNeXtV2Block", (32, 40), "", (HIDDEN,)),
    ("layers", "ConvNeXtV2Block", (32, 40), "", (HIDDEN, MASK)),
    ("layers", "ConvPositionEmbedding", (32, 31, 16), "", (HIDDEN,)),
    ("layers", "ConvPositionEmbedding", (32, 7, 4), "", (HIDDEN, MASK)),
    ("layers", "TimestepEmbedding", (32,), "", (TIME,)),
    ("layers", "FeedForward", (32, 3), "", (HIDDEN,)),
    ("layers", "AdaLayerNorm", (32, 6), "modulation", (HIDDEN[:, 0],)),
    ("layers", "AdaLayerNorm", (32, 2), "", (HIDDEN, MODULATION[0], MODULATION[1])),
    ("layers", "TextEmbedding", (11, 6, 0), "", (TEXT, 8)),
    ("layers", "TextEmbedding", (11, 6, 2), "", (TEXT, 9, DROP, MASK)),
    ("layers", "TextEmbedding", (11, 6, 2), "", (TEXT, 3)),  # more text than frames
    ("attention", "Attention", (32, 2, 8, "all_heads"), "", (HIDDEN, TABLE)),
    ("attention", "Attention", (32, 2, 8, "first_head"), "", (HIDDEN, TABLE, MASK)),
    ("dit", "InputEmbedding", (20, 32, 7, 4), "", (X, MASK)),
    ("dit", "DiTBlock", (32, 2, 8, 3, "all_heads"), "", (HIDDEN, MODULATION, TABLE, MASK)),
    ("dit", "DiT", OURS, "", (X, COND, TEXT, TIME)),
    ("dit", "DiT", OURS, "", (X, COND, TEXT, TIME, VISIBLE, DROP, MASK)),
    ("dit", "DiT", OURS, "embed_text", (TEXT, TOKENS, DROP, MASK)),
    ("dit", "DiT", OURS, "modulations", (TIME,)),
    ("dit", "DiT", ORIGINAL, "", (X, COND, TEXT, TIME)),
    ("dit", "DiT", ORIGINAL, "", (X, COND, TEXT, TIME, None, DROP, MASK)),
    ("dit", "DiT", {**ORIGINAL, "mask_padding": True}, "", (X, COND, TEXT, TIME, None, None, MASK)),
    ("diffloss", "TimestepEmbedder", (28,), "", (T_ROWS,)),
    ("diffloss", "ResBlock", (24,), "", (Z, ROW_MODULATION)),
    ("diffloss", "FinalLayer", (24, 20), "", (Z, ROW_MODULATION[:, :48])),
    ("diffloss", "SimpleMLPAdaLN", (20, 28, 40, 24, 2), "", (TARGET, T_ROWS, Z)),
    ("diffloss", "SimpleMLPAdaLN", (20, 28, 40, 24, 2), "", (TARGET, T_ROWS[3:4], Z)),
    ("context", "HeadContext", (32, 20, 2, True), "", (HIDDEN, X, MASK)),
    ("context", "HeadContext", (32, 20, 1, False), "", (HIDDEN,)),
    ("context", "HeadContext", (32, 20, 0, True), "", (HIDDEN, X)),
    ("context", "HeadContext", (32, 20, 2, True), "", (HIDDEN, X, MASK, ROWS)),
    ("diffloss", "DiffLoss", WITH_CONTEXT, "add_context", (HIDDEN, X, MASK)),
    ("diffloss", "DiffLoss", {**HEAD, "objective": "flow"}, "embed_times", (3,)),
    ("diffloss", "DiffLoss", {**HEAD, "objective": "ddpm"}, "embed_times", (5,)),
    ("diffloss", "SimpleMLPAdaLN", (20, 28, 40, 24, 2), "modulations", (Y[:6].reshape(2, 3, 28),)),
    ("diffloss", "SimpleMLPAdaLN", (20, 28, 40, 24, 2), "denoise", (TARGET, DENOISING[:7])),
    ("diffloss", "DiffLoss", {**HEAD, "objective": "ddpm"}, "loss", (TARGET, Z, T_ROWS, EPS)),
    ("diffloss", "DiffLoss", {**HEAD, "objective": "flow"}, "loss", (TARGET, Z, T_FLOW, EPS)),
    ("diffloss", "DiffLoss", {**HEAD, "objective": "ddpm"}, "predict", (TARGET, DENOISING[:7], 1.0)),
    ("diffloss", "DiffLoss", {**HEAD, "objective": "ddpm"}, "predict", (TARGET[:3], DENOISING[:6], 2.5)),
    ("duration", "DurationBlock", (32, 2, 8, 3, "all_heads"), "", (HIDDEN, TABLE, MASK)),
    ("duration", "PhoneDurationPredictor", PHONE, "", (TEXT, DURATIONS, KNOWN, SYMBOLS)),
    ("duration", "PhoneDurationPredictor", PHONE, "", (TEXT[:1], DURATIONS[:1], KNOWN[:1])),
    ("duration", "DurationTransformer", {**DURATION, "conv_layers": 1}, "", (X, TEXT)),
    ("duration", "DurationPredictor", DURATION, "", (X, TEXT)),
    ("duration", "DurationPredictor", {**DURATION, "rope": "all_heads"}, "", (X, TEXT, MASK)),
    ("aligner", "AlignerBlock", (32, 3), "", (HIDDEN,)),
    ("aligner", "AlignerBlock", (32, 5), "", (HIDDEN, MASK)),
    ("aligner", "Aligner", ALIGNER, "", (X, TEXT)),
    ("aligner", "Aligner", {**ALIGNER, "kernel": 5}, "log_probs", (X, TEXT, MASK)),
    ("aligner", "Aligner", {**ALIGNER, "text_layers": 0}, "log_probs", (X, TEXT, MASK, SYMBOLS)),
]  # fmt: skip
IDS = [
    f"{number}-{name}{'.' + method if method else ''}" for number, (_, name, _, method, _) in enumerate(CASES)
]


def build(backend: Backend, file: str, name: str, arguments):
    module = backend.module(f"models.{file}")
    if name == "DurationPredictor":
        return module.DurationPredictor(module.DurationTransformer(**arguments))
    cls = getattr(module, name)
    return cls(**arguments) if isinstance(arguments, dict) else cls(*arguments)


def to_backend(backend: Backend, value):
    if isinstance(value, tuple):
        return tuple(to_backend(backend, part) for part in value)
    if isinstance(value, str) and value == TABLE:
        return backend.module("models.attention").rotary_table(backend.array(HIDDEN), 8)
    return backend.array(value) if isinstance(value, np.ndarray) else value


def to_numpy(backend: Backend, value) -> list[np.ndarray]:
    if isinstance(value, dict):
        return [array for key in sorted(value) for array in to_numpy(backend, value[key])]
    if isinstance(value, (tuple, list)):
        return [array for part in value for array in to_numpy(backend, part)]
    return [backend.numpy(value)]


@pytest.fixture(scope="module")
def both():
    return Backend("torch"), Backend("mlx")


@pytest.mark.parametrize(("file", "name", "arguments", "method", "inputs"), CASES, ids=IDS)
def test_same_numbers(both, file, name, arguments, method, inputs):
    models = [build(backend, file, name, arguments) for backend in both]
    weights = random_weights(both[0].shapes(models[0]))
    outputs = []
    for backend, model in zip(both, models, strict=True):
        backend.load(model, weights)
        run = getattr(model, method) if method else model
        outputs.append(to_numpy(backend, run(*to_backend(backend, inputs))))
    for reference, ours in zip(*outputs, strict=True):
        assert ours.dtype == reference.dtype == np.float32
        assert relative_error(ours, reference) < TOLERANCE


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize(("file", "name", "arguments", "method", "inputs"), CASES, ids=IDS)
def test_every_device_and_precision(device, precision, file, name, arguments, method, inputs):
    """Of MLX, against its CPU in float32. The inputs are float32, as those of the networks are."""
    if (precision, method) == ("float16", "loss"):
        pytest.skip("models train in float32")
    backend = Backend("mlx")
    results = []
    for place, dtype in (("cpu", "float32"), (device, precision)):
        with computing_on(place):
            model = build(backend, file, name, arguments)
            backend.load(model, random_weights(backend.shapes(model)))
            model.set_dtype(getattr(backend.framework, dtype))
            run = getattr(model, method) if method else model
            outputs = run(*to_backend(backend, inputs))
            results.append([part.astype(np.float32) for part in to_numpy(backend, outputs)])
    for expected, ours in zip(*results, strict=True):
        assert relative_error(ours, expected) < ALIKE[precision]


@pytest.mark.parametrize(("file", "name", "arguments", "method", "inputs"), CASES, ids=IDS)
def test_same_parameters(both, file, name, arguments, method, inputs):
    reference, ours = (backend.shapes(build(backend, file, name, arguments)) for backend in both)
    assert ours == reference
    assert reference


@pytest.mark.parametrize("file", FILES)
def test_every_module_has_a_case(both, file):
    torch, _ = both
    module = torch.module(f"models.{file}")
    classes = {
        name
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, torch.framework.nn.Module)
        and value.__module__ == module.__name__
    }
    classes -= {"Conv1d"}  # is part of others; its weights' layout is the checkpoint's, not the module's
    assert classes == {name for case_file, name, *_ in CASES if case_file == file}


FUNCTIONS = [
    ("models.layers", "sinusoid_positions", (normal(1, 4100, 6),)),  # past 4095 the last repeats
    ("models.layers", "sinusoid_positions", (normal(1, 5, 7)[..., :6],)),
    ("models.layers", "modulate", (HIDDEN, MODULATION[0, :1], MODULATION[1, :1])),
    ("models.layers", "modulate", (HIDDEN[:, 0], MODULATION[0, :, 0], MODULATION[1, :, 0])),  # other ranks
    ("models.layers", "gated", (HIDDEN, MODULATION[0], HIDDEN[:, ::-1])),
    ("models.attention", "rotate", (normal(BATCH, 3, TOKENS, 8), TABLE)),
    ("models.diffloss", "discretized_log_likelihood", (TARGET, 0.8 * TARGET, EPS - 2)),
    ("sampling.flow", "interpolate", (X, COND, TIME)),
    ("sampling.flow", "loss", (X, COND, HIDDEN[..., :20], TIME, "velocity")),
    (
        "sampling.flow",
        "loss",
        (X, COND, HIDDEN[..., :20], np.array([0.2, 0.99], np.float32), "clean"),
    ),  # clamped
]


@pytest.mark.parametrize(("file", "name", "inputs"), FUNCTIONS)
def test_same_functions(both, file, name, inputs):
    reference, ours = (to_numpy(b, getattr(b.module(file), name)(*to_backend(b, inputs))) for b in both)
    for a, b in zip(ours, reference, strict=True):
        assert relative_error(a, b) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_are_rotated_by_their_position(name):
    """RoFormer (arXiv 2104.09864), eq. 12-15: a complex number times e^(i m theta), m the position."""
    backend = Backend(name)
    attention, x = backend.module("models.attention"), normal(1, 2, 600, 64)
    table = attention.rotary_table(backend.array(x[:, 0]), 64)
    got = backend.numpy(attention.rotate(backend.array(x), table)).astype(np.float64)
    angles = np.arange(600)[:, None] * 10000.0 ** (-np.arange(0, 64, 2) / 64)
    wanted = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * angles)
    assert np.abs(got[..., 0::2] + 1j * got[..., 1::2] - wanted).max() < 2e-4  # angles to 600 in float32


def test_epsilon_of_the_last_norm(both):
    """Small activations show it; in the other tests it is below the tolerance."""
    outputs = []
    for backend in both:
        model = build(backend, "duration", "DurationTransformer", DURATION)
        weights = random_weights(backend.shapes(model))
        small = {name: value * (1 if "norm" in name else 0.01) for name, value in weights.items()}
        backend.load(model, small)
        outputs.append(backend.numpy(model(backend.array(X), backend.array(TEXT))))
    assert relative_error(outputs[1], outputs[0]) < TOLERANCE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("span", [(0, TOKENS), (3, TOKENS - 2), (TOKENS - 1, TOKENS)])
def test_the_states_of_a_span_are_those_of_all(name, span):
    backend = Backend(name)
    for model in (OURS, ORIGINAL):
        transformer = build(backend, "dit", "DiT", model)
        backend.load(transformer, random_weights(backend.shapes(transformer)))
        x, cond, visible, text, mask, time = to_backend(backend, (X, COND, VISIBLE, TEXT, MASK, TIME))
        embedded, modulations = transformer.embed_text(text, TOKENS), transformer.modulations(time)
        for padding in (None, mask):
            arguments = x, cond, visible, embedded, modulations, padding
            whole, part = (
                backend.numpy(transformer.hidden(*arguments, *more)).copy() for more in ([], [span])
            )
            assert relative_error(part, whole[:, span[0] : span[1]]) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_the_context_of_rows_is_that_of_all(name):
    """Rows at both ends of an utterance, in any order: their neighbors are not those of the next one."""
    backend = Backend(name)
    context = build(backend, "context", "HeadContext", (32, 20, 2, True))
    backend.load(context, random_weights(backend.shapes(context)))
    arrays = to_backend(backend, (HIDDEN, X, MASK))
    whole = backend.numpy(context(*arrays)).reshape(-1, 32)
    rows = backend.numpy(context(*arrays, backend.array(ROWS)))
    assert relative_error(rows, whole[ROWS]) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_weights(name):
    """float16 weights, float32 inputs: computed in float16, near float32; the head's output is float32."""
    backend = Backend(name)
    transformer = build(backend, "dit", "DiT", OURS)
    head = build(backend, "diffloss", "DiffLoss", {**HEAD, "z_channels": DIM, "objective": "flow"})
    for model in (transformer, head):
        backend.load(model, random_weights(backend.shapes(model)))

    def run():
        x, cond, visible, text = to_backend(backend, (X, COND, VISIBLE, TEXT))
        embedded = transformer.embed_text(text, TOKENS)
        z = transformer.hidden(x, cond, visible, embedded, transformer.modulations(backend.array(TIME)))
        *_, tokens = head.sample(z[0], x[0], None, 2, 1.0, 1.0)
        return z, tokens

    expected = [backend.numpy(value) for value in run()]
    half = backend.framework.float16
    for model in (transformer, head):
        model.half() if name == "torch" else model.set_dtype(half)
    z, token = run()
    assert z.dtype == half and token.dtype == backend.framework.float32
    assert relative_error(backend.numpy(z).astype(np.float32), expected[0]) < 0.01
    assert relative_error(backend.numpy(token), expected[1]) < 0.01
