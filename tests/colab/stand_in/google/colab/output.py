"""`output.enable_custom_widget_manager`, which the course's own code must not call: anywidget does."""

import os
import traceback
from pathlib import Path


def enable_custom_widget_manager() -> None:
    """Note who asked."""
    callers = " ".join(Path(frame.filename).parent.name for frame in traceback.extract_stack()[-4:-1])
    with Path(os.environ["STAND_IN_LOG"]).open("a", encoding="utf-8") as log:
        log.write(f"widget manager {callers}\n")
