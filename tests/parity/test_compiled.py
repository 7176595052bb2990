"""Masked decoding, compiled: the same speech, from few shapes."""

from dataclasses import replace

import numpy as np
import pytest
from backends import NAMES, OURS, Backend, random_weights, relative_error
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.evaluation.counting import count_calls
from nanospeech_core.sampling.iterations import iterations
from nanospeech_core.sampling.noise import Noise
from nanospeech_core.sampling.prompt import Prompt, collate
from nanospeech_core.sampling.reveal import make_reveal_plan
from nanospeech_core.system.compiling import TOKENS, ByShape

SENTENCE = "Hello there, how are you today?"
ANOTHER = "Hello there, how are you now?"
FEW = {"use_diffusion": True, "num_iter": 4, "diffusion_steps": 2}


@pytest.fixture(scope="module", params=NAMES)
def backend(request) -> Backend:
    return Backend(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def plain(backend, folder):
    return backend.module("nanospeech").Nanospeech.from_pretrained(folder)


@pytest.fixture
def quick(backend, monkeypatch):
    """PyTorch's compiler takes seconds only to trace: it has one test, the others test what is around it.

    MLX compiles on a GPU only: the CPU has to pass for one.
    """
    if backend.name == "torch":
        monkeypatch.setattr(backend.framework, "compile", lambda function, **options: function)
    else:
        kernels = backend.module("device.kernels")
        monkeypatch.setattr(kernels, "on_gpu", lambda: True)
        monkeypatch.setattr(kernels, "compile_in_background", lambda model: None)


@pytest.fixture
def compiled(backend, folder, quick):
    return backend.module("nanospeech").Nanospeech.from_pretrained(folder, compile=True, precision="float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{}, {"cfg": 2.0}, {"stream": True}, {"refine": 0.5, "steps": 2, "use_diffusion": None}],
    ids=lambda options: next(iter(options), "plain"),
)
def test_compiled_is_plain(plain, compiled, options):
    waves = [model.generate(SENTENCE, **{**FEW, **options}) for model in (plain, compiled)]
    assert relative_error(waves[1], waves[0]) < 1e-5
    assert compiled.compiled_step.misses >= 1 and plain.compiled_step is None


def test_a_compiled_batch_is_plain(plain, compiled):
    texts = [SENTENCE, "Hello.", "Good day to you, how are you?"]
    waves = [dict(model.generate_batch(texts, **FEW, cfg=1.5)) for model in (plain, compiled)]
    for number in range(3):
        assert relative_error(waves[1][number], waves[0][number]) < 1e-5


@pytest.mark.slow
def test_a_sentence_of_the_same_bucket_compiles_nothing_new(backend, folder, monkeypatch):
    """Counted by the tracers themselves; PyTorch's, without the code that it would write."""
    traced = []
    if backend.name == "torch":
        torch = backend.framework
        real = torch.compile

        def graph(module, inputs):
            traced.append(module)
            return module.forward

        torch._dynamo.reset()
        monkeypatch.setattr(torch, "compile", lambda function, **o: real(function, backend=graph, **o))
    else:
        mar = backend.module("sampling.mar")
        monkeypatch.setattr(
            backend.module("device.kernels"), "on_gpu", lambda: True
        )  # MLX compiles there only
        kernels = backend.module("device.kernels")  # which also run the step, in the background
        monkeypatch.setattr(kernels, "compile_in_background", lambda model: None)
        real = mar.hidden_states
        monkeypatch.setattr(mar, "hidden_states", lambda *args: traced.append(args) or real(*args))
    compiled = backend.module("nanospeech").Nanospeech.from_pretrained(
        folder, compile=True, precision="float32"
    )
    first = compiled.generate(SENTENCE, **FEW)
    step, traces = compiled.compiled_step, len(traced)
    assert traces == step.misses < 4 and step.misses + step.hits == 4
    second = compiled.generate(ANOTHER, **FEW)
    assert len(second) != len(first)
    assert len(traced) == traces == step.misses and step.hits + step.misses == 8
    assert compiled.compiled_step is step
    compiled.generate(
        SENTENCE, **FEW, cfg=2.0
    )  # guidance is another graph; and MLX traces `unconditional`, uncompiled
    assert step.misses > traces


def test_a_sentence_waits_for_durations_and_wave_only(backend, compiled):
    """Not between the steps, even while they are traced."""
    if backend.name == "torch":
        pytest.skip("MLX's")
    for options in ({**FEW, "cfg": 2.0}, {"sampler": "ode", "steps": 3}):
        counted = {"eval": (backend.framework, "eval"), "reads": (type(compiled), "array")}
        for _ in range(2):  # tracing makes new objects of the weights, so that constants are computed again
            compiled.generate(SENTENCE, **options)
        with count_calls(counted) as counts:
            compiled.generate(SENTENCE, **options)
        assert (counts["eval"].calls, counts["reads"].calls) == (0, 2)


def test_weights_that_change_are_seen(backend, plain, compiled):
    """As the benchmark changes their type, after loading."""
    compiled.generate("Hello.", **FEW)

    def scale(model, factor: float) -> None:
        layer = model.to_mel
        if backend.name == "torch":
            layer.weight.data = factor * layer.weight.detach()
        else:
            layer.weight = factor * layer.weight

    before = plain.generate("Hello.", **FEW)
    scale(plain, 2), scale(compiled, 2)
    waves = [model.generate("Hello.", **FEW) for model in (plain, compiled)]
    scale(plain, 0.5)
    assert relative_error(waves[1], waves[0]) < 1e-5 < relative_error(waves[0], before)


@pytest.mark.parametrize("objective", ["flow", "ddpm"])
@pytest.mark.parametrize("cfg", [1.0, 2.0])
def test_the_step_of_either_objective(backend, quick, objective, cfg):
    dit = backend.module("models.dit").DiT(**OURS)
    # a random "ddpm" head conditioned on its own samples would soon overflow
    head = backend.module("models.diffloss").DiffLoss(20, 32, 1, 24, objective, 1, objective == "flow")
    to_mel = backend.module("models.layers").nn.Linear(32, 20)
    for seed, model in enumerate((dit, head, to_mel)):
        backend.load(model, random_weights(backend.shapes(model), seed))
    tokens = 11
    visible = np.arange(tokens) < 2
    cond = np.random.default_rng(1).standard_normal((tokens, 20), dtype=np.float32) * visible[:, None]
    prompt = Prompt(cond, visible, np.random.default_rng(2).integers(0, 11, tokens * 4))
    plan = make_reveal_plan(~visible, 3, 5, cfg, "constant", temperature_schedule="linear")
    mar, ends = backend.module("sampling.mar"), []
    for bucket in (1, TOKENS):
        parts = [None if part is None else backend.array(part) for part in collate([prompt], 4, bucket)]
        step = None if bucket == 1 else mar.compile_step(dit, head, to_mel, 0.5)
        *arrays, mask = parts
        run = mar.sample(dit, head, to_mel, *arrays, [plan], [Noise(5, tokens, 20)], 3, 0.8, 0.5, mask, step)
        ends.append([backend.numpy(part)[0, :tokens] for pair in run for part in pair])
    for ours, reference in zip(ends[1], ends[0], strict=True):
        assert relative_error(ours, reference) < 1e-5


def test_a_model_without_a_padding_mask_is_not_padded(backend, tmp_path, quick):
    config = tiny_config()
    config = replace(config, transformer=replace(config.transformer, mask_padding=False))
    folder = write_checkpoint(tmp_path / "unmasked", config=config)
    model = backend.module("nanospeech").Nanospeech
    models = [
        model.from_pretrained(folder, precision="float32"),
        model.from_pretrained(folder, compile=True, precision="float32"),
    ]
    waves = [one.generate("Hello.", **FEW) for one in models]
    assert relative_error(waves[1], waves[0]) < 1e-5
    (prompts,) = {key[0][0][1] for key in models[1].compiled_step.calls}
    assert prompts % TOKENS


# shapes


def prompt(tokens: int, symbols: int) -> Prompt:
    return Prompt(np.ones((tokens, 6), np.float32), np.arange(tokens) < 1, np.arange(symbols))


@pytest.mark.parametrize(("lengths", "padded"), [([5], 8), ([8], 8), ([3, 9], 16)])
def test_a_batch_fills_its_bucket(lengths, padded):
    prompts = [prompt(tokens, 2 * tokens) for tokens in lengths]
    cond, visible, text, mask = collate(prompts, 2, 8)
    assert cond.shape == (len(lengths), padded, 6) and text.shape == (len(lengths), 2 * padded)
    assert visible.shape == mask.shape == cond.shape[:2]
    for row, tokens in enumerate(lengths):
        assert (mask[row] == (np.arange(padded) < tokens)).all()
        assert (cond[row, tokens:] == 0).all() and (cond[row, :tokens] == 1).all()
        assert (text[row, : 2 * tokens] == np.arange(2 * tokens)).all() and (
            text[row, 2 * tokens :] == -1
        ).all()


def test_iterations_repeat_their_last_row():
    plans = [make_reveal_plan(np.ones(n, bool), 3, n, 2.0, temperature_schedule="linear") for n in (7, 4)]
    noises = [Noise(seed, n, 3) for seed, n in ((1, 7), (2, 4))]
    own, padded = (list(iterations(plans, noises, 7, 0.5, 4, bucket)) for bucket in (1, 8))
    assert len(own) == len(padded)
    for short, long in zip(own, padded, strict=True):
        count = len(short.rows)
        assert count % 8 and len(long.rows) == 8
        for name in ("rows", "cfg", "temperature", "initial"):
            values = getattr(long, name)
            assert np.array_equal(values[:count], getattr(short, name))
            assert (values[count:] == values[count - 1]).all() and values.dtype == getattr(short, name).dtype
        assert np.array_equal(long.noise[:, :count], short.noise)
        assert (long.noise[:, count:] == long.noise[:, count - 1 : count]).all()


def test_shapes_are_counted():
    step = ByShape(lambda *parts: len(parts))
    arrays = [np.zeros((2, 3)), np.zeros((2, 4)), np.zeros((2, 3), np.float32)]
    for array in (*arrays, *arrays):
        assert step(array, [array, array], None) == 3
    assert (step.misses, step.hits) == (3, 3)
    step(arrays[0], [arrays[0], arrays[1]], None)
    step(arrays[0], [arrays[0], arrays[0]], arrays[0])
    assert (step.misses, step.hits) == (5, 3)
