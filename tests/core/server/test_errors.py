"""The shape of errors."""

import json

import pytest

pytest.importorskip("starlette", reason="needs the extra [serve]")

from nanospeech_core.errors import UserError
from nanospeech_core.server.errors import ApiError
from nanospeech_core.server.service import as_api_error


def test_an_error_that_quotes_half_a_surrogate_pair_can_be_sent():
    """JSON can have it (`"\\ud800"`), and UTF-8 cannot: the answer was status 500."""
    response = ApiError('there is no voice "\ud800x"', param="\udfff").response()
    assert response.status_code == 400
    error = json.loads(response.body)["error"]
    assert error["message"] == 'there is no voice "\\ud800x"' and error["param"] == "\\udfff"


@pytest.mark.parametrize(
    ("said", "message", "param"),
    [
        (
            "--margin must be from 0 to 500 milliseconds",
            "margin must be from 0 to 500 milliseconds",
            "margin",
        ),
        ("--diffusion-steps must be less", "diffusion-steps must be less", "diffusion_steps"),
        ("the text is empty", "the text is empty", None),
    ],
)
def test_an_error_of_the_model_names_the_field(said, message, param):
    error = as_api_error(UserError(said))
    assert (error.status, error.message, error.param) == (400, message, param)
