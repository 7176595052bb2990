"""The exception for mistakes of the user."""


class UserError(Exception):
    """Bad input (a file, a flag, a checkpoint, a text). The message is one sentence.

    Commands print it on stderr and exit with status 1. Callers of the library may catch it.
    """
