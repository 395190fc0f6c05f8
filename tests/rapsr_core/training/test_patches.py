import numpy as np
import pytest

from rapsr_core.training.patches import noise_level


@pytest.mark.parametrize("pure", [0.0, 0.25, 0.5])
def test_timesteps_are_uniform_beside_pure_noise(pure):
    level = noise_level(np.linspace(0, 1, 10_000, endpoint=False), pure)
    assert level[0] == 0
    assert (np.diff(level) >= 0).all()
    assert (level == 1).mean() == pytest.approx(pure, abs=1e-3)
    assert (level < 0.3).mean() == pytest.approx(0.3 * (1 - pure), abs=1e-3)
