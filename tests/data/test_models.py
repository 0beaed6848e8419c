"""The models that come with the course load by name, know their world, and say what they are."""

import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

import electra_helpers as eh
from electra_helpers.course.labs.replacements import accuse
from electra_helpers.resources import bundled_models
from electra_helpers.training.metrics import detection_metrics
from electra_helpers.training.run_folder import read_run
from electra_helpers.world import stories
from tests.pace import within

MODELS = bundled_models()


@pytest.mark.parametrize("name", MODELS)
def test_a_bundled_model_is_small_has_a_card_and_both_nets(name):
    folder = MODELS[name]
    files = {file.name for file in folder.iterdir()}
    assert files >= {"README.md", "config.json", "run.json", "log.jsonl", "model.safetensors", "tokenizer.json"}
    assert sum(file.stat().st_size for file in folder.iterdir()) < 25e6
    model = eh.load(name)
    assert model.net.generator is not None
    assert model.net.discriminator is not None
    card = (folder / "README.md").read_text("utf-8")
    assert all(word in card for word in ("## Data", "## Results", "## Limits", "## Licence", "electra pretrain"))
    started = read_run(folder)  # its settings are this package's, and say nothing of the machine
    assert started.recipe.model == model.net.config
    assert all(Path(source).name == source for source in started.sources)
    assert not Path(started.begun.get("init_from") or "").is_absolute()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_world_s_models_find_a_word_put_in_at_random(language):
    """One word of another story in each of 60 stories of the validation split, against the words left alone."""
    model = eh.load(f"electra-tiny-world-{language}")
    random, scores, truth = np.random.default_rng(0), [], []
    told = list(stories(count=61, split="validation", languages=(language,)))
    for story, other in pairwise(told):
        words, strange = story.words(language), other.words(language)
        fresh = [at for at, word in enumerate(strange[: len(words)]) if word not in words]
        at = int(random.choice(fresh))
        shown = [*words[:at], strange[at], *words[at + 1 :]]
        found = eh.detect(model, " ".join(shown))
        assert len(found.p_replaced) == len(shown) + 2, "every word of the world is one token"
        scores += found.p_replaced[1:-1]
        truth += [place == at for place in range(len(shown))]
    assert detection_metrics(np.array(scores), np.array(truth))["auc"] > 0.93


def test_the_tiny_english_model_sees_a_tool_that_belongs_to_another_trade():
    model = eh.load("electra-tiny-world-en")
    found = eh.detect(model, "A tailor called Erik lived in a pretty port. At his boutique Erik used his chisel.")
    suspicious = max(zip(found.p_replaced[1:-1], found.tokens[1:-1], strict=True))
    assert suspicious[1] == "chisel"


SENTENCE = "The chef ate the meal and then he flew the soup to Paris."
REAL_ENGLISH = ("electra-mini-en", "electra-minilm-en")
ODD_ENOUGH = 0.45  # of the first fifty hand-written sentences; pointing blindly finds one in thirteen
# What a course in a notebook needs, and a judgement on one sentence does not.
TOO_MUCH = (
    "transformers datasets accelerate sklearn scipy pandas pyarrow matplotlib IPython ipywidgets anywidget sacrebleu"
)
INSPECT = f"""
import sys
sys.argv = ["electra", "inspect", {SENTENCE!r}]
from electra_helpers.cli import main
try:
    main()
finally:
    print(*(name for name in sys.modules if "." not in name), sep=" ", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("name", "text", "odd"),
    [
        ("electra-mini-en", "In the evening, after the concert, breakfast is served at eight.", "breakfast"),
        *((name, "The thief was caught by the butter and taken to prison.", "butter") for name in REAL_ENGLISH),
        *((name, "I fried a long letter to my aunt in Canada.", "fried") for name in REAL_ENGLISH),
    ],
)
def test_the_models_of_real_english_are_surest_of_the_odd_word(name, text, odd):
    found = eh.detect(eh.load(name), text)
    assert max(zip(found.p_replaced_words, found.words, strict=True))[1] == odd


def test_of_two_odd_words_both_stand_out():
    found = eh.detect(eh.load("electra-mini-en"), SENTENCE)
    ranked = sorted(zip(found.p_replaced_words, found.words, strict=True), reverse=True)
    assert {word for _, word in ranked[:2]} == {"flew", "soup"}


def test_it_finds_the_odd_word_of_many_hand_written_sentences():
    judged = accuse(eh.load("electra-mini-en"))[:50]
    assert len(judged) == 50
    assert mean(each.is_found for each in judged) >= ODD_ENOUGH


def test_from_an_encoder_it_finds_more_odd_words_than_from_nothing():
    judged = accuse(eh.load("electra-minilm-en"))
    assert len(judged) == 76
    assert mean(each.is_found for each in judged) >= 0.6


def test_inspect_takes_it_by_itself_offline_within_seconds_and_loads_little():
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", INSPECT],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )
    assert within(time.monotonic() - begun, 60), "seconds, even where two tests share a core"
    assert done.returncode == 0, done.stderr
    shown = {word.strip("*") for word in done.stdout.split()}
    assert {"flew", "soup"} <= shown
    loaded = set(done.stderr.split())
    assert {"torch", "tokenizers", "safetensors"} <= loaded
    assert not loaded & set(TOO_MUCH.split())


def test_the_first_chinese_sentence_of_the_course_is_read_as_the_course_says():
    model = eh.load("electra-mini-zh")
    wrong, right = (eh.detect(model, f"今天{word}很好，阳光明媚。").p_replaced for word in ("大气", "天气"))
    assert wrong[3] > 4 * right[3], "the wrong character"
    assert wrong[4] > 3 * right[4], "its neighbour"
    assert wrong[4] > wrong[3], "the neighbour more than the wrong one"
    assert min(wrong[-3], right[-3]) >= 0.5, "媚, right or wrong"


def test_of_the_story_of_00_the_little_world_in_chinese_sees_what_the_course_says():
    model = eh.load("electra-tiny-world-zh")
    story = next(each.text("zh") for each in stories(split="validation") if "裁缝" in each.text("zh"))
    assert story.startswith("亚当住在一个有名的村子里，是一位裁缝。"), "the first of a tailor"

    def p(old: str, new: str, at: str) -> float:
        found = eh.detect(model, story.replace(old, new))
        return found.p_replaced[1 + story.replace(old, new).index(at)]

    assert p("顶针", "凿子", "凿") > 0.8
    assert p("裁缝", "厨师", "衣") > 0.8 > 0.2 > p("裁缝", "裁缝", "衣")
    assert p("他的姑姑", "她的姑姑", "她") < 0.2, "this one passes"
