"""The exception for mistakes of the user."""

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class UserError(Exception):
    """Bad input (a file, a flag, a checkpoint, a text). The message is one sentence.

    Commands print it on stderr and exit with status 1. Callers of the library may catch it. Line breaks and
    other control characters, which a name or a text in the message may have, become spaces.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_CONTROL.sub(" ", str(message)))


OUT_OF_MEMORY = "memory ran out: close other programs, or use a smaller model, batch or input"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, numpy, PyTorch or MLX says that memory ran out."""
    said = r"allocate (memory|\d+ bytes)|(out of|insufficient) memory"
    return isinstance(error, MemoryError) or re.search(said, str(error), re.IGNORECASE) is not None
