"""From training runs to a folder that speaks."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from corpus import audio_bytes, small_model, tone_utterance, write_corpus, write_tar

torch = pytest.importorskip("torch")

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.checkpoints.tensors import load_for_backend, load_tensors, save_tensors
from nanospeech_core.config import AlignerConfig, VocosConfig
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.voices.store import save_voice
from nanospeech_torch import Nanospeech, Vocos
from nanospeech_torch.export.__main__ import main
from nanospeech_torch.models.aligner import Aligner
from nanospeech_torch.training.acoustic.weights import initialize

VOICE = {"name": "tone", "key": "u000", "language": "en-us", "description": "a row of tones", "default": True}


@pytest.fixture
def parts(tmp_path):
    """The arguments; the files: a run whose `ema` differs from its `model`, a vocoder, voices, a shard."""
    torch.manual_seed(0)
    model = small_model()
    networks = Nanospeech.from_config(model)
    ema = {name: value + 1e-3 for name, value in networks.state_dict().items()}
    torch.save({"model": networks.state_dict(), "ema": ema, "config": model.to_dict()}, tmp_path / "a.pt")
    config = VocosConfig(dim=16, intermediate_dim=32, num_layers=1)
    weights = {k: v.numpy() for k, v in Vocos(**dataclasses.asdict(config)).state_dict().items()}
    metadata = {"format": "pt", "config": json.dumps(dataclasses.asdict(config))}
    save_tensors(tmp_path / "v.safetensors", weights, metadata)
    (tmp_path / "voices.json").write_text(json.dumps([VOICE]))
    write_corpus(tmp_path / "s.tar", count=2, letters=20)
    return [str(tmp_path / "a.pt"), str(tmp_path / "v.safetensors"), "-o", str(tmp_path / "out")]


def with_voices(parts, tmp_path):
    return [*parts, "--voices", str(tmp_path / "voices.json"), "--shards", str(tmp_path / "s.tar")]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_exports_a_folder_that_speaks(parts, tmp_path, dtype):
    assert main([*with_voices(parts, tmp_path), "--dtype", dtype]) == 0
    tts = Nanospeech.from_pretrained(tmp_path / "out")
    ema = torch.load(parts[0], weights_only=True)["ema"]
    for name, value in tts.state_dict().items():
        if not name.startswith(("vocoder.", "aligner.")):
            np.testing.assert_allclose(value, ema[name], rtol=1e-3 if dtype == "float16" else 0, atol=1e-6)
    (voice,) = tts.voices()
    assert (voice.name, voice.default, len(voice.durations)) == ("tone", True, len(voice.phonemes) + 2)
    assert len(tts.generate("Hello there.", use_diffusion=True)) > 2400


def test_voices_get_their_iterations_where_they_are_asked_for(parts, tmp_path, capsys):
    assert main(with_voices(parts, tmp_path)) == 0
    assert "num_iter" not in json.loads((tmp_path / "out" / "voices" / "tone.json").read_text())
    assert main([*with_voices(parts, tmp_path), "--num_iter", "2"]) == 0
    assert Nanospeech.from_pretrained(tmp_path / "out").voices()[0].num_iter == 2
    capsys.readouterr()
    assert main([*with_voices(parts, tmp_path), "--num_iter", "0"]) == 1
    assert "--num_iter must be a whole number from 1 to 1000, not 0" in capsys.readouterr().err
    assert main([*parts, "--num_iter", "2"]) == 1
    assert "--num_iter is stored with voices" in capsys.readouterr().err


def save_aligner(path, vocab):
    config = AlignerConfig(dim=8, key_dim=4, mel_layers=1, lag=1)
    weights = Aligner(**dataclasses.asdict(config)).state_dict()
    text = {"vocab": vocab}
    torch.save({"ema": weights, "config": {"text": text, "aligner": dataclasses.asdict(config)}}, path)
    return weights


def test_exports_an_aligner_of_its_own(parts, tmp_path, capsys):
    weights = save_aligner(tmp_path / "l.pt", list(SYMBOLS))
    assert main([*parts, "--dtype", "float32", "--aligner", str(tmp_path / "l.pt")]) == 0
    aligner = Nanospeech.from_pretrained(tmp_path / "out").aligner
    assert aligner.lag == 1
    assert all((value == weights[name]).all() for name, value in aligner.state_dict().items())
    save_aligner(tmp_path / "l.pt", list(SYMBOLS)[::-1])
    assert main([*parts, "--aligner", str(tmp_path / "l.pt")]) == 1
    assert "another text.vocab" in capsys.readouterr().err


def save_vocoder(path):
    config = VocosConfig(dim=8, intermediate_dim=16, num_layers=1)
    weights = Vocos(**dataclasses.asdict(config)).state_dict()
    torch.save({"ema": weights, "config": {"vocoder": dataclasses.asdict(config)}}, path)
    return weights


def test_runs_are_named_by_their_folders(parts, tmp_path):
    for run in ("acoustic", "vocoder"):
        (tmp_path / run).mkdir()
    shutil.copy(parts[0], tmp_path / "acoustic" / "best.pt")
    (tmp_path / "acoustic" / "step-00000009.pt").write_bytes(b"a checkpoint that is not the best")
    (tmp_path / "vocoder" / "step-00000007.pt").write_bytes(b"an older one")
    weights = save_vocoder(tmp_path / "vocoder" / "step-00000010.pt")
    runs = [str(tmp_path / "acoustic"), str(tmp_path / "vocoder")]
    assert main([*runs, "-o", str(tmp_path / "out"), "--dtype", "float32"]) == 0
    vocoder = Nanospeech.from_pretrained(tmp_path / "out").vocoder
    assert all((value == weights[name]).all() for name, value in vocoder.state_dict().items())


def test_a_vocoder_alone_becomes_one_file(parts, tmp_path, capsys):
    weights = save_vocoder(tmp_path / "v.pt")
    assert main([str(tmp_path / "v.pt"), "-o", str(tmp_path / "vocos.safetensors")]) == 0
    tensors, metadata = load_tensors(tmp_path / "vocos.safetensors")
    assert metadata["format"] == "pt" and json.loads(metadata["config"])["dim"] == 8
    for name, value in tensors.items():
        np.testing.assert_array_equal(value, weights[name].numpy().astype(np.float16))
    parts[1] = str(tmp_path / "vocos.safetensors")
    assert main(parts) == 0
    assert Nanospeech.from_pretrained(tmp_path / "out").config.vocoder.dim == 8
    assert main([str(tmp_path / "v.pt"), "-o", str(tmp_path / "folder")]) == 1
    assert "vocos.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "folder").exists()


def test_the_embedded_vocoder_and_aligner_are_copied(parts, tmp_path):
    if not (PRETRAINED / "vocos.safetensors").is_file():
        pytest.skip("no embedded checkpoint")
    del parts[1]
    assert main(parts) == 0
    out = tmp_path / "out"
    for name in ("vocos.safetensors", "aligner.safetensors"):
        assert (out / name).is_file() == (PRETRAINED / name).is_file()
        if (out / name).is_file():
            ours, theirs = load_for_backend(out / name, "pt"), load_for_backend(PRETRAINED / name, "pt")
            assert ours.keys() == theirs.keys()
            assert all((value == theirs[name].astype(np.float16)).all() for name, value in ours.items())
    config = json.loads((out / "config.json").read_text())
    assert config["vocoder"] == json.loads((PRETRAINED / "config.json").read_text())["vocoder"]


def test_weights_that_overflow_float16(parts, tmp_path, capsys):
    state = torch.load(parts[0], weights_only=True)
    state["ema"]["to_mel.bias"][0] = 1e5
    torch.save(state, parts[0])
    assert main(parts) == 1
    assert "to_mel.bias has values that float16 cannot represent" in capsys.readouterr().err
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert main([*parts, "--dtype", "float32"]) == 0


@pytest.mark.parametrize(("name", "voice"), [("v1", "v1"), ("anybody", "v0")])
def test_a_voice_by_its_name(parts, tmp_path, name, voice):
    """Of that voice, where the data have it, else of any: the utterance nearest to five seconds."""
    rng = np.random.default_rng(0)
    spoken = {
        f"u{i}": tone_utterance(rng, f"v{i % 2}", letters) for i, letters in enumerate((60, 40, 20, 20))
    }
    members = []
    for key, (wave, meta) in spoken.items():
        members += [(f"{key}.wav", audio_bytes(wave)), (f"{key}.json", json.dumps(meta).encode())]
    write_tar(tmp_path / "s.tar", members)
    wanted = min(
        (abs(len(wave) / SAMPLE_RATE - 5.0), meta["text"])
        for wave, meta in spoken.values()
        if name != voice or meta["voice"] == voice
    )[1]
    assert main([*parts, "--voice", name, "--shards", str(tmp_path / "*.tar")]) == 0
    (made,) = Nanospeech.from_pretrained(tmp_path / "out").voices()
    assert (made.name, made.text, made.default, made.language) == (name, wanted, True, "en-us")
    assert sum(made.durations) == pytest.approx(made.seconds, abs=1e-3)


def test_a_list_of_voices_by_their_speakers(parts, tmp_path, capsys):
    """Each from the utterance of its speaker that is nearest to five seconds."""
    rng = np.random.default_rng(0)
    spoken = [tone_utterance(rng, f"v{i % 2}", letters) for i, letters in enumerate((20, 60, 40, 20))]
    members = []
    for i, (wave, meta) in enumerate(spoken):
        members += [(f"u{i}.wav", audio_bytes(wave)), (f"u{i}.json", json.dumps(meta).encode())]
    write_tar(tmp_path / "s.tar", members)
    voices = [{**VOICE, "name": name, "voice": name} for name in ("v0", "v1")]
    for voice in voices:
        del voice["key"]
    (tmp_path / "voices.json").write_text(json.dumps(voices))
    assert main(with_voices(parts, tmp_path)) == 0
    for made in Nanospeech.from_pretrained(tmp_path / "out").voices():
        own = [(abs(len(w) / SAMPLE_RATE - 5.0), m["text"]) for w, m in spoken if m["voice"] == made.name]
        assert len(own) == 2 and made.text == min(own)[1]
    voices[1]["voice"] = "nobody"
    (tmp_path / "voices.json").write_text(json.dumps(voices))
    assert main(with_voices(parts, tmp_path)) == 1
    assert "no utterance of nobody" in capsys.readouterr().err


def slow_down(path):
    """The model of a checkpoint predicts about 4 frames a symbol."""
    state = torch.load(path)
    state["ema"]["duration_predictor.to_pred.bias"].fill_(1.6)
    torch.save(state, path)


@pytest.mark.slow
def test_a_voice_gets_its_speakers_tempo(parts, tmp_path):
    """Speaking at it, the other utterances last as long as they did."""
    write_corpus(tmp_path / "s.tar", count=70, letters=40)
    slow_down(parts[0])
    assert main(with_voices(parts, tmp_path)) == 0
    model = Nanospeech.from_pretrained(tmp_path / "out")
    (voice,) = model.voices()
    assert voice.tempo != 1.0

    class Spoken(Exception):
        pass

    seen = []

    def sample_steps(prompts, *rest):
        seen.append((~prompts[0].visible).sum() * model.transformer.patch * 256 / SAMPLE_RATE)
        raise Spoken

    model.sample_steps, plain = sample_steps, dataclasses.replace(voice, tempo=1.0)
    for spoken in (voice, plain):
        save_voice(tmp_path / "out", spoken)
        with pytest.raises(Spoken):
            model.generate(voice.text)
    assert seen[1] / seen[0] == pytest.approx(voice.tempo, rel=0.05)
    assert abs(seen[0] / voice.seconds - 1) < abs(seen[1] / voice.seconds - 1)


@pytest.mark.slow
def test_the_tempo_may_be_that_of_other_speech(parts, tmp_path, capsys):
    """A speaker who needs two thirds of the time for each symbol speaks 1.5 times as fast."""
    slow_down(parts[0])
    write_corpus(tmp_path / "s.tar", count=70, letters=40)
    rng, members = np.random.default_rng(1), []
    for i in range(40):
        wave, meta = tone_utterance(rng, "v0", 40)
        for pace, kind in ((1.0, "same"), (2 / 3, "fast")):
            paced = {**meta, "durations": [pace * duration for duration in meta["durations"]]}
            pair = [(f"u{i}.wav", audio_bytes(wave)), (f"u{i}.json", json.dumps(paced).encode())]
            members.append((kind, pair))
    tempos = {}
    for kind in ("same", "fast"):
        write_tar(tmp_path / f"{kind}.tar", [part for k, pair in members if k == kind for part in pair])
        assert main([*with_voices(parts, tmp_path), "--tempo-shards", str(tmp_path / f"{kind}.tar")]) == 0
        (voice,) = Nanospeech.from_pretrained(tmp_path / "out").voices()
        tempos[kind] = voice.tempo
    assert tempos["fast"] == pytest.approx(1.5 * tempos["same"], rel=1e-3)

    write_corpus(tmp_path / "few.tar", count=10, letters=40)
    assert main([*with_voices(parts, tmp_path), "--tempo-shards", str(tmp_path / "few.tar")]) == 1
    assert "--tempo-shards has fewer than 20 utterances of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage",
    [
        lambda parts, tmp: parts.__setitem__(0, str(tmp / "absent.pt")),
        lambda parts, tmp: torch.save({"step": 1}, parts[0]),
        lambda parts, tmp: torch.save([1], parts[0]),
        lambda parts, tmp: save_aligner(tmp / "a.pt", list(SYMBOLS)),
        lambda parts, tmp: parts.__setitem__(1, str(tmp / "absent.safetensors")),
        lambda parts, tmp: save_tensors(parts[1], {"a": np.zeros(1, "f4")}, {"format": "pt"}),
        lambda parts, tmp: (tmp / "voices.json").write_text("{"),
        lambda parts, tmp: (tmp / "voices.json").write_text('{"heart": 1}'),
        lambda parts, tmp: (tmp / "voices.json").write_text(json.dumps([{**VOICE, "key": "nobody"}])),
        lambda parts, tmp: (tmp / "voices.json").write_text(json.dumps([{**VOICE, "voice": "both"}])),
    ],
)
def test_bad_input_is_one_sentence(parts, tmp_path, capsys, damage):
    damage(parts, tmp_path)
    assert main(with_voices(parts, tmp_path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("python -m nanospeech_torch.export: ")
    assert error.count("\n") == 1


def test_weights_in_bfloat16(parts, tmp_path):
    """Of a run whose checkpoint was saved so: the model, the vocoder and the aligner."""
    save_aligner(tmp_path / "l.pt", list(SYMBOLS))
    save_vocoder(tmp_path / "v.pt")
    paths = [parts[0], str(tmp_path / "v.pt"), str(tmp_path / "l.pt")]
    for path in paths:
        state = torch.load(path, weights_only=True)
        state["ema"] = {name: value.bfloat16() for name, value in state["ema"].items()}
        torch.save(state, path)
    parts[1] = paths[1]
    assert main([*parts, "--aligner", paths[2], "--dtype", "float32"]) == 0
    tensors, _ = load_tensors(tmp_path / "out" / "model.safetensors")
    ema = torch.load(parts[0], weights_only=True)["ema"]
    assert all((tensors[name] == value.float().numpy()).all() for name, value in ema.items())
    assert main([paths[1], "-o", str(tmp_path / "vocos.safetensors")]) == 0


# the folder


def files_below(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_run_is_never_overwritten(parts, tmp_path, capsys):
    run = tmp_path / "run"
    (run / "samples").mkdir(parents=True)
    shutil.copy(parts[0], run / "step-00000009.pt")
    (run / "config.json").write_text("{}")
    (run / "log.jsonl").write_text("{}")
    before = files_below(run)
    for output in (run, tmp_path):
        assert main([str(run), *parts[1:3], str(output)]) == 1
        assert files_below(run) == before
    errors = capsys.readouterr().err
    assert f"{run} is a training run: choose another folder, such as {run / 'model'}" in errors
    assert f"{tmp_path} has other files than an export (" in errors
    assert main([str(run), *parts[1:3], str(run / "model")]) == 0  # as the recipes do
    assert {name: content for name, content in files_below(run).items() if name in before} == before


def test_two_runs_are_not_mixed(parts, tmp_path, capsys):
    """The second run has no aligner: the first one's must not stay beside it."""
    save_aligner(tmp_path / "l.pt", list(SYMBOLS))
    assert main([*parts, "--aligner", str(tmp_path / "l.pt")]) == 0
    assert (tmp_path / "out" / "aligner.safetensors").is_file()
    model = small_model()
    other = dataclasses.replace(model, text=dataclasses.replace(model.text, vocab=SYMBOLS[::-1]))
    ema = Nanospeech.from_config(other).state_dict()
    torch.save({"ema": ema, "config": other.to_dict()}, tmp_path / "b.pt")
    assert main([str(tmp_path / "b.pt"), *parts[1:]]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
        "vocos.safetensors",
    ]
    assert json.loads((tmp_path / "out" / "config.json").read_text())["aligner"] is None


