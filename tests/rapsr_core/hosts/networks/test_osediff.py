from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model
from reference import facts, key_list, on_meta, tensors
from tiny_ldm import values
from tiny_osediff import FIXTURE, fixture_checkpoint, fixture_prior, host_only
from torch import Tensor, nn

from rapsr_core.hosts.networks.osediff import (
    OSEDiffCheckpoint,
    load_osediff_unet,
    load_osediff_vae,
    read_osediff,
)
from rapsr_core.priors.checkpoints import CheckpointError, fill
from rapsr_core.priors.ldm import SD21_BASE_UNET, SD_VAE
from rapsr_core.refinement import Refinement, plugged_in
from rapsr_core.refinement.updates import Delta, Full, LowRank, Update

TOLERANCE = 5e-4
INPUTS, OUTPUTS = (tensors(FIXTURE, kind) for kind in ("inputs", "outputs"))


def predicted(unet: nn.Module, dtype: torch.dtype = torch.float32) -> Tensor:
    with torch.inference_mode():
        return unet(INPUTS["lq_latent"].to(dtype), 999, INPUTS["text"].to(dtype)).sample


def folded(unet: nn.Module) -> dict[str, Tensor]:
    """Vanilla weights with the adapters in them."""
    weights = {name: w for name, w in unet.state_dict().items() if not host_only(name)}
    own = {f"conv_in.{part}": unet.get_parameter(f"conv_in.base_layer.{part}") for part in ("weight", "bias")}
    weights |= own
    for name, down in unet.named_parameters():
        if ".lora_A." in name:
            layer = name.partition(".lora_A.")[0]
            up = unet.get_parameter(name.replace("lora_A", "lora_B"))
            weights[f"{layer}.weight"] = LowRank(down, up, facts(FIXTURE)["scaling"]).applied(weights[f"{layer}.weight"], 1.0)
    return weights


def test_the_unet_predicts_what_the_official_one_does_and_the_step_gives_its_latent() -> None:
    output = predicted(load_osediff_unet(fixture_checkpoint(), fixture_prior()))
    assert (output - OUTPUTS["pred"]).abs().max() <= TOLERANCE
    assert (OUTPUTS["pred"] - OUTPUTS["pred_base"]).abs().max() > 1, "the adapters matter"
    scheduler = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing", clip_sample=False
    )
    scheduler.set_timesteps(1)
    assert scheduler.timesteps.tolist() == [999]
    step = scheduler.step(output, 999, INPUTS["lq_latent"], generator=torch.Generator().manual_seed(0))
    scale = OUTPUTS["denoised"].abs().max()  # z0 = (z - .998 eps) / .068
    assert (step.prev_sample - OUTPUTS["denoised"]).abs().max() <= TOLERANCE * scale


def test_folded_adapters_are_the_official_merge() -> None:
    unet = load_osediff_unet(fixture_checkpoint(), fixture_prior())
    weights = folded(unet)
    merged = {name.removeprefix("merged/"): w for name, w in OUTPUTS.items() if name.startswith("merged/")}
    assert len(merged) == 7
    for name, expected in merged.items():
        assert (weights[name] - expected).abs().max() < 1e-6, name
    with torch.device("meta"):
        plain = UNet2DConditionModel.from_config(facts(FIXTURE)["config"])
    assert (predicted(fill(plain, weights, device="cpu", dtype=torch.float32)) - predicted(unet)).abs().max() <= TOLERANCE


def test_the_prior_is_shared_and_stays_what_it_is() -> None:
    prior = fixture_prior()
    before, alone = values(prior), predicted(prior)
    unet = load_osediff_unet(fixture_checkpoint(), prior)
    shared = {w.data_ptr() for w in unet.parameters()} & {w.data_ptr() for w in prior.parameters()}
    assert len(shared) == len(list(prior.parameters()))
    with plugged_in(unet, refinement("full", unet), 1.0):
        assert values(prior) == before and torch.equal(predicted(prior), alone)


