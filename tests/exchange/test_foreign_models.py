"""What transformers may hold in a configuration is taken over, checked or refused by name; what has no head can still be learned from."""

import json

import pytest
import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, BertConfig, ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_bridge import export
from electra_helpers.exchange.transformers_config import HONOURED, REQUIRED, WITHOUT_EFFECT
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.text.tokenizer import tokenizer_from_words

PIECES = tokenizer_from_words(["the", "chef", "cook", "meal", "."])
IDS = torch.tensor([[2, 5, 6, 7, 8, 3], [2, 8, 8, 6, 5, 3]])
SHAPE = {"vocab_size": 10, "embedding_size": 16, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SHAPE |= {"intermediate_size": 48, "max_position_embeddings": 20}


def saved(folder, kind="ElectraForPreTraining", seed=0, **fields):
    """A model of transformers with large weights, so that a field that is passed over shows in the logits."""
    torch.manual_seed(seed)
    model = getattr(transformers, kind)(ElectraConfig(**SHAPE | fields)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    PIECES.save(folder)
    return model


def test_every_field_of_the_configurations_is_taken_over_checked_or_known_to_change_nothing():
    known = {*HONOURED.values(), *REQUIRED, *WITHOUT_EFFECT}
    assert {*ElectraConfig().to_dict(), *BertConfig().to_dict()} - known == set()
    assert not {*HONOURED.values(), *REQUIRED} & WITHOUT_EFFECT


TAKEN = {
    "hidden_act": ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "relu", "silu", "swish"],
    "layer_norm_eps": [0.3],
    "type_vocab_size": [1, 3],
    "embedding_size": [32],
    "num_attention_heads": [8],
    "max_position_embeddings": [6],
    "vocab_size": [16],
    "summary_activation": ["tanh"],
    "classifier_dropout": [0.5],
    "chunk_size_feed_forward": [2],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in TAKEN.items() for value in values])
@pytest.mark.parametrize("kind", ["ElectraForPreTraining", "ElectraForMaskedLM"])
def test_whatever_a_field_holds_the_logits_are_those_of_transformers(field, value, kind, tmp_path):
    model = saved(tmp_path, kind, **{field: value})
    found = load(tmp_path)
    net = found.net.discriminator or found.net.generator
    with torch.no_grad():
        assert torch.allclose(net(IDS), model(IDS).logits, atol=1e-4)
    folder = export(found, tmp_path / "out")[0]
    again = type(model).from_pretrained(folder).eval()
    with torch.no_grad():
        assert torch.allclose(again(IDS).logits, model(IDS).logits, atol=1e-4)


REFUSED = {
    "hidden_act": "quick_gelu",
    "position_embedding_type": "relative_key",
    "is_decoder": True,
    "add_cross_attention": True,
    "pruned_heads": {"0": [1]},
    "hidden_dropout_prob": 1.5,
    "num_attention_heads": 3,
    "layer_norm_eps": -1.0,
    "hidden_size": "wide",
    "vocab_size": None,
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_cannot_be_computed_here_is_refused_by_name(field, tmp_path):
    saved(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {field: REFUSED[field]}))
    with pytest.raises(ElectraError) as caught:
        load(tmp_path)
    ours = {theirs: ours for ours, theirs in HONOURED.items()}.get(field, field)
    table = "word_embeddings" if field == "vocab_size" else field  # without a size, the table's shape does not fit
    assert any(name in str(caught.value) for name in (field, ours, field.removeprefix("num_attention_"), table))
    assert "\n" not in str(caught.value)


def test_a_difference_that_no_field_tells_of_shows_in_the_logits(tmp_path, monkeypatch):
    saved(tmp_path)
    monkeypatch.setitem(HONOURED, "layer_norm_eps", "initializer_range")  # as if a field had been passed over
    with pytest.raises(ElectraError, match="computes something else than this package"):
        load(tmp_path)


def test_an_output_matrix_of_its_own_is_refused(tmp_path):
    model = saved(tmp_path, "ElectraForMaskedLM", tie_word_embeddings=False)
    with torch.no_grad():
        model.generator_lm_head.weight = torch.nn.Parameter(model.generator_lm_head.weight + 1)
    model.save_pretrained(tmp_path)
    with pytest.raises(ElectraError, match="tie_word_embeddings"):
        load(tmp_path)


def test_a_tokenizer_with_more_pieces_than_the_table_has_rows_is_one_line(tmp_path):
    saved(tmp_path, vocab_size=9)
    with pytest.raises(ElectraError, match="a tokenizer of 10 pieces and an embedding table of 9 rows"):
        load(tmp_path)


@pytest.mark.parametrize("field", ["max_position_embeddings", "layer_norm_eps", "hidden_act", "type_vocab_size"])
def test_two_nets_that_differ_in_more_than_width_are_no_pair(field, tmp_path):
    other = {"max_position_embeddings": 21, "layer_norm_eps": 0.1, "hidden_act": "relu", "type_vocab_size": 3}
    saved(tmp_path / "discriminator")
    saved(tmp_path / "generator", "ElectraForMaskedLM", **{field: other[field]})
    with pytest.raises(ElectraError, match="no pair"):
        load(tmp_path)


TASK_MODELS = ["ElectraModel", "ElectraForSequenceClassification", "ElectraForTokenClassification"]
TASK_MODELS += ["ElectraForQuestionAnswering", "ElectraForMultipleChoice"]


@pytest.mark.parametrize("kind", TASK_MODELS)
def test_a_model_with_another_head_or_none_can_be_fine_tuned(kind, tmp_path):
    model = saved(tmp_path, kind)
    encoder = model if kind == "ElectraModel" else model.electra
    start = load(tmp_path)
    with torch.no_grad():
        assert torch.allclose(start.net.encoder(IDS), encoder(IDS).last_hidden_state, atol=1e-4)
    rows = [{"text": "the chef", "label": "a"}, {"text": "the meal", "label": "b"}]
    made = finetune("classification", start, rows, epochs=1, length=12)
    assert len(list(made.predict(["the cook"]))) == 1


def test_without_architectures_the_weights_say_which_net_it_is(tmp_path):
    for kind, has in (("ElectraModel", "encoder"), ("ElectraForPreTraining", "discriminator")):
        saved(tmp_path / kind, kind)
        path = tmp_path / kind / "config.json"
        path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "architectures"}))
        assert getattr(load(tmp_path / kind).net, has) is not None


@pytest.mark.parametrize("kind", [ElectraForPreTraining, ElectraForMaskedLM])
def test_the_exported_tokenizer_cuts_where_the_positions_end(kind, tmp_path):
    saved(tmp_path / "from", kind.__name__)
    folder = export(load(tmp_path / "from"), tmp_path / "out")[0]
    pieces, config = AutoTokenizer.from_pretrained(folder), AutoConfig.from_pretrained(folder)
    assert pieces.model_max_length == config.max_position_embeddings == 20
    cut = pieces("the chef " * 40, truncation=True, return_tensors="pt")
    assert kind.from_pretrained(folder)(**cut).logits.shape[1] == 20
