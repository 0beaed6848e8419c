"""A vocabulary cut to a corpus: the frequent pieces stay, every character stays, and ids keep their order."""

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import models

from electra_helpers.errors import ElectraError
from electra_helpers.text.smaller_vocabulary import cut_vocabulary
from electra_helpers.text.tokenizer import SPECIAL_TOKENS, Tokenizer

PIECES = [
    *("a", "b", "##a", "##b", "好", "##"),  # the last is two characters of text, not the beginning of a word's rest
    *("baab", "##ba", "rare", "ab", "aab", "##rare"),
]


@pytest.fixture
def tokenizer(tmp_path):
    # [PAD] first and the other specials in the middle, as in BERT's own vocabulary.
    order = ["[PAD]", *PIECES[:3], *SPECIAL_TOKENS[1:], *PIECES[3:]]
    (tmp_path / "vocab.txt").write_text("\n".join(order), "utf-8")
    return Tokenizer.load(tmp_path)


TEXTS = ["Ab ab aab ab baab aab"]  # ab 3, aab 2, baab 1, rare 0


def test_specials_characters_and_the_most_frequent_are_kept_in_their_order(tokenizer):
    cut = cut_vocabulary(tokenizer, TEXTS, 12)
    assert cut.kept == sorted(cut.kept)
    pieces = cut.tokenizer.tokens(range(cut.tokenizer.vocab_size))
    assert pieces == tokenizer.tokens(cut.kept)
    assert set(pieces) == {*SPECIAL_TOKENS, "a", "b", "##a", "##b", "好", "ab", "aab"}
    assert cut.tokenizer.tokens(cut.tokenizer.special_ids) == list(SPECIAL_TOKENS)
    assert cut.covered == pytest.approx(5 / 6)


def test_what_was_left_out_is_read_in_smaller_pieces(tokenizer):
    cut = cut_vocabulary(tokenizer, TEXTS, 12).tokenizer
    assert cut.encode("Baab aab 好").tokens == ["[CLS]", "b", "##a", "##a", "##b", "aab", "好", "[SEP]"]
    assert cut.encode("ab").ids[0] == cut.cls_id


def test_a_whole_vocabulary_is_the_one_that_was(tokenizer):
    cut = cut_vocabulary(tokenizer, TEXTS, tokenizer.vocab_size)
    assert cut.kept == list(range(tokenizer.vocab_size))
    assert cut.covered == 1.0
    assert cut.tokenizer.encode("Baab rare").ids == tokenizer.encode("Baab rare").ids


@pytest.mark.parametrize(("size", "said"), [(9, "are 10. Choose more"), (18, "has 17 pieces. Choose fewer")])
def test_a_size_without_room_or_beyond_what_there_is_is_refused(tokenizer, size, said):
    with pytest.raises(ElectraError, match=said):
        cut_vocabulary(tokenizer, TEXTS, size)


def test_another_kind_of_vocabulary_is_refused():
    backend = Backend(models.BPE({token: i for i, token in enumerate(SPECIAL_TOKENS)}, []))
    with pytest.raises(ElectraError, match="cuts a WordPiece vocabulary"):
        cut_vocabulary(Tokenizer(backend), TEXTS, 5)
