"""notebooks/API.md: every block runs, in order, in an empty folder, and leaves what the page says."""

import re
from pathlib import Path

from electra_helpers.config import FinetuneConfig

PAGE = Path(__file__).resolve().parents[1] / "notebooks" / "API.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_block_runs_and_leaves_what_the_page_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for number, block in enumerate(BLOCK.findall(PAGE.read_text("utf-8")), start=1):
        exec(compile(block, f"API.md, block {number}", "exec"), names)
    runs = {path.name for path in (tmp_path / "runs").iterdir() if (path / "model.safetensors").is_file()}
    assert runs == {"first", "frame", "dataset", "own", "where"}
    own = names["eh"].load("runs/own")
    assert (own.net.config.hidden_size, own.tokenizer.encode("The").tokens[1]) == (48, "The")
    said = [
        next(each.predict(["The baker sang in the mill."]))["probability"] for each in (names["made"], names["again"])
    ]
    assert said[0] == said[1]
    assert "Give texts as a list" in capsys.readouterr().out
    assert (tmp_path / "exported" / "first" / "generator" / "config.json").is_file()


def test_the_settings_of_the_table_are_settings():
    table = PAGE.read_text("utf-8").split("| setting |")[1].split("## ")[0]
    named = set(re.findall(r"`(\w+)(?:=[^`]*)?`", table)) - {"folder", "resume"}
    assert named <= set(FinetuneConfig.__dataclass_fields__), named - set(FinetuneConfig.__dataclass_fields__)
