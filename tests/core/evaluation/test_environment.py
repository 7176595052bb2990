"""The machine of a measurement."""

from pathlib import Path

import pytest

from nanospeech_core.evaluation import environment


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_vnni", "avx512_vnni"),
        ("flags\t\t: fpu avx2 avx_vnni", "avx_vnni"),
        ("Features\t: fp asimd asimddp i8mm", "i8mm"),
        ("flags\t\t: fpu avx2", None),
        ("bugs\t\t: avx512_vnni", None),
    ],
)
def test_products_of_8_bits(line: str, name: str | None, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(environment.platform, "system", lambda: "Linux")
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\n")
    assert environment.int8_products(str(tmp_path / "cpuinfo")) == name


def test_a_machine_that_does_not_say(monkeypatch):
    monkeypatch.setattr(environment.platform, "system", lambda: "Linux")
    assert environment.int8_products("/no/such/file") is None
