"""The command as its user meets it: the main job on a small text, and bad input, which costs one clear line and exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from electra_helpers import cli
from electra_helpers.recipes import recipe

SENTENCES = ["The chef cooked the meal.", "A cat sat on the mat and slept.", "Rain fell on the quiet town all day."]
TEXT = "\n\n".join(f"{s} {i}" for i in range(80) for s in SENTENCES)
TINY = [
    "--size",
    "tiny",
    "--steps",
    "6",
    "--batch-size",
    "4",
    "--length",
    "16",
    "--vocab-size",
    "80",
    "--eval-rows",
    "8",
]
BEGUN = [
    part for part in TINY if part not in ("--vocab-size", "80")
]  # beside a model or a tokenizer, which have a vocabulary
SHAPE = ["--hidden-size", "16", "--num-heads", "2", "--embedding-size", "16", "--intermediate-size", "32"]


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return path


@pytest.fixture
def trained(electra, corpus, tmp_path):
    out = tmp_path / "run"
    code, said, errors = electra(
        "pretrain", "--corpus", corpus, "--out", out, *TINY, *SHAPE, "--save-every", "2", "--validation-share", "0.2"
    )
    assert code == 0, errors
    return out, said, errors


def test_pretrain_reports_and_leaves_everything_a_model_needs(trained):
    out, said, errors = trained
    assert "6 of 6 steps" in said
    assert "Held out: mlm_loss" in said
    assert f"--model {out}" in said
    assert "parameters, vocabulary 80" in errors
    assert "6/6" in errors
    names = {p.name for p in out.iterdir()}
    assert names == {
        *("config.json", "run.json", "log.jsonl", "model.safetensors", "checkpoints"),
        *("tokenizer.json", "tokenizer_config.json", "vocab.txt", "README.md"),
    }


def test_inspect_prints_words_and_aligned_json_and_html(trained, electra, tmp_path):
    out, *_ = trained
    code, said, _ = electra("inspect", "The chef ate <b>rain</b>.", "--model", out)
    assert code == 0
    assert "[CLS]" in said
    code, said, _ = electra(
        "inspect", "The chef ate <b>rain</b>.", "--model", out, "--json", "--html", tmp_path / "map.html"
    )
    found = json.loads(said)
    assert set(found) == {"tokens", "words", "p_replaced", "p_replaced_words", "suspicion_words"}
    assert len(found["tokens"]) == len(found["p_replaced"])
    assert len(found["words"]) == len(found["p_replaced_words"]) == len(found["suspicion_words"])
    assert found["words"][:3] == ["The", "chef", "ate"]
    assert "<b>rain" not in (tmp_path / "map.html").read_text("utf-8")


def test_corrupt_climbs_the_ladder(trained, electra):
    out, *_ = trained
    code, said, _ = electra("corrupt", "The chef cooked the meal.", "--model", out, "--seed", "3", "--json")
    made = json.loads(said)
    assert code == 0
    assert {"tokens", "is_selected", "sampled", "is_replaced", "top_k", "p_replaced"} <= set(made)
    assert len({len(made[k]) for k in ("tokens", "is_selected", "sampled", "is_replaced", "top_k", "p_replaced")}) == 1
    assert len(next(x for x in made["top_k"] if x)) == 5
    code, said, _ = electra("corrupt", "The chef cooked the meal.", "--model", out)
    assert "P(replaced)" in said


def test_export_names_the_classes_that_load_it(trained, electra, tmp_path):
    out, *_ = trained
    code, said, _ = electra("export", out, tmp_path / "exported")
    assert code == 0
    assert "ElectraForPreTraining.from_pretrained" in said
    code, said, _ = electra("inspect", "The chef.", "--model", tmp_path / "exported", "--json")
    direct = electra("inspect", "The chef.", "--model", out, "--json")[1]
    assert json.loads(said)["p_replaced"] == pytest.approx(json.loads(direct)["p_replaced"], abs=1e-5)


@pytest.mark.parametrize(("more", "share", "off"), [((), 0.6, 5e-3), (("--weights", "int8"), 0.5, 0.03)])
def test_a_bundle_weighs_half_or_a_quarter_and_reads_the_same(trained, electra, tmp_path, more, share, off):
    out, *_ = trained
    code, said, _ = electra("export", out, tmp_path / "bundle", "--bundle", *more)
    assert code == 0
    assert said.split(":")[0] == str(tmp_path / "bundle")
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (out, tmp_path / "bundle")]
    assert sizes[1] < share * sizes[0]
    both = [json.loads(electra("inspect", "The chef.", "--model", m, "--json")[1]) for m in (out, tmp_path / "bundle")]
    assert both[0]["p_replaced"] == pytest.approx(both[1]["p_replaced"], abs=off)
    trained_on, told = (json.loads((m / "run.json").read_text())["sources"] for m in (out, tmp_path / "bundle"))
    assert (told, trained_on) == ([Path(trained_on[0]).name], [str(Path(trained_on[0]).resolve())])
    code, _, complaint = electra("export", out, tmp_path / "bundle", "--bundle", *more)
    assert (code, "is not empty" in complaint) == (2, True)


def test_a_bundle_of_unknown_weights_is_refused(trained, electra, tmp_path):
    code, _, complaint = electra("export", trained[0], tmp_path / "bundle", "--bundle", "--weights", "int4")
    assert code == 2
    assert "weights is 'int4': choose one of half, int8" in complaint


def test_a_run_continues_from_an_export_where_its_loss_was(trained, electra, corpus, tmp_path):
    out, *_ = trained
    electra("export", out, tmp_path / "exported")
    code, _, errors = electra(
        "pretrain",
        "--corpus",
        corpus,
        "--init-from",
        tmp_path / "exported",
        "--out",
        tmp_path / "more",
        *BEGUN,
        "--log-every",
        "1",
        "--validation-share",
        "0.2",
    )
    assert code == 0, errors
    first = json.loads((tmp_path / "more/log.jsonl").read_text().splitlines()[0])
    last = json.loads([x for x in (out / "log.jsonl").read_text().splitlines() if '"train"' in x][-1])
    assert first["mlm_loss"] == pytest.approx(last["mlm_loss"], rel=0.15)


def test_resume_needs_nothing_but_the_folder_and_knows_a_finished_run(trained, electra):
    out, *_ = trained
    code, said, _ = electra("pretrain", "--resume", "--out", out)
    assert code == 0
    assert "is finished: 6 of 6 steps" in said


def test_resume_with_other_settings_shows_the_difference(trained, electra):
    out, *_ = trained
    code, _, errors = electra("pretrain", "--resume", "--out", out, "--learning-rate", "0.5")
    assert code == 2
    assert f"learning_rate: {recipe('tiny').pretrain.learning_rate} → 0.5" in errors


def test_resume_on_other_data_is_refused(trained, electra, corpus):
    corpus.write_text(TEXT.replace("chef", "cook"), "utf-8")
    code, _, errors = electra("pretrain", "--resume", "--out", trained[0])
    assert code == 2
    assert "data: " in errors


def test_doctor_and_corpus_stats(electra, corpus):
    code, said, _ = electra("doctor")
    assert code == 0
    assert "device" in said
    code, said, _ = electra("corpus", "stats", corpus, "--json")
    assert json.loads(said)["documents"] == 240
    code, said, _ = electra("corpus", "stats", corpus)
    assert "duplicates" in said


def clear(code, errors, pattern):
    import re

    lines = [line for line in errors.strip().splitlines() if not line.startswith("Reading ")]
    assert code == 2, errors
    assert "Traceback" not in errors
    assert len(lines) <= 2, errors
    assert re.search(pattern, errors, re.IGNORECASE), errors


OPTIONS = {
    ("--size", "huge"): "size 'huge': choose one of tiny, mini",
    ("--steps", "-5"): "steps is -5: it must be at least 0",
    ("--learning-rate", "nan"): "learning_rate is nan",
    ("--mask-share", "1.5"): "mask_share is 1.5",
    ("--temperature", "0"): "temperature is 0",
    ("--num-heads", "3"): "does not divide into 3 heads",
    ("--objective", "gan"): "objective is 'gan': choose one of rtd",
    ("--optimizer", "sgd"): "optimizer is .sgd.: choose one of adamw, muon",
    ("--accumulation", "3"): "does not split into 3 equal parts",
    ("--device", "tpu"): "device 'tpu' is not here",
    ("--tokenizer", "nowhere"): "nowhere",
    ("--init-from", "nowhere"): "no model 'nowhere'",
    ("--column", "body"): "body",
}


@pytest.mark.parametrize("option", OPTIONS, ids=" ".join)
def test_an_option_that_cannot_be_is_one_clear_line(option, electra, corpus, tmp_path):
    small = BEGUN if option[0] in ("--tokenizer", "--init-from") else TINY
    code, _, errors = electra("pretrain", "--corpus", corpus, "--out", tmp_path / "out", *small, *SHAPE, *option)
    clear(code, errors, OPTIONS[option])


def test_a_word_where_a_number_belongs_is_refused(electra, corpus, tmp_path):
    code, _, errors = electra("pretrain", "--corpus", corpus, "--out", tmp_path / "out", "--steps", "many")
    assert code == 2
    assert "--steps" in errors
    assert "Traceback" not in errors


MODELS = {
    "nowhere": "no model 'nowhere'",
    "folder": "has no config.json",
    "json": "cannot be read",
    "other": "do not fit config.json",
    "later": "format 99",
    "cut": "damaged",
    "unfinished": "no weights yet",
    "nobody/electra-small-discriminator": "neither a folder here nor to be had from the hub",
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_folder_that_is_no_model_is_one_clear_line(kind, trained, electra, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out = trained[0]
    config = json.loads((out / "config.json").read_text())
    if kind == "folder":
        (tmp_path / kind).mkdir()
    elif kind == "json":
        (out / "config.json").write_text("{")
    elif kind == "other":
        (out / "config.json").write_text('{"model_type": "bert"}')
    elif kind == "later":
        (out / "config.json").write_text(json.dumps(config | {"electra_helpers": 99}))
    elif kind == "cut":
        weights = out / "model.safetensors"
        content = weights.read_bytes()
        weights.unlink()  # a hard link: the checkpoint's copy stays whole
        weights.write_bytes(content[:-100])
    elif kind == "unfinished":
        (out / "model.safetensors").unlink()
    model = kind if kind.startswith("no") else tmp_path / kind if kind == "folder" else out
    code, _, errors = electra("inspect", "The chef.", "--model", model)
    clear(code, errors, MODELS[kind])


@pytest.mark.parametrize(
    ("text", "pattern"), [("", "empty"), ("word " * 600, r"tokens, the model reads \d+"), ("\ud800", "UTF-8")]
)
def test_a_text_that_cannot_be_judged_is_one_clear_line(text, pattern, trained, electra):
    code, _, errors = electra("inspect", text, "--model", trained[0])
    clear(code, errors, pattern)


def test_a_folder_in_use_is_never_overwritten(trained, electra, corpus):
    out = trained[0]
    before = (out / "model.safetensors").read_bytes()
    code, _, errors = electra("pretrain", "--corpus", corpus, "--out", out, *TINY, *SHAPE)
    clear(code, errors, "is not empty: resume it by --resume")
    assert (out / "model.safetensors").read_bytes() == before


def test_resuming_where_there_is_no_run_says_so(electra, tmp_path):
    code, _, errors = electra("pretrain", "--resume", "--out", tmp_path / "none")
    clear(code, errors, "no run in .* to resume")
    assert not (tmp_path / "none").exists()


def test_no_corpus_says_what_to_give(electra, tmp_path):
    clear(*electra("pretrain", "--out", tmp_path / "none")[::2], "Say what to learn from")


def test_a_process_of_its_own_ends_with_2_and_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "electra_helpers.cli", "inspect", "hello", "--model", "nowhere"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])},
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


VIETNAMESE = "\n\n".join(f"Bạn bán bàn ở đâu? Tiếng Việt có dấu {i}." for i in range(60))


def test_marks_are_kept_from_training_to_transformers_and_back(electra, tmp_path):
    """Said where they are lost; kept by --no-strip-accents, in a run that is resumed, and in an export."""
    from electra_helpers.text.tokenizer import Tokenizer

    corpus, kept = tmp_path / "vi.txt", tmp_path / "kept"
    corpus.write_text(VIETNAMESE, "utf-8")
    learn = ["pretrain", "--corpus", corpus, *TINY, *SHAPE, "--vocab-size", "120", "--validation-share", "0.2"]
    code, _, errors = electra(*learn, "--out", tmp_path / "lost")
    assert code == 0, errors
    assert "% of the letters carry accents" in errors
    assert "--no-strip-accents" in errors
    code, _, errors = electra(*learn, "--out", kept, "--no-strip-accents", "--save-every", "3")
    assert code == 0, errors
    assert "carry accents" not in errors
    assert json.loads((kept / "run.json").read_text("utf-8"))["pretrain"]["strip_accents"] is False
    assert electra("pretrain", "--resume", "--out", kept)[0] == 0
    assert electra("export", kept, tmp_path / "exported")[0] == 0
    for folder in (kept, tmp_path / "exported" / "discriminator"):
        read = Tokenizer.load(folder)
        assert read.encode("bạn").ids != read.encode("bán").ids
    for given in (["--init-from", tmp_path / "lost"], ["--tokenizer", tmp_path / "lost"]):
        shape = [] if given[0] == "--init-from" else SHAPE
        code, _, errors = electra(
            "pretrain", "--corpus", corpus, *BEGUN, *shape, "--out", tmp_path / "new", *given, "--no-strip-accents"
        )
        assert code == 2
        assert "strips accents" in errors
