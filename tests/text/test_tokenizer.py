"""The tokenizer gives the ids that transformers gives, keeps words aligned, and trains the same vocabulary twice."""

import json
import subprocess
import sys
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from electra_helpers.errors import ElectraError
from electra_helpers.reading.corpora import Corpus
from electra_helpers.text.tokenizer import (
    SPECIAL_TOKENS,
    Tokenizer,
    tokenizer_from_words,
    truncated_lengths,
)
from electra_helpers.text.vocabulary import frequent_words, spread_sample, train_tokenizer

ENGLISH = "The chef cooked the meal, and the guests thanked her. Nobody had cooked so well before! Who is the cook?"
FRENCH = "L'élève a mangé la pêche que le garçon lui a donnée; où est-elle à présent?"
CHINESE = "今天天气很好，阳光明媚。裁缝用针缝衣服，老师在黑板上写字。"
TEXTS = [ENGLISH, FRENCH, CHINESE] * 8
HARD = [
    ENGLISH,
    FRENCH,
    CHINESE,
    "I'm 3.5% sure: naïve café—résumé 😀👍🏽 ok",
    "今天weather很好 [MASK] the [SEP] end",
    "",
    "   \t\n ",
    "ﬁne Ⅷ ß İstanbul \u200bzero\u00a0width x\u0301y",
    "a" * 300,
    "\x00nul and \ufffd",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, vocab_size=400)


@pytest.fixture(scope="module")
def theirs(tokenizer, tmp_path_factory):
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("saved")
    tokenizer.save(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "electra"}))  # as in a run folder
    return transformers.AutoTokenizer.from_pretrained(folder)


def test_special_tokens_come_first_in_the_agreed_order(tokenizer):
    assert tokenizer.special_ids == (0, 1, 2, 3, 4)
    assert tokenizer.tokens(range(5)) == list(SPECIAL_TOKENS)


@pytest.mark.parametrize("text", HARD)
def test_ids_and_offsets_equal_those_of_transformers(tokenizer, theirs, text):
    ours, other = tokenizer.encode(text, blanks=True), theirs(text, return_offsets_mapping=True)
    assert ours.ids == other["input_ids"]
    assert ours.offsets == [tuple(pair) for pair in other["offset_mapping"]]
    assert ours.word_ids == other.word_ids()


def popped(lengths, room):
    """The reference's way: one token off the longer part, of equals off the second, until they fit."""
    first, second = lengths
    while first + second > room:
        first, second = (first - 1, second) if first > second else (first, second - 1)
    return [first, second]


@settings(max_examples=200)
@given(first=st.text(max_size=60), second=st.text(min_size=1, max_size=60), max_length=st.integers(5, 40))
def test_pairs_are_cut_and_framed_as_transformers_does(tokenizer, theirs, first, second, max_length):
    ours = tokenizer.encode(first, second, max_length=max_length)
    kept = popped(
        [len(theirs(part, add_special_tokens=False)["input_ids"]) for part in (first, second)], max_length - 3
    )
    parts = [
        theirs(part, add_special_tokens=False)["input_ids"][:n] for part, n in zip((first, second), kept, strict=True)
    ]
    assert ours.ids == [tokenizer.cls_id, *parts[0], tokenizer.sep_id, *parts[1], tokenizer.sep_id]
    assert ours.token_type_ids == [0] * (kept[0] + 2) + [1] * (kept[1] + 1)
    if sum(kept) + 3 < max_length:  # nothing was cut: transformers frames a pair in the same way
        other = theirs(first, second)
        assert (ours.ids, ours.token_type_ids) == (other["input_ids"], other["token_type_ids"])


def test_the_middle_sep_belongs_to_the_first_segment(tokenizer):
    encoding = tokenizer.encode("the cook", "the guests")
    middle = encoding.tokens.index("[SEP]")
    assert encoding.token_type_ids[: middle + 1] == [0] * (middle + 1)
    assert set(encoding.token_type_ids[middle + 1 :]) == {1}


def test_words_of_the_pair_count_on(tokenizer):
    words = [word for word in tokenizer.encode("the chef", "the guests").word_ids if word is not None]
    assert sorted(set(words)) == [0, 1, 2, 3]


def test_offsets_point_at_the_text_behind_each_token(tokenizer):
    text = "Élève 今天 cooked"
    encoding = tokenizer.encode(text)
    assert "".join(text[a:b] for a, b in encoding.offsets) == text.replace(" ", "")


def test_chinese_characters_are_tokens_of_their_own(tokenizer):
    assert tokenizer.encode("今天天气很好，阳光明媚").tokens[1:-1] == list("今天天气很好，阳光明媚")


def test_a_chinese_sentence_in_an_english_vocabulary_has_as_many_tokens_all_unknown():
    english = train_tokenizer([ENGLISH] * 9, vocab_size=200)
    ids = english.encode("今天天气很好，阳光明媚").ids[1:-1]
    assert ids == [english.unk_id] * 11


