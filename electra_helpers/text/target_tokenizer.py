"""A vocabulary for texts that a model writes: what is split is put together again exactly, case, accents and spaces included.

WordPiece with BERT's normaliser is made for reading: it lower-cases, and forgets where spaces were. Here a space becomes part of
the piece that follows it (▁), as in SentencePiece, and pieces are learnt by byte-pair encoding. Chinese characters, punctuation
and digits stand alone.
"""

from collections.abc import Iterable

import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers

from electra_helpers.errors import ElectraError
from electra_helpers.text.tokenizer import CLS, SEP, SPECIAL_TOKENS, UNK, Tokenizer
from electra_helpers.text.vocabulary import spread_sample

SPACE = "▁"
ALONE = r"\p{Han}|\p{P}|\p{N}"


def train_target_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learn at most `vocab_size` pieces; the same texts always give the same. Raises `ElectraError` where there is no text or no room.

    >>> tokenizer = train_target_tokenizer(["L'été est là.", "Il est là."], vocab_size=60)
    >>> tokenizer.decode(tokenizer.encode("L'été est là.").ids)
    "L'été est là."
    """
    sample = [text for text in spread_sample(texts) if text.strip()]
    if not sample:
        raise ElectraError("There is no text to learn a vocabulary from.")
    backend = tokenizers.Tokenizer(models.BPE(unk_token=UNK))
    backend.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"[ \t\r\n]+"), " ")])
    cuts = pre_tokenizers.Split(Regex(ALONE), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), cuts])
    backend.decoder = decoders.Metaspace()
    alphabet = {SPACE, *"".join(backend.normalizer.normalize_str(text) for text in sample)} - {" "}
    if vocab_size < len(SPECIAL_TOKENS) + len(alphabet):
        raise ElectraError(
            f"A vocabulary of {vocab_size} has no room for the {len(alphabet)} characters of this text: allow more pieces."
        )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    backend.train_from_iterator(sample, trainer)
    frame = [(token, backend.token_to_id(token)) for token in (CLS, SEP)]
    backend.post_processor = processors.TemplateProcessing(single=f"{CLS} $A {SEP}", special_tokens=frame)
    return Tokenizer(backend)


def rows_by_spelling(target: Tokenizer, source: Tokenizer) -> dict[int, int]:
    """Target id → source id of every piece that the source's vocabulary has too, as it is or in lower case."""
    known, found = source.backend.get_vocab(), {}
    for piece, number in target.backend.get_vocab().items():
        word = piece.removeprefix(SPACE)
        match = known.get(word, known.get(word.lower()))
        if word and match is not None:
            found[number] = match
    return dict(sorted(found.items()))
