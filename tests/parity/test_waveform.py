"""One checkpoint, one seed, one waveform: text in, samples out, on both backends."""

import functools
import itertools
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from backends import NAMES, Backend, relative_error
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.config import DurationConfig, TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.counting import count_calls
from nanospeech_core.sampling.reveal import RevealPlan
from nanospeech_core.synthesis import batching
from nanospeech_core.synthesis.streaming import receptive_field

TOLERANCE = 1e-3  # of the peak
CHARACTERS = tuple(string.ascii_letters + " .,?!")
TEXT = "Hello there, how are you?"
TWO_SENTENCES = "This is the first of two sentences. And this one is the second, without a stop"

MASKED = {
    "masked": {},
    "masked, cfg 2": {"cfg": 2.0},
    "masked, constant cfg 2": {"cfg": 2.0, "cfg_schedule": "constant"},
    "masked, 1 iteration": {"num_iter": 1},
    "masked, 3 denoising steps": {"diffusion_steps": 3},
    "masked, temperature 1": {"temperature": 1.0},
    "masked, rising temperature": {"temperature": 1.0, "temperature_schedule": "linear"},
    "masked, random": {"order": "random"},
    "masked, blocks": {"order": "blocks"},
}
ODE = {
    f"{method}, cfg {cfg:g}, sway {sway:g}": {
        "sampler": "ode",
        "method": method,
        "cfg": cfg,
        "sway_coef": sway,
    }
    for method in ("euler", "midpoint", "rk4")
    for cfg in (1.0, 2.0)
    for sway in (0.0, -1.0)
}
REFINE = {
    "refined, worst": {"refine": 0.4, "steps": 4, "num_iter": 3},
    "refined, random": {"refine": 0.4, "steps": 4, "num_iter": 3, "refine_order": "random"},
    "refined, 1 step, cfg 2": {
        "refine": 0.4,
        "steps": 1,
        "num_iter": 3,
        "refine_order": "random",
        "cfg": 2.0,
    },
    "refined, rk4": {"refine": 0.2, "steps": 2, "method": "rk4", "num_iter": 1},
}
OPTIONS = {name: {"use_diffusion": True, **options} for name, options in MASKED.items()} | ODE | REFINE
DEFAULTS = {
    "masked": {"use_diffusion": True},
    "masked, cfg 1.5": {"use_diffusion": True, "cfg": 1.5},
    "euler": {"sampler": "ode", "method": "euler"},
    "midpoint": {"sampler": "ode", "method": "midpoint"},
    "rk4": {"sampler": "ode", "method": "rk4", "cfg": 2.0},
    "refined": {"refine": 0.3, "steps": 4, "num_iter": 4},
}


@functools.cache
def pipeline(backend: str, folder: Path | None):
    return Backend(backend).module("nanospeech").Nanospeech.from_pretrained(folder)


def speak(backend: str, folder: Path | None, text: str = TEXT, **options) -> np.ndarray:
    wave = pipeline(backend, folder).generate(text, **{"seed": 7, **options})
    assert wave.dtype == np.float32 and wave.ndim == 1 and len(wave) > 4000
    peak = np.abs(wave).max()
    assert 0.01 < peak < 1  # neither inaudible, nor clipped, which would hide differences
    return wave


def assert_same(folder: Path | None, text: str = TEXT, **options) -> np.ndarray:
    """Both backends speak alike; returns torch's wave."""
    torch, mlx = (speak(name, folder, text, **options) for name in NAMES)
    assert relative_error(mlx, torch) <= TOLERANCE
    return torch


