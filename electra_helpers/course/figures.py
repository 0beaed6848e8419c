"""Shows a matplotlib figure with a description for those who do not see it."""

from __future__ import annotations

import io
from typing import Any

PIXELS_PER_INCH = 96


def show(figure: Any, alt: str) -> None:
    """Show a matplotlib figure as a PNG with `alt` as its alternative text, and close it. Raises ValueError for an empty `alt`.

    >>> import electra_helpers as eh
    >>> eh.show(figure, "The loss falls from 9.0 to 3.1 in 500 steps.")  # doctest: +SKIP

    Built in notebook 02.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not alt.strip():
        raise ValueError("Say in words what the figure shows: alt is empty.")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH, bbox_inches="tight", facecolor="white")
    plt.close(figure)
    data = {"image/png": buffer.getvalue(), "text/plain": alt}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})
