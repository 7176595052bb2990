"""Signals that stop a run."""

import os
import signal
import time

import pytest

pytest.importorskip("torch")

from nanospeech_torch.training.engine import runtime


def test_the_first_signal_is_noted_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGTERM)
    with runtime.stop_signals() as received:
        os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
    assert signal.getsignal(signal.SIGTERM) is before
