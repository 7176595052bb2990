"""The aligner's training: it learns where symbols are from text and audio alone; the task; the measures."""

import json

import numpy as np
import pytest
from corpus import UNIT, tone_utterance, write_corpus

from nanospeech_core.audio.mel import HOP, LOG_FLOOR, SAMPLE_RATE, log_mel
from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.voices.alignment import apply_lag

torch = pytest.importorskip("torch")

from nanospeech_torch import train
from nanospeech_torch.models.aligner import Aligner
from nanospeech_torch.training.aligner import boundaries
from nanospeech_torch.training.aligner.augmentation import augment_mel
from nanospeech_torch.training.aligner.batch import build_alignment_batch
from nanospeech_torch.training.aligner.config import AlignmentLossConfig
from nanospeech_torch.training.aligner.loss import AlignerObjective
from nanospeech_torch.training.aligner.task import AlignmentTask, initialize
from nanospeech_torch.training.aligner.weights import load_aligner
from nanospeech_torch.training.data.utterances import Utterance
from nanospeech_torch.training.tasks import load_config

PAUSE = SYMBOLS.index(" ")


def make_utterance(rng: np.random.Generator, letters: int = 6) -> tuple[Utterance, np.ndarray]:
    """Tones without durations; the durations in samples."""
    wave, meta = tone_utterance(rng, letters=letters)
    ids = np.array([PAUSE, *(SYMBOLS.index(symbol) for symbol in meta["phonemes"]), PAUSE])
    mel = log_mel(wave).astype(np.float16)
    return Utterance("k", "v", "", mel, ids, np.zeros(0, np.int64)), np.array(meta["durations"]) * UNIT


@pytest.mark.slow
def test_it_finds_the_symbols_by_itself():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    aligner = Aligner(dim=32, key_dim=16, text_layers=1, mel_layers=1, text_num_embeds=len(SYMBOLS))
    initialize(aligner)
    objective = AlignerObjective(aligner, AlignmentLossConfig(augment=0.0))
    optimizer = torch.optim.Adam(aligner.parameters(), 5e-3)
    training = [make_utterance(rng, 24)[0] for _ in range(60)]
    for step in range(120):
        batch = build_alignment_batch([[training[i]] for i in rng.choice(60, 6)], 0, step, objective.config)
        weights = {"forward_sum": 1.0, "binarization": 0.1 * (step > 90), "prior": max(0.0, 1 - step / 60)}
        sums = objective(batch, weights)
        loss = sum(weights[name] * value / batch.counts[name] for name, value in sums.items())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    errors = np.concatenate(
        [
            boundaries.boundary_errors(aligner.align(utterance.mel, utterance.ids), durations)
            for utterance, durations in (make_utterance(rng, 24) for _ in range(10))
        ]
    )
    assert (np.abs(errors) <= 0.03).mean() > 0.8


def test_padding_changes_nothing():
    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    config = AlignmentLossConfig(augment=0.0)
    aligner = Aligner(dim=16, key_dim=8, text_layers=2, mel_layers=2, text_num_embeds=len(SYMBOLS))
    objective = AlignerObjective(aligner, config)
    weights = {"forward_sum": 1.0, "binarization": 1.0, "prior": 0.5}
    alone = [make_utterance(rng, letters)[0] for letters in (3, 9, 6)]
    together = objective(build_alignment_batch([[u] for u in alone], 200, 0, config), weights)
    singly = [objective(build_alignment_batch([[u]], 0, 0, config), weights) for u in alone]
    for name, value in together.items():
        assert value.item() == pytest.approx(sum(sums[name].item() for sums in singly), rel=1e-4)


def test_without_weight_there_is_no_binarization():
    config = AlignmentLossConfig()
    objective = AlignerObjective(Aligner(dim=8, key_dim=4, text_layers=0, mel_layers=0), config)
    batch = build_alignment_batch([[make_utterance(np.random.default_rng(2))[0]]], 0, 0, config)
    assert set(objective(batch, {"forward_sum": 1.0, "binarization": 0.0, "prior": 0.0})) == {"forward_sum"}


