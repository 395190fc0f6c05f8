import copy

import pytest
import torch
from torch import nn

from rapsr_core.refinement import RefinementError, plugged_in

FORMATS = ("lora", "full", "delta")


def values(unet: nn.Module) -> dict[str, bytes]:
    return {name: parameter.detach().contiguous().numpy().tobytes() for name, parameter in unet.named_parameters()}


def places(unet: nn.Module) -> dict[str, tuple[int, tuple[int, ...]]]:
    return {name: (parameter.data_ptr(), parameter.stride()) for name, parameter in unet.named_parameters()}


@pytest.mark.parametrize("format_name", FORMATS)
def test_strength_0_and_leaving_restore_every_bit(sd_prior, refinement_of, format_name) -> None:
    refinement, unet = refinement_of(format_name), sd_prior.unet.to(memory_format=torch.channels_last)
    next(unet.parameters())[0] = -0.0
    before, where = values(unet), places(unet)
    with plugged_in(unet, refinement, 0.0):
        assert values(unet) == before and places(unet) == where
    with plugged_in(unet, refinement, 0.7):
        assert {n for n, v in values(unet).items() if v != before[n]} == set(refinement.updates) - {"conv_in.bias"}
        assert {n: strides for n, (_, strides) in places(unet).items()} == {n: strides for n, (_, strides) in where.items()}
    assert values(unet) == before and places(unet) == where


def test_full_at_strength_1_is_the_trained_unet_bit_for_bit_in_fp16(sd_prior, trained_unet, refinement_of) -> None:
    refinement, trained = refinement_of("full"), values(trained_unet.half())
    with plugged_in(sd_prior.unet, refinement, 1.0):
        assert values(copy.deepcopy(sd_prior.unet).half()) == trained
    sd_prior.unet.half()
    with plugged_in(sd_prior.unet, refinement, 1.0):
        assert values(sd_prior.unet) == trained


def test_delta_comes_near_the_trained_unet(sd_prior, trained_unet, refinement_of) -> None:
    refinement = refinement_of("delta")
    assert "conv_in.bias" not in refinement.updates, "it did not change"
    with plugged_in(sd_prior.unet, refinement, 1.0):
        for name, parameter in sd_prior.unet.named_parameters():
            torch.testing.assert_close(parameter, trained_unet.get_parameter(name), rtol=0, atol=0.1 * 2**-11)


@pytest.mark.parametrize("format_name", FORMATS)
def test_what_only_a_host_has_is_not_touched(sd_prior, refinement_of, format_name) -> None:
    refinement, host = refinement_of(format_name), copy.deepcopy(sd_prior.unet)
    host.image_attentions = nn.ModuleList([nn.Linear(4, 4)])
    own = host.image_attentions[0].weight.data_ptr(), host.image_attentions[0].weight.clone()
    with plugged_in(host, refinement, 1.0), plugged_in(sd_prior.unet, refinement, 1.0):
        plugged = values(host)
        assert {n: plugged[n] for n in values(sd_prior.unet)} == values(sd_prior.unet)
        assert host.image_attentions[0].weight.data_ptr() == own[0] and host.image_attentions[0].weight.equal(own[1])


def test_what_the_module_lacks_is_said_and_nothing_changes(sd_prior, refinement_of) -> None:
    refinement, host = refinement_of("full"), copy.deepcopy(sd_prior.unet)
    del host.conv_norm_out, host.conv_out
    before = values(host)
    message = r"changes 4 of \d+ weights .* does not have: conv_norm_out\.\w+, .* and 1 more; .* prior tiny-sd"
    with pytest.raises(RefinementError, match=message), plugged_in(host, refinement, 1.0):
        pass
    assert values(host) == before
