"""A fine-tuned model predicts in the precision asked for, wherever its net is, and says what that changed."""

import pytest
import torch

from electra_helpers.errors import ElectraError
from electra_helpers.tasks.finetuning import finetune
from electra_helpers.tasks.predicting import against_fp32, answer

TEXT = "the chef cooked unlikely the meal today ."
ROWS = {
    "classification": [{"text": TEXT, "label": "yes"}, {"text": "the meal", "label": "no"}],
    "tagging": [{"tokens": TEXT.split(), "tags": ["O", "B-X", "O", "O", "O", "O", "O", "O"]}],
    "question-answering": [
        {"context": TEXT, "question": "the meal ?", "answers": {"text": ["chef"], "answer_start": [4]}}
    ],
    "multiple-choice": [{"context": "the chef", "choices": ["cooked", "meal", "."], "label": 1}] * 2,
}
ASKED = ROWS | {  # as the tasks read them
    "tagging": [{"text": TEXT}],
    "multiple-choice": [{"context": "the chef", "endings": ["cooked", "meal", "."]}] * 2,
}


@pytest.fixture(params=sorted(ROWS))
def made(request, pretrained):
    rows = ROWS[request.param] * 4
    return finetune(request.param, pretrained, rows, steps=1, batch_size=2, length=24, device="cpu")


def numbers(said):
    """All floats of a prediction."""
    if isinstance(said, dict):
        return [x for value in said.values() for x in numbers(value)]
    if isinstance(said, list | tuple):
        return [x for value in said for x in numbers(value)]
    return [said] if isinstance(said, float) else []


def test_bf16_moves_probabilities_a_little(made):
    rows = ASKED[made.task.name]
    whole, half = (list(each.predict_read(rows)) for each in (made, made.on("cpu", "bf16")))
    exact, near = numbers(whole), numbers(half)
    assert len(exact) == len(near) > 0
    assert near != exact  # it was computed in bf16
    assert near == pytest.approx(exact, abs=0.1)
    assert made.precision == "fp32"  # the model itself is as it was


def test_what_bf16_changed_is_counted(made, monkeypatch):
    rows = ASKED[made.task.name] * 3
    assert against_fp32(made, rows) == ""
    half = made.on("cpu", "bf16")
    others = sum(answer(a) != answer(b) for a, b in zip(half.predict_read(rows), made.predict_read(rows), strict=True))
    assert against_fp32(half, rows) == (
        f"In bf16 {others} of the first {len(rows)} rows have another answer than in fp32."
    )
    real, said = type(half).predict_read, iter(range(1_000))

    def odd(self, read):  # every row has another answer in bf16
        return ({"label": next(said)} if self.precision == "bf16" else row for row in real(self, read))

    monkeypatch.setattr(type(half), "predict_read", odd)
    assert f" {len(rows)} of the first {len(rows)} rows" in against_fp32(half, rows)


def test_an_answer_is_what_is_said_without_its_numbers():
    said = {"label": "a", "probability": 0.5, "probabilities": {"a": 0.5}, "spans": [{"start": 1, "p": 0.1}]}
    assert answer(said) == {"label": "a", "probabilities": {}, "spans": [{"start": 1}]}


def test_what_is_not_here_is_said_in_one_line(made):
    with pytest.raises(ElectraError, match="precision 'int4' is unknown: say auto, fp32, bf16 or fp16"):
        made.on("cpu", "int4")
    with pytest.raises(ElectraError, match="fp16 needs a GPU"):
        made.on("cpu", "fp16")
    if not torch.cuda.is_available():
        with pytest.raises(ElectraError, match="device 'cuda' is not here"):
            made.on("cuda")
