import pytest
import torch
from reference import key_list, on_meta
from safetensors.torch import save_file
from tiny_priors import save_tiny

from rapsr_core.priors import Prior, load_prior
from rapsr_core.priors.checkpoints import CheckpointError
from rapsr_core.priors.ldm import load_ldm_unet, load_ldm_vae, with_ldm_weights
from rapsr_core.priors.naming import UNET_PREFIX, VAE_PREFIX, unet_to_ldm, vae_to_ldm


@pytest.fixture(scope="module")
def prior(tmp_path_factory: pytest.TempPathFactory) -> Prior:
    return load_prior(save_tiny("sd15", tmp_path_factory.mktemp("sd15")))


@pytest.fixture(scope="module")
def other(prior: Prior) -> dict[str, torch.Tensor]:
    """A whole checkpoint with LDM names, other weights than the prior's, and the parts that are not read."""
    generator = torch.Generator().manual_seed(3)
    unet, vae = (
        {n: w + 0.02 * torch.randn(w.shape, generator=generator) for n, w in m.state_dict().items()} for m in parts(prior)
    )
    names = vae_to_ldm(vae)
    checkpoint = {UNET_PREFIX + ours: unet[name] for name, ours in unet_to_ldm(unet).items()}
    for name, weight in vae.items():
        convolution = ".attentions." in name and weight.ndim == 2
        checkpoint[VAE_PREFIX + names[name]] = weight[:, :, None, None] if convolution else weight
    checkpoint = {name: weight.contiguous() for name, weight in checkpoint.items()}
    return checkpoint | {"cond_stage_model.model.positional_embedding": torch.zeros(77, 16), "betas": torch.zeros(1000)}


def parts(prior: Prior) -> tuple[torch.nn.Module, torch.nn.Module]:
    return prior.unet, prior.autoencoder.vae


@pytest.mark.parametrize("ending", ["ckpt", "safetensors"])
def test_unet_and_vae_of_a_whole_checkpoint_become_the_priors(prior, other, tmp_path, ending) -> None:
    file = tmp_path / f"model.{ending}"
    if ending == "ckpt":
        torch.save({"state_dict": other, "global_step": 5}, file)
    else:
        save_file(other, file)
    loaded = with_ldm_weights(prior, file)
    for module in parts(loaded):
        names = unet_to_ldm(module.state_dict()) if module is loaded.unet else vae_to_ldm(module.state_dict())
        prefix = UNET_PREFIX if module is loaded.unet else VAE_PREFIX
        assert all(torch.equal(w.flatten(), other[prefix + names[n]].flatten()) for n, w in module.state_dict().items())
        assert not module.training and not any(p.requires_grad for p in module.parameters())
    assert loaded.fingerprint != prior.fingerprint and loaded.text is prior.text
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.isfinite(loaded.codec.decode(latent)).all()


def test_the_full_sizes_have_every_published_name() -> None:
    unet, vae = key_list("sd21base_unet_ldm")["keys"], key_list("sd_vae_ldm_to_diffusers")["ldm_keys"]
    checkpoint = on_meta({UNET_PREFIX + n: s for n, s in unet.items()} | {VAE_PREFIX + n: s for n, s in vae.items()})
    shapes = {name: list(w.shape) for name, w in load_ldm_unet(checkpoint, device="meta").state_dict().items()}
    assert shapes == key_list("sd21base_unet_diffusers")["keys"]
    shapes = {name: list(w.shape) for name, w in load_ldm_vae(checkpoint, device="meta").state_dict().items()}
    assert shapes == key_list("sd21base_vae_diffusers")["keys"]


def test_what_differs_is_named(prior, other) -> None:
    name = UNET_PREFIX + "input_blocks.1.0.in_layers.2.weight"
    with pytest.raises(CheckpointError, match=r"UNet2DConditionModel: 1 missing: down_blocks\.0\.resnets\.0\.conv1\.weight"):
        with_ldm_weights(prior, {key: w for key, w in other.items() if key != name})
    with pytest.raises(CheckpointError, match=r"1 of another shape: \S+conv1\.weight \(16, 16, 1, 3\), not \(16, 16, 3, 3\)"):
        with_ldm_weights(prior, other | {name: other[name][:, :, :1]})
