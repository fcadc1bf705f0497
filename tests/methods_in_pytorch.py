#!/usr/bin/env python3
"""Every method of gairat in PyTorch: what it makes of one batch, held against `gairat step`, and whole runs on the
digits.

    python3 tests/methods_in_pytorch.py --self-test                   values known from papers and published code
    python3 tests/beside_pytorch.py --methods                         one training step of every method, here and in gairat
    python3 tests/beside_pytorch.py --methods --gairat PATH trades    another program, some methods only
    python3 tests/methods_in_pytorch.py --digits at gairat            the recipe for the digits, seeds 0 to 4

Needs Python 3.9 or newer, torch and numpy.

Comparing. A network gets random weights and learns most of its small random batch a little, so that predictions differ in
how sure they are and kappas in how high. `gairat step` attacks the batch, trains one step and writes down what it found.
From the same adversarial samples, kappa and first hits this file computes weights, losses, gradients and the weights
after the step in float64 and names the greatest deviations.

In the formulas, x is a natural sample, x~ the adversarial one, z and z~ are their logits in training mode, q =
softmax(z), a = softmax(z~), y is the label, CE the cross-entropy, KL = sum_c q_c (log q_c - log a_c), B the size of the
batch, K the number of attack steps. Weights are called omega and carry no gradient where nothing else is said.
"""

from __future__ import annotations

import argparse
import copy
import csv
import gzip
import json
import math
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional

import beside_pytorch

ROOT = Path(__file__).resolve().parent.parent
K = 10
MOMENTUM = 0.9
WEIGHT_DECAY = 2e-4

# ----------------------------------------------------------------------------------------------- one batch --


class Step:
    """A batch, what the attack found, and the logits of the training step: naturals first, each pass once."""

    def __init__(
        self,
        network: nn.Module,
        x: Tensor,
        x_adv: Tensor,
        y: Tensor,
        kappa: Tensor,
        first_hit: Tensor,
        steps: int,
        parameters: dict[str, Any],
        x_cw: Optional[Tensor] = None,
        epsilon: float = math.inf,
        state: Optional[dict[str, Any]] = None,
        burning_in: bool = False,
    ) -> None:
        self.network, self.x, self.x_adv, self.x_cw, self.y = network, x, x_adv, x_cw, y
        self.kappa, self.first_hit, self.steps = kappa.to(x.dtype), first_hit, steps
        self.parameters = parameters
        self.epsilon = epsilon
        self.state = {} if state is None else state
        """What a method remembers from step to step."""
        self.burning_in = burning_in

    def __getattr__(self, name: str) -> Any:
        """A method's parameter."""
        try:
            return self.__dict__["parameters"][name]
        except KeyError:
            raise AttributeError(name) from None

    def adversarial(self) -> Tensor:
        """z~ alone."""
        return self.network(self.x_adv)

    def both(self) -> tuple[Tensor, Tensor]:
        """z and z~."""
        natural = self.network(self.x)
        return natural, self.network(self.x_adv)

    def ones(self) -> Tensor:
        return torch.ones(len(self.y), dtype=self.x.dtype)

    def weights(self, omega: Tensor) -> Tensor:
        """Weights without gradient; 1 in the epochs of burn-in."""
        return self.ones() if self.burning_in else omega.detach()

    def true(self, numbers: Tensor) -> Tensor:
        """Of each row, what belongs to the label."""
        return numbers.gather(1, self.y[:, None])[:, 0]

    def greatest_wrong(self, numbers: Tensor) -> Tensor:
        """Of each row, the greatest number that does not belong to the label."""
        labels = functional.one_hot(self.y, numbers.shape[1]).bool()
        return numbers.masked_fill(labels, -math.inf).max(1).values

    def margin(self, numbers: Tensor) -> Tensor:
        """Of probabilities, the probabilistic margin."""
        return self.true(numbers) - self.greatest_wrong(numbers)

    def cross_entropy(self, logits: Tensor) -> Tensor:
        return functional.cross_entropy(logits, self.y, reduction="none")


def divergence(z: Tensor, z_adv: Tensor) -> Tensor:
    """KL(q || a), with gradient through both."""
    log_q = z.log_softmax(1)
    return (log_q.exp() * (log_q - z_adv.log_softmax(1))).sum(1)


def normalised(omega: Tensor) -> Tensor:
    """Mean 1 over the batch."""
    return omega * len(omega) / omega.sum()


@dataclass
class Terms:
    """What a method makes of a batch; a term that it lacks is None. All but the method itself are one number a sample."""

    omega: Tensor
    natural: Optional[Tensor]
    adversarial: Optional[Tensor]
    combine: Optional[Callable[[list[Tensor], list[Tensor]], list[Tensor]]] = None
    """For methods that take two gradients, natural and adversarial, one a tensor, and make one of them."""
    more: Optional[Tensor] = None
    """One number whose gradient is added and that is no part of the loss."""


def step_of(terms_of: Callable[[Step], Terms], step: Step) -> dict[str, Any]:
    """Weights, losses and gradients, each gradient by the names of the network's tensors."""
    tensors = list(step.network.parameters())
    names = [name for name, _ in step.network.named_parameters()]
    terms = terms_of(step)

    def gradient(number: Tensor) -> list[Tensor]:
        found = torch.autograd.grad(number, tensors, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(t) if g is None else g for g, t in zip(found, tensors)]

    losses = [part for part in (terms.natural, terms.adversarial) if part is not None]
    loss = torch.stack(losses).sum(0)
    found: dict[str, Any] = {"omega": terms.omega.detach(), "loss": loss.detach()}
    for name, part in (("natural", terms.natural), ("adversarial", terms.adversarial)):
        if part is not None:
            found["loss_" + name] = part.detach()
    if terms.combine is not None:
        assert terms.natural is not None and terms.adversarial is not None
        natural, adversarial = gradient(terms.natural.mean()), gradient(terms.adversarial.mean())
        found["gradient_natural"] = dict(zip(names, natural))
        found["gradient_adversarial"] = dict(zip(names, adversarial))
        combined = terms.combine(natural, adversarial)
    else:
        objective = loss.mean()
        combined = gradient(objective if terms.more is None else objective + terms.more)
    found["gradient"] = dict(zip(names, combined))
    return found


# ------------------------------------------------------------------------------------------------- methods --


def raw_weight(weighting: str, lam: float, kappa: Tensor, steps: int) -> Tensor:
    """w(kappa) of GAIRAT (Zhang et al. 2021, equation 6, and GAIR.py); (1 + tanh s) / 2 is sigmoid(2 s)."""
    if lam == math.inf:
        return torch.ones_like(kappa)
    s = lam + 5 * (1 - 2 * kappa / steps)
    if weighting == "tanh":
        return torch.sigmoid(2 * s)
    if weighting == "sigmoid":
        return torch.sigmoid(s)
    if weighting == "discrete":
        return (steps + 1 - kappa) / (steps + 1)
    raise ValueError(weighting)


