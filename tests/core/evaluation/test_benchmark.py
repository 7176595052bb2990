"""The work of a sentence, counted, and the texts of the benchmark."""

from dataclasses import replace
from pathlib import Path

import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.evaluation import benchmark
from nanospeech_core.evaluation.counting import count_calls
from nanospeech_core.sampling.options import PRECISIONS

# A sentence of the tiny model is longer than 8 tokens, so that no iteration is left out.
SENTENCE = "Hello there, how are you today?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module", params=NAMES)
def backend(request) -> Backend:
    return Backend(request.param)


@pytest.fixture(scope="module")
def pipeline(backend: Backend, folder: Path):
    return backend.module("nanospeech").Nanospeech.from_pretrained(folder)


# What a sentence takes by default, and what it must not come to exceed unnoticed: calls of the transformer
# and of the head's network, rows of the transformer's batches (with guidance two a call of the ODE), and
# `mx.eval`: a CPU waits for every step but the last, once the next one is requested.
WORK = [
    ({"use_diffusion": True}, 3, 3 * 4, 3, 2),
    ({"use_diffusion": True, "num_iter": 5, "diffusion_steps": 3}, 5, 5 * 3, 5, 4),
    ({"use_diffusion": True, "cfg": 2.0}, 4, 3 * 4, 4, 2),  # the unconditional pass is made once
    ({"use_diffusion": True, "order": "random"}, 3, 3 * 4, 3, 2),
    ({"use_diffusion": True, "stream": True}, 3, 3 * 4, 3, 2),  # one in each of 3 blocks
    ({"sampler": "ode"}, 8, 0, 8, 7),
    ({"sampler": "ode", "cfg": 2.0}, 8, 0, 16, 7),
    ({"sampler": "ode", "method": "midpoint"}, 16, 0, 16, 7),
    ({"sampler": "ode", "method": "rk4"}, 32, 0, 32, 7),
]


@pytest.mark.slow
@pytest.mark.parametrize(("options", "passes", "head", "rows", "evals"), WORK, ids=lambda value: str(value))
def test_the_work_of_a_sentence(
    backend: Backend, pipeline, options: dict, passes: int, head: int, rows: int, evals: int
) -> None:
    pipeline.generate(SENTENCE, **options)  # computes what is kept for later sentences
    with count_calls(backend.module("benchmark").call_targets()) as counts:
        pipeline.generate(SENTENCE, **options)
    assert counts["transformer"].calls == passes and counts["transformer"].rows == rows
    assert counts["diffusion_head"].calls == head
    if backend.name == "mlx":
        assert counts["mx_eval"].calls == evals
    else:
        assert "mx_eval" not in counts


# What a sentence computes once, whatever the number of iterations and steps.
# With guidance, the masked path's unconditional pass embeds its own text. The last column counts how often
# numbers are read: durations and wave; in a stream, the estimate and the wave of each chunk.
ONCE = [
    ({"use_diffusion": True}, 1, 1, 1, 2),
    ({"use_diffusion": True, "num_iter": 8, "diffusion_steps": 3}, 1, 1, 1, 2),
    ({"use_diffusion": True, "cfg": 2.0}, 1, 2, 1, 2),
    ({"use_diffusion": True, "stream": True}, 1, 1, 1, 1 + 2 * 3),
    ({"sampler": "ode", "steps": 4}, 1, 1, 0, 2),
    ({"sampler": "ode", "steps": 4, "cfg": 2.0}, 1, 1, 0, 2),
]


