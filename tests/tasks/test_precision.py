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


def test_what_bf16_changed_is_counted(made):
    rows = ASKED[made.task.name] * 3
    half, said = made.on("cpu", "bf16"), list(made.predict_read(rows))
    ending = f"of the first {len(rows)} rows have another answer than in fp32."
    assert against_fp32(half, rows, said) == f"In bf16 0 {ending}"
    assert against_fp32(half, rows, [{"label": "another"}, *said[1:]]) == f"In bf16 1 {ending}"


def test_numbers_on_a_scale_are_compared_as_numbers(pretrained):
    rows = [{"text": TEXT, "label": 0.5}, {"text": "the meal", "label": 3.25}] * 4
    made = finetune("classification", pretrained, rows, steps=1, batch_size=2, length=24, device="cpu")
    said = [{"label": row["label"] + 0.25 * (n == 3)} for n, row in enumerate(made.predict_read(rows))]
    line = "In bf16 the first 8 numbers differ by at most 0.25 from those in fp32."
    assert against_fp32(made.on("cpu", "bf16"), rows, said) == line


def test_an_answer_is_what_is_said_without_its_numbers():
    said = {"label": "a", "probability": 0.5, "probabilities": {"a": 0.5}, "spans": [{"start": 1, "p": 0.1}]}
    assert answer(said) == {"label": "a", "probabilities": {}, "spans": [{"start": 1}]}


def test_what_is_not_here_is_said_in_one_line(made):
    with pytest.raises(ElectraError, match="precision 'int4' is unknown: choose one of auto, fp32, bf16, fp16"):
        made.on("cpu", "int4")
    with pytest.raises(ElectraError, match="fp16 needs a GPU"):
        made.on("cpu", "fp16")
    if not torch.cuda.is_available():
        with pytest.raises(ElectraError, match="device 'cuda' is not here"):
            made.on("cuda")