def geometric(s: Step) -> Tensor:
    """GAIRAT's weights of the batch. Lambda is that of the epoch: schedules are not this file's business."""
    return s.weights(normalised(raw_weight(s.weighting, s.parameters["lambda"], s.kappa, s.steps)))


def at(s: Step) -> Terms:
    """Adversarial training (Madry et al. 2018), and FAT (Zhang et al. 2020), whose attack alone is another."""
    return Terms(s.ones(), None, s.cross_entropy(s.adversarial()))


def gairat(s: Step) -> Terms:
    """GAIRAT (Zhang et al. 2021), and GAIR-FAT, whose attack alone is another."""
    omega = geometric(s)
    return Terms(omega, None, omega * s.cross_entropy(s.adversarial()))


def trades(s: Step) -> Terms:
    """TRADES (Zhang et al. 2019): CE(z) + beta KL."""
    z, z_adv = s.both()
    return Terms(s.ones(), s.cross_entropy(z), s.beta * divergence(z, z_adv))


def gair_trades(s: Step) -> Terms:
    """TRADES with GAIRAT's weights on one of its terms; `rst` as in the published GAIR-RST code (losses.py), which weighs
    against a second attack and does not normalise."""
    z, z_adv = s.both()
    natural, adversarial = s.cross_entropy(z), divergence(z, z_adv)
    if s.weighted == "kl":
        omega = geometric(s)
        return Terms(omega, natural, s.beta * omega * adversarial)
    if s.weighted == "natural":
        omega = geometric(s)
        return Terms(omega, omega * natural, s.beta * adversarial)
    if s.weighted == "rst":
        omega = s.weights(torch.sigmoid(2 * (s.parameters["lambda"] + s.steps / 2 - s.kappa)))
        other = divergence(z, s.network(s.x_cw))
        return Terms(omega, natural, s.beta * (omega * adversarial + (1 - omega) * other))
    raise ValueError(s.weighted)


def mart_parts(s: Step, z: Tensor, z_adv: Tensor) -> tuple[Tensor, Tensor]:
    """BCE and the weighted divergence of MART (mart.py); the weight 1 - q_y has a gradient, too."""
    a = z_adv.softmax(1)
    boosted = s.cross_entropy(z_adv) - torch.log(1.0001 - s.greatest_wrong(a) + 1e-12)
    log_q = z.log_softmax(1)
    q = log_q.exp()
    kl = (q * (log_q - torch.log(a + 1e-12))).sum(1)
    return boosted, kl * (1.0000001 - s.true(q))


def mart(s: Step) -> Terms:
    """MART (Wang et al. 2020)."""
    z, z_adv = s.both()
    boosted, consistent = mart_parts(s, z, z_adv)
    return Terms(1 - s.true(z.softmax(1)), None, boosted + s.beta * consistent)


def mail_weight(margin: Tensor, gamma: float, bias: float, norm: str) -> Tensor:
    """MAIL's weight of a probabilistic margin (mail_loss.py): 3 sigmoid(...) there, mean 1 over the batch in the paper."""
    raw = torch.sigmoid(-gamma * (margin - bias))
    if norm == "three":
        return 3 * raw
    if norm == "batch":
        return normalised(raw)
    raise ValueError(norm)


def mail_omega(s: Step, z: Optional[Tensor], z_adv: Tensor) -> Tensor:
    """MAIL's weights of the batch."""
    a = z_adv.softmax(1)
    if s.parameters["margin"] == "adversarial":
        margin = s.margin(a)
    else:
        assert z is not None
        q = z.softmax(1)
        # `difference` sets the label under attack against the strongest other class without; the paper's own order is not known.
        margin = s.margin(q) if s.parameters["margin"] == "natural" else s.true(a) - s.greatest_wrong(q)
    return s.weights(mail_weight(margin, s.gamma, s.bias, s.weight_norm))


def mail_at(s: Step) -> Terms:
    """MAIL-AT (Wang et al. 2021)."""
    z, z_adv = (None, s.adversarial()) if s.parameters["margin"] == "adversarial" else s.both()
    omega = mail_omega(s, z, z_adv)
    return Terms(omega, None, omega * s.cross_entropy(z_adv))


def mail_trades(s: Step) -> Terms:
    """MAIL-TRADES."""
    z, z_adv = s.both()
    omega = mail_omega(s, z, z_adv)
    return Terms(omega, s.cross_entropy(z), s.beta * omega * divergence(z, z_adv))


def mail_mart(s: Step) -> Terms:
    """MAIL-MART: the boosted cross-entropy is weighted, MART's other term is not."""
    z, z_adv = s.both()
    omega = mail_omega(s, z, z_adv)
    boosted, consistent = mart_parts(s, z, z_adv)
    return Terms(omega, None, omega * boosted + s.beta * consistent)


def vir_omega(s: Step, z: Tensor, kl: Tensor, alpha: float, gamma: float, floor: float) -> Tensor:
    """VIR's weight: sure of the natural sample, little; far apart, much."""
    return s.weights(alpha * torch.exp(-gamma * s.true(z.softmax(1))) * kl + floor)


def vir_shipped(s: Step) -> Terms:
    """What the published VIR script runs for both of its methods, since it compares with names that are never given."""
    z, z_adv = s.both()
    kl = divergence(z, z_adv)
    omega = vir_omega(s, z, kl, 8.0, 3.0, 1.7)
    return Terms(omega, s.cross_entropy(z), s.beta * omega * kl)


def vir_at(s: Step) -> Terms:
    """VIR-AT."""
    if s.form == "shipped":
        return vir_shipped(s)
    z, z_adv = s.both()
    omega = vir_omega(s, z, divergence(z, z_adv), s.alpha, s.gamma, s.floor)
    return Terms(omega, None, omega * s.cross_entropy(z_adv))


def vir_trades(s: Step) -> Terms:
    """VIR-TRADES; as shipped only the attack is another."""
    z, z_adv = s.both()
    kl = divergence(z, z_adv)
    omega = vir_omega(s, z, kl, s.alpha, s.gamma, s.floor)
    return Terms(omega, s.cross_entropy(z), s.beta * omega * kl)


