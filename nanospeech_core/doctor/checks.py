"""The table of checks, in the order in which they run. The standard library only."""

from __future__ import annotations

from .finding import Check

REPORT = "report this, with the output of --json"
REINSTALL = "install the package and what it needs again"
PRECISIONS = {"mlx": ("float32", "float16", "bfloat16", "8-bit"), "torch": ("float32", "float16", "bfloat16")}
TITLES = {"mlx": "MLX", "torch": "PyTorch"}
# Seconds, many times what a check takes on an idle machine.
SHORT, LONG = 20.0, 60.0

_HERE = __name__.rpartition(".")[0]


def checks_for(backend: str) -> list[Check]:
    """The checks with a backend of `BACKENDS`."""
    package = f"nanospeech_{backend}.doctor.checks"
    return [
        Check("package", f"{_HERE}.software:check_package", SHORT, REINSTALL),
        Check("dependencies", f"{_HERE}.software:check_dependencies", SHORT, REINSTALL),
        Check("extras", f"{_HERE}.software:check_extras", SHORT, REINSTALL),
        Check("machine", f"{_HERE}.machine:check_machine", SHORT, REPORT),
        Check("environment", f"{_HERE}.machine:check_settings", SHORT, REPORT),
        Check("embedded-model", f"{_HERE}.storage:check_embedded", SHORT, REINSTALL),
        Check("folders", f"{_HERE}.storage:check_folders", SHORT, "see whether a disk has failed or is full"),
        Check("hub-cache", f"{_HERE}.storage:check_hub", SHORT, "pip install --upgrade huggingface_hub"),
        Check(
            "english",
            f"{_HERE}.reading:check_english",
            SHORT,
            "pip install --force-reinstall espeakng-loader",
        ),
        Check(
            "chinese",
            f"{_HERE}.reading:check_chinese",
            SHORT,
            "pip install --force-reinstall rjieba pypinyin opencc",
        ),
        Check(
            "audio-files",
            f"{_HERE}.sound:check_files",
            SHORT,
            "pip install --force-reinstall soundfile soxr",
        ),
        Check(
            "audio-devices",
            f"{_HERE}.sound:check_devices",
            SHORT,
            "see whether other programs play sound; write a file with --output until then",
        ),
        Check("device", f"{package}:check_device", LONG, f"install {TITLES[backend]} again, or {REPORT}"),
        Check("products", f"{package}:check_products", LONG, REPORT, needs="device"),
        Check(
            "golden-values",
            f"{_HERE}.networks:check_golden",
            LONG,
            REPORT,
            arguments=(backend,),
            needs="device",
        ),
        *(
            Check(
                precision,
                f"{_HERE}.networks:check_precision",
                LONG,
                f"use another precision than {precision}, and {REPORT}",
                arguments=(backend, precision),
                needs="device",
            )
            for precision in PRECISIONS[backend]
        ),
    ]
