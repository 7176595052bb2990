"""The teacher: Kokoro-82M (Apache-2.0) as an ONNX graph that also returns the duration of each phoneme.

It is StyleTTS 2's decoder (arXiv 2306.07691) with iSTFTNet: phonemes and a style vector in, a waveform out.
A voice is a table of style vectors, one for each number of phonemes.
"""

from __future__ import annotations

import functools
import itertools
import math
import zipfile
from pathlib import Path

import numpy as np

from nanospeech_core.errors import UserError
from nanospeech_core.text.symbols import SYMBOLS

UNIT = 600  # samples at 24 kHz: the teacher's durations are multiples of 25 ms
STYLES, WIDTH = 510, 256  # of a voice: rows (by the number of phonemes), numbers of one style
MAX_SYMBOLS = STYLES - 1
# A node of the published graph: each phoneme's duration, rounded, at least one. It becomes an output.
DURATIONS = "/encoder/Clip_output_0"
INPUTS = {"tokens", "style", "speed"}
# The teacher's ids of our SYMBOLS, in their order, as runs; 0 begins and ends a sentence.
_RUNS = (
    *((1, 6), (9, 25), (31, 31), (33, 33), (35, 36), (39, 39), (41, 48), (50, 72), (75, 78), (80, 83)),
    *((85, 87), (90, 90), (92, 92), (99, 99), (101, 103), (110, 116), (118, 120), (123, 123), (125, 126)),
    *((128, 133), (135, 136), (138, 140), (142, 143), (147, 148), (156, 158), (162, 162), (164, 164)),
    *((169, 169), (171, 173), (177, 177)),
)
ENDS = 0
INSTALL = "the teacher needs more packages: pip install onnx onnxruntime"


class Teacher:
    """Kokoro-82M on the CPU, one thread.

    Args:
        model: kokoro-v1.0.int8.onnx, kokoro-v1.0.onnx or another graph of that export.
        voices: voices-v1.0.bin (an archive of numpy tables), or a folder of NAME.bin (float32 [510, 256]).
    Raises:
        UserError: a file is missing or of another kind, or onnx or onnxruntime is not installed.
    """

    def __init__(self, model: Path, voices: Path):
        self.session = load(Path(model))
        self.voices = Path(voices)
        self.styles: dict[str, np.ndarray] = {}

    def check(self, names: set[str]) -> None:
        """Raise UserError if one of these voices is missing."""
        for name in sorted(names):
            self.style(name)

    def speak(self, symbols: str, voice: str) -> tuple[np.ndarray, list[int]]:
        """Speak phonemes.

        Args:
            symbols: 1 to MAX_SYMBOLS of nanospeech_core.text.symbols.SYMBOLS.
            voice: see `style`.
        Returns:
            float32 [samples] at 24 kHz, and len(symbols) + 2 durations in units of UNIT samples: a pause,
            each symbol, a pause.
        """
        numbers = ids()
        tokens = [ENDS, *(numbers[symbol] for symbol in symbols), ENDS]
        wave, durations = self.session.run(
            [self.session.get_outputs()[0].name, DURATIONS],
            {
                "tokens": np.array([tokens], dtype=np.int64),
                "style": self.style(voice)[len(symbols)][None],
                "speed": np.ones(1, dtype=np.float32),
            },
        )
        return wave.ravel(), [int(duration) for duration in durations.ravel()]

    def style(self, name: str) -> np.ndarray:
        """float32 [510, 256] of a voice such as "af_heart", or of a mixture: "af_heart+bm_george@0.3" has 30%
        of the second voice.
        """
        first, between, rest = name.partition("+")
        if not between:
            if name not in self.styles:
                self.styles[name] = read_style(self.voices, name)
            return self.styles[name]
        second, _, number = rest.partition("@")
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if not 0 <= share <= 1:
            raise UserError(f"{name!r} is not a mixture of voices: write it like af_heart+bm_george@0.3")
        return (1 - share) * self.style(first) + share * self.style(second)


@functools.cache
def ids() -> dict[str, int]:
    """The teacher's id of each symbol."""
    numbers = itertools.chain.from_iterable(range(first, last + 1) for first, last in _RUNS)
    return dict(zip(SYMBOLS, numbers, strict=True))


def load(path: Path):
    """A session of the graph with its durations as an output. Raises UserError."""
    try:
        import onnx
        import onnxruntime
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise UserError(INSTALL) from error
    try:
        model = onnx.load(str(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except DecodeError as error:
        raise UserError(f"cannot read {path}: it is not an ONNX file") from error
    inside = {name for node in model.graph.node for name in node.output}
    if {entry.name for entry in model.graph.input} != INPUTS or DURATIONS not in inside:
        raise UserError(
            f"{path} is not a graph of Kokoro-82M with {', '.join(sorted(INPUTS))} and durations: "
            "use kokoro-v1.0.int8.onnx of kokoro-onnx's release model-files-v1.0"
        )
    if all(output.name != DURATIONS for output in model.graph.output):
        kind = onnx.TensorProto.FLOAT
        model.graph.output.append(onnx.helper.make_tensor_value_info(DURATIONS, kind, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no other common class
        raise UserError(f"onnxruntime cannot run {path}: {' '.join(str(error).split())}") from error


def list_voices(voices: Path) -> list[str]:
    """The names of all voices in a file or a folder. Raises UserError."""
    try:
        if voices.is_dir():
            return sorted(path.stem for path in voices.glob("*.bin"))
        with np.load(voices) as archive:
            return sorted(archive.files)
    except OSError as error:
        raise UserError(f"cannot read {voices}: {error.strerror or error}") from error
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{voices} contains no voices of Kokoro-82M") from error


def read_style(voices: Path, name: str) -> np.ndarray:
    """A voice's table, float32 [510, 256]. Raises UserError."""
    try:
        if voices.is_dir():
            path = voices / f"{name}.bin"
            if not path.is_file():
                raise UserError(f"there is no voice {name} in {voices}: {path.name} is missing")
            table = np.frombuffer(path.read_bytes(), dtype="<f4")
        else:
            path = voices
            with np.load(voices) as archive:
                if name not in archive:
                    raise UserError(f"there is no voice {name} in {voices}")
                table = archive[name].astype(np.float32).ravel()
    except OSError as error:
        raise UserError(f"cannot read {voices}: {error.strerror or error}") from error
    except (ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} contains no voices of Kokoro-82M") from error
    if table.size != STYLES * WIDTH or not np.isfinite(table).all():
        raise UserError(f"{path}: the voice {name} is not {STYLES} x {WIDTH} finite numbers")
    return table.reshape(STYLES, WIDTH)