def dro(s: Step) -> Terms:
    """Distributionally robust weights: max over weights of the mean weighted loss less r times the weights' divergence
    from uniform, solved by exp(loss / r) over its mean, which is a moving average u over the steps (nu is the share of
    the newest).

    The implicit part is the change of x~ with the network, by the implicit function theorem: the attack's optimality,
    with a barrier (weight `barrier`) at the box or as in Fast-BAT (Zhang et al. 2022) with `curvature`, ties both. With v
    = grad CE / (c h) or H grad CE / curvature, it adds mean omega [d2 CE / d theta d x~] v to the gradient."""
    implicit = s.implicit != "none"
    x_adv = s.x_adv.detach().requires_grad_(implicit)
    losses = s.cross_entropy(s.network(x_adv))
    if s.burning_in:
        omega = s.ones()
    else:
        scaled = losses.detach()
        if s.stabiliser > 0:
            low, width = scaled.min(), scaled.max() - scaled.min()
            spread = (scaled - low) / width if width > 0 else torch.full_like(scaled, 0.5)
            scaled = s.stabiliser * (2 * spread - 1)
        scaled = scaled / s.r
        newest = torch.logsumexp(scaled, 0) - math.log(len(scaled))
        if "log_u" not in s.state:
            s.state["log_u"] = newest
        else:
            nu = torch.tensor(s.nu, dtype=scaled.dtype)
            s.state["log_u"] = torch.logaddexp(torch.log(1 - nu) + s.state["log_u"], torch.log(nu) + newest)
        omega = torch.exp(scaled - s.state["log_u"])
    terms = Terms(omega, None, omega * losses)
    if implicit:
        low, high = torch.clamp(-s.x, min=-s.epsilon), torch.clamp(1 - s.x, max=s.epsilon)
        moved = s.x_adv - s.x
        (slope,) = torch.autograd.grad(losses.sum(), x_adv, retain_graph=True)
        if s.implicit == "barrier":
            # The barrier is infinite on the box itself.
            inside = 1e-3 * s.epsilon
            moved = torch.minimum(torch.maximum(moved, low + inside), high - inside)
            v = slope / (s.barrier * (1 / (high - moved) ** 2 + 1 / (moved - low) ** 2))
        else:
            # Pixels on a side of the box are off it by rounding.
            side = 1e-3 * s.epsilon
            free = (moved > low + side) & (moved < high - side)
            v = free * slope / s.curvature
        (weighted,) = torch.autograd.grad((omega * losses).mean(), x_adv, create_graph=True)
        terms.more = (weighted * v.detach()).sum()
    return terms


def without_conflict(natural: Tensor, adversarial: Tensor, gamma: float) -> Tensor:
    """CA-AT (grad_proj.py): the adversarial gradient turned towards the natural one until their cosine is gamma; the
    natural one where it is gamma already. A gradient of 0 has no direction: the adversarial one stays."""
    length_c, length_a = natural.norm(), adversarial.norm()
    if length_c == 0 or length_a == 0:
        return adversarial
    phi = (natural @ adversarial / (length_c * length_a)).clamp(-1, 1)
    if phi >= gamma:
        return natural
    across = math.sqrt(1 - gamma**2)
    scale = length_a * (gamma * torch.sqrt(1 - phi**2) - phi * across) / (length_c * across)
    return adversarial + scale * natural


def ca_at(s: Step) -> Terms:
    """CA-AT: two gradients, over all tensors at once or tensor by tensor."""

    def combine(natural: list[Tensor], adversarial: list[Tensor]) -> list[Tensor]:
        if s.scope == "tensor":
            pairs = zip(natural, adversarial)
            return [without_conflict(c.flatten(), a.flatten(), s.gamma).view_as(c) for c, a in pairs]
        whole = [torch.cat([part.flatten() for part in parts]) for parts in (natural, adversarial)]
        parts = without_conflict(whole[0], whole[1], s.gamma).split([part.numel() for part in natural])
        return [part.view_as(like) for part, like in zip(parts, natural)]

    z, z_adv = s.both()
    return Terms(s.ones(), s.cross_entropy(z), s.cross_entropy(z_adv), combine)


def average(s: Step) -> Terms:
    """The baseline of the CA-AT paper: beta of the adversarial gradient, 1 - beta of the natural one."""

    def combine(natural: list[Tensor], adversarial: list[Tensor]) -> list[Tensor]:
        return [a + c for c, a in zip(natural, adversarial)]

    z, z_adv = s.both()
    return Terms(s.ones(), (1 - s.beta) * s.cross_entropy(z), s.beta * s.cross_entropy(z_adv), combine)


def wmmr(s: Step) -> Terms:
    """WMMR (Zeng et al. 2021): exp(-alpha PM)."""
    z_adv = s.adversarial()
    raw = torch.exp(-s.alpha * s.margin(z_adv.softmax(1)))
    omega = s.weights(normalised(raw) if s.weight_norm == "batch" else raw)
    return Terms(omega, None, omega * s.cross_entropy(z_adv))


def sovr(s: Step) -> Terms:
    """SOVR (Kanai et al. 2023): one-versus-rest for the samples of the smallest margins of logits, cross-entropy for the
    others."""
    z_adv = s.adversarial()
    order = torch.sort(s.margin(z_adv.detach()), stable=True).indices
    chosen = torch.zeros(len(s.y), dtype=torch.bool)
    chosen[order[: math.ceil(s.share * len(s.y))]] = True
    one_versus_rest = functional.softplus(z_adv).sum(1) - functional.softplus(s.true(z_adv)) + functional.softplus(-s.true(z_adv))
    losses = torch.where(chosen, s.factor * one_versus_rest, s.cross_entropy(z_adv))
    return Terms(chosen.to(z_adv.dtype), None, losses)


def ewat(s: Step) -> Terms:
    """EWAT: 1 + the entropy of a in nats."""
    z_adv = s.adversarial()
    log_a = z_adv.log_softmax(1)
    omega = s.weights(normalised(1 - (log_a.exp() * log_a).sum(1)))
    return Terms(omega, None, omega * s.cross_entropy(z_adv))


def arow(s: Step) -> Terms:
    """ARoW (Yang et al. 2023, loss.py): smoothed labels, and KL (1 - a_y), the weight with its gradient."""
    z, z_adv = s.both()
    weight = 1 - s.true(z_adv.softmax(1))
    smooth = functional.cross_entropy(z, s.y, reduction="none", label_smoothing=s.smoothing)
    return Terms(weight, smooth, s.beta * divergence(z, z_adv) * weight)


def cow(s: Step) -> Terms:
    """CoW, ARoW's sibling: KL q_y."""
    z, z_adv = s.both()
    weight = s.true(z.softmax(1))
    smooth = functional.cross_entropy(z, s.y, reduction="none", label_smoothing=s.smoothing)
    return Terms(weight, smooth, s.beta * divergence(z, z_adv) * weight)


def mlcat(s: Step) -> Terms:
    """MLCAT (Yu et al. 2022), its loss scaling: losses under the floor are scaled up to it. The published code leaves the
    weight its gradient, which makes such a loss a constant."""
    losses = s.cross_entropy(s.adversarial())
    omega = s.weights(torch.clamp(s.floor / losses, min=1))
    if s.form == "detached" or s.burning_in:
        return Terms(omega, None, omega * losses)
    return Terms(omega, None, torch.where(losses >= s.floor, losses, torch.full_like(losses, s.floor)))


def hard_instance(s: Step) -> Terms:
    """Weights by how hard a sample is (Liu et al. 2024, adv_fast.py): hard ones count less, but with
    one_minus_p_adversarial."""
    z, z_adv = s.both() if s.measure == "p_natural" else (None, s.adversarial())
    a = z_adv.softmax(1)
    if s.measure == "p_natural":
        raw = s.true(z.softmax(1))
    else:
        raw = {"p_adversarial": s.true(a), "one_minus_p_adversarial": 1 - s.true(a), "confidence": a.max(1).values}[s.measure]
    omega = s.weights(normalised(raw))
    return Terms(omega, None, omega * s.cross_entropy(z_adv))


