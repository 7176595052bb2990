"""Pauses, and the times of words and phones, against the samples."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from checkpoints import make_voice, tiny_config

from nanospeech_core.audio.mel import HOP, SAMPLE_RATE
from nanospeech_core.config import AlignerConfig, TextConfig
from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.speech.speech import Speech
from nanospeech_core.synthesis.assembly import SpeechAssembler, phones
from nanospeech_core.synthesis.frontend import PreparedText, prepare_text
from nanospeech_core.synthesis.pauses import (
    AFTER_SECONDS,
    BEFORE_SECONDS,
)
from nanospeech_core.synthesis.segments import SegmentJob, make_segments
from nanospeech_core.voices.alignment import boundaries
from nanospeech_core.voices.store import save_voice

CONFIG = tiny_config(aligner=AlignerConfig(lag=5))
FILLER = replace(
    CONFIG,
    text=TextConfig("characters", tuple(" abcdefghijklmnopqrstuvwxyzGHT.,!?'"), "filler"),
    phone_duration=None,
    aligner=None,
)
FRAME = HOP / SAMPLE_RATE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_voice(folder, make_voice("heart", "en-us", "Hello there.", "həlˈoʊ ðˈɛɹ.", default=True))
    return folder


def predict(ids: np.ndarray) -> np.ndarray:
    """Six to eight frames a symbol, complete tokens, a long pause before and after; as `predict_frames`."""
    frames = 6 + ids % 3
    frames[[0, -1]] = 20
    frames[-1] += -int(frames.sum()) % 4
    return frames


def speak(folder, text: str, config=CONFIG, slow: int = 1, **options) -> list[Speech]:
    """Noise in the place of speech, silence in the place of its pauses."""
    rng = np.random.default_rng(0)
    text = prepare_text(text, config, folder, GenerateOptions(**options))
    assembler, result = SpeechAssembler(text, config), []
    length = (lambda ids: slow * predict(ids)) if config is not FILLER else (lambda ids: np.array([200]))
    for job in jobs(text, config, length):
        segment = job.segment
        generated = len(segment.prompt.cond) - segment.prompt.start
        mel = segment.with_silences(np.ones((generated * 4, 100), dtype=np.float32))
        assert len(mel) == segment.durations.sum()
        wave = rng.uniform(0.1, 0.2, (len(mel) - 1) * HOP).astype(np.float32)
        result.append(assembler.assemble(job, wave))
    return result


def jobs(text: PreparedText, config, length) -> list[SegmentJob]:
    return [
        SegmentJob(text, number, segment, 0, segment is segments[-1])
        for number, utterance in enumerate(text.utterances)
        for segments in [make_segments(text.reference, utterance, config, length)]
        for segment in segments
    ]


def words(speeches: list[Speech]) -> list:
    return [word for speech in speeches for word in speech.words]


def gap(speeches: list[Speech], word: str) -> float:
    """Seconds of silence before a word."""
    found = words(speeches)
    (i,) = [i for i, w in enumerate(found) if w.text.strip(".,") == word]
    return found[i].start - (found[i - 1].end if i else 0.0)


def check(speeches: list[Speech]) -> None:
    """Phones follow each other without a gap from the first sample to the last; words are some of them."""
    at = 0
    for speech in speeches:
        assert speech.start == pytest.approx(at / SAMPLE_RATE)
        edges = [speech.start, *(phone.end for phone in speech.phones)]
        assert [phone.start for phone in speech.phones] == edges[:-1] and edges == sorted(edges)
        lasting = sum(phone.end - phone.start for phone in speech.phones)
        assert lasting == pytest.approx(len(speech.wave) / SAMPLE_RATE)
        at += len(speech.wave)
        assert speech.end == pytest.approx(at / SAMPLE_RATE) and speech.end == pytest.approx(edges[-1])
        inside = [phone for word in speech.words for phone in word.phones]
        assert [phone for phone in speech.phones if phone in inside] == inside
        for word in speech.words:
            assert word.start == word.phones[0].start and word.end == word.phones[-1].end
            assert word.text in speech.text


TWO = "This is the first of two sentences. Here comes the second one"


def test_words_and_phones_cover_the_speech(folder):
    speeches = speak(folder, TWO)
    check(speeches)
    assert [speech.text for speech in speeches] == TWO.replace(". ", ".\n").split("\n")
    assert " ".join(word.text for word in words(speeches)) == TWO
    of, the = speeches[0].words[4], speeches[1].words[2]
    assert of.text == "of" and [phone.text for phone in of.phones] == ["ʌ", "v"]
    assert the.text == "the" and [phone.text for phone in the.phones] == ["ð", "ə"]


def test_times_are_the_durations_less_the_lag(folder):
    for lag in (0, 5):
        (speech,) = speak(folder, "Hello.", replace(CONFIG, aligner=AlignerConfig(lag=lag)))
        frames = predict(with_pauses(np.array([CONFIG.text.vocab.index(s) for s in "həlˈoʊ."]), CONFIG))
        (word,) = speech.words
        assert word.start == pytest.approx((frames[0] - lag) * FRAME)
        assert word.end == pytest.approx((frames[:7].sum() - lag) * FRAME)
        assert [phone.text for phone in word.phones] == ["h", "ə", "l", "ˈo", "ʊ"]
        assert word.phones[3].end - word.phones[3].start == pytest.approx(frames[4:6].sum() * FRAME)


def test_boundaries_stay_inside_the_wave():
    assert boundaries(np.array([2, 3, 4]), 8 * HOP, 0).tolist() == [0, 2 * HOP, 5 * HOP, 8 * HOP]
    assert boundaries(np.array([2, 3, 4]), 8 * HOP, 3).tolist() == [0, 0, 2 * HOP, 8 * HOP]


def test_signs_are_joined_to_their_phones():
    symbols, seconds = list("ˈɑːt↓ʰˌˈa."), list(np.arange(11.0))
    assert [phone.text for phone in phones(symbols, seconds)] == ["ˈɑː", "t↓ʰ", "ˌˈa", "."]
    assert [phone.start for phone in phones(symbols, seconds)] == [0, 3, 6, 9]
    assert phones(list("aˈ"), [0.0, 1.0, 2.0])[-1] == ("ˈ", 1.0, 2.0)


# pauses


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03, 0.1, 0.5, 0.75, 1.0, 7.77, 60.0])
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("I told him [pause] stop it right now.", "stop"),  # inside a sentence
        ("I opened the door, [pause] and nobody was there.", "and"),
        ("This is the first sentence. [pause] Here comes the second one.", "Here"),
        ("Hello. [pause] World.", "World"),  # too short to be spoken alone
        ("[pause] Hello to all of you.", "Hello"),
    ],
)
def test_a_pause_is_exact_to_a_frame(folder, text, word, seconds):
    speeches = speak(folder, text.replace("pause", f"pause {seconds}"))
    check(speeches)
    assert gap(speeches, word) == pytest.approx(round(seconds / FRAME) * FRAME, abs=1e-6)


def test_where_a_pause_joins_and_where_it_separates(folder):
    texts = ["I told him [pause 1] stop it right now.", "Hello. [pause 1] World.", "[pause 1] Hello."]
    assert [len(speak(folder, text)) for text in texts] == [1, 1, 1]
    assert len(speak(folder, "This is the first sentence. [pause 1] Here comes the second one.")) == 2
    assert len(speak(folder, "It is a sentence of some length. [pause 1] Another, also of some length.")) == 2


def test_a_pause_at_the_end(folder):
    for seconds in (0.0, 0.1, 2.0):
        (speech,) = speak(folder, f"Hello to all of you. [pause {seconds}]")
        check([speech])
        assert speech.end - speech.words[-1].end == pytest.approx(round(seconds / FRAME) * FRAME)


def test_between_sentences(folder):
    speeches = speak(folder, TWO)
    check(speeches)
    assert gap(speeches, "Here") == pytest.approx(AFTER_SECONDS + BEFORE_SECONDS)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("I know. That is all.", ["I know."]),
        ("No. 5 is alive. No. It is not.", ["alive.", "No."]),
        ('"Stop!" he cried. She did.', ["cried."]),
        ("Is it? he asked. Wait... what? No.", ["asked.", "what?"]),
        ("At 3 p.m. it cost $3.50. OK.", ["$3.50."]),
    ],
)
def test_short_sentences_are_joined_with_a_pause(folder, text, after):
    (speech,) = speak(folder, text)
    check([speech])
    spoken = speech.words
    ends = [w.text.split()[-1] for w, n in itertools.pairwise(spoken) if n.start - w.end > 0.3]
    assert ends == [place.split()[-1] for place in after]


@pytest.mark.parametrize("seconds", [None, 0.0, 1.0])
def test_a_pause_begins_where_the_last_sound_ends(folder, seconds):
    """Silence that durations give to the last phone is part of the pause."""
    mark = "" if seconds is None else f" [pause {seconds}]"
    text = f"This is the first sentence.{mark} Here comes the second one."
    prepared = prepare_text(text, CONFIG, folder, GenerateOptions())
    for parts in (1, 3):  # in one part, and in chunks
        assembler, speeches = SpeechAssembler(prepared, CONFIG), []
        for job in jobs(prepared, CONFIG, lambda ids: 2 * predict(ids)):
            samples = (int(job.segment.durations.sum()) - 1) * HOP
            wave = np.full(samples, 0.1, np.float32)
            wave[: 30 * HOP] = 1e-4
            wave[samples - 60 * HOP :] = 1e-4  # that is more than what follows the last word
            chunks = np.split(wave, [samples // parts, samples // 2])[:parts] if parts > 1 else [wave]
            speeches += assembler.assemble_chunks(job, chunks, samples)
        sound = np.flatnonzero(np.concatenate([speech.wave for speech in speeches]) > 0.05)
        silence = np.diff(sound).max() / SAMPLE_RATE
        begun = speeches[-1].words[0].start if parts == 1 else None
        expected = AFTER_SECONDS + BEFORE_SECONDS if seconds is None else round(seconds / FRAME) * FRAME
        assert silence == pytest.approx(expected, abs=0.011 + 5 * FRAME)
        if begun is not None:
            assert speeches[0].words[-1].end == pytest.approx(begun - expected, abs=0.011)


def test_pauses_add_up_and_one_around_nothing_is_kept(folder):
    speeches = speak(folder, "I told him [pause 0.5][pause 0.25] *** [pause 0.25] stop it right now.")
    assert gap(speeches, "stop") == pytest.approx(94 * FRAME)
    for text in ("[pause 1]", "[pause 1] ... [pause 1]"):
        with pytest.raises(UserError, match="nothing to speak"):
            speak(folder, text)


def test_speed_leaves_pauses_alone(folder):
    assert gap(speak(folder, "I told him [pause 0.5] stop it right now.", slow=4), "stop") == pytest.approx(
        47 * FRAME
    )


@pytest.mark.slow
def test_a_pause_in_chinese_text(folder):
    speeches = speak(folder, "你好[pause 0.5]世界，今天[pause 1]天气很好。")
    check(speeches)
    assert [word.text for word in words(speeches)] == list("你好世") + ["界，"] + list("今天天气很") + [
        "好。"
    ]
    assert gap(speeches, "世") == pytest.approx(47 * FRAME) and gap(speeches, "气") < 47 * FRAME
    assert words(speeches)[6].start - words(speeches)[5].end == pytest.approx(94 * FRAME)


def test_silence_is_silent_and_its_ends_do_not_click(folder):
    for text, seconds in (
        (TWO, 0.5 - 32 * FRAME),
        (TWO.replace(" Here", " [pause 2] Here"), 2 - 2 * 40 * FRAME),
    ):
        wave = np.concatenate([speech.wave for speech in speak(folder, text)])
        zeros = np.flatnonzero(wave == 0)
        assert len(zeros) >= seconds * SAMPLE_RATE and zeros[-1] - zeros[0] < len(zeros) + 10
        assert np.abs(np.diff(np.abs(wave[zeros[0] - 240 : zeros[0] + 1]))).max() < 0.12
        assert wave[zeros[0] - 1] < 0.001 and wave[zeros[-1] + 1] < 0.001
        assert wave[0] > 0.09 and wave[-1] > 0.09  # the first and the last edge are left alone


# models without durations


def test_a_model_of_characters(folder):
    speeches = speak(folder, "hello [pause 1] there. [pause 0.5]", FILLER)
    assert [speech.text for speech in speeches] == ["hello", "there."]
    assert all(speech.words == speech.phones == () for speech in speeches)
    assert sum(len(speech.wave) for speech in speeches) == 2 * 199 * HOP + (94 + 47) * HOP


# what is too long to be spoken at once


def test_words_of_a_sentence_in_parts(folder):
    text = "one two three four five six seven eight nine ten " * 4 + "and [pause 2] the end"
    speeches = speak(folder, text, slow=6)
    check(speeches)
    assert len(speeches) > 2
    assert " ".join(word.text for word in words(speeches)) == text.replace(" [pause 2]", "")
    assert gap(speeches, "end") < 1 and words(speeches)[-2].start - words(speeches)[-3].end == pytest.approx(
        188 * FRAME
    )
