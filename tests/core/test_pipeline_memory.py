"""Long texts: what is spoken is not kept."""

import tracemalloc

import pytest
from backends import NAMES, Backend
from checkpoints import tiny_config, write_checkpoint

from nanospeech_core.checkpoints.folder import load_folder
from nanospeech_core.config import DiTConfig
from nanospeech_core.evaluation.counting import count_calls
from nanospeech_core.text.symbols import SYMBOLS


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True], ids=["sentences", "chunks"])
@pytest.mark.parametrize("name", NAMES)
def test_memory_is_flat(tmp_path, name, stream):
    """After 30 sentences as after 10: less than 200 kB more of Python's objects and of MLX's arrays."""
    backend = Backend(name)
    model = backend.module("nanospeech").Nanospeech.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    text = " ".join(f"This is sentence number {n} of the long text." for n in range(30))
    traced, arrays, sentences, wave = [], [], 0, 0
    tracemalloc.start()
    try:
        for speech in model.speak(text, use_diffusion=True, num_iter=2, stream=stream):
            sentences += bool(speech.text)
            wave += speech.wave.nbytes
            if speech.text and sentences in (10, 30):
                traced.append(tracemalloc.get_traced_memory()[0])
                if name == "mlx":
                    backend.framework.synchronize()  # a GPU frees buffers when it has done with them
                    arrays.append(backend.framework.get_active_memory())
    finally:
        tracemalloc.stop()
    assert sentences == 30 and wave > 2_500_000  # bytes, had it been kept
    assert traced[1] - traced[0] < 200_000
    assert name == "torch" or arrays[1] - arrays[0] < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True], ids=["sentences", "chunks"])
def test_what_mlx_keeps_is_given_back_after_each_sentence(tmp_path, stream):
    """The next one has other sizes, of which nothing that was kept could be used."""
    backend = Backend("mlx")
    mx, model = backend.framework, backend.module("nanospeech").Nanospeech
    model = model.from_pretrained(write_checkpoint(tmp_path / "tiny"))
    texts = [f"This is sentence number {n} of the text." for n in ("one", "two", "three")]
    options = {"use_diffusion": True, "num_iter": 2}
    clear = {"clear": (mx, "clear_cache")}
    with count_calls(clear) as counts:
        speak = model.speak(" ".join(texts), stream=stream, **options)
        given_back = [counts["clear"].calls for speech in speak if speech.text]
        assert given_back == [0, 1, 2] and counts["clear"].calls == 3
    # Metal gives buffers back a little later than results, in pages: those of one sentence may be left.
    assert mx.get_cache_memory() < (8_000_000 if mx.is_available(mx.gpu) else 100_000)
    with count_calls(clear) as counts:
        list(model.generate_batch(texts, batch_size=2, **options))
    assert counts["clear"].calls == 2  # of each batch


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["F32", "F16"])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_not_in_memory_twice(tmp_path, name, dtype):
    """The content of a file is copied into the model tensor by tensor, not loaded completely first."""
    backend = Backend(name)
    sizes = {"dim": 256, "heads": 4, "dim_head": 64, "text_num_embeds": len(SYMBOLS)}
    config = tiny_config(transformer=DiTConfig(**sizes), diffusion=None)
    folder = write_checkpoint(tmp_path / "wide", backend.format, dtype, config)
    config, tensors = load_folder(folder, backend.format)
    model = backend.module("nanospeech").Nanospeech.from_config(config)
    tracemalloc.start()  # sees NumPy's arrays, and neither the frameworks' nor a file's mapping
    try:
        model.set_weights(tensors, folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < sum(tensor.nbytes for tensor in tensors.values()) / 4
