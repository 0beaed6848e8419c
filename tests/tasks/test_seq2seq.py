"""Translation and summarisation: the decoder is shifted, sees no padding and nothing ahead, goes on bit for bit and writes in order."""

import json
from dataclasses import replace

import pytest
import torch

from electra_helpers.config import FinetuneConfig, ModelConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.transformers_decoder import cross_attention, encoder_decoder
from electra_helpers.exchange.transformers_heads import export_finetuned
from electra_helpers.model.electra import Electra
from electra_helpers.reading.labelled import labelled
from electra_helpers.saved.pretrained import Pretrained
from electra_helpers.tasks.finetuned import load_finetuned
from electra_helpers.tasks.finetuning import Finetuning, build_net, finetune, read_material
from electra_helpers.tasks.reading import as_labelled
from electra_helpers.tasks.score_tables import of_evaluation, of_finetuning
from electra_helpers.tasks.seeds import finetune_seeds, score_beside_baseline
from electra_helpers.tasks.seq2seq import shift_right
from electra_helpers.text.packing import Batch
from electra_helpers.text.target_tokenizer import rows_by_spelling, train_target_tokenizer
from electra_helpers.text.tokenizer import tokenizer_from_words
from electra_helpers.training.loop import Callback, Run

ENGLISH = {"the": "le", "cat": "chat", "dog": "chien", "saw": "voit", "red": "rouge", "old": "âgé"}
TINY = {"steps": 300, "batch_size": 8, "learning_rate": 5e-3, "dropout": 0.0, "device": "cpu", "beams": 2}


def pairs(count, seed=0):
    """English of one to five words and its words in another language, the first with a capital."""
    random, rows = torch.Generator().manual_seed(seed), []
    for number in range(count):
        said = [list(ENGLISH)[int(i)] for i in torch.randint(len(ENGLISH), (1 + number % 5,), generator=random)]
        target = " ".join(ENGLISH[word] for word in said).capitalize()
        rows.append({"source": " ".join(said), "target": f"{target}."})
    return rows


@pytest.fixture(scope="module")
def start():
    torch.manual_seed(0)
    tokenizer = tokenizer_from_words([*ENGLISH, "chat", "."])
    shape = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        embedding_size=16,
        hidden_size=24,
        num_layers=2,
        num_heads=2,
        intermediate_size=40,
        max_positions=24,
        initializer_range=0.2,
        **{name: getattr(tokenizer, name) for name in ("pad_id", "cls_id", "sep_id", "mask_id")},
    )
    return Pretrained(Electra(shape).eval(), tokenizer, "untrained")


@pytest.fixture(scope="module")
def made(start):
    return finetune("translation", start, pairs(160), **TINY)


class StopAfter(Callback):
    def __init__(self, step):
        self.step = step

    def on_step(self, run: Run):
        if run.step == self.step:
            run.stop = run.interrupted = True


def test_labels_are_shifted_as_transformers_shifts_them():
    from transformers.models.encoder_decoder.modeling_encoder_decoder import shift_tokens_right

    labels = torch.tensor([[7, 8, 9, 3], [5, 3, -100, -100]])
    before = labels.clone()
    assert torch.equal(shift_right(labels, start_id=2, pad_id=0), shift_tokens_right(labels.clone(), 0, 2))
    assert torch.equal(labels, before)


def test_it_learns_to_translate_case_and_accents_included(made):
    assert next(made.predict(["the old cat"]))["target"] == "Le âgé chat."
    scores = made.evaluate(as_labelled(pairs(30, 1), "translation"))
    name, free = made.task.baseline(pairs(30, 1))
    assert scores["chrf"] > free["chrf"] > 0
    assert name == "word by word"


def test_predictions_come_in_order_whatever_they_are_batched_with(made):
    rows = pairs(90, 2)
    together = [said["target"] for said in made.predict(rows)]
    assert together[::11] == [next(made.predict([row]))["target"] for row in rows[::11]]
    assert len(set(together)) > 20


