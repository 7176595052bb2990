"""The mathematics of the aligner: prior, monotonic search, losses; and its results for real recordings."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import make_voice, tiny_config, write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import HOP, SAMPLE_RATE, log_mel
from nanospeech_core.checkpoints import folder as checkpoint
from nanospeech_core.config import AlignerConfig, ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.synthesis.frontend import prepare_text
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.voices.alignment import apply_lag, beta_binomial_log_prior, monotonic_search
from nanospeech_core.voices.reference import even_durations, make_reference
from nanospeech_core.voices.store import list_voices


def all_paths(frames: int, symbols: int):
    """Every way to give each symbol at least one frame."""
    for cuts in itertools.combinations(range(1, frames), symbols - 1):
        yield np.diff([0, *cuts, frames])


def score(log_probs: np.ndarray, counts: np.ndarray) -> float:
    return log_probs[np.arange(len(log_probs)), np.repeat(np.arange(len(counts)), counts)].sum()


@pytest.mark.parametrize("forbidden", [0.0, 0.15])
def test_the_path_is_the_best_of_all(forbidden):
    rng = np.random.default_rng(0)
    for _ in range(150):
        symbols = int(rng.integers(1, 5))
        frames = int(rng.integers(symbols, 9))
        log_probs = rng.standard_normal((frames, symbols))
        log_probs[rng.random(log_probs.shape) < forbidden] = -np.inf
        counts = monotonic_search(log_probs)
        assert counts.dtype == np.int64 and counts.min() >= 1 and counts.sum() == frames
        best = max(score(log_probs, path) for path in all_paths(frames, symbols))
        assert score(log_probs, counts) == pytest.approx(best)


def test_equally_good_boundaries_come_early():
    assert monotonic_search(np.zeros((7, 3))).tolist() == [1, 1, 5]


@pytest.mark.parametrize(
    ("log_probs", "sentence"),
    [
        (np.zeros((3, 4)), "3 frames of audio cannot be aligned to 4 symbols"),
        (np.zeros((3, 0)), "cannot be aligned to 0 symbols"),
        (np.full((3, 2), np.nan), "not numbers"),
    ],
)
def test_what_cannot_be_aligned(log_probs, sentence):
    with pytest.raises(UserError, match=sentence):
        monotonic_search(log_probs)


def test_a_lag_moves_boundaries_and_keeps_every_symbol():
    assert apply_lag(np.array([3, 2, 4, 1, 2]), 0).tolist() == [3, 2, 4, 1, 2]
    assert apply_lag(np.array([3, 2, 4, 1, 2]), 2).tolist() == [5, 2, 3, 1, 1]
    assert apply_lag(np.array([1, 1, 9]), 20).tolist() == [9, 1, 1]
    assert apply_lag(np.array([5]), 2).tolist() == [5]


@pytest.mark.parametrize(
    ("frames", "symbols", "scale"), [(9, 4, 1.0), (30, 7, 0.3), (5, 1, 1.0), (1, 1, 2.0)]
)
def test_prior_is_the_beta_binomial(frames, symbols, scale):
    log_prior = beta_binomial_log_prior(frames, symbols, scale)
    assert log_prior.shape == (frames, symbols) and log_prior.dtype == np.float32
    np.testing.assert_allclose(np.exp(log_prior).sum(1), 1.0, rtol=1e-5)

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    n = symbols - 1
    for t in range(frames):
        a, b = scale * (t + 1), scale * (frames - t)
        for k in range(symbols):
            expected = math.log(math.comb(n, k)) + log_beta(k + a, n - k + b) - log_beta(a, b)
            assert log_prior[t, k] == pytest.approx(expected, abs=1e-4)


# losses


def collapse(labels: tuple[int, ...]) -> tuple[int, ...]:
    """CTC's: repetitions count once, then blanks (0) are dropped."""
    return tuple(label for label, _ in itertools.groupby(labels) if label)


