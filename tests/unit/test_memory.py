"""Long texts: what is spoken is not kept."""

import tracemalloc

import pytest
from backends import NAMES, Backend
from checkpoints import write_checkpoint


@pytest.mark.parametrize("stream", [False, True], ids=["sentences", "chunks"])
@pytest.mark.parametrize("name", NAMES)
def test_memory_is_flat(tmp_path, name, stream):
    """After 10 sentences as after 30: within 200 kB of Python's objects and of MLX's arrays."""
    backend = Backend(name)
    model = backend.module("nanospeech").Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    text = " ".join(f"This is sentence number {n} of the long text." for n in range(30))
    held, arrays, sentences, wave = [], [], 0, 0
    tracemalloc.start()
    try:
        for speech in model.speak(text, use_diffusion=True, num_iter=2, stream=stream):
            sentences += bool(speech.text)
            wave += speech.wave.nbytes
            if speech.text and sentences in (10, 30):
                held.append(tracemalloc.get_traced_memory()[0])
                if name == "mlx":
                    arrays.append(backend.framework.get_active_memory())
    finally:
        tracemalloc.stop()
    assert sentences == 30 and wave > 2_500_000  # bytes, had it been kept
    assert held[1] - held[0] < 200_000
    assert name == "torch" or arrays[1] - arrays[0] < 200_000
