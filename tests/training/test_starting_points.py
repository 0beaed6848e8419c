"""Whatever a run starts from, and whatever it learns: it trains what it says, and what it wrote can be loaded again."""

import json
import shutil
from dataclasses import replace

import pytest
import torch

from electra_helpers.config import OBJECTIVES, ONE_NET, PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.exchange.store import load
from electra_helpers.exchange.transformers_bridge import export
from electra_helpers.model import variants
from electra_helpers.model.heads import main_encoder
from electra_helpers.model.reshape import begin
from electra_helpers.saved.files import write_model
from electra_helpers.saved.pretrained import Pretrained, save_config
from electra_helpers.training.loop import Callback
from electra_helpers.training.pretraining import pretrain
from tests.training.seeds import SHAPE, start_with

TARGETS = [(objective, "generator") for objective in OBJECTIVES] + [("rtd", "uniform"), ("rtd-selected", "uniform")]
STARTS = ("pair", "discriminator", "generator", "encoder", "mlm", "replace-mlm", "all-tokens-mlm", "uniform", "clm")
TRAINED = {
    "rtd": {"mlm_loss", "rtd_loss"},
    "rtd-selected": {"mlm_loss", "rtd_loss"},
    "mlm": {"mlm_loss"},
    "replace-mlm": {"mlm_loss", "predictor_loss"},
    "all-tokens-mlm": {"mlm_loss", "predictor_loss"},
    "clm": {"clm_loss"},
}


def stored(folder, made, config=None):
    """A model as a run of ours leaves it."""
    folder.mkdir(parents=True)
    made.tokenizer.save(folder)
    save_config(folder, made.net.config, config or PretrainConfig())
    write_model(made.net, folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def starts(tmp_path_factory):
    """One folder for each kind of model that there is to start from."""
    room = tmp_path_factory.mktemp("starts")
    pair = start_with(replace(SHAPE, sharing="disentangled"))
    found = {"pair": stored(room / "pair", pair)}
    export(pair, room / "exported")
    found |= {role: room / "exported" / role for role in ("discriminator", "generator")}
    for name, config in {
        "mlm": PretrainConfig(objective="mlm"),
        "replace-mlm": PretrainConfig(objective="replace-mlm"),
        "all-tokens-mlm": PretrainConfig(objective="all-tokens-mlm"),
        "uniform": PretrainConfig(fakes="uniform"),
        "clm": PretrainConfig(objective="clm"),
    }.items():
        net = variants.build_network(pair.net.config, config)
        found[name] = stored(room / name, Pretrained(net, pair.tokenizer, name), config)
    model = __import__("transformers").ElectraModel.from_pretrained(found["discriminator"])
    model.save_pretrained(room / "encoder")
    pair.tokenizer.save(room / "encoder")
    return found | {"encoder": room / "encoder"}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(f"the chef cook w{i % 60} meal w{i * 7 % 60} ." for i in range(120)), "utf-8")
    return str(path)


def small(objective, fakes, **changes):
    options = {"steps": 1, "batch_size": 4, "length": 12, "form": "plain", "log_every": 1, "eval_rows": 4}
    return PretrainConfig(
        **options | {"validation_share": 0.2, "device": "cpu", "objective": objective, "fakes": fakes} | changes
    )


@pytest.mark.slow
@pytest.mark.parametrize(("objective", "fakes"), TARGETS)
@pytest.mark.parametrize("kind", STARTS)
def test_every_objective_trains_from_every_kind_of_model_and_loads_again(
    kind, objective, fakes, starts, text, tmp_path, monkeypatch
):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    run = pretrain([text], tmp_path / "run", config=small(objective, fakes), init_from=starts[kind])
    trained = TRAINED[objective] - ({"mlm_loss"} if fakes == "uniform" else set())
    assert {name for name in run.last if name.endswith("_loss")} == trained
    assert json.loads((tmp_path / "run" / "run.json").read_text())["pretrain"]["objective"] == objective
    back = load(tmp_path / "run").net
    assert type(back) is type(variants.build_network(back.config, small(objective, fakes)))
    assert (back.discriminator is not None) == objective.startswith("rtd")
    assert (back.generator is not None) == (fakes == "generator" and objective != "clm")
    assert back.config.causal == (objective == "clm")
    for name, value in run.task.model.state_dict().items():
        assert torch.equal(value, back.state_dict()[name])


@pytest.mark.parametrize(("objective", "fakes"), TARGETS)
@pytest.mark.parametrize("kind", STARTS)
def test_the_main_net_starts_from_the_encoder_that_was_trained(kind, objective, fakes, starts):
    start = load(starts[kind])
    net = begin(start.net, start.net.config, PretrainConfig(objective=objective, fakes=fakes)).eval()
    ids = torch.randint(5, 60, (2, 9))
    with torch.no_grad():
        ours, theirs = main_encoder(net), main_encoder(start.net)
        assert (ours.config.causal, theirs.config.causal) == (objective == "clm", kind == "clm")
        if ours.config.causal == theirs.config.causal:  # otherwise the same weights see other words
            assert torch.allclose(ours(ids), theirs(ids), atol=1e-5)
        assert torch.equal(ours.layers[0].up.weight, theirs.layers[0].up.weight)
        if net.discriminator is not None and start.net.discriminator is not None:
            assert torch.allclose(net.discriminator(ids), start.net.discriminator(ids), atol=1e-5)
        pairs = kind in ("pair", "replace-mlm", "all-tokens-mlm", "generator", "mlm")
        if pairs and objective not in ONE_NET and fakes == "generator":
            assert torch.equal(net.generator(ids), start.net.generator(ids)), "a generator stays what it was"