CONFIGS = {
    "flow": tiny_config(),
    "ddpm": tiny_config(diffusion=replace(tiny_config().diffusion, objective="ddpm"), residual=False),
    "in context": tiny_config(diffusion=replace(tiny_config().diffusion, context=2, regression=True)),
    # as original Nanospeech checkpoints are: characters, one length for all, velocities, no masked path
    "original": tiny_config(
        text=TextConfig("characters", CHARACTERS, "filler"),
        transformer=replace(
            tiny_config().transformer, patch=1, rope="first_head", visible_flag=False, mask_padding=False
        ),
        predict="velocity",
        diffusion=None,
        phone_duration=None,
        duration=DurationConfig(dim=32, depth=1, heads=2, text_num_embeds=len(CHARACTERS), text_dim=16),
    ),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("waveform")
    folders = {name: write_checkpoint(root / name, config=config) for name, config in CONFIGS.items()}
    for name, format, dtype in (("mlx", "mlx", "F32"), ("float16", "pt", "F16"), ("bfloat16", "mlx", "BF16")):
        folders[name] = write_checkpoint(root / name, format, dtype)
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_sampler(folders, options):
    assert_same(folders["flow"], **options)


@pytest.mark.slow
@pytest.mark.parametrize("options", MASKED.values(), ids=MASKED)
def test_the_ddpm_head(folders, options):
    assert_same(folders["ddpm"], use_diffusion=True, **options)


@pytest.mark.parametrize("options", [{}, {"cfg": 2.0, "order": "interleaved"}], ids=str)
def test_a_head_in_context(folders, options):
    wave = assert_same(folders["in context"], use_diffusion=True, **options)
    plain = speak("torch", folders["flow"], use_diffusion=True, **options)
    assert len(wave) != len(plain) or relative_error(wave, plain) > 10 * TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("use_diffusion", [True, False], ids=["masked", "ode"])
@pytest.mark.parametrize("options", [{"speed": 1.3}, {"voice": "emma"}, {"seed": 0}], ids=str)
def test_speed_voice_and_seed(folders, use_diffusion, options):
    assert_same(folders["flow"], use_diffusion=use_diffusion, **options)


@pytest.mark.slow
@pytest.mark.parametrize("use_diffusion", [True, False], ids=["masked", "ode"])
def test_two_sentences(folders, use_diffusion):
    wave = assert_same(folders["flow"], TWO_SENTENCES, use_diffusion=use_diffusion)
    for name in NAMES:
        first, second = pipeline(name, folders["flow"]).speak(
            TWO_SENTENCES, use_diffusion=use_diffusion, seed=7
        )
        complete = speak(name, folders["flow"], TWO_SENTENCES, use_diffusion=use_diffusion)
        assert np.array_equal(np.concatenate((first.wave, second.wave)), complete)
        assert not first.wave[-4800:].any() and len(wave) == len(complete)  # the pause between


STREAMED = {
    "masked": {"use_diffusion": True},
    "cfg 2": {"use_diffusion": True, "cfg": 2.0},
    "ode": {"sampler": "ode"},
}


@pytest.mark.slow
@pytest.mark.parametrize("options", STREAMED.values(), ids=STREAMED)
def test_streams(folders, options):
    """Both backends give the same chunks, with the total length and the timestamps of the complete speech."""
    streams = [
        list(pipeline(name, folders["flow"]).speak(TWO_SENTENCES, stream=True, seed=7, **options))
        for name in NAMES
    ]
    complete = list(pipeline("torch", folders["flow"]).speak(TWO_SENTENCES, seed=7, **options))
    for torch, mlx in zip(*streams, strict=True):
        assert relative_error(mlx.wave, torch.wave) <= TOLERANCE
        assert (torch.start, torch.end, torch.words) == (mlx.start, mlx.end, mlx.words)
    sentences = [chunk for chunk in streams[0] if chunk.text]
    expected = [(s.text, s.start, s.end, s.words, s.phones) for s in complete]
    assert [(s.text, s.start, s.end, s.words, s.phones) for s in sentences] == expected
    if "sampler" not in options:
        assert len(streams[0]) > len(complete)
    else:  # the ODE's sentences are not split
        assert len(streams[0]) == len(complete)
        assert all(np.array_equal(a.wave, b.wave) for a, b in zip(streams[0], complete, strict=True))
    joined, at_once = (np.concatenate([s.wave for s in part]) for part in (streams[0], complete))
    assert joined.shape == at_once.shape


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_estimates_what_its_vocoder_reads(folders, name, monkeypatch):
    """The chunks are those of a stream that estimates all tokens in every iteration."""
    model, spans, read = pipeline(name, folders["flow"]), RevealPlan.spans, []
    monkeypatch.setattr(RevealPlan, "spans", lambda plan: read.append(spans(plan)) or read[-1])
    text = "word and " * 12 + "word."
    chunks = list(model.stream(text, use_diffusion=True, seed=7))
    monkeypatch.setattr(RevealPlan, "spans", lambda plan: spans(replace(plan, ahead=None)))
    expected = list(model.stream(text, use_diffusion=True, seed=7))
    assert len(chunks) == len(expected) > 1
    for chunk, whole in zip(chunks, expected, strict=True):
        assert relative_error(chunk, whole) < 1e-5
    ends = [end for _, end in read[0]]
    assert ends[0] < ends[-1]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_that_is_closed_ends_its_work(folders, name):
    """Nothing is computed ahead, and nothing after: the first chunk takes its own block's share."""
    backend, model = Backend(name), pipeline(name, folders["flow"])
    counted = {
        "passes": (backend.module("models.dit").DiT, "hidden"),
        "vocoder": (backend.module("models.vocos").Vocos, backend.call),
    }

    def speak():
        return model.stream("word and " * 12 + "word.", use_diffusion=True, num_iter=40)

    with count_calls(counted) as counts:
        chunks = len(list(speak()))
    passes = counts["passes"].calls
    assert counts["vocoder"].calls == chunks >= 5
    assert passes == chunks * round(40 / chunks)
    with count_calls(counted) as counts:
        stream = speak()
        assert counts["passes"].calls == 0
        assert len(next(stream))
        assert (counts["passes"].calls, counts["vocoder"].calls) == (passes // chunks, 1)
        stream.close()
        assert (counts["passes"].calls, counts["vocoder"].calls) == (passes // chunks, 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_vocoder_receives_the_estimate_of_the_next_block(folders, name, monkeypatch):
    """The context to the right of a chunk is the estimated mel, not zeros."""
    model, estimates, decoded = pipeline(name, folders["flow"]), [], []
    sample_steps, decode = model.sample_steps, model.decode

    def watched(prompts, *rest):
        for tokens, estimate in sample_steps(prompts, *rest):
            start = prompts[0].start
            estimates.append([model.array(part)[0][start:].reshape(-1, 100) for part in (tokens, estimate)])
            yield tokens, estimate

    monkeypatch.setattr(model, "sample_steps", watched)
    monkeypatch.setattr(model, "decode", lambda mel, *more: decoded.append(mel) or decode(mel, *more))
    next(model.stream(TEXT, use_diffusion=True, seed=7))
    tokens, estimate = estimates[-1]
    mel = (decoded[-1] - model.config.mel.mean) / model.config.mel.std
    assert np.allclose(mel, estimate[: len(mel)], atol=1e-5)
    ahead = slice(len(mel) - receptive_field(model.config.vocoder), len(mel))
    assert not tokens[ahead].any() and mel[ahead].any(axis=1).all()


BATCH = ["Hello there, how are you?", "Yes.", TWO_SENTENCES, "What a day, isn't it?"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [*DEFAULTS.values(), {"use_diffusion": True, "order": "interleaved"}], ids=str
)
@pytest.mark.parametrize("name", NAMES)
def test_a_text_sounds_the_same_in_a_batch(folders, name, options):
    model = pipeline(name, folders["flow"])
    waves = dict(model.generate_batch(BATCH, batch_size=3, seed=7, **options))
    assert sorted(waves) == [0, 1, 2, 3]
    for number, text in enumerate(BATCH):
        alone = model.generate(text, seed=7, **options)
        assert relative_error(waves[number], alone) <= TOLERANCE


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("...", '^text 600: there is nothing to speak in "..."$'),
        ("한국어", "^text 600: there is nothing to speak in"),
        ("[pause x]", "^text 600: .* is not a pause of 0 to 60 seconds"),
        (" ", "^text 600 is empty$"),
        ("[a](/X/)", "^text 600: .* is not a phoneme of this model"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_named_before_any_is(folders, bad, message):
    texts = [*["Hello."] * 599, bad]
    with pytest.raises(UserError, match=message):
        next(pipeline("torch", folders["flow"]).generate_batch(texts, sampler="ode", steps=1))


def test_a_voice_is_not_a_texts_fault(folders):
    with pytest.raises(UserError, match="^there is no voice"):
        next(pipeline("torch", folders["flow"]).generate_batch(["Hello."], voice="nobody"))


def test_the_first_of_many_texts_is_there_soon(folders, monkeypatch):
    model, read = pipeline("torch", folders["flow"]), []
    prepare = batching.prepare_text
    monkeypatch.setattr(
        batching, "prepare_text", lambda text, *rest: read.append(text) or prepare(text, *rest)
    )
    waves = model.generate_batch(
        [f"Hello {number}." for number in range(40)], batch_size=4, sampler="ode", steps=1
    )
    first, _ = next(waves)
    assert len(read) == 4
    assert sorted([first, *(number for number, _ in waves)]) == [*range(40)] and len(read) == 40


def test_a_model_without_a_mask_gets_no_padding(folders, monkeypatch):
    """A batch of one each, where the transformer does not mask its padding."""
    model, sizes = pipeline("torch", folders["original"]), []
    sample_steps = model.sample_steps
    monkeypatch.setattr(
        model,
        "sample_steps",
        lambda prompts, *rest: sizes.append(len(prompts)) or sample_steps(prompts, *rest),
    )
    waves = dict(model.generate_batch(["Hello.", "Yes, you are."], sampler="ode", steps=1))
    assert sizes == [1, 1] and np.array_equal(waves[0], model.generate("Hello.", sampler="ode", steps=1))


CONTROLLED = (
    "[pause 0.2] I said [pause 1.5] [tomato](/təˈmɑːtoʊ/), if you please. "
    "This is the second sentence of the two. [pause 0.1]"
)


@pytest.mark.parametrize("use_diffusion", [True, False], ids=["masked", "ode"])
def test_pauses_phonemes_and_times(folders, use_diffusion):
    spoken = [
        list(
            pipeline(name, folders["flow"]).speak(
                CONTROLLED, lexicon={"please": "plˈɪz"}, use_diffusion=use_diffusion, seed=7
            )
        )
        for name in NAMES
    ]
    for torch, mlx in zip(*spoken, strict=True):
        assert relative_error(mlx.wave, torch.wave) <= TOLERANCE
        assert (torch.text, torch.start, torch.words, torch.phones) == (
            mlx.text,
            mlx.start,
            mlx.words,
            mlx.phones,
        )
    first, second = spoken[0]
    i, said, tomato, _, _, please = first.words
    assert i.start == pytest.approx(19 / 93.75) and tomato.start - said.end == pytest.approx(141 / 93.75)
    assert "".join(phone.text for phone in tomato.phones) == "təˈmɑːtoʊ"
    assert "".join(phone.text for phone in please.phones) == "plˈɪz"
    assert second.start == len(first.wave) / 24000 and second.words[0].start >= second.start
    assert second.end - second.words[-1].end == pytest.approx(9 / 93.75)


@pytest.mark.parametrize("backend", NAMES)
def test_speed_changes_only_what_is_generated(folders, backend, monkeypatch):
    model, seen = pipeline(backend, folders["flow"]), []
    sample_steps = model.sample_steps
    monkeypatch.setattr(
        model, "sample_steps", lambda prompts, *rest: seen.extend(prompts) or sample_steps(prompts, *rest)
    )
    recording = folders["flow"] / "voices" / "heart.flac"
    for own in ({}, {"ref_audio": str(recording), "ref_text": "Hello there."}):
        seen.clear()
        waves = [model.generate(TEXT, speed=speed, sampler="ode", steps=1, **own) for speed in (1.0, 2.0)]
        one, fast = seen
        assert len(waves[1]) == pytest.approx(len(waves[0]) / 2, rel=0.1)
        assert one.start == fast.start > 40
        assert (one.cond[: one.start] == fast.cond[: one.start]).all()
        frames = one.start * model.config.transformer.patch
        assert (one.text[:frames] == fast.text[:frames]).all()


@pytest.mark.slow
def test_a_sentence_too_long_for_the_model(folders):
    text = "word and " * 32 + "word"
    waves = [
        [
            speech.wave
            for speech in pipeline(name, folders["flow"]).speak(text, speed=0.25, sampler="ode", steps=1)
        ]
        for name in NAMES
    ]
    assert len(waves[0]) == len(waves[1]) > 1
    for torch, mlx in zip(*waves, strict=True):
        assert relative_error(mlx, torch) <= TOLERANCE


CUT = "one two three four five six seven " * 10 + "and the end"  # more characters than a sentence may have


@pytest.mark.slow
@pytest.mark.parametrize("options", STREAMED.values(), ids=STREAMED)
def test_a_sentence_cut_for_its_length(folders, options):
    """Both backends join its parts alike; a stream and a batch have the same times and the same length."""
    torch, mlx = (list(pipeline(name, folders["flow"]).speak(CUT, seed=7, **options)) for name in NAMES)
    assert len(torch) == len(mlx) > 1
    for a, b in zip(torch, mlx, strict=True):
        assert relative_error(b.wave, a.wave) <= TOLERANCE
        assert (a.text, a.start, a.words, a.phones) == (b.text, b.start, b.words, b.phones)
    assert " ".join(word.text for speech in torch for word in speech.words) == CUT
    for before, after in itertools.pairwise(torch):
        assert 0 < after.words[0].start - before.words[-1].end < 0.15
    streamed = list(pipeline("torch", folders["flow"]).speak(CUT, seed=7, stream=True, **options))
    assert [(s.text, s.start, s.end) for s in streamed if s.text] == [(s.text, s.start, s.end) for s in torch]
    whole = np.concatenate([speech.wave for speech in torch])
    assert sum(len(speech.wave) for speech in streamed) == len(whole)
    ((_, batch),) = pipeline("torch", folders["flow"]).generate_batch([CUT], seed=7, **options)
    assert relative_error(batch, whole) <= TOLERANCE


@pytest.mark.slow
def test_the_first_block_of_a_part_includes_its_context(folders, monkeypatch):
    """Otherwise a stream would wait for more blocks before it has something to play."""
    model, first_blocks = pipeline("torch", folders["flow"]), []
    make_plan = model.plan

    def plan(prompt, seed, options, blocks=None):
        first_blocks.append(blocks[0])
        return make_plan(prompt, seed, options, blocks)

    monkeypatch.setattr(model, "plan", plan)
    for _ in model.speak(CUT, seed=7, stream=True, use_diffusion=True):
        pass
    assert len(first_blocks) == 2 and first_blocks[1] > first_blocks[0] + 10


@pytest.mark.slow
def test_every_option_changes_the_speech(folders):
    """So that the comparisons above compare different things."""
    waves = [speak("torch", folders["flow"], **options) for options in OPTIONS.values()]
    waves.append(speak("torch", folders["flow"], seed=8))
    waves.append(speak("torch", folders["flow"], sampler="ode", steps=3))
    for i, one in enumerate(waves):
        for other in waves[:i]:
            assert relative_error(one, other) > 10 * TOLERANCE
    fast = speak("torch", folders["flow"], speed=1.3)
    assert len(fast) == pytest.approx(len(waves[0]) / 1.3, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"method": "euler"}, {"method": "rk4", "cfg": 2.0}], ids=str)
def test_an_original_checkpoint(folders, options):
    wave = assert_same(folders["original"], TEXT, **options)
    assert len(wave) / 256 > 2 * len(TEXT)  # the predictor's length, not the least that is given


@pytest.mark.parametrize("backend", NAMES)
def test_what_a_model_cannot_do_gives_an_error(folders, backend):
    with pytest.raises(UserError, match="no diffusion head"):
        pipeline(backend, folders["original"]).generate(TEXT, use_diffusion=True)
    with pytest.raises(UserError, match="no diffusion head for --sampler refine; use --sampler ode"):
        pipeline(backend, folders["original"]).generate(TEXT, refine=0.3)
    with pytest.raises(UserError, match="worst needs at least 2 --steps"):
        pipeline(backend, folders["flow"]).generate(TEXT, refine=0.3, steps=1)
    with pytest.raises(UserError, match="at least 2 --diffusion-steps"):
        pipeline(backend, folders["ddpm"]).generate(TEXT, use_diffusion=True, diffusion_steps=1)


@pytest.mark.parametrize("backend", NAMES)
@pytest.mark.parametrize("use_diffusion", [True, False], ids=["masked", "ode"])
def test_the_format_of_the_file_changes_nothing(folders, backend, use_diffusion):
    waves = [speak(backend, folders[name], use_diffusion=use_diffusion) for name in ("flow", "mlx")]
    assert (waves[0] == waves[1]).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("use_diffusion", [True, False], ids=["masked", "ode"])
def test_weights_stored_in_halves(folders, dtype, use_diffusion):
    wave = assert_same(folders[dtype], use_diffusion=use_diffusion)
    assert (wave != speak("torch", folders["flow"], use_diffusion=use_diffusion)[: len(wave)]).any()


@pytest.mark.slow
@pytest.mark.skipif(not (PRETRAINED / "config.json").exists(), reason="there is no embedded checkpoint yet")
@pytest.mark.parametrize("options", DEFAULTS.values(), ids=DEFAULTS)
def test_the_embedded_checkpoint(options):
    assert_same(None, **options)
