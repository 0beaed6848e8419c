"""What a learner reads exists in Chinese too: every message translated with its fields, none stale, none that no catalogue holds."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from electra_helpers import language
from electra_helpers.course.engine.session import setup
from electra_helpers.errors import ElectraError
from electra_helpers.language import (
    ENTRY,
    ITEMS,
    SENTENCES,
    STATEMENTS,
    choose_language,
    joined,
    padded,
    read_po,
    worded,
    wording,
)
from tests.house import messages
from tests.house.messages import LOCALE, PACKAGE, Found, fields, findings, folder_of, translations, unreadable

ROOMS = ("course", "view", "device.py", "training")
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] in ROOMS)


@pytest.fixture(autouse=True)
def english_again(monkeypatch):
    """Whatever a test chooses, the next one begins without a choice."""
    monkeypatch.delenv("ELECTRA_LANG", raising=False)
    yield
    language._chosen.clear()


def test_every_message_is_translated_and_no_translation_is_stale():
    assert findings("zh") == [], "translate in electra_helpers/locale/zh, after `make messages`"


def test_no_text_hides_from_the_catalogue():
    assert [each for path in FILES for each in unreadable(path)] == []


@pytest.mark.parametrize("call", ['worded(f"{n} steps")', 'Mistake("one " + two)', 'wording("a" if x else f"{b}")'])
def test_a_text_that_no_tool_can_read_is_found(tmp_path, call):
    (tmp_path / "new.py").write_text(f"def said(n):\n    return {call}\n", "utf-8")
    assert unreadable(tmp_path / "new.py")


def worded_on_import(source: str) -> list[int]:
    """Lines that ask for a message while the module is imported, before anybody chose a language."""
    found, waiting = [], list(ast.parse(source).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "worded":
            found.append(node.lineno)
        waiting += ast.iter_child_nodes(node)
    return found


def test_no_message_is_worded_while_a_module_is_imported():
    assert {path.name: lines for path in FILES if (lines := worded_on_import(path.read_text("utf-8")))} == {}
    assert worded_on_import('NAMES = (worded("one"),)\n\ndef said():\n    return worded("two")') == [1]


def test_a_changed_message_a_lost_field_and_a_gone_message_are_named(monkeypatch):
    told = messages.messages()
    changed = next(found for found in told if fields_of(found.text))
    monkeypatch.setattr(
        messages,
        "messages",
        lambda *_: [Found(f.text + " Indeed." if f is changed else f.text, f.file, f.line) for f in told],
    )
    found = findings("zh")
    assert any("not translated" in each and repr(changed.text + " Indeed.") in each for each in found)
    assert any(each.endswith("run `make messages`") for each in found), "the old one is struck out"
    monkeypatch.setattr(messages, "messages", lambda *_: told)
    known = translations("zh") | {changed.text: "没有字段"}
    monkeypatch.setattr(messages, "translations", lambda _: known)
    assert any("other fields" in each and repr(changed.text) in each for each in findings("zh"))


def fields_of(text: str) -> list:
    try:
        return fields(text)
    except ValueError:
        return []


def test_the_package_reads_its_catalogues_as_babel_does():
    for file in sorted(folder_of("zh").glob("*.po")):
        ours = {original: text for original, text in read_po(file).items() if text}
        assert ours == {each.id: each.string for each in messages.read(file) if each.id and each.string}, file.name


def test_a_catalogue_without_header_and_with_fuzzy_and_obsolete_entries_is_read(tmp_path):
    (tmp_path / "x.po").write_text(
        'msgid "one {n}"\nmsgstr "一 {n}"\n\n#, fuzzy\nmsgid "two"\nmsgstr "二"\n\n#~ msgid "three"\n#~ msgstr "三"\n\n'
        'msgid ""\n"long\\n"\n"er"\nmsgstr ""\n"长\\n"\n"些"\n',
        "utf-8",
    )
    assert read_po(tmp_path / "x.po") == {"one {n}": "一 {n}", "long\ner": "长\n些"}


def test_a_message_is_shown_in_the_language_that_was_chosen():
    question = "{missing} of {total} answers are still None."
    assert worded(question, missing=1, total=3) == "1 of 3 answers are still None."
    choose_language("zh")
    assert worded(question, missing=1, total=3) == translations("zh")[question].format(missing=1, total=3)
    assert worded("no such message {x}", x=wording("failed")) == f"no such message {translations('zh')['failed']}"
    assert worded("a {brace}") == "a {brace}", "without fields nothing is filled in"


def test_parts_of_a_message_are_joined_as_the_language_does():
    def said() -> list[str]:
        forms = [joined(["a", "b", "c"], form) for form in (ITEMS, STATEMENTS, SENTENCES)]
        return [joined(["a", "b"]), *forms, worded(ENTRY, name="a", said="b"), joined(["a"]), joined([])]

    assert said() == ["a; b", "a, b, c", "a. b. c", "a b c", "a: b", "a", ""]
    choose_language("zh")
    assert said() == ["a；b", "a、b、c", "a。b。c", "abc", "a：b", "a", ""]


def test_who_says_zh_in_other_ways_is_understood_and_others_are_told_what_there_is(monkeypatch):
    assert [choose_language(code) for code in ("zh_CN.UTF-8", "zh-Hans", "ZH", "en_GB")] == ["zh", "zh", "zh", "en"]
    with pytest.raises(ElectraError, match="'fr': choose one of en, zh"):
        choose_language("fr")
    monkeypatch.setenv("ELECTRA_LANG", "zh")
    assert choose_language() == "zh"
    assert choose_language("en") == "en", "the argument wins"


def test_set_up_chooses_the_language_of_a_notebook(capsys):
    setup(profile="smoke", device="cpu", language="zh")
    assert "数据" in capsys.readouterr().out
    setup(profile="smoke", device="cpu")
    assert "Data: bundled" in capsys.readouterr().out, "a notebook that says nothing is English"


def test_columns_of_a_table_count_a_chinese_character_twice():
    assert [len(padded(text, 8)) for text in ("ab", "中文", "")] == [8, 6, 8]
    assert padded("中", 4, right=True) == "  中"


def test_the_command_line_stays_english():
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "electra_helpers.cli",
            "corrupt",
            "The chef cooked the meal.",
            "--model",
            "electra-tiny-world-en",
        ],
        env=os.environ | {"ELECTRA_LANG": "zh"},
        capture_output=True,
        text=True,
    )
    assert "The generator's proposals" in run.stdout, run.stdout + run.stderr
    assert not re.search(r"[\u4e00-\u9fff]", run.stdout + run.stderr)


def test_catalogues_lie_in_the_package():
    assert Path(LOCALE).is_relative_to(PACKAGE)
    assert len(list(folder_of("zh").glob("*.po"))) >= 20
