import pytest
import torch
from diffusers import DDIMScheduler
from diffusers.training_utils import compute_snr

from rapsr_core.training.diffusion import Inputs, denoising_loss, min_snr_weight, walk, wanted

GENERATOR = torch.Generator().manual_seed(0)
Z0, NOISE = (torch.randn(3, 4, 8, 8, generator=GENERATOR) for _ in range(2))
TIMESTEPS = torch.tensor([10, 500, 990])


def scheduler(prediction_type: str) -> DDIMScheduler:
    return DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type=prediction_type, clip_sample=False
    )


def oracle(kind: DDIMScheduler, error: float = 0.0) -> Inputs:
    """Inputs whose network knows the answer, or is off by `error` everywhere."""
    return Inputs(Z0, NOISE, TIMESTEPS, lambda noisy, timesteps: wanted(kind, Z0, NOISE, timesteps) + error)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
def test_the_right_answer_costs_nothing_and_an_error_its_square(prediction_type: str) -> None:
    kind = scheduler(prediction_type)
    assert denoising_loss(kind, oracle(kind)) == 0
    torch.testing.assert_close(denoising_loss(kind, oracle(kind, 0.5)), torch.tensor(0.25))


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
def test_min_snr_counts_the_same_error_of_x0_the_same(prediction_type: str) -> None:
    """Whatever is predicted, weight * squared error must equal min(SNR, gamma) * squared error of the x0 it implies."""
    kind, gamma = scheduler(prediction_type), 5.0
    alpha_bar = kind.alphas_cumprod[TIMESTEPS]
    per_unit_of_x0 = {
        "epsilon": alpha_bar / (1 - alpha_bar),  # eps = (z - sqrt(a) x0) / sqrt(1 - a)
        "v_prediction": 1 / (1 - alpha_bar),  # v = (sqrt(a) z - x0) / sqrt(1 - a)
        "sample": torch.ones(3),
    }[prediction_type]
    snr = compute_snr(kind, TIMESTEPS)
    torch.testing.assert_close(min_snr_weight(kind, TIMESTEPS, gamma) * per_unit_of_x0, snr.clamp(max=gamma))


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
def test_walking_with_an_oracle_ends_at_its_latent(prediction_type: str) -> None:
    """A network that always sees Z0 behind the noise, whatever it is asked to predict."""
    kind = scheduler(prediction_type)

    def predict(noisy: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        a = kind.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
        noise = (noisy - a.sqrt() * Z0) / (1 - a).sqrt()
        return wanted(kind, Z0, noise, timesteps)

    found = walk(kind, Inputs(Z0, NOISE, TIMESTEPS, predict), steps=10)
    torch.testing.assert_close(found, Z0, atol=1e-3, rtol=0)


def test_unknown_predictions_are_refused() -> None:
    kind = scheduler("epsilon")
    kind.register_to_config(prediction_type="flow")
    with pytest.raises(ValueError, match="'flow'"):
        wanted(kind, Z0, NOISE, TIMESTEPS)
