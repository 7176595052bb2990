"""Audio files, and audio devices that are faked: this machine may have none."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import soxr

from nanospeech_core.doctor import sound
from nanospeech_core.doctor.finding import NOTE, OK, WRONG

DEVICE = {"name": "Anna's AirPods", "hostapi": 0, "max_output_channels": 2, "default_samplerate": 44100.0}


class PortAudioError(Exception):
    pass


def fake(devices, default=DEVICE, rates=(24000, 44100)):
    """A module sounddevice with these output devices."""

    def query_devices(kind=None):
        if kind is None:
            return devices
        if default is None:
            raise PortAudioError("Error querying device -1")
        return default

    def check_output_settings(samplerate, channels, dtype):
        if (channels, dtype) != (1, "float32") or samplerate not in rates:
            raise PortAudioError("Invalid sample rate")

    return SimpleNamespace(
        PortAudioError=PortAudioError,
        query_devices=query_devices,
        query_hostapis=lambda number: {"name": "Core Audio"},
        check_output_settings=check_output_settings,
        get_portaudio_version=lambda: (1246976, "PortAudio V19.7.0"),
    )


def check(monkeypatch, module):
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return sound.check_devices()


def test_a_machine_with_sound(monkeypatch):
    finding = check(monkeypatch, fake([DEVICE, {**DEVICE, "max_output_channels": 0}]))
    assert finding.status == OK and "AirPods" not in f"{finding}"
    assert finding.text == (
        "PortAudio V19.7.0; 1 outputs, the default one by Core Audio with 2 channels at 44100 Hz, "
        "plays 24000 Hz"
    )
    assert finding.values["default"]["rates"] == [24000, 44100]


def test_a_device_that_does_not_play_our_rate(monkeypatch):
    finding = check(monkeypatch, fake([DEVICE], rates=(44100,)))
    assert finding.status == WRONG and finding.text.endswith("does not play 24000 Hz")
    assert finding.advice.startswith("choose another output device")


@pytest.mark.parametrize("module", [fake([]), fake([DEVICE], default=None)], ids=["none", "no default"])
def test_a_server_without_a_device(monkeypatch, module):
    finding = check(monkeypatch, module)
    assert finding.status == NOTE and finding.text == "PortAudio V19.7.0: there is no output device"
    assert finding.advice.endswith("or write a file with --output")


@pytest.mark.parametrize(
    ("error", "missing", "advice"),
    [
        (OSError("PortAudio library not found"), "PortAudio", "apt-get install libportaudio2"),
        (ImportError("No module named sounddevice"), "the package sounddevice", "pip install sounddevice"),
    ],
    ids=["PortAudio", "sounddevice"],
)
def test_what_is_missing(monkeypatch, tmp_path, error, missing, advice):
    (tmp_path / "sounddevice.py").write_text(f"raise {error!r}", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    finding = sound.check_devices()
    assert finding.status == NOTE and finding.text == f"no sound can be played: {missing} is missing"
    assert finding.advice.startswith(advice)
    monkeypatch.setattr(sys, "platform", "darwin")
    finding = sound.check_devices()
    assert finding.status == WRONG and finding.advice.startswith("pip install --force-reinstall sounddevice")


def test_files():
    finding = sound.check_files()
    assert finding.status == OK and finding.values["libsndfile"] == soundfile.__libsndfile_version__


def test_a_libsndfile_without_mp3_and_a_broken_resampler(monkeypatch):
    true = soundfile.write

    def write(file, data, rate, format, subtype):
        if format == "MP3":
            raise soundfile.LibsndfileError(1)
        true(file, 0 * data if format == "FLAC" else data, rate, format=format, subtype=subtype)

    monkeypatch.setattr(soundfile, "write", write)
    monkeypatch.setattr(soxr, "resample", lambda wave, *rates: np.zeros(2400))
    finding = sound.check_files()
    assert finding.status == WRONG and finding.advice == "pip install --force-reinstall soundfile soxr"
    assert set(finding.values["errors"]) == {"MP3", "FLAC", "resampling"}
