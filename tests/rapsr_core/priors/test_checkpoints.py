from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rapsr_core.priors.checkpoints import CheckpointError, below, fill, read_folder, read_weights

WEIGHTS = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.tensor([1.0, 2.0])}


def linear() -> nn.Linear:
    with torch.device("meta"):
        return nn.Linear(3, 2)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "a.ckpt", "a.bin", "old.pth"])
def test_every_kind_of_file_gives_the_same_tensors(tmp_path: Path, name: str) -> None:
    if name.endswith("safetensors"):
        save_file(WEIGHTS, tmp_path / name)
    else:
        torch.save(
            {"state_dict": WEIGHTS} if name.endswith("ckpt") else WEIGHTS,
            tmp_path / name,
            _use_new_zipfile_serialization=name != "old.pth",
        )
    read = read_weights(tmp_path / name)
    assert read.keys() == WEIGHTS.keys() and all(torch.equal(read[key], value) for key, value in WEIGHTS.items())


def test_a_file_without_named_tensors_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"a\.pth has no named tensors"):
        read_weights(tmp_path / "a.pth")


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    torch.save({"state_dict": WEIGHTS, "callbacks": nn.Linear}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=r"a\.ckpt holds more than weights; convert it"):
        read_weights(tmp_path / "a.ckpt")


def test_what_is_below_a_prefix_or_all_of_it() -> None:
    assert below({"a.b.weight": 1, "c.weight": 2}, "a.") == {"b.weight": 1}
    assert below(WEIGHTS, "a.") == WEIGHTS


def test_a_folder_gives_its_configuration_and_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"must hold config\.json"):
        read_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"in_channels": 4}')
    torch.save(WEIGHTS, tmp_path / "diffusion_pytorch_model.bin")
    config, weights = read_folder(tmp_path)
    assert config == {"in_channels": 4} and weights.keys() == WEIGHTS.keys()


def test_a_filled_network_is_frozen_and_in_the_type_asked_for() -> None:
    network = fill(linear(), WEIGHTS, device="cpu", dtype=torch.bfloat16)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert network(torch.ones(3, dtype=torch.bfloat16)).tolist() == [4, 14]


def test_every_fault_is_said_at_once_with_its_first_names() -> None:
    wrong = {"weight": torch.zeros(3, 3)} | {f"extra{n}": torch.zeros(1) for n in range(5)}
    with pytest.raises(CheckpointError) as error:
        fill(linear(), wrong, device="cpu", dtype=torch.float32)
    assert str(error.value) == (
        "these are not the weights of this Linear: 1 missing: bias; 5 unexpected: extra0, extra1, extra2 and 2 more; "
        "1 of another shape: weight (3, 3), not (2, 3)"
    )
