"""The samples of a run: spoken sentences, plots, complete folders, trackers."""

import json
import sys
import types

import corpus
import numpy as np
import pytest

from nanospeech_core.audio import files as audio
from nanospeech_core.audio.mel import HOP, N_FFT, SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError
from nanospeech_core.synthesis.prompts import make_prompt

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")

from nanospeech_torch.nanospeech import Nanospeech
from nanospeech_torch.training.data.utterances import Utterance
from nanospeech_torch.training.monitoring import plots
from nanospeech_torch.training.monitoring import samples as watch
from nanospeech_torch.training.monitoring.error_rates import as_reference
from nanospeech_torch.training.monitoring.trackers import log_samples

CONFIG = corpus.small_model()

SILENT = "silent so far, as a model from random weights is at first"


def make_utterance(number, voice, letters=8):
    wave, meta = corpus.tone_utterance(np.random.default_rng(number), voice, letters)
    mel = log_mel(wave)
    symbols = f" {meta['phonemes']} "
    ends = np.round(np.cumsum(meta["durations"]) * corpus.UNIT / HOP).astype(np.int64)
    ends[-1] = len(mel)
    ids = np.array([CONFIG.text.vocab.index(symbol) for symbol in symbols])
    frames = np.diff(ends, prepend=0)
    return Utterance(f"u{number}", voice, meta["text"], mel.astype(np.float16), ids, frames)


@pytest.fixture(scope="module")
def held_out():
    return [make_utterance(i, f"v{i % 2}", 6 + i) for i in range(6)]


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made = Nanospeech.from_config(CONFIG).eval()
    with torch.no_grad():  # symbols of about five frames
        made.duration_predictor.to_pred.weight.mul_(0.05)
        made.duration_predictor.to_pred.bias.fill_(np.log1p(5))
    return made


@pytest.fixture(scope="module")
def spoken(model, held_out, tmp_path_factory):
    """(sentences, the folder they were spoken into)"""
    folder = tmp_path_factory.mktemp("run") / "samples" / "step-00000010"
    sentences = watch.select_sentences(held_out, CONFIG)
    watch.write_speech(model, sentences, folder, seed=3)
    return sentences, folder


def entries(folder):
    return json.loads((folder / "samples.json").read_text(encoding="utf-8"))


def test_sentences_are_of_different_voices_with_another_utterance_as_reference(held_out):
    sentences = watch.select_sentences(held_out, CONFIG, count=3)
    assert {s.recording.voice for s in sentences[:2]} == {"v0", "v1"}
    assert len({s.recording.key for s in sentences}) == 3
    for sentence in sentences:
        assert sentence.reference.voice == sentence.recording.voice
        assert sentence.reference is not sentence.recording
        assert np.array_equal(sentence.ids, sentence.recording.ids)
    again = watch.select_sentences(held_out[::-1], CONFIG, count=3)
    assert {s.recording.key for s in again} == {s.recording.key for s in sentences}


def test_sentences_where_little_is_held_out(held_out):
    assert watch.select_sentences([], CONFIG) == []
    (alone,) = watch.select_sentences(held_out[:1], CONFIG)
    assert alone.reference is alone.recording is held_out[0]
    strangers = watch.select_sentences(held_out[:2], CONFIG)
    assert [s.reference.voice for s in strangers] != [s.recording.voice for s in strangers]


def test_further_texts_are_spoken_in_their_voice(held_out, monkeypatch):
    row = types.SimpleNamespace(text="ab", voice="v1", lang="en")
    monkeypatch.setattr(watch, "encode_item", lambda row, tokenizer, config: np.array([13, 14, 15]))
    sentence = watch.select_sentences(held_out, CONFIG, [row])[-1]
    assert (sentence.text, sentence.reference.voice, sentence.recording) == ("ab", "v1", None)
    assert sentence.ids.tolist() == [13, 14, 15]


@pytest.mark.slow
def test_every_sentence_is_spoken_in_every_way(spoken, model):
    sentences, folder = spoken
    listed = set()
    for sentence, item in zip(sentences, entries(folder), strict=True):
        assert item["text"] == sentence.text and item["note"] in ("", SILENT)
        assert item["title"] == f"in the voice of {sentence.reference.voice}"
        waves = {clip["caption"]: audio.read(folder / clip["file"]) for clip in item["audio"]}
        assert list(waves) == list(watch.CAPTIONS.values())
        generated = [len(waves[watch.CAPTIONS[name]]) for name in ("masked", "ode", "regression")]
        frames = model.predict_frames(as_reference(sentence.reference, CONFIG), sentence.ids).sum()
        assert set(generated) == {len(watch.decode(model, np.zeros((frames, 100), np.float32)))}
        real = watch.decode(model, sentence.recording.mel.astype(np.float32))
        assert np.abs(waves[watch.CAPTIONS["recording"]] - real.clip(-1, 1)).max() < 1e-4
        assert item["audio"][0]["settings"]["num_iter"] == 3 and item["audio"][1]["settings"]["steps"] == 8
        listed |= {file["file"] for file in item["audio"] + item["plots"]}
    assert {path.name for path in folder.iterdir()} == {*listed, "samples.json"}
    assert len(listed) == 2 * (4 + 2 * plots.can_plot())


