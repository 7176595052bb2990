"""Errors of a command: one sentence on standard error, and an exit code."""

from nanospeech_core.cli import output


def test_what_no_check_foresaw_is_one_sentence(capsys):
    def command() -> None:
        open("none/file")

    assert output.guard(command, "prog", quiet=False) == 1
    assert capsys.readouterr().err == "prog: none/file: No such file or directory\n"
