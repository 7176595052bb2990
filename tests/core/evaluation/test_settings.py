"""The options that a report shows: those that were used."""

from __future__ import annotations

import pytest
from checkpoints import tiny_config

from nanospeech_core.evaluation.settings import parse_setting


@pytest.mark.parametrize(
    ("setting", "own", "shown"),
    [
        ("masked", [None], 3),
        ("masked", [2], 2),
        ("masked", [2, None], None),  # each voice has its own
        ("masked", [3, None], 3),
        ("masked:num_iter=5", [2, None], 5),
        ("masked:stream=true", [2], 3),
        ("refine", [2], 3),
    ],
)
def test_iterations_are_those_of_the_voices(setting, own, shown):
    options = parse_setting(setting).effective_options(tiny_config().sampling, own)
    assert options["num_iter"] == shown


def test_the_ode_has_no_iterations():
    assert "num_iter" not in parse_setting("ode").effective_options(tiny_config().sampling, [2])
