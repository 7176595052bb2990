"""Many texts at once: their segments are sorted by length and generated in batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import UserError
from ..sampling.options import GenerateOptions
from ..system.parallel import ahead
from .assembly import SpeechAssembler
from .backend import Backend
from .frontend import prepare_text
from .segments import SegmentJob, segment_jobs

BATCH_SIZE = 8  # segments
MAX_WINDOW = 16  # batches that are sorted by length together


def speak_batches(
    model: Backend, texts: Sequence[str], names: Sequence[str], options: GenerateOptions, batch_size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """The number of a text and its waveform float32 [samples], each as soon as it is ready.

    Args:
        model: with a vocoder.
        texts: accepted by `check_texts`.
        names: of the texts, in messages.
        options: checked, with a sampler.
        batch_size: segments that are generated at once, if the transformer masks padding.
    """
    # Without a mask, padding would change the speech.
    size = batch_size if model.config.transformer.mask_padding else 1
    for window in windows(len(texts), size):
        jobs = [job for number in window for job in text_jobs(model, texts[number], names, number, options)]
        yield from speak_window(model, jobs, options, size)


def windows(count: int, size: int) -> Iterator[range]:
    """The numbers of `count` texts in groups that are sorted together.

    The first group is small, so that the first waveform is ready soon.
    """
    begin, batches = 0, 1
    while begin < count:
        end = min(count, begin + size * batches)
        yield range(begin, end)
        begin, batches = end, min(2 * batches, MAX_WINDOW)


def text_jobs(
    model: Backend, text: str, names: Sequence[str], number: int, options: GenerateOptions
) -> list[SegmentJob]:
    """The segments of text `number`. Raises UserError, with the text's name, if it cannot be spoken."""
    try:
        prepared = prepare_text(text, model.config, model.folder, options, model.aligner, model.references)
    except UserError as error:
        raise UserError(f"{names[number]}: {error}") from error
    return list(segment_jobs(model, prepared, options, number))


def speak_window(
    model: Backend, jobs: list[SegmentJob], options: GenerateOptions, size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """The texts of some jobs, generated in batches of `size` segments of about the same length."""
    ordered = sorted(jobs, key=lambda job: len(job.segment.prompt.cond))
    batches = [ordered[start : start + size] for start in range(0, len(jobs), size)]
    missing = Counter(job.text_number for job in jobs)  # segments of each text
    mels: dict[SegmentJob, np.ndarray] = {}

    def generate(
        batch: list[SegmentJob], abandoned: threading.Event
    ) -> tuple[list[SegmentJob], list[np.ndarray]]:
        prompts, seeds = [job.segment.prompt for job in batch], [job.seed for job in batch]
        return batch, model.generate_mels(prompts, seeds, options, abandoned)

    for batch, new in ahead(generate, batches, model.workers or model.default_workers()):
        mels.update(zip(batch, new, strict=True))
        missing.subtract(job.text_number for job in batch)
        model.free_memory()
        for number in sorted({job.text_number for job in batch}):
            if not missing[number]:
                yield number, decode_text(model, [job for job in jobs if job.text_number == number], mels)


def decode_text(model: Backend, jobs: list[SegmentJob], mels: dict[SegmentJob, np.ndarray]) -> np.ndarray:
    """The waveform of a text whose mels are all ready; they are removed from `mels`."""
    assembler = SpeechAssembler(jobs[0].text, model.config)
    waves = []
    for job in jobs:
        wave = model.decode(job.segment.with_silences(mels.pop(job)))
        waves.append(assembler.assemble(job, wave).wave)
    return np.concatenate(waves)
