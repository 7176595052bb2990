"""What `nanospeech-mar doctor` compares with: `python tests/helpers/doctor_golden.py` writes it.

Run it after a change of the embedded model, or of how its sentence is spoken. It needs PyTorch, on a CPU.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from nanospeech_core.checkpoints.folder import PRETRAINED
from nanospeech_core.checkpoints.tensors import save_tensors
from nanospeech_core.doctor import golden, storage


def golden_values() -> tuple[dict[str, np.ndarray], str]:
    """The tensors of `golden.FILE`, by PyTorch in float32 on a CPU, and the sentence's phonemes."""
    from nanospeech_torch import Nanospeech

    model = Nanospeech.from_pretrained()
    values = {
        name: golden.keep(network(model))
        for name, network in (golden.NETWORKS | golden.MORE_NETWORKS).items()
    }
    values = {name: value.astype(np.float32) for name, value in values.items()}
    frames = []
    predict = model.predict_frames
    model.predict_frames = lambda *arguments, **speed: (
        frames.append(predict(*arguments, **speed)) or frames[-1]
    )
    speech = list(model.speak(golden.SENTENCE, **golden.OPTIONS))
    (values["frames"],) = frames
    values["mel"] = golden.coarse_mel(np.concatenate([part.wave for part in speech]))
    return values, "".join(phone.text for part in speech for phone in part.phones)


def checksums() -> str:
    """The lines of `storage.CHECKSUMS`: the model's and the voices' files, not the model card."""
    files = [path for path in sorted(PRETRAINED.rglob("*")) if path.is_file() and path.suffix != ".md"]
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(PRETRAINED).as_posix()}\n"
        for path in files
    )


if __name__ == "__main__":
    tensors, phonemes = golden_values()
    save_tensors(golden.FILE, tensors, {"phonemes": json.dumps(phonemes)})
    storage.CHECKSUMS.write_text(checksums(), encoding="utf-8")
