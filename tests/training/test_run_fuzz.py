"""Random damage to run.json, to checkpoints and to logs: a run is resumed, or told in one line why not.

A few seconds here; ELECTRA_FUZZ_SECONDS asks for as many seconds of it.
"""

import json
import os
import random
import shutil
import time

from electra_helpers.config import PretrainConfig
from electra_helpers.errors import ElectraError
from electra_helpers.saved.files import checksum
from electra_helpers.training.callbacks import JsonLog, read_log
from electra_helpers.training.checkpoint import FILES
from electra_helpers.training.pretraining import pretrain
from electra_helpers.training.run_folder import check_folder, read_run
from tests.damage import damaged, spoilt

SECONDS = float(os.environ.get("ELECTRA_FUZZ_SECONDS", 3))
STEPS = 2
CONFIG = PretrainConfig(steps=STEPS, batch_size=4, length=32, eval_rows=4, warmup_steps=1, save_every=1, log_every=1)


def one_round(rng, whole, folder):
    """Write the run's small files anew with one of them spoilt; a state.json has a fitting checksum half of the time."""
    for name, data in whole.items():
        (folder / name).write_bytes(data)
    name = rng.choice(sorted(whole))
    path = folder / name
    if path.suffix == ".json" and rng.random() < 0.8:
        found = json.loads(whole[name])
        for _ in range(rng.randrange(1, 4)):
            found = damaged(found, rng)
        path.write_text(json.dumps(found), "utf-8")
    else:
        path.write_bytes(spoilt(whole[name], rng))
    if path.name in FILES and rng.random() < 0.5:
        sums = {each: checksum(path.parent / each) for each in FILES}
        (path.parent / "checksums.json").write_text(json.dumps(sums), "utf-8")
    return name


def resumed(folder):
    """What `electra pretrain --resume` reads and does, to the end of the run."""
    pretrain(["world"], folder, config=CONFIG, resume=True)


def test_a_damaged_run_is_resumed_or_told(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "run"
    pretrain(["world"], source, config=CONFIG, callbacks=[JsonLog(source / "log.jsonl")])
    kept = sorted(source.glob("checkpoints/step-*"))[0]
    for later in sorted(source.glob("checkpoints/step-*"))[1:]:
        shutil.rmtree(later)
    shutil.copytree(source, folder)
    inside = [str((kept / name).relative_to(source)) for name in (*FILES, "checksums.json")]
    names = ["run.json", "config.json", "log.jsonl", *inside]
    whole = {name: (source / name).read_bytes() for name in names}
    seed = time.time_ns()
    rng, until, rounds, told = random.Random(seed), time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < until or rounds < 8 or (not told and rounds < 200):
        name = one_round(rng, whole, folder)
        rounds += 1
        for later in [p for p in folder.glob("checkpoints/step-*") if p.name != kept.name]:
            shutil.rmtree(later)
        checks = [read_run, lambda run: check_folder(run, True), lambda run: read_log(run / "log.jsonl")]
        for check in [*checks, *([resumed] if rounds % 4 == 0 else [])]:
            said = ""
            try:
                check(folder)
            except ElectraError as error:
                told, said = told + 1, str(error)
            except Exception as error:
                raise AssertionError(f"seed {seed}, round {rounds}, {name}: {check} raised {error!r}") from error
            assert "\n" not in said, (seed, rounds, said)
    assert told
    print(f"{rounds:,} damaged runs, {told:,} lines, seed {seed}")
