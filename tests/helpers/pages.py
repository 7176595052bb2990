"""The documentation's pages, and their code blocks, run as they stand there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import commands

ROOT = commands.ROOT
GUIDES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]
RECIPES = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "examples").glob("*/README.md"))
PAGES = [
    *GUIDES,
    *RECIPES,
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "nanospeech_core/pretrained/README.md",
]


def text(page: str) -> str:
    """The text of a page of the repository."""
    return (ROOT / page).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: str
    language: str
    code: str

    @property
    def lines(self) -> list[str]:
        return self.code.splitlines()


def blocks(page: str, *languages: str) -> list[Block]:
    """A page's code blocks in these languages, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text(page), re.DOTALL | re.MULTILINE)
    return [Block(page, language, code) for language, code in found if language in languages]


def block(page: str, mark: str) -> Block:
    """The one shell or Python block of a page that contains `mark`."""
    (found,) = [block for block in blocks(page, "sh", "python") if mark in block.code]
    return found


def run_line(line: str, backend: str, process: bool = False, code: int = 0) -> commands.Done:
    """Run a line `python -m ...` in the current folder with a backend; it must end with exit code `code`."""
    line = line.replace("nanospeech_mlx", f"nanospeech_{backend}")
    python, m, *words = shlex.split(line, comments=True)
    assert (python, m) == ("python", "-m")
    done = (commands.in_a_process if process else commands.in_this_process)(*words)
    assert done.code == code, done
    return done


def run_block(block: Block, backend: str, process: bool = False) -> str:
    """Run a shell block with a backend. Every line must succeed. Returns what they print."""
    out = ""
    for line in block.lines:
        if line.startswith("python "):
            out += run_line(line, backend, process).out
        else:
            done = subprocess.run(["bash", "-e", "-c", line], check=True, capture_output=True, text=True)
            out += done.stdout
    return out


def run_python(block: Block, backend: str) -> str:
    """Run a Python block with a backend, in this process. Returns what it prints."""
    code = block.code.replace("nanospeech_mlx", f"nanospeech_{backend}")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, block.page, "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def check_covered(page: str, run: Iterable[Block], reasons: Mapping[str, str]) -> None:
    """Assert that every block of a page is run, or else has one reason; and that no reason is left over."""
    left = [block for block in blocks(page, "sh", "python") if block not in set(run)]
    for found in left:
        marks = [mark for mark in reasons if mark in found.code]
        assert len(marks) == 1, f"{page}: run this block in a test, or give one reason why not:\n{found.code}"
    for mark in reasons:
        assert any(mark in found.code for found in left), f"{page}: no block that is not run has {mark!r}"
