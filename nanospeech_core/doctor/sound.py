"""Audio files and audio devices. Nothing is played."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np

from ..audio.mel import SAMPLE_RATE
from ..audio.player import load_sounddevice
from ..errors import UserError
from .finding import NOTE, OK, WRONG, Finding

RATES = (SAMPLE_RATE, 44100, 48000)  # Hz
FILE_INSTEAD = "or write a file with --output"


def check_files() -> Finding:
    """Whether libsndfile writes and reads audio, and libsoxr resamples it."""
    import soundfile
    import soxr

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4800) / 48000)
    errors = {}
    for kind, subtype in (
        ("WAV", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("MP3", "MPEG_LAYER_III"),
    ):
        file = io.BytesIO()
        try:
            soundfile.write(file, tone, 48000, format=kind, subtype=subtype)
            file.seek(0)
            read = soundfile.read(file)[0]
            if len(read) < len(tone) or not 0.2 < np.abs(read[1000:3000]).max() < 0.8:
                errors[kind] = "it is read otherwise than it was written"
        except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
            errors[kind] = " ".join(str(error).split())
    resampled = soxr.resample(tone, 48000, SAMPLE_RATE)
    if not 0.4 < np.abs(resampled).max() < 0.6:
        errors["resampling"] = "the result has another level"
    values = {"libsndfile": soundfile.__libsndfile_version__, "soxr": soxr.__version__, "errors": errors}
    if errors:
        listed = "; ".join(f"{kind}: {error}" for kind, error in errors.items())
        return Finding(WRONG, listed, "pip install --force-reinstall soundfile soxr", values)
    return Finding(OK, "WAV, FLAC, Ogg and MP3 are written and read; 48 kHz is resampled", "", values)


def check_devices() -> Finding:
    """The device that would play, and its sample rates. A server without one needs none."""
    values: dict[str, Any] = {"portaudio": "", "outputs": 0, "default": None}
    try:
        sounddevice = load_sounddevice()
    except UserError as error:
        if "PortAudio" in str(error):
            missing, advice = "PortAudio", f"apt-get install libportaudio2, {FILE_INSTEAD}"
        else:
            missing, advice = "the package sounddevice", f"pip install sounddevice, {FILE_INSTEAD}"
        status = NOTE
        if sys.platform == "darwin":  # there sounddevice brings PortAudio
            status, advice = WRONG, f"pip install --force-reinstall sounddevice, {FILE_INSTEAD}"
        return Finding(status, f"no sound can be played: {missing} is missing", advice, values)
    values["portaudio"] = sounddevice.get_portaudio_version()[1]
    try:
        devices = sounddevice.query_devices()
        values["outputs"] = sum(device["max_output_channels"] > 0 for device in devices)
        default = sounddevice.query_devices(kind="output") if values["outputs"] else None
    except (sounddevice.PortAudioError, ValueError):  # there is none
        default = None
    if default is None:
        text = f"{values['portaudio']}: there is no output device"
        return Finding(NOTE, text, f"connect one to play sound, {FILE_INSTEAD}", values)
    # No name: "Anna's AirPods" is private.
    values["default"] = {
        "host": sounddevice.query_hostapis(default["hostapi"])["name"],
        "channels": default["max_output_channels"],
        "rate": default["default_samplerate"],
        "rates": [rate for rate in RATES if _plays(sounddevice, rate)],
    }
    host, rates = values["default"]["host"], values["default"]["rates"]
    text = (
        f"{values['portaudio']}; {values['outputs']} outputs, the default one by {host} with "
        f"{values['default']['channels']} channels at {values['default']['rate']:g} Hz"
    )
    if SAMPLE_RATE not in rates:
        advice = f"choose another output device in the system's settings, {FILE_INSTEAD}"
        return Finding(WRONG, f"{text}, does not play {SAMPLE_RATE} Hz", advice, values)
    return Finding(OK, f"{text}, plays {SAMPLE_RATE} Hz", "", values)


def _plays(sounddevice: Any, rate: int) -> bool:
    """Whether the default device takes what the player gives it, at this rate."""
    try:
        sounddevice.check_output_settings(samplerate=rate, channels=1, dtype="float32")
    except (sounddevice.PortAudioError, ValueError):
        return False
    return True
