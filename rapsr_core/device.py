"""Which device and arithmetic a run uses, and why."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Device:
    """`dtype` is what networks compute in; latents and the scheduler stay in float32. `compile`: UNets go through torch.compile."""

    device: torch.device
    dtype: torch.dtype
    reason: str
    compile: bool = False


def native_bf16() -> bool:
    """True when the processor multiplies bfloat16 itself (AVX512-BF16, AMX)."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def choose_device() -> Device:
    """CUDA in bf16 (fp16 where it has none), else the processor: bf16 where it computes in it natively, else float32."""
    if torch.cuda.is_available():
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return Device(torch.device("cuda"), dtype, f"{torch.cuda.get_device_name()}, {dtype}".replace("torch.", ""))
    native = native_bf16()
    dtype = torch.bfloat16 if native else torch.float32
    why = "the processor computes in bfloat16" if native else "the processor has no native bfloat16"
    threads = torch.get_num_threads()
    plural = "" if threads == 1 else "s"
    return Device(torch.device("cpu"), dtype, f"CPU, {threads} thread{plural}, {dtype}: {why}".replace("torch.", ""))
