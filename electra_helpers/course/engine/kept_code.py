"""The source of a learner's function with what it needs of the notebook, so that it can be compiled again elsewhere.

A function written with `def` or `lambda`, one of a library, and `functools.partial` of these can be kept.
"""

from __future__ import annotations

import ast
import dis
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
    written = _written(function)
    is_written = isinstance(written, types.FunctionType) and written.__name__ != LAMBDA
    return written.__name__ if is_written else variable


def source_of(function: Callable, name: str) -> str | None:
    """Code that defines `name` as this function, with the imports, constants and helpers that it uses, or None."""
    seen: dict[str, str] = {}
    try:
        definition = _definition(function, name, seen)
    except (CannotBeKept, OSError, TypeError, ValueError, SyntaxError):
        return None
    return "\n\n".join([*filter(None, seen.values()), definition])


def _definition(function: Callable, name: str, seen: dict[str, str]) -> str:
    written = _written(function)
    if isinstance(function, functools.partial) or not isinstance(written, types.FunctionType):
        return f"{name} = {_expression(function, name, seen)}"
    text = _own_source(written, is_decorated=written is not function)
    _add_needs(written, [*_names(written.__code__), *_names_around(text)], seen, name)
    return f"{name} = {text}" if written.__name__ == LAMBDA else text


def _written(function: Any) -> Any:
    """The function as it was written, beneath what decorators made of it."""
    # numpy wraps its functions, too.
    is_import = not isinstance(function, types.FunctionType) and _is_importable(function)
    return inspect.unwrap(function) if callable(function) and not is_import else function


def _own_source(written: types.FunctionType, *, is_decorated: bool) -> str:
    """The text of a function; without its decorators where they are not what was made of it, such as inside a decorator of one's own."""
    if written.__name__ == LAMBDA:
        return _lambda_source(written)
    text = textwrap.dedent(inspect.getsource(written))
    if is_decorated:
        return text
    return "".join(text.splitlines(keepends=True)[ast.parse(text).body[0].lineno - 1 :])


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


def _add_needs(function: types.FunctionType, names: list[str], seen: dict[str, str], own_name: str) -> None:
    """Put a definition of every global and enclosed name among those that it reads into `seen`, in an order that runs."""
    known = function.__globals__ | dict(inspect.getclosurevars(function).nonlocals)
    for name in names:
        if name in seen or name == own_name or name not in known or _written(known[name]) is function:
            continue
        value = known[name]
        seen[name] = ""  # against endless recursion of two functions that call each other
        text = _needed(name, value, seen, function.__module__)
        seen.pop(name)  # after what it needs: a dictionary keeps the order of insertion
        seen[name] = text


def _needed(name: str, value: Any, seen: dict[str, str], module: str) -> str:
    """Code that defines a name which a function reads. Raises `CannotBeKept` for a value that no code gives."""
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__} as {name}"
    if _is_literal(value):
        return f"{name} = {value!r}"
    if isinstance(value, float):  # infinite, or nan: such numbers have no literal
        return f"{name} = float({str(value)!r})"
    written = _written(value)
    if isinstance(written, types.FunctionType) and written.__module__ == module:
        text = _definition(value, name, seen)
        return text if written.__name__ in (name, LAMBDA) else f"{text}\n\n{name} = {written.__name__}"
    if isinstance(value, type) and value.__module__ == module:
        return _class_source(value)
    # The course's stand-in is a function in a wrapper.
    found = next(_places(value), None) or next(_places(written), None)
    if found is not None:
        return f"from {found[0]} import {found[1]} as {name}"
    return f"{name} = {_expression(value, name, seen)}"


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
    """Names from outside that a function's code reads, its inner functions included; x.mean reads x alone."""
    inner = [name for const in code.co_consts if isinstance(const, types.CodeType) for name in _names(const)]
    read = [step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    return [*dict.fromkeys(read), *code.co_freevars, *inner]


def _names_around(text: str) -> list[str]:
    """Names in the defaults and the decorators of a function: they are read where it is defined."""
    (node,) = ast.parse(text).body
    if isinstance(node, ast.Expr):
        node = node.value  # a lambda, which has no decorators
    around = [*node.args.defaults, *node.args.kw_defaults, *getattr(node, "decorator_list", [])]
    return [each.id for part in around if part for each in ast.walk(part) if isinstance(each, ast.Name)]


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
