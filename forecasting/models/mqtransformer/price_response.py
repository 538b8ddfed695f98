"""How a price acts in MQTransformer: through one factor on demand, which can only fall with the price.

With x = log p − log p_ref, the change against the item's reference price, the log of the factor is

    −e · x + Σ_d a_d · max(0, −x − d),      e ≥ 0, a_d ≥ 0

with an elasticity e, and more of it, a_d, below each depth of discount d. The elasticity is (λ · e₀ + num)/(λ + info), the
posterior of what the item's context lets expect, e₀, and of what its own history has shown, see ``price_regression``.

Axis letters: W width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Depths of discount (in log price) from which a deeper one may sell more than the elasticity says.
DISCOUNTS = (0.1, 0.25, 0.5)

#: How sharply an elasticity that the evidence puts below 0 is cut off there.
_SHARP = 4.0

#: How much faster than other weights the worth of that evidence is learned: it is one number and may have far to go.
_SWIFT = 20.0


class PriceResponse(nn.Module):
    """The elasticity of a target and what each depth of discount adds to it, none below 0: a higher price never sells more."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.doubt = nn.Parameter(torch.tensor(0.05))  # log of the information that counts as much as the context, over _SWIFT
        self.strength = nn.Linear(width, 1 + len(DISCOUNTS))
        with torch.no_grad():
            self.strength.weight.mul_(0.3)
            self.strength.bias.copy_(torch.tensor([1.0] + [-3.0] * len(DISCOUNTS)))

    def forward(self, hidden: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden [..., W] and evidence [..., 2] to elasticity [...] and its addition below each discount [..., 3]."""
        strength = F.softplus(self.strength(hidden))
        num, info = evidence.unbind(-1)
        doubt = (_SWIFT * self.doubt).exp()
        elasticity = (doubt * strength[..., 0] + num) / (doubt + info)
        return F.softplus(_SHARP * elasticity) / _SHARP, strength[..., 1:]


def price_factor(elasticity: Tensor, discounts: Tensor, change: Tensor) -> Tensor:
    """log of the factor [...] on demand when log price differs by ``change`` [...] from its reference."""
    deeper = torch.stack([F.relu(-change - depth) for depth in DISCOUNTS], dim=-1)  # (..., 3)
    return -elasticity * change + (discounts * deeper).sum(dim=-1)