@pytest.mark.slow
def test_the_audio_is_what_the_samplers_make(spoken, model):
    (sentence, _), folder = spoken
    reference = as_reference(sentence.reference, CONFIG)
    frames = model.predict_frames(reference, sentence.ids)
    prompt = make_prompt(reference, sentence.ids, frames, CONFIG)
    for name, use_diffusion in (("masked", True), ("ode", False)):
        mel = model.sample(prompt, use_diffusion=use_diffusion, seed=3)
        written = audio.read(folder / f"1-{name}.wav")
        assert np.abs(written - watch.decode(model, mel).clip(-1, 1)).max() < 1e-4
    other = watch.decode(model, model.sample(prompt, use_diffusion=True, seed=4))
    assert np.abs(audio.read(folder / "1-masked.wav") - other).max() > 1e-3


def test_the_regression_is_the_masked_path_without_its_head(model, held_out, monkeypatch):
    reference = as_reference(held_out[0], CONFIG)
    prompt = make_prompt(reference, held_out[1].ids, held_out[1].durations, CONFIG)
    zeros = lambda z, *_: iter([torch.zeros(len(z), 400)])  # noqa: E731
    monkeypatch.setattr(model.diffusion_module, "sample", zeros)
    masked = model.sample(prompt, use_diffusion=True, num_iter=1)
    np.testing.assert_allclose(watch.regression_mel(model, model.to_mel, prompt), masked, atol=1e-5)


@pytest.mark.slow
def test_a_model_of_less_speaks_in_fewer_ways(held_out, tmp_path):
    torch.manual_seed(0)
    model = Nanospeech.from_config(corpus.small_model(diffusion=None, phone_duration=None)).eval()
    watch.write_speech(model, watch.select_sentences(held_out, CONFIG, count=1), tmp_path / "step-1")
    (item,) = entries(tmp_path / "step-1")
    assert [clip["caption"] for clip in item["audio"]] == ["flow ODE", watch.CAPTIONS["recording"]]


@pytest.mark.slow
def test_training_goes_on_as_if_nothing_had_been_spoken(model, held_out, tmp_path):
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    watch.write_speech(model, watch.select_sentences(held_out, CONFIG, count=1), tmp_path / "step-1")
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.slow
def test_what_cannot_be_spoken_is_noted(model, held_out, tmp_path, monkeypatch):
    sentences = watch.select_sentences(held_out, CONFIG, count=2)
    real, calls = model.predict_frames, []

    def predict(reference, ids):
        calls.append(ids)
        return np.full(len(ids), 5000) if len(calls) == 1 else real(reference, ids)

    monkeypatch.setattr(model, "predict_frames", predict)
    watch.write_speech(model, sentences, tmp_path / "step-1")
    first, second = entries(tmp_path / "step-1")
    assert (
        first["note"].startswith("not spoken: a sentence and its reference would last") and not first["audio"]
    )
    assert second["note"] in ("", SILENT) and len(second["audio"]) == 4

    monkeypatch.setattr(model, "predict_frames", real)
    monkeypatch.setattr(model, "sample", lambda prompt, **_: np.full((8, 100), np.nan, np.float32))
    monkeypatch.setattr(
        watch, "regression_mel", lambda model, to_mel, prompt: np.full((8, 100), np.inf, np.float32)
    )
    watch.write_speech(model, sentences[:1], tmp_path / "step-2")
    assert entries(tmp_path / "step-2")[0]["note"] == "not spoken: the model's mel is not finite"


def test_griffin_lim_where_there_is_no_vocoder(model, held_out, monkeypatch):
    mel = held_out[0].mel.astype(np.float32)
    assert len(watch.decode(model, mel)) in (len(mel) * HOP, (len(mel) - 1) * HOP)
    called = []
    monkeypatch.setattr(watch, "griffin_lim", lambda mel: called.append(mel) or np.zeros(9))
    watch.decode(model, mel)
    assert not called
    monkeypatch.setattr(watch, "embedded_vocoder", lambda: None)
    assert len(watch.decode(model, mel)) == 9 and called[0] is mel


