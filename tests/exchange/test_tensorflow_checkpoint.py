"""The reader of TensorFlow checkpoints: what TensorFlow wrote is read to the bit, what is damaged or foreign is refused in one line."""

import json
import pickle
import shutil

import numpy as np
import pytest

from electra_helpers.errors import ElectraError
from electra_helpers.exchange.crc import crc32c
from electra_helpers.exchange.store import load
from electra_helpers.exchange.tensorflow_checkpoint import Checkpoint, find_checkpoint, read_table
from tests.reference import HERE
from tests.reference.writer import crc_by_bytes, varint, write_checkpoint

UNTIED = HERE / "untied"
PREFIX = UNTIED / "model.ckpt-0"
INDEX, DATA = "model.ckpt-0.index", "model.ckpt-0.data-00000-of-00001"


def random_bytes(count):
    return np.random.default_rng(count).integers(0, 256, count, dtype=np.uint8)


def test_the_crc_is_castagnolis():
    assert crc32c(np.frombuffer(b"123456789", np.uint8)) == 0xE3069283
    assert crc32c(np.full(32, 255, np.uint8)) == 0x62A8AB43  # both: RFC 3720, appendix B.4


@pytest.mark.parametrize("count", [0, 1, 3, 4, 4095, 4096, 4097, 8191, 8192, 3 * 4096 + 2, 50_001])
def test_the_crc_by_rows_is_that_byte_by_byte(count):
    data = random_bytes(count)
    assert crc32c(data) == crc_by_bytes(data.tobytes())


def test_a_checkpoint_of_tensorflow_is_read_whole():
    found = Checkpoint(PREFIX)
    assert found["global_step"] == 0
    assert found["electra/embeddings/word_embeddings"].shape == (57, 12)
    assert found["generator/embeddings/word_embeddings"].shape == (57, 8)
    assert len(found) == 160
    assert sum(value.nbytes for value in found.values()) == (UNTIED / DATA).stat().st_size


@pytest.mark.parametrize("options", [{}, {"shards": 3}, {"pairs_a_block": 1}, {"pairs_a_block": 1000}])
def test_what_is_written_is_read(options, tmp_path):
    numbers = np.random.default_rng(0)
    wanted = {f"part/layer_{n}/kernel": numbers.normal(size=(n, 3)).astype(np.float32) for n in range(60)}
    wanted |= {"long": np.arange(-5, 5), "half": np.float16([1.5, -2]), "scalar": np.float64(3.25), "∂": np.int32([7])}
    found = Checkpoint(write_checkpoint(tmp_path / "model.ckpt-5", wanted, **options))
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_of_several_checkpoints_the_one_that_the_note_names_is_taken(tmp_path):
    for step in (9, 10, 2):
        write_checkpoint(tmp_path / f"model.ckpt-{step}", {"global_step": np.int64(step)})
    assert find_checkpoint(tmp_path).name == "model.ckpt-10"
    for path in ("/elsewhere/models/model.ckpt-9", "C:\\\\models\\\\model.ckpt-9", "model.ckpt-9"):
        (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{path}"\nall_model_checkpoint_paths: "x-10"\n')
        assert find_checkpoint(tmp_path).name == "model.ckpt-9"
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/gone.ckpt-11"\n')
    assert find_checkpoint(tmp_path).name == "model.ckpt-10"
    assert find_checkpoint(tmp_path / "model.ckpt-2").name == "model.ckpt-2"


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    """A file whose last variable is damaged still gives the others."""
    shutil.copytree(UNTIED, tmp_path / "copy")
    whole = Checkpoint(PREFIX)
    last = max(whole.entries, key=lambda name: whole.entries[name].offset)
    with (tmp_path / "copy" / DATA).open("r+b") as file:
        file.seek(whole.entries[last].offset)
        file.write(b"\xff\xff\xff\xff")
    damaged = Checkpoint(tmp_path / "copy" / PREFIX.name)
    assert damaged["electra/embeddings/LayerNorm/beta"].shape == (12,)
    with pytest.raises(ElectraError, match="checksum"):
        _ = damaged[last]


# Every way to break a checkpoint: name → what is done to a copy of the folder.


def cut(file, at):
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes()[:at])


def flip(file, at, bits=0x10):
    def change(folder):
        data = bytearray((folder / file).read_bytes())
        data[at] ^= bits
        (folder / file).write_bytes(data)

    return change


def replace(file, content):
    return lambda folder: (folder / file).write_bytes(content)


def without(*files):
    return lambda folder: [(folder / file).unlink() for file in files]


def rewritten(**options):
    def change(folder):
        variables = dict(Checkpoint(folder / PREFIX.name))
        changed = {k: options["change"](k, v) for k, v in variables.items()} if "change" in options else variables
        changed = {k: v for k, v in changed.items() if v is not None}
        variables = {k: np.array(v) for k, v in changed.items()}
        for path in folder.glob("model.ckpt*"):
            path.unlink()
        write_checkpoint(folder / PREFIX.name, variables, **{k: v for k, v in options.items() if k != "change"})

    return change


def drop(name):
    return rewritten(change=lambda k, v: None if k == name else v)


def as_strings(name, value):
    return np.array(["a"]) if name == "electra/embeddings/word_embeddings" else value


