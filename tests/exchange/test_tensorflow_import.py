"""Checkpoints that the authors' code wrote, as models of ours: its logits, its losses, its optimizer's steps; and on to transformers."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from electra_helpers.config import GENERATOR_SHAPE, ModelConfig, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.exchange.tensorflow_checkpoint import Checkpoint
from electra_helpers.exchange.tensorflow_import import load_tensorflow
from electra_helpers.exchange.transformers_bridge import export
from electra_helpers.saved.folder import check_pretrained
from electra_helpers.training.optim import learning_rate_at, make_optimizer, parameter_groups, set_step
from tests.reference import HERE, Numbers, weights_of
from tests.reference.writer import write_checkpoint

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
NAMES = (
    "small",
    "untied",
    "heads",
)  # generator a quarter; its own embeddings; 3 heads beside 1, feed-forward sizes 16 and 384


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each pair of nets, as it was before training."""
    made = tmp_path_factory.mktemp("checkpoints")
    write_checkpoint(made / "heads/model.ckpt", weights_of("heads"))
    shutil.copy(HERE / "small/vocab.txt", made / "heads")
    return {"small": HERE / "small/model.ckpt-0", "untied": HERE / "untied", "heads": made / "heads"}


@pytest.fixture(scope="module")
def models(folders):
    return {name: load(folder) for name, folder in folders.items()}


def logits(net, numbers):
    """Both nets' logits for the file's masked and corrupted rows: (B, M, V) and (B, L)."""
    masked, corrupted = numbers.batch("masked_ids"), numbers.batch("corrupted_ids")
    arguments = (masked.token_type_ids, masked.attention_mask)
    generator = net.generator(masked.input_ids, *arguments, positions=numbers["positions"])
    return generator, net.discriminator(corrupted.input_ids, *arguments)


def losses(net, numbers, step=None):
    """MLM and RTD loss of a batch whose corruption is given."""
    prefix = "" if step is None else "step_"
    get = lambda name: numbers[prefix + name] if step is None else numbers[prefix + name][step]  # noqa: E731
    batch = numbers.batch("masked_ids", prefix, step)
    corrupted = numbers.batch("corrupted_ids", prefix, step)
    arguments = (batch.token_type_ids, batch.attention_mask)
    predicted = net.generator(batch.input_ids, *arguments, positions=get("positions"))
    weights = get("weights").to(predicted.dtype)
    per_place = F.cross_entropy(predicted.flatten(0, 1), get("targets").flatten(), reduction="none")
    mlm = (per_place * weights.flatten()).sum() / weights.sum()
    judged = net.discriminator(corrupted.input_ids, *arguments)
    per_token = F.binary_cross_entropy_with_logits(judged, get("is_replaced").to(judged.dtype), reduction="none")
    return mlm, per_token[corrupted.attention_mask].mean()


@pytest.mark.parametrize("name", NAMES)
def test_both_nets_have_the_reference_s_logits(models, name):
    numbers = Numbers(name)
    with torch.no_grad():
        generator, discriminator = logits(models[name].net, numbers)
    real = numbers["input_mask"].bool()
    torch.testing.assert_close(generator, numbers["mlm_logits"], **CLOSE)
    torch.testing.assert_close(discriminator[real], numbers["rtd_logits"][real], **CLOSE)
    assert generator.abs().max() > 1
    assert discriminator.std() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_the_losses_are_the_reference_s_in_double_precision_too(models, name, folders):
    numbers, net = Numbers(name), load(folders[name]).net.double()
    with torch.no_grad():
        mlm, rtd = losses(net, numbers)
    assert float(mlm) == pytest.approx(float(numbers["mlm_loss"]), rel=1e-5)
    assert float(rtd) == pytest.approx(float(numbers["rtd_loss"]), rel=1e-5)
    assert float(mlm + 50 * rtd) == pytest.approx(float(numbers["total_loss"]), rel=1e-5)


