"""The source of a learner's function with what it needs of the notebook, so that it can be compiled again elsewhere.

A function written with `def` or `lambda`, one of a library, and `functools.partial` of these can be kept.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

LAMBDA = "<lambda>"


class CannotBeKept(Exception):
    """A value that has no source: the code around it cannot be compiled elsewhere."""


def name_of(function: Callable, variable: str) -> str:
    """The name under which the kept code defines a function: its own, or `variable` where it has none."""
    is_written = isinstance(function, types.FunctionType) and function.__name__ != LAMBDA
    return function.__name__ if is_written else variable


def source_of(function: Callable, name: str) -> str | None:
    """Code that defines `name` as this function, with the imports, constants and helpers that it uses, or None."""
    seen: dict[str, str] = {}
    try:
        definition = _definition(function, name, seen)
    except (CannotBeKept, OSError, TypeError, ValueError, SyntaxError):
        return None
    return "\n\n".join([*filter(None, seen.values()), definition])


def _definition(function: Callable, name: str, seen: dict[str, str]) -> str:
    if isinstance(function, functools.partial):
        return f"{name} = {_expression(function, name, seen)}"
    if not isinstance(function, types.FunctionType):
        return f"{name} = {_expression(function, name, seen)}"
    _add_needs(function, seen, name)
    if function.__name__ == LAMBDA:
        return f"{name} = {_lambda_source(function)}"
    return textwrap.dedent(inspect.getsource(function))


def _expression(value: Any, name: str, seen: dict[str, str]) -> str:
    """An expression that gives the value; what it needs goes into `seen`."""
    if isinstance(value, functools.partial):
        seen["functools"] = "import functools"
        parts = [value.func, *value.args]
        given = [_expression(part, f"{name}_{i}", seen) for i, part in enumerate(parts)]
        given += [f"{key}={_expression(part, f'{name}_{key}', seen)}" for key, part in value.keywords.items()]
        return f"functools.partial({', '.join(given)})"
    if isinstance(value, types.FunctionType) and not _is_importable(value):
        helper = f"_{name}"
        seen[helper] = ""
        seen[helper] = _definition(value, helper, seen)
        if value.__name__ != LAMBDA:
            seen[helper] += f"\n\n{helper} = {value.__name__}"
        return helper
    if _is_literal(value):
        return repr(value)
    return _imported(value, seen)


def _imported(value: Any, seen: dict[str, str]) -> str:
    """The name of a function or class of a library; its import goes into `seen`."""
    found = next(_places(value), None)
    if found is None:
        raise CannotBeKept(value)
    module, name = found
    if module != "builtins":
        seen[name] = f"from {module} import {name}"
    return name


def _is_importable(value: Any) -> bool:
    return next(_places(value), None) is not None


def _places(value: Any) -> Iterator[tuple[str, str]]:
    """Modules that have the value under its own name; torch's C functions do not say where they live."""
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return
    own = getattr(value, "__module__", None)
    for module in ("builtins", "torch", "torch.nn.functional", "operator", "numpy", own):
        if module in sys.modules and module != "__main__" and getattr(sys.modules[module], name, None) is value:
            yield module, name


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError, RecursionError):
        return False


def _add_needs(function: types.FunctionType, seen: dict[str, str], own_name: str) -> None:
    """Put a definition of every global and enclosed name that the function reads into `seen`, in an order that runs."""
    known = function.__globals__ | dict(inspect.getclosurevars(function).nonlocals)
    for name in [*_names(function.__code__), *_default_names(function)]:
        if name in seen or name == own_name or name not in known or known[name] is function:
            continue
        value = known[name]
        seen[name] = ""  # against endless recursion of two functions that call each other
        text = _needed(name, value, seen, function.__module__)
        seen.pop(name)  # after what it needs: a dictionary keeps the order of insertion
        seen[name] = text


def _needed(name: str, value: Any, seen: dict[str, str], module: str) -> str:
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__} as {name}"
    if _is_literal(value):
        return f"{name} = {value!r}"
    if isinstance(value, types.FunctionType) and value.__module__ == module:
        text = _definition(value, name, seen)
        return text if value.__name__ in (name, LAMBDA) else f"{text}\n\n{name} = {value.__name__}"
    if isinstance(value, type) and value.__module__ == module:
        return _class_source(value)
    found = next(_places(value), None)
    if found is not None:
        return f"from {found[0]} import {found[1]} as {name}"
    return f"{name} = {_expression(value, name, seen)}" if isinstance(value, functools.partial) else ""


def _class_source(kind: type) -> str:
    """The text of a class, found through one of its methods: of a class in a notebook, Python itself knows no file."""
    method = next((each for each in vars(kind).values() if isinstance(each, types.FunctionType)), None)
    if method is None:
        raise CannotBeKept(kind)
    lines, start = inspect.findsource(method)
    text = "".join(lines)
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.ClassDef)
            and node.name == kind.__name__
            and node.lineno <= start + 1 <= node.end_lineno
        ):
            return ast.get_source_segment(text, node)
    raise CannotBeKept(kind)


def _names(code: types.CodeType) -> list[str]:
    """Names from outside that a function's code reads, its inner functions included."""
    inner = [name for const in code.co_consts if isinstance(const, types.CodeType) for name in _names(const)]
    return [*code.co_names, *code.co_freevars, *inner]


def _default_names(function: types.FunctionType) -> list[str]:
    """Names in the defaults of its parameters and in its decorators."""
    if not (function.__defaults__ or function.__kwdefaults__):
        return []
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return []
    defaults = [
        d for node in ast.walk(tree) if isinstance(node, ast.arguments) for d in (*node.defaults, *node.kw_defaults)
    ]
    return [node.id for default in defaults if default for node in ast.walk(default) if isinstance(node, ast.Name)]


def _lambda_source(function: types.FunctionType) -> str:
    """The text of a lambda alone, out of the statement that it stands in."""
    lines, start = inspect.findsource(function)
    text = "".join(lines)
    lambdas = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Lambda)]
    on_its_line = [ast.get_source_segment(text, node) for node in lambdas if node.lineno == start + 1]
    found = [each for each in on_its_line if len(on_its_line) == 1 or _compiles_to(each, function.__code__)]
    if not found:
        raise CannotBeKept(function)
    return found[0]


def _compiles_to(text: str, code: types.CodeType) -> bool:
    constants = compile(f"({text})", LAMBDA, "eval").co_consts
    found = next(each for each in constants if isinstance(each, types.CodeType))
    return all(
        getattr(found, part) == getattr(code, part) for part in ("co_code", "co_names", "co_varnames", "co_consts")
    )
