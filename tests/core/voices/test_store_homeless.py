"""The user's voices where there is no home folder."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from nanospeech_core.cli import voices as voice_commands
from nanospeech_core.errors import UserError
from nanospeech_core.voices.store import DATA_FOLDER, find_voice, list_voices, user_folder

ROOT = Path(__file__).parents[3]


def test_without_a_home_there_are_no_voices_of_ones_own(homeless, capsys):
    assert list_voices(user_folder()) == []
    with pytest.raises(UserError, match='there is no voice "me"; the voices are .*heart'):
        find_voice(ROOT / "nanospeech_core" / "pretrained", "me")
    assert voice_commands.run(None, ["list"], "prog") == 0
    assert voice_commands.run(None, ["remove", "me"], "prog") == 1
    assert capsys.readouterr() == ("", 'prog: you have no voice "me"; you have none yet\n')


def test_without_a_home_a_voice_cannot_be_kept(homeless, capsys):
    assert voice_commands.run(None, ["add", "me", "none.wav", "Hello."], "prog") == 1
    assert capsys.readouterr().err == (
        "prog: there is no home folder to store voices in: set HOME, or NANOSPEECH_DATA to a folder\n"
    )


def test_older_versions_of_platformdirs_answer_a_tilde(homeless, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: Path("~/.local/share/x"))
    assert list_voices(user_folder()) == []
    with pytest.raises(UserError, match="no home folder"):
        user_folder(to_write=True)


def test_a_place_that_is_named_needs_no_home(homeless, monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    assert user_folder() == user_folder(to_write=True) == tmp_path


HOMELESS = """
import os, pwd, runpy, sys
def unknown(uid):
    raise KeyError(uid)
pwd.getpwuid = unknown
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("package", ["nanospeech_mlx", "nanospeech_torch"])
def test_a_process_without_a_home_lists_the_voices(package):
    pytest.importorskip({"nanospeech_mlx": "mlx.core", "nanospeech_torch": "torch"}[package])
    drop = ("HOME", DATA_FOLDER, "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    env = {name: value for name, value in os.environ.items() if name not in drop}
    line = [sys.executable, "-c", HOMELESS, f"{package}.generate", "--list-voices"]
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "heart" in done.stdout