def ham(s: Step) -> Terms:
    """HAM: samples that are right at each of x^(0) to x^(drop_after) are left out."""
    omega = s.weights((s.first_hit <= s.drop_after).to(s.x.dtype))
    return Terms(omega, None, omega * s.cross_entropy(s.adversarial()))


@dataclass(frozen=True)
class Method:
    """How a method attacks, what it can be told, what it computes."""

    defaults: dict[str, Any]
    """Its parameters by the names of gairat's settings, with _ for -."""
    terms: Callable[[Step], Terms]
    objective: str = "ce"
    """What its attack climbs: ce or kl."""
    start: str = "uniform"
    """Where its attack starts: uniform in the ball, or gauss, a deviation of 0.001 from the sample."""
    burns_in: bool = True
    """Whether it has weights that are 1 in the epochs of burn-in."""
    others: list[dict[str, Any]] = field(default_factory=list)
    """Further values of its parameters to compare."""


GEOMETRIC = {"weighting": "tanh", "lambda": -1.0}
MARGIN = {"margin": "adversarial", "weight_norm": "three"}
MARGINS = [
    {"margin": margin, "weight_norm": norm}
    for margin in ("adversarial", "natural", "difference")
    for norm in ("three", "batch")
    if (margin, norm) != ("adversarial", "three")
]
LAMBDAS = [{"weighting": "sigmoid"}, {"weighting": "discrete"}, {"lambda": 0.5}, {"lambda": math.inf}]

METHODS: dict[str, Method] = {
    "at": Method({}, at, burns_in=False),
    "gairat": Method(GEOMETRIC, gairat, others=LAMBDAS),
    "fat": Method({"tau": 2}, at, burns_in=False, others=[{"tau": 1, "tau_schedule": "fixed"}]),
    "gair-fat": Method(
        {"tau": 6, "weighting": "tanh", "lambda": 0.0},
        gairat,
        others=[{"tau": 3, "tau_schedule": "fixed"}, {"weighting": "sigmoid"}, {"weighting": "discrete"}, {"lambda": -1.0}],
    ),
    "trades": Method({"beta": 6.0}, trades, "kl", "gauss", burns_in=False, others=[{"beta": 1.0}]),
    "gair-trades": Method(
        {"beta": 6.0, "weighted": "kl", **GEOMETRIC},
        gair_trades,
        "kl",
        "gauss",
        others=[
            {"weighted": "natural"},
            {"weighted": "rst"},
            {"weighted": "rst", "lambda": 1.0},
            {"weighting": "sigmoid", "beta": 2.0},
        ],
    ),
    "mart": Method({"beta": 5.0}, mart, "ce", "gauss", burns_in=False, others=[{"beta": 1.0}]),
    "mail-at": Method(
        {"gamma": 10.0, "bias": -0.5, **MARGIN}, mail_at, "ce", "gauss", others=[*MARGINS, {"gamma": 2.0, "bias": 0.0}]
    ),
    "mail-trades": Method(
        {"beta": 5.0, "gamma": 2.0, "bias": 0.0, **MARGIN}, mail_trades, "kl", "gauss", others=[*MARGINS, {"beta": 2.0}]
    ),
    "mail-mart": Method(
        {"beta": 5.0, "gamma": 3.0, "bias": 0.0, **MARGIN}, mail_mart, "ce", "gauss", others=[*MARGINS, {"beta": 2.0}]
    ),
    "vir-at": Method(
        {"alpha": 7.0, "gamma": 10.0, "floor": 0.007, "form": "intended", "beta": 5.0},
        vir_at,
        "ce",
        "gauss",
        others=[{"form": "shipped"}, {"form": "shipped", "beta": 2.0}, {"alpha": 3.0, "gamma": 1.0, "floor": 0.5}],
    ),
    "vir-trades": Method(
        {"alpha": 8.0, "gamma": 3.0, "floor": 1.7, "beta": 5.0, "form": "intended"},
        vir_trades,
        "kl",
        "gauss",
        others=[{"form": "shipped"}, {"alpha": 3.0, "gamma": 1.0, "floor": 0.5, "beta": 2.0}],
    ),
    "dro": Method(
        {"r": 1.0, "nu": 0.5, "stabiliser": 0.0, "implicit": "none", "barrier": 0.1, "curvature": 10.0},
        dro,
        others=[
            {"r": 0.3},
            {"stabiliser": 2.0},
            {"implicit": "barrier"},
            {"implicit": "barrier", "barrier": 0.01},
            {"implicit": "fast-bat"},
            {"implicit": "fast-bat", "curvature": 1.0},
        ],
    ),
    "ca-at": Method(
        {"gamma": 0.8, "scope": "global"},
        ca_at,
        burns_in=False,
        others=[{"scope": "tensor"}, {"gamma": 0.95}, {"gamma": 0.95, "scope": "tensor"}, {"gamma": 0.1}],
    ),
    "average": Method({"beta": 0.5}, average, burns_in=False, others=[{"beta": 0.8}]),
    "wmmr": Method({"alpha": 3.0, "weight_norm": "batch"}, wmmr, others=[{"weight_norm": "none"}, {"alpha": 1.0}]),
    "sovr": Method(
        {"share": 0.4, "factor": 1.0},
        sovr,
        burns_in=False,
        others=[{"share": 0.75}, {"factor": 0.5}, {"share": 0.0}, {"share": 1.0}],
    ),
    "ewat": Method({}, ewat),
    "arow": Method(
        {"beta": 7.0, "smoothing": 0.2},
        arow,
        "kl",
        "gauss",
        burns_in=False,
        others=[{"smoothing": 0.0}, {"beta": 2.0, "smoothing": 0.1}],
    ),
    "cow": Method(
        {"beta": 7.0, "smoothing": 0.2},
        cow,
        "kl",
        "gauss",
        burns_in=False,
        others=[{"smoothing": 0.0}, {"beta": 2.0, "smoothing": 0.1}],
    ),
    "mlcat": Method({"floor": 1.5, "form": "detached"}, mlcat, others=[{"form": "shipped"}, {"floor": 0.5}]),
    "hard-instance": Method(
        {"measure": "p_adversarial"},
        hard_instance,
        others=[{"measure": measure} for measure in ("one_minus_p_adversarial", "confidence", "p_natural")],
    ),
    "ham": Method({"drop_after": 3}, ham, others=[{"drop_after": 0}, {"drop_after": 6}]),
}

# ------------------------------------------------------------------------------------------------- attacks --


