"""What a run shows in a terminal."""

import io
import sys

import pytest

pytest.importorskip("torch")

from nanospeech_torch.training.monitoring.lines import ProgressBar, format_entry, format_time


def test_numbers_have_their_units():
    entry = {
        "step": 20,
        "flow": 0.51234,
        "steps_per_s": 1.234,
        "audio_hours_per_hour": 95.12,
        "lr": 4e-4,
        "memory_gb": 1.2345,
        "minutes": 2.0,
        "minutes_left": 28.04,
        "wer_masked": 12.5,
        "skipped": {"too short": 3},
    }
    assert format_entry(entry) == (
        "step 20 flow 0.5123 wer_masked 12.5 % skipped 3 (too short) 1.23 steps/s 95.1 h of audio/h "
        "learning rate 0.0004 1.23 GB of memory 2.0 min 28.0 min left"
    )
    assert format_entry({"parameters": 10_412_345}) == "10.4 million parameters"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3725.0, "1:02:05")])
def test_times(seconds, text):
    assert format_time(seconds) == text


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_the_bar_shows_the_time_that_is_left(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "80")
    with ProgressBar(shown=True) as bar:
        bar.speed = ", 95 h of audio/h"
        bar.update(30, 0.25, 600.0)
    assert (
        " 25%|" in sys.stderr.getvalue() and "step 30, 30:00 left, 95 h of audio/h" in sys.stderr.getvalue()
    )


@pytest.mark.parametrize(("terminal", "shown"), [(Terminal, False), (io.StringIO, True)])
def test_no_bar_in_a_file_or_in_other_processes(monkeypatch, terminal, shown):
    monkeypatch.setattr(sys, "stderr", terminal())
    with ProgressBar(shown) as bar:
        bar.update(30, 0.25, 600.0)
    assert sys.stderr.getvalue() == ""
