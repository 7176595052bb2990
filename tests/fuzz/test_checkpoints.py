"""Damaged checkpoints and voices: loaded, or one message; no code of theirs is run."""

import json
import pickle
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import broken

from nanospeech_core.checkpoints.folder import load_folder, read_config
from nanospeech_core.errors import UserError
from nanospeech_core.voices.store import list_voices, load_voice

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def copy(model, tmp_path):
    """A function that copies the model, with one file replaced."""

    def replaced(name: str, data: bytes):
        folder = tmp_path / "model"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(model, folder)
        (folder / name).write_bytes(data)
        return folder

    return replaced


def refuse_or(function, *arguments):
    """The result; None for a UserError of one line. No other exception is allowed."""
    try:
        return function(*arguments)
    except UserError as error:
        assert "\n" not in str(error)
        return None


@given(st.data())
def test_damaged_weights(model, copy, data):
    whole = (model / "model.safetensors").read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    damaged = (
        data.draw(broken(whole[:header])) + whole[header:]
        if data.draw(st.booleans())
        else data.draw(broken(whole))
    )
    loaded = refuse_or(load_folder, copy("model.safetensors", damaged), "torch")
    if loaded is not None:
        assert all(array.size < 10**7 for array in loaded[1].values())


@given(st.data())
def test_a_damaged_config(model, copy, data):
    whole = json.loads((model / "config.json").read_text())
    section = data.draw(st.sampled_from([*whole, "extra"]))
    value = data.draw(JSON)
    if isinstance(whole.get(section), dict) and data.draw(st.booleans()):
        key = data.draw(st.sampled_from([*whole[section], "extra"]))
        value = {**whole[section], key: value}
    changed = json.dumps({**whole, section: value}).encode()
    damaged = data.draw(st.just(changed) | broken(changed) | st.binary(max_size=50))
    refuse_or(read_config, copy("config.json", damaged))


@given(st.data())
def test_damaged_voices(model, copy, data):
    name = data.draw(st.sampled_from(sorted(path.name for path in (model / "voices").iterdir())))
    damaged = data.draw(broken((model / "voices" / name).read_bytes()))
    folder = copy(f"voices/{name}", damaged)
    refuse_or(list_voices, folder)
    voice = refuse_or(load_voice, folder, name.partition(".")[0])
    if voice is not None:
        assert np.isfinite(voice.audio).all()


@given(
    st.text(min_size=1, max_size=12)
    | st.sampled_from(["..", "../heart", "/etc/passwd", "a/b", "CON", "voices/heart"])
)
def test_names_reach_no_other_file(model, name):
    voice = refuse_or(load_voice, model, name)
    assert voice is None or name in ("heart", "emma")


class Bomb:
    """What a hostile pickle holds."""

    def __reduce__(self):
        return pytest.fail, ("a pickle ran code",)


@given(st.sampled_from(["model.safetensors", "vocos.safetensors", "config.json"]))
def test_a_pickle_runs_no_code(copy, name):
    folder = copy(name, pickle.dumps({"weights": Bomb()}))
    assert refuse_or(load_folder, folder, "torch") is None
