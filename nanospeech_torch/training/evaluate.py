"""Word error rate of a few sentences while training: the figure that says whether a model speaks. A loss does not."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import numpy as np

from nanospeech_core.errors import UserError
from nanospeech_core.mel import SAMPLE_RATE
from nanospeech_core.prompt import Reference, make_prompt, with_pauses
from nanospeech_core.text import Tokenizer

from ..nanospeech import Nanospeech
from .config import TrainConfig
from .data import Utterance
from .griffin_lim import griffin_lim


@functools.cache
def recogniser(name: str):
    """A faster-whisper model, by name or folder."""
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        raise UserError('the config names an asr: pip install "nanospeech-mar[train]"') from None
    return WhisperModel(name, device="cpu", compute_type="int8", cpu_threads=1)


def words(text: str) -> str:
    """Lower case, punctuation dropped."""
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("-", " ")).split())


def as_reference(utterance: Utterance, model: Nanospeech) -> Reference:
    """A training utterance as a voice."""
    config = model.config
    frames = len(utterance.mel) // config.transformer.patch * config.transformer.patch
    mel = (utterance.mel[:frames].astype(np.float32) - config.mel.mean) / config.mel.std
    durations = utterance.frames.copy()
    durations[-1] -= len(utterance.mel) - frames
    return Reference(mel, utterance.ids, durations)


def word_error_rate(model: Nanospeech, held_out: list[Utterance], config: TrainConfig) -> dict[str, float]:
    """Word error rates (%) of `config.eval_texts` by masked diffusion and by the ODE, vocoded by Griffin-Lim.

    A sentence is spoken in its row's voice, after a held-out utterance of that voice (any, where there is none).
    """
    import jiwer
    import soxr

    rows = [json.loads(line) for line in Path(config.eval_texts).read_text(encoding="utf-8").splitlines()]
    rows = rows[: config.eval_sentences]
    tokenizer = Tokenizer(config.model.text.kind, config.model.text.vocab)
    asr = recogniser(config.asr)
    wanted = [words(row["text"]) for row in rows]
    heard: dict[str, list[str]] = {"wer_masked": [], "wer_ode": []}
    for i, row in enumerate(rows):
        voices = [u for u in held_out if u.voice == row.get("voice")] or held_out
        reference = as_reference(min(voices, key=lambda u: abs(len(u.mel) - 280)), model)
        language = "en-gb" if row.get("voice", "").startswith("b") else "en-us"
        ids = with_pauses(tokenizer.encode(tokenizer.symbols(row["text"], language)), config.model)
        prompt = make_prompt(reference, ids, model.predict_frames(reference, ids), config.model)
        for name, use_diffusion in (("wer_masked", True), ("wer_ode", False)):
            wave = griffin_lim(model.sample(prompt, use_diffusion=use_diffusion, seed=i))
            segments, _ = asr.transcribe(
                soxr.resample(wave, SAMPLE_RATE, 16000), language="en", condition_on_previous_text=False
            )
            heard[name].append(words(" ".join(s.text for s in segments)))
    return {name: 100 * jiwer.wer(wanted, said) for name, said in heard.items()}
