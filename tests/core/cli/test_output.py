"""Errors of a command: one sentence on standard error, and an exit code."""

import pytest

from nanospeech_core.cli import output


def test_what_no_check_foresaw_is_one_sentence(capsys):
    def command() -> None:
        open("none/file")

    assert output.guard(command, "prog", quiet=False) == 1
    assert capsys.readouterr().err == "prog: none/file: No such file or directory\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 7.3 TiB for an array"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        RuntimeError("[malloc] Unable to allocate 8000000000000 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[METAL] Command buffer execution failed: Insufficient Memory"),
    ],
)
def test_memory_that_runs_out_is_one_sentence(capsys, error):
    def command() -> None:
        raise error

    assert output.guard(command, "prog", quiet=False) == 1
    assert capsys.readouterr().err.startswith("prog: memory ran out: ")


def test_other_errors_are_not_hidden():
    def command() -> None:
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake"):
        output.guard(command, "prog", quiet=False)