def test_forward_sum_counts_every_path():
    torch = pytest.importorskip("torch")
    from nanospeech_core.voices.alignment import MASKED
    from nanospeech_torch.training.aligner.loss import forward_sum

    lengths = [(5, 3), (4, 2), (3, 3)]
    logits = np.random.default_rng(1).standard_normal((3, 5, 3)).astype(np.float32)
    for row, (_, symbols) in enumerate(lengths):
        logits[row, :, symbols:] = MASKED
    frames, symbols = (torch.tensor(values) for values in zip(*lengths, strict=True))
    ours = forward_sum(torch.from_numpy(logits), frames, symbols, blank=-1.5)
    for row, (t, n) in enumerate(lengths):
        table = np.concatenate((np.full((t, 1), -1.5), logits[row, :t, :n]), axis=1).astype(np.float64)
        table = np.exp(table) / np.exp(table).sum(1, keepdims=True)
        total = sum(
            np.prod(table[np.arange(t), list(labels)])
            for labels in itertools.product(range(n + 1), repeat=t)
            if collapse(labels) == tuple(range(1, n + 1))
        )
        assert float(ours[row]) == pytest.approx(-math.log(total), rel=1e-4)


def test_path_mask_is_the_path_of_each_row():
    torch = pytest.importorskip("torch")
    from nanospeech_torch.training.aligner.loss import path_mask

    log_probs = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    mask = path_mask(log_probs, torch.tensor([6, 4]), torch.tensor([4, 2]))
    assert mask.sum((1, 2)).tolist() == [6, 4]
    assert mask[0].sum(0).tolist() == monotonic_search(log_probs[0].numpy()).tolist()
    assert mask[1, :4].sum(0).tolist() == [*monotonic_search(log_probs[1, :4, :2].numpy()), 0, 0]


# the aligner in a model


