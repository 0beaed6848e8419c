"""Every test of the course has a portfolio of its own and is not strict."""

import pytest


@pytest.fixture(autouse=True)
def own_portfolio(tmp_path, monkeypatch):
    path = tmp_path / "portfolio.json"
    monkeypatch.setenv("ELECTRA_PORTFOLIO", str(path))
    monkeypatch.delenv("ELECTRA_STRICT", raising=False)
    return path


@pytest.fixture
def define():
    """Compile a function as a notebook cell would: outside of any file of the project."""

    def defined(source: str, **names):
        from textwrap import dedent

        space = {"__name__": "__main__", **names}
        exec(compile(dedent(source), "<cell>", "exec"), space)
        return next(value for name, value in reversed(space.items()) if callable(value) and name not in names)

    return defined
