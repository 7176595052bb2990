"""Any flags: a file, or one message and no file."""

import dataclasses

import numpy as np
import soundfile
from commands import in_this_process
from hypothesis import given
from hypothesis import strategies as st
from strategies import NUMBERS

from nanospeech_core.errors import UserError
from nanospeech_core.sampling.options import GenerateOptions

FIELDS = [
    field.name for field in dataclasses.fields(GenerateOptions) if field.name not in ("ref_audio", "ref_asr")
]
VALUES = (
    NUMBERS
    | st.text(max_size=8)
    | st.sampled_from(["masked", "ode", "refine", "en-us", "zh", "random", "euler"])
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4))
def test_flags_of_generate(model, tmp_path, flags):
    output = tmp_path / "out.wav"
    output.unlink(missing_ok=True)
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    done = in_this_process(
        "nanospeech_torch.generate", "--model", model, "--text", "Hello.", "--output", output, *arguments
    )
    assert "Traceback" not in done.err
    if done.code:
        assert not output.exists() and done.err.strip(), done
    else:
        wave, _ = soundfile.read(output)
        assert len(wave) and np.isfinite(wave).all()


ANYTHING = (
    VALUES | st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=4))
def test_options_of_python(flags):
    try:
        GenerateOptions(**flags).check()
    except UserError as error:
        assert "\n" not in str(error)
