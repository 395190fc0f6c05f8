import math
import re
from dataclasses import replace

import pytest
import torch
from reference import key_list, on_meta, tensors
from tiny_ldm import STRUCTURE, UNET, diffbir, stablesr, tiny_refinement, values

from rapsr_core.hosts.networks.stablesr import HOST_ONLY, load_stablesr_unet
from rapsr_core.hosts.networks.stablesr_structure import STRUCTURE_PREFIX, StructureEncoder, load_structure_encoder
from rapsr_core.priors.checkpoints import CheckpointError
from rapsr_core.priors.naming import UNET_PREFIX
from rapsr_core.refinement import RefinementError, plugged_in

INPUTS = tensors("stablesr_unet_a", "inputs")
EXACT = {"rtol": 0, "atol": 5e-4}


@pytest.fixture(scope="module")
def networks():
    return stablesr()


@torch.inference_mode()
def structure(encoder, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, ...]:
    return encoder(tensors("stablesr_encoder_a", "inputs")["lr_latent"].to(dtype), 999)


@torch.inference_mode()
def noise_in(unet, features, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return unet(INPUTS["x"].to(dtype), 999, INPUTS["context"].to(dtype), features).sample


def host_only(name: str) -> bool:
    return any(re.search(pattern, name) for pattern in HOST_ONLY.values())


def test_the_encoder_gives_the_official_features_fine_to_coarse(networks) -> None:
    official, ours = tensors("stablesr_encoder_a", "outputs"), structure(networks[0])
    for width, features in zip((8, 4), ours, strict=True):
        torch.testing.assert_close(features, official[f"struct_{width}"], **EXACT)


def test_the_networks_are_told_the_time_as_in_ldm(networks) -> None:
    """Cosines before sines, frequencies exp(-ln(10000) k / half); no fixture shows it, see the next test."""
    angles = 37 * torch.exp(-math.log(10000) * torch.arange(16) / 16)
    for network in (*networks, *diffbir()):
        torch.testing.assert_close(network.time_proj(torch.tensor([37]))[0], torch.cat([angles.cos(), angles.sin()]))


@torch.inference_mode()
def test_the_features_depend_on_the_time() -> None:
    torch.manual_seed(0)  # the fixture's network does not: with one channel a group, the norm takes away what the time adds
    encoder = StructureEncoder(replace(STRUCTURE, channels=(64, 128), features=64)).eval()
    latent = torch.randn(1, 4, 8, 8)
    for early, late in zip(encoder(latent, 10), encoder(latent, torch.tensor(999)), strict=True):
        assert (early - late).abs().max() > 0.01


def test_the_unet_gives_the_official_noise(networks) -> None:
    official, features = tensors("stablesr_unet_a", "outputs"), (INPUTS["struct_8"], INPUTS["struct_4"])
    torch.testing.assert_close(noise_in(networks[1], features), official["eps"], **EXACT)
    torch.testing.assert_close(noise_in(networks[1], [f / 2 for f in features]), official["eps_half_struct"], **EXACT)
    assert networks[1].structure.features == (), "nothing is kept after the pass"


def test_both_run_in_bf16() -> None:
    encoder, unet = stablesr(torch.bfloat16)
    output = noise_in(unet, structure(encoder, torch.bfloat16), torch.bfloat16)
    expected = tensors("stablesr_unet_a", "outputs")["eps"]
    assert output.dtype == torch.bfloat16
    assert (output.float() - expected).norm() < 0.15 * expected.norm(), "norms over the 16 values of one channel amplify rounding"


def test_every_official_name_at_full_size_is_used() -> None:
    keys, vanilla = key_list("stablesr_spade_and_encoder"), key_list("sd21base_unet_ldm")["keys"]
    checkpoint = {UNET_PREFIX + name: shape for name, shape in (vanilla | keys["spade"]).items()}
    checkpoint |= {STRUCTURE_PREFIX + name: shape for name, shape in keys["encoder"].items()}
    unet, encoder = (load(on_meta(checkpoint), device="meta") for load in (load_stablesr_unet, load_structure_encoder))
    count = {
        name: sum(weight.numel() for weight in module.parameters()) for name, module in {"unet": unet, "encoder": encoder}.items()
    }
    assert count == {name: keys["n_params"][name] for name in count}
    added = {name for name in unet.state_dict() if host_only(name)}
    assert len(added) == keys["n_spade"] == 176
    assert unet.state_dict().keys() - added == key_list("sd21base_unet_diffusers")["keys"].keys()
    attention_blocks = 7
    assert len(encoder.state_dict()) == keys["n_encoder"] + 4 * attention_blocks, "q, k, v apart"


def test_a_missing_and_a_strange_weight_are_named() -> None:
    weights = tensors("stablesr_unet_a", "weights")
    missing = "middle_block.0.spade.mlp_beta.bias"
    with pytest.raises(CheckpointError, match=r"StableSRUNet: 1 missing: mid_block\.resnets\.0\.conv2\.spade\.mlp_beta\.bias"):
        load_stablesr_unet({name: w for name, w in weights.items() if name != missing}, UNET, structure_channels=16)
    weights = tensors("stablesr_encoder_a", "weights")
    with pytest.raises(ValueError, match=r"'fea_tran\.2\.in_layers\.0\.weight' has no other name"):
        load_structure_encoder(weights | {"fea_tran.2.in_layers.0.weight": torch.zeros(32)}, STRUCTURE)


@pytest.mark.parametrize("kind", ["lora", "delta"])
def test_a_refinement_acts_while_plugged_in_and_leaves_the_hosts_own_weights_alone(networks, kind) -> None:
    encoder, unet = networks
    features, before = structure(encoder), values(unet)
    plain = noise_in(unet, features)
    with plugged_in(unet, tiny_refinement(kind), 1.0):
        changed = {name for name, value in values(unet).items() if value != before[name]}
        assert changed == set(tiny_refinement(kind).updates) and not any(host_only(name) for name in changed)
        assert (noise_in(unet, features) - plain).abs().max() > 1e-3
    assert values(unet) == before
    assert torch.equal(noise_in(unet, features), plain)


def test_a_refinement_of_the_hosts_prior_knows_no_weight_of_the_host(networks) -> None:
    refinement = tiny_refinement("delta")
    with pytest.raises(RefinementError, match="does not have"), plugged_in(networks[0], refinement, 1.0):
        pass