def test_augmentation():
    mel = make_utterance(np.random.default_rng(3))[0].mel.astype(np.float32)
    assert augment_mel(mel, np.random.default_rng(0), 0.0) is mel
    made = [augment_mel(mel, np.random.default_rng(seed)) for seed in range(20)]
    assert all(m.shape == mel.shape and m.dtype == np.float32 and np.isfinite(m).all() for m in made)
    assert all(m.min() >= np.float32(np.log(LOG_FLOOR)) for m in made)
    assert len({float(m.mean()) for m in made}) == 20
    assert (augment_mel(mel, np.random.default_rng(4)) == made[4]).all()
    # what is loud stays where it was
    assert np.median([np.corrcoef(m.mean(1), mel.mean(1))[0, 1] for m in made]) > 0.6


# the measures


def test_boundary_errors_are_late_when_positive():
    durations = np.array([10.0, 4, 6, 5]) * HOP
    exact = np.array([10, 4, 6, 5])
    np.testing.assert_allclose(boundaries.boundary_errors(exact, durations), -0.5 * HOP / SAMPLE_RATE)
    late = boundaries.boundary_errors(apply_lag(exact, 3), durations)
    np.testing.assert_allclose(late, 2.5 * HOP / SAMPLE_RATE)


def test_errors_in_figures():
    errors = boundaries.BoundaryErrors()
    assert errors.summary() == {}
    errors.add(np.array([0.01, -0.04]))
    errors.add(np.array([0.2, 0.03]))
    summary = errors.summary()
    assert summary["within_50ms"] == 0.75
    assert summary["median_ms"] == pytest.approx(35) and summary["mean_ms"] == pytest.approx(50)


def test_plausibility_of_a_right_and_a_wrong_alignment():
    wave = np.concatenate([np.zeros(9600), np.sin(np.arange(9600)), np.zeros(9600), np.sin(np.arange(9600))])
    wave = np.concatenate([wave, np.zeros(9600)]) + 1e-5 * np.random.default_rng(0).normal(size=48000)
    mel = log_mel(wave.astype(np.float32))
    right, wrong = boundaries.Plausibility(), boundaries.Plausibility()
    right.add(mel, np.array([38, 37, 38, 37, 2, 36]), "a b.", 0)
    wrong.add(mel, np.array([1, 80, 26, 79, 1, 1]), "a b.", 0)
    good, bad = right.summary(), wrong.summary()
    assert good["pause_db"] < -60 < -20 < good["phone_db"] and good["edges_within_100ms"] == 1.0
    assert bad["phone_db"] < good["phone_db"] and bad["pause_db"] > good["pause_db"] and bad["edge_ms"] > 200
    assert good["one_frame_phones"] == 0.0


# the task


def write_config(tmp_path, **sections) -> str:
    settings = {
        "task": "aligner",
        "out": str(tmp_path / "run"),
        "data": {"shards": [str(tmp_path / "s.tar")], "held_out": 4, "batch_seconds": 5.0},
        "optimizer": {"steps": 4, "warmup": 1},
        "loss": {"binarization": 0.1, "binarization_start": 2},
        "watch": {"log_every": 1, "validate_every": 2, "sample_every": 4},
        "model": {"dim": 16, "key_dim": 8, "mel_layers": 1, "lag": 3},
        "engine": {"device": "cpu", "threads": 1},
    }
    for name, values in sections.items():
        settings[name] = {**settings[name], **values}
    (tmp_path / "c.json").write_text(json.dumps(settings))
    return str(tmp_path / "c.json")


