"""Error rates while training, by a recogniser that is not there; Griffin-Lim."""

import contextlib
import dataclasses
import json
import sys
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.mel import HOP, log_mel

torch = pytest.importorskip("torch")
pytest.importorskip("jiwer")
pytest.importorskip("soundfile")

from nanospeech_torch.training import evaluate, trainer  # noqa: E402
from nanospeech_torch.training.config import DataConfig, TrainConfig  # noqa: E402
from nanospeech_torch.training.data import Utterance, load_utterances  # noqa: E402
from nanospeech_torch.training.evaluate import Evaluation, as_reference, words  # noqa: E402
from nanospeech_torch.training.griffin_lim import griffin_lim  # noqa: E402
from nanospeech_torch.training.trainer import Trainer  # noqa: E402

TEXTS = ["Dead beef.", "A bad cafe!", "Fed a bee"]


def character_model():
    """Reads letters, so that the tests need no phonemizer."""
    model = corpus.small_model()
    vocab = tuple(" abdefhijklmnopstuvwzABCDFc.!")
    parts = {
        name: dataclasses.replace(getattr(model, name), text_num_embeds=len(vocab))
        for name in ("transformer", "phone_duration")
    }
    return dataclasses.replace(
        model, text=dataclasses.replace(model.text, kind="characters", vocab=vocab), **parts
    )


@pytest.fixture
def config(tmp_path):
    torch.set_num_threads(1)
    texts = tmp_path / "texts.jsonl"
    rows = [{"lang": "en", "voice": f"v{i}", "text": text} for i, text in enumerate(TEXTS)]
    texts.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    shard = corpus.write_corpus(tmp_path / "corpus.tar", count=8, voices=2)
    return TrainConfig(
        out=str(tmp_path / "run"),
        device="cpu",
        bf16=False,
        eval_texts=str(texts),
        eval_every=2,
        asr="a recogniser",
        data=DataConfig(shards=(str(shard),), held_out=4),
        model=character_model(),
    )


class Fake:
    """Hears what it is told to: one answer per call, in turn."""

    def __init__(self, answers):
        self.answers, self.calls = answers, []

    def __call__(self, wave, language):
        self.calls.append((wave, language))
        return self.answers[(len(self.calls) - 1) % len(self.answers)]


def model_and_data(config):
    one = Trainer(config)
    return one.ema, load_utterances(config.data, config.model, lambda line: None)


def twice(texts):
    return [text for text in texts for _ in range(2)]  # by masked diffusion, then by the ODE


def test_error_rates_of_what_was_heard(config):
    model, utterances = model_and_data(config)
    assert Evaluation(config, Fake(twice(TEXTS))).measure(model, utterances) == {
        "wer_masked": 0,
        "wer_ode": 0,
    }
    assert Evaluation(config, Fake([""])).measure(model, utterances) == {"wer_masked": 100, "wer_ode": 100}
    half = Fake([*TEXTS[:1] * 2, "a bad", "A BAD CAFE", *TEXTS[2:] * 2])
    rates = Evaluation(config, half).measure(model, utterances)
    assert rates == {"wer_masked": pytest.approx(100 / 8), "wer_ode": 0}
    for wave, language in half.calls:
        assert language == "en" and wave.ndim == 1 and np.isfinite(wave).all() and wave.dtype == np.float32
        assert 0.05 < len(wave) / evaluate.ASR_RATE < 45
    assert not np.array_equal(half.calls[0][0], half.calls[1][0])


def test_a_sentence_is_spoken_in_its_voice(config):
    model, utterances = model_and_data(config)
    chosen = []
    predict = type(model).predict_frames

    def spy(reference, ids):
        chosen.append(reference)
        return predict(model, reference, ids)

    model.predict_frames = spy
    Evaluation(config, Fake(["x"])).measure(model, utterances)
    voices = []
    for reference in chosen[::2]:
        (match,) = (u for u in utterances if np.array_equal(u.ids, reference.ids))
        voices.append(match.voice)
    assert voices[:2] == ["v0", "v1"]  # there is no v2: any voice will do


def test_a_sentence_too_long_to_speak_was_not_heard(config):
    model, utterances = model_and_data(config)
    model.predict_frames = lambda reference, ids: np.full(len(ids), 5000)
    fake = Fake(["x"])
    assert Evaluation(config, fake).measure(model, utterances) == {"wer_masked": 100, "wer_ode": 100}
    assert fake.calls == []


def test_a_model_without_a_head_speaks_by_the_ode(config):
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, diffusion=None))
    model, utterances = model_and_data(config)
    assert Evaluation(config, Fake(TEXTS)).measure(model, utterances) == {"wer_ode": 0}