def test_voices_of_an_earlier_export_are_not_lost(parts, tmp_path, capsys):
    assert main(with_voices(parts, tmp_path)) == 0
    before = files_below(tmp_path / "out")
    assert main(parts) == 1
    assert "has voices that would be deleted (tone): make them again" in capsys.readouterr().err
    assert files_below(tmp_path / "out") == before
    assert main(with_voices(parts, tmp_path)) == 0


@pytest.mark.parametrize("earlier", [False, True])
def test_a_failed_export_leaves_what_was_there(parts, tmp_path, earlier):
    """It fails at the very end, where the voices are made."""
    if earlier:
        assert main(with_voices(parts, tmp_path)) == 0
    before = files_below(tmp_path)
    (tmp_path / "s.tar").rename(tmp_path / "elsewhere.tar")
    assert main(with_voices(parts, tmp_path)) == 1
    (tmp_path / "elsewhere.tar").rename(tmp_path / "s.tar")
    assert files_below(tmp_path) == before
    assert (tmp_path / "out").exists() == earlier and not list(tmp_path.glob(".out*"))


def test_a_file_in_the_way(parts, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert main(parts) == 1
    assert main([*parts[:3], str(tmp_path / "model.safetensors")]) == 1
    errors = capsys.readouterr().err
    assert "out is a file: choose another" in errors and "an acoustic model is exported to a folder" in errors
    assert (tmp_path / "out").read_text() == "mine" and not (tmp_path / "model.safetensors").exists()


def test_what_it_says(parts, tmp_path, capsys):
    """How to speak with it; and that a voice needs the data."""
    assert main(with_voices(parts, tmp_path)) == 0
    output = tmp_path / "out"
    assert main([*parts[:1], "-o", str(tmp_path / "new one"), "--voice", "me"]) == 1
    assert 'a voice needs a recording: name the prepared data with --shards "data/*.tar"' in (
        capsys.readouterr().err
    )
    shards = ["--shards", str(tmp_path / "s.tar")]
    assert main([*parts[:1], "-o", str(tmp_path / "new one"), "--voice", "me", *shards]) == 0
    said = capsys.readouterr().out
    assert f"nanospeech-mar generate --model '{tmp_path / 'new one'}' --voice me --text" in said
    assert output.is_dir()


def test_what_is_not_a_run(parts, tmp_path, capsys):
    assert main(parts) == 0
    for path, words in (
        (tmp_path / "out", "is not a training run: it has no step-N.pt"),
        (tmp_path / "absent", "absent does not exist"),
    ):
        assert main([str(path), "-o", str(tmp_path / "second")]) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "second").exists()


# silence


def test_a_model_that_has_not_learned_to_speak_is_told(parts, tmp_path, capsys):
    model = Nanospeech.from_config(small_model())
    initialize(model)
    torch.save({"ema": model.state_dict(), "config": small_model().to_dict(), "step": 4}, parts[0])
    del parts[1]  # through the embedded vocoder
    assert main(with_voices(parts, tmp_path)) == 0
    first = capsys.readouterr()
    assert "a.pt (step 4): its speech is silent so far (-" in first.err
    assert first.out.endswith(f"-> {tmp_path / 'out'}\n")
