"""What learning platforms export is taken apart by learner; a hostile zip is named and leaves nothing outside."""

import io
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