def test_padding_on_either_side_changes_no_logit(made):
    ids = torch.tensor([made.tokenizer.encode("the red dog").ids])
    target = torch.tensor([made.task.vocabulary.encode("Le rouge").ids[:-1]])
    real = torch.ones_like(ids, dtype=torch.bool)
    with torch.no_grad():
        alone = made.net(Batch(ids), inputs=target)
        wide = torch.cat([ids, torch.full((1, 4), 5)], dim=1)  # what stands on padding must not matter
        mask = torch.cat([real, torch.zeros(1, 4, dtype=torch.bool)], dim=1)
        longer = torch.cat([target, torch.zeros(1, 3, dtype=torch.long)], dim=1)
        padded = made.net(Batch(wide, None, mask), inputs=longer, real=mask)
    assert torch.allclose(alone, padded[:, : target.shape[1]], atol=1e-5)


def test_the_decoder_does_not_look_ahead_and_does_look_at_the_source(made):
    ids = torch.tensor([made.tokenizer.encode("the red dog").ids, made.tokenizer.encode("the old cat").ids])
    one, other = torch.tensor([[2, 9, 10, 11]] * 2), torch.tensor([[2, 9, 10, 20]] * 2)
    with torch.no_grad():
        first, second = made.net(Batch(ids), inputs=one), made.net(Batch(ids), inputs=other)
    assert torch.equal(first[:, :3], second[:, :3])
    assert not torch.equal(first[:, 3], second[:, 3])
    assert not torch.allclose(first[0], first[1], atol=1e-3), "the same words behind another source"


def test_the_loss_counts_real_targets_only(start):
    material = read_material("translation", start, pairs(6), None, FinetuneConfig(**TINY))
    net = build_net(start, material.task, material.config, scratch=False).eval()
    batch, targets = material.examples.take([0, 4])
    assert targets.shape[1] == len(material.examples.examples[4].target) > len(material.examples.examples[0].target)
    both = material.task.loss(net, batch, targets)
    each = [material.task.loss(net, *material.examples.take([i])) for i in (0, 4)]
    assert both.total.item() == pytest.approx(sum(one.total.item() for one in each), rel=1e-5)
    assert int(both.count) == sum(int(one.count) for one in each) == int((targets != -100).sum())


def test_a_warm_decoder_is_the_encoder_but_for_cross_attention_and_head(start):
    material = read_material("translation", start, pairs(20), None, FinetuneConfig(**TINY))
    nets = [build_net(start, material.task, replace(material.config, seed=seed), False) for seed in (0, 1)]
    own, other = (dict(net.head.named_parameters()) for net in nets)
    fresh = {name.split(".attention.")[0].replace("net.electra.", "") for name in own if "crossattention" in name}
    differ = {name for name in own if not torch.equal(own[name], other[name])}
    assert fresh
    assert all("crossattention" in n or "generator_predictions" in n or "word_embeddings" in n for n in differ)
    key = net_key = "net.electra.encoder.layer.1.attention.self.key.weight"
    theirs = start.net.discriminator.encoder.layers[1].attention.qkv.weight.chunk(3)[1]
    assert torch.equal(own[key], theirs), net_key
    words = own["net.electra.embeddings.word_embeddings.weight"]
    row, of = material.task.vocabulary.backend.token_to_id("."), start.tokenizer.backend.token_to_id(".")
    assert torch.equal(words[row], start.net.discriminator.encoder.embeddings.tables()[0][of])
    scratch = build_net(start, material.task, material.config, True)
    assert not torch.equal(dict(scratch.head.named_parameters())[key], theirs)


