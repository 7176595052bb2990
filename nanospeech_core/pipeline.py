"""The pipeline from a text to waveforms, on any backend: at once, in chunks, in batches; speech editing."""

from __future__ import annotations

import numbers
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from .audio.mel import HOP, SAMPLE_RATE
from .editing.edit import MARGIN
from .editing.edit import edit as edit_recording
from .errors import UserError
from .sampling.options import GenerateOptions
from .sampling.prompt import Prompt
from .sampling.samplers import with_sampler
from .synthesis.assembly import Speech, SpeechAssembler
from .synthesis.backend import Backend
from .synthesis.batching import BATCH_SIZE, speak_batches
from .synthesis.frontend import check_texts, prepare_text
from .synthesis.segments import SegmentJob, generate_wave, segment_jobs
from .synthesis.streaming import stream_segment
from .system.parallel import ahead
from .voices.store import Voice, list_voices, user_voices, voices_folder


def make_options(voice: str | Voice | None = None, **options: Any) -> GenerateOptions:
    """The options, checked. Raises UserError for one that is out of range."""
    result = GenerateOptions(voice=voice.name if isinstance(voice, Voice) else voice, **options)
    result.check()
    return result


class Pipeline(Backend):
    """What `Nanospeech` does with its networks; a backend implements the abstract methods of `Backend`."""

    sample_rate = SAMPLE_RATE

    def voices(self) -> list[Voice]:
        """The checkpoint's voices, else the embedded ones, the default one first; then the user's own."""
        return list_voices(voices_folder(self.folder)) + user_voices()

    def generate(self, text: str, voice: str | Voice | None = None, **options: Any) -> np.ndarray:
        """Speak a text.

        Args:
            text: any length; it is split into sentences.
            voice: one of `voices()`, or its name; None: the model's first that speaks the language.
            options: further fields of `GenerateOptions`.
        Returns:
            float32 [samples] at `sample_rate`.
        Raises:
            UserError: the text cannot be spoken, the voice is unknown, or an option is out of range.
        """
        return np.concatenate([speech.wave for speech in self.speak(text, voice, **options)])

    def stream(self, text: str, voice: str | Voice | None = None, **options: Any) -> Iterator[np.ndarray]:
        """Speak a text in chunks, float32 [samples], each to be played while the next is generated.

        Masked decoding goes from left to right, so that a sentence begins to play before its end is
        generated; the ODE generates whole sentences. Work is only done when a chunk is asked for: closing the
        iterator, or Ctrl-C, ends it. The arguments are those of `generate`.
        """
        for speech in self.speak(text, voice, **{**options, "stream": True}):
            yield speech.wave

    def speak(
        self,
        text: str,
        voice: str | Voice | None = None,
        progress: Callable[[int, int], None] | None = None,
        standalone: bool = True,
        **options: Any,
    ) -> Iterator[Speech]:
        """`generate` sentence by sentence (with `stream`, chunk by chunk), with the words and phones.

        After the first one, the next sentences are generated ahead in threads (`workers`); chunks are not.
        Closing the iterator ends that work within a step.

        progress: called with (sentences done, sentences in all) before each sentence and at the end.
        standalone: False: the text is a part of something longer; there is as much silence at its ends as
            between two sentences.
        """
        checked = with_sampler(make_options(voice, **options), self.config)
        prepared = prepare_text(text, self.config, self.folder, checked, self.align, self.references)
        assembler = SpeechAssembler(prepared, self.config, checked.stream, standalone)
        jobs = segment_jobs(self, prepared, checked)
        count = 0
        if progress is not None:  # the number of utterances is known when all of the text has been read
            count = len(prepared.utterances)
            progress(0, count)

        def generate(job: SegmentJob, abandoned: threading.Event) -> tuple[SegmentJob, np.ndarray]:
            return job, generate_wave(self, job.segment, job.seed, checked, abandoned)

        generated: Iterator[tuple[SegmentJob, np.ndarray | None]]
        if checked.stream:  # nothing is generated before a chunk is asked for
            generated = ((job, None) for job in jobs)
        else:
            generated = ahead(generate, jobs, self.workers or self.default_workers())
        for job, wave in generated:
            if wave is None:
                # The last chunks may not be needed: closing frees what is kept for them.
                with closing(stream_segment(self, job.segment, job.seed, checked)) as chunks:
                    samples = (job.segment.total_frames - 1) * HOP
                    yield from assembler.assemble_chunks(job, chunks, samples)
            else:
                yield assembler.assemble(job, wave)
            self.free_memory()
            if progress is not None and job.ends_utterance:
                progress(job.utterance_number + 1, count)

    def generate_batch(
        self,
        texts: Iterable[str],
        voice: str | Voice | None = None,
        batch_size: int = BATCH_SIZE,
        names: Sequence[str] | None = None,
        **options: Any,
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Speak many texts, several sentences at once; each sounds as if it were spoken alone.

        Args:
            texts: as `generate` takes them.
            voice: of all texts, as `generate` takes it; None: for each, the first that speaks its language.
            batch_size: sentences at once; more are faster on a GPU and take more memory.
            names: of the texts, in messages; None: text 1, text 2.
            options: further fields of `GenerateOptions`.
        Yields:
            the number of a text and its waveform, as they are ready: within some batches, in order of length.
        Raises:
            UserError: as `generate`; for an error in a text, mostly before anything is generated.
        """
        checked = with_sampler(make_options(voice, **options), self.config)
        if checked.stream:
            raise UserError("a batch cannot be streamed: leave out stream, or speak one text after the other")
        if not isinstance(batch_size, numbers.Integral) or batch_size < 1:
            raise UserError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise UserError(f"texts must be a list of texts, not {texts!r:.40}")
        texts = list(texts)
        names = names or [f"text {number + 1}" for number in range(len(texts))]
        check_texts(texts, names, self.config, checked)
        if checked.voice is not None or checked.ref_audio is not None:  # an error here has no text's name
            self._find_reference(checked)
        yield from speak_batches(self, texts, names, checked, batch_size)

    def edit(
        self,
        wave: np.ndarray,
        text: str,
        edited: str,
        sample_rate: int = SAMPLE_RATE,
        margin: float = MARGIN,
        **options: Any,
    ) -> np.ndarray:
        """Change words in a recording. Only these and a little around them change; the rest stays the same.

        Arguments, result and errors are those of `nanospeech_core.editing.edit.edit`.

        options: further fields of `GenerateOptions`; those of the voice are ignored.
        """
        checked = with_sampler(make_options(**options), self.config)
        return edit_recording(self, wave, text, edited, sample_rate, margin, checked)

    def sample(self, prompt: Prompt, **options: Any) -> np.ndarray:
        """The log-mel float32 [frames, mel_dim] of a prompt from its first masked token on.

        options: fields of `GenerateOptions`; those of text and voice are ignored. Raises UserError for one
            that is out of range.
        """
        checked = with_sampler(make_options(**options), self.config)
        return self.generate_mels([prompt], [checked.seed], checked)[0]

    def prepare(self, voice: str | Voice | None = None, **options: Any) -> None:
        """Read the voice now, so that the first text does not wait. Raises UserError if it is unusable."""
        self._find_reference(make_options(voice, **options))

    def _find_reference(self, options: GenerateOptions) -> None:
        self.references.get(self.folder, options, "", self.config, self.align)