def attack(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    step_size: float,
    steps: int = K,
    objective: str = "ce",
    start: str = "uniform",
    tau: Optional[int] = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """PGD in eval mode: x~, kappa and the first step at which a sample was wrong (`steps` where none was).

    With `tau`, FAT's early stop (earlystop.py there): each iterate is checked before it moves on; a sample that is wrong
    when `tau` such checks were forgiven stays where it is, and is not counted further."""
    network.eval()
    low, high = (x - epsilon).clamp(min=0), (x + epsilon).clamp(max=1)
    if start == "uniform":
        noise = torch.empty_like(x).uniform_(-epsilon, epsilon)
    else:
        noise = (0.001 * torch.randn_like(x)).clamp(-epsilon, epsilon)
    iterate = (x + noise).clamp(0, 1)
    kappa, first_hit = torch.zeros(len(x)), torch.full((len(x),), steps)
    goes_on, left = torch.ones(len(x), dtype=torch.bool), torch.full((len(x),), 0 if tau is None else tau)
    with torch.no_grad():
        natural = network(x) if objective == "kl" else None
    for number in range(steps):
        iterate.requires_grad_()
        logits = network(iterate)
        if objective == "ce":
            height = functional.cross_entropy(logits, y, reduction="sum")
        elif objective == "kl":
            height = divergence(natural, logits).sum()
        else:
            labels = functional.one_hot(y, logits.shape[1]).bool()
            height = (logits.masked_fill(labels, -math.inf).max(1).values - logits[labels]).sum()
        (gradient,) = torch.autograd.grad(height, iterate)
        with torch.no_grad():
            right = logits.argmax(1) == y
            if tau is not None:
                goes_on &= right | (left > 0)
                left -= (goes_on & ~right).to(left.dtype)
            kappa += right & goes_on
            first_hit[~right & (first_hit == steps)] = number
            moved = torch.minimum(torch.maximum(iterate + step_size * gradient.sign(), low), high)
            moving = goes_on.view(-1, *[1] * (x.dim() - 1))
            iterate = torch.where(moving, moved, iterate.detach())
    network.train()
    return iterate.detach(), kappa, first_hit


# ----------------------------------------------------------------------------------------------- comparing --


@dataclass(frozen=True)
class Network:
    """A network to compare on, by the names that gairat and PyTorch have for it."""

    model: str
    shape: tuple[int, ...]
    batch: int
    build: Callable[[bool], nn.Module]
    rate: float
    """How fast it learns its batch."""
    published: Optional[str] = None
    """Its entry in state_dicts.json, whose names stand for ours in the same order."""


NETWORKS = [
    Network("mlp:128,128", (64,), 32, beside_pytorch.mlp(64, [128, 128], 10), 1e-3),
    Network("small-cnn-28", (1, 28, 28), 16, beside_pytorch.small_cnn_28, 1e-3, "small-cnn-28"),
    Network("resnet18", (3, 32, 32), 8, beside_pytorch.resnet18, 1e-4, "resnet18"),
]


def published_names(network: Network, module: nn.Module) -> dict[str, str]:
    """gairat's name of each of our tensors, which are those of published code."""
    ours = {name: list(tensor.shape) for name, tensor in module.state_dict().items() if "num_batches" not in name}
    if network.published is None:
        return {name: name for name in ours}
    theirs = json.loads((ROOT / "core/src/model/state_dicts.json").read_text(encoding="utf-8"))[network.published]
    assert list(ours.values()) == list(theirs.values()), f"{network.model}: the tensors are not those of gairat"
    return dict(zip(ours, theirs))


def write_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Length of the header (u64), header (JSON), numbers, all little-endian: https://github.com/huggingface/safetensors."""
    header, numbers = {}, b""
    for name, tensor in tensors.items():
        content = tensor.detach().numpy().astype("<f4").tobytes()
        place = [len(numbers), len(numbers) + len(content)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": place}
        numbers += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + numbers)


class Subject:
    """A network and a batch that it has learnt a little, written to a folder for gairat to read."""

    def __init__(self, network: Network, folder: Path) -> None:
        torch.manual_seed(1)
        self.network = network
        self.module = network.build(False)
        self.names = published_names(network, self.module)
        for part in self.module.modules():
            if isinstance(part, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(part.weight)
        self.x = torch.rand(network.batch, *network.shape)
        self.y = torch.randint(0, 10, (network.batch,))
        self.y[-1] = 9  # gairat counts classes up to the highest label.
        optimizer = torch.optim.Adam(self.module.parameters(), lr=network.rate)
        for _ in range(200):
            loss = functional.cross_entropy(self.module(self.x), self.y)
            if loss < 0.5:
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            for _ in range(30):  # Until running statistics, if there are any, are those of the batch.
                self.module(self.x)
        self.y[::8] = (self.y[::8] + 1) % 10  # Some are wrong from the start.
        self.epsilon = self.middle_epsilon()
        self.module.double()
        plain = network.model.replace(":", "-").replace(",", "-")
        self.weights, self.data = folder / f"{plain}.safetensors", folder / f"{plain}.npz"
        tensors = {theirs: self.module.state_dict()[ours] for ours, theirs in self.names.items()}
        write_safetensors(self.weights, tensors)
        numpy.savez(self.data, x=self.x.numpy(), y=self.y.numpy().astype("<i8"))

    def middle_epsilon(self) -> float:
        """A radius at which kappas are of every size: their mean is half of K."""
        low, high = 1e-3, 1.0
        for _ in range(7):
            epsilon = math.sqrt(low * high)
            _, kappa, _ = attack(self.module, self.x, self.y, epsilon, epsilon / 5)
            low, high = (epsilon, high) if kappa.mean() > K / 2 else (low, epsilon)
        return float(f"{math.sqrt(low * high):.4g}")


class Greatest:
    """The greatest deviation of each kind, each as a share of what is allowed."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float]] = {}
        self.missing: list[str] = []

    def see(self, kind: str, deviation: float, share: float) -> None:
        share = math.inf if math.isnan(share) else share
        if share >= self.found.get(kind, (0.0, -1.0))[1]:
            self.found[kind] = deviation, share

    def numbers(self, kind: str, ours: Tensor, theirs: Tensor, relative: float, least: float = 1e-6) -> None:
        """One number a sample: |ours - theirs| against relative * |ours| + least."""
        if ours.shape != theirs.shape:
            self.missing.append(f"{kind} has the shape {list(theirs.shape)}, not {list(ours.shape)}")
            return
        apart = (ours - theirs).abs()
        worst = int((apart / (relative * ours.abs() + least)).argmax())
        share = float(apart.flatten()[worst] / (relative * ours.abs().flatten()[worst] + least))
        self.see(kind, float((apart / (ours.abs() + least / relative)).max()), share)

    def gradient(self, kind: str, ours: Tensor, theirs: Tensor) -> None:
        """The angle and the length of all tensors together."""
        ours_length, theirs_length = float(ours.norm()), float(theirs.norm())
        if ours_length == 0 or theirs_length == 0:
            self.see(kind + " length", abs(ours_length - theirs_length), abs(ours_length - theirs_length) / 1e-9)
            return
        apart = 1 - float(ours @ theirs) / (ours_length * theirs_length)
        self.see(kind + " 1-cos", apart, apart / 1e-4)
        apart = abs(theirs_length / ours_length - 1)
        self.see(kind + " length", apart, apart / 1e-3)

    def good(self) -> bool:
        return not self.missing and all(share <= 1 for _, share in self.found.values())

    def __str__(self) -> str:
        parts = [f"{kind} {deviation:.1e}" + " (!)" * (share > 1) for kind, (deviation, share) in self.found.items()]
        return ", ".join(self.missing + parts)


def argument(name: str, value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"--{name.replace('_', '-')}={text}"


def rows_of(x: Tensor, x_adv: Tensor, epsilon: float) -> Tensor:
    """Which sample each row of `x_adv` was made from: gairat shuffles, and in the ball around a random sample there is no
    other."""
    distances = torch.cdist(x_adv.flatten(1), x.flatten(1), p=math.inf)
    nearest = distances.min(1)
    if not bool((nearest.values <= epsilon * 1.0001 + 1e-6).all()) or len(set(nearest.indices.tolist())) != len(x):
        raise ValueError(
            f"x_adv lies outside the ball: {float(nearest.values.max())} from the nearest sample, epsilon is {epsilon}"
        )
    return nearest.indices


def compare_one(program: str, name: str, changed: dict[str, Any], subject: Subject, folder: Path) -> Greatest:
    """One method with some of its parameters changed, on one network."""
    method, out = METHODS[name], folder / "step.npz"
    given = {**method.defaults, **changed}
    epsilon = subject.epsilon
    command = [program, "step", argument("method", name), *[argument(*pair) for pair in given.items()]]
    command += [f"--weights={subject.weights}", f"--model={subject.network.model}", f"--data=npz:{subject.data}"]
    command += [f"--steps={K}"]
    command += [argument("epsilon", epsilon), argument("step_size", epsilon / 5), "--lr=0.05"]
    command += [argument("weight_decay", WEIGHT_DECAY)]
    command += ["--device=cpu", f"--out={out}"]
    out.unlink(missing_ok=True)
    greatest = Greatest()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0 or not out.exists():
        said = (ended.stderr or ended.stdout).strip().splitlines()
        greatest.missing.append(f"`{' '.join(command)}` ended with {ended.returncode}: {' '.join(said)[:300]}")
        return greatest
    with numpy.load(out) as archive:
        step = {key: torch.from_numpy(archive[key].astype("f8")) for key in archive.files}

    module = copy.deepcopy(subject.module)
    module.train()
    try:
        rows = rows_of(subject.x.double(), step["x_adv"].view(-1, *subject.network.shape), epsilon)
        shape = (-1, *subject.network.shape)
        x_cw = step["x_adv_second"].view(shape) if "x_adv_second" in step else None
        batch = (subject.x[rows].double(), step["x_adv"].view(shape), subject.y[rows])
        steps = (step["kappa"], step["first_hit"], K)
        ours = step_of(method.terms, Step(module, *batch, *steps, given, x_cw, epsilon))
    except (KeyError, ValueError, TypeError) as problem:
        greatest.missing.append(f"{type(problem).__name__}: {problem}")
        return greatest

    def theirs(key: str) -> Optional[Tensor]:
        if key not in step:
            greatest.missing.append(f"no array {key}")
        return step.get(key)

    for key in ("omega", "loss", "loss_natural", "loss_adversarial"):
        if key == "loss_adversarial" and "loss_natural" not in ours:
            continue  # The one term is the loss.
        if key in ours:
            found = theirs(key)
            if found is not None:
                greatest.numbers(key, ours[key], found, 1e-4)
        elif key in step and bool((step[key] != 0).any()):
            greatest.missing.append(f"{key} is there and should not be")
    trained = [pair for pair in subject.names.items() if pair[0] in dict(module.named_parameters())]
    for key in ("gradient", "gradient_natural", "gradient_adversarial"):
        if key in ours:
            found = [theirs(f"{key}.{name}") for _, name in trained]
            if all(part is not None for part in found):
                flat = torch.cat([part.flatten() for part in found if part is not None])
                greatest.gradient(key, torch.cat([ours[key][name].flatten() for name, _ in trained]), flat)

    # The first step of SGD from gairat's own gradient, which is judged above: momentum starts as the gradient. Rounding moves a
    # weight by 6e-8 of itself.
    rate = float(step["lr"].flatten()[0]) if "lr" in step else 0.05
    apart, length, size = 0.0, 0.0, 0.0
    for name, their_name in subject.names.items():
        found, before = theirs("after." + their_name), module.state_dict()[name]
        if found is None:
            continue
        if found.shape != before.shape:
            greatest.missing.append(f"after.{their_name} has the shape {list(found.shape)}, not {list(before.shape)}")
            continue
        if name not in ours["gradient"]:  # Running statistics, which the passes above have moved.
            greatest.numbers("statistics", before, found, 1e-4)
            continue
        gradient = step.get("gradient." + their_name, ours["gradient"][name]).view_as(before)
        update = -rate * (gradient + WEIGHT_DECAY * before)
        apart += float((before + update - found).square().sum())
        length += float(update.square().sum())
        size += float(before.square().sum())
    apart, length, size = math.sqrt(apart), math.sqrt(length), math.sqrt(size)
    if length > 0:
        greatest.see("update", apart / length, apart / (1e-4 * length + 2e-7 * size))
    return greatest


def compare(gairat_program: str, names: Optional[list[str]] = None, everywhere: bool = False) -> int:
    """All methods (or some) beside `gairat step`: on every network with their defaults, on the perceptron (or everywhere)
    with further choices. Prints a line for each; the exit code."""
    torch.set_num_threads(1)
    unknown = [name for name in names or [] if name not in METHODS]
    if unknown:
        raise SystemExit(f"no method `{unknown[0]}`; there are {', '.join(METHODS)}")
    passed = failed = 0
    with tempfile.TemporaryDirectory() as place:
        for network in NETWORKS:
            subject = Subject(network, Path(place))
            for name in names or METHODS:
                others = METHODS[name].others if everywhere or network is NETWORKS[0] else []
                for changed in [{}, *others]:
                    greatest = compare_one(gairat_program, name, changed, subject, Path(place))
                    good = greatest.good()
                    passed, failed = passed + good, failed + (not good)
                    words = " ".join(f"{key}={value}" for key, value in changed.items())
                    title = f"{name} {words}".strip()
                    print(f"{'ok   ' if good else 'WRONG'} {network.model:12} {title}: {greatest}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


# -------------------------------------------------------------------------------------------------- digits --

EPOCHS = 60
BURN_IN = 30
EPSILON = 0.1
STEP_SIZE = 0.02
RATE = 0.05
BATCH = 128


def tau_of(name: str, tau: int, epoch: int, epochs: int) -> int:
    """FAT's rising tau: nothing is forgiven at first, then half, then all (FAT.py and GAIR_FAT.py, as shares of their 120
    epochs)."""
    first, second = (5, 9) if name == "fat" else (4, 7)
    if 12 * epoch <= first * epochs:
        return 0
    return tau // 2 if 12 * epoch <= second * epochs else tau


def train_digits(name: str, seed: int, x: Tensor, y: Tensor, changed: dict[str, Any], epochs: int = EPOCHS) -> nn.Module:
    """One run of the recipe."""
    torch.manual_seed(seed)
    method = METHODS[name]
    given = {**method.defaults, **changed}
    network = beside_pytorch.mlp(64, [128, 128], 10)(False)
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    state: dict[str, Any] = {}
    objective = "ce" if given.get("form") == "shipped" and name == "vir-trades" else method.objective
    for epoch in range(1, epochs + 1):
        optimizer.param_groups[0]["lr"] = RATE * (1 if 2 * epoch <= epochs else 0.1 if 4 * epoch <= 3 * epochs else 0.01)
        tau = tau_of(name, given["tau"], epoch, epochs) if "tau" in given else None
        burning_in = method.burns_in and epoch <= BURN_IN
        for rows in torch.randperm(len(x)).split(BATCH):
            batch, labels = x[rows], y[rows]
            x_adv, kappa, first_hit = attack(network, batch, labels, EPSILON, STEP_SIZE, K, objective, method.start, tau)
            x_cw = None
            if given.get("weighted") == "rst":
                x_cw, _, _ = attack(network, batch, labels, EPSILON, STEP_SIZE, K, "cw", "gauss")
            network.train()
            step = Step(network, batch, x_adv, labels, kappa, first_hit, K, given, x_cw, EPSILON, state, burning_in)
            gradient = step_of(method.terms, step)["gradient"]
            for tensor_name, tensor in network.named_parameters():
                tensor.grad = gradient[tensor_name]
            optimizer.step()
    return network


def evaluate(network: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """Natural, PGD-20 and CW-20 accuracy in percent."""

    def accuracy(samples: Tensor) -> float:
        with torch.no_grad():
            return 100 * float((network(samples).argmax(1) == y).double().mean())

    network.eval()
    found = {"natural": accuracy(x)}
    for key, objective in (("pgd20", "ce"), ("cw20", "cw")):
        adversarial, _, _ = attack(network, x, y, EPSILON, EPSILON / 4, 20, objective)
        network.eval()
        found[key] = accuracy(adversarial)
    return found


def digits(name: str, data: Path, changed: Optional[dict[str, Any]] = None, seeds: int = 5) -> dict[str, Any]:
    """The recipe for the digits with one method: mean and sample deviation over the seeds, and seconds a run."""
    torch.set_num_threads(1)
    with gzip.open(data, "rt", encoding="ascii") as file:
        rows = torch.tensor([[float(number) for number in row] for row in csv.reader(file) if row])
    x, y = rows[:, :64] / 16, rows[:, 64].long()
    runs, begun = [], time.perf_counter()
    for seed in range(seeds):
        network = train_digits(name, seed, x[:1437], y[:1437], changed or {})
        runs.append(evaluate(network, x[1437:], y[1437:]))
    found: dict[str, Any] = {}
    for key in ("natural", "pgd20", "cw20"):
        values = [run[key] for run in runs]
        found[key] = [statistics.mean(values), statistics.stdev(values)]
    found["seconds"] = (time.perf_counter() - begun) / seeds
    return found


def digits_table(names: list[str], data: Path, out: Optional[Path]) -> None:
    """Prints a line for each method, and keeps all in a file of JSON as they come."""
    results = json.loads(out.read_text(encoding="utf-8")) if out is not None and out.exists() else {}
    print("method         natural         PGD-20          CW-20           seconds a run")
    for name in names or METHODS:
        found = results[name] = digits(name, data)
        cells = [f"{found[key][0]:5.2f} +- {found[key][1]:4.2f}  " for key in ("natural", "pgd20", "cw20")]
        print(f"{name:14} {' '.join(cells)} {found['seconds']:.1f}", flush=True)
        if out is not None:
            out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


# ----------------------------------------------------------------------------------------------- self-test --


def self_test() -> int:
    """Values worked out by hand from papers and published code; needs no gairat."""
    torch.set_num_threads(1)
    passed = failed = 0

    def check(what: str, found: Union[Tensor, float], expected: Union[list[float], float], least: float = 2e-8) -> None:
        nonlocal passed, failed
        found = torch.as_tensor(found, dtype=torch.float64).flatten()
        wanted = torch.as_tensor(expected, dtype=torch.float64).flatten()
        good = found.shape == wanted.shape and bool(((found - wanted).abs() <= 5e-6 * wanted.abs() + least).all())
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"WRONG {what}: {found.tolist()}, expected {wanted.tolist()}")

    def example(
        name: str, q: list[list[float]], a: list[list[float]], kappa: Optional[list[int]] = None, **changed: Any
    ) -> Terms:
        """A method on given probabilities: the network is the identity, samples are logits."""
        z, z_adv = (torch.tensor(p, dtype=torch.float64).log() for p in (q, a))
        given = {**METHODS[name].defaults, **changed}
        counted = torch.tensor(kappa or [0] * len(q))
        labels = torch.zeros(len(q), dtype=torch.long)
        return METHODS[name].terms(Step(nn.Identity(), z, z_adv, labels, counted, counted, K, given, x_cw=z_adv))

    q, a = [[0.6, 0.3, 0.1]], [[0.2, 0.5, 0.3]]

    def loss(name: str, **changed: Any) -> Tensor:
        terms = example(name, q, a, **changed)
        return sum(part for part in (terms.natural, terms.adversarial) if part is not None)

    # GAIRAT: raw weights for kappa = 0..10, and normalised.
    kappa = torch.arange(11.0, dtype=torch.float64)
    tanh = [0.999665, 0.997527, 0.982014, 0.880797, 0.5, 0.119203, 0.0179862, 0.00247262, 3.3535e-4, 4.53979e-5, 6.14417e-6]
    check("tanh weights", raw_weight("tanh", -1.0, kappa, 10), tanh)
    sigmoid = [0.982014, 0.952574, 0.880797, 0.731059, 0.5, 0.268941, 0.119203, 0.0474259, 0.0179862, 0.00669285, 0.00247262]
    check("sigmoid weights", raw_weight("sigmoid", -1.0, kappa, 10), sigmoid)
    check("discrete weights", raw_weight("discrete", -1.0, kappa, 10)[[0, 5, 10]], [1, 6 / 11, 1 / 11])
    odd = [0.999665, 0.994193, 0.907687, 0.360907, 0.0314144, 0.00185926, 1.0697e-4, 6.14417e-6]
    check("odd K", raw_weight("tanh", -1.0, kappa[:8], 7), odd)
    three = example("gairat", q * 3, a * 3, [0, 5, 10])
    check("gairat", three.omega, [2.68037, 0.319615, 1.64742e-5])
    check("gairat at lambda inf", example("gairat", q * 3, a * 3, [0, 5, 10], **{"lambda": math.inf}).omega, [1, 1, 1])
    rst = [1, 0.999999, 0.999994, 0.999955, 0.999665, 0.997527, 0.982014, 0.880797, 0.5, 0.119203, 0.0179862]
    both = example("gair-trades", q * 11, a * 11, list(range(11)), weighted="rst", **{"lambda": 3.0})
    check("gair-trades rst", both.omega, rst)
    check("gair-trades rst against one sample twice", both.adversarial, [6 * 0.396058] * 11)

    # TRADES, MART, VIR, ARoW and CoW on one example.
    check("KL", loss("trades", beta=1.0) - 0.510826, 0.396058)
    check("trades", loss("trades"), 2.887177)
    check("mart, beta 0", loss("mart", beta=0.0), 2.302385)
    check("mart", loss("mart"), 3.094502)
    check("mart, beta 6", loss("mart", beta=6.0), 3.252926)
    check("vir-at weight", example("vir-at", q, a).omega, 0.0138721)
    check("vir-at", loss("vir-at"), 0.0223264)
    check("vir-at as shipped", loss("vir-at", form="shipped"), 4.914485)
    check("vir-trades weight", example("vir-trades", q, a).omega, 2.223744)
    check("vir-trades weight, floor 1.6", example("vir-trades", q, a, floor=1.6).omega, 2.123744)
    check("vir-trades", loss("vir-trades"), 4.914485)
    check("arow", example("arow", q, a, beta=1.0).adversarial, 0.316847)
    check("cow", example("cow", q, a, beta=1.0).adversarial, 0.237635)

    # MAIL and WMMR for given margins.
    margins = torch.tensor([0.9, 0.5, 0.0, -0.5], dtype=torch.float64)
    check("mail-at", mail_weight(margins, 10, -0.5, "three"), [2.49e-6, 1.36194e-4, 0.0200786, 1.5])
    check("mail-at over the batch", mail_weight(margins, 10, -0.5, "batch"), [6.56e-6, 3.58353e-4, 0.0528307, 3.9468])
    check("mail-trades", mail_weight(margins, 2, 0.0, "three") / 3, [0.141851, 0.268941, 0.5, 0.731059])
    check("mail-trades over the batch", mail_weight(margins, 2, 0.0, "batch"), [0.345588, 0.655215, 1.21814, 1.78106])
    pairs = [[(1 + m) / 2, (1 - m) / 2] for m in margins.tolist()]
    check("mail-at in a batch", example("mail-at", pairs, pairs).omega, [2.49e-6, 1.36194e-4, 0.0200786, 1.5])
    check("wmmr", example("wmmr", pairs, pairs, weight_norm="none").omega, [0.0672055, 0.22313, 1, 4.48169])

    # DRO for the losses 0.1, 1 and 3.
    losses = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64)
    pairs = [[math.exp(-l), 1 - math.exp(-l)] for l in losses.tolist()]
    for r, shares, value in [
        (1.0, [0.0462241, 0.113693, 0.840083], 2.075642),
        (10.0, [0.291494, 0.318945, 0.389561], 1.441234),
        (0.1, [2.5e-13, 2.1e-9, 1.0], 2.890139),
    ]:
        share = example("dro", pairs, pairs, r=r).omega / 3
        check(f"dro, r = {r}", share, shares)
        entropy = (share * torch.log(3 * share)).sum()
        check(f"dro, value at r = {r}", (share * losses).sum() - r * entropy, value)

    # CA-AT.
    g_c, g_a = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([-1.0, 2.0], dtype=torch.float64)
    for gamma, first in [(0.0, 0.0), (0.5, 1.154701), (0.8, 2.666667), (0.9, 4.129483)]:
        check(f"ca-at, gamma {gamma}", without_conflict(g_c, g_a, gamma), [first, 2.0])
    along = torch.tensor([3.0, 4.0], dtype=torch.float64)
    check("ca-at, no conflict", without_conflict(g_c, along, 0.5), [1.0, 0.0])
    check("ca-at, little conflict", without_conflict(g_c, along, 0.8), [5.333333, 4.0])

    # The implicit part is what two gradients at shifted samples come to, and early stopping that never stops changes nothing.
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    x, y = torch.rand(5, 6, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    x_adv, counted, first_hit = attack(network, x, y, 0.1, 0.02, steps=3)  # Few steps: some pixels stay off the box.
    for kind in ("barrier", "fast-bat"):
        given = {**METHODS["dro"].defaults, "implicit": kind}
        step = Step(network, x, x_adv, y, counted, first_hit, K, given, epsilon=0.1)
        plain = step_of(dro, Step(network, x, x_adv, y, counted, first_hit, K, METHODS["dro"].defaults, epsilon=0.1))
        with_term = step_of(dro, step)
        inputs = x_adv.clone().requires_grad_()
        (slope,) = torch.autograd.grad(step.cross_entropy(network(inputs)).sum(), inputs)
        low, high, moved = (-x).clamp(min=-0.1), (1 - x).clamp(max=0.1), x_adv - x
        if kind == "barrier":
            moved = torch.minimum(torch.maximum(moved, low + 1e-4), high - 1e-4)
            v = slope / (0.1 * ((high - moved) ** -2 + (moved - low) ** -2))
        else:
            v = ((moved > low + 1e-4) & (moved < high - 1e-4)) * slope / 10
        sides = []
        for t in (1e-3, -1e-3):
            shifted = (with_term["omega"] * step.cross_entropy(network(x_adv + t * v))).mean()
            sides.append(torch.cat([g.flatten() for g in torch.autograd.grad(shifted, list(network.parameters()))]))
        extra = [(with_term["gradient"][key] - plain["gradient"][key]).flatten() for key in plain["gradient"]]
        expected, extra = (sides[0] - sides[1]) / 2e-3, torch.cat(extra)
        check(f"dro, implicit {kind}", (extra - expected).norm() / expected.norm(), 0.0, 1e-4)
    torch.manual_seed(3)
    never, *_ = attack(network, x, y, 0.1, 0.02, tau=K)
    torch.manual_seed(3)
    plainly, *_ = attack(network, x, y, 0.1, 0.02)
    check("early stop that forgives all", (never - plainly).abs().max(), 0.0)
    torch.manual_seed(3)
    _, stopped_kappa, stopped_hit = attack(network, x, y, 0.1, 0.02, tau=0)
    check("early stop that forgives nothing: kappa is the first hit", stopped_kappa - stopped_hit, [0.0] * 5)

    for subject in NETWORKS:
        published_names(subject, subject.build(False))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Every method of gairat in PyTorch; told at the top of this file.")
    parser.add_argument("names", nargs="*", metavar="METHOD", help="methods [default: all]")
    parser.add_argument("--self-test", action="store_true", help="check against values known from papers and published code")
    parser.add_argument("--compare", metavar="GAIRAT", help="compare one training step with this program's")
    parser.add_argument("--everywhere", action="store_true", help="with --compare: further choices on every network")
    parser.add_argument("--digits", action="store_true", help="train on the digits, seeds 0 to 4")
    parser.add_argument(
        "--data", type=Path, default=ROOT / "core/data/digits.csv.gz", help="the file of digits: 64 pixels and the label a row"
    )
    parser.add_argument("--out", type=Path, help="with --digits: keep the results in this file of JSON")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in METHODS]
    if unknown:
        parser.error(f"no method `{unknown[0]}`; there are {', '.join(METHODS)}")
    if arguments.self_test:
        return self_test()
    if arguments.compare:
        return compare(arguments.compare, arguments.names, arguments.everywhere)
    if arguments.digits:
        digits_table(arguments.names, arguments.data, arguments.out)
        return 0
    parser.error("say what to do: --self-test, --compare or --digits")
    return 2


if __name__ == "__main__":
    sys.exit(main())
