"""Checks in another process: crashes, hangs, prints and exceptions stay there."""

import os
import time

import pytest

from nanospeech_core.doctor import isolation
from nanospeech_core.doctor.finding import NOTE, OK, WRONG, Check, Finding

# This file is imported there too, under this name.
HERE = "doctor_isolation_checks"
CODE = """
import os, sys, time
from nanospeech_core.doctor.finding import OK, Finding
from nanospeech_core.errors import UserError

def good(word="good"):
    return Finding(OK, f"{word} in {os.getpid()}", "", {"pid": os.getpid()})

def prints():
    print("to standard output"); os.write(1, b"past Python\\n"); sys.stderr.write("to stderr\\n")
    return good("printed")

def reads():
    return good(repr(sys.stdin.read()))

def raises():
    raise ValueError("no\\nnumber")

def refuses():
    raise UserError("it is missing: install it")

def crashes():
    print("before the crash", file=sys.stderr, flush=True)
    os.abort()

def leaves():
    os._exit(3)

def hangs():
    time.sleep(600)

def late():
    time.sleep(0.3)
    return good()
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """A function that makes a check of the functions above."""
    (tmp_path / f"{HERE}.py").write_text(CODE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(isolation, "SLICE", 0.02)

    def make(function: str, *arguments: str, limit: float = 30, needs: str = "") -> Check:
        return Check(function, f"{HERE}:{function}", limit, "do this", arguments, needs)

    return make


def run(*checks: Check, **options) -> list[Finding]:
    return list(isolation.run_checks(checks, **options))


@pytest.mark.slow
def test_all_run_in_one_other_process(check):
    first, second, end = run(check("good"), check("good", "very good"))
    assert first.status == second.status == end.status == OK
    assert first.values["pid"] == second.values["pid"] != os.getpid()
    assert second.text.startswith("very good in") and second.name == "good"
    assert end.name == "exit" and end.values == {"exit_code": 0}


@pytest.mark.slow
def test_what_is_printed_is_no_answer(check, capfd):
    printed, read, _ = run(check("prints"), check("reads"))
    assert printed.status == OK and printed.text.startswith("printed in")
    assert read.text.startswith("'' in")
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_an_exception_is_a_finding(check):
    raised, refused, good, end = run(check("raises"), check("refuses"), check("good"))
    assert (raised.status, raised.text, raised.advice) == (WRONG, "ValueError: no number", "do this")
    assert raised.values["traceback"][-2].endswith("ValueError: no") and "def" not in raised.values
    assert (refused.text, refused.advice, refused.values) == ("it is missing: install it", "do this", {})
    assert good.status == end.status == OK


@pytest.mark.slow
def test_a_crash_ends_no_other_check(check):
    before, crashed, after, left, end = run(*map(check, ("good", "crashes", "good", "leaves")))
    assert (crashed.status, crashed.text) == (WRONG, "it ended its process (SIGABRT)")
    assert crashed.values["exit_code"] == -6 and "before the crash" in crashed.values["stderr"]
    assert crashed.advice == "do this"
    assert after.status == OK and after.values["pid"] != before.values["pid"]
    assert left.text == "it ended its process (exit code 3)"
    assert (end.name, end.status) == ("exit", NOTE)


@pytest.mark.slow
def test_a_hanging_check_is_ended(check):
    started = time.monotonic()
    hung, good, end = run(check("hangs", limit=1), check("good"))
    assert time.monotonic() - started < 60
    assert hung.text == "no answer within 1 s: it hangs, or the machine is very busy"
    assert (hung.status, hung.advice, hung.seconds) == (WRONG, "do this", 1)
    assert good.status == end.status == OK


@pytest.mark.slow
def test_what_needs_a_failed_check_is_not_run(check):
    _, skipped, good, _ = run(check("raises"), check("hangs", needs="raises"), check("good", needs="hangs"))
    assert (skipped.status, skipped.name) == (NOTE, "hangs")
    assert skipped.text == "not checked, because of what is wrong with raises"
    assert good.status == OK


@pytest.mark.slow
def test_the_limit_of_all(check):
    _, skipped, _ = run(check("late"), check("good"), total=0.1)
    assert skipped.status == WRONG and skipped.text.startswith("not checked: the checks before took more")


@pytest.mark.slow
def test_nothing_is_left_when_the_caller_stops(check):
    checks = isolation.run_checks([check("good"), check("hangs")])
    pid = next(checks).values["pid"]
    checks.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_exit_codes_in_words():
    assert isolation.describe(1) == "exit code 1" and isolation.describe(-9) == "SIGKILL"
    assert isolation.describe(-99) == "signal 99"


def test_time_does_not_count_while_both_processes_are_stopped():
    assert sum(isolation._slices(2)) == 2