@pytest.mark.slow
@pytest.mark.parametrize(("options", "modulations", "texts", "times", "reads"), ONCE, ids=str)
def test_what_is_the_same_is_computed_once(
    backend: Backend, pipeline, options: dict, modulations: int, texts: int, times: int, reads: int
) -> None:
    dit, head = backend.module("models.dit").DiT, backend.module("models.diffloss").DiffLoss
    counted = {
        "modulations": (dit, "modulations"),
        "texts": (dit, "embed_text"),
        "times": (head, "embed_times"),
        "reads": (type(pipeline), "array"),
    }
    pipeline.prepare()
    with count_calls(counted) as counts:
        chunks = len(list(pipeline.speak(SENTENCE, **options)))
    assert chunks == (3 if "stream" in options else 1)
    expected = {"modulations": modulations, "texts": texts, "times": times, "reads": reads}
    assert {name: count.calls for name, count in counts.items()} == expected


def test_the_head_works_on_revealed_tokens_only(backend: Backend, pipeline) -> None:
    """Its rows: each token of the sentence once a step."""
    with count_calls(backend.module("benchmark").call_targets()) as counts:
        wave = pipeline.generate(SENTENCE, use_diffusion=True, num_iter=5, diffusion_steps=3)
    tokens = len(wave) // (256 * pipeline.transformer.patch)  # the last frame's end is cut off by the vocoder
    assert counts["diffusion_head"].rows == pytest.approx(3 * tokens, abs=3)


def test_nothing_is_counted_afterwards(backend: Backend, pipeline) -> None:
    owners = backend.module("benchmark").call_targets()
    before = [getattr(owner, name) for owner, name in owners.values()]
    with pytest.raises(KeyError), count_calls(owners) as counts:
        assert [getattr(owner, name) for owner, name in owners.values()] != before
        raise KeyError("a failure inside")
    assert [getattr(owner, name) for owner, name in owners.values()] == before
    pipeline.generate("Hello.")
    assert all(count.calls == 0 for count in counts.values())


@pytest.fixture(scope="module")
def in_context(tmp_path_factory) -> Path:
    """A head as in the embedded model: conditioned on its neighbours and on their mel, which is float32."""
    head = replace(tiny_config().diffusion, context=1, regression=True)
    return write_checkpoint(tmp_path_factory.mktemp("model") / "context", config=tiny_config(diffusion=head))


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("conditioning", ["nothing", "context"])
def test_every_precision_speaks(
    backend: Backend, folder: Path, in_context: Path, conditioning: str, precision: str, monkeypatch
) -> None:
    """In that precision: what every block of the transformer and of the head takes and gives has it."""
    path = in_context if conditioning == "context" else folder
    pipeline = backend.module("benchmark").load(str(path), precision)
    assert str(pipeline.transformer.proj_out.weight.dtype).endswith(precision)
    assert str(pipeline.vocoder.head.out.weight.dtype).endswith("float32")
    met = {}

    def watch(block: type) -> None:
        real = getattr(block, backend.call)

        def call(self, x, y, *rest):
            result = real(self, x, y, *rest)
            arrays = [x, *(y if isinstance(y, (list, tuple)) else [y]), result]
            met.setdefault(block.__name__, set()).update(str(a.dtype) for a in arrays)
            return result

        monkeypatch.setattr(block, backend.call, call)

    watch(backend.module("models.dit").DiTBlock), watch(backend.module("models.diffloss").ResBlock)
    masked, ode = {"sampler": "masked", "num_iter": 2}, {"sampler": "ode", "steps": 2}
    for options in (masked, masked | {"cfg": 2.0}, ode | {"cfg": 2.0}):
        wave = pipeline.generate("Hello.", **options)
        assert wave.dtype == "float32" and 0 < abs(wave).max() <= 1
    for block in ("DiTBlock", "ResBlock"):
        (dtype,) = met[block]
        assert dtype.endswith(f".{precision}")


def test_its_own_texts_have_their_lengths(backend: Backend, pipeline) -> None:
    for name, sentences in (("short", 1), ("sentence", 1), ("paragraph", 4)):
        spoken = benchmark.time_speech(
            pipeline, benchmark.TEXTS[name], benchmark.GenerateOptions(use_diffusion=True, num_iter=1)
        )
        assert spoken["sentences"] == sentences, name
