"""Drawings of the course, by name."""

from functools import partial

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded
from electra_helpers.view.drawings.pictures import encoder_layer, joint_step, task_heads, two_nets
from electra_helpers.view.drawings.svg import Drawing

DRAWINGS = {
    "two nets": two_nets,
    "generator": partial(two_nets, "generator"),
    "discriminator": partial(two_nets, "discriminator"),
    "encoder layer": encoder_layer,
    "joint step": joint_step,
    "task heads": task_heads,
}


def drawing(name: str) -> Drawing:
    """One of the course's drawings, as a picture for light and dark pages with its description in words.

    Raises `ElectraError` for a name that there is not.

    >>> from electra_helpers import drawing
    >>> print(drawing("encoder layer").alt[:56])
    One encoder layer in two rows. First row: x goes through

    Built for notebooks 00, 02, 03, 05, 06 and 08.
    """
    if name not in DRAWINGS:
        raise ElectraError(
            worded("There is no drawing {name!r}. Choose one of: {drawings}.", name=name, drawings=", ".join(DRAWINGS))
        )
    return DRAWINGS[name]()