@pytest.mark.parametrize("kind", STARTS)
def test_every_kind_of_model_is_exported_whole(kind, starts, tmp_path):
    start = load(starts[kind])
    if kind == "encoder":
        with pytest.raises(ElectraError, match="neither a generator nor a discriminator"):
            export(start, tmp_path / "out")
        return
    names = ("discriminator", "generator", "predictor", "language_model")
    roles = {name for name in names if getattr(start.net, name, None) is not None}
    assert {folder.name for folder in export(start, tmp_path / "out")} == roles
    ids = torch.randint(5, 60, (2, 9))
    for role in roles:
        back = load(tmp_path / "out" / role).net
        theirs = back.discriminator or back.generator or back.language_model
        ours = getattr(start.net, role)
        with torch.no_grad():
            assert torch.allclose(ours(ids), theirs(ids), atol=1e-4)


def test_a_fresh_generator_is_as_wide_as_asked(starts):
    start = load(starts["discriminator"])
    for size, layers in ((0.5, 0), (1.0, 1)):
        shape = replace(start.net.config, generator_size=size, generator_layers=layers)
        net = begin(start.net, shape, PretrainConfig())
        assert net.generator.encoder.config.hidden_size == 32 * size
        assert net.generator.encoder.embeddings is net.discriminator.encoder.embeddings
    one, first = net.generator.encoder.layers, start.net.discriminator.encoder.layers[0]
    assert len(one) == 1
    assert torch.equal(one[0].up.weight, first.up.weight), "one as wide takes the first layers"


def test_a_run_from_a_table_with_spare_rows_can_be_resumed(starts, text, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    model = __import__("transformers").ElectraForPreTraining.from_pretrained(starts["discriminator"])
    model.resize_token_embeddings(model.config.vocab_size + 3, mean_resizing=False)
    model.save_pretrained(tmp_path / "padded")
    start_with().tokenizer.save(tmp_path / "padded")
    out, config = tmp_path / "run", small("rtd", "generator", steps=2)
    first = pretrain([text], out, config=config, init_from=tmp_path / "padded")
    again = pretrain([text], out, config=config, resume=True)
    assert again.start == 2
    assert again.task.model.config.vocab_size == first.task.model.config.vocab_size == model.config.vocab_size


def died_at_once(*given, **how):
    """A run whose machine fails before the first checkpoint."""

    class Fails(Callback):
        def on_step(self, run):
            raise MemoryError

    with pytest.raises(MemoryError):
        pretrain(*given, callbacks=[Fails()], **how)


@pytest.mark.parametrize("keep", [0, 60], ids=["its vocabulary", "some of its vocabulary"])
def test_a_run_that_died_before_its_first_checkpoint_starts_from_its_model_again(
    keep, starts, text, tmp_path, monkeypatch
):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    config = small("rtd", "generator", steps=2, keep_vocabulary=keep)
    shape = replace(load(starts["discriminator"]).net.config, generator_size=0.5)
    how = {"config": config, "model": shape, "init_from": starts["discriminator"]}
    whole = pretrain([text], tmp_path / "whole", **how)
    died_at_once([text], tmp_path / "run", **how)
    again = pretrain([text], tmp_path / "run", config=config, resume=True)
    assert (again.start, again.step) == (0, 2)
    for name, value in whole.task.model.state_dict().items():
        assert torch.equal(value, again.task.model.state_dict()[name]), name


def test_a_run_whose_model_to_start_from_is_gone_is_not_resumed_from_nothing(starts, text, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    config, start = small("rtd", "generator"), tmp_path / "start"
    shutil.copytree(starts["pair"], start)
    died_at_once([text], tmp_path / "run", config=config, init_from=start)
    shutil.rmtree(start)
    with pytest.raises(
        ElectraError, match=r"ended before its first checkpoint, and .*start, which it started from, can"
    ):
        pretrain([text], tmp_path / "run", config=config, resume=True)


def test_what_a_run_would_pass_over_is_refused_from_python_as_by_the_command(starts, text, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    config, out, pair = small("rtd", "generator"), tmp_path / "run", starts["pair"]
    with pytest.raises(ElectraError, match="--tokenizer does nothing beside --init-from"):
        pretrain([text], out, config=config, init_from=pair, tokenizer=pair)
    assert not out.exists()
    pretrain([text], out, config=config, init_from=pair, size="small")
    for given in ({"tokenizer": pair}, {"init_from": starts["mlm"]}, {"size": "tiny"}):
        with pytest.raises(ElectraError, match=r"The run in .* was started with.*: leave it out with --resume"):
            pretrain([text], out, config=config, resume=True, **given)
    assert pretrain([text], out, config=config, resume=True, init_from=pair, size="small").start == 1


def test_what_does_not_fit_leaves_no_folder_behind(starts, text, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ElectraError, match="length is 99"):
        pretrain([text], tmp_path / "run", config=small("rtd", "generator", length=99), init_from=starts["pair"])
    assert not (tmp_path / "run").exists()
