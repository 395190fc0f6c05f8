from pathlib import Path

import pytest
import torch

from rapsr_core.memory import container_room, free_bytes, is_shortage, peak_memory

CPU = torch.device("cpu")


def test_torchs_own_refusal_is_a_shortage_and_a_wrong_shape_is_not() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**47, dtype=torch.uint8)
    with pytest.raises(RuntimeError) as wrong:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert is_shortage(refused.value)
    assert not is_shortage(wrong.value)
    assert is_shortage(MemoryError()) and is_shortage(torch.OutOfMemoryError("CUDA out of memory"))
    assert not is_shortage(ValueError("not enough memory"))


def test_the_peak_is_what_was_held_at_once() -> None:
    with peak_memory(CPU) as peak:
        for _ in range(3):
            torch.ones(64 << 20, dtype=torch.uint8)
        held = peak()
    assert 60 << 20 < held.bytes < 100 << 20
    assert "the process in RAM" in held.method


def test_a_peak_of_before_does_not_count() -> None:
    torch.ones(128 << 20, dtype=torch.uint8)
    with peak_memory(CPU) as peak:
        torch.ones(16 << 20, dtype=torch.uint8)
        assert peak().bytes < 60 << 20


def test_a_container_leaves_its_limit_less_what_it_uses(tmp_path: Path) -> None:
    assert container_room(tmp_path) is None
    for name, text in {
        "memory.max": "max\n",
        "memory.current": "5000\n",
        "memory.stat": "anon 4000\ninactive_file 1000\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert container_room(tmp_path) is None
    (tmp_path / "memory.max").write_text("9000\n")
    assert container_room(tmp_path) == 5000
    (tmp_path / "memory.max").write_text("100\n")
    assert container_room(tmp_path) == 0


def test_free_memory_is_less_than_the_machines() -> None:
    total = 1024 * int(Path("/proc/meminfo").read_text().split()[1])
    assert 0 < free_bytes(CPU) < total
