"""What a refinement does to one weight W. There are three kinds; all are applied in float32 and returned in W's own type.

Strength 0 returns W itself and, for a full weight, strength 1 returns the new weight itself, because arithmetic would not:
W + 0 * d turns -0.0 into 0.0, and W + (new - W) is off by a rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LowRank:
    """d = scale * up @ down, for a linear layer, or for a convolution with `down` (r, in, k, k) and `up` (out, r, 1, 1)."""

    down: Tensor
    up: Tensor
    scale: float

    def delta(self) -> Tensor:
        """The full update, float32, in the shape of the layer's weight."""
        down, up = self.down.float(), self.up.float()
        product = up.flatten(1) @ down.flatten(1)
        return self.scale * product.view(up.shape[0], *down.shape[1:])

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        """W + strength * d."""
        return moved(weight, self.delta(), strength)


@dataclass(frozen=True)
class Delta:
    """d = `difference`, in the shape of W."""

    difference: Tensor

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        """W + strength * d."""
        return moved(weight, self.difference, strength)


@dataclass(frozen=True)
class Full:
    """The trained weight itself, in the shape of W."""

    new: Tensor

    def applied(self, weight: Tensor, strength: float) -> Tensor:
        """`new` at strength 1, otherwise W + strength * (new - W)."""
        new = self.new.to(weight.device)
        return new.to(weight.dtype) if strength == 1 else moved(weight, new.float() - weight.float(), strength)


Update = LowRank | Delta | Full


def moved(weight: Tensor, delta: Tensor, strength: float) -> Tensor:
    """W + strength * delta in float32, then in W's type; W itself at strength 0."""
    if strength == 0:
        return weight
    return (weight.float() + strength * delta.to(weight.device).float()).to(weight.dtype)
