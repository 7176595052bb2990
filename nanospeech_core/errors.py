"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Bad input (a file, a flag, a checkpoint, a text), told in one sentence.

    Command lines print the sentence on stderr and exit with status 1; callers of the library catch it.
    """
