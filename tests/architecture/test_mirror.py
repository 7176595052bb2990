"""Tests mirror folders: nanospeech_core/X/Y.py is tested by tests/core/X/test_Y.py or test_Y_something.py."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIRRORS = {
    "core": "nanospeech_core",
    "mlx": "nanospeech_mlx",
    "torch": "nanospeech_torch",
    "convert": "convert",
}


def mirrored_tests() -> list[str]:
    files = (path for folder in MIRRORS for path in (ROOT / "tests" / folder).rglob("test_*.py"))
    return sorted(path.relative_to(ROOT / "tests").as_posix() for path in files)


def subjects(folder: Path) -> set[str]:
    """What a test in the mirror of a folder may be named after: the folder, its files and its subfolders."""
    inside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    return {folder.name, *inside} - {"__init__", "__main__"}


def is_mirror(name: str, subjects: set[str]) -> bool:
    return any(name == subject or name.startswith(subject + "_") for subject in subjects)


@pytest.mark.parametrize("test", mirrored_tests())
def test_every_test_is_named_after_its_subject(test):
    mirror, *between, file = Path(test).parts
    folder = ROOT.joinpath(MIRRORS[mirror], *between)
    name = Path(file).stem.removeprefix("test_")
    assert folder.is_dir() and is_mirror(name, subjects(folder)), (
        f"there is no {folder.relative_to(ROOT)}/{name}.py"
    )


def test_a_stray_test_is_seen():
    assert is_mirror("reveal", {"reveal"}) and is_mirror("reveal_plan", {"reveal"})
    assert not is_mirror("revealed", {"reveal"}) and not is_mirror("order", {"reveal"})


def test_no_test_changes_the_clock_of_the_whole_process():
    """Servers of other tests run in threads of the same process, and wait by `time.monotonic`."""
    patched = re.compile(r"""setattr\(\s*([\w.]*\.)?time,\s*["']|setattr\(\s*["']time\.""")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "tests").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if patched.search(line)
    ]
    assert found == [], "use clocks.Clock (tests/helpers)"
