"""Ctrl-C and SIGTERM at any moment of a command: one line, the right exit code, nothing half-written."""

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nanospeech_core.system.files import replacing
from nanospeech_core.system.process import ENDING, command, importing

ROOT = Path(__file__).parents[3]
INTERRUPTED = "prog: interrupted\n"


def send(number: int) -> None:
    """As another process would; the handler runs before the next line."""
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def same_handlers():
    hangup = signal.signal(
        signal.SIGHUP, signal.SIG_DFL
    )  # which `nohup pytest` ignores, and so would a command
    before = {name: signal.getsignal(getattr(signal, name)) for name in (*ENDING, "SIGALRM")}
    yield
    assert {name: signal.getsignal(getattr(signal, name)) for name in before} == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    signal.signal(signal.SIGHUP, hangup)


def test_ctrl_c_is_one_line(capsys):
    @command("prog")
    def main(argv, prog) -> int:
        send(signal.SIGINT)
        raise AssertionError("went on")

    assert main() == 130
    assert capsys.readouterr() == ("", INTERRUPTED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_deletes_what_is_half_written(tmp_path, number, capsys):
    @command("prog")
    def main(argv, prog) -> int:
        with replacing(tmp_path / "a.wav") as path:
            path.write_bytes(b"half")
            assert len(os.listdir(tmp_path)) == 1
            send(number)
        return 0

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 128 + number
    assert os.listdir(tmp_path) == [] and capsys.readouterr() == ("", "")


def module(folder: Path, monkeypatch, text: str, name: str = "an_import_of_tests") -> str:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


SLOW = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.1)\ndone = True\n"


def test_an_import_is_finished_first(tmp_path, monkeypatch, capsys):
    name = module(tmp_path, monkeypatch, SLOW)

    @command("prog")
    def main(argv, prog) -> int:
        importlib.import_module(name)
        threading.Event().wait(5)  # the timer ends it
        raise AssertionError("went on")

    assert main() == 130
    assert sys.modules[name].done and capsys.readouterr().err == INTERRUPTED


def test_an_import_at_the_end_of_the_block_is_finished_first(tmp_path, monkeypatch, capsys):
    name = module(tmp_path, monkeypatch, SLOW)

    @command("prog")
    def main(argv, prog) -> int:
        return int(not importlib.import_module(name).done)

    assert main() == 130 and capsys.readouterr().err == INTERRUPTED


def test_a_second_ctrl_c_during_an_import_ends_the_process(tmp_path):
    twice = "import os, signal\nfor _ in range(2): os.kill(os.getpid(), signal.SIGINT)\nprint('went on')\n"
    (tmp_path / "twice.py").write_text(twice)
    code = (
        "from nanospeech_core.system.process import command\n"
        "@command('prog')\ndef main(argv, prog):\n    import twice\n    return 0\nmain()"
    )
    paths = os.pathsep.join((str(ROOT), str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", INTERRUPTED)


def test_imports_of_a_command_say_interrupted(capsys):
    with pytest.raises(SystemExit) as caught, importing("__main__", "prog"):
        send(signal.SIGINT)
    assert caught.value.code == 130 and capsys.readouterr().err == INTERRUPTED


def test_imports_of_a_library_raise(capsys):
    with pytest.raises(KeyboardInterrupt), importing("nanospeech_mlx", "prog"):
        send(signal.SIGINT)
    assert capsys.readouterr() == ("", "")


def test_handlers_of_others_stay(capsys):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("theirs"))
    try:

        @command("prog")
        def main(argv, prog) -> int:
            send(signal.SIGINT)
            return 0

        assert main() == 0 and seen == ["theirs"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_runs_in_a_thread():
    codes = []
    thread = threading.Thread(target=lambda: codes.append(command("prog")(lambda argv, prog: 7)([])))
    thread.start()
    thread.join()
    assert codes == [7]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("nanospeech_mlx.generate", "argparse"),
        ("nanospeech_mlx.generate", "numpy"),
        ("nanospeech_mlx.generate", "mlx.core"),
        ("nanospeech_mlx.chat", "numpy"),
        ("nanospeech_torch.generate", "torch._C"),
        ("nanospeech_torch.prepare", "argparse"),
        ("convert", "numpy"),
    ],
)
def test_ctrl_c_while_a_command_is_imported(name, moment):
    """`-X importtime` reports each import on stderr: the signal is sent at that moment."""
    needed = "torch" if "torch" in name else "mlx"
    pytest.importorskip("torch" if needed == "torch" else "mlx.core")
    argv = {"convert": ["inspect", "embedded"], "nanospeech_torch.prepare": ["none.tar", "-o", "none"]}
    argv = argv.get(name, ["--list-voices"])
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", name, *argv],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
    )
    lines, sent = [], False
    for line in process.stderr:
        if not sent and line.rstrip().endswith(f" {moment}"):
            process.send_signal(signal.SIGINT)
            sent = True
        if not line.startswith("import time:"):
            lines.append(line)
    process.wait()
    process.stderr.close()
    assert sent, f"{moment} is not imported"
    assert len(lines) == 1 and re.fullmatch(r"[\w. -]+: interrupted\n", lines[0]), "".join(lines)
    # Python ends itself by the signal where it came in code from a string (a namedtuple): shells see 130 too
    assert process.returncode in (130, -signal.SIGINT)
