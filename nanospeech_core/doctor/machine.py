"""The machine: processor, memory, load; and the environment variables that matter."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

from ..evaluation.environment import environment
from ..system.parallel import cpus
from .finding import NOTE, OK, Finding

BUSY = 0.5  # load average per CPU; above it, times are not reliable
LITTLE = 1.0  # GB of free memory; speaking takes about 0.5
# Instructions that make products of 8-bit and bfloat16 numbers, and of vectors, fast: in /proc/cpuinfo of
# x86-64 and of Arm, and (FEAT_...) as sysctl names them on a Mac.
INSTRUCTIONS = (
    *("avx", "avx2", "fma", "f16c", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16"),
    *("amx_tile", "amx_int8", "amx_bf16", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2"),
    "sme",
)
FEATURES = ("FEAT_FP16", "FEAT_DotProd", "FEAT_I8MM", "FEAT_BF16", "FEAT_SME", "FEAT_SME2")
SETTINGS = (
    *("MLX_", "NANOSPEECH_", "OMP_", "KMP_", "GOMP_", "OPENBLAS_", "MKL_", "VECLIB_", "METAL_", "MTL_"),
    *("CUDA_", "NVIDIA_", "PYTORCH_", "TORCH_", "HF_", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"),
    *("PYTHONUTF8", "PYTHONIOENCODING", "LANG", "LC_ALL", "LC_CTYPE"),
)
SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD", "PROXY", "URL", "ENDPOINT")


def check_machine() -> Finding:
    """Processor, instructions, cores, memory and load."""
    machine = environment()["machine"]
    values = {
        "processor": machine["processor"],
        "cores": machine["cpus"],
        "usable_cores": cpus(),
        "quota_cores": cpu_quota(),
        "instructions": instructions(),
        "memory_gb": machine["memory_gb"],
        "free_memory_gb": free_memory(machine["memory_gb"]),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    cores = f"{values['usable_cores']} of {values['cores']} cores"
    if values["quota_cores"] is not None:
        cores += f" (time of {values['quota_cores']:g})"
    free, load = values["free_memory_gb"], values["load_average"]
    memory = f"{values['memory_gb']} GB of memory" + (f", {free} free" if free is not None else "")
    found = " ".join(values["instructions"]) or "instructions unknown"
    text = f"{values['processor']} ({found}); {cores}; {memory}"
    if load is not None:
        text += f"; load {load:.1f}"
    if load is not None and load > BUSY * values["usable_cores"]:
        advice = "the machine is busy: close other programs before you trust the times"
        return Finding(NOTE, text, advice, values)
    if free is not None and free < LITTLE:
        return Finding(NOTE, text, "little memory is free: close other programs", values)
    return Finding(OK, text, "", values)


def check_settings() -> Finding:
    """The environment variables that change what the libraries do; none that may hold a secret."""
    values = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(SETTINGS) and not any(part in name.upper() for part in SECRET)
    }
    shown = ", ".join(f"{name}={value}" for name, value in values.items())
    return Finding(OK, shown or "no environment variables that matter", "", values)


def instructions() -> list[str]:
    """Which of `INSTRUCTIONS` (on a Mac, `FEATURES`) the processor has; [] if the system does not say."""
    if platform.system() == "Darwin":
        return [name for name in FEATURES if _sysctl(f"hw.optional.arm.{name}") == "1"]
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, words = line.partition(":")
            if key.strip() in ("flags", "Features"):
                found = set(words.split())
                return [name for name in INSTRUCTIONS if name in found]
    return []


def cpu_quota() -> float | None:
    """The cores' time that a container may use (cgroup v2); None: no limit, or none that is known."""
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        return round(int(quota) / int(period), 2)  # "max" is no number
    return None


def free_memory(total: float | None) -> float | None:
    """Gigabytes (10^9 bytes) that programs can still take; None if the system does not say."""
    if platform.system() == "Darwin":  # a percentage
        level = _sysctl("kern.memorystatus_level")
        return round(int(level) / 100 * total, 1) if total and level.isdecimal() else None
    free = []
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
    with suppress(OSError, ValueError):  # a container's limit
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text(encoding="utf-8"))
        free.append(limit - int((group / "memory.current").read_text(encoding="utf-8")))
    return round(min(free) / 1e9, 1) if free else None


def _sysctl(name: str) -> str:
    """A value of a Mac's kernel; "" if there is none."""
    try:
        done = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