def test_the_trainer_evaluates_every_so_many_steps(config, monkeypatch):
    fake = Fake(twice(TEXTS))
    monkeypatch.setattr(evaluate, "whisper", lambda name, threads: fake)
    config = dataclasses.replace(config, steps=5, eval_sentences=2)
    Trainer(config).run()
    log = [json.loads(line) for line in (Path(config.out) / "log.jsonl").read_text().splitlines()]
    rated = {entry["step"]: entry["wer_masked"] for entry in log if "wer_masked" in entry}
    assert set(rated) == {2, 4} and rated[2] == 0.0 and len(fake.calls) == 8


def test_a_recogniser_that_is_missing_is_told_before_training(config, monkeypatch):
    monkeypatch.setattr(trainer, "load_utterances", lambda *_: pytest.fail("the data came first"))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "faster_whisper", None)
        with pytest.raises(UserError, match=r'needs faster-whisper: pip install "nanospeech-mar\[train\]"'):
            Trainer(config).run()
        patch.setitem(sys.modules, "jiwer", None)
        with pytest.raises(UserError, match="needs jiwer"):
            Trainer(config).run()
    assert not Path(config.out).exists()


def test_a_recogniser_that_cannot_be_loaded(config, tmp_path):
    pytest.importorskip("faster_whisper")
    with pytest.raises(UserError, match="asr .* cannot be loaded"):
        Trainer(dataclasses.replace(config, asr=str(tmp_path / "no such model"))).run()


@pytest.mark.parametrize(
    ("content", "words_of_error"),
    [
        (None, "cannot read eval_texts"),
        (b"", "is empty"),
        (b'{"text": "ab"}\n{broken', "line 2: not a JSON object"),
        (b'["ab"]', "line 1: not a JSON object"),
        (b'{"words": "ab"}', 'with a "text"'),
        (b'{"text": "..."}', "line 1: the text has no words"),
        (b'{"text": "12"}', "nothing to speak in '12'"),
        (b"\xff\xfe", "cannot read eval_texts"),
    ],
)
def test_bad_texts(config, tmp_path, content, words_of_error):
    path = tmp_path / "bad.jsonl"
    if content is not None:
        path.write_bytes(content)
    vocab = dataclasses.replace(config.model.text, vocab=tuple(" ab"))
    parts = {
        name: dataclasses.replace(getattr(config.model, name), text_num_embeds=3)
        for name in ("transformer", "phone_duration")
    }
    model = dataclasses.replace(config.model, text=vocab, **parts)
    with pytest.warns() if content == b'{"text": "12"}' else contextlib.nullcontext():
        with pytest.raises(UserError, match=words_of_error):
            Evaluation(dataclasses.replace(config, eval_texts=str(path), model=model), Fake([""]))


def test_words():
    assert words("Don't -- STOP, Señor;\n2 well-known") == "don't stop señor 2 well known"
    assert words("你好, world。") == "你 好 world"


@pytest.mark.parametrize("last", [1, 2, 30])
def test_a_reference_is_whole_tokens(last):
    config = corpus.small_model()
    frames = np.array([10, 11, last])
    mel = np.random.default_rng(0).normal(-5, 2.5, (frames.sum(), 100)).astype(np.float16)
    reference = as_reference(Utterance("k", "v", "", mel, np.array([1, 2, 3]), frames), config)
    assert len(reference.mel) == frames.sum() // 4 * 4 == reference.frames.sum()
    assert (reference.frames >= 0).all() and reference.frames[0] == 10
    expected = (mel[: len(reference.mel)].astype(np.float32) + 5) / 2.5
    np.testing.assert_allclose(reference.mel, expected, atol=1e-5)


def test_griffin_lim_gives_a_wave_of_that_mel():
    wave, _ = corpus.tone_utterance(np.random.default_rng(0))
    mel = log_mel(wave)
    first, rounds = griffin_lim(mel, rounds=0), griffin_lim(mel)
    assert first.shape == rounds.shape == ((len(mel) - 1) * HOP,) and rounds.dtype == np.float32
    errors = [np.abs(log_mel(w)[3:-3] - mel[3:-3]).mean() for w in (first, rounds)]
    assert errors[1] < 0.35 and errors[1] < 0.7 * errors[0], errors
    assert np.array_equal(rounds, griffin_lim(mel))


@pytest.mark.parametrize("frames", [2, 3])
def test_griffin_lim_of_a_moment(frames):
    assert griffin_lim(np.full((frames, 100), -5.0, dtype=np.float32)).shape == ((frames - 1) * HOP,)
