"""predicted_mels: the corpus's mels as the acoustic model predicts them, aligned with the recordings."""

import json

import corpus
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")

from nanospeech_core.audio.mel import log_mel
from nanospeech_torch.nanospeech import Nanospeech
from nanospeech_torch.training.config import DataConfig
from nanospeech_torch.training.data.corpus import read_index
from nanospeech_torch.training.data.utterances import load_utterance
from nanospeech_torch.training.vocoder import predicted_mels as predicted
from nanospeech_torch.training.vocoder.config import VocoderDataConfig
from nanospeech_torch.training.vocoder.recordings import read_recordings


def test_spans_are_complementary_stretches():
    config = Nanospeech.from_pretrained().config
    for tokens in (1, 2, 40, 400):
        given = predicted.visible_stretches(tokens, "a", config)
        assert given.shape == (tokens,) and given.dtype == bool
        np.testing.assert_array_equal(given, predicted.visible_stretches(tokens, "a", config))
        assert tokens == 1 or 0 < given.mean() < 1
    lengths = np.diff(np.flatnonzero(np.diff(given)))
    assert 4 <= lengths.min() and lengths.max() <= 19  # 0.2 to 0.8 s of 23.4 tokens a second
    assert abs(given.mean() - 0.5) < 0.15


def test_every_token_is_generated_once_with_the_others_visible(tmp_path, monkeypatch):
    model = Nanospeech.from_pretrained()
    shard = corpus.write_corpus(tmp_path / "a.tar", count=3)
    items = read_index(DataConfig(shards=(str(shard),)), model.config, lambda line: None)
    batch = [load_utterance(item) for item in items]
    asked = []

    def sample_steps(prompts, seeds, options):
        """A model whose tokens contain the number of the call that generated them."""
        asked.append(prompts)
        longest = max(len(prompt.cond) for prompt in prompts)
        yield torch.full((len(prompts), longest, 400), float(len(asked))), None

    monkeypatch.setattr(model, "sample_steps", sample_steps)
    mels = predicted.predict(model, batch)
    assert len(asked) == 2
    for utterance, mel, first, second in zip(batch, mels, *asked, strict=True):
        tokens = len(utterance.mel) // 4
        assert mel.shape == (4 * tokens, 100)
        np.testing.assert_array_equal(first.visible, ~second.visible)
        call = (mel.reshape(tokens, 400)[:, 0] - model.config.mel.mean) / model.config.mel.std
        np.testing.assert_allclose(call, np.where(first.visible, 2, 1), atol=1e-5)  # generated where masked
        truth = (
            utterance.mel[: 4 * tokens].astype(np.float32) - model.config.mel.mean
        ) / model.config.mel.std
        for prompt in (first, second):
            np.testing.assert_allclose(
                prompt.cond[prompt.visible], truth.reshape(tokens, 400)[prompt.visible]
            )
            assert (prompt.cond[~prompt.visible] == 0).all() and len(prompt.text) == 4 * tokens


def test_the_command(tmp_path, capsys):
    shard = corpus.write_corpus(tmp_path / "a.tar", count=4)
    out = tmp_path / "out"
    assert predicted.main(["embedded", str(shard), "-o", str(out), "--batch-size", "3"]) == 0
    made = {path.stem: np.load(path) for path in out.glob("*.npy")}
    assert set(made) == {f"u{i:03d}" for i in range(4)}
    assert all(
        mel.dtype == np.float16 and mel.shape[1] == 100 and np.isfinite(mel).all() for mel in made.values()
    )
    (out / "u001.npy").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert predicted.main(["embedded", str(shard), "-o", str(out)]) == 0
    after = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert before.items() < after.items() and "u001.npy" in after
    np.testing.assert_allclose(np.load(out / "u001.npy"), made["u001"], atol=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shard", "folder"])
def test_the_vocoder_finds_what_was_made(tmp_path, kind):
    """Whatever the keys: with a folder in a shard, with a dot in a folder."""
    wave, meta = corpus.tone_utterance(np.random.default_rng(0), "v0", 12)
    members = []
    for i in range(8):
        members.append((f"wavs/u{i}.x.wav", corpus.audio_bytes(wave)))
        members.append((f"wavs/u{i}.x.json", json.dumps(meta).encode()))
    if kind == "shard":
        source = corpus.write_tar(tmp_path / "a.tar", members)
    else:
        source = tmp_path / "wavs"
        source.mkdir()
        for name, content in members:
            (tmp_path / name).write_bytes(content)
    out = tmp_path / "out"
    assert predicted.main(["embedded", str(source), "-o", str(out)]) == 0
    config = VocoderDataConfig(
        sources=(str(source),), predicted=str(out), predicted_share=1.0, hold_out_every=3
    )
    training, _ = read_recordings(config, 0, lambda line: None)
    assert training and all(recording.predicted is not None for recording in training)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--hours", "0"], "--hours must be more than 0"),
        (["--max-seconds", "0.001"], "no data: all 2 utterances were skipped"),
    ],
)
def test_mistakes(tmp_path, capsys, flags, message):
    shard = corpus.write_corpus(tmp_path / "a.tar", count=2)
    try:
        code = predicted.main(["embedded", str(shard), "-o", str(tmp_path / "out"), *flags])
    except SystemExit as exit:
        code = exit.code
    error = capsys.readouterr().err
    assert code and message in error and "Traceback" not in error


def test_resynthesis_of_the_truth_is_close():
    """With half of the tokens visible, the embedded model generates a mel near the truth, not the truth."""
    model = Nanospeech.from_pretrained()
    voice = model.voices()[0]
    from nanospeech_core.sampling.prompt import with_pauses
    from nanospeech_core.text.tokenizer import Tokenizer
    from nanospeech_torch.training.data.utterances import Utterance, durations_in_frames

    mel = log_mel(voice.audio)
    ids = with_pauses(Tokenizer("phonemes", model.config.text.vocab).encode(voice.phonemes), model.config)
    frames = durations_in_frames(np.array(voice.durations) * 24000, len(mel))
    (generated,) = predicted.predict(model, [Utterance("a", "v", "", mel.astype(np.float16), ids, frames)])
    error = np.abs(generated - mel[: len(generated)]).mean()
    assert 0.05 < error < 0.25 * np.abs(mel - mel.mean(0)).mean()
