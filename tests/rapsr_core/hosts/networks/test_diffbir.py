import pytest
import torch
from reference import key_list, on_meta, tensors
from tiny_ldm import UNET, diffbir, tiny_refinement, values

from rapsr_core.hosts.networks.diffbir import CONTROLNET_PREFIX, load_diffbir_controlnet
from rapsr_core.priors.checkpoints import CheckpointError
from rapsr_core.refinement import plugged_in

INPUTS = tensors("diffbir_controlnet_a", "inputs")
EXACT = {"rtol": 0, "atol": 5e-4}


@pytest.fixture(scope="module")
def networks():
    return diffbir()


@torch.inference_mode()
def control(controlnet, dtype: torch.dtype = torch.float32, **more) -> list[torch.Tensor]:
    x, context, hint = (INPUTS[name].to(dtype) for name in ("x", "context", "hint"))
    residuals = controlnet(x, 999, context, hint, **more)
    return [*residuals.down_block_res_samples, residuals.mid_block_res_sample]


@torch.inference_mode()
def noise_in(unet, residuals: list[torch.Tensor] | None, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    given = (
        {"down_block_additional_residuals": residuals[:-1], "mid_block_additional_residual": residuals[-1]} if residuals else {}
    )
    return unet(INPUTS["x"].to(dtype), 999, INPUTS["context"].to(dtype), **given).sample


def test_the_controlnet_gives_the_official_control_and_scales_it(networks) -> None:
    official = tensors("diffbir_controlnet_a", "outputs")
    ours, half = control(networks[0]), control(networks[0], conditioning_scale=0.5)
    assert len(ours) == len(official)
    for k, (tensor, scaled) in enumerate(zip(ours, half, strict=True)):
        torch.testing.assert_close(tensor, official[f"control_{k}"], **EXACT)
        torch.testing.assert_close(scaled, official[f"control_{k}"] / 2, **EXACT)


def test_the_unet_gives_the_official_noise_with_and_without_control(networks) -> None:
    inputs, official = tensors("diffbir_unet_a", "inputs"), tensors("diffbir_unet_a", "outputs")
    residuals = [inputs[f"control_{k}"] for k in range(5)]
    middle_only = [*(torch.zeros_like(tensor) for tensor in residuals[:-1]), residuals[-1]]
    for name, given in {"eps": residuals, "eps_no_control": None, "eps_mid_only": middle_only}.items():
        torch.testing.assert_close(noise_in(networks[1], given), official[name], **EXACT)


def test_both_run_in_bf16() -> None:
    controlnet, unet = diffbir(torch.bfloat16)
    output = noise_in(unet, control(controlnet, torch.bfloat16), torch.bfloat16)
    expected = tensors("diffbir_unet_a", "outputs")["eps"]
    assert output.dtype == torch.bfloat16
    assert (output.float() - expected).norm() < 0.15 * expected.norm(), "norms over the 16 values of one channel amplify rounding"


@pytest.mark.parametrize("prefix", ["", CONTROLNET_PREFIX])
def test_every_official_name_at_full_size_is_used(prefix) -> None:
    keys = key_list("diffbir_controlnet")
    loaded = load_diffbir_controlnet(on_meta({prefix + name: shape for name, shape in keys["keys"].items()}), device="meta")
    assert len(loaded.state_dict()) == keys["n"] == 324
    assert sum(weight.numel() for weight in loaded.parameters()) == keys["n_params"]


def test_a_missing_and_a_strange_weight_are_named() -> None:
    weights = tensors("diffbir_controlnet_a", "weights")
    with pytest.raises(CheckpointError, match=r"IRControlNet: 1 missing: controlnet_mid_block\.bias"):
        load_diffbir_controlnet({name: w for name, w in weights.items() if name != "middle_block_out.0.bias"}, UNET)
    with pytest.raises(ValueError, match=r"'input_hint_block\.0\.weight' has no other name"):
        load_diffbir_controlnet(weights | {"input_hint_block.0.weight": torch.zeros(1)}, UNET)


@pytest.mark.parametrize("kind", ["lora", "delta"])
def test_a_refinement_acts_while_plugged_in_and_leaves_no_trace(networks, kind) -> None:
    controlnet, unet = networks
    residuals, before = control(controlnet), values(unet)
    plain = noise_in(unet, residuals)
    with plugged_in(unet, tiny_refinement(kind), 1.0):
        changed = {name for name, value in values(unet).items() if value != before[name]}
        assert changed == set(tiny_refinement(kind).updates)
        assert (noise_in(unet, residuals) - plain).abs().max() > 1e-3
    assert values(unet) == before
    assert torch.equal(noise_in(unet, residuals), plain)