def test_bfloat16_is_off_by_its_roundings_alone() -> None:
    unets = {
        dtype: load_osediff_unet(fixture_checkpoint(), fixture_prior(dtype))
        for dtype in (torch.float64, torch.float32, torch.bfloat16)
    }
    assert {w.dtype for w in unets[torch.bfloat16].parameters()} == {torch.bfloat16}
    exact, single, low = (predicted(unet, dtype) for dtype, unet in unets.items())
    # roundings of 2^-9, not of 2^-24; and weights and inputs, exact in float32, are rounded too, hence twice that
    rounding = 2 * (single - exact).abs().max() * 2**15
    assert (low - exact).abs().max() <= rounding < 0.5 * exact.std()


def meta_priors() -> tuple[UNet2DConditionModel, AutoencoderKL]:
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(dict(SD21_BASE_UNET)), AutoencoderKL.from_config(dict(SD_VAE))


def full_size() -> OSEDiffCheckpoint:
    official = key_list("osediff_lora_keys")
    ranks = {"unet_rank": official["rank"], "vae_rank": official["rank"]}
    return OSEDiffCheckpoint(unet=on_meta(official["state_dict_unet"]), vae=on_meta(official["state_dict_vae"]), **ranks)


@pytest.mark.parametrize("part", ["unet", "vae"])
def test_every_official_key_of_the_full_size_is_used_and_none_is_invented(part: str) -> None:
    whole, prior = full_size(), dict(zip(("unet", "vae"), meta_priors(), strict=True))[part]
    load: Callable[..., nn.Module] = {"unet": load_osediff_unet, "vae": load_osediff_vae}[part]
    keys = {"unet": whole.unet, "vae": whole.vae}[part]
    network = load(whole, prior)
    assert len(keys) == {"unet": 518, "vae": 64}[part]
    assert network.state_dict().keys() - prior.state_dict().keys() == keys.keys()
    assert prior.state_dict().keys() <= network.state_dict().keys()
    name, bias = sorted(keys)[0], torch.empty(3, device="meta")
    for fault, changed in {
        f"1 missing: {name}": {key: w for key, w in keys.items() if key != name},
        "1 unexpected: more": {**keys, "more": bias},
        f"1 of another shape: {name}": {**keys, name: bias},
        "conv_out.bias is the prior's own|encoder.conv_out.bias is the prior's own": {
            **keys,
            "conv_out.bias" if part == "unet" else "encoder.conv_out.bias": bias,
        },
        "of another shape: .*lora_A": None,
    }.items():
        wrong = replace(whole, **{f"{part}_rank": 8}) if changed is None else replace(whole, **{part: changed})
        with pytest.raises(CheckpointError, match=fault):
            load(wrong, prior)


def test_what_only_osediff_has_is_all_it_brings() -> None:
    whole = full_size()
    assert all(map(host_only, whole.unet))
    assert not any(map(host_only, key_list("sd21base_unet_diffusers")["keys"]))


def file_content() -> dict[str, Any]:
    official = key_list("osediff_lora_keys")
    modules = {name: ["conv_in", "conv_in"] for name in official["checkpoint_top_level_keys"] if name.endswith("modules")}
    made = fixture_checkpoint()
    return modules | {"state_dict_unet": made.unet, "rank_unet": 4, "state_dict_vae": made.vae, "rank_vae": 4}


def test_the_official_file_is_read(tmp_path: Path) -> None:
    content = file_content()
    assert content.keys() == set(key_list("osediff_lora_keys")["checkpoint_top_level_keys"])
    torch.save(content, tmp_path / "osediff.pkl")
    read = read_osediff(tmp_path / "osediff.pkl")
    assert (read.unet_rank, read.vae_rank) == (4, 4)
    assert values(load_osediff_unet(read, fixture_prior())) == values(load_osediff_unet(fixture_checkpoint(), fixture_prior()))
    with pytest.raises(CheckpointError, match=r"not OSEDiff's weights: rank_unet, rank_vae missing"):
        read_osediff({key: value for key, value in content.items() if "rank" not in key})
    torch.save([1, 2], tmp_path / "list.pkl")
    with pytest.raises(CheckpointError, match="state_dict_unet, rank_unet, state_dict_vae, rank_vae missing"):
        read_osediff(tmp_path / "list.pkl")


