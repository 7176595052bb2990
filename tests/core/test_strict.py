"""Calls with wrong names: what is wrong, the nearest right name, and all names."""

import os
from dataclasses import dataclass

import pytest

from nanospeech_core.errors import UserError
from nanospeech_core.strict import check_type, checked_call


@dataclass
class Options:
    seed: int = 0
    speed: float = 1.0


class Speaker:
    @checked_call(Options)
    def speak(self, text, voice=None, **options):
        """Speaks."""
        yield text, voice, options

    @checked_call()
    def voices(self):
        return ["a"]

    @classmethod
    @checked_call()
    def load(cls, model=None):
        return cls(), model


def test_right_calls_are_unchanged():
    assert list(Speaker().speak("a", "b", seed=1)) == [("a", "b", {"seed": 1})]
    assert list(Speaker().speak(voice="b", text="a")) == [("a", "b", {})]
    assert Speaker().voices() == ["a"] and Speaker.load("m")[1] == "m" and Speaker.load(model="m")[1] == "m"
    assert Speaker.speak.__name__ == "speak" and Speaker.speak.__doc__ == "Speaks."


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        (("a",), {"sede": 1}, "^speak has no argument 'sede' \\(did you mean 'seed'\\?\\); "
         "the arguments are text, voice, seed, speed$"),
        (("a",), {"Voice": 1}, "^speak has no argument 'Voice' \\(did you mean 'voice'\\?\\); the arguments"),
        (("a",), {"foo": 1}, "^speak has no argument 'foo'; the arguments are text, voice, seed, speed$"),
        ((), {"voice": "b"}, "^speak needs its argument 'text'$"),
        (("a",), {"text": "b"}, "^speak has two values for its argument 'text'$"),
        (("a", "b", 3), {}, "^speak takes at most 2 arguments without their names \\(text, voice\\), not 3$"),
    ],
)  # fmt: skip
def test_wrong_calls(args, named, message):
    with pytest.raises(UserError, match=message):
        Speaker().speak(*args, **named)  # at the call, although it is a generator


def test_wrong_calls_of_other_methods():
    with pytest.raises(UserError, match="^voices has no argument 'x'; it takes none$"):
        Speaker().voices(x=1)
    with pytest.raises(UserError, match="^voices takes none, not 1$"):
        Speaker().voices(1)
    with pytest.raises(UserError, match="^load has no argument 'modle' \\(did you mean 'model'\\?\\)"):
        Speaker.load(modle="x")


def test_types():
    check_type("model", None, [str], optional=True)
    check_type("model", "a", [str, os.PathLike])
    with pytest.raises(UserError, match="^model must be a string or a path, not 3$"):
        check_type("model", 3, [str, os.PathLike])
    with pytest.raises(UserError, match="^revision must be a string or None, not 3$"):
        check_type("revision", 3, [str], optional=True)
    with pytest.raises(UserError, match="^compile must be True or False, not 'yes'$"):
        check_type("compile", "yes", [bool])