ALIGNER = AlignerConfig(dim=16, key_dim=8, text_layers=1, mel_layers=1, lag=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_with_an_aligner(name, tmp_path):
    """Loaded strictly, from either layout; the same frames on both backends."""
    backend = Backend(name)
    config = tiny_config(aligner=ALIGNER)
    folder = write_checkpoint(tmp_path / "m", {"torch": "mlx", "mlx": "pt"}[name], config=config)
    model = backend.module("nanospeech").Nanospeech.from_pretrained(folder)
    voice = list_voices(folder)[0]
    mel = log_mel(voice.audio)
    ids = with_pauses(Tokenizer("phonemes", config.text.vocab).encode(voice.phonemes), config)
    frames = model.aligner.align(mel, ids)
    assert frames.dtype == np.int64 and frames.min() >= 1 and frames.sum() == len(mel)
    plain = backend.module("nanospeech").Nanospeech.from_pretrained(folder)
    plain.aligner.lag = 0
    assert (apply_lag(plain.aligner.align(mel, ids), 2) == frames).all()
    with pytest.raises(UserError, match="cannot be aligned"):
        model.aligner.align(mel[: len(ids) - 1], ids)
    (folder / "aligner.safetensors").unlink()
    with pytest.raises(UserError, match="aligner.safetensors"):
        backend.module("nanospeech").Nanospeech.from_pretrained(folder)


@pytest.mark.parametrize(
    "changes", [{"kernel": 4}, {"temperature": 0.0}, {"lag": -1}, {"text_num_embeds": 3}, {"dim": 0}]
)
def test_no_aligner_can_be_built_of_it(changes):
    with pytest.raises(UserError, match=f"aligner.{next(iter(changes))}"):
        tiny_config(aligner=replace(ALIGNER, **changes))


def test_a_config_from_before_there_were_aligners():
    values = ModelConfig().to_dict()
    del values["aligner"]
    assert ModelConfig.from_dict(values).aligner is None


def test_the_embedded_aligner_serves_models_with_its_vocabulary(tmp_path, monkeypatch):
    embedded = write_checkpoint(tmp_path / "embedded", "mlx", config=tiny_config(aligner=ALIGNER))
    monkeypatch.setattr(checkpoint, "PRETRAINED", embedded)
    plain = tiny_config()
    config, tensors = checkpoint.load_folder(write_checkpoint(tmp_path / "m", "pt", config=plain), "pt")
    assert config.aligner == ALIGNER and "aligner.to_key.weight" in tensors
    complete = checkpoint.load_folder(embedded, "pt")[1]
    assert (tensors["aligner.mel_embed.weight"] == complete["aligner.mel_embed.weight"]).all()
    for name, text in (
        ("other", replace(plain.text, vocab=plain.text.vocab[::-1])),
        ("filler", replace(plain.text, alignment="filler")),
    ):
        folder = write_checkpoint(tmp_path / name, "pt", config=replace(plain, text=text))
        config, tensors = checkpoint.load_folder(folder, "pt")
        assert config.aligner is None and not any(key.startswith("aligner.") for key in tensors)


def test_a_reference_recording_is_aligned(tmp_path):
    """Where its durations are not known, they are the aligner's; those that are known are kept."""
    config = tiny_config()
    voice = make_voice("v", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.")
    audio.write(tmp_path / "r.wav", voice.audio)
    options = GenerateOptions(ref_audio=str(tmp_path / "r.wav"), ref_text="Hello there.")
    calls = []

    class Late:
        def align(self, mel, ids):
            calls.append((mel, ids))
            return np.array([len(mel) - len(ids) + 1, *[1] * (len(ids) - 1)])

        def symbol_log_probs(self, mel, ids):
            return np.zeros((len(mel), len(ids)), np.float32)

    reference = prepare_text("Hi.", config, None, options, Late()).reference
    ((mel, ids),) = calls
    assert reference.durations.tolist()[1:] == [1] * (len(ids) - 1) and reference.durations.sum() == len(
        reference.mel
    )
    assert (ids == reference.ids).all()
    np.testing.assert_allclose((mel - config.mel.mean) / config.mel.std, reference.mel, atol=1e-6)
    even = prepare_text("Hi.", config, None, options).reference.durations
    assert (even == even_durations(len(reference.mel), len(ids))).all()
    ids = Tokenizer("phonemes", config.text.vocab).encode(voice.phonemes)
    make_reference(voice.audio, ids, np.array(voice.durations), config, Late())
    assert len(calls) == 1


# the embedded aligner


@pytest.mark.parametrize("name", NAMES)
def test_the_embedded_aligner_agrees_with_the_voices(name):
    """It never saw durations; the voices' own are those of the speech that it learnt from."""
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    tokenizer = Tokenizer("phonemes", model.config.text.vocab)
    close = total = 0
    for voice in model.voices():
        mel = log_mel(voice.audio)
        ids = with_pauses(tokenizer.encode(voice.phonemes), model.config)
        ends = (np.cumsum(model.aligner.align(mel, ids))[:-1] - 0.5) * HOP / SAMPLE_RATE
        error = np.abs(ends - np.cumsum(voice.durations)[:-1])
        assert (error <= 0.05).mean() > 0.7
        close, total = close + (error <= 0.05).sum(), total + len(error)
    assert close / total > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_a_long_pause_is_found(name):
    """An even spread would put phonemes into it."""
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    voice = model.voices()[0]
    ids = with_pauses(Tokenizer("phonemes", model.config.text.vocab).encode(voice.phonemes), model.config)
    silence = np.random.default_rng(0).normal(0, 1e-4, SAMPLE_RATE).astype(np.float32)
    mel = log_mel(np.concatenate((silence, voice.audio)))
    expected = (1.0 + voice.durations[0]) * SAMPLE_RATE / HOP
    assert model.aligner.align(mel, ids)[0] == pytest.approx(expected, abs=8)


@pytest.mark.parametrize("name", NAMES)
def test_speaking_after_a_recording_uses_the_aligner(name, tmp_path):
    model = Backend(name).module("nanospeech").Nanospeech.from_pretrained()
    voice = model.voices()[0]
    audio.write(tmp_path / "r.wav", voice.audio)
    predict, references = model.predict_frames, []

    def spy(reference, ids, speed):
        references.append(reference)
        return predict(reference, ids, speed)

    model.predict_frames = spy
    (wave,) = model.stream(
        "Yes.", ref_audio=str(tmp_path / "r.wav"), ref_text=voice.text, sampler="ode", steps=1
    )
    assert len(wave) and np.isfinite(wave).all()
    (reference,) = references
    mel = reference.mel * model.config.mel.std + model.config.mel.mean
    assert (reference.durations == model.aligner.align(mel, reference.ids)).all()
    assert not (reference.durations == even_durations(len(mel), len(reference.ids))).all()
