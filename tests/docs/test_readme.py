"""The README: its length, its form, and what it shows, run with the embedded checkpoint."""

import re
import shlex
from pathlib import Path

import pages
import pytest
import soundfile

README = pages.text("README.md")
FIRST = pages.block("README.md", "--output hello.wav")
PYTHON = pages.block("README.md", "from_pretrained")
RUN = [FIRST, PYTHON]
NOT_RUN = {  # a part of the block: why not
    'pip install ".[cpu]"\n': "network",
    "uvx ": "network and playback",
    "nanospeech_torch.train ": "network and training time; tests/examples runs these commands",
    "pytest": "these are the tests",
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    """An empty folder, the current one."""
    monkeypatch.chdir(tmp_path)


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 250


def test_every_block_is_run_or_has_a_reason() -> None:
    pages.check_covered("README.md", RUN, NOT_RUN)


def test_the_test_commands_end_with_pytest() -> None:
    """.ci/run takes the install commands and the test command from there."""
    (block,) = re.findall(r"^## Test$.*?^```sh$\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)[:1]
    assert block.splitlines()[-1].startswith("pytest")


def test_all_guides_are_linked() -> None:
    assert [page for page in pages.GUIDES[1:] if f"]({page})" not in README] == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_the_first_sentence(backend: str, tmp_path: Path) -> None:
    pages.run_block(FIRST, backend, process=True)
    wave, rate = soundfile.read(tmp_path / "hello.wav")
    assert rate == 24000
    assert 1.0 < len(wave) / rate < 6.0
    assert 0.02 < (wave**2).mean() ** 0.5 < 0.3  # as loud as speech


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["mlx", "torch"])
def test_python(backend: str, tmp_path: Path) -> None:
    pages.run_python(PYTHON, backend)
    wave, rate = soundfile.read(tmp_path / "hello.wav")
    assert rate == 24000 and 0.5 < len(wave) / rate < 3


def test_the_first_command_is_the_same_everywhere() -> None:
    assert FIRST.code == pages.block("docs/speak.md", "--output hello.wav").code
    assert shlex.split(FIRST.code)[:3] == ["python", "-m", "nanospeech_mlx.generate"]
