"""Mistakes that the person at the keyboard can mend, and what they should know."""

import warnings


class ElectraError(ValueError):
    """Bad input: the message says what is wrong, with which value, and what to do.

    The command `electra` prints the message as it is and exits with 2; in a notebook it is an ordinary `ValueError`. It is one line, though
    it may quote names with line ends in them.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(" ".join(str(message).splitlines()))


class ElectraWarning(UserWarning):
    """What was decided or found where the person at the keyboard may have meant something else; the command prints it as one line."""


def warn(message: str) -> None:
    """Tell, and go on."""
    warnings.warn(message, ElectraWarning, stacklevel=3)