def tiny_vae() -> AutoencoderKL:
    torch.manual_seed(2)
    sizes = {"block_out_channels": (8, 16), "norm_num_groups": 4, "layers_per_block": 1}
    halves = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    return AutoencoderKL(**sizes, **halves).eval().requires_grad_(False)


def test_the_vae_encodes_as_peft_would_have_it() -> None:
    """No fixture covers the VAE; peft, of which the official adapters are made, is the reference."""
    vae, image = tiny_vae(), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    layers = [
        name
        for name, layer in vae.named_modules()
        if name.startswith(("encoder.", "quant_conv")) and isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    theirs = tiny_vae()
    inject_adapter_in_model(LoraConfig(r=4, target_modules=layers), theirs, "default_encoder")
    adapters = {name: p for name, p in theirs.named_parameters() if "lora_" in name}
    for adapter in adapters.values():
        nn.init.normal_(adapter, std=0.05)
    assert len(adapters) == 2 * len(layers) and get_peft_model_state_dict(theirs, adapter_name="default_encoder")
    ours = load_osediff_vae(OSEDiffCheckpoint({}, 4, adapters, 4), vae)
    with torch.inference_mode():
        expected, plain, latent = (net.encode(image).latent_dist.parameters for net in (theirs, vae, ours))
        assert (latent - expected).abs().max() <= TOLERANCE < 0.05 < (plain - expected).abs().max()
        z = latent[:, :4]
        assert torch.equal(ours.decode(z).sample, vae.decode(z).sample), "the decoder is untouched"


def refinement(kind: str, unet: nn.Module) -> Refinement:
    """Of every vanilla weight; a "lora" has only matrices."""
    updates: dict[str, Update] = {}
    generator = torch.Generator().manual_seed(3)
    for name, weight in unet.named_parameters():
        if host_only(name) or (kind == "lora" and weight.ndim != 2):
            continue
        if kind == "lora":
            down, up = (torch.randn(shape, generator=generator) * 0.2 for shape in ((2, weight.shape[1]), (weight.shape[0], 2)))
            updates[name] = LowRank(down, up, 1.0)
            continue
        difference = torch.randn(weight.shape, generator=generator) * 0.05
        updates[name] = Delta(difference) if kind == "delta" else Full(weight + difference)
    return Refinement("tiny", updates, "[X]. ", "[V]. ", {}, {}, (), {"prior": "sd21-base"})


@pytest.mark.parametrize("kind", ["full", "lora", "delta"])
def test_a_refinement_is_merged_before_the_adapters(kind: str) -> None:
    """Plugged in, it gives what OSEDiff loaded onto the refined prior does, bit for bit; conv_in stays OSEDiff's own."""
    unet, refined_prior = load_osediff_unet(fixture_checkpoint(), fixture_prior()), fixture_prior()
    refined = refinement(kind, unet)
    before, plain = values(unet), predicted(unet)
    with plugged_in(refined_prior, refined, 1.0):
        expected = predicted(load_osediff_unet(fixture_checkpoint(), refined_prior))
    with plugged_in(unet, refined, 1.0):
        changed = {name for name, value in values(unet).items() if value != before[name]}
        assert torch.equal(predicted(unet), expected)
    assert (expected - plain).abs().max() > 0.01
    assert changed == set(refined.updates) and not any(map(host_only, changed))
    assert values(unet) == before and torch.equal(predicted(unet), plain)
    with plugged_in(unet, refined, 0.0):
        assert torch.equal(predicted(unet), plain)


def test_the_priors_conv_in_is_there_for_a_refinement_and_has_no_effect() -> None:
    unet = load_osediff_unet(fixture_checkpoint(), fixture_prior())
    own = Refinement(
        "tiny", {"conv_in.weight": Delta(torch.ones(16, 4, 3, 3))}, "[X]. ", "[V]. ", {}, {}, (), {"prior": "sd21-base"}
    )
    plain = predicted(unet)
    with plugged_in(unet, own, 1.0):
        assert torch.equal(predicted(unet), plain)
