"""Heads of fine-tuning: equal to transformers' where transformers has them, refused with one line where not, on a copy of the encoder."""

from dataclasses import replace

import pytest
import torch
import transformers

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.transformers_heads import export_finetuned, finetuned_to_transformers
from electra_helpers.model.electra import Electra, real_tokens
from electra_helpers.model.encoder import Encoder
from electra_helpers.model.heads import (
    ConditionedSpanHead,
    FinetunedNet,
    SpanHead,
    TextHead,
    TokenHead,
    encoder_to_finetune,
    main_encoder,
)
from electra_helpers.model.variants import build_network
from electra_helpers.tasks.question_answering import context_and_cls
from electra_helpers.text.packing import Batch
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.training.optim import layer_scales, layerwise_groups

SHAPE = ModelConfig(
    vocab_size=50,
    embedding_size=16,
    hidden_size=24,
    num_layers=2,
    num_heads=4,
    intermediate_size=40,
    max_positions=16,
    dropout=0.0,
    attention_dropout=0.0,
    initializer_range=0.4,
)


@pytest.fixture
def batch():
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 50, (3, 11), generator=random)
    types = (torch.arange(11) > 5).long().expand(3, -1)
    mask = torch.arange(11) < torch.tensor([11, 7, 9])[:, None]
    return Batch(ids, types, mask)


def made(head):
    torch.manual_seed(0)
    net = FinetunedNet(Encoder(SHAPE), head(SHAPE)).double().eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return net


DEFAULT_HEADS = {
    "ElectraForSequenceClassification": lambda c: TextHead(c, 3),
    "ElectraForTokenClassification": lambda c: TokenHead(c, 5),
    "ElectraForQuestionAnswering": SpanHead,
}


@pytest.mark.parametrize("name", DEFAULT_HEADS)
def test_default_heads_have_the_logits_of_transformers(name, batch, tmp_path):
    net = made(DEFAULT_HEADS[name])
    labels = [f"l{i}" for i in range(net.head.out.out_features)] if "Question" not in name else []
    tokenizer = tokenizer_from_words([f"w{i}" for i in range(45)])
    assert export_finetuned(net, tokenizer, labels, tmp_path / "out") == name
    theirs = getattr(transformers, name).from_pretrained(tmp_path / "out", torch_dtype=torch.float64).eval()
    with torch.no_grad():
        ours = net(batch)
        found = theirs(batch.input_ids, batch.attention_mask.long(), batch.token_type_ids)
    wanted = torch.stack([found.start_logits, found.end_logits], -1) if "Question" in name else found.logits
    real = batch.attention_mask if ours.dim() == 3 else torch.ones(3, dtype=torch.bool)
    torch.testing.assert_close(ours[real], wanted[real], rtol=1e-9, atol=1e-9)
    assert ours.abs().max() > 0.5
    if labels:
        assert theirs.config.id2label == dict(enumerate(labels))


@pytest.mark.parametrize("head", [lambda c: TextHead(c, 3, "paper"), ConditionedSpanHead])
def test_the_papers_heads_cannot_be_taken_to_transformers(head):
    with pytest.raises(ElectraError, match="--head transformers") as refused:
        finetuned_to_transformers(made(head))
    assert "\n" not in str(refused.value)


def test_the_papers_text_head_is_dropout_and_one_linear_layer():
    names = [n for n, _ in TextHead(SHAPE, 3, "paper").named_parameters()]
    assert names == ["out.weight", "out.bias"]


@pytest.mark.parametrize("head", [SpanHead, ConditionedSpanHead])
def test_spans_are_probabilities_over_the_places_that_the_form_allows(head, batch):
    """transformers: over all real tokens; the paper's form: over the second segment and [CLS]."""
    net, starts = made(head), torch.tensor([6, 0, 8])
    places = {"real": real_tokens(batch), "context": context_and_cls(batch)}
    with torch.no_grad():
        spans = net(batch, "spans", **places)
        first, last = net(batch, "edges", **places, starts=starts)
    assert spans.shape == (3, 11, 11)
    allowed = places["real" if head is SpanHead else "context"]
    for log_p in (first, last):
        torch.testing.assert_close(log_p.exp().sum(1), torch.ones(3).double())
        assert torch.equal(torch.isfinite(log_p), allowed)
    for row, start in enumerate(starts):
        torch.testing.assert_close(spans[row, start], first[row, start] + last[row])


