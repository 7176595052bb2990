"""Training of the vocoder on tones: it learns, and a resumed run is the run that was not stopped."""

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nanospeech_core.checkpoint import load_tensors
from nanospeech_core.config import VocosConfig
from nanospeech_core.errors import UserError
from nanospeech_core.mel import SAMPLE_RATE, log_mel

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from nanospeech_torch.training import vocoder  # noqa: E402
from nanospeech_torch.training.vocoder_config import (  # noqa: E402
    DataConfig,
    LossConfig,
    OptimizerConfig,
    VocoderTrainingConfig,
)
from nanospeech_torch.training.vocoder_data import Crops, load_recordings  # noqa: E402
from nanospeech_torch.training.vocoder_losses import (  # noqa: E402
    LogMel,
    modulation_loss,
    modulation_spectrum,
    stft_loss,
    stft_magnitude,
)

ROOT = Path(__file__).parents[2]
RESOLUTIONS = ((256, 64), (512, 128))


def tones(count, seconds=0.8, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    waves = [
        sum(0.2 / k * np.sin(2 * np.pi * k * hz * t) for k in (1, 2, 3)) for hz in rng.uniform(90, 250, count)
    ]
    return [(w * 32767).astype(np.int16) for w in waves]


def small_config(**loss):
    return VocoderTrainingConfig(
        evaluate_crops=4,
        data=DataConfig(crop_frames=16),
        model=VocosConfig(dim=16, intermediate_dim=32, num_layers=1),
        optimizer=OptimizerConfig(steps=30, batch_size=4, warmup_steps=3, learning_rate=4e-3),
        loss=LossConfig(discriminator_width=2, **loss),
    )


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_torch_mel_is_the_core_mel():
    wave = np.random.default_rng(0).normal(scale=0.1, size=(2, 6000)).astype(np.float32)
    ours = LogMel()(torch.from_numpy(wave)).numpy()
    for row, expected in zip(ours, map(log_mel, wave), strict=True):
        np.testing.assert_allclose(row, expected, atol=1e-4)


def test_stft_loss_is_zero_for_the_same_and_has_finite_gradients_in_silence():
    wave = torch.from_numpy(Crops(tones(2), 16, 0.0).batch(np.random.default_rng(0), 2).numpy())
    assert float(stft_loss(wave, wave, RESOLUTIONS)) == 0.0
    assert float(stft_loss(0.5 * wave, wave, RESOLUTIONS)) > 0.5  # convergence alone is exactly 0.5
    silent = torch.zeros_like(wave).requires_grad_()
    stft_loss(silent, wave, RESOLUTIONS).backward()
    assert torch.isfinite(silent.grad).all()


def test_modulation_loss_hears_a_buzz_but_not_another_draw_of_the_same_noise():
    rng = np.random.default_rng(0)
    noise, other = (torch.from_numpy(0.1 * rng.normal(size=(2, 14336)).astype(np.float32)) for _ in range(2))
    time = torch.arange(14336) / SAMPLE_RATE
    buzz = noise * (1 + 0.8 * torch.sin(2 * np.pi * 93.75 * time))
    assert float(modulation_loss(noise, noise)) == 0.0
    assert float(modulation_loss(buzz, other)) > 1.03 * float(modulation_loss(noise, other))
    depths = modulation_spectrum(buzz).mean(dim=(0, 1)) - modulation_spectrum(noise).mean(dim=(0, 1))
    assert 3 + int(depths.argmax()) == 8  # 93.75 Hz in steps of 750 / 64 Hz
    silent = torch.zeros(2, 14336, requires_grad=True)
    modulation_loss(silent, noise).backward()
    assert torch.isfinite(silent.grad).all()


def test_head_starts_at_the_datas_level():
    trainer = vocoder.VocoderTrainer(small_config(), tones(4), tones(2, seed=1))
    predicted = trainer.model(trainer.mel(trainer.held_out)).detach()

    def level(wave):
        return float(stft_magnitude(wave, 1024, 256).clamp(min=1e-3).log().mean())

    assert abs(level(predicted) - level(trainer.held_out)) < 1.0


@pytest.mark.parametrize("adversarial_start", [0, 15])
def test_loss_falls(one_thread, adversarial_start):
    trainer = vocoder.VocoderTrainer(
        small_config(adversarial_start=adversarial_start), tones(4), tones(2, seed=1)
    )
    first = trainer.evaluate()
    for _ in range(30):
        values = trainer.step()
    last = trainer.evaluate()
    assert last["held_out_mel"] < 0.7 * first["held_out_mel"]
    assert last["held_out_stft"] < first["held_out_stft"]
    assert ("adversarial" in values) == bool(adversarial_start)


def test_discriminator_learns_to_tell(one_thread):
    config = small_config(discriminator_learning_rate=5e-3)
    trainer = vocoder.VocoderTrainer(config, tones(4), tones(2, seed=1))
    real = trainer.held_out
    fake = torch.from_numpy(np.random.default_rng(0).normal(scale=0.1, size=real.shape).astype(np.float32))
    losses = [float(trainer._discriminator_step(real, fake)) for _ in range(25)]
    assert losses[-1] < 0.75 * losses[0]


def test_resumed_run_is_the_unbroken_run(one_thread, tmp_path):
    data = tones(4), tones(2, seed=1)
    config = small_config(adversarial_start=2)
    unbroken = vocoder.VocoderTrainer(config, *data)
    broken = vocoder.VocoderTrainer(config, *data)
    for _ in range(3):
        unbroken.step()
        broken.step()
    broken.save(tmp_path / "step-00000003.pt")
    resumed = vocoder.VocoderTrainer(replace(config, seed=9), *data)
    resumed.load(tmp_path / "step-00000003.pt")
    for _ in range(2):
        assert unbroken.step() == resumed.step()
    assert resumed.steps_done == 5 and resumed.evaluate() == unbroken.evaluate()
    for a, b in zip(unbroken.ema.parameters(), resumed.ema.parameters(), strict=True):
        assert torch.equal(a, b)
    assert [p.name for p in tmp_path.iterdir()] == ["step-00000003.pt"]


def test_checkpoint_of_another_shape_or_damaged(tmp_path):
    data = tones(2), tones(1)
    path = tmp_path / "step-00000000.pt"
    vocoder.VocoderTrainer(small_config(), *data).save(path)
    other = vocoder.VocoderTrainer(replace(small_config(), model=VocosConfig(dim=8, num_layers=1)), *data)
    with pytest.raises(UserError, match="another shape"):
        other.load(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot read the checkpoint"):
        other.load(path)


def test_crops_keep_to_the_recording():
    recordings = [np.full(100, 1000, np.int16), np.full(30000, -2000, np.int16)]
    batch = Crops(recordings, 16, 0.0).batch(np.random.default_rng(0), 64).numpy()
    assert batch.shape == (64, 4096)
    values = {round(float(v) * 32768) for v in np.unique(batch)}
    assert values <= {1000, 0, -2000} and -2000 in values


def test_data_from_files_and_shards(tmp_path):
    stereo = np.stack([tones(1)[0]] * 2, axis=1)
    soundfile.write(tmp_path / "a.wav", stereo[::2], SAMPLE_RATE // 2)  # half the rate, two channels
    flac = io.BytesIO()
    soundfile.write(flac, tones(1)[0], SAMPLE_RATE, format="FLAC")
    with tarfile.open(tmp_path / "shard.tar", "w") as shard:
        for name in ("k0.flac", "k1.flac", "k0.json"):
            info = tarfile.TarInfo(name)
            info.size = len(flac.getvalue())
            shard.addfile(info, io.BytesIO(flac.getvalue()))
    config = DataConfig(sources=(str(tmp_path / "*.wav"), str(tmp_path / "*.tar")), hold_out_every=3)
    training, held_out = load_recordings(config, seed=0)
    assert len(training) + len(held_out) == 3
    for recording in training + held_out:
        assert recording.dtype == np.int16 and abs(len(recording) - 0.8 * SAMPLE_RATE) <= 2
    (tmp_path / "b.wav").write_bytes(b"not audio")
    with pytest.raises(UserError, match="b.wav"):
        load_recordings(config, seed=0)
    with pytest.raises(UserError, match="no file matches"):
        load_recordings(DataConfig(sources=(str(tmp_path / "*.opus"),)), seed=0)


def run(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "nanospeech_torch.train_vocoder", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def test_command_trains_resumes_and_exports(tmp_path):
    for i, wave in enumerate(tones(8)):
        soundfile.write(tmp_path / f"tone-{i}.wav", wave, SAMPLE_RATE)
    text = """
        out = "{out}"
        log_every = 1
        evaluate_crops = 2
        data = {{ sources = ["{folder}/*.wav"], crop_frames = 8, hold_out_every = 3 }}
        model = {{ dim = 8, intermediate_dim = 8, num_layers = 1 }}
        optimizer = {{ steps = {steps}, batch_size = 2 }}
    """
    config, out, exported = tmp_path / "c.toml", tmp_path / "run", tmp_path / "vocos.safetensors"
    for steps in (2, 3):
        config.write_text(text.format(out=out.as_posix(), folder=tmp_path.as_posix(), steps=steps))
        result = run(config)
        assert result.returncode == 0, result.stderr
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [1, 2, 3] and "held_out_mel" in log[-1]
    assert run(config, "--export", exported, "--dtype", "float16").returncode == 0
    tensors, metadata = load_tensors(exported)
    assert metadata["format"] == "pt" and json.loads(metadata["config"])["dim"] == 8
    assert tensors["backbone.embed.weight"].shape == (8, 100, 7)
    assert {value.dtype for value in tensors.values()} == {np.dtype("float16")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense = 1", "unknown key 'nonsense'"),
        ("[model]\ndims = 3", "did you mean 'dim'"),
        ("seed = 'x'", "must be int"),
        ("= 1", "cannot read the config"),
        ("[data]\nsources = ['nowhere/*.wav']", "no file matches"),
    ],
)
def test_bad_config_is_one_sentence(tmp_path, text, words):
    config = tmp_path / "c.toml"
    config.write_text(f'out = "{(tmp_path / "run").as_posix()}"\n' + text)
    result = run(config)
    assert result.returncode == 1 and words in result.stderr
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr
