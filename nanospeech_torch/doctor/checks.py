"""What `doctor` checks on PyTorch: the device, its products, and what speaks."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from nanospeech_core.doctor.finding import NOTE, OK, WRONG, Finding

from ..load import load as load_checkpoint

if TYPE_CHECKING:
    from nanospeech_core.doctor.networks import DoctorBackend

    from ..nanospeech import Nanospeech

SIZE, RUNS = 512, 4  # of the matrices whose product is timed; the best run counts
MANY = 64  # products on a GPU, which takes longer to begin than to compute one


def check_device() -> Finding:
    """Whether PyTorch can be imported and computes; on which device."""
    from nanospeech_core.system.install import pip_install

    started = time.perf_counter()
    try:
        import torch
    except (ImportError, OSError) as error:
        text = f"PyTorch cannot be imported: {' '.join(str(error).split())}"
        return Finding(WRONG, text, pip_install("torch"))
    importing = time.perf_counter() - started
    on_gpu = torch.cuda.is_available()
    total = torch.arange(10, device="cuda" if on_gpu else "cpu").sum().item()
    devices = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count() if on_gpu else 0)]
    values = {
        "version": torch.__version__,
        "cuda": torch.version.cuda,
        "mps": torch.backends.mps.is_available(),
        "devices": [
            {
                "name": device.name,
                "capability": f"{device.major}.{device.minor}",
                "memory_gb": round(device.total_memory / 1e9, 1),
            }
            for device in devices
        ],
        "threads": torch.get_num_threads(),
        "import": importing,
    }
    name = f"CUDA: {devices[0].name}" if on_gpu else "CPU"
    text = f"PyTorch {torch.__version__} on {name}"
    if total != 45:
        text += f": 0 + 1 + ... + 9 is {total}"
        return Finding(WRONG, text, "restart the machine, and try again", values)
    if not on_gpu and Path("/dev/nvidia0").exists():
        advice = "install a PyTorch that is built for CUDA, and a driver that is new enough for it"
        return Finding(NOTE, f"{text}, not on the GPU of NVIDIA", advice, values)
    return Finding(OK, text, "", values)


def check_products() -> Finding:
    """Which libraries multiply float32 matrices, and how fast."""
    import torch

    a = torch.full((SIZE, SIZE), 1 / SIZE, device="cpu" if exact() else "cuda")  # its square is the same
    count = 1 if exact() else MANY
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        product = a
        for _ in range(count):
            product = product @ a.T
        product[0, 0].item()
        times.append(time.perf_counter() - started)
    gflops = count * 2 * SIZE**3 / min(times) / 1e9
    found = {
        "cuBLAS": not exact(),
        "MKL": torch.backends.mkl.is_available(),
        "oneDNN": torch.backends.mkldnn.is_available(),
    }
    libraries = [library for library, there in found.items() if there]
    capability = torch.backends.cpu.get_cpu_capability()
    values = {"libraries": libraries, "instructions": capability, "gflops": gflops}
    text = f"{', '.join(libraries) or 'no BLAS'}; {capability}; {gflops:.0f} GFLOP/s in float32"
    return Finding(OK, text, "", values)


def load(precision: str) -> Nanospeech:
    """The embedded model in a precision, ready to speak."""
    return load_checkpoint(None, precision=precision)


def exact() -> bool:
    """Whether float32 products have the precision of float32: a GPU may use TF32."""
    import torch

    return not torch.cuda.is_available()


def lacks(precision: str) -> str:
    """Why this device cannot compute in a precision; "" if it can."""
    import torch

    if precision == "bfloat16" and torch.cuda.is_available() and not torch.cuda.is_bf16_supported():
        return "this GPU has no bfloat16"
    return ""


def backend() -> DoctorBackend:
    """What `nanospeech_core.doctor.networks` needs of PyTorch."""
    from nanospeech_core.doctor.networks import DoctorBackend

    advice = "torch.backends.cudnn.allow_tf32 = False makes convolutions exact, and slower"
    return DoctorBackend(load, exact, lacks, advice)