def test_rows_are_matched_by_spelling_whatever_the_case():
    source = tokenizer_from_words(["cat", "sat", "."])
    target = train_target_tokenizer(["Cat sat.", "Cat sat.", "cat sit.", "cat sit."], 60)
    shared = {
        target.backend.id_to_token(a): source.backend.id_to_token(b)
        for a, b in rows_by_spelling(target, source).items()
    }
    assert shared["▁Cat"] == shared["▁cat"] == "cat"
    assert shared["."] == "."
    assert "▁" not in shared


@pytest.mark.parametrize(
    "text", ["L'été, « là-bas » ?", "今天天气很好，阳光明媚。", "In 1984, Dr. O'Neil\u00a0paid 12.50 €!"]
)
def test_what_is_written_comes_back_letter_for_letter(text):
    tokenizer = train_target_tokenizer([text, "x y"], 120)
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_target_vocabulary_is_the_same_every_time_and_wants_room():
    texts = [row["target"] for row in pairs(50)]
    assert len({train_target_tokenizer(texts, 80).fingerprint for _ in range(3)}) == 1
    with pytest.raises(ElectraError, match="no room for the"):
        train_target_tokenizer(["天气很好阳光明媚"], 8)
    with pytest.raises(ElectraError, match="no text"):
        train_target_tokenizer([" "], 80)


def run_seeds(start, out, **more):
    data, held_out = as_labelled(pairs(60), "translation"), as_labelled(pairs(20, 1), "translation")
    config = replace(FinetuneConfig(), **TINY | {"steps": 30, "dropout": 0.1}, eval_every=8, save_every=5)
    return finetune_seeds(
        "translation", start, out, train=data, validation=held_out, test=held_out, config=config, **more
    )


@pytest.mark.parametrize("at", [3, 17])
def test_an_interrupted_run_goes_on_bit_for_bit(start, tmp_path, at):
    whole = run_seeds(start, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_seeds(start, tmp_path / "cut", callbacks=lambda seed: [StopAfter(at)])
    assert run_seeds(start, tmp_path / "cut", resume=True) == whole
    weights = [(tmp_path / d / "model.safetensors").read_bytes() for d in ("whole", "cut")]
    assert weights[0] == weights[1]


def test_a_folder_reads_back_and_writes_the_same(start, tmp_path):
    results = run_seeds(start, tmp_path / "out", seeds=2)
    back = load_finetuned(tmp_path / "out")
    held_out = as_labelled(pairs(20, 1), "translation")
    kept = next(end for end in results["seeds"] if end["seed"] == results["kept_seed"])
    assert back.evaluate(held_out) == kept["test"]
    assert back.task.baseline(held_out.rows)[1] == {k: v for k, v in results["baseline"]["test"].items() if k != "name"}
    assert json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))["task"]["beams"] == 2


def test_an_export_gives_equal_logits_and_the_same_texts(made, tmp_path):
    from transformers import AutoTokenizer, EncoderDecoderModel

    name = export_finetuned(made.net, made.tokenizer, (), tmp_path / "taken")
    assert name == "EncoderDecoderModel"
    model = EncoderDecoderModel.from_pretrained(tmp_path / "taken").eval()
    read = AutoTokenizer.from_pretrained(tmp_path / "taken")(["the red dog", "old"], padding=True, return_tensors="pt")
    target = torch.tensor([[2, 9, 10, 11]] * 2)
    real = read["attention_mask"].bool()
    with torch.no_grad():
        ours = made.net(Batch(read["input_ids"], None, real), inputs=target, real=real)
        theirs = model(read["input_ids"], read["attention_mask"], decoder_input_ids=target).logits
        written = model.generate(read["input_ids"], attention_mask=read["attention_mask"])
    assert torch.allclose(ours, theirs, atol=1e-5)
    texts = AutoTokenizer.from_pretrained(tmp_path / "taken" / "target").batch_decode(written, skip_special_tokens=True)
    assert texts == [said["target"] for said in made.predict(["the red dog", "old"])]