def test_the_context_is_the_second_segment_and_cls(batch):
    assert context_and_cls(batch)[1].nonzero().flatten().tolist() == [
        0,
        6,
    ]  # 7 real tokens, the second segment from 6 on


def test_the_conditioned_end_depends_on_the_start(batch):
    net, places = made(ConditionedSpanHead), {"real": real_tokens(batch), "context": context_and_cls(batch)}
    with torch.no_grad():
        one = net(batch, "edges", **places, starts=torch.tensor([2, 2, 2]))
        other = net(batch, "edges", **places, starts=torch.tensor([4, 4, 4]))
    assert torch.equal(one[0], other[0])
    assert (one[1] - other[1])[places["context"]].abs().max() > 1e-4


@pytest.mark.parametrize("sharing", ["all", "none", "disentangled"])
def test_the_encoder_to_finetune_is_a_copy_with_the_tables_as_they_are_read(sharing, batch):
    torch.manual_seed(0)
    net = Electra(replace(SHAPE, sharing=sharing)).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.4)
    encoder = encoder_to_finetune(net, dropout=0.0).eval()
    arguments = (batch.input_ids, batch.token_type_ids, batch.attention_mask)
    with torch.no_grad():
        torch.testing.assert_close(encoder(*arguments), net.discriminator.encoder(*arguments))
        before = net.discriminator.encoder(*arguments)
        for p in encoder.parameters():
            p.zero_()
        assert torch.equal(before, net.discriminator.encoder(*arguments))


def test_from_scratch_has_the_shape_and_none_of_the_weights():
    net = Electra(SHAPE)
    scratch = encoder_to_finetune(net, 0.0, scratch=True)
    trained = main_encoder(net)
    assert {n: p.shape for n, p in scratch.named_parameters()} == {n: p.shape for n, p in trained.named_parameters()}
    assert not torch.equal(scratch.layers[0].up.weight, trained.layers[0].up.weight)


def test_a_masked_language_model_is_finetuned_by_its_only_encoder():
    from electra_helpers.config import PretrainConfig

    mlm = build_network(SHAPE, PretrainConfig(objective="mlm"))
    assert main_encoder(mlm) is mlm.generator.encoder
    assert main_encoder(build_network(SHAPE, PretrainConfig(objective="replace-mlm"))).config.hidden_size == 24


def test_a_frozen_encoder_gets_no_gradient_and_no_dropout(batch):
    torch.manual_seed(0)
    config = replace(SHAPE, dropout=0.5)
    net = FinetunedNet(Encoder(config), TextHead(config, 3), frozen=True).train()
    assert torch.equal(net.hidden(batch), net.hidden(batch))
    net(batch).sum().backward()
    assert all(p.grad is None for p in net.encoder.parameters())
    assert all(p.grad is not None for p in net.head.parameters())


def test_layer_scales_follow_the_paper_and_the_reference():
    # 12 layers, decay 0.8: the head at 1, the top layer at 0.8 (paper) or 0.8 squared (reference), embeddings last.
    paper, reference = layer_scales(12, 0.8), layer_scales(12, 0.8, "reference")
    assert len(paper) == 14
    assert (paper[-1], reference[-1]) == (1, 1)
    assert paper[12] == pytest.approx(0.8)
    assert paper[0] == pytest.approx(0.8**13)
    assert reference[12] == pytest.approx(0.64)
    assert reference[0] == pytest.approx(0.8**14)


@pytest.mark.parametrize("frozen", [False, True])
def test_every_trainable_parameter_is_in_one_group_at_its_depth(frozen):
    net = FinetunedNet(Encoder(SHAPE), TextHead(SHAPE, 3), frozen=frozen)
    groups = layerwise_groups(net.encoder, net.head, FinetuneConfig(layer_decay=0.5, weight_decay=0.1))
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in net.parameters() if p.requires_grad)
    scale = {id(p): group["scale"] for group in groups for p in group["params"]}
    assert scale[id(net.head.out.weight)] == 1
    if not frozen:
        assert scale[id(net.encoder.layers[1].up.weight)] == 0.5
        assert scale[id(net.encoder.layers[0].up.bias)] == 0.25
        assert scale[id(net.encoder.project.weight)] == scale[id(net.encoder.embeddings.word.weight)] == 0.125