def test_without_matplotlib_there_is_audio_and_one_line(model, held_out, tmp_path, monkeypatch, capsys):
    plots.can_plot.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    try:
        watch.write_speech(model, watch.select_sentences(held_out, CONFIG), tmp_path / "step-1")
        assert capsys.readouterr().err.startswith('plots need matplotlib: pip install ".[train]" in')
    finally:
        plots.can_plot.cache_clear()
    for item in entries(tmp_path / "step-1"):
        assert len(item["audio"]) == 4 and item["plots"] == []
    assert not list((tmp_path / "step-1").glob("*.png"))


# complete folders


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_the_folder_as_it_was(model, held_out, tmp_path, monkeypatch):
    folder = tmp_path / "samples" / "step-1"
    sentences = watch.select_sentences(held_out, CONFIG, count=1)
    real, calls = watch.decode, []

    def killed(model, mel):
        calls.append(mel)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(model, mel)

    monkeypatch.setattr(watch, "decode", killed)
    with pytest.raises(KeyboardInterrupt):
        watch.write_speech(model, sentences, folder)
    assert list(folder.parent.iterdir()) == []
    calls.extend([None] * 3)
    watch.write_speech(model, sentences, folder)
    written = sorted(path.name for path in folder.iterdir())
    (folder / "stale.wav").write_bytes(b"")
    calls.clear()
    with pytest.raises(KeyboardInterrupt):
        watch.write_speech(model, sentences, folder)
    assert (folder / "stale.wav").exists()
    calls.extend([None] * 3)
    watch.write_speech(model, sentences, folder)  # as a resumed run does
    assert sorted(path.name for path in folder.iterdir()) == written


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    (tmp_path / ".step-1.0123abcd.part").mkdir()
    (tmp_path / ".step-1.0123abcd.part" / "half.wav").write_bytes(b"RIFF")
    watch.write_resyntheses([], tmp_path / "step-1")
    assert [path.name for path in tmp_path.iterdir()] == ["step-1"] and entries(tmp_path / "step-1") == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "samples").write_text("a file")
    with pytest.raises(UserError, match="cannot write"):
        watch.write_resyntheses([], tmp_path / "samples" / "step-1")


# vocoder and aligner


def test_a_vocoders_samples(tmp_path):
    wave = np.sin(np.arange(SAMPLE_RATE) / 10).astype(np.float32) / 2
    broken = np.full(100, np.nan, dtype=np.float32)
    items = [watch.Resynthesis("u1", wave, wave[:-256] / 2), watch.Resynthesis("u2", wave, broken)]
    watch.write_resyntheses(items, tmp_path / "step-1")
    first, second = entries(tmp_path / "step-1")
    waves = {clip["caption"]: audio.read(tmp_path / "step-1" / clip["file"]) for clip in first["audio"]}
    assert {name: len(value) for name, value in waves.items()} == {
        "resynthesis": len(wave) - 256,
        "recording": len(wave),
    }
    assert np.abs(waves["recording"] - wave).max() < 1e-4
    assert len(first["plots"]) == plots.can_plot()
    assert second["note"] == "resynthesis: the audio is not finite"
    assert [clip["caption"] for clip in second["audio"]] == ["recording"] and not second["plots"]


def test_an_aligners_samples(tmp_path):
    soft = np.full((20, 4), 0.1)
    frames = np.array([3, 7, 6, 4])
    soft[np.arange(20), np.repeat(np.arange(4), frames)] = 0.7
    items = [
        watch.Alignment("u1", "hi", soft, frames, " hi "),
        watch.Alignment("u2", "", np.full((20, 4), np.nan), frames, " hi "),
    ]
    watch.write_alignments(items, tmp_path / "step-1")
    first, second = entries(tmp_path / "step-1")
    assert (first["title"], first["text"]) == ("u1", "hi") and first["audio"] == []
    assert len(first["plots"]) == plots.can_plot()
    assert second["note"] == "not drawn: the alignment is not finite"


# plots


def pixels(path):
    from PIL import Image

    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGBA")).astype(int)


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib")


