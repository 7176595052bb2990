"""The folders are the architecture: imports run downwards, without cycles; folders and files are small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("nanospeech_core", "nanospeech_mlx", "nanospeech_torch", "convert")
# From the bottom up: a module may import those of its own layer and of the layers below it.
LAYERS = {
    "nanospeech_core": (
        ("errors", "strict", "config"),
        ("system",),
        ("cluster",),
        ("audio",),
        ("text",),
        ("checkpoints",),
        ("sampling",),
        ("voices",),
        ("speech",),
        ("synthesis",),
        ("editing",),
        ("pipeline",),
        ("evaluation", "server", "book"),
        ("doctor",),
        ("cli",),
    ),
    "nanospeech_core.text": (
        ("symbols", "traced", "checks"),
        ("characters",),
        ("document", "language_detection", "lines"),
        ("readings", "espeak"),
        ("english", "chinese", "spanish"),  # no language imports another
        ("languages",),
        ("sentences",),
        ("tokenizer",),
        ("pronunciation", "ssml", "markdown"),
    ),
    "nanospeech_mlx": (
        ("device",),
        ("models",),
        ("sampling",),
        ("networks",),
        ("nanospeech",),
        ("load",),
        (
            "generate",
            "edit",
            "voices",
            "evaluate",
            "benchmark",
            "host_time",
            "doctor",
            "serve",
            "wyoming",
            "book",
            "chat",
            "__main__",
        ),
    ),
    "nanospeech_torch": (
        ("models",),
        ("sampling",),
        ("networks",),
        ("nanospeech", "threads"),
        ("load",),
        ("training",),
        (
            "generate",
            "edit",
            "voices",
            "evaluate",
            "benchmark",
            "serve",
            "wyoming",
            "book",
            "doctor",
            "prepare",
            "train",
            "report",
            "export",
            "diagnose",
            "__main__",
        ),
    ),
    "nanospeech_torch.prepare": (
        ("recording",),
        ("sources",),
        ("durations", "encoding", "decoding", "cutting"),
        ("utterance",),
        ("report", "workers"),
        ("folder",),
        ("dataset",),
        ("parts",),
        ("__main__",),
    ),
    "nanospeech_torch.training": (
        ("config",),
        ("data",),
        ("monitoring",),
        ("engine",),
        ("aligner", "vocoder", "acoustic"),
        ("tasks", "load_model"),
        ("speed",),
    ),
}
SPOKEN = next(parts for parts in LAYERS["nanospeech_core.text"] if "english" in parts)
MOST_FILES = 11  # of a folder, beside __init__.py, __main__.py and the modules that only start a command
MOST_LINES = 300


def module_name(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, is_package: bool, known: set[str]) -> set[str]:
    """The modules among `known` that a module imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(full if full in known else base)
    return (found & known) - {module}


def graph() -> dict[str, set[str]]:
    """What each module imports of the project."""
    files = {module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    return {
        module: imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py", set(files))
        for module, path in files.items()
    }


def layer(module: str, package: str) -> int | None:
    """The layer of a module of a package; None: it is outside, or the package itself."""
    if not module.startswith(package + "."):
        return None
    part = module.removeprefix(package + ".").split(".")[0]
    return next(number for number, parts in enumerate(LAYERS[package]) if part in parts)


def upward_imports(arrows: dict[str, set[str]], package: str) -> list[str]:
    """The imports that run from a lower layer to a higher one."""
    return [
        f"{module} (layer {low}) imports {other} (layer {high})"
        for module, others in arrows.items()
        for other in sorted(others)
        if (low := layer(module, package)) is not None
        and (high := layer(other, package)) is not None
        and low < high
    ]


def imports_across(arrows: dict[str, set[str]], package: str, parts: tuple[str, ...]) -> list[str]:
    """The imports from one of the parts of a package to another."""

    def part(module: str) -> str | None:
        first = module.removeprefix(package + ".").split(".")[0]
        return first if module.startswith(package + ".") and first in parts else None

    return [
        f"{module} imports {other}"
        for module, others in arrows.items()
        for other in sorted(others)
        if part(module) and part(other) and part(module) != part(other)
    ]


def import_cycle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules of one import cycle; [] where there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return []
        for other in sorted(arrows.get(module, ())):
            if found := visit(other, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(arrows) if (found := visit(module, []))), [])


@pytest.mark.parametrize("package", LAYERS)
def test_imports_run_downwards(package):
    assert not upward_imports(graph(), package)


def test_no_language_imports_another():
    """What two languages need belongs to neither: `text/readings/`."""
    text = "nanospeech_core.text"
    folders = {path.parent.name for path in (ROOT / text.replace(".", "/")).glob("*/normalize.py")}
    assert folders == set(SPOKEN)
    assert not imports_across(graph(), text, SPOKEN)
    arrows = {"a.one.x": {"a.two.y", "a.one.z", "a.shared"}, "a.two": {"a.one"}, "a.shared": {"a.one.x"}}
    assert imports_across(arrows, "a", ("one", "two")) == ["a.one.x imports a.two.y", "a.two imports a.one"]


def test_no_import_cycle():
    assert import_cycle(graph()) == []


@pytest.mark.parametrize("package", LAYERS)
def test_every_part_has_a_layer(package):
    folder = ROOT / package.replace(".", "/")
    parts = {path.stem for path in folder.iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    listed = {part for parts in LAYERS[package] for part in parts}
    assert parts - {"__init__"} == listed


def source_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", source_files(), ids=module_name)
def test_no_file_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def only_starts_a_command(path: Path) -> bool:
    """Whether a module is there for its name: `python -m nanospeech_mlx.generate`."""
    source = path.read_text(encoding="utf-8")
    return path.name in ("__init__.py", "__main__.py") or (
        len(source.splitlines()) < 60 and '@command("python -m' in source
    )


def test_no_folder_is_too_full():
    counts: dict[str, int] = {}
    for path in source_files():
        folder = path.parent.relative_to(ROOT).as_posix()
        counts[folder] = counts.get(folder, 0) + (not only_starts_a_command(path))
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_upward_imports_and_cycles_are_found():
    arrows = {
        "nanospeech_core.text.words": {"nanospeech_core.audio.mel"},
        "nanospeech_core.audio.mel": {"nanospeech_core.cli.dispatch.main"},
        "nanospeech_core.cli.dispatch.main": {"nanospeech_core.text.words"},
    }
    assert upward_imports(arrows, "nanospeech_core") == [
        "nanospeech_core.audio.mel (layer 3) imports nanospeech_core.cli.dispatch.main (layer 14)"
    ]
    assert len(import_cycle(arrows)) == 3
    assert import_cycle({"a": {"b"}, "b": set()}) == []


def test_imports_are_seen_wherever_they_stand():
    source = "from ..audio import mel\ndef f():\n    from .words import find\n    import a.c\n"
    known = {"a.audio.mel", "a.text.words", "a.c", "a.text.markup"}
    assert imports(source, "a.text.markup", False, known) == {
        "a.audio.mel",
        "a.text.words",
        "a.c",
    }
