"""A sentence that is cut for its length: what is heard, and the times of its words."""

import itertools

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.config import AlignerConfig
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.speech.speech import Speech
from nanospeech_core.synthesis.assembly import SpeechAssembler
from nanospeech_core.synthesis.frontend import prepare_text
from nanospeech_core.synthesis.joints import CONTEXT_SYMBOLS
from nanospeech_core.synthesis.pauses import JOINT_FRAMES
from nanospeech_core.synthesis.segments import SegmentJob, segment_jobs
from nanospeech_core.voices.alignment import boundaries
from nanospeech_core.voices.store import save_voice

LAG = 5
CONFIG = tiny_config(aligner=AlignerConfig(lag=LAG))
FRAME = HOP / SAMPLE_RATE
UNMARKED = "one two three four five six seven eight nine ten " * 12 + "and the end."  # 600 characters
COMMAS = "one two three four five six seven eight nine ten, " * 12 + "and the end."
CHINESE = "我们今天一起去公园里面看花" * 12 + "。"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    return folder


class Model:
    """Predicts the same durations for the same symbols, except for long ones before spaces."""

    config = CONFIG

    def __init__(self, slow: int = 1):
        self.slow = slow

    def predict_frames(self, reference, ids: np.ndarray, speed: float = 1.0) -> np.ndarray:
        frames = self.slow * (6 + ids % 3)
        frames[:-1][ids[1:] == CONFIG.text.vocab.index(" ")] += 20
        frames[[0, -1]] = 20
        frames[-1] += -int(frames.sum()) % 4
        return frames


def wave_of(job: SegmentJob) -> np.ndarray:
    """A level for each symbol, and silence in the place of spaces and marks."""
    samples = (int(job.segment.durations.sum()) - 1) * HOP
    edges = boundaries(job.segment.durations, samples, LAG)
    levels = [0.0 if CONFIG.text.vocab[i] in " ,." else 0.1 + i / 200 for i in job.segment.ids]
    return np.repeat(np.array(levels, np.float32), np.diff(edges))


def speak(folder, text: str, slow: int = 1, chunk: int | None = None, make_wave=wave_of) -> list[Speech]:
    """chunk: samples of each chunk; None: segments are not in chunks."""
    prepared = prepare_text(text, CONFIG, folder, GenerateOptions())
    assembler, result = SpeechAssembler(prepared, CONFIG), []
    for job in segment_jobs(Model(slow), prepared, GenerateOptions()):
        wave = make_wave(job)
        chunks = [wave] if chunk is None else np.split(wave, range(chunk, len(wave), chunk))
        result += assembler.assemble_chunks(job, chunks, len(wave))
    return result


