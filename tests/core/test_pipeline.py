"""The pipeline from Python: voices, batches, and options out of range."""

import numpy as np
import pytest
from backends import NAMES, Backend
from checkpoints import write_checkpoint

from nanospeech_core.errors import UserError
from nanospeech_core.sampling.prompt import Prompt


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(params=NAMES)
def model(request, folder):
    return Backend(request.param).module("nanospeech").Nanospeech.from_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("texts", "size", "message"),
    [
        (["Hello."], -1, "^batch_size must be a whole number of at least 1, not -1$"),
        (["Hello."], 0, "^batch_size must be a whole number of at least 1, not 0$"),
        (["Hello."], 1.5, "^batch_size must be"),
        (["Hello.", "[voice: nobody] Hi."], 8, '^text 2: there is no voice "nobody"'),
        ("Hello.", 8, "^texts must be a list of texts, not 'Hello.'$"),
        (None, 8, "^texts must be a list of texts, not None$"),
    ],
)
def test_bad_batches(model, texts, size, message):
    with pytest.raises(UserError, match=message):
        next(model.generate_batch(texts, batch_size=size, sampler="ode", steps=1))


def test_texts_may_be_any_iterable(model):
    waves = model.generate_batch((text for text in ["Hello.", "Yes."]), sampler="ode", steps=1)
    assert sorted(number for number, _ in waves) == [0, 1]


def test_a_voice_may_be_one_of_voices(model):
    voice = model.voices()[1]
    model.prepare(voice)
    named, given = (
        model.generate("Hello.", voice=which, sampler="ode", steps=1) for which in (voice.name, voice)
    )
    assert np.array_equal(named, given)
    assert not np.array_equal(named, model.generate("Hello.", sampler="ode", steps=1))
    ((_, alone),) = model.generate_batch(["Hello."], voice=voice, sampler="ode", steps=1)
    assert np.array_equal(alone, given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use_diffusion": True, "num_iter": 0}, "^--num_iter must be a whole number from 1 to 1000, not 0$"),
        ({"method": "x"}, "^--method must be one of euler, midpoint, rk4, not 'x'$"),
        ({"cfg": float("nan")}, "^--cfg must be"),
        ({"seed": -1}, "^--seed must be"),
        ({"use_diffusion": "no"}, "^--use-diffusion must be True or False, not 'no'$"),
    ],
)
def test_a_sample_checks_its_options(model, options, message):
    prompt = Prompt(np.zeros((4, 400), np.float32), np.zeros(4, bool), np.zeros(16, np.int64))
    assert model.sample(prompt, sampler="ode", steps=1, voice="says nothing here").shape == (16, 100)
    with pytest.raises(UserError, match=message):
        model.sample(prompt, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"sampler": "ode", "num_iter": 5},
            "^--num_iter is an option of .*; --sampler ode does not read it$",
        ),
        (
            {"sampler": "masked", "steps": 5},
            "^--steps is an option of .*; --sampler masked does not read it$",
        ),
        ({"use_diffusion": False, "temperature": 0.5}, "^--temperature is an option of"),
        ({"steps": 5, "stream": True}, r"--sampler masked \(the default\) does not read it$"),
        ({"stream": True, "order": "random"}, "^--stream and --order random cannot be used together"),
    ],
)
def test_options_that_have_no_effect_are_refused(model, options, message):
    with pytest.raises(UserError, match=message):
        model.generate("Hi.", **options)


@pytest.mark.parametrize(
    "speak",
    [
        lambda model, **options: model.generate("Hi.", **options),
        lambda model, **options: next(model.generate_batch(["Hi."], **options)),
        lambda model, **options: model.edit(np.zeros(24000), "One.", "Two.", **options),
        lambda model, **options: model.prepare(**options),
    ],
    ids=["generate", "generate_batch", "edit", "prepare"],
)
def test_options_are_checked_at_the_entry(model, speak):
    with pytest.raises(UserError, match="^--speed must be a number from 0.25 to 4, not 9$"):
        speak(model, speed=9)


@pytest.mark.parametrize(
    ("method", "args", "named", "message"),
    [
        ("speak", ("Hi.",), {"sede": 1},
         "^speak has no argument 'sede' \\(did you mean 'seed'\\?\\); the arguments are text, .*, seed$"),
        ("generate", ("Hi.",), {"foo": 1}, "^generate has no argument 'foo'; the arguments are text, "),
        ("stream", ("Hi.",), {"num_iters": 1}, "did you mean 'num_iter'"),
        ("generate_batch", (["Hi."],), {"batchsize": 1}, "did you mean 'batch_size'"),
        ("edit", (np.zeros(9), "a", "b"), {"margn": 1}, "did you mean 'margin'"),
        ("prepare", (), {"voise": "emma"}, "did you mean 'voice'"),
        ("sample", (), {}, "^sample needs its argument 'prompt'$"),
        ("voices", (), {"all": True}, "^voices has no argument 'all'; it takes none$"),
        ("set_precision", (), {"precison": "float16"}, "did you mean 'precision'"),
        ("from_pretrained", (), {"modle": "x"},
         "^from_pretrained has no argument 'modle' \\(did you mean 'model'\\?\\); the arguments are model, "),
        ("from_pretrained", (3,), {}, "^model must be a string or a path or None, not 3$"),
        ("from_pretrained", (), {"vocoder": 3}, "^vocoder must be a string or a path, not 3$"),
        ("from_pretrained", ("a/b",), {"revision": 3}, "^revision must be a string or None, not 3$"),
        ("from_pretrained", (), {"compile": "yes"}, "^compile must be True or False or None, not 'yes'$"),
        ("speak", ("Hi.",), {"progress": "x"}, "^progress must be a function of"),
        ("speak", ("Hi.",), {"standalone": "x"}, "^standalone must be True or False, not 'x'$"),
        ("generate_batch", (["Hi."],), {"names": "a"}, "^names must be a list"),
        ("generate_batch", (["Hi."],), {"names": ["a", "b"]}, "^names must be a list"),
        ("generate_batch", (["Hi."],), {"batch_size": True}, "^batch_size must be a whole number"),
        ("edit", (np.zeros(9), "a", "b"), {"margin": True}, "^--margin must be from 0"),
        ("edit", (np.zeros(9), "a", "b"), {"sample_rate": True}, "^the sample rate must be"),
        ("sample", (None,), {}, "^prompt must be a Prompt, not None$"),
    ],
)  # fmt: skip
def test_wrong_names_and_types_are_told(model, method, args, named, message):
    with pytest.raises(UserError, match=message):
        result = getattr(model, method)(*args, **named)
        next(result)
