"""Error rates of a few sentences while training: they say whether a model speaks. A loss does not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.mel import SAMPLE_RATE
from nanospeech_core.prompt import Reference, make_prompt, with_pauses
from nanospeech_core.text import Tokenizer

from ..nanospeech import Nanospeech
from .config import TrainConfig
from .data import Utterance
from .griffin_lim import griffin_lim

ASR_RATE = 16000
REFERENCE_FRAMES = 280  # 3 s

# Audio float32 [samples] at 16 kHz and a language ("en", "zh") -> text.
Recognise = Callable[[np.ndarray, str], str]


class Evaluation:
    """Sentences to be spoken and understood.

    Args:
        config: of which eval_texts, eval_sentences, asr, threads and model are read.
        recognise: None is faster-whisper's model `config.asr`.
    Raises:
        UserError: the texts cannot be read, or a package is not installed: before training, not after hours.
    """

    def __init__(self, config: TrainConfig, recognise: Recognise | None = None):
        try:
            import jiwer
        except ImportError as error:
            raise UserError(
                'an evaluation by asr needs jiwer: pip install "nanospeech-mar[train]"'
            ) from error
        self.word_error_rate = jiwer.wer
        self.rows = read_texts(config.eval_texts)[: config.eval_sentences]
        tokenizer = Tokenizer(config.model.text.kind, config.model.text.vocab)
        self.ids = [encode(row, tokenizer, config.model) for row in self.rows]
        self.recognise = recognise or whisper(config.asr, config.threads)

    def measure(self, model: Nanospeech, held_out: list[Utterance]) -> dict[str, float]:
        """Word error rates (%) by masked diffusion (of a model with a head) and by the ODE, Griffin-Lim.

        A sentence is spoken in its row's voice, after a held-out utterance of that voice (any, where there is
        none). One too long to speak, as an untrained duration predictor may have it, counts as not heard.
        """
        names = (
            {"wer_ode": False} if model.diffusion_module is None else {"wer_masked": True, "wer_ode": False}
        )
        heard: dict[str, list[str]] = {name: [] for name in names}
        for i, (row, ids) in enumerate(zip(self.rows, self.ids, strict=True)):
            candidates = [u for u in held_out if u.voice == row.get("voice")] or held_out
            utterance = min(candidates, key=lambda u: abs(len(u.mel) - REFERENCE_FRAMES))
            reference = as_reference(utterance, model.config)
            for name, use_diffusion in names.items():
                try:
                    prompt = make_prompt(reference, ids, model.predict_frames(reference, ids), model.config)
                except UserError:
                    heard[name].append("")
                    continue
                mel = model.sample(prompt, use_diffusion=use_diffusion, seed=i)
                heard[name].append(words(self.recognise(resample(griffin_lim(mel)), language(row))))
        wanted = [words(row["text"]) for row in self.rows]
        return {name: 100 * self.word_error_rate(wanted, said) for name, said in heard.items()}


def read_texts(path: str) -> list[dict]:
    """The rows of a JSONL file: {text, voice, lang}, the last two optional."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"cannot read eval_texts {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            spoken = words(row["text"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f'{path}, line {number}: not a JSON object with a "text"') from error
        if not spoken:
            raise UserError(f"{path}, line {number}: the text has no words")
        rows.append(row)
    if not rows:
        raise UserError(f"eval_texts {path} is empty")
    return rows


def language(row: dict) -> str:
    return str(row.get("lang", "en"))[:2]


def encode(row: dict, tokenizer: Tokenizer, config: ModelConfig) -> np.ndarray:
    """The ids of a row's text with pauses, int64 [symbols]. Voices b* are British, as Kokoro-82M's are."""
    british = str(row.get("voice", "")).startswith("b")
    accent = "zh" if language(row) == "zh" else "en-gb" if british else "en-us"
    symbols = tokenizer.symbols(tokenizer.spoken(row["text"], accent), accent)
    if not symbols:
        raise UserError(f"eval_texts: there is nothing to speak in {row['text']!r}")
    return with_pauses(tokenizer.encode(symbols), config)


def words(text: str) -> str:
    """Lower case, punctuation dropped, single spaces; a Chinese character counts as a word."""
    text = re.sub(r"([\u3400-\u9fff])", r" \1 ", text.lower())
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in text).split())


def as_reference(utterance: Utterance, config: ModelConfig) -> Reference:
    """A training utterance as a voice: whole tokens, what is cut off its end taken from the last symbols."""
    frames = len(utterance.mel) // config.transformer.patch * config.transformer.patch
    mel = (utterance.mel[:frames].astype(np.float32) - config.mel.mean) / config.mel.std
    ends = np.minimum(np.cumsum(utterance.frames), frames)
    return Reference(mel, utterance.ids, np.diff(ends, prepend=0))


def resample(wave: np.ndarray) -> np.ndarray:
    import soxr

    return soxr.resample(wave, SAMPLE_RATE, ASR_RATE)


def whisper(name: str, threads: int) -> Recognise:
    """A faster-whisper model, by name or folder, on the CPU."""
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise UserError(
            'an evaluation by asr needs faster-whisper: pip install "nanospeech-mar[train]"'
        ) from error
    try:
        model = WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=threads)
    except (ValueError, OSError, RuntimeError) as error:  # no such name, no network, a broken folder
        raise UserError(f"asr {name!r} cannot be loaded: {str(error).splitlines()[0]}") from error

    def recognise(wave: np.ndarray, language: str) -> str:
        segments, _ = model.transcribe(wave, language=language, condition_on_previous_text=False)
        return " ".join(segment.text for segment in segments)

    return recognise
