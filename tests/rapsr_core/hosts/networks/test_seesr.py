import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rapsr_core.hosts.networks.seesr import (
    HOST_ONLY,
    SeeSRNetworks,
    load_seesr_controlnet,
    load_seesr_unet,
    seesr_controlnet,
    seesr_unet,
)
from rapsr_core.priors.checkpoints import CheckpointError
from rapsr_core.refinement import plugged_in
from rapsr_core.refinement.artifact import Refinement
from rapsr_core.refinement.updates import Delta, Full, LowRank

TOLERANCE = 5e-4
PartOf = Callable[[str, str], dict[str, Tensor]]


def host_only(name: str) -> bool:
    return any(re.search(pattern, name) for pattern in HOST_ONLY.values())


@pytest.fixture
def call(part_of: PartOf) -> dict[str, Tensor]:
    """Arguments of `SeeSRNetworks.noise`, those of the ControlNet's fixture."""
    inputs = part_of("seesr_controlnet_a", "inputs")
    names = {"z": "sample", "text_states": "text", "image_states": "image_states", "image": "cond"}
    return {ours: inputs[theirs] for ours, theirs in names.items()} | {"t": torch.tensor(999)}


@torch.inference_mode()
def test_the_unet_predicts_what_the_official_one_does(networks: SeeSRNetworks, part_of: PartOf) -> None:
    inputs, outputs = part_of("seesr_unet_a", "inputs"), part_of("seesr_unet_a", "outputs")
    residuals = {
        "down_block_additional_residuals": tuple(inputs[f"down_{k}"] for k in range(4)),
        "mid_block_additional_residual": inputs["mid"],
    }
    for extra, name in ((residuals, "noise_pred"), ({}, "noise_pred_no_control")):
        seen = {"cross_attention_kwargs": {"image_states": inputs["image_states"]}}
        predicted = networks.unet(inputs["sample"], 999, inputs["text"], **seen, **extra).sample
        assert (predicted - outputs[name]).abs().max() <= TOLERANCE, name


@torch.inference_mode()
def test_the_controlnet_gives_what_the_official_one_does(networks: SeeSRNetworks, part_of: PartOf) -> None:
    inputs, outputs = part_of("seesr_controlnet_a", "inputs"), part_of("seesr_controlnet_a", "outputs")
    seen = {"cross_attention_kwargs": {"image_states": inputs["image_states"]}}
    down, mid = networks.controlnet(inputs["sample"], 999, inputs["text"], inputs["cond"], return_dict=False, **seen)
    assert len(down) == 4
    ours = {f"down_{k}": residual for k, residual in enumerate(down)} | {"mid": mid}
    for name, residual in ours.items():
        assert (residual - outputs[name]).abs().max() <= TOLERANCE, name


@torch.inference_mode()
def test_both_networks_together(networks: SeeSRNetworks, call: dict[str, Tensor], part_of: PartOf) -> None:
    unet, controlnet = part_of("seesr_unet_a", "inputs"), part_of("seesr_controlnet_a", "inputs")
    assert all(torch.equal(unet[name], controlnet[name]) for name in ("sample", "text", "image_states")), "one and the same call"
    outputs = part_of("seesr_unet_a", "outputs")
    for scale, name in ((1.0, "noise_pred"), (0.0, "noise_pred_no_control")):
        assert (networks.noise(**call, control_scale=scale) - outputs[name]).abs().max() <= TOLERANCE, name


@torch.inference_mode()
def test_bfloat16_is_off_by_its_roundings_alone(
    facts_of, config_of, part_of: PartOf, networks: SeeSRNetworks, call: dict[str, Tensor]
) -> None:
    unet, controlnet = "seesr_unet_a", "seesr_controlnet_a"
    halves = SeeSRNetworks(
        load_seesr_unet(part_of(unet, "weights"), config_of(unet), dtype=torch.bfloat16),
        load_seesr_controlnet(part_of(controlnet, "weights"), config_of(controlnet), dtype=torch.bfloat16),
    )
    low = {name: tensor.bfloat16() if tensor.is_floating_point() else tensor for name, tensor in call.items()}
    predicted, exact = halves.noise(**low), networks.noise(**call)
    assert predicted.dtype == torch.bfloat16
    rounding = facts_of(unet)["float32_error"]["max_abs_vs_float64"]["noise_pred"] * 2**15  # as many roundings, of 2^-9 not 2^-24
    assert (predicted.float() - exact).abs().max() <= rounding
    assert rounding < 0.5 * exact.std()


