import re
from pathlib import Path

import pytest
import torch
from reference import facts, key_list, on_meta, tensors
from safetensors.torch import save_file
from tiny_ldm import values
from tiny_pasd import config, pasd
from torch import Tensor

from rapsr_core.hosts.networks.pasd import (
    HOST_ONLY,
    PASDControlNet,
    PASDNetworks,
    PASDUNet,
    load_pasd_controlnet,
    load_pasd_unet,
)
from rapsr_core.priors.checkpoints import CheckpointError
from rapsr_core.refinement import Refinement, plugged_in
from rapsr_core.refinement.updates import Delta, Full, LowRank, Update

TOLERANCE = 5e-4


def host_only(name: str) -> bool:
    return any(re.search(pattern, name) for pattern in HOST_ONLY.values())


def call(dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Arguments of `PASDNetworks.noise`, those of the ControlNet's fixture."""
    inputs = tensors("pasd_controlnet_a", "inputs")
    names = {"z": "sample", "text_states": "text", "image": "cond"}
    return {ours: inputs[theirs].to(dtype) for ours, theirs in names.items()} | {"t": torch.tensor(961)}


@torch.inference_mode()
def test_the_unet_predicts_what_the_official_one_does() -> None:
    inputs, expected = tensors("pasd_unet_a", "inputs"), tensors("pasd_unet_a", "outputs")["noise_pred"]
    residuals = {
        "down_block_additional_residuals": tuple(inputs[f"down_{k}"] for k in range(6)),
        "mid_block_additional_residual": inputs["mid"],
    }
    unet = pasd().unet
    predicted = unet(inputs["sample"], 961, inputs["text"], **residuals).sample
    assert (predicted - expected).abs().max() <= TOLERANCE
    (as_tuple,) = unet(inputs["sample"], torch.tensor([961, 961]), inputs["text"], **residuals, return_dict=False)
    assert torch.equal(as_tuple, predicted)


@torch.inference_mode()
def test_the_controlnet_gives_what_the_official_one_does() -> None:
    inputs, outputs = tensors("pasd_controlnet_a", "inputs"), tensors("pasd_controlnet_a", "outputs")
    controlnet = pasd().controlnet
    down, mid = controlnet(inputs["sample"], 961, inputs["text"], inputs["cond"], return_dict=False)
    rgbs = controlnet.controlnet_cond_embedding.seen(inputs["cond"])
    ours = {f"down_{k}": r for k, r in enumerate(down)} | {f"rgb_{k}": r for k, r in enumerate(rgbs)} | {"mid": mid}
    assert ours.keys() == outputs.keys()
    for name, ours_of_it in ours.items():
        assert (ours_of_it - outputs[name]).abs().max() <= TOLERANCE, name


@torch.inference_mode()
def test_both_networks_together() -> None:
    unet, controlnet = tensors("pasd_unet_a", "inputs"), tensors("pasd_controlnet_a", "inputs")
    assert all(torch.equal(unet[name], controlnet[name]) for name in ("sample", "text")), "one and the same call"
    networks, expected = pasd(), tensors("pasd_unet_a", "outputs")["noise_pred"]
    assert (networks.noise(**call()) - expected).abs().max() <= TOLERANCE
    assert (networks.noise(**call(), control_scale=0.5) - expected).abs().max() > 100 * TOLERANCE


@torch.inference_mode()
def test_a_residual_acts_by_addition_and_as_keys() -> None:
    inputs = tensors("pasd_unet_a", "inputs")
    down, others = [inputs[f"down_{k}"] for k in range(6)], (inputs["sample"], 961, inputs["text"])
    unet = pasd().unet
    plain = unet(*others, down, inputs["mid"]).sample
    for block in unet.up_blocks:
        for attention in block.pixel_attentions:
            attention.proj_out.weight.zero_(), attention.proj_out.bias.zero_()  # keys have no effect any more
    without_keys = unet(*others, down, inputs["mid"]).sample
    vanilla = super(PASDUNet, unet).forward(
        *others, down_block_additional_residuals=down, mid_block_additional_residual=inputs["mid"]
    )
    assert torch.equal(without_keys, vanilla.sample), "diffusers' own forward is the rest"
    assert (plain - without_keys).abs().max() > 0.01


@torch.inference_mode()
def test_latents_need_not_be_divisible_by_the_reductions() -> None:
    networks = pasd()
    z, text = torch.randn(1, 4, 6, 9, generator=torch.Generator().manual_seed(1)), call()["text_states"][:1]
    assert networks.noise(z, torch.tensor(500), text, torch.rand(1, 3, 48, 72)).shape == z.shape


@torch.inference_mode()
def test_bfloat16_is_off_by_its_roundings_alone() -> None:
    predicted, exact = pasd(torch.bfloat16).noise(**call(torch.bfloat16)), pasd().noise(**call())
    assert predicted.dtype == torch.bfloat16
    # roundings of 2^-9, not of 2^-24; and weights and inputs, exact in float32, are rounded too, hence twice that
    rounding = 2 * facts("pasd_unet_a")["float32_error"]["max_abs_vs_float64"]["noise_pred"] * 2**15
    assert (predicted.float() - exact).abs().max() <= rounding < 0.5 * exact.std()


@pytest.mark.parametrize(
    ("name", "build", "load"),
    [("pasd_unet", PASDUNet, load_pasd_unet), ("pasd_controlnet", PASDControlNet, load_pasd_controlnet)],
)
def test_every_official_key_of_the_full_size_is_used_and_none_is_invented(name, build, load) -> None:
    official = key_list(name)
    weights = on_meta(official["keys"])
    with torch.device("meta"):
        network = build(official["config"])
    assert len(network.state_dict()) == len(weights) == official["n"]
    assert sum(parameter.numel() for parameter in network.parameters()) == official["n_params"]
    load(weights, official["config"], device="meta")
    for fault, changed in {
        "1 missing: conv_in.bias": {key: w for key, w in weights.items() if key != "conv_in.bias"},
        "1 unexpected: more": weights | {"more": weights["conv_in.bias"]},
        "1 of another shape: conv_in.bias": weights | {"conv_in.bias": weights["conv_in.weight"]},
    }.items():
        with pytest.raises(CheckpointError, match=fault):
            load(changed, official["config"], device="meta")


def test_all_but_the_pixel_attention_has_the_names_of_stable_diffusion() -> None:
    """SD 1.5 and 2.1-base have the same names."""
    official = key_list("pasd_unet")
    names = official["keys"].keys()
    assert {name for name in names if not host_only(name)} == key_list("sd21base_unet_diffusers")["keys"].keys()
    assert sum(map(host_only, names)) == official["n_pixel_attention_keys"] == 312


def test_a_file_loads_as_its_state_dict_does(tmp_path: Path) -> None:
    weights, expected = tensors("pasd_unet_a", "weights"), values(pasd().unet)
    save_file(weights, tmp_path / "unet.safetensors")
    torch.save(weights, tmp_path / "unet.bin")
    for name in ("unet.safetensors", "unet.bin"):
        assert values(load_pasd_unet(tmp_path / name, config("pasd_unet_a"))) == expected


def refinement(networks: PASDNetworks, kind: str) -> Refinement:
    """Of every vanilla matrix."""
    updates: dict[str, Update] = {}
    generator = torch.Generator().manual_seed(3)
    for name, weight in networks.unet.named_parameters():
        if host_only(name) or weight.ndim != 2:
            continue
        if kind == "lora":
            down, up = (torch.randn(shape, generator=generator) * 0.2 for shape in ((2, weight.shape[1]), (weight.shape[0], 2)))
            updates[name] = LowRank(down, up, 1.0)
            continue
        difference = torch.randn(weight.shape, generator=generator) * 0.1
        updates[name] = Delta(difference) if kind == "delta" else Full(weight + difference)
    return Refinement("tiny", updates, "[X]. ", "[V]. ", {}, {}, (), {"prior": "sd15"})


@pytest.mark.parametrize("kind", ["full", "lora", "delta"])
@torch.inference_mode()
def test_a_refinement_plugs_into_the_vanilla_names_alone(kind: str) -> None:
    networks, arguments = pasd(), call()
    refined = refinement(networks, kind)
    before, plain = values(networks.unet), networks.noise(**arguments)
    with plugged_in(networks.unet, refined, 1.0):
        changed = {name for name, value in values(networks.unet).items() if value != before[name]}
        assert (networks.noise(**arguments) - plain).abs().max() > 0.01
    assert changed == set(refined.updates) and not any(map(host_only, changed))
    assert values(networks.unet) == before and torch.equal(networks.noise(**arguments), plain)
    with plugged_in(networks.unet, refined, 0.0):
        assert torch.equal(networks.noise(**arguments), plain)
