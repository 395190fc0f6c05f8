import json
from pathlib import Path
from typing import Any

import pytest
from diffusers import UNet2DConditionModel

from rapsr_core.priors.embedded import TINY, build_unet
from rapsr_core.priors.naming import unet_from_ldm, unet_to_ldm, vae_from_ldm, vae_to_ldm

KEYS = Path(__file__).parents[2] / "reference/keys"


def reference(name: str) -> dict[str, Any]:
    return json.loads((KEYS / f"{name}.json").read_text())


def test_the_unet_of_sd21base_both_ways() -> None:
    mapping = reference("sd21base_unet_ldm_to_diffusers")["mapping"]
    diffusers, ldm = (reference(f"sd21base_unet_{side}")["keys"] for side in ("diffusers", "ldm"))
    assert unet_from_ldm(ldm) == mapping
    assert unet_to_ldm(diffusers) == {ours: theirs for theirs, ours in mapping.items()}
    assert set(unet_to_ldm(diffusers).values()) == set(ldm) and len(ldm) == len(diffusers) == 686
    assert all(diffusers[ours] == ldm[theirs] for ours, theirs in unet_to_ldm(diffusers).items()), "the shapes are the same"


def test_the_vae_both_ways() -> None:
    facts, diffusers = reference("sd_vae_ldm_to_diffusers"), reference("sd21base_vae_diffusers")["keys"]
    assert vae_from_ldm(facts["ldm_keys"]) == facts["mapping"]
    assert vae_to_ldm(diffusers) == {ours: theirs for theirs, ours in facts["mapping"].items()}
    assert set(vae_to_ldm(diffusers).values()) == set(facts["ldm_keys"]) and len(diffusers) == 248


def test_another_number_of_levels_and_layers() -> None:
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8, 8),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=4,
    )
    ldm = unet_to_ldm(unet.state_dict())
    assert unet_from_ldm(ldm.values()) == {theirs: ours for ours, theirs in ldm.items()}
    assert len(set(ldm.values())) == len(unet.state_dict())
    assert ldm["up_blocks.0.upsamplers.0.conv.bias"] == "output_blocks.1.1.conv.bias"
    assert ldm["up_blocks.1.upsamplers.0.conv.bias"] == "output_blocks.3.2.conv.bias"


def test_what_is_not_stable_diffusion_is_named() -> None:
    with pytest.raises(ValueError, match=r"add_embedding\.\S+ has no other name"):
        unet_to_ldm(build_unet(TINY).state_dict())
    with pytest.raises(ValueError, match="not Stable Diffusion's names"):
        unet_from_ldm(["text_model.final_layer_norm.weight"])
