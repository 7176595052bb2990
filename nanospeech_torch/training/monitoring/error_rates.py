"""Word error rates of a few sentences during training: they show whether a model speaks; a loss does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nanospeech_core.audio.mel import SAMPLE_RATE
from nanospeech_core.config import ModelConfig
from nanospeech_core.errors import UserError
from nanospeech_core.evaluation import scorers
from nanospeech_core.evaluation.dataset import TextItem, read_items
from nanospeech_core.sampling.prompt import with_pauses
from nanospeech_core.synthesis.prompts import make_prompt
from nanospeech_core.text.language_detection import ALPHABETIC
from nanospeech_core.text.languages import find_code
from nanospeech_core.text.tokenizer import Tokenizer
from nanospeech_core.text.traced import TracedText
from nanospeech_core.voices import recognition
from nanospeech_core.voices.reference import Reference

from ...nanospeech import Nanospeech
from ..data.utterances import Utterance
from .griffin_lim import griffin_lim

REFERENCE_FRAMES = 280  # 3 s


class ErrorRates:
    """Measures error rates: a model speaks sentences, and a speech recognizer transcribes them.

    Args:
        texts: a JSONL file, see `nanospeech_core.evaluation.dataset.read_items`.
        asr: the recognizer, see `nanospeech_core.evaluation.recognition.recognizer`.
        sentences: how many of the texts, from the first on.
        threads: of the recognizer; 0: it decides.
        model: the config of the models to be measured.
        recognize: a function to use instead of `asr`.
    Raises:
        UserError: the texts cannot be read, or a package is not installed. Raised before training begins.
    """

    def __init__(
        self,
        texts: str,
        asr: str,
        sentences: int,
        threads: int,
        model: ModelConfig,
        recognize: recognition.Recognize | None = None,
    ) -> None:
        scorers.check_jiwer()
        self.items = read_items(texts)[:sentences]
        tokenizer = Tokenizer(model.text.kind, model.text.vocab)
        self.ids = [encode_item(item, tokenizer, model) for item in self.items]
        languages = sorted({item.language for item in self.items})
        self.recognize = recognize or recognition.recognizer(asr, languages, threads, extra="evaluate")

    def measure(self, model: Nanospeech, held_out: Sequence[Utterance]) -> dict[str, float]:
        """Error rates (%) of the samplers "masked" (if the model has a head) and "ode", with Griffin-Lim: of
        words, or of the characters of Chinese texts.

        The reference is a held-out utterance of the item's voice, or of any voice if there is none. All words
        of a sentence that is too long to speak count as errors: an untrained duration predictor may cause it.
        """
        names = {"wer_masked": "masked", "wer_ode": "ode"}
        if model.diffusion_module is None:
            del names["wer_masked"]
        errors = dict.fromkeys(names, 0)
        total = 0
        for i, (item, ids) in enumerate(zip(self.items, self.ids, strict=True)):
            candidates = [u for u in held_out if u.voice == item.voice] or held_out
            utterance = min(candidates, key=lambda u: abs(len(u.mel) - REFERENCE_FRAMES))
            reference = as_reference(utterance, model.config)
            expected = scorers.words_or_characters(item.text, item.language)
            total += len(expected)
            for name, sampler in names.items():
                try:
                    prompt = make_prompt(reference, ids, model.predict_frames(reference, ids), model.config)
                except UserError:
                    errors[name] += len(expected)
                    continue
                mel = model.sample(prompt, sampler=sampler, seed=i)
                wave = recognition.resample(griffin_lim(mel), SAMPLE_RATE)
                recognized = scorers.words_or_characters(self.recognize(wave, item.language), item.language)
                errors[name] += scorers.count_errors(expected, recognized)
        return {name: 100 * count / total for name, count in errors.items()}


def encode_item(item: TextItem, tokenizer: Tokenizer, config: ModelConfig) -> np.ndarray:
    """The ids of an item's text, int64 [symbols], with pauses at both ends if the model has durations.

    Voices named b* are British, as those of Kokoro-82M are.
    """
    accent = find_code(item.lang, "en-gb" if (item.voice or "").startswith("b") else ALPHABETIC) or item.lang
    symbols = tokenizer.symbols(tokenizer.spoken(TracedText.of(item.text), accent), accent).text
    if not symbols:
        raise UserError(f"watch.eval_texts: there is nothing to speak in {item.text!r}")
    ids = tokenizer.encode(symbols)
    return with_pauses(ids, config) if config.text.alignment == "durations" else ids


def as_reference(utterance: Utterance, config: ModelConfig) -> Reference:
    """A training utterance as a reference, cut to whole tokens; the last symbols become shorter."""
    frames = len(utterance.mel) // config.transformer.patch * config.transformer.patch
    mel = (utterance.mel[:frames].astype(np.float32) - config.mel.mean) / config.mel.std
    ends = np.minimum(np.cumsum(utterance.durations), frames)
    return Reference(mel, utterance.ids, np.diff(ends, prepend=0))
