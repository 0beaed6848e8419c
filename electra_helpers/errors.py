"""Mistakes that the person at the keyboard can mend."""


class ElectraError(ValueError):
    """Bad input: the message says what is wrong, with which value, and what to do.

    The command `electra` prints the message as it is and exits with 2; in a notebook it is an ordinary `ValueError`.
    """