def test_a_plot_shows_its_mel_on_a_transparent_ground(matplotlib, tmp_path):
    quiet, loud = np.full((50, 100), -11.0), np.full((50, 100), -11.0)
    loud[:, 60:] = 1.0
    plots.draw_mels(tmp_path / "a.png", [("one", quiet), ("two", loud)])
    image = pixels(tmp_path / "a.png")
    assert image[0, 0, 3] == 0 and image[-1, -1, 3] == 0
    height, width = image.shape[:2]
    light = image[..., :3].sum(-1) * (image[..., 3] == 255)
    column = light[:, width // 2]
    bright = np.flatnonzero(column > 500)
    assert len(bright) and bright.min() > height / 2  # only in the second panel, and only its upper part
    assert 0.1 < len(bright) / height < 0.3


def test_boundaries_are_plotted_where_symbols_end(matplotlib, tmp_path):
    mel = np.full((100, 100), -11.0)
    mel[:, :5] = 0.0  # so that there is a scale of colour
    plots.draw_alignment(tmp_path / "a.png", mel, "abcd", np.array([25, 25, 25, 25]))
    image = pixels(tmp_path / "a.png")
    row = image[image.shape[0] // 2]
    dark = np.flatnonzero((row[:, :3].sum(-1) < 60) & (row[:, 3] == 255))
    left, right = dark.min(), dark.max()
    lines = np.flatnonzero(row[left:right, :3].sum(-1) > 250) / (right - left)
    assert all(np.abs(lines - place).min() < 0.01 for place in (0.25, 0.5, 0.75))
    assert all(np.abs(np.array([0.25, 0.5, 0.75]) - line).min() < 0.01 for line in lines)


def test_the_path_runs_through_the_soft_alignment(matplotlib, tmp_path):
    frames = np.array([10, 10, 10, 10])
    soft = np.eye(4)[np.repeat(np.arange(4), frames)]
    plots.draw_soft_alignment(tmp_path / "a.png", soft, frames, "abcd")
    image = pixels(tmp_path / "a.png")
    path = (np.abs(image[..., :3] - (0x4C, 0xC9, 0xF0)).sum(-1) < 30) & (image[..., 3] == 255)
    rows, columns = np.nonzero(path)
    left, right = columns.min(), columns.max()
    heat = np.flatnonzero(image[:, (left + right) // 2, 3] == 255)
    top, bottom = heat.min(), heat.max()
    for symbol in range(
        4
    ):  # through the middle of each symbol's square, from the lower left to the upper right
        column = round(left + (symbol + 0.5) / 4 * (right - left))
        height = bottom - (symbol + 0.5) / 4 * (bottom - top)
        assert np.abs(np.flatnonzero(path[:, column]) - height).max() < 3


def test_a_spectrogram_has_a_tone_where_it_sounds():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    wave = np.where(time > 0.5, np.sin(2 * np.pi * 3000 * time), 0.0)
    level = plots.spectrogram(wave)
    assert len(level) == len(wave) // HOP + 1 and level.shape[1] == N_FFT // 2 + 1
    assert abs(level[75].argmax() - 3000 * N_FFT / SAMPLE_RATE) <= 1
    assert level[75].max() - level[20].max() > 60
    assert len(plots.spectrogram(np.zeros(10))) >= 1


# trackers


class Writer:
    def __init__(self):
        self.audio, self.images = {}, {}

    def add_audio(self, tag, wave, step, sample_rate):
        self.audio[tag] = (wave, step, sample_rate)

    def add_image(self, tag, image, step, dataformats):
        self.images[tag] = (image, step, dataformats)


def tracker(name, inner):
    return types.SimpleNamespace(name=name, tracker=inner)


@pytest.mark.slow
def test_samples_go_to_tensorboard(spoken):
    _, folder = spoken
    writer = Writer()
    log_samples([tracker("aim", None), tracker("tensorboard", writer)], folder, 10)
    assert len(writer.audio) == 8 and len(writer.images) == 4 * plots.can_plot()
    wave, step, rate = writer.audio["samples/1-masked"]
    assert (step, rate) == (10, SAMPLE_RATE)
    np.testing.assert_array_equal(wave[0].numpy(), audio.read(folder / "1-masked.wav"))
    for image, _, form in writer.images.values():
        assert form == "HWC" and image.ndim == 3 and image.dtype == np.uint8


@pytest.mark.slow
def test_samples_in_a_real_tensorboard(spoken, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    _, folder = spoken
    with SummaryWriter(str(tmp_path)) as writer:
        log_samples([tracker("tensorboard", writer)], folder, 10)
    events = EventAccumulator(str(tmp_path)).Reload()
    tags = events.Tags()
    assert len(tags["audio"]) == 8 and len(tags["images"]) == 4 * plots.can_plot()
    (clip,) = events.Audio("samples/2-ode")
    assert clip.step == 10 and clip.sample_rate == SAMPLE_RATE
    assert clip.length_frames == len(audio.read(folder / "2-ode.wav"))


def test_samples_go_to_weights_and_biases(spoken, monkeypatch):
    sentences, folder = spoken
    media = {kind: lambda path, caption, kind=kind: (kind, path, caption) for kind in ("Audio", "Image")}
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(**media))
    logged = []
    inner = types.SimpleNamespace(log=lambda values, step: logged.append((values, step)))
    log_samples([tracker("wandb", inner)], folder, 10)
    ((values, step),) = logged
    assert step == 10 and len(values) == 8 + 4 * plots.can_plot()
    clip = ("Audio", str(folder / "1-masked.wav"), f"masked diffusion: {sentences[0].text}")
    assert values["samples/1-masked"] == clip


def test_no_tracker_no_package(spoken, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    log_samples([], spoken[1], 10)
