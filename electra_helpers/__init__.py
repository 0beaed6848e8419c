"""Learn ELECTRA by building it: the package behind the notebooks.

Every public name is imported on first use, so that `import electra_helpers` costs nothing and loads neither torch nor transformers.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name → the module that holds it. One place: `dir(electra_helpers)`, the lazy import and the tests read this table.
_HOME: dict[str, str] = {
    "ElectraError": "electra_helpers.errors",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'electra_helpers' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