def lines(*words):
    return replace("vocab.txt", "".join(f"{word}\n" for word in words).encode())


SIZE = (UNTIED / INDEX).stat().st_size
VOCABULARY = (UNTIED / "vocab.txt").read_text().split("\n")[:-1]
WORD = "electra/embeddings/word_embeddings"
BROKEN = {
    "index: empty": cut(INDEX, 0),
    "index: cut in the first block": cut(INDEX, 100),
    "index: cut behind the blocks": cut(INDEX, SIZE - 48),
    "index: cut in the footer": cut(INDEX, SIZE - 20),
    "index: cut by one byte": cut(INDEX, SIZE - 1),
    "index: a byte of a name": flip(INDEX, 60),
    "index: a byte of the middle": flip(INDEX, SIZE // 2),
    "index: a byte of the index block": flip(INDEX, SIZE - 60),
    "index: the handle in the footer": flip(INDEX, SIZE - 47),
    "index: the magic number": flip(INDEX, SIZE - 1),
    "index: half of it zeros": lambda f: replace(INDEX, b"\0" * 3000 + (f / INDEX).read_bytes()[3000:])(f),
    "index: text": replace(INDEX, b"model_checkpoint_path: 7\n" * 99),
    "index: a pickle": replace(INDEX, pickle.dumps({"electra/embeddings/word_embeddings": [1.0] * 99})),
    "index: a footer alone": replace(INDEX, varint(0) * 40 + (UNTIED / INDEX).read_bytes()[-8:]),
    "index: compressed": rewritten(compression=1),
    "index: big-endian": rewritten(big_endian=True),
    "index: a variable in slices": rewritten(sliced=WORD),
    "index: a variable of strings": rewritten(change=as_strings),
    "data: empty": cut(DATA, 0),
    "data: cut in half": cut(DATA, 100_000),
    "data: cut by one byte": cut(DATA, (UNTIED / DATA).stat().st_size - 1),
    "data: a byte": flip(DATA, 60_000),
    "data: missing": without(DATA),
    "data: of another number of shards": lambda f: (f / DATA).rename(f / DATA.replace("of-00001", "of-00002")),
    "data: one of three missing": lambda f: (
        rewritten(shards=3)(f),
        without(DATA.replace("00000-of-00001", "00001-of-00003"))(f),
    ),
    "folder: empty": lambda f: [path.unlink() for path in f.iterdir()],
    "folder: gone": shutil.rmtree,
    "folder: a pickle alone": lambda f: (
        [path.unlink() for path in f.iterdir()],
        replace("model.pkl", pickle.dumps([1, 2]))(f),
    ),
    "folder: a checkpoint without index": without(INDEX),
    "vocabulary: missing": without("vocab.txt"),
    "vocabulary: a token too few": lines(*VOCABULARY[:-1]),
    "vocabulary: a token too many": lines(*VOCABULARY, "more"),
    "vocabulary: no [MASK]": lines(*(word.replace("[MASK]", "mask") for word in VOCABULARY)),
    "vocabulary: no text": replace("vocab.txt", b"\xff\xfe\x00\xd8"),
    "config.json: no JSON": replace("config.json", b"{"),
    "config.json: heads that do not divide": replace("config.json", json.dumps({"num_attention_heads": 5}).encode()),
    "config.json: no heads": replace("config.json", json.dumps({"num_attention_heads": 0}).encode()),
    "variables: no position table": drop("electra/embeddings/position_embeddings"),
    "variables: a bias missing": drop("electra/encoder/layer_0/attention/self/key/bias"),
    "variables: the last layer missing in part": drop("generator/encoder/layer_0/output/dense/kernel"),
    "variables: no head": rewritten(change=lambda k, v: None if "predictions" in k else v),
    "variables: another shape": rewritten(change=lambda k, v: v[:, :-1] if k.endswith("0/output/dense/kernel") else v),
    "variables: queries of another shape": rewritten(
        change=lambda k, v: v[:-1] if k.endswith("0/attention/self/query/kernel") else v
    ),
    "variables: another rank": rewritten(change=lambda k, v: v[0] if k == WORD else v),
    "variables: a table of no width": rewritten(change=lambda k, v: v[:, :0] if k == WORD else v),
    "variables: foreign": rewritten(change=lambda k, v: None if k != "global_step" else v),
}


def test_there_are_thirty_broken_variants_and_the_whole_one_loads():
    assert len(BROKEN) > 30
    assert load(UNTIED).net.generator is not None


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_checkpoint_costs_one_line_and_exit_code_2(broken, tmp_path, electra):
    folder = tmp_path / "checkpoint"
    shutil.copytree(UNTIED, folder)
    BROKEN[broken](folder)
    code, out, err = electra("import", folder, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.startswith("electra: ")
    assert err.count("\n") == 1, err
    assert str(folder) in err or "vocab" in err, err
    assert not (tmp_path / "out").exists()


def test_every_single_byte_of_the_index_counts():
    """A flip of one bit anywhere is found, or changes nothing that is read."""
    data = (UNTIED / INDEX).read_bytes()
    whole = dict(read_table(data))
    for at in range(0, len(data), 23):
        changed = data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :]
        try:
            assert dict(read_table(changed)) == whole, at
        except (ValueError, IndexError):
            continue
