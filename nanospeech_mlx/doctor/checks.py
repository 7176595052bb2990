"""What `doctor` checks on MLX: the device, its products, and what speaks."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from nanospeech_core.doctor.finding import NOTE, OK, WRONG, Finding

from ..load import import_backend
from ..load import load as load_checkpoint

if TYPE_CHECKING:
    from nanospeech_core.doctor.networks import DoctorBackend

    from ..nanospeech import Nanospeech

SIZE, RUNS = 512, 4  # of the matrices whose product is timed; the best run counts
MANY = 64  # products on a GPU, which takes longer to begin than to compute one


def check_device() -> Finding:
    """Whether MLX can be imported and computes; on which device."""
    from nanospeech_core.system.install import mlx_advice

    started = time.perf_counter()
    try:
        import mlx.core as mx
    except (ImportError, OSError) as error:
        return Finding(WRONG, f"MLX cannot be imported: {' '.join(str(error).split())}", mlx_advice())
    importing = time.perf_counter() - started
    total = mx.arange(10).sum().item()  # a device that cannot compute fails here
    version: str = mx.__version__  # type: ignore[attr-defined]  # its stubs lack it
    info = dict(mx.device_info())
    values = {
        "version": version,
        "device": str(mx.default_device()),
        "metal": mx.metal.is_available(),
        "info": info,
        "import": importing,
    }
    on_gpu = mx.default_device() == mx.gpu
    kind = ("Metal" if values["metal"] else "CUDA") if on_gpu else "CPU"
    name = info.get("device_name", "")
    text = f"MLX {version} on {kind}" + (f": {name}" if name else "")
    if total != 45:
        text += f": 0 + 1 + ... + 9 is {total}"
        return Finding(WRONG, text, "restart the machine, and try again", values)
    if not on_gpu and sys.platform == "darwin":
        return Finding(NOTE, f"{text}, not on the GPU", "macOS 14 or newer, and no virtual machine", values)
    if not on_gpu and Path("/dev/nvidia0").exists():
        return Finding(NOTE, f"{text}, not on the GPU of NVIDIA", mlx_advice(), values)
    return Finding(OK, text, "", values)


def check_products() -> Finding:
    """Which library multiplies float32 matrices, and how fast."""
    import os
    import warnings

    import mlx.core as mx

    from ..device.blas import use_fast_blas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is the finding
        path = use_fast_blas()
    a = mx.full((SIZE, SIZE), 1 / SIZE)  # the product with itself is the same
    count = 1 if exact() else MANY
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        product = a
        for _ in range(count):
            product = product @ a.T
        mx.eval(product)
        times.append(time.perf_counter() - started)
    gflops = count * 2 * SIZE**3 / min(times) / 1e9
    library = Path(path).name if path else "MLX's own"
    values = {"library": library, "gflops": gflops}
    text = f"{library}, {gflops:.0f} GFLOP/s in float32"
    if path or sys.platform != "linux" or not exact():
        return Finding(OK, text, "", values)
    if os.environ.get("NANOSPEECH_BLAS") == "0":
        advice = "unset NANOSPEECH_BLAS: speech is slow with it"
        return Finding(NOTE, f"{text}: NANOSPEECH_BLAS=0 is set", advice, values)
    advice = "pip install scipy-openblas32: speech takes about 14 times as long without it"
    return Finding(WRONG, f"{text}: no fast BLAS is installed", advice, values)


def load(precision: str) -> Nanospeech:
    """The embedded model in a precision, or with weights of 8 bits, ready to speak."""
    import mlx.core as mx

    from nanospeech_core.checkpoints.folder import PRETRAINED
    from nanospeech_core.doctor.networks import QUANTIZED, quantized_checkpoint

    if precision == QUANTIZED:
        config, tensors = quantized_checkpoint()
        model = import_backend().from_config(config)
        model.set_weights(tensors, PRETRAINED)
        model.folder = PRETRAINED
        model = model.eval()
    else:
        model = load_checkpoint(None, precision=precision)
    mx.eval(model.parameters())
    return model


def exact() -> bool:
    """Whether float32 products have the precision of float32: a GPU may use TF32."""
    from ..device import kernels

    return not kernels.on_gpu()


def lacks(precision: str) -> str:
    """Why this device cannot compute in a precision; "" if it can. MLX can in all of them."""
    return ""


def backend() -> DoctorBackend:
    """What `nanospeech_core.doctor.networks` needs of MLX."""
    from nanospeech_core.doctor.networks import DoctorBackend

    return DoctorBackend(load, exact, lacks, "MLX_ENABLE_TF32=0 makes float32 exact, and slower")
