"""Which device and which number format to compute in, and why."""

from __future__ import annotations

from dataclasses import dataclass

from electra_helpers.errors import ElectraError
from electra_helpers.language import worded

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}  # precision → torch's name of it


@dataclass(frozen=True)
class DeviceChoice:
    """A torch device name, a precision (fp32, bf16 or fp16) and the reason for it in words."""

    device: str
    precision: str
    reason: str


def choose_device(device: str = "auto", precision: str = "auto") -> DeviceChoice:
    """Pick the fastest device at hand and the precision that suits it, and say why.

    CUDA with compute capability 8.0 or more → bf16; older CUDA (a T4) → fp16 with a gradient scaler; Apple's MPS and the CPU → fp32.
    `torch.cuda.is_bf16_supported()` is not asked: it says yes on a T4, which only emulates bf16. Raises `ElectraError` for a device
    that is not there.

    >>> from electra_helpers import choose_device
    >>> choose_device("cpu").precision
    'fp32'

    Built in notebook 00.
    """
    import torch

    found = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = found if device == "auto" else device.split(":")[0]
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present.get(kind, False):
        raise ElectraError(f"device {device!r} is not here: this machine has {found}. Leave it at auto, or say cpu.")
    name = kind if device == "auto" else device
    best, why = _best_precision(kind)
    if precision == "auto":
        return DeviceChoice(name, best, why)
    if precision not in DTYPES:
        raise ElectraError(f"precision {precision!r} is unknown: choose one of auto, {', '.join(DTYPES)}.")
    if precision == "fp16" and kind == "cpu":
        raise ElectraError("precision fp16 needs a GPU: on a CPU choose fp32.")
    return DeviceChoice(name, precision, worded("as you asked"))


def _best_precision(kind: str) -> tuple[str, str]:
    import torch

    if kind != "cuda":
        return "fp32", worded("half precision rarely helps on a {kind}", kind=kind)
    major, minor = torch.cuda.get_device_capability()
    found = {"name": torch.cuda.get_device_name(), "version": f"{major}.{minor}"}
    if major >= 8:
        return "bf16", worded("{name}, compute capability {version}: bf16 in hardware", **found)
    return "fp16", worded("{name}, compute capability {version}: no bf16, so fp16 with a gradient scaler", **found)
