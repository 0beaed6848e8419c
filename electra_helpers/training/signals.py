"""How a run is asked to stop from outside: it finishes its step, and saves."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from electra_helpers.training.loop import Run


@contextlib.contextmanager
def stop_signals(run: Run) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP (a terminal that was closed) let the current step finish, save and stop the run.

    A second Ctrl-C stops a step at once; while the run is being saved it is told to wait, and nothing is lost. A signal that is ignored
    stays ignored, such as SIGHUP under nohup.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask_to_stop(number: int, _frame: Any) -> None:
        if run.saving:
            os.write(2, b"\nelectra: saving the run, this takes a moment; it stops by itself.\n")
        elif run.interrupted and number == signal.SIGINT:
            raise KeyboardInterrupt
        run.stop = run.interrupted = True

    asked = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    asked = [number for number in asked if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, ask_to_stop) for number in asked}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
