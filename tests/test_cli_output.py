"""What the command prints where the output cannot encode it: a Windows pipe in cp1252, a bare machine in ASCII."""

import io
import json
import sys

import pytest

from electra_helpers import cli

ZH = "electra-tiny-world-zh"
PRINTS = {
    "corrupt": ["corrupt", "The chef cooked the meal in the evening."],
    "corrupt zh": ["corrupt", "今天天气很好。", "--model", ZH],
    "inspect": ["inspect", "今天天气很好。", "--model", ZH],
    "generate": ["generate", "--model", ZH, "--count", "1", "--words", "5"],
    "stats": ["corpus", "stats", "FILE"],
    "doctor": ["doctor"],
    "help": ["pretrain", "--help"],
}


@pytest.fixture
def printed_in(own_cache, monkeypatch, tmp_path):
    """Run the command with standard output in an encoding, errors strict as Python has it: → (exit code, bytes)."""
    (tmp_path / "text.txt").write_text("Ein Text → 天气 – naïve.", "utf-8")

    def run(encoding, *arguments):
        raw = io.BytesIO()
        screen = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
        given = [str(tmp_path / "text.txt") if one == "FILE" else one for one in arguments]
        monkeypatch.setattr(sys, "argv", ["electra", *given])
        monkeypatch.setattr(sys, "stdout", screen)
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        screen.flush()
        return code, raw.getvalue()

    return run


CASES = [*((command, "cp1252") for command in PRINTS), ("inspect", "ascii"), ("stats", "ascii")]


@pytest.mark.parametrize(("command", "encoding"), CASES)
def test_every_command_prints_with_replacements_and_ends_well(printed_in, command, encoding):
    code, said = printed_in(encoding, *PRINTS[command])
    assert code == 0
    assert said.decode(encoding).strip()


def test_what_the_encoding_has_stays_and_the_rest_is_a_question_mark(printed_in):
    said = printed_in("cp1252", *PRINTS["inspect"])[1].replace(b" ", b"").replace(b"*", b"")
    assert b"??????[SEP]" in said
    assert "–".encode("cp1252") in printed_in("cp1252", *PRINTS["stats"])[1]


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_json_is_ascii_then_and_says_the_same(printed_in, encoding):
    code, said = printed_in(encoding, *PRINTS["inspect"], "--json")
    assert code == 0
    found = json.loads(said.decode("ascii"))
    assert found == json.loads(printed_in("utf-8", *PRINTS["inspect"], "--json")[1].decode("utf-8"))
    assert found["words"][:2] == ["今", "天"]


def test_json_is_readable_where_the_output_is_unicode(printed_in):
    assert "今".encode() in printed_in("utf-8", *PRINTS["inspect"], "--json")[1]
