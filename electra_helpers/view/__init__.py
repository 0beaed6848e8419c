"""What a learner looks at: tokens as heat maps, in the notebook, on a page and in the terminal."""

from importlib import import_module


def __getattr__(name: str):
    # `eh.plots` is a module: loaded, with matplotlib, when it is first asked for.
    if name == "plots":
        return import_module("electra_helpers.view.plots")
    raise AttributeError(f"module 'electra_helpers.view' has no attribute {name!r}")