def test_sizes_come_from_the_tensors(models):
    shapes = {name: (model.net.config, model.net.generator.encoder.config) for name, model in models.items()}
    sizes = {n: [tuple(getattr(c, field) for field in GENERATOR_SHAPE) for c in pair] for n, pair in shapes.items()}
    assert sizes["small"] == [(8, 32, 1, 128), (8, 8, 1, 32)]
    assert sizes["untied"] == [(12, 32, 1, 128), (8, 8, 1, 32)]
    assert sizes["heads"] == [(24, 192, 3, 16), (24, 96, 1, 384)]
    assert [shapes[name][0].sharing for name in NAMES] == ["all", "none", "all"]
    shared = models["small"].net
    assert shared.generator.encoder.embeddings is shared.discriminator.encoder.embeddings


@pytest.mark.parametrize("name", NAMES)
def test_exported_it_is_the_same_again_in_transformers_and_back(models, name, tmp_path):
    from transformers import AutoTokenizer, ElectraForMaskedLM, ElectraForPreTraining

    numbers = Numbers(name)
    judge, maker = (path for path in export(models[name], tmp_path / "exported"))
    masked, corrupted = numbers.batch("masked_ids"), numbers.batch("corrupted_ids")
    arguments = (masked.attention_mask.long(), masked.token_type_ids)
    with torch.no_grad():
        rtd = ElectraForPreTraining.from_pretrained(judge).eval()(corrupted.input_ids, *arguments).logits
        mlm = ElectraForMaskedLM.from_pretrained(maker).eval()(masked.input_ids, *arguments).logits
        again = logits(load(tmp_path / "exported").net, numbers)
    real, rows = numbers["input_mask"].bool(), torch.arange(3)[:, None]
    torch.testing.assert_close(rtd[real], numbers["rtd_logits"][real], **CLOSE)
    torch.testing.assert_close(mlm[rows, numbers["positions"]], numbers["mlm_logits"], **CLOSE)
    torch.testing.assert_close(again[0], numbers["mlm_logits"], **CLOSE)
    torch.testing.assert_close(again[1][real], numbers["rtd_logits"][real], **CLOSE)
    assert len(AutoTokenizer.from_pretrained(judge)) == 57


def test_ten_optimizer_steps_end_where_the_reference_s_do():
    """Schedule, clipping at 1, Adam without bias correction, weight decay without biases and LayerNorms: all of it, in one number."""
    numbers = Numbers("small")
    net, wanted = (load_tensorflow(HERE / f"small/model.ckpt-{step}").net.double() for step in (0, 10))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    config = PretrainConfig(
        steps=int(numbers["steps"]),
        warmup_steps=int(numbers["warmup"]),
        learning_rate=float(numbers["learning_rate"]),
        weight_decay=float(numbers["weight_decay"]),
        device="cpu",
    )
    optimizer = make_optimizer(parameter_groups(net, config), config)
    for step in range(10):
        set_step(optimizer, step, config)
        mlm, rtd = losses(net, numbers, step)
        total = mlm + 50 * rtd
        assert total.item() == pytest.approx(numbers["step_total_loss"][step].item(), rel=1e-5)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    for name, value in net.state_dict().items():
        torch.testing.assert_close(value, wanted.state_dict()[name], rtol=1e-5, atol=2e-6)
    moved = max((wanted.state_dict()[name] - value).abs().max() for name, value in before.items())
    assert moved > 1e-3


def test_the_learning_rates_are_the_reference_s():
    numbers = Numbers("small")
    config = PretrainConfig(steps=40, warmup_steps=4, learning_rate=float(numbers["learning_rate"]))
    found = torch.tensor([learning_rate_at(step, config) for step in range(len(numbers["rates"]))])
    torch.testing.assert_close(found, numbers["rates"].to(found.dtype), rtol=1e-6, atol=0)