def test_a_mask_is_a_mask_where_blanks_are_asked_for_and_text_everywhere_else(tokenizer):
    encoding = tokenizer.encode("the [MASK] cooked", blanks=True)
    place = encoding.ids.index(tokenizer.mask_id)
    assert encoding.word_ids[place] is not None
    assert not encoding.is_special[place]
    assert tokenizer.mask_id not in tokenizer.encode_batch(["the [MASK] cooked"])[0]
    assert tokenizer.mask_id not in tokenizer.encode("the [MASK] cooked").ids


def test_a_batch_has_the_ids_of_its_texts_without_the_frame(tokenizer):
    texts = [ENGLISH, "", CHINESE]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text).ids[1:-1] for text in texts]


def test_accents_follow_the_setting():
    stripped = train_tokenizer([FRENCH] * 9, vocab_size=200)
    kept = train_tokenizer([FRENCH] * 9, vocab_size=200, strip_accents=False)
    cased = train_tokenizer([FRENCH] * 9, vocab_size=200, lowercase=False)
    assert "eleve" in stripped.encode("Élève").tokens
    assert "élève" in kept.encode("Élève").tokens
    assert "élève" in cased.encode("élève").tokens
    assert cased.encode("L").tokens[1] == "L"
    assert stripped.encode("L").tokens[1] == "l"


SCRIPTS = ["パンダ と ハンダ", "bạn bán", "한국어 학습은 재미있다", "हिन्दी में किताब"]
PAIRS = [("パンダ", "ハンダ"), ("bạn", "bán"), ("हिन्दी", "हिनदी"), ("한국", "한굯")]


@pytest.fixture(scope="module")
def marked() -> Tokenizer:
    return train_tokenizer(SCRIPTS * 5, 300, strip_accents=False)


@pytest.mark.parametrize("pair", PAIRS)
def test_words_that_differ_by_a_mark_differ_where_marks_are_kept(marked, pair):
    one, other = (marked.encode(text).ids for text in pair)
    assert one != other
    assert marked.unk_id not in one


def test_what_is_kept_is_lower_case_and_one_token_however_it_was_typed(marked):
    for text in SCRIPTS:
        assert marked.encode(normalize("NFD", text)).ids == marked.encode(text).ids
        assert marked.decode(marked.encode(text).ids) == text
    assert marked.encode("BÁN").ids == marked.encode("bán").ids
    typed_apart = train_tokenizer([normalize("NFD", text) for text in SCRIPTS * 5], 300, strip_accents=False)
    assert typed_apart.fingerprint == marked.fingerprint


def test_korean_comes_back_composed_where_accents_are_stripped():
    stripped = train_tokenizer(SCRIPTS * 5, 300)
    assert stripped.decode(stripped.encode("한국어").ids) == "한국어"


def test_kept_marks_survive_saving_vocab_txt_and_transformers(marked, tmp_path):
    transformers = pytest.importorskip("transformers")
    marked.save(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "electra"}))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    texts = [*SCRIPTS, *(normalize("NFD", text) for text in SCRIPTS)]
    assert [theirs(text)["input_ids"] for text in texts] == [marked.encode(text).ids for text in texts]
    assert Tokenizer.load(tmp_path).fingerprint == marked.fingerprint
    (tmp_path / "tokenizer.json").unlink()
    assert Tokenizer.load(tmp_path).encode_batch(texts) == marked.encode_batch(texts)


def test_training_is_deterministic_across_processes():
    code = (
        "from electra_helpers.text.vocabulary import train_tokenizer\n"
        f"print(train_tokenizer({TEXTS!r}, 400).fingerprint)"
    )
    prints = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    }
    assert prints == {train_tokenizer(TEXTS, 400).fingerprint + "\n"}


SOUPS = ["The soup was hot, the soup was good. Soup! A letter, a better letter, a bitter butter."] * 4


def test_frequent_words_that_merges_would_cut_are_whole_when_asked_for():
    room = train_tokenizer(SOUPS, 10_000).vocab_size
    small = room - 16  # too few for the last merges
    cut, whole = train_tokenizer(SOUPS, small), train_tokenizer(SOUPS, small, whole_words=4)
    words = ["the", "soup", "was", "letter", "butter"]
    assert [len(cut.encode(word).ids) > 3 for word in words] == [True] * 5
    assert [len(whole.encode(word).ids) > 3 for word in words] == [False] * 4 + [True]
    assert whole.vocab_size == small
    assert whole.fingerprint == train_tokenizer(SOUPS, small, whole_words=4).fingerprint
    assert whole.encode("soups").tokens[1:3] == ["soup", "##s"], "what is no whole word still falls into pieces"


def test_the_commonest_words_come_first_and_room_is_asked_for_all_of_them():
    assert frequent_words(["b b a c a b", "a once"], train_tokenizer(SOUPS, 200).backend) == ["a", "b"]
    with pytest.raises(ElectraError, match=r"and 30 whole words: it takes \d+ at least, or fewer whole words"):
        train_tokenizer(SOUPS, 60, whole_words=30)
    corpus = Corpus.from_texts(SOUPS)
    sizes = [len(train_tokenizer(corpus, 44, whole_words=count).encode("the soup was hot").ids) for count in (0, 4)]
    assert sizes[0] > sizes[1], "kept apart in the cache"


