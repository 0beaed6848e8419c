"""A trained pair of nets may share its embeddings in another way, and keeps what it knew where that is possible."""

from dataclasses import replace
from itertools import product

import pytest
import torch

from electra_helpers import Electra, ModelConfig, PretrainConfig, load, pretrain
from electra_helpers.errors import ElectraError
from electra_helpers.model.reshape import reshape
from electra_helpers.world import stories

SHAPE = ModelConfig(
    vocab_size=80,
    embedding_size=16,
    hidden_size=32,
    num_layers=2,
    num_heads=2,
    intermediate_size=32,
    generator_size=0.5,
    max_positions=16,
    initializer_range=0.3,
    dropout=0.0,
    attention_dropout=0.0,
)
SHARINGS = ("none", "word", "all", "disentangled")
# What a discriminator has for itself: only where the new way keeps all of the old one's does it judge as before.
OWN = {"all": 0, "word": 1, "none": 2, "disentangled": 2}


def trained(sharing):
    """A net none of whose tables is where it started, the differences of the disentangled ones not at zero."""
    torch.manual_seed(0)
    net = Electra(replace(SHAPE, sharing=sharing))
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return net.eval()


def outputs(net):
    ids = torch.randint(5, 80, (3, 12), generator=torch.Generator().manual_seed(1))
    segments = (torch.arange(12) > 6).long().expand(3, 12)
    with torch.no_grad():
        return net.generator(ids, segments), net.discriminator(ids, segments)


@pytest.mark.parametrize(("before", "after"), list(product(SHARINGS, SHARINGS)))
def test_the_generator_stays_and_the_discriminator_where_nothing_of_its_own_is_lost(before, after):
    net = trained(before)
    made = reshape(net, replace(net.config, sharing=after)).eval()
    assert made.config.sharing == after
    (theirs, judged), (ours, judges) = outputs(net), outputs(made)
    assert torch.equal(ours, theirs)
    assert torch.allclose(judges, judged, atol=1e-5) == (OWN[after] >= OWN[before])


def test_joined_at_the_word_table_positions_segments_and_layer_norm_stay_its_own():
    net = trained("disentangled")
    made = reshape(net, replace(net.config, sharing="word"))
    ours, theirs = made.discriminator.encoder.embeddings, net.discriminator.encoder.embeddings
    assert ours.word is made.generator.encoder.embeddings.word
    for new, old in zip(ours.tables()[1:], theirs.tables()[1:], strict=True):
        assert torch.equal(new, old)
    assert torch.equal(ours.layer_norm.bias, theirs.layer_norm.bias)


def test_dropout_may_change_and_no_shape():
    net = trained("all")
    assert reshape(net, replace(net.config, dropout=0.1)).generator.encoder.embeddings.dropout.p == 0.1
    with pytest.raises(ElectraError, match=r"mini has num_layers 2: a model to start from keeps its shape"):
        reshape(net, replace(net.config, num_layers=3), "mini")


def test_a_net_that_stands_alone_shares_nothing():
    alone = Electra(SHAPE, generator=False)
    assert reshape(alone, SHAPE).generator is None
    with pytest.raises(ElectraError, match="one net only here"):
        reshape(alone, replace(SHAPE, sharing="word"))


def test_pretraining_goes_on_with_one_word_table(electra, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(story.text("en") for story in stories(count=60)), "utf-8")
    small = {"batch_size": 4, "length": 16, "eval_rows": 8, "form": "plain", "vocab_size": 400, "whole_words": 0}
    config, apart = PretrainConfig(steps=2, **small), replace(SHAPE, sharing="disentangled")
    pretrain([str(text)], tmp_path / "apart", config=config, model=apart)
    asked = {name: value for name, value in small.items() if name not in ("vocab_size", "whole_words")}
    settings = [part for name, value in asked.items() for part in (f"--{name.replace('_', '-')}", value)]
    command = ["pretrain", "--corpus", text, "--init-from", tmp_path / "apart", "--steps", 1, *settings]

    code, _, error = electra(*command, "--sharing", "word", "--out", tmp_path / "joined")
    assert code == 0, error
    joined, start = load(tmp_path / "joined").net, load(tmp_path / "apart").net
    assert joined.config == replace(start.config, sharing="word")
    assert joined.discriminator.encoder.embeddings.word is joined.generator.encoder.embeddings.word
    pairs = zip(joined.generator.parameters(), start.generator.parameters(), strict=True)
    assert 0 < max((a - b).abs().max() for a, b in pairs) < 0.01, "it goes on from there"

    code, _, error = electra(*command, "--num-heads", 4, "--out", tmp_path / "other")
    assert code == 2
    assert "apart has num_heads 2" in error
    assert "Reading" not in error, "before anything is read"
