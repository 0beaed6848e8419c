"""What learning platforms export is taken apart by learner; a hostile zip is named and leaves nothing outside."""

import io
import os
import zipfile

import pytest

from electra_helpers.classroom.submissions import collect
from electra_helpers.errors import ElectraError


def zipped(path, **files):
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def names(found):
    return {each.learner: [path.name for path in each.notebooks] or each.problem for each in found}


def test_a_moodle_export_has_a_folder_for_each_learner(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("work/03_generator.ipynb", "{}")
    files = {
        "Ada Lovelace_4711_assignsubmission_file_/03_generator.ipynb": "{}",
        "Ada Lovelace_4711_assignsubmission_file_/electra_portfolio.json": "{}",
        "李 雷_4712_assignsubmission_file_/abgabe.zip": inner.getvalue(),
        "Nobody_4713_assignsubmission_onlinetext_/onlinetext.html": "I forgot.",
        "__MACOSX/._x": "",
    }
    found = collect(zipped(tmp_path / "moodle.zip", **files), tmp_path / "room")
    assert names(found) == {
        "Ada Lovelace": ["03_generator.ipynb"],
        "李 雷": ["03_generator.ipynb"],
        "Nobody": "not a notebook",
    }
    assert "onlinetext.html" in next(each.message for each in found if each.learner == "Nobody")


@pytest.mark.parametrize("inside", ["work/03.ipynb", "03.zip"])
def test_a_moodle_export_of_one_learner_keeps_the_name(inside, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as packed:
        packed.writestr("03.ipynb", "{}")
    files = {f"Ada Lovelace_4711_assignsubmission_file_/{inside}": inner.getvalue() if inside[-3:] == "zip" else "{}"}
    found = collect(zipped(tmp_path / "moodle.zip", **files), tmp_path / "room")
    assert [(each.learner, each.id, len(each.notebooks)) for each in found] == [("Ada Lovelace", "4711", 1)]


def test_a_zip_whose_folders_end_in_a_backslash_is_read(tmp_path):
    files = {"ada\\": "", "ada\\work\\": "", "ada\\work\\03.ipynb": "{}", "bo\\": "", "bo\\03.ipynb": "{}"}
    found = collect(zipped(tmp_path / "windows.zip", **files), tmp_path / "room")
    assert names(found) == {"ada": ["03.ipynb"], "bo": ["03.ipynb"]}


def test_a_canvas_export_has_a_file_for_each_learner(tmp_path):
    files = {"lovelaceada_LATE_11_22_03_generator.ipynb": "{}", "leili_12_23_03_generator-1.ipynb": "{}"}
    found = collect(zipped(tmp_path / "canvas.zip", **files), tmp_path / "room")
    assert names(found) == {"lovelaceada": ["03_generator.ipynb"], "leili": ["03_generator-1.ipynb"]}


def test_a_folder_with_plain_files_and_a_wrapping_folder(tmp_path):
    for learner in ("ada", "grace"):
        (tmp_path / "export" / "03" / learner).mkdir(parents=True)
        (tmp_path / "export" / "03" / learner / "a.ipynb").write_text("{}")
    assert names(collect(tmp_path / "export", tmp_path / "room")) == {"ada": ["a.ipynb"], "grace": ["a.ipynb"]}
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "grace.ipynb").write_text("{}")
    assert names(collect(tmp_path / "flat", tmp_path / "room2")) == {"grace": ["grace.ipynb"]}


@pytest.mark.parametrize(
    "path", ["../../evil.ipynb", "/tmp/evil.ipynb", "a/../../evil.ipynb", "C:\\evil.ipynb", "..\\evil.ipynb"]
)
def test_a_zip_that_leads_out_of_its_folder_costs_only_its_learner(tmp_path, path):
    (tmp_path / "all").mkdir()
    zipped(tmp_path / "all" / "mallory.zip", **{"01.ipynb": "{}", path: "{}"})
    zipped(tmp_path / "all" / "ada.zip", **{"01.ipynb": "{}"})
    found = collect(tmp_path / "all", tmp_path / "room")
    assert names(found) == {"ada": ["01.ipynb"], "mallory": "unsafe zip"}
    assert not list(tmp_path.rglob("evil*"))


def test_links_and_bombs_are_refused(tmp_path, monkeypatch):
    (tmp_path / "all").mkdir()
    with zipfile.ZipFile(tmp_path / "all" / "link.zip", "w") as packed:
        link = zipfile.ZipInfo("link.ipynb")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(tmp_path / "all" / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("01.ipynb", b"0" * 2_000_000)
    monkeypatch.setattr("electra_helpers.classroom.submissions.MAX_BYTES", 1_000_000)
    assert names(collect(tmp_path / "all", tmp_path / "room")) == {"link": "unsafe zip", "bomb": "unsafe zip"}


def test_two_learners_of_one_name_are_two(tmp_path):
    for number in ("4711", "4712"):
        home = tmp_path / "in" / f"Wei Wang_{number}_assignsubmission_file_"
        home.mkdir(parents=True)
        (home / "01.ipynb").write_text(number)
    (tmp_path / "in" / "Wei Wang_4712_assignsubmission_onlinetext_").mkdir()
    found = collect(tmp_path / "in", tmp_path / "room")
    assert [(each.key, each.notebooks[0].read_text()) for each in found] == [
        (("Wei Wang", "4711"), "4711"),
        (("Wei Wang", "4712"), "4712"),
    ]
    files = {
        "lovelaceada_11_22_03.ipynb": "a",
        "lovelaceada_LATE_12_23_03.ipynb": "b",
        "lovelaceada_11_24_04.ipynb": "c",
    }
    found = collect(zipped(tmp_path / "canvas.zip", **files), tmp_path / "canvas")
    assert [(each.id, len(each.notebooks)) for each in found] == [("11", 2), ("12", 1)]


def test_entries_that_share_a_name_lose_nothing_and_are_counted_once(tmp_path):
    top = tmp_path / "in"
    for learner in ("Bob", "Eve"):
        (top / learner).mkdir(parents=True)
        (top / learner / "01.ipynb").write_text("{}")
    zipped(top / "Bob.zip", **{"01.ipynb": '{"other": 1}'})
    zipped(top / "Eve.ZIP", **{"sub/01.IPYNB": "{}"})
    found = {each.key: each for each in collect(top, tmp_path / "room")}
    assert set(found) == {("Bob", "Bob"), ("Bob", "Bob.zip"), ("Eve", "Eve")}
    assert found["Bob", "Bob.zip"].notebooks[0].read_text() == '{"other": 1}'
    assert "Bob, Bob.zip" in found["Bob", "Bob"].notes[0]
    assert found["Eve", "Eve"].notes == ("Eve.ZIP holds the same and is not counted",)


def test_one_file_handed_in_twice_is_counted_once_with_a_word(tmp_path):
    (tmp_path / "in" / "Ada").mkdir(parents=True)
    for name in ("01.ipynb", "01 (copy).ipynb"):
        (tmp_path / "in" / "Ada" / name).write_text("{}")
    (ada,) = collect(tmp_path / "in", tmp_path / "room")
    assert len(ada.notebooks) == 1
    assert "handed in twice" in ada.notes[0]


class Raw(zipfile.ZipInfo):
    """An entry whose name is written in another encoding than UTF-8, without the flag, as Windows does."""

    encoding = "cp437"

    def _encodeFilenameFlags(self):
        return self.filename.encode(self.encoding), self.flag_bits & ~0x800


@pytest.mark.parametrize(
    ("encoding", "learner"),
    [("gbk", "张三"), ("gbk", "李喆"), ("cp437", "Jürgen Müller"), ("cp437", "Åse Ñandú"), ("utf-8", "José 王")],
)
def test_names_in_a_zip_are_read_as_they_were_written(tmp_path, encoding, learner):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        for name, number in ((learner, 12), ("Bo", 13)):
            for file, content in (("00_welcome.ipynb", "{}"), ("._00_welcome.ipynb", "\0\5\x16\7"), (".DS_Store", "")):
                entry = Raw(f"{name}_{number}_assignsubmission_file_/{file}")
                entry.encoding = encoding
                packed.writestr(entry, content)
    assert names(collect(tmp_path / "x.zip", tmp_path / "room")) == {
        learner: ["00_welcome.ipynb"],
        "Bo": ["00_welcome.ipynb"],
    }


def damaged_zips():
    """Zips as bytes, each broken in another way, by name."""
    text = b"ab" * 5_000 + bytes(range(256))
    made = {}
    for name, method in (("deflate", zipfile.ZIP_DEFLATED), ("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as packed:
            packed.writestr("01.ipynb", text)
        whole = bytearray(file.getvalue())
        for at in range(50, 60):
            whole[at] ^= 0xFF
        made[name] = bytes(whole)
    made["cut short"] = made["deflate"][:-30]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("01.ipynb", text)
    encrypted = bytearray(file.getvalue())
    encrypted[6] |= 1
    encrypted[encrypted.rindex(b"PK\x01\x02") + 8] |= 1
    return made | {"encrypted": bytes(encrypted), "empty": b"", "no zip": b"PK\x03\x04 nothing"}


def test_every_damaged_zip_is_a_row_of_its_own(tmp_path):
    top = tmp_path / "in"
    top.mkdir()
    for name, content in damaged_zips().items():
        (top / f"{name}.zip").write_bytes(content)
    zipped(top / "Ada.zip", **{"01.ipynb": "{}"})
    zipped(top / "long name.zip", **{"x" * 250 + ".ipynb": "{}", "a\x1b[31mb.ipynb": "{ }"})
    found = names(collect(top, tmp_path / "room"))
    assert found.pop("Ada") == ["01.ipynb"]
    long = found.pop("long name")
    assert len(long) == 2
    assert all(len(name) < 130 and "\x1b" not in name for name in long)
    assert found == dict.fromkeys(damaged_zips(), "not readable")


def test_zips_in_zips_have_an_end_and_count_together(tmp_path, monkeypatch):
    top = tmp_path / "in"
    top.mkdir()
    inner = b"{}"
    for depth in range(6):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as packed:
            packed.writestr("01.ipynb" if not depth else "in.zip", inner)
        inner = file.getvalue()
        (top / f"{depth + 1} deep.zip").write_bytes(inner)
    monkeypatch.setattr("electra_helpers.classroom.submissions.MAX_BYTES", 50_000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for number in range(5):
            part = io.BytesIO()
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as small:
                small.writestr("01.ipynb", b"0" * 20_000)
            packed.writestr(f"{number}.zip", part.getvalue())
    (top / "many.zip").write_bytes(file.getvalue())
    found = names(collect(top, tmp_path / "room"))
    assert found.pop("many") == "unsafe zip"
    assert {name: kept == ["01.ipynb"] for name, kept in found.items()} == {f"{n} deep": n <= 4 for n in range(1, 7)}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows")
def test_pipes_links_and_odd_names_are_passed_over(tmp_path):
    home = tmp_path / "in" / "Ada"
    home.mkdir(parents=True)
    (home / "01.ipynb").write_text("{}")
    os.mkfifo(home / "02.ipynb")
    os.mkfifo(tmp_path / "in" / "Bo.ipynb")
    (home / "03.ipynb").symlink_to("/etc/passwd")
    (home / "._01.ipynb").write_bytes(b"\0")
    open(os.fsencode(home) + b"/\xff\x1b[2J.ipynb", "wb").write(b"{ }")  # noqa: SIM115
    assert names(collect(tmp_path / "in", tmp_path / "room")) == {"Ada": ["01.ipynb", "?\ufffd[2J.ipynb"]}


def test_more_notebooks_than_a_course_has_are_not_all_graded(tmp_path):
    home = tmp_path / "in" / "Ada"
    home.mkdir(parents=True)
    for number in range(60):
        (home / f"{number}.ipynb").write_text(str(number))
    (ada,) = collect(tmp_path / "in", tmp_path / "room")
    assert len(ada.notebooks) == 40
    assert "60 notebooks" in ada.notes[0]


def test_a_broken_zip_and_an_empty_export_are_said(tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "ada.zip").write_bytes(b"PK\x03\x04 nothing")
    assert names(collect(tmp_path / "all", tmp_path / "room")) == {"ada": "not readable"}
    (tmp_path / "none").mkdir()
    with pytest.raises(ElectraError, match="holds no submissions"):
        collect(tmp_path / "none", tmp_path / "room")
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(ElectraError, match="neither a folder nor a zip"):
        collect(tmp_path / "x.txt", tmp_path / "room")
