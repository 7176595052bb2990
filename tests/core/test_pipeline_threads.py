"""What docs/speak.md promises about threads: one model for all of them, with the waveforms of one."""

import copy
import threading
from collections.abc import Callable

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import make_voice, write_checkpoint

from nanospeech_core.audio import files as audio
from nanospeech_core.errors import UserError
from nanospeech_core.voices.store import save_voice

THREADS = 4
TEXTS = ["Hello there.", "It costs $5. And 7 km?", "你好，世界！", "Wait [pause 0.2] for [me](/mˈi/)."]
OPTIONS = [
    {"voice": "emma", "use_diffusion": True, "num_iter": 2},
    {"sampler": "ode", "steps": 2, "seed": 3},
    {"use_diffusion": True, "num_iter": 2, "cfg": 2.0},
    {"refine": 0.3, "steps": 2, "lexicon": {"wait": "wˈeɪt"}},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write_checkpoint(tmp_path_factory.mktemp("model") / "tiny")
    save_voice(folder, make_voice("xiaoxiao", "zh", "你好。", "ni↓xau↓."))
    return folder


@pytest.fixture(params=NAMES)
def load(request, folder) -> Callable:
    backend = Backend(request.param)
    return lambda: backend.module("nanospeech").Nanospeech.from_pretrained(folder)


def in_threads(*functions: Callable) -> list:
    """The results of functions that all begin at once, each in a thread of its own; an error is a result."""
    results: list = [None] * len(functions)
    barrier = threading.Barrier(len(functions))

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = functions[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def everything(tts, first: int) -> list[np.ndarray]:
    """The waveforms of every public method, beginning with another one in each thread."""
    recording = np.random.default_rng(5).standard_normal(2 * tts.sample_rate).astype(np.float32) / 20
    ode = {"sampler": "ode", "steps": 1}
    tasks: list[Callable] = [
        lambda text=text, options=options: tts.generate(text, **options)
        for text, options in zip(TEXTS, OPTIONS, strict=True)
    ]
    tasks += [
        lambda: np.concatenate(list(tts.stream(TEXTS[1], use_diffusion=True, num_iter=2))),
        lambda: np.concatenate([part.wave for part in tts.speak(TEXTS[3], **ode)]),
        lambda: np.concatenate([w for _, w in sorted(tts.generate_batch(TEXTS, **ode), key=lambda p: p[0])]),
        lambda: tts.edit(recording, "Hello there.", "Hello you.", **ode),
        lambda: np.concatenate([voice.audio for voice in tts.voices()]),
    ]
    results: list = [None] * len(tasks)
    for number in range(len(tasks)):
        place = (first + 2 * number) % len(tasks)
        results[place] = tasks[place]()
    return results


def equal(results: list, expected: list[np.ndarray]) -> bool:
    assert not isinstance(results, Exception), results
    return all(map(np.array_equal, results, expected))


@pytest.mark.slow
def test_one_model_may_be_shared(load):
    """Also when all threads use it for the first time at once."""
    expected = everything(load(), 0)
    tts = load()
    for _ in range(2):
        found = in_threads(*[lambda number=number: everything(tts, number) for number in range(THREADS)])
        assert all(equal(results, expected) for results in found)
    assert equal(everything(tts, 0), expected)


@pytest.mark.slow
def test_a_model_may_be_loaded_in_a_thread_and_used_in_others(load):
    expected = everything(load(), 0)
    (tts,) = in_threads(load)  # that thread has ended
    assert all(
        equal(results, expected)
        for results in in_threads(lambda: everything(tts, 0), lambda: everything(tts, 3))
    )
    assert equal(everything(tts, 0), expected)


def test_an_error_of_one_thread_is_its_own(load):
    tts = load()
    options = {"sampler": "ode", "steps": 1}
    expected = tts.generate("Hello.", **options)
    found = in_threads(
        lambda: tts.generate("Hello.", **options),
        lambda: tts.generate(" ", **options),
        lambda: tts.generate("Hello.", voice="nobody", **options),
        lambda: tts.generate("Hello.", speed=99.0, **options),
    )
    assert np.array_equal(found[0], expected)
    assert [type(error) for error in found[1:]] == [UserError] * 3


def test_a_recording_is_read_once_for_all_threads(load, tmp_path, monkeypatch):
    from nanospeech_core.voices import recording

    transcribed, tts = [], load()

    def transcribe(wave, path, *_):
        transcribed.append(path)
        return "Hello there."

    monkeypatch.setattr(recording, "transcribe", transcribe)
    audio.write(tmp_path / "me.wav", np.tile(make_voice("me", "en-us", "", "abcde").audio, 2))
    options = {"sampler": "ode", "steps": 1, "ref_audio": str(tmp_path / "me.wav")}
    found = in_threads(*[lambda: tts.generate("Hello.", **options)] * THREADS)
    assert len(transcribed) == 1
    assert all(np.array_equal(wave, found[0]) and len(wave) for wave in found)


@pytest.mark.slow
def test_more_voices_than_are_kept(load, tmp_path):
    """The cache loses the oldest while others read it."""
    from nanospeech_core.voices.reference_cache import KEPT

    wave = make_voice("me", "en-us", "", "abcde").audio
    files = [str(tmp_path / f"{number}.wav") for number in range(KEPT + 4)]
    for file in files:
        audio.write(file, wave)
    tts = load()

    def prepare(first: int) -> int:
        for number in range(3 * len(files)):
            file = files[(number * (2 * first + 1)) % len(files)]
            tts.prepare(ref_audio=file, ref_text="Hello there.")
        return len(tts.references._references)

    assert [size <= KEPT for size in in_threads(*[lambda n=n: prepare(n) for n in range(THREADS)])] == [
        True
    ] * 4


@pytest.mark.slow
def test_a_stream_is_of_one_thread_at_a_time(load):
    tts = load()
    options = {"use_diffusion": True, "num_iter": 2}
    begun, go_on = threading.Event(), threading.Event()

    def wait(done: int, count: int) -> None:
        begun.set()
        go_on.wait(60)

    speech = tts.speak("Hello there. And you.", progress=wait, **options)

    def second():
        begun.wait(60)
        try:
            return next(speech)
        finally:
            go_on.set()

    first, error = in_threads(lambda: len(list(speech)), second)
    assert first > 0 and isinstance(error, ValueError) and "already executing" in str(error)


@pytest.mark.slow
def test_streams_may_be_interleaved_in_one_thread(load):
    tts = load()
    options = {"use_diffusion": True, "num_iter": 2}
    expected = [list(tts.stream(text, **options)) for text in TEXTS[:2]]
    first, second = (tts.stream(text, **options) for text in TEXTS[:2])
    chunks: list[list] = [[], []]
    for a, b in zip(first, second, strict=False):
        chunks[0].append(a)
        chunks[1].append(b)
    chunks[0] += first
    chunks[1] += second
    for ours, theirs in zip(chunks, expected, strict=True):
        assert np.array_equal(np.concatenate(ours), np.concatenate(theirs))


def test_a_copy_of_a_model_speaks(load):
    tts = load()
    options = {"sampler": "ode", "steps": 1}
    expected = tts.generate("Hello.", **options)
    assert np.array_equal(copy.deepcopy(tts).generate("Hello.", **options), expected)


def test_compiled_functions_take_turns():
    """Neither framework promises that several threads may compile at once."""
    from nanospeech_core.system.compiling import ByShape

    inside, most = [], []

    def function(x: int) -> int:
        inside.append(x)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.remove(x)
        return x

    step = ByShape(function)
    assert in_threads(*[lambda n=n: step(n) for n in range(THREADS)]) == [0, 1, 2, 3]
    assert max(most) == 1 and step.misses == 4
