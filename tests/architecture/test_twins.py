"""nanospeech_mlx and nanospeech_torch are one text in two dialects: their syntax trees are compared."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TORCH, MLX = ROOT / "nanospeech_torch", ROOT / "nanospeech_mlx"
# training, its commands and what it hands over
TORCH_ONLY = re.compile(
    r"(training|prepare|report|export)/.*|sampling/compiling\.py|(train|diagnose|threads)\.py"
)
MLX_ONLY = re.compile(  # mlx-lm has no twin
    r"(chat|device)/.*|models/(activations|fusion|quantization)\.py|sampling/bucketed\.py|host_time\.py"
)


def files(package: Path, own: re.Pattern) -> list[str]:
    names = (path.relative_to(package).as_posix() for path in package.rglob("*.py"))
    return sorted(name for name in names if not own.fullmatch(name))


def default(node: ast.expr) -> str:
    """A default's source without the framework's name (`torch.float32` and `mx.float32` are the same)."""
    return re.sub(r"\b(torch|mx)\.", "", ast.unparse(node))


def signature(function: ast.FunctionDef) -> str:
    """Name, argument names and kinds and defaults; annotations may differ (Tensor is array in MLX)."""
    a = function.args
    positional = [*a.posonlyargs, *a.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(a.defaults)) + list(a.defaults)

    def one(argument: ast.arg, value: ast.expr | None) -> str:
        return argument.arg + (f"={default(value)}" if value is not None else "")

    parts = [one(argument, value) for argument, value in zip(positional, defaults, strict=True)]
    if a.posonlyargs:
        parts.insert(len(a.posonlyargs), "/")
    if a.vararg:
        parts.append("*" + a.vararg.arg)
    elif a.kwonlyargs:
        parts.append("*")
    parts += [one(argument, value) for argument, value in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    if a.kwarg:
        parts.append("**" + a.kwarg.arg)
    decorators = map(ast.unparse, function.decorator_list)
    kinds = [kind for kind in decorators if kind in ("staticmethod", "classmethod", "property")]
    name = "forward" if function.name == "__call__" else function.name
    return " ".join([*(f"@{kind}" for kind in kinds), f"{name}({', '.join(parts)})"])


def outline(source: str) -> list[str]:
    """A module's functions, classes and their methods and annotated fields, in order, a line each."""
    lines = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            lines.append(signature(node))
        elif isinstance(node, ast.ClassDef):
            lines.append(f"class {node.name}")
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    lines.append(f"{node.name}.{signature(member)}")
                elif isinstance(member, ast.AnnAssign):
                    value = f" = {default(member.value)}" if member.value else ""
                    lines.append(f"{node.name}.{ast.unparse(member.target)}{value}")
    return lines


def differences(torch_source: str, mlx_source: str) -> list[str]:
    torch_lines, mlx_lines = outline(torch_source), outline(mlx_source)
    result = [f"only in torch: {line}" for line in torch_lines if line not in mlx_lines]
    result += [f"only in MLX:   {line}" for line in mlx_lines if line not in torch_lines]
    if not result and torch_lines != mlx_lines:
        result = ["another order:", *torch_lines, "in torch, in MLX:", *mlx_lines]
    return result


def test_same_files():
    torch_files, mlx_files = files(TORCH, TORCH_ONLY), files(MLX, MLX_ONLY)
    assert torch_files, "no torch module found"
    assert torch_files == mlx_files


@pytest.mark.parametrize("name", sorted({*files(TORCH, TORCH_ONLY), *files(MLX, MLX_ONLY)}))
def test_same_outline(name: str):
    sources = [
        (package / name).read_text(encoding="utf-8") for package in (TORCH, MLX) if (package / name).exists()
    ]
    if len(sources) == 1:
        pytest.fail(f"{name} is missing in {'MLX' if (TORCH / name).exists() else 'torch'}")
    found = differences(*sources)
    assert not found, f"{name}\n" + "\n".join(found)


TWIN = """
def rope(x, base=10000.0): ...
class Block(nn.Module):
    scale: float = 1.0
    def __init__(self, dim, *, dtype=torch.float32): ...
    def forward(self, x, mask=None): ...
    @staticmethod
    def init(dim): ...
"""


def test_a_faithful_twin_passes():
    assert differences(TWIN, TWIN.replace("forward", "__call__").replace("torch.", "mx.")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("base=10000.0", "base=1000.0"),
        ("mask=None", "mask"),
        ("mask=None", "bias=None"),
        ("*, dtype", "dtype"),
        ("class Block", "class Blocks"),
        ("scale: float = 1.0", "scale: float = 2.0"),
        ("    @staticmethod\n", ""),
        ("    def forward(self, x, mask=None): ...\n", ""),
    ],
)
def test_a_changed_twin_is_reported(old: str, new: str):
    assert old in TWIN
    assert differences(TWIN, TWIN.replace(old, new))


def test_another_order_is_reported():
    lines = TWIN.strip().splitlines()
    swapped = "\n".join([*lines[:3], lines[4], lines[3], *lines[5:]])
    assert differences(TWIN, swapped)
