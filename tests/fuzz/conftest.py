"""How many cases: a few in every run of the tests, always the same; many in `python -m tests.fuzz`."""

import os

import pytest
from checkpoints import write_checkpoint
from hypothesis import HealthCheck, settings

CASES = "NANOSPEECH_FUZZ_CASES"
DEFAULT_CASES = 25  # of each test

settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get(CASES, DEFAULT_CASES)),
    derandomize=CASES not in os.environ,
    deadline=60_000,  # milliseconds: nothing hangs
    database=None,
    print_blob=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
settings.load_profile("fuzz")


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """The folder of a tiny model that speaks babble in milliseconds."""
    return write_checkpoint(tmp_path_factory.mktemp("fuzz") / "model")


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """A folder with what all commands read."""
    from all_commands import write_inputs

    return write_inputs(tmp_path_factory.mktemp("inputs"))
