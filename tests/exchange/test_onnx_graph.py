"""ONNX graphs give torch's probabilities, for every number of rows and tokens; what differs is not written."""

import json

import numpy as np
import pytest
import torch

from electra_helpers.errors import ElectraError, ElectraWarning
from electra_helpers.exchange import onnx_graph
from electra_helpers.exchange.onnx_graph import (
    Graph,
    check_graph,
    open_session,
    probabilities,
    random_inputs,
    write_onnx,
)
from electra_helpers.exchange.store import load
from electra_helpers.tasks.exporting import export
from electra_helpers.tasks.finetuning import finetune

MODEL = "electra-tiny-world-en"
TEXTS = ["the chef cooked a meal in the kitchen .", "the tailor ate ."]
QUICK = {"steps": 2, "batch_size": 8, "device": "cpu", "length": 32}
ROWS = [{"text": f"the {who} ate .", "label": who} for who in ("chef", "tailor", "guest")] * 4

needs_onnx = pytest.mark.skipif(
    any(__import__("importlib").util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the extra onnx is not installed",
)


def run(folder, inputs):
    names = [i.name for i in open_session(folder / "model.onnx").get_inputs()]
    feed = {name: value.numpy() for name, value in zip(onnx_graph.INPUTS, inputs, strict=True) if name in names}
    return open_session(folder / "model.onnx").run(None, feed)


@needs_onnx
@pytest.mark.parametrize("role", ["discriminator", "generator"])
def test_a_net_of_pre_training_is_the_same_for_every_batch_and_length(tmp_path, role):
    net = getattr(load(MODEL).net, role)
    write_onnx(net, tmp_path)
    graph = Graph(net).eval()
    for rows, length in ((1, 2), (4, 31), (2, 192)):
        inputs = random_inputs(net.encoder.config, rows, length, seed=rows)
        with torch.no_grad():
            wanted = graph(*inputs).numpy()
        (found,) = run(tmp_path, inputs)
        real = inputs[1].numpy() > 0
        assert np.abs(probabilities(wanted, graph) - probabilities(found, graph))[real].max() < 1e-4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx"]


@needs_onnx
def test_a_fine_tuned_model_says_the_same_in_onnx_in_transformers_and_here(tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    made = finetune("classification", MODEL, ROWS, **QUICK)
    ours = np.array([list(said["probabilities"].values()) for said in made.predict(TEXTS)])
    for name, how, off in (("fp32", {}, 1e-4), ("int8", {"int8": True}, 0.03)):
        (folder,) = export(made, tmp_path / name, onnx=True, **how)
        tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
        (logits,) = run(folder, [tokens[each] for each in onnx_graph.INPUTS])
        assert np.abs(torch.tensor(logits).softmax(-1).numpy() - ours).max() < off
        assert json.loads((folder / "config.json").read_text("utf-8"))["id2label"]["0"] == "chef"
        assert "onnxruntime.InferenceSession" in (folder / "README.md").read_text("utf-8")
    sizes = [(tmp_path / name / "model.onnx").stat().st_size for name in ("fp32", "int8")]
    assert sizes[1] < 0.6 * sizes[0]
    (folder,) = export(made, tmp_path / "theirs")
    with torch.no_grad():
        theirs = AutoModelForSequenceClassification.from_pretrained(folder).eval()(**tokens).logits.softmax(-1)
    assert np.abs(theirs.numpy() - ours).max() < 1e-4


@needs_onnx
def test_products_in_eight_bits_that_are_too_far_off_leave_only_the_weights_in_eight_bits(tmp_path):
    made = finetune("classification", MODEL, ROWS, **QUICK)
    last = [part for part in made.net.head.modules() if isinstance(part, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(6)  # a sure classifier: every rounding error moves its probabilities further
    import onnx

    for name in ("fp32", "int8"):
        (tmp_path / name).mkdir()
    write_onnx(made.net, tmp_path / "fp32")
    with pytest.warns(
        ElectraWarning, match=r"differs from torch's by 0\.\d+, over 0\.03: only the weights are in eight bits"
    ):
        write_onnx(made.net, tmp_path / "int8", int8=True)
    large, small = ((tmp_path / name / "model.onnx") for name in ("fp32", "int8"))
    assert small.stat().st_size < large.stat().st_size / 2
    kinds = {node.op_type for node in onnx.load(small).graph.node}
    assert "DequantizeLinear" in kinds
    assert "MatMulInteger" not in kinds
    assert check_graph(Graph(made.net).eval(), small, 0.03) > 1e-4, "it is rounded, and near enough"


@needs_onnx
def test_the_command_writes_graphs_and_says_how_far_they_are_from_torch(tmp_path, electra):
    made = finetune("classification", MODEL, ROWS, **QUICK)
    made.save(tmp_path / "made")
    nets = {
        MODEL: {role: getattr(load(MODEL).net, role) for role in ("discriminator", "generator")},
        tmp_path / "made": {"out": made.net},
    }
    sizes = []
    for number, (model, more, least) in enumerate(
        ((MODEL, (), 1e-4), (tmp_path / "made", (), 1e-4), (tmp_path / "made", ("--int8",), 0.03))
    ):
        out = tmp_path / str(number) / "out"
        code, said, errors = electra("export", model, out, "--onnx", *more)
        assert code == 0, errors
        files = {file.parent.name: file for file in out.rglob("model.onnx")}
        assert files.keys() == nets[model].keys()
        for name, file in files.items():
            assert f"{file}: the same as torch, to {least:g} of each probability" in " ".join(said.split())
            assert check_graph(Graph(nets[model][name]).eval(), file, least) >= 0
        sizes.append(sum(file.stat().st_size for file in files.values()))
    assert sizes[2] < sizes[1] / 2


@needs_onnx
def test_a_net_that_eight_bits_change_too_much_is_refused_in_one_line_and_nothing_is_left(tmp_path, electra):
    code, _, errors = electra("export", MODEL, tmp_path / "out", "--onnx", "--int8")
    assert code == 2
    assert "only the weights are in eight bits" in errors
    assert "differs from torch by 0.0" in errors
    assert "Leave --int8 out." in errors
    assert not list(tmp_path.rglob("*.onnx"))


@needs_onnx
def test_answers_have_a_graph_with_starts_and_ends(tmp_path):
    answers = {"text": ["the chef"], "answer_start": [0]}
    rows = [{"id": "1", "context": "the chef ate .", "question": "who ate ?", "answers": answers}] * 8
    made = finetune("question-answering", MODEL, rows, **QUICK)
    (folder,) = export(made, tmp_path / "out", onnx=True)
    names = [output.name for output in open_session(folder / "model.onnx").get_outputs()]
    assert names == ["start_logits", "end_logits"]


@needs_onnx
def test_tags_in_the_papers_form_are_read_as_segment_1(tmp_path):
    rows = [
        {"tokens": ["the", "chef", "ate"], "tags": ["O", "B-PER", "O"]},
        {"tokens": ["it", "ate"], "tags": ["O", "O"]},
    ] * 4
    made = finetune("tagging", MODEL, rows, head="paper", **QUICK)
    (folder,) = export(made, tmp_path / "out", onnx=True)
    inputs = random_inputs(made.net.encoder.config, 2, 9)
    one, other = (run(folder, [*inputs[:2], torch.full_like(inputs[2], kind)])[0] for kind in (0, 1))
    assert np.array_equal(one, other)


@needs_onnx
def test_a_graph_that_says_something_else_is_not_written(tmp_path, monkeypatch):
    net = load(MODEL).net.discriminator
    monkeypatch.setattr(onnx_graph, "check_graph", lambda graph, path, tolerance: check_graph(graph, path, -1.0))
    with pytest.raises(ElectraError, match="differs from torch"):
        write_onnx(net, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_onnx
@pytest.mark.parametrize("which", ["the graph", "torch"])
def test_a_graph_that_gives_nan_is_not_written(which, tmp_path, monkeypatch):
    net = load(MODEL).net.discriminator
    if which == "torch":
        with torch.no_grad():
            net.head.dense.bias[3] = float("nan")
    else:
        opened = onnx_graph.open_session

        class Session:
            def __init__(self, path):
                self.inside = opened(path)

            def run(self, names, feed):
                return [np.full_like(found, np.nan) for found in self.inside.run(names, feed)]

        monkeypatch.setattr(onnx_graph, "open_session", Session)
    with pytest.raises(ElectraError, match="not finite"):
        write_onnx(net, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_onnx
def test_what_writes_texts_is_refused(tmp_path):
    pairs = [{"source": "the chef ate", "target": "le chef"}, {"source": "it ate", "target": "il"}] * 4
    made = finetune("translation", MODEL, pairs, target_vocab=64, **QUICK)
    with pytest.raises(ElectraError, match="TextDecoder is no single graph"):
        export(made, tmp_path / "out", onnx=True)
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_named_with_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ElectraError, match=r"onnx is not installed. .* pip install onnx onnxscript onnxruntime"):
        write_onnx(load(MODEL).net.discriminator, tmp_path)


def test_int8_without_onnx_is_refused(tmp_path):
    with pytest.raises(ElectraError, match="int8 is for ONNX"):
        export(MODEL, tmp_path / "out", int8=True)
