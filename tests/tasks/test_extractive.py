"""Summaries by choosing: vectors belong to their sentences, and the scorer learns which sentence to keep."""

import numpy as np
import pytest
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.reading.labelled import labelled
from electra_helpers.tasks.extractive import best_sentence, learn_to_extract, sentence_vectors
from electra_helpers.world.labels import labelled as world


@pytest.fixture(scope="module")
def model():
    return load("electra-tiny-world-en")


def test_a_sentences_vector_is_the_mean_over_its_own_tokens(model):
    text = "Anna lost her net. Anna was a fisher."
    parts, vectors = sentence_vectors(model, text)
    read = model.tokenizer.encode(text)
    with torch.no_grad():
        hidden = model.net.discriminator.encoder(torch.tensor([read.ids]))[0].numpy()
    assert parts == ["Anna lost her net.", "Anna was a fisher."]
    assert np.allclose(vectors[0], hidden[1:6].mean(0), atol=1e-6)
    assert np.allclose(vectors[1], hidden[6:11].mean(0), atol=1e-6)


def test_the_scorer_beats_the_first_sentence(model):
    train, test = (
        labelled(list(world("summary", split=s, count=n)), task="summarisation")
        for s, n in (("train", 60), ("validation", 30))
    )
    extractor = learn_to_extract(model, train)
    chosen = extractor.summarise(test.column("text"))

    def hits(texts):
        return sum(
            parts[best_sentence(parts, row["summary"])] == text
            for row, text in zip(test.rows, texts, strict=True)
            for parts in [sentence_vectors(model, row["text"])[0]]
        )

    assert hits(chosen) > hits([sentence_vectors(model, row["text"])[0][0] for row in test.rows])


def test_texts_of_one_sentence_teach_nothing(model):
    rows = [{"text": "Anna sang.", "summary": "Anna sang."}]
    with pytest.raises(ElectraError, match="several sentences"):
        learn_to_extract(model, labelled(rows, task="summarisation"))
