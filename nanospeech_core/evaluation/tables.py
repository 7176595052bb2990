"""How an evaluation or a benchmark is told: its table, and when and where it was made."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("nanospeech-mar", "torch", "mlx", "numpy", "faster-whisper", "ctranslate2", "jiwer", "resemblyzer"),
    *("speechmos", "onnxruntime", "librosa", "opencc"),
)
# Title, key of a summary, digits behind the point.
COLUMNS = (
    ("WER %", "wer", 1),
    ("CER %", "cer", 1),
    ("similarity", "similarity", 3),
    ("to voice", "similarity_voice", 3),
    ("DNSMOS", "dnsmos", 2),
    ("F0 sd, st", "f0_sd", 2),
    ("level sd, dB", "energy_sd", 2),
    ("RTF", "real_time_factor", 2),
)


def table(results: Sequence[dict]) -> str:
    """Aligned columns, a line for each summary; a column that none of them has is left out."""
    columns = [column for column in COLUMNS if any(column[1] in result for result in results)]
    lines = [["setting", "texts", *(title for title, _, _ in columns)]]
    for result in results:
        cells = [result["setting"], str(result["count"])]
        for _, key, digits in columns:
            cell = f"{result[key]:.{digits}f}" if key in result else "-"
            if f"{key}_ci" in result:
                low, high = result[f"{key}_ci"]
                cell += f" ({low:.{digits}f} to {high:.{digits}f})"
            cells.append(cell)
        lines.append(cells)
    return aligned(lines)


def aligned(lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of as many cells each, in columns; the first `left` columns are flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i >= left else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def surroundings() -> dict:
    """When and where this is measured."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cpus": os.cpu_count(),
            "memory_gb": _memory(),
            "python": platform.python_version(),
        },
        "versions": {name: found for name in PACKAGES if (found := _installed(name)) is not None},
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


def _memory() -> float | None:
    """Gigabytes (10^9 bytes) of this machine; None where they cannot be asked for."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
