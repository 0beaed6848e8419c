"""Random damage to configurations, vocabularies and headers of weights: one line, never a traceback.

A few seconds here; ELECTRA_FUZZ_SECONDS asks for as many seconds of it.
"""

import json
import os
import random
import shutil
import time

from electra_helpers.errors import ElectraError
from electra_helpers.resources import bundled_models
from electra_helpers.saved.folder import check_finetuned, check_pretrained
from electra_helpers.text.tokenizer import Tokenizer
from tests.damage import damaged, spoilt
from tests.pace import within

SECONDS = float(os.environ.get("ELECTRA_FUZZ_SECONDS", 3))
MODEL = "electra-tiny-world-en"
JSON_FILES = ("config.json", "tokenizer.json")


def one_round(rng, whole, folder):
    """Write a model folder with one file spoilt."""
    for name, data in whole.items():
        (folder / name).write_bytes(data)
    name = rng.choice(sorted(whole))
    if name in JSON_FILES and rng.random() < 0.8:
        found = json.loads(whole[name])
        for _ in range(rng.randrange(1, 4)):
            found = damaged(found, rng)
        (folder / name).write_text(json.dumps(found), "utf-8")
    else:
        (folder / name).write_bytes(spoilt(whole[name], rng))


def test_a_damaged_model_folder_is_read_or_told(tmp_path):
    source, folder = bundled_models()[MODEL], tmp_path / "model"
    shutil.copytree(source, folder)
    whole = {name: (folder / name).read_bytes() for name in (*JSON_FILES, "model.safetensors")}
    seed = time.time_ns()
    rng, until, rounds, told = random.Random(seed), time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < until or rounds < 20:
        one_round(rng, whole, folder)
        rounds += 1
        for check in (check_pretrained, check_finetuned, Tokenizer.load):
            begun, said = time.process_time(), ""
            try:
                check(folder)
            except ElectraError as error:
                said = str(error)
            except Exception as error:
                raise AssertionError(f"seed {seed}, round {rounds}: {check.__name__} raised {error!r}") from error
            assert "\n" not in said, (seed, rounds, said)
            assert within(time.process_time() - begun, 2), (seed, rounds)
            told += bool(said)
    assert told > rounds / 4
    print(f"{rounds:,} damaged folders, {told:,} lines, seed {seed}")