@pytest.mark.slow
def test_a_run_and_what_it_leaves(tmp_path, capsys):
    write_corpus(tmp_path / "s.tar", count=16)
    assert train.main([write_config(tmp_path)]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert sum("forward_sum" in line for line in lines) == 4
    assert sum("binarization" in line for line in lines) == 2
    validations = [line for line in lines if "held_out_forward_sum" in line]
    assert len(validations) == 2 and 0 <= validations[0]["held_out_within_50ms"] <= 1
    assert (tmp_path / "run" / "samples" / "step-00000004" / "samples.json").is_file()

    (path,) = (tmp_path / "run").glob("step-*.pt")
    aligner, vocab = load_aligner(str(path))
    assert vocab == SYMBOLS and aligner.lag == 3
    ema = torch.load(path, weights_only=True)["ema"]
    assert all((value == ema[name]).all() for name, value in aligner.state_dict().items())

    capsys.readouterr()
    assert boundaries.main([str(tmp_path / "s.tar"), "--aligner", str(path), "--limit", "5"]) == 0
    assert capsys.readouterr().out.startswith("en-us: utterances 5, within_50ms 0.")

    aligner, _ = load_aligner(str(tmp_path / "run"))  # by its folder
    assert all((value == ema[name]).all() for name, value in aligner.state_dict().items())
    half = {"ema": {name: value.bfloat16() for name, value in ema.items()}}
    torch.save(torch.load(path, weights_only=True) | half, tmp_path / "bf16.pt")
    aligner, _ = load_aligner(str(tmp_path / "bf16.pt"))
    assert all((value == half["ema"][n].float()).all() for n, value in aligner.state_dict().items())

    again = ["init_from=" + str(path), f"out={tmp_path / 'again'}", "optimizer.steps=1"]
    assert train.main([write_config(tmp_path), *again, "optimizer.learning_rate=1e-12"]) == 0
    tuned, _ = load_aligner(str(next((tmp_path / "again").glob("step-*.pt"))))
    assert all(torch.allclose(a, ema[n], atol=1e-6) for n, a in tuned.state_dict().items())


@pytest.mark.slow
def test_data_without_durations_do(tmp_path):
    import tarfile

    from corpus import write_tar

    write_corpus(tmp_path / "all.tar", count=12)
    with tarfile.open(tmp_path / "all.tar") as tar:
        members = [(member.name, tar.extractfile(member).read()) for member in tar]
    for i, (name, data) in enumerate(members):
        if name.endswith(".json"):
            meta = json.loads(data)
            del meta["durations"]
            members[i] = (name, json.dumps(meta).encode())
    write_tar(tmp_path / "s.tar", members)
    assert train.main([write_config(tmp_path)]) == 0
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert "held_out_forward_sum" in log and "within_50ms" not in log


@pytest.mark.slow
def test_activations_are_recomputed(tmp_path):
    write_corpus(tmp_path / "s.tar", count=12)
    gradients, calls = [], []
    for on in (False, True):
        config = load_config(write_config(tmp_path, engine={"checkpoint_activations": on}))
        task, counted = AlignmentTask(config, lambda line: None), []
        task.prepare()
        for blocks in (task.model.text_blocks, task.model.mel_blocks):
            blocks[0].conv.register_forward_hook(lambda *_, counted=counted: counted.append(1))
        batch, _ = next(task.stream(0, 0, 1))
        task.losses["model"](batch, task.weights("model", 0))["forward_sum"].backward()
        gradients.append([p.grad for p in task.model.parameters()])
        calls.append(len(counted))
    assert calls == [2, 4]
    assert all(torch.allclose(a, b, rtol=1e-5) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"data": {"max_joined": 2}}, "max_joined"),
        ({"engine": {"compile": True}}, "an aligner is not compiled: engine.compile must be false"),
        ({"loss": {"prior_scale": 0.0}}, "loss.prior_scale"),
        ({"loss": {"augmnt": 0.5}}, "did you mean 'augment'"),
        ({"model": {"text_num_embeds": 5}}, "text_num_embeds"),
    ],
)
def test_bad_settings_are_one_sentence(tmp_path, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        load_config(write_config(tmp_path, **changes))


def test_no_aligner_is_one_sentence(tmp_path, capsys):
    torch.save({"ema": {}, "config": {}}, tmp_path / "a.pt")
    write_corpus(tmp_path / "s.tar", count=1)
    assert boundaries.main([str(tmp_path / "s.tar"), "--aligner", str(tmp_path / "a.pt")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_settings_keep_their_own_defaults(tmp_path):
    """A section with one key leaves the others at the aligner's defaults."""
    config = load_config(write_config(tmp_path))
    assert (config.optimizer.learning_rate, config.engine.precision, config.data.max_joined) == (
        2e-3,
        "fp32",
        1,
    )
