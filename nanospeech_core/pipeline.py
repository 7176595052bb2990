"""The pipeline from a text to waveforms, on any backend: at once, in chunks, in batches; speech editing."""

from __future__ import annotations

import asyncio
import numbers
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from typing import Any

import numpy as np

from .audio.mel import HOP, SAMPLE_RATE
from .audio.player import playing
from .editing.edit import MARGIN
from .editing.edit import edit as edit_recording
from .editing.word_times import word_times
from .errors import UserError
from .sampling.options import GenerateOptions
from .sampling.prompt import Prompt
from .sampling.samplers import with_sampler
from .speech.speech import Speech, join_speech
from .strict import check_type, checked_call
from .synthesis.assembly import SpeechAssembler
from .synthesis.backend import Backend
from .synthesis.batching import BATCH_SIZE, speak_batches
from .synthesis.frontend import check_texts, prepare_text
from .synthesis.segments import SegmentJob, segment_jobs
from .synthesis.streaming import stream_segment
from .system.parallel import OneThread, ahead, computes
from .voices.store import Voice, list_voices, user_voices, voices_folder


def make_options(voice: str | Voice | None = None, **options: Any) -> GenerateOptions:
    """The options, checked. Raises UserError for one that is out of range."""
    result = GenerateOptions(voice=voice.name if isinstance(voice, Voice) else voice, **options)
    result.check()
    return result


class Pipeline(Backend):
    """What `Nanospeech` does with its networks; a backend implements the abstract methods of `Backend`."""

    sample_rate = SAMPLE_RATE

    @checked_call()
    @computes
    def voices(self) -> list[Voice]:
        """The checkpoint's voices, else the embedded ones, the default one first; then the user's own."""
        return list_voices(voices_folder(self.folder)) + user_voices()

    @checked_call(GenerateOptions)
    @computes
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

    @checked_call(GenerateOptions)
    def stream(
        self, text: str, voice: str | Voice | None = None, **options: Any
    ) -> Generator[np.ndarray, None, None]:
        """Speak a text in chunks, float32 [samples], each to be played while the next is generated.

        Masked decoding goes from left to right, so that a sentence begins to play before its end is
        generated; the ODE generates whole sentences. Work is only done when a chunk is asked for: closing the
        iterator, or Ctrl-C, ends it. Each chunk may be asked for in another thread, one at a time, as web
        frameworks do. The arguments are those of `generate`.
        """
        for speech in self.speak(text, voice, **{**options, "stream": True}):
            yield speech.wave

    @checked_call(GenerateOptions)
    async def astream(
        self, text: str, voice: str | Voice | None = None, **options: Any
    ) -> AsyncIterator[np.ndarray]:
        """`stream` for asyncio: the event loop goes on while a chunk is generated, in a thread.

        Leaving the loop early (`aclose`, or a cancelled task) ends the work after the chunk.
        """
        chunks = self.stream(text, voice, **options)
        thread = OneThread("astream")  # for all chunks
        try:
            while (chunk := await asyncio.wrap_future(thread.submit(lambda: next(chunks, None)))) is not None:
                yield chunk
        finally:
            thread.submit(chunks.close)

    @checked_call(GenerateOptions)
    def say(self, text: str, voice: str | Voice | None = None, play: bool = True, **options: Any) -> Speech:
        """Speak a text aloud, each sentence as soon as it is generated; returns all of it.

        In Jupyter the result is shown as a player, for which `play` may be False.

        Args:
            text, voice, options: as of `generate`.
            play: False: only return it.
        Raises:
            UserError: as `generate`; this machine cannot play sound.
        """
        parts = []
        with playing(self.sample_rate) if play else nullcontext(lambda wave: None) as put:
            for speech in self.speak(text, voice, **options):
                parts.append(speech)
                put(speech.wave)
        return join_speech(parts)

    @checked_call(GenerateOptions)
    @computes
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
        Closing the iterator ends that work within a step. It may be used and closed in changing threads, by
        one at a time.

        progress: called with (sentences done, sentences in all) before each sentence and at the end.
        standalone: False: the text is a part of something longer; there is as much silence at its ends as
            between two sentences.
        """
        if progress is not None and not callable(progress):
            raise UserError(f"progress must be a function of (sentences done, in all), not {progress!r:.40}")
        check_type("standalone", standalone, [bool])
        checked = with_sampler(make_options(voice, **options), self.config)
        prepared = prepare_text(text, self.config, self.folder, checked, self.aligner, self.references)
        assembler = SpeechAssembler(prepared, self.config, checked.stream, standalone)
        jobs = segment_jobs(self, prepared, checked)
        count = 0
        if progress is not None:  # the number of utterances is known when all of the text has been read
            count = len(prepared.utterances)
            progress(0, count)

        def generate(job: SegmentJob, abandoned: threading.Event) -> tuple[SegmentJob, np.ndarray]:
            segment = job.segment
            tokens = self.last_tokens([segment.prompt], [job.seed], checked, abandoned)
            if not segment.silences:
                return job, self.decode_tokens(tokens, segment.prompt)
            mel = self.to_mel_frames(self.array(tokens)[0], segment.prompt)
            return job, self.decode(segment.with_silences(mel))

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

    @checked_call(GenerateOptions)
    @computes
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
        whole = isinstance(batch_size, numbers.Integral) and not isinstance(batch_size, bool)
        if not whole or batch_size < 1:
            raise UserError(f"batch_size must be a whole number of at least 1, not {batch_size!r}")
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise UserError(f"texts must be a list of texts, not {texts!r:.40}")
        texts = list(texts)
        if names is None:
            names = [f"text {number + 1}" for number in range(len(texts))]
        elif isinstance(names, str) or not isinstance(names, Sequence) or len(names) != len(texts):
            raise UserError(
                f"names must be a list of a name for each of {len(texts)} texts, not {names!r:.40}"
            )
        check_texts(texts, names, self.config, self.folder, checked)
        if checked.voice is not None or checked.ref_audio is not None:  # an error here has no text's name
            self._find_reference(checked)
        yield from speak_batches(self, texts, names, checked, batch_size)

    @checked_call(GenerateOptions)
    @computes
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

    @checked_call(GenerateOptions)
    @computes
    def word_times(
        self, wave: np.ndarray, text: str, sample_rate: int = SAMPLE_RATE, **options: Any
    ) -> list[Speech]:
        """When a recording says the words of its text, sentence by sentence.

        Arguments, result and errors are those of `nanospeech_core.editing.word_times.word_times`.

        options: `lang` and `lexicon`.
        """
        return word_times(self, wave, text, sample_rate, make_options(**options))

    @checked_call(GenerateOptions)
    @computes
    def sample(self, prompt: Prompt, **options: Any) -> np.ndarray:
        """The log-mel float32 [frames, mel_dim] of a prompt from its first masked token on.

        options: fields of `GenerateOptions`; those of text and voice are ignored. Raises UserError for one
            that is out of range.
        """
        if not isinstance(prompt, Prompt):
            raise UserError(f"prompt must be a Prompt, not {prompt!r:.40}")
        checked = with_sampler(make_options(**options), self.config)
        return self.generate_mels([prompt], [checked.seed], checked)[0]

    @checked_call(GenerateOptions)
    @computes
    def prepare(self, voice: str | Voice | None = None, **options: Any) -> None:
        """Read the voice now, so that the first text does not wait. Raises UserError if it is unusable."""
        self._find_reference(make_options(voice, **options))

    def _find_reference(self, options: GenerateOptions) -> None:
        self.references.get(self.folder, options, "", self.config, self.aligner)
