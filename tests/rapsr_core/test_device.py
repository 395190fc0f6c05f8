import torch

from rapsr_core.device import choose_device


def test_the_reason_names_the_arithmetic() -> None:
    chosen = choose_device()
    assert chosen.dtype in (torch.bfloat16, torch.float16, torch.float32)
    assert str(chosen.dtype).removeprefix("torch.") in chosen.reason
    assert chosen.device.type in ("cpu", "cuda")