def test_an_imported_run_is_kept_and_loaded_as_any_other(models, electra, tmp_path):
    for name in ("small", "untied"):
        code, out, err = electra("import", HERE / name, "--out", tmp_path / name)
        assert (code, err) == (0, "")
        assert "discriminator and generator" in out
        again, wanted = load(tmp_path / name), load(HERE / name)
        assert again.net.config == wanted.net.config
        assert again.tokenizer.fingerprint == wanted.tokenizer.fingerprint
        for part, value in wanted.net.state_dict().items():
            assert torch.equal(again.net.state_dict()[part], value)
        assert electra("inspect", "the cook ate .", "--model", tmp_path / name)[0] == 0
    code, _, err = electra("import", HERE / "small", "--out", tmp_path / "small")
    assert (code, err.count("\n")) == (2, 1)
    assert "not empty" in err


def without(folder, tmp_path, *beginnings, extra=None):
    """A copy of a checkpoint without the variables whose names begin so."""
    checkpoint = Checkpoint(folder)
    kept = {name: value for name, value in checkpoint.items() if not name.startswith(beginnings)} | (extra or {})
    write_checkpoint(tmp_path / "part/electra_small", kept)
    shutil.copy(HERE / "small/vocab.txt", tmp_path / "part")
    return tmp_path / "part"


@pytest.mark.parametrize(
    ("gone", "left"), [("generator", "discriminator"), ("discriminator", "generator")], ids=["judge", "maker"]
)
def test_one_net_alone_is_imported(gone, left, tmp_path, electra):
    numbers = Numbers("small")
    beginnings = (
        f"{gone}/",
        f"{gone}_predictions/",
        *(["electra/enc", "electra/embeddings_p"] if left == "generator" else []),
    )
    folder = without(HERE / "small/model.ckpt-0", tmp_path, *beginnings)
    assert electra("import", folder, "--out", tmp_path / "out")[0] == 0
    net = load(tmp_path / "out").net
    assert getattr(net, gone) is None
    rows = numbers.batch("corrupted_ids" if left == "discriminator" else "masked_ids")
    with torch.no_grad():
        found = getattr(net, left)(rows.input_ids, rows.token_type_ids, rows.attention_mask)
    wanted = numbers["rtd_logits"] if left == "discriminator" else numbers["mlm_logits"]
    found = found if left == "discriminator" else found[torch.arange(3)[:, None], numbers["positions"]]
    mask = rows.attention_mask if left == "discriminator" else slice(None)
    torch.testing.assert_close(found[mask], wanted[mask], **CLOSE)


def test_bert_s_objective_has_its_head_on_the_main_encoder(tmp_path):
    """One net of full size with an MLM head: no `generator/`, no discriminator."""
    checkpoint = Checkpoint(HERE / "small/model.ckpt-0")
    head = {
        "generator_predictions/dense/kernel": torch.randn(32, 8).numpy(),
        "generator_predictions/dense/bias": torch.randn(8).numpy(),
    }
    folder = without(checkpoint.prefix, tmp_path, "generator/", "discriminator_predictions/", extra=head)
    net = load(folder).net
    assert net.discriminator is None
    assert net.generator.encoder.config.hidden_size == 32
    kernel = torch.from_numpy(checkpoint["electra/encoder/layer_1/output/dense/kernel"].copy())
    assert torch.equal(net.generator.encoder.layers[1].down.weight, kernel.T)


def test_a_released_small_has_a_generator_of_full_width(tmp_path):
    """As released: projection 128 → 256 in both nets. The name says nothing; neither slots nor a note `checkpoint` are there."""
    wide = {
        name.replace("electra/", "generator/", 1): value
        for name, value in Checkpoint(HERE / "small/model.ckpt-0").items()
        if name.startswith(("electra/encoder", "electra/embeddings_project"))
    }
    wide |= {
        "generator_predictions/dense/kernel": torch.randn(32, 8).numpy(),
        "generator_predictions/temperature": torch.ones(()).numpy(),
    }
    net = load(without(HERE / "small/model.ckpt-0", tmp_path, "generator/", extra=wide)).net
    assert (net.config.generator_size, net.config.generator_shape) == (1.0, ())
    assert torch.equal(net.generator.encoder.project.weight, net.discriminator.encoder.project.weight)


