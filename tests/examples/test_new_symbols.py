"""examples/embedded/new_symbols.py: a model gets symbols of a new language."""

import json
from pathlib import Path

import numpy as np
import pytest

from nanospeech_core.checkpoints.folder import PRETRAINED, load_folder, read_config
from nanospeech_core.checkpoints.tensors import load_tensors
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.text.symbols import SYMBOLS
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.voices.reference import make_reference
from nanospeech_core.voices.store import load_voice, voice_names

FOLDER = Path(__file__).parents[2] / "examples" / "embedded"


@pytest.fixture
def new_symbols(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import new_symbols

    return new_symbols


def test_a_symbol_gets_what_another_has_learned(new_symbols, tmp_path):
    assert new_symbols.main(["embedded", "-o", str(tmp_path / "start"), "β=v", "r=ɾ"]) == 0
    rows = {SYMBOLS.index(new) + 1: SYMBOLS.index(known) + 1 for new, known in ("βv", "rɾ")}
    for name, tables in new_symbols.TABLES.items():
        before, after = (load_tensors(folder / name)[0] for folder in (PRETRAINED, tmp_path / "start"))
        changed = [key for key in before if not np.array_equal(before[key], after[key])]
        assert sorted(changed) == sorted(tables)
        for table in tables:
            order = [rows.get(row, row) for row in range(len(before[table]))]
            assert np.array_equal(after[table], before[table][order])
    assert read_config(tmp_path / "start") == read_config(PRETRAINED)
    assert load_folder(tmp_path / "start", "pt")[1] and voice_names(tmp_path / "start")


def test_the_rows_are_those_of_the_model(new_symbols, tmp_path):
    """Text with β is spoken as text with v was."""
    pytest.importorskip("torch")
    from nanospeech_torch import Nanospeech

    assert new_symbols.main(["embedded", "-o", str(tmp_path / "start"), "β=v"]) == 0
    voice, encode = load_voice(PRETRAINED, "heart"), Tokenizer("phonemes", SYMBOLS).encode

    def frames(folder: Path, symbols: str) -> np.ndarray:
        model = Nanospeech.from_pretrained(folder)
        reference = make_reference(
            voice.audio, encode(voice.phonemes), np.array(voice.durations), model.config
        )
        return model.predict_frames(reference, with_pauses(encode(symbols), model.config))

    known = frames(PRETRAINED, "ˈova la vˈivə.")
    assert np.array_equal(frames(tmp_path / "start", "ˈoβa la βˈiβə."), known)
    assert not np.array_equal(frames(PRETRAINED, "ˈoβa la βˈiβə."), known)


@pytest.mark.parametrize("pair", ["β", "β=", "=v", "ж=v", "v=v", "βv"])
def test_bad_pairs_are_one_sentence(new_symbols, tmp_path, capsys, pair):
    assert new_symbols.main(["embedded", "-o", str(tmp_path / "start"), pair]) == 1
    error = capsys.readouterr().err
    assert error.startswith("new_symbols: ") and "write it like β=v" in error and error.count("\n") == 1
    assert not (tmp_path / "start").exists()


def test_a_quantized_model_is_refused(new_symbols, tmp_path, capsys):
    config = json.loads((PRETRAINED / "config.json").read_text("utf-8"))
    config["quantization"] = {"group_size": 64, "bits": 8, "mode": "affine"}
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "q" / "model.safetensors").write_bytes((PRETRAINED / "model.safetensors").read_bytes())
    assert new_symbols.main([str(tmp_path / "q"), "-o", str(tmp_path / "start"), "β=v"]) == 1
    assert "is quantized" in capsys.readouterr().err
