"""The voices of an evaluation."""

from __future__ import annotations

from dataclasses import replace

from backends import NAMES, Backend
from checkpoints import make_voice, write_checkpoint

from nanospeech_core.evaluation.voices import own_iterations
from nanospeech_core.voices.store import save_voice


def test_iterations_are_the_models_own(tmp_path, monkeypatch):
    """A voice of the user's keeps none, whatever its file says."""
    backend = Backend(NAMES[0])
    folder = write_checkpoint(tmp_path / "model", backend.format)
    monkeypatch.setenv("NANOSPEECH_DATA", str(tmp_path / "own"))
    for place, name, number in ((folder, "heart", 2), (tmp_path / "own", "me", 7)):
        save_voice(place, replace(make_voice(name, "en-us", "Hello.", "həlˈoʊ."), num_iter=number))
    model = backend.module("nanospeech").Nanospeech.from_pretrained(folder)
    emma, heart, me = sorted(model.voices(), key=lambda voice: voice.name)
    assert own_iterations(model, [heart]) == {2} and own_iterations(model, [emma]) == {None}
    assert own_iterations(model, [heart, me, emma]) == {2, None} and own_iterations(model, [me]) == {None}
