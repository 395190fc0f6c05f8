"""Where networks lie. A GPU is not at hand: the same hooks run with the processor as their device."""

from pathlib import Path

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from tiny_hosts import TINY_HOSTS

from rapsr_core.device import Device
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.images import resize
from rapsr_core.placement import Placement, choose_placement, place, weight_bytes
from rapsr_core.recipe import Recipe
from rapsr_core.sampling.contract import Host
from rapsr_core.sampling.denoise import Plan, denoise
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import tiles

CPU = Device(torch.device("cpu"), torch.float32, "test")
CUDA = Device(torch.device("cuda"), torch.bfloat16, "test")
BFLOAT16 = Device(torch.device("cpu"), torch.bfloat16, "test")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return TINY_HOSTS["controlnet-tile"](tmp_path)


def picture(host: Host) -> torch.Tensor:
    row, noise = HOSTS["controlnet-tile"], ImageNoise(0)
    recipe = row.completed(row.recipe(Recipe(steps=2)))
    lq = resize(torch.rand(1, 3, 4, 6, generator=torch.Generator().manual_seed(2)), (16, 24))
    condition = host.prepare(lq, resize(lq, (64, 96)), recipe, noise)
    texts = [host.encode_text([host.prior.tokenizer(text).input_ids]) for text in ("[X]. a cat", "[V]. ")]
    plan = Plan(2, row.guidance(3.0, 2), tiles(condition.latent_size, None, host.multiple))
    return host.decode(list(denoise(host, condition, *texts, plan, noise))[-1].z0, condition)


def test_networks_take_turns_on_a_gpu_only_where_they_do_not_fit() -> None:
    assert choose_placement(5 * 10**9, 12 * 10**9, CUDA) == Placement(
        False, True, "all networks stay on the GPU: 5.0 GB of weights, 12.0 GB free"
    )
    tight = choose_placement(5 * 10**9, 6 * 10**9, CUDA)
    assert tight.offload and tight.half
    assert tight.reason == "text encoder, UNet and codec take turns on the GPU: 5.0 GB of weights, 6.0 GB free"
    assert not choose_placement(5 * 10**9, 1, CPU).offload


def test_weights_of_everything_a_host_runs_are_counted(host: Host) -> None:
    modules = (host.unet, host.controlnet, host.prior.text.encoders[0], host.prior.autoencoder.vae)
    assert weight_bytes(host, host.prior) == sum(4 * p.numel() for module in modules for p in module.parameters())


def test_offloaded_networks_come_and_go_in_order_and_the_picture_is_the_same(host: Host) -> None:
    plain = picture(host)
    rest = place(host, host.prior, CPU, Placement(True, False, "test"))
    encoder, vae = host.prior.text.encoders[0], host.prior.autoencoder.vae
    hooks = [module._hf_hook for module in (encoder, host.unet, vae)]
    assert [hook.execution_device for hook in hooks] == [CPU.device] * 3
    assert hooks[0].prev_module_hook is None
    assert [hook.prev_module_hook.model for hook in hooks[1:]] == [encoder, host.unet]
    assert not hasattr(host.controlnet, "_hf_hook"), "it runs beside the UNet at every step"
    called = []
    for name, hook in zip(("text", "unet", "codec"), hooks, strict=True):
        hook.pre_forward = _noting(called, name, hook.pre_forward)
    assert torch.allclose(picture(host), plain, atol=1e-5)
    order = [name for k, name in enumerate(called) if k == 0 or called[k - 1] != name]
    assert order == ["codec", "text", "unet", "codec"]
    rest()


def _noting(called: list[str], name: str, function):
    def noted(*args, **kwargs):
        called.append(name)
        return function(*args, **kwargs)

    return noted


def test_a_unet_in_half_precision_draws_the_same_picture(host: Host) -> None:
    plain = picture(host)
    host.device = BFLOAT16
    place(host, host.prior, BFLOAT16, Placement(False, True, "test"))
    assert {p.dtype for p in host.unet.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in host.prior.autoencoder.vae.parameters()} == {torch.float32}, "in fp16 it gives black pictures"
    assert (picture(host) - plain).abs().mean() < 0.05


def test_convolutions_are_channels_last_and_attention_is_torchs_own(host: Host) -> None:
    plain = picture(host)
    place(host, host.prior, CPU, choose_placement(0, 1, CPU))
    for network in (host.unet, host.controlnet, host.prior.autoencoder.vae.encoder):
        assert network.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    processors = [*host.unet.attn_processors.values(), *host.controlnet.attn_processors.values()]
    processors += host.prior.autoencoder.vae.attn_processors.values()
    assert processors and all(isinstance(processor, AttnProcessor2_0) for processor in processors), "scaled_dot_product_attention"
    assert torch.allclose(picture(host), plain, atol=1e-4)
