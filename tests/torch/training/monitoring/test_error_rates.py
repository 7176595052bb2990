"""Error rates while training, by a recognizer that is not there; Griffin-Lim."""

import dataclasses
import json
import sys
from pathlib import Path

import corpus
import numpy as np
import pytest

from nanospeech_core.audio.mel import HOP, log_mel
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.dataset import TextItem
from nanospeech_core.text.tokenizer import Tokenizer

torch = pytest.importorskip("torch")
pytest.importorskip("jiwer")
pytest.importorskip("soundfile")

from nanospeech_core.voices import recognition
from nanospeech_torch.nanospeech import Nanospeech
from nanospeech_torch.training.acoustic import task as acoustic
from nanospeech_torch.training.acoustic.config import AcousticConfig
from nanospeech_torch.training.acoustic.weights import initialize
from nanospeech_torch.training.config import DataConfig, WatchConfig
from nanospeech_torch.training.data.corpus import read_index
from nanospeech_torch.training.data.utterances import Utterance, UtteranceDataset
from nanospeech_torch.training.monitoring.error_rates import ErrorRates, as_reference, encode_item
from nanospeech_torch.training.monitoring.griffin_lim import griffin_lim

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
    return AcousticConfig(
        out=str(tmp_path / "run"),
        data=DataConfig(shards=(str(shard),), held_out=4),
        watch=WatchConfig(eval_texts=str(texts), asr="a recognizer"),
        model=character_model(),
    )


class Fake:
    """A recognizer with fixed answers: one per call, in order."""

    def __init__(self, answers):
        self.answers, self.calls = answers, []

    def __call__(self, wave, language):
        self.calls.append((wave, language))
        return self.answers[(len(self.calls) - 1) % len(self.answers)]


def model_and_data(config):
    torch.manual_seed(0)
    model = Nanospeech.from_config(config.model)
    initialize(model)
    library = UtteranceDataset(read_index(config.data, config.model, print), 1.0, print)
    return model.eval(), [library[i] for i in range(8)]


def evaluation(config, recognize, sentences=8):
    return ErrorRates(config.watch.eval_texts, "none", sentences, 1, config.model, recognize)


def twice(texts):
    return [text for text in texts for _ in range(2)]  # by masked diffusion, then by the ODE


@pytest.mark.slow
def test_error_rates_of_what_was_recognized(config):
    model, utterances = model_and_data(config)
    assert evaluation(config, Fake(twice(TEXTS))).measure(model, utterances) == {
        "wer_masked": 0,
        "wer_ode": 0,
    }
    assert evaluation(config, Fake([""])).measure(model, utterances) == {"wer_masked": 100, "wer_ode": 100}
    half = Fake([*TEXTS[:1] * 2, "a bad", "A BAD CAFE", *TEXTS[2:] * 2])
    rates = evaluation(config, half).measure(model, utterances)
    assert rates == {"wer_masked": pytest.approx(100 / 8), "wer_ode": 0}
    for wave, language in half.calls:
        assert language == "en" and wave.ndim == 1 and np.isfinite(wave).all() and wave.dtype == np.float32
        assert 0.05 < len(wave) / recognition.RATE < 45
    assert not np.array_equal(half.calls[0][0], half.calls[1][0])


def test_a_sentence_is_spoken_in_its_voice(config):
    model, utterances = model_and_data(config)
    references = []
    predict = type(model).predict_frames

    def spy(reference, ids):
        references.append(reference)
        return predict(model, reference, ids)

    model.predict_frames = spy
    evaluation(config, Fake(["x"])).measure(model, utterances)
    voices = []
    for reference in references[::2]:
        (match,) = (u for u in utterances if np.array_equal(u.ids, reference.ids))
        voices.append(match.voice)
    assert voices[:2] == ["v0", "v1"]  # there is no v2: any voice will do


def test_all_words_of_a_sentence_too_long_to_speak_are_errors(config):
    model, utterances = model_and_data(config)
    model.predict_frames = lambda reference, ids: np.full(len(ids), 5000)
    fake = Fake(["x"])
    assert evaluation(config, fake).measure(model, utterances) == {"wer_masked": 100, "wer_ode": 100}
    assert fake.calls == []


def test_a_model_without_a_head_speaks_by_the_ode(config):
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, diffusion=None))
    model, utterances = model_and_data(config)
    assert evaluation(config, Fake(TEXTS)).measure(model, utterances) == {"wer_ode": 0}


def test_a_task_evaluates_its_first_sentences(config, monkeypatch):
    fake, asked = Fake(twice(TEXTS)), []
    monkeypatch.setattr(recognition, "recognizer", lambda *args, extra: asked.append(args) or fake)
    watch = dataclasses.replace(config.watch, eval_sentences=2)
    task = acoustic.AcousticTask(dataclasses.replace(config, watch=watch), print)
    assert task.error_rates(task.model.eval()) == {"wer_masked": 0, "wer_ode": 0}
    assert len(fake.calls) == 4 and asked == [("a recognizer", ["en"], config.engine.threads)]


def test_a_missing_recognizer_is_an_error_before_the_data_is_read(config, monkeypatch):
    monkeypatch.setattr(acoustic, "read_index", lambda *_: pytest.fail("the data came first"))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "faster_whisper", None)
        with pytest.raises(UserError, match=r"recognizing speech needs faster-whisper .*\[evaluate\]"):
            acoustic.AcousticTask(config)
        patch.setitem(sys.modules, "jiwer", None)
        with pytest.raises(UserError, match="needs jiwer"):
            acoustic.AcousticTask(config)
    assert not Path(config.out).exists()


def test_a_recognizer_that_cannot_be_loaded(config, tmp_path):
    pytest.importorskip("faster_whisper")
    with pytest.raises(UserError, match="asr .* cannot be loaded"):
        ErrorRates(config.watch.eval_texts, str(tmp_path / "no such model"), 8, 1, config.model)


def test_a_text_with_nothing_to_speak(config, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "12"}')
    text = dataclasses.replace(config.model.text, vocab=tuple(" ab"))
    with pytest.warns(), pytest.raises(UserError, match="nothing to speak in '12'"):
        ErrorRates(str(path), "x", 8, 1, dataclasses.replace(config.model, text=text), Fake([""]))


@pytest.mark.parametrize(("alignment", "pauses"), [("durations", 2), ("filler", 0)])
def test_pauses_are_for_models_with_durations(alignment, pauses):
    model = character_model()
    model = dataclasses.replace(model, text=dataclasses.replace(model.text, alignment=alignment))
    tokenizer = Tokenizer("characters", model.text.vocab)
    assert len(encode_item(TextItem("0", "a bad"), tokenizer, model)) == 5 + pauses


@pytest.mark.parametrize("last", [1, 2, 30])
def test_a_reference_is_complete_tokens(last):
    config = corpus.small_model()
    frames = np.array([10, 11, last])
    mel = np.random.default_rng(0).normal(-5, 2.5, (frames.sum(), 100)).astype(np.float16)
    reference = as_reference(Utterance("k", "v", "", mel, np.array([1, 2, 3]), frames), config)
    assert len(reference.mel) == frames.sum() // 4 * 4 == reference.durations.sum()
    assert (reference.durations >= 0).all() and reference.durations[0] == 10
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