def test_the_vocabulary_of_a_corpus_is_kept(monkeypatch):
    corpus = Corpus.from_texts(TEXTS)
    first = train_tokenizer(corpus, 400)
    assert first.fingerprint == train_tokenizer(TEXTS, 400).fingerprint
    assert train_tokenizer(corpus, 150).vocab_size < first.vocab_size
    monkeypatch.setattr(Corpus, "__iter__", lambda self: 1 / 0)  # a second call reads no text
    assert train_tokenizer(corpus, 400).fingerprint == first.fingerprint
    with pytest.raises(ZeroDivisionError):
        train_tokenizer(corpus, 400, lowercase=False)


def test_every_character_of_the_training_text_can_be_written(tokenizer):
    ids = [i for document in tokenizer.encode_batch(TEXTS) for i in document]
    assert tokenizer.unk_id not in ids
    assert tokenizer.vocab_size <= 400


def test_saving_and_loading_keep_every_id(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    assert Tokenizer.load(tmp_path).fingerprint == tokenizer.fingerprint
    (tmp_path / "tokenizer.json").unlink()  # the form of the oldest google/electra folders
    assert Tokenizer.load(tmp_path).encode_batch(HARD) == tokenizer.encode_batch(HARD)


def test_a_cased_vocabulary_stays_cased_without_tokenizer_json(tmp_path):
    cased = train_tokenizer([ENGLISH] * 9, vocab_size=200, lowercase=False)
    cased.save(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    assert Tokenizer.load(tmp_path).encode("The chef").tokens == cased.encode("The chef").tokens != ["[CLS]", "the"]


def test_decoding_joins_the_pieces_of_a_word(tokenizer):
    assert tokenizer.decode(tokenizer.encode("The chef cooked").ids) == "the chef cooked"


def test_a_closed_vocabulary_has_one_token_a_word():
    tokenizer = tokenizer_from_words(["tailor", "needle", "Élise", "."])
    assert tokenizer.encode("Élise needle tailor.").tokens[1:-1] == ["élise", "needle", "tailor", "."]
    assert tokenizer.encode("tailors").ids[1:-1] == [tokenizer.unk_id]
    assert tokenizer.vocab_size == 9


def test_a_long_corpus_is_sampled_evenly_and_not_only_at_its_start():
    texts = [str(number % 10) * 100 for number in range(1000)]
    sample = spread_sample(texts, characters=10_000)
    assert 50 <= len(sample) <= 101
    assert sample == texts[:: 1000 // len(sample) if 1000 % len(sample) == 0 else 16]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda folder: Tokenizer.load(folder / "nowhere"), "it does not exist"),
        (lambda folder: Tokenizer.load(folder), "neither tokenizer.json nor vocab.txt"),
        (lambda folder: train_tokenizer([], 100), "no text to learn"),
        (lambda folder: train_tokenizer([ENGLISH], 20), "has no room for the alphabet"),
        (lambda folder: tokenizer_from_words(["a"]).encode("a", "a", max_length=4), "leaves room for 1 tokens"),
        (lambda folder: tokenizer_from_words(["a"]).tokens([6]), "Id 6 is outside this vocabulary of 6"),
    ],
)
def test_mistakes_are_told(act, message, tmp_path):
    with pytest.raises(ElectraError, match=message):
        act(tmp_path)


def test_damaged_folders_are_told(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\nthe\n")
    with pytest.raises(ElectraError, match=r"no \[CLS\], \[SEP\], \[MASK\]"):
        Tokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ElectraError, match=r"tokenizer.json cannot be read: .*line 1 column 2"):
        Tokenizer.load(tmp_path)


def test_the_longer_part_loses_first():
    assert truncated_lengths([3, 10], room=8) == [3, 5]
    assert truncated_lengths([10, 3], room=8) == [5, 3]
    assert truncated_lengths([10, 10], room=9) == [5, 4]


@given(lengths=st.lists(st.integers(1, 20), min_size=2, max_size=2), room=st.integers(2, 45))
def test_pairs_lose_their_tokens_as_in_the_reference(lengths, room):
    assert truncated_lengths(lengths, room) == popped(lengths, room)


@pytest.mark.parametrize("letters", [100, 101, 200, 201])
def test_a_word_of_up_to_200_letters_is_cut_into_pieces(letters, tmp_path):
    tokenizer = train_tokenizer(TEXTS, vocab_size=400)
    tokenizer.save(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    for each in (tokenizer, Tokenizer.load(tmp_path)):  # as trained, and as vocab.txt alone gives it
        ids = each.encode("a" * letters).ids[1:-1]
        assert (ids == [each.unk_id]) == (letters > 200)
