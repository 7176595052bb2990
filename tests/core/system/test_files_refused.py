"""Names that are too long and folders without permission: one sentence, no traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkpoints import make_voice

from nanospeech_core.audio import files as audio
from nanospeech_core.checkpoints.original import OriginalFiles
from nanospeech_core.checkpoints.vocoder import find_vocoder
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.speech.timestamps import check_timestamps
from nanospeech_core.system.files import check_writable
from nanospeech_core.voices.reference_cache import ReferenceCache
from nanospeech_core.voices.store import save_voice, voice_names

LONG = "x" * 300
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: audio.check_output(f"{LONG}.wav"), "^cannot write x+.wav: File name too long"),
        (lambda: check_timestamps(f"{LONG}.srt"), "^cannot write x+.srt: File name too long"),
        (lambda: check_writable(LONG), "^cannot write x+: File name too long"),
        (
            lambda: check_writable("x" * 255),
            "^cannot write x+: File name too long",
        ),  # beside it is a longer one
        (lambda: voice_names(LONG), "^cannot read x+/voices: File name too long"),
        (lambda: find_vocoder(LONG), "^x+ does not exist$"),
        (lambda: save_voice("data", make_voice(LONG, "en-us", "Hi.", "haɪ")), "^cannot write data/voices/x+"),
    ],
)
def test_a_name_that_is_too_long(check, message):
    with pytest.raises(UserError, match=message):
        check()


def test_a_long_name_is_no_original_checkpoint():
    assert OriginalFiles.find(LONG) is None


def test_a_recording_whose_name_is_too_long_is_what_cannot_be_read():
    options = GenerateOptions(ref_audio=LONG, ref_text="Hi.")
    with pytest.raises(UserError, match="^cannot read x+: File name too long"):
        ReferenceCache().get(None, options, "Hi.", None, None)


IN_A_LOCKED_FOLDER = """
import sys
from nanospeech_core.audio import files as audio
from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_core.errors import UserError
from nanospeech_core.system.files import check_writable
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.voices.selection import choose_voice, selection_key
from nanospeech_core.checkpoints.vocoder import load_vocoder

named, recording = GenerateOptions(voice="me"), GenerateOptions(ref_audio="locked/a.wav", ref_text="Hi.")
for call in (
    lambda: audio.check_output("locked/a.wav"),
    lambda: check_writable("locked/folder"),
    lambda: load_folder("locked", "pt"),
    lambda: load_vocoder("locked", "pt"),
    lambda: choose_voice(None, named),
    lambda: choose_voice(None, recording),
):
    try:
        call()
    except UserError as error:
        print(error)
for options in (named, recording, GenerateOptions()):
    selection_key(None, options, "Hi.")
choose_voice(None, GenerateOptions(voice="emma"))  # the user's own are not needed
"""


def test_a_locked_folder(tmp_path):
    may_not = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root has access to all files, and there is no setpriv")
        rights = "-dac_override,-dac_read_search"
        may_not = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]
    (tmp_path / "locked").mkdir(mode=0o000)
    line = [*may_not, sys.executable, "-c", IN_A_LOCKED_FOLDER]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NANOSPEECH_DATA": "locked"}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "cannot write locked/a.wav: Permission denied",
        "cannot write locked/folder: Permission denied",
        "cannot read locked/config.json: Permission denied",
        "cannot read locked: no permission",
        "cannot read locked/voices: Permission denied",
        "cannot read locked/a.wav: Permission denied",
    ]
