"""Any settings of a training run: a checked config, or one message."""

import json

import pytest
import runs
from hypothesis import given
from hypothesis import strategies as st
from strategies import broken

from nanospeech_core.errors import UserError
from nanospeech_torch.training.engine.settings import as_json
from nanospeech_torch.training.tasks import load_config

VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=3)
    | st.sampled_from(["auto", "fp32", "bf16", "1e-4", "-1", "", "nan", [], {}, 10**30])
)


@pytest.fixture(scope="module")
def settings():
    return as_json(runs.tiny("shards-{0..3}.tar", "out"))


@given(st.data())
def test_a_file_of_settings(settings, tmp_path, data):
    changed = json.loads(json.dumps(settings))
    for _ in range(data.draw(st.integers(1, 3))):
        section = data.draw(st.sampled_from([*settings, "extra"]))
        if isinstance(changed.get(section), dict) and changed[section] and data.draw(st.booleans()):
            changed[section][data.draw(st.sampled_from([*changed[section], "extra"]))] = data.draw(VALUES)
        else:
            changed[section] = data.draw(VALUES)
    whole = json.dumps(changed).encode()
    path = tmp_path / "run.json"
    path.write_bytes(data.draw(st.just(whole) | broken(whole)))
    try:
        load_config(str(path))
    except UserError as error:
        assert "\n" not in str(error)


@given(
    st.lists(st.text(max_size=20) | st.sampled_from(["optimizer.steps=5", "data.shards=[a]", "=", "a.b.c=1"]))
)
def test_overrides(settings, tmp_path, overrides):
    path = tmp_path / "run.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    try:
        load_config(str(path), overrides)
    except UserError as error:
        assert "\n" not in str(error)