def test_more_beams_find_a_text_at_least_as_likely(made):
    model = encoder_decoder(made.net)
    assert model.generation_config.num_beams == made.task.beams == 2
    ids = torch.tensor([made.tokenizer.encode("the old red dog").ids])

    def score(beams):
        found = model.generate(
            ids, num_beams=beams, length_penalty=0.0, output_scores=True, return_dict_in_generate=True
        )
        text = found.sequences
        log_p = made.net(Batch(ids), inputs=text[:, :-1]).log_softmax(-1).gather(2, text[:, 1:, None])
        return float(log_p.sum())

    with torch.no_grad():
        assert score(4) >= score(1) - 1e-4


def test_cross_attention_is_over_the_source_alone(made):
    ids = torch.tensor([[*made.tokenizer.encode("the red dog").ids, 0, 0]])
    mask = torch.tensor([[True] * 5 + [False] * 2])
    found = cross_attention(made.net, Batch(ids, None, mask), torch.tensor([[2, 9, 10]]))
    assert [tuple(layer.shape) for layer in found] == [(1, 2, 3, 7)] * 2
    assert all(torch.allclose(layer.sum(-1), torch.ones(1, 2, 3), atol=1e-5) for layer in found)
    assert all(float(layer[..., 5:].max()) < 1e-6 for layer in found)


def test_rows_that_are_cut_are_counted_and_said(start, tmp_path):
    rows = [*pairs(10), {"source": "the cat " * 30, "target": "Le chat."}, {"source": "cat", "target": "Chat. " * 40}]
    config = replace(FinetuneConfig(), **TINY | {"steps": 2})
    material = read_material("translation", start, rows, None, config)
    assert material.examples.cut == 2
    assert all(len(e.ids) <= 24 and len(e.target) <= 24 for e in material.examples.examples)
    assert material.examples.examples[-1].target[-1] == material.task.vocabulary.sep_id
    results = finetune_seeds(
        "translation", start, tmp_path / "x", train=labelled(rows, task="translation"), config=config
    )
    assert results["cut"] == {"rows": 2, "length": 24}
    made = load_finetuned(tmp_path / "x")
    bleu = "BLEU with sacrebleu's tokenizer 13a"
    assert f"{bleu}." in of_finetuning(results, tmp_path / "x").splitlines()
    assert f"; {bleu})" in of_evaluation(score_beside_baseline(made, labelled(pairs(2), task="translation")))
    assert [said["cut"] for said in made.predict(["the cat", "the cat " * 30])] == [False, True]


def test_summaries_are_scored_by_rouge_beside_the_first_sentence(start):
    rows = [
        {"text": f"The cat saw the {dog} dog. The dog saw red.", "summary": f"Cat saw {dog} dog."}
        for dog in ("old", "red")
    ]
    made = finetune("summarisation", start, rows * 4, **TINY | {"steps": 120})
    assert set(made.evaluate(as_labelled(rows, "summarisation"))) == {"rouge_1", "rouge_2", "rouge_l"}
    assert made.task.baseline(rows)[0] == "the first sentence"
    assert made.task.how_scored(rows) == "ROUGE of words"
    assert next(made.predict([rows[1]["text"]]))["summary"] == "Cat saw red dog."


@pytest.mark.parametrize(
    ("task", "rows", "word"),
    [
        ("translation", [{"source": "cat", "target": " "}], "no row with a target"),
        ("summarisation", [{"text": "cat"}], "no column"),
        ("translation", [{"text": "cat", "label": 1}], "no column"),
    ],
)
def test_data_that_does_not_fit_is_said_so(start, task, rows, word):
    with pytest.raises(ElectraError, match=word):
        finetune(task, start, rows)


def test_examples_never_hold_more_than_the_position_table(start):
    material = read_material("translation", start, pairs(8), None, FinetuneConfig(**TINY, length=500))
    run = Finetuning(None, material.task, material.examples, material.config, start.tokenizer)
    assert material.config.length == 24
    assert material.task.longest <= 24
    assert run.work(0, 0, 1)[1].shape[1] <= 24