def sounds(wave: np.ndarray) -> list[int]:
    """The symbols that are heard."""
    ids = np.round((wave[HOP // 2 :: HOP // 2] - 0.1) * 200).astype(int)
    return [symbol for symbol, run in itertools.groupby(ids) if symbol >= 0 and len(list(run)) > 4]


def joints(speeches: list[Speech]) -> list[tuple[str, float]]:
    """The last word of each part but the last one, and the seconds from it to the next word."""
    parts = [speech for speech in speeches if speech.words]
    return [(a.words[-1].text, b.words[0].start - a.words[-1].end) for a, b in itertools.pairwise(parts)]


# Cut by `split_sentences`; by it, between Chinese words; and because it does not fit into a segment.
CUT = [(UNMARKED, 1), (CHINESE, 1), (UNMARKED[:245] + "and the end.", 6)]


@pytest.mark.parametrize(("text", "slow"), CUT)
def test_a_sentence_is_heard_once_and_without_a_pause(folder, text, slow):
    speeches = speak(folder, text, slow)
    assert len(speeches) > 1
    expected = [symbol for symbol, _ in itertools.groupby(encode(folder, text))]
    heard = sounds(np.concatenate([speech.wave for speech in speeches]))
    assert heard == [i for i in expected if CONFIG.text.vocab[i] not in " ,."]
    for _, seconds in joints(speeches):
        assert 0 < seconds <= JOINT_FRAMES * FRAME + 1e-9
    for before, after in itertools.pairwise(speeches):
        wave = np.concatenate((before.wave, after.wave[:SAMPLE_RATE]))
        last, first = before.words[-1], after.words[0]
        middle = (last.start + last.end) / 2, (first.start + first.end) / 2
        begin, end = (round((seconds - before.start) * SAMPLE_RATE) for seconds in middle)
        assert np.count_nonzero(wave[begin:end] == 0) < 0.15 * SAMPLE_RATE


def encode(folder, text: str) -> list[int]:
    """The ids of a text."""
    prepared = prepare_text(text, CONFIG, folder, GenerateOptions())
    return [int(i) for utterance in prepared.utterances for i in utterance.ids]


@pytest.mark.parametrize(("text", "slow"), [*CUT, (COMMAS, 1)])
def test_times_go_on_over_a_joint(folder, text, slow):
    speeches = speak(folder, text, slow)
    words = [word for speech in speeches for word in speech.words]
    written = " ".join(word.text for word in words)
    assert written == text if text is not CHINESE else written.replace(" ", "") == text
    at = 0.0
    for speech in speeches:
        assert speech.start == pytest.approx(at)
        edges = [speech.start, *(phone.end for phone in speech.phones)]
        assert [phone.start for phone in speech.phones] == edges[:-1] and edges == sorted(edges)
        at += len(speech.wave) / SAMPLE_RATE
        assert speech.end == pytest.approx(at) == pytest.approx(edges[-1])
    wave = np.concatenate([speech.wave for speech in speeches])
    for word in words:  # it begins and ends where its sounds do
        begin, end = round(word.start * SAMPLE_RATE), round(word.end * SAMPLE_RATE)
        assert wave[begin + 300 : end - 300].min() > 0
        assert wave[begin - 10] == 0 or wave[begin - 10] != wave[begin + 10]


def test_the_pause_after_a_mark_is_that_of_the_mark(folder):
    """As long as the predicted mark and space: not longer because of the cut, and not shortened."""
    speeches = speak(folder, COMMAS)
    words = [word for speech in speeches for word in speech.words]
    inside = {
        round(b.start - a.end, 4)
        for speech in speeches
        for a, b in itertools.pairwise(speech.words)
        if a.text.endswith(",")
    }
    assert len(inside) == 1 and len(words) > 100
    cuts = joints(speeches)
    assert len(cuts) >= 2 and all(word == "ten," for word, _ in cuts)
    assert [seconds for _, seconds in cuts] == pytest.approx([inside.pop()] * len(cuts), abs=1e-4)


@pytest.mark.parametrize("chunk", [3000, 20000, 100000])
def test_chunks_give_the_same_speech(folder, chunk):
    for text in (UNMARKED, COMMAS):
        at_once, chunks = speak(folder, text), speak(folder, text, chunk=chunk)
        assert len(chunks) > len(at_once)
        waves = [np.concatenate([speech.wave for speech in part]) for part in (at_once, chunks)]
        assert np.array_equal(*waves)
        for a, b in zip(at_once, [speech for speech in chunks if speech.text], strict=True):
            assert (a.text, a.start, a.end) == (b.text, b.start, b.end) and a.words[:-1] == b.words[:-1]


@pytest.mark.parametrize("chunk", [None, 20000])
def test_the_level_goes_on_over_a_joint(folder, chunk):
    """The parts are cross-faded: neither fades out, and nothing clicks."""

    def rising(job: SegmentJob) -> np.ndarray:
        return np.full((int(job.segment.durations.sum()) - 1) * HOP, 0.1 + job.seed / 100, np.float32)

    speeches = speak(folder, UNMARKED, chunk=chunk, make_wave=rising)
    wave = np.concatenate([speech.wave for speech in speeches])
    assert np.abs(np.diff(wave)).max() < 1e-4 and (np.diff(wave) >= -1e-7).all()
    assert len(set(np.round(wave, 4))) > len(joints(speeches)) >= 2


@pytest.mark.parametrize("chunk", [None, 20000])
def test_silence_inside_the_last_phone_is_no_pause(folder, chunk):
    """At other ends, the end of the last sound is measured in the waveform; at a joint, durations count."""

    def half_silent(job: SegmentJob) -> np.ndarray:
        wave = wave_of(job)
        edges = boundaries(job.segment.durations, len(wave), LAG)
        for begin, end in itertools.pairwise(edges):
            wave[(begin + end) // 2 : end] = 0
        return wave

    for _, seconds in joints(speak(folder, UNMARKED, chunk=chunk, make_wave=half_silent)):
        assert 0 < seconds <= JOINT_FRAMES * FRAME + 1e-9


def test_slow_speech_has_a_shorter_context(folder):
    prepared = prepare_text(UNMARKED, CONFIG, folder, GenerateOptions())
    contexts = [
        max(len(job.segment.utterance.context_after) for job in segment_jobs(Model(), prepared, options))
        for options in (GenerateOptions(), GenerateOptions(speed=0.25))
    ]
    assert contexts[0] >= CONTEXT_SYMBOLS > contexts[1] > 0
