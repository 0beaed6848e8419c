"""Files from others are data: no pickle is run, no code from a model's folder, and the package holds no door for them."""

import ast
import json
import pickle
import shutil
from pathlib import Path

import pytest

import electra_helpers as eh
from electra_helpers.errors import ElectraError
from tests.view.models import small_pair

PACKAGE = Path(eh.__file__).parent
OWN_CODE = {"portfolio.py"}  # runs what the learner wrote and kept on this machine


class Malice:
    """Creates a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return open, (self.mark, "w")


@pytest.fixture
def exported(tmp_path):
    """A folder as transformers writes it."""
    folders = eh.export(small_pair(), tmp_path / "exported")
    return next(f for f in folders if f.name == "discriminator")


def test_a_pickle_in_the_place_of_weights_is_refused_and_not_run(exported, tmp_path):
    (exported / "model.safetensors").unlink()
    (exported / "pytorch_model.bin").write_bytes(pickle.dumps({"x": Malice(tmp_path / "owned")}))
    with pytest.raises(ElectraError, match="cannot load") as caught:
        eh.load(exported)
    assert not (tmp_path / "owned").exists()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_in_a_models_folder_is_not_run(exported, tmp_path, file):
    code = f"open({str(tmp_path / 'owned')!r}, 'w')\nclass Model: ...\nclass Config: ...\nclass Tok: ...\n"
    (exported / "theirs.py").write_text(code)
    named = json.loads((exported / file).read_text())
    named["auto_map"] = {
        "AutoConfig": "theirs.Config",
        "AutoModelForPreTraining": "theirs.Model",
        "AutoTokenizer": ["theirs.Tok", None],
    }
    (exported / file).write_text(json.dumps(named))
    eh.detect(eh.load(exported), "The chef cooked .")
    assert not (tmp_path / "owned").exists()


def test_a_config_that_names_files_elsewhere_changes_nothing(exported, tmp_path):
    outside = tmp_path / "outside"
    shutil.copytree(exported, outside)
    config = json.loads((exported / "config.json").read_text())
    (exported / "config.json").write_text(json.dumps(config | {"_name_or_path": "../outside", "weights": "../outside"}))
    (exported / "model.safetensors").unlink()
    with pytest.raises(ElectraError):
        eh.load(exported)


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            yield node.lineno, ast.unparse(node.func), keywords


def test_the_package_neither_unpickles_nor_evaluates_nor_trusts_remote_code():
    found = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        found += [
            f"{path.name} imports {name}" for name in imported & {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
        ]
        for line, name, keywords in calls(tree):
            is_door = name in {"torch.load", "np.load", "numpy.load", "eval", "exec", "os.system"}
            if (is_door and path.name not in OWN_CODE) or keywords.get("trust_remote_code") or keywords.get("shell"):
                found.append(f"{path.name}:{line} {name}")
    assert not found
