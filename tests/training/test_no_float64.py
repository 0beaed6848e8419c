"""An Apple GPU has no float64: nothing that is computed on the device may make one, in whichever objective or task."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from electra_helpers.config import OBJECTIVES, FinetuneConfig
from electra_helpers.tasks.finetuning import Finetuning, build_net, read_material
from electra_helpers.training.loop import Trainer
from tests.training.seeds import start_with

SENTENCE = "the chef cook meal ."
CLASSES = [{"text": SENTENCE, "label": "a"}, {"text": "the meal .", "label": "b"}]
TAGS = [{"tokens": ["the", "chef", "meal"], "tags": ["O", "B-X", "O"]}, {"tokens": ["chef"], "tags": ["B-X"]}]
ANSWERS = [{"question": "the meal", "context": SENTENCE, "answers": {"text": ["chef"], "answer_start": [4]}}]
TASKS = {
    "classification": CLASSES,
    "scale": [{"text": SENTENCE, "label": 0.5}, {"text": "the meal .", "label": 1.5}],
    "tagging": TAGS,
    "question-answering": ANSWERS,
    "multiple-choice": [{"context": SENTENCE, "endings": ["the meal", "chef"], "label": n} for n in (0, 1)],
    "translation": [{"source": SENTENCE, "target": "the meal"}, {"source": "the meal", "target": "chef"}],
}


class NoDouble(TorchDispatchMode):
    """Refuses every operation that returns a float64 tensor, as an Apple GPU does."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, list | tuple) else [found]:
            if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float64:
                raise TypeError(f"float64 is made by {function}")
        return found


def test_the_mode_refuses_what_an_apple_gpu_refuses():
    with NoDouble(), pytest.raises(TypeError, match="float64 is made"):
        torch.zeros(2).double()


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_pretraining_steps_evaluates_and_logs_without_float64(make_task, objective, optimizer):
    with NoDouble():
        task, config = make_task(objective=objective, optimizer=optimizer, dropout=0.1, accumulation=2)
        trainer = Trainer(task, config)
        trainer.step()
        assert trainer.meter.read(trainer.run)["loss"] > 0
        assert all(value > 0 for name, value in trainer.evaluate().items() if name.endswith("_loss"))


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("head", ["transformers", "paper"])
def test_fine_tuning_steps_and_evaluates_without_float64(kind, head):
    config = FinetuneConfig(steps=1, batch_size=2, length=16, device="cpu", head=head, target_vocab=64)
    start, name = start_with(), "classification" if kind == "scale" else kind
    with NoDouble():
        material = read_material(name, start, TASKS[kind], TASKS[kind], config)
        net = build_net(start, material.task, material.config, scratch=False)
        task = Finetuning(net, material.task, material.examples, material.config, start.tokenizer, material.held_out)
        trainer = Trainer(task, material.config)
        trainer.step()
        assert trainer.meter.read(trainer.run)["loss"] > 0
        assert trainer.evaluate()[material.task.main_metric] is not None
