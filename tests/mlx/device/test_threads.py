"""Speaking in a thread of its own, as servers and windows do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from backends import NAMES, Backend

SPEAKS = """
import threading
from nanospeech_{name} import Nanospeech

tts, waves = Nanospeech.from_pretrained(), []
for _ in range(2):
    thread = threading.Thread(target=lambda: waves.append(tts.generate("Hello.", use_diffusion=True)))
    thread.start()
    thread.join()
print(len(waves), (waves[0] == waves[1]).all())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_spoke_in_threads_ends_well(name):
    Backend(name)
    for _ in range(3):  # without `free_streams_at_thread_end` MLX 0.32 aborts in most of the runs
        command = [sys.executable, "-c", SPEAKS.format(name=name)]
        done = subprocess.run(
            command,
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ,
        )
        assert (done.returncode, done.stdout) == (0, "2 True\n"), done.stderr
