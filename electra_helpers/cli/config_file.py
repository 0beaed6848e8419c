"""Options in a YAML file: `--config` reads them, `--save-config` writes those that were given. What is typed on the command line wins."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from electra_helpers.errors import ElectraError
from electra_helpers.jsonfile import read_bytes, shown

LARGEST = 1 << 20  # bytes of a file of options
ABOUT_FILES = ("config", "save_config")
GIVEN = ("COMMANDLINE", "DEFAULT_MAP", "ENVIRONMENT")  # where a value came from that is no default


def with_config(function: Callable) -> Callable:
    """The command with the options `--config` and `--save-config` behind its own."""
    own = inspect.signature(function, eval_str=True).parameters.values()
    if not own:
        return function
    added = {"ctx": typer.Context, "config": Config, "save_config": SaveConfig}

    def command(ctx: typer.Context, config: Path | None, save_config: Path | None, **values: Any) -> None:
        if save_config is None:
            return function(**values)
        save(ctx, save_config)
        try:
            return function(**values)
        except ElectraError:
            save_config.unlink(missing_ok=True)  # options that were refused are not worth keeping
            raise

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [p.replace(kind=kind) for p in own]
    for name, annotation in added.items():
        default = inspect.Parameter.empty if name == "ctx" else None
        parameters.append(inspect.Parameter(name, kind, default=default, annotation=annotation))
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def read_config(ctx: typer.Context, path: Path | None) -> Path | None:
    """Callback of `--config`: what stands in the file takes the place of the defaults, as text that is read as typed text is."""
    if path is not None and not ctx.resilient_parsing:
        known = options_of(ctx)
        ctx.default_map = dict(_as_typed(path, key, value, known, ctx) for key, value in read_yaml(path).items())
        ctx.default_map = {name: value for name, value in ctx.default_map.items() if value is not None}
    return path


Config = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads it at run time
    typer.Option(
        "--config",
        metavar="FILE",
        is_eager=True,
        callback=read_config,
        help="A YAML file of options, such as batch-size: 16; what is typed here wins.",
    ),
]
SaveConfig = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--save-config", metavar="FILE", help="Write the options given, typed or by --config, to this YAML file."
    ),
]


def options_of(ctx: typer.Context) -> dict[str, Any]:
    """Every name by which a file may set a parameter of the command: that of its option, or of its argument."""
    known: dict[str, Any] = {}
    for each in ctx.command.params:
        if each.name not in (*ABOUT_FILES, "help"):
            known |= {_name(written): each for written in (each.name, *each.opts)}
    return known


def _name(written: str) -> str:
    return written.lstrip("-").replace("-", "_")


def _as_typed(path: Path, key: Any, value: Any, known: Mapping[str, Any], ctx: typer.Context) -> tuple[str, Any]:
    """(name of the parameter, its value as it would be typed; None = not given). Raises `ElectraError` for what no option takes."""
    option = known.get(_name(key)) if isinstance(key, str) else None
    if option is None:
        raise ElectraError(
            f"{path} has the key {shown(key)}, which is no option of {ctx.command_path}: {_advice(key, known)}"
        )
    several = getattr(option, "multiple", False) or option.nargs != 1
    values = value if several and isinstance(value, list) else [value]
    for each in values:
        if getattr(option, "is_flag", False) and not isinstance(each, bool | None):
            raise ElectraError(f"{path}: {key} is {shown(each)}: write true or false.")
        if not getattr(option, "is_flag", False) and not _is_plain(each):
            what = (
                "write it in quotes"
                if isinstance(each, bool) or not isinstance(each, list | dict)
                else "give one value"
            )
            raise ElectraError(f"{path}: {key} is {shown(each)}: {what}.")
    if value is None or getattr(option, "is_flag", False):
        return option.name, value
    typed = [str(each) for each in values]
    return option.name, typed if several else typed[0]


def _is_plain(value: Any) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _advice(key: Any, known: Mapping[str, Any]) -> str:
    names = sorted({_name(max(each.opts, key=len)) for each in known.values()})
    near = difflib.get_close_matches(_name(str(key)), names, n=1, cutoff=0.5)
    return f"did you mean {near[0].replace('_', '-')}?" if near else "its --help lists them."


def read_yaml(path: Path) -> dict[Any, Any]:
    """A file of `name: value` lines. Raises `ElectraError` where it is missing, damaged, or says a thing twice."""
    import yaml  # costs time: only those who have a file pay

    class Strict(yaml.SafeLoader):
        """YAML without keys that stand twice, of which the first would be lost without a message.

        Numbers and dates stay the text that they are, to be read as typed text is: for YAML 010 is 8, 1:30 is 90.
        """

        yaml_implicit_resolvers = {  # noqa: RUF012 - as yaml has it
            first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in ("bool", "null", "merge")]
            for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
            if twice is not None:
                raise ElectraError(f"{path} sets {shown(twice)} twice: keep one of the two lines.")
            return super().construct_mapping(node, deep)

    try:
        found = yaml.load(read_bytes(path, LARGEST).decode("utf-8-sig"), Strict)
    except FileNotFoundError:
        raise ElectraError(f"{path} does not exist: --config reads a YAML file of options.") from None
    except yaml.MarkedYAMLError as error:
        line = f" on line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ElectraError(f"{path} is no YAML{line}: {error.problem}.") from error
    except ElectraError:
        raise
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
        TypeError,
    ) as error:  # also what is no UTF-8, and !!timestamp 2024-02-30
        raise ElectraError(f"{path} is no YAML file of options: {error or 'it is nested too deep'}.") from error
    if not isinstance(found, dict | None):
        raise ElectraError(f"{path} holds {shown(found)}: write one option on each line, such as batch-size: 16.")
    return found or {}


def save(ctx: typer.Context, path: Path) -> None:
    """Write the options that were given, typed or read, for `--config`. Raises `ElectraError` rather than write over a file."""
    import yaml

    from electra_helpers import __version__

    if path.exists():
        raise ElectraError(f"{path} exists already: choose another name for --save-config.")
    given = {
        _name(max(each.opts, key=len)).replace("_", "-"): _as_yaml(ctx.params[each.name])
        for each in ctx.command.params
        if each.name not in (*ABOUT_FILES, "check", "help") and ctx.get_parameter_source(each.name).name in GIVEN
    }
    head = f"# Options of {ctx.command_path} (electra_helpers {__version__}): {ctx.command_path} --config {path.name}\n"
    path.write_text(head + yaml.safe_dump(given, sort_keys=False, allow_unicode=True), "utf-8")


def _as_yaml(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_as_yaml(each) for each in value]
    return value if isinstance(value, str | int | float | bool) else str(value)