@pytest.mark.parametrize(
    ("name", "build", "load"),
    [("seesr_unet", seesr_unet, load_seesr_unet), ("seesr_controlnet", seesr_controlnet, load_seesr_controlnet)],
)
def test_every_official_key_of_the_full_size_is_used_and_none_is_invented(facts_of, name, build, load) -> None:
    facts = facts_of(f"keys/{name}")
    with torch.device("meta"):
        weights = {key: torch.empty(shape) for key, shape in facts["keys"].items()}
        network = build(facts["config"])
    assert len(network.state_dict()) == len(weights) == facts["n"]
    assert sum(parameter.numel() for parameter in network.parameters()) == facts["n_params"]
    load(weights, facts["config"], device="meta")
    for fault, changed in {
        "1 missing: conv_in.bias": {key: w for key, w in weights.items() if key != "conv_in.bias"},
        "1 unexpected: more": weights | {"more": weights["conv_in.bias"]},
        "1 of another shape: conv_in.bias": weights | {"conv_in.bias": weights["conv_in.weight"]},
    }.items():
        with pytest.raises(CheckpointError, match=fault):
            load(changed, facts["config"], device="meta")


def test_all_but_the_image_attention_has_the_names_of_sd21base(facts_of) -> None:
    with torch.device("meta"):
        unet = seesr_unet(facts_of("keys/seesr_unet")["config"])
    ours = {name: list(tensor.shape) for name, tensor in unet.state_dict().items()}
    assert {name: shape for name, shape in ours.items() if not host_only(name)} == facts_of("keys/sd21base_unet_diffusers")[
        "keys"
    ]
    assert sum(map(host_only, ours)) == facts_of("keys/seesr_unet")["n_image_attention_keys"] == 416


def test_a_file_loads_as_its_state_dict_does(tmp_path: Path, config_of, part_of: PartOf, networks: SeeSRNetworks) -> None:
    weights = part_of("seesr_unet_a", "weights")
    save_file(weights, tmp_path / "unet.safetensors")
    torch.save(weights, tmp_path / "unet.bin")
    for name in ("unet.safetensors", "unet.bin"):
        loaded = load_seesr_unet(tmp_path / name, config_of("seesr_unet_a")).state_dict()
        assert all(torch.equal(loaded[key], tensor) for key, tensor in networks.unet.state_dict().items())


def updates(unet: nn.Module, kind: str) -> dict[str, Any]:
    """A refinement of every vanilla matrix."""
    made: dict[str, Any] = {}
    generator = torch.Generator().manual_seed(3)
    for name, weight in unet.named_parameters():
        if host_only(name) or weight.ndim != 2:
            continue
        if kind == "lora":
            down, up = (torch.randn(shape, generator=generator) * 0.2 for shape in ((2, weight.shape[1]), (weight.shape[0], 2)))
            made[name] = LowRank(down, up, 1.0)
            continue
        difference = torch.randn(weight.shape, generator=generator) * 0.1
        made[name] = Delta(difference) if kind == "delta" else Full(weight + difference)
    return made


@pytest.mark.parametrize("kind", ["full", "lora", "delta"])
@torch.inference_mode()
def test_a_refinement_plugs_into_the_vanilla_names_alone(networks: SeeSRNetworks, call, kind: str) -> None:
    unet = networks.unet
    refinement = Refinement("tiny", updates(unet, kind), "[X]. ", "[V]. ", {}, {}, (), {"prior": "sd21base"})
    before, plain = {name: p.clone() for name, p in unet.named_parameters()}, networks.noise(**call)
    with plugged_in(unet, refinement, 1.0):
        changed = {name for name, p in unet.named_parameters() if not torch.equal(p, before[name])}
        assert (networks.noise(**call) - plain).abs().max() > 0.01
    assert changed == set(refinement.updates) and not any(map(host_only, changed))
    assert all(torch.equal(p, before[name]) for name, p in unet.named_parameters())
    assert torch.equal(networks.noise(**call), plain)
    with plugged_in(unet, refinement, 0.0):
        assert torch.equal(networks.noise(**call), plain)