def test_config_json_gives_the_heads_that_no_tensor_shows(tmp_path):
    for path in HERE.glob("small/*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "config.json").write_text('{"num_attention_heads": 4, "hidden_size": 999, "hidden_dropout_prob": 0.2}')
    config = load(tmp_path).net.config
    assert (config.num_heads, config.hidden_size, config.dropout) == (4, 32, 0.2)
    assert config.for_generator().num_heads == 1


def test_what_the_command_takes_to_start_from_is_what_load_takes(tmp_path, monkeypatch):
    """config.json without model_type is Google's hyperparameters, not a model of transformers; a prefix is written out."""
    for path in HERE.glob("small/*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "config.json").write_text('{"num_attention_heads": 4}')
    taken = (tmp_path, HERE / "small/model.ckpt-0")
    assert [check_pretrained(each) for each in taken] == [None, None]
    with pytest.raises(ElectraError, match="There is no model"):
        check_pretrained(HERE / "small/model.ckpt")
    monkeypatch.chdir(tmp_path)
    check_pretrained(".")
    assert load(".").name == load(tmp_path).name


def test_the_vocabulary_may_lie_elsewhere_and_be_cased(tmp_path, electra):
    for path in HERE.glob("small/model*"):
        shutil.copy(path, tmp_path)
    shutil.copy(HERE / "small/vocab.txt", tmp_path / "words.txt")
    code, _, err = electra("import", tmp_path, "--out", tmp_path / "a")
    assert (code, err.count("\n")) == (2, 1)
    assert "--vocab" in err
    assert electra("import", tmp_path, "--out", tmp_path / "a", "--vocab", tmp_path / "words.txt")[0] == 0
    assert load(tmp_path / "a").tokenizer.encode("The cook").tokens == ["[CLS]", "the", "cook", "[SEP]"]
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert electra("import", tmp_path, "--out", tmp_path / "b", "--vocab", tmp_path / "words.txt")[0] == 0
    assert load(tmp_path / "b").tokenizer.encode("The cook").tokens == ["[CLS]", "[UNK]", "cook", "[SEP]"]


def test_pre_training_goes_on_from_an_imported_pair(tmp_path, electra):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(f"the cook made {n} good meals , the dog ate old chefs ." for n in range(300)))
    for name in ("small", "untied"):
        options = ("--steps", 2, "--batch-size", 4, "--length", 16, "--device", "cpu", "--eval-every", 2)
        code, _, err = electra(
            "pretrain", "--corpus", text, "--init-from", HERE / name, "--out", tmp_path / name, *options
        )
        assert code == 0, err
        assert load(tmp_path / name).net.config == load(HERE / name).net.config


def test_a_generator_shape_has_four_sizes_and_shares_only_what_fits():
    with pytest.raises(ElectraError, match="generator_shape"):
        ModelConfig(generator_shape=(128, 64))
    with pytest.raises(ElectraError, match="sharing has to be none"):
        ModelConfig(generator_shape=(64, 64, 1, 256))
    shape = ModelConfig(generator_shape=[64, 64, 1, 256], sharing="none")
    assert shape.for_generator().embedding_size == 64
    assert shape == replace(shape, generator_shape=(64, 64, 1, 256))


def test_neither_tensorflow_nor_protobuf_is_brought_in():
    code = f"""
import sys, electra_helpers as eh
from electra_helpers.exchange.tensorflow_import import load_tensorflow
assert "transformers" not in sys.modules
assert eh.load({str(HERE / "untied")!r}).net.generator
assert "sympy" not in sys.modules  # torch's compiler, which takes seconds
found = sorted(m for m in sys.modules if m.split(".")[0] in ("tensorflow", "google", "keras", "transformers"))
assert not found, found
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
