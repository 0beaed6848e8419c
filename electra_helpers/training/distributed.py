"""Several processes training one net: who is main, when all stop, and what is put together from its pieces.

One process a device, started by `accelerate launch`. By default each holds the whole net and they average their gradients
(DistributedDataParallel). With `shard`, weights, gradients and moments are cut into one piece a process (torch's
`fully_shard`), and a whole copy is put together where one is evaluated or saved.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from electra_helpers.config import TrainingConfig
from electra_helpers.device import choose_device
from electra_helpers.errors import ElectraError
from electra_helpers.model.encoder import Layer

AGREE_EVERY = 10  # steps between two moments at which the processes ask each other whether to stop


def make_accelerator(config: TrainingConfig) -> Any:
    """accelerate's view of the devices, with the precision that suits them. Raises `ElectraError` for a GPU named by its number."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    choice = choose_device(config.device, config.precision)
    number = choice.device.partition(":")[2]
    if number not in ("", "0"):  # accelerate gives each process its own GPU, a single one the first
        raise ElectraError(
            f"device is {choice.device}, and training takes the first GPU that it sees: "
            f"set the environment variable CUDA_VISIBLE_DEVICES={number}, and leave device at cuda."
        )
    wanted = "no" if choice.precision == "fp32" else choice.precision
    if AcceleratorState._shared_state and AcceleratorState().mixed_precision != wanted:
        # A notebook may train twice in one process with different settings; accelerate keeps the first otherwise.
        AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(mixed_precision=wanted, cpu=choice.device == "cpu")


def shard(net: nn.Module) -> Any:
    """A copy of a net, each process holding its piece of every weight; a layer is put together only while it computes."""
    from torch.distributed.fsdp import fully_shard

    pieces = copy.deepcopy(net)
    for module in pieces.modules():
        if isinstance(module, Layer):
            fully_shard(module)
    return fully_shard(pieces)  # with the tables that the two nets share


@torch.no_grad()
def gather(pieces: nn.Module, net: nn.Module) -> None:
    """Put the weights of a sharded copy together in `net`; every process has to call it. Nothing to do where they are one."""
    if pieces is not net:
        for piece, parameter in zip(pieces.parameters(), net.parameters(), strict=True):
            parameter.copy_(whole(piece))


def whole(value: Any) -> Tensor:
    """A tensor whose pieces lie in several processes, put together; any other as it is."""
    return value.full_tensor() if hasattr(value, "full_tensor") else value


def cut_like(value: Tensor, parameter: Any) -> Tensor:
    """This process's piece of a moment, cut as its parameter is; a single number stays as it is."""
    value = value.to(parameter.device)
    if hasattr(parameter, "placements") and value.dim():
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(value, parameter.device_mesh, parameter.placements)
    return value


def agree_to_stop(asked: list[bool], step: int, accelerator: Any) -> list[bool]:
    """What any process was asked (to stop, by a signal): one that stopped alone would leave the others waiting for it.

    Several processes answer every `AGREE_EVERY` steps, and between them all go on.
    """
    if accelerator.num_processes == 1:
        return asked
    if step % AGREE_EVERY:
        return [False] * len(asked)
    return [bool(n) for n in accelerator.reduce(torch.tensor(asked, device=accelerator.device).float(), "sum")]
