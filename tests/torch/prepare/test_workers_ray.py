"""Preparing on a Ray cluster of two workers: the same bytes as here, also when workers are killed."""

import importlib.util
import os
import signal

import commands
import preparations
import pytest
from preparations import contents, settings, tones, write_shard

from nanospeech_core.cluster.parts import Part
from nanospeech_core.errors import UserError
from nanospeech_torch.prepare.dataset import prepare
from nanospeech_torch.prepare.durations import AlignerSource
from nanospeech_torch.prepare.parts.join import join
from nanospeech_torch.prepare.parts.part import prepare_part

pytest.importorskip("soundfile")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray, of the extra [cluster]"),
]


class KilledAligner(preparations.EvenAligner):
    """Its worker is killed at the first `times` utterances, in the middle of its work."""

    def __init__(self, folder, times=3):
        self.folder, self.times = folder, times

    def align(self, mel, ids):
        found = len(list(self.folder.iterdir()))
        if found < self.times:
            (self.folder / f"{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().align(mel, ids)


def test_a_killed_worker_loses_nothing(tmp_path, source):
    bare = write_shard(tmp_path / "bare.tar", [(f"b{id}", a, m) for id, a, m in tones(6, 1, durations=False)])
    arguments = settings(source, bare)
    even = AlignerSource(loaded=preparations.EvenAligner())
    whole = prepare(arguments, tmp_path / "whole", 0, even)
    (tmp_path / "killed").mkdir()
    killed = AlignerSource(loaded=KilledAligner(tmp_path / "killed"))
    assert prepare(arguments, tmp_path / "out", 2, killed, engine="ray") == whole
    assert len(list((tmp_path / "killed").iterdir())) >= 3
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    for number in (1, 2):
        prepare_part(arguments, tmp_path / "parts", Part(number, 2), 2, even, engine="ray")
    assert join([tmp_path / "parts"], tmp_path / "joined") == whole


def test_a_recording_that_kills_its_workers_is_rejected(tmp_path):
    utterances = tones(6, durations=False)
    shard = write_shard(tmp_path / "in.tar", utterances)
    deadly = AlignerSource(loaded=preparations.DeadlyAligner(len(utterances[2][2]["phonemes"])))
    local = prepare(settings(shard), tmp_path / "local", 1, deadly)
    report = prepare(settings(shard), tmp_path / "out", 2, deadly, engine="ray")
    assert report == local and report["rejected"]["reasons"][0]["reason"] == "a worker process dies of it"
    assert contents(tmp_path / "out") == contents(tmp_path / "local")


def test_what_all_recordings_miss_is_one_sentence(tmp_path):
    shard = write_shard(tmp_path / "in.tar", tones(3, durations=False))
    with pytest.raises(UserError) as caught:
        prepare(settings(shard), tmp_path / "out", 2, preparations.NoAligner(), engine="ray")
    assert str(caught.value) == "there is no aligner"


def test_the_command(tmp_path, source):
    module, flags = "nanospeech_torch.prepare", [source, "--shard-size", 4, "--workers", 2]
    done = commands.in_a_process(module, *flags, "--engine", "ray", "-o", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    whole = commands.in_a_process(module, *flags, "-o", tmp_path / "whole")
    assert done.out == whole.out and contents(tmp_path / "out") == contents(tmp_path / "whole")
