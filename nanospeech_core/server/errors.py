"""Errors of a request, in the shape that clients of OpenAI's API read: `{"error": {"message": ...}}`."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

INVALID, AUTHENTICATION, SERVER = "invalid_request_error", "authentication_error", "server_error"


class ApiError(Exception):
    """A request that cannot be answered.

    Args:
        message: one sentence: what is wrong, then how to fix it.
        status: of HTTP.
        param: the field of the request that is wrong.
        code: a name for programs, such as `model_not_found`.
        headers: of the response.
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.message, self.status, self.param, self.code = message, status, param, code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, dict[str, str | None]]:
        """The JSON of the response."""
        kind = AUTHENTICATION if self.status in (401, 403) else SERVER if self.status >= 500 else INVALID
        message = encodable(" ".join(self.message.split()))
        param = None if self.param is None else encodable(self.param)
        return {"error": {"message": message, "type": kind, "param": param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The response."""
        return JSONResponse(self.body(), self.status, self.headers)


def encodable(text: str) -> str:
    """The text with halves of surrogate pairs (JSON can have them, UTF-8 cannot) as escapes: `\\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode()


def answer_api_error(_: Request, error: Exception) -> JSONResponse:
    """Starlette's handler of `ApiError`."""
    assert isinstance(error, ApiError)
    return error.response()


def answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """Starlette's handler of its own errors: an unknown path, a method that a path does not have."""
    assert isinstance(error, HTTPException)
    messages = {
        404: f"there is no {request.url.path:.100}",
        405: f"{request.url.path:.100} does not take {request.method:.20}",
    }
    message = messages.get(error.status_code, str(error.detail))
    return ApiError(message, error.status_code, headers=error.headers).response()


def answer_unexpected(_: Request, error: Exception) -> JSONResponse:
    """Starlette's handler of all other errors. The server's log has the error itself."""
    return ApiError("the server failed; its log says why", 500).response()
