#!/usr/bin/env python3
"""One GAIRAT training step in PyTorch and in `gairat bench`, beside each other on the same machine in one go.

    cargo build --release                                             (or have a `gairat` on PATH)
    python3 tests/beside_pytorch.py                                   the four reference cases on the CPU
    python3 tests/beside_pytorch.py --device cuda --gairat-device gpu
    python3 tests/beside_pytorch.py --cases mlp2 small-cnn-28 --threads 1 --json
    python3 tests/beside_pytorch.py --cases trades                    a step of TRADES
    python3 tests/beside_pytorch.py --methods                         no times: do all methods compute the same?

Needs Python 3.9 or newer and torch, nothing else (`--methods` numpy, too).

PyTorch and gairat take turns, round after round, so that a machine that grows faster or slower does so for
both; every figure is the median over the rounds of the median over the steps. `--seconds` bounds PyTorch's turns; `gairat bench` keeps its own time.

The work. A step is the whole of GAIRAT on one batch: a uniform random start in the eps-ball, K = 10 steps
of PGD on the cross-entropy against the network in eval mode, counting on the way at how many of the
iterates x^(0) to x^(K-1) each sample is still classified correctly (kappa), tanh weights from kappa
(normalised to mean 1), and one step of SGD (momentum 0.9, weight decay 2e-4) on the weighted loss of x^(K)
in training mode, the loss read back. Networks, batches, eps and step size are those of `gairat bench`;
pixels and labels are random. Lambda is 0 here and may be another number there, in the same formula. gairat
also measures and reads back more of each sample.

The two PyTorch variants do this work and differ in how:

published   As the published GAIRAT code does it. `loss.backward()` in every attack step, so that gradients
            of all parameters are computed too and thrown away; kappa counted by a Python loop that asks of
            each sample whether it is still right, which on a GPU waits for the device once per sample; the
            start drawn on the host in float64; the batch brought to the device anew for each step;
            contiguous tensors.
tuned       The best that eager PyTorch was found to do: the gradient of the input alone
            (`torch.autograd.grad`, no parameter requires a gradient in the attack), kappa counted in one
            operation on the device, the iterate updated in place between bounds computed once, ReLU in
            place, the fused SGD, the batch already on the device. For networks of images it also tries
            channels_last, for those with batch normalisation also the normalisation folded into the
            convolutions (once per step: the network is frozen in the attack), and keeps what is fastest
            here. It uses neither torch.compile nor CUDA graphs.

Both are float32 throughout (TF32 off), and both get the better of 1 thread and all cores, unless
`--threads` says.

The floor. Operations of a step are counted from the shapes, two for each multiply-add of a linear layer or
convolution (taps on the padding included, as is usual): K forward passes and K backward passes to the
input, and three times a forward pass for the update (forward, gradient of the input, gradient of the
parameters). Everything else is left out. Beside it stand the rate at which this machine multiplies matrices
(`torch.mm`), the time that the operations would take at that rate, and what share of it gairat reaches.
Algorithms that save multiplications, as Winograd's, can go below. "Touched once" are the bytes of the
parameters, of the batch and of what linear layers and convolutions put out in one pass, each counted once;
what no cache holds comes from memory again in every pass.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Union

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as problem:  # `--help` has to work without torch, so `main` complains, not this line.
    torch = None
    TORCH_PROBLEM = str(problem)

K = 10
EPSILON = 0.04
STEP_SIZE = 0.008
LAMBDA = 0.0
BETA = 6.0
LEARNING_RATE = 0.01

WARM_UP = 2
"""Steps that are not timed: memory is allocated, algorithms are chosen."""
LEAST_STEPS = 3
"""So many steps are timed, however long they take."""


# ------------------------------------------------------------------------------------------------ networks --

if torch is not None:

    class ConvolutionAndNorm(nn.Module):
        """A convolution without bias and its batch normalisation, which folding makes one while frozen."""

        def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1) -> None:
            super().__init__()
            self.convolution = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
            self.norm = nn.BatchNorm2d(outputs)
            self.folded: tuple[Tensor, Tensor] | None = None

        @torch.no_grad()
        def fold(self) -> None:
            """From here to `unfold`, one convolution does what the two do in eval mode."""
            scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
            weight = self.convolution.weight * scale[:, None, None, None]
            self.folded = weight, self.norm.bias - self.norm.running_mean * scale

        def unfold(self) -> None:
            self.folded = None

        def forward(self, maps: Tensor) -> Tensor:
            if self.folded is None:
                return self.norm(self.convolution(maps))
            return functional.conv2d(maps, *self.folded, self.convolution.stride, self.convolution.padding)

    class BasicBlock(nn.Module):
        """A block of ResNet-18."""

        def __init__(self, inputs: int, outputs: int, stride: int, in_place: bool) -> None:
            super().__init__()
            same = stride == 1 and inputs == outputs
            self.first = ConvolutionAndNorm(inputs, outputs, 3, stride)
            self.second = ConvolutionAndNorm(outputs, outputs, 3)
            self.shortcut = nn.Identity() if same else ConvolutionAndNorm(inputs, outputs, 1, stride)
            self.in_place = in_place

        def forward(self, maps: Tensor) -> Tensor:
            signal = self.second(functional.relu(self.first(maps), inplace=self.in_place))
            signal += self.shortcut(maps)
            return functional.relu(signal, inplace=self.in_place)


def mlp(inputs: int, hidden: list[int], classes: int) -> Callable[[bool], nn.Module]:
    """`mlp:...` of gairat: linear layers with ReLU between."""

    def build(in_place: bool) -> nn.Module:
        sizes = [inputs, *hidden, classes]
        layers: list[nn.Module] = []
        for before, after in zip(sizes, sizes[1:]):
            layers += [nn.Linear(before, after), nn.ReLU(in_place)]
        return nn.Sequential(*layers[:-1])

    return build


def small_cnn_28(in_place: bool) -> nn.Module:
    """`small-cnn-28` of gairat for 1 x 28 x 28."""
    layers: list[nn.Module] = []
    for inputs, outputs in [(1, 32), (32, 64)]:
        layers += [nn.Conv2d(inputs, outputs, 3), nn.ReLU(in_place)]
        layers += [nn.Conv2d(outputs, outputs, 3), nn.ReLU(in_place), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(64 * 4 * 4, 200), nn.ReLU(in_place)]
    layers += [nn.Linear(200, 200), nn.ReLU(in_place), nn.Linear(200, 10)]
    return nn.Sequential(*layers)


def resnet18(in_place: bool) -> nn.Module:
    """`resnet18` of gairat for 3 x 32 x 32."""
    layers: list[nn.Module] = [ConvolutionAndNorm(3, 64, 3), nn.ReLU(in_place)]
    for inputs, outputs, stride in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]:
        layers += [BasicBlock(inputs, outputs, stride, in_place), BasicBlock(outputs, outputs, 1, in_place)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    return nn.Sequential(*layers)


@dataclass(frozen=True)
class Case:
    """A piece of work, by the names that gairat and PyTorch have for it."""

    name: str
    model: str
    shape: tuple[int, ...]
    classes: int
    batch: int
    parameters: int
    """How many gairat's network has; ours must have as many, or the two would not do the same."""
    build: Callable[[bool], nn.Module]
    """The network; the argument says whether its ReLUs work in place."""
    normalised: bool = False
    """Whether the network has batch normalisation."""
    method: str = "gairat"
    """gairat or trades."""

    @property
    def gairat_input(self) -> str:
        return "x".join(map(str, self.shape))


CASES = [
    Case("mlp2", "mlp:64,64", (2,), 2, 256, 4_482, mlp(2, [64, 64], 2)),
    Case("mlp64", "mlp:128,128", (64,), 10, 128, 26_122, mlp(64, [128, 128], 10)),
    Case("small-cnn-28", "small-cnn-28", (1, 28, 28), 10, 128, 312_202, small_cnn_28),
    Case("resnet18", "resnet18", (3, 32, 32), 10, 16, 11_173_962, resnet18, normalised=True),
    Case("resnet18-128", "resnet18", (3, 32, 32), 10, 128, 11_173_962, resnet18, normalised=True),
    Case("trades", "small-cnn-28", (1, 28, 28), 10, 128, 312_202, small_cnn_28, method="trades"),
]
USUAL = ["mlp2", "mlp64", "small-cnn-28", "resnet18"]
"""What is measured where nothing is asked for."""


# ---------------------------------------------------------------------------------- the step, two variants --


@dataclass(frozen=True)
class Choice:
    """How PyTorch is let run: what a variant leaves open, to be settled by trying."""

    threads: int
    channels_last: bool = False
    folded: bool = False

    def __str__(self) -> str:
        words = [f"{self.threads} thread" + "s" * (self.threads > 1)]
        words += ["channels_last"] * self.channels_last + ["folded"] * self.folded
        return ", ".join(words)


class Published:
    """The training step as the published code does it (attack_generator.py and GAIRAT.py there)."""

    def __init__(self, case: Case, device: torch.device, choice: Choice) -> None:
        del choice  # Nothing to choose but the threads, which are set from outside.
        self.device = device
        self.images, self.labels = batch_of(case)
        self.network = case.build(False).to(device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=2e-4
        )

    def attack(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        self.network.eval()
        kappa = torch.zeros(len(images))  # on the host, also there
        noise = torch.empty(images.shape, dtype=torch.float64).uniform_(-EPSILON, EPSILON)
        iterate = torch.clamp(images.detach() + noise.float().to(self.device), 0.0, 1.0)
        for _ in range(K):
            iterate.requires_grad_()
            logits = self.network(iterate)
            predicted = logits.max(1, keepdim=True)[1]
            for place in range(len(iterate)):
                if predicted[place] == labels[place]:
                    kappa[place] += 1
            self.network.zero_grad()
            functional.cross_entropy(logits, labels).backward()
            iterate = iterate.detach() + STEP_SIZE * iterate.grad.sign()
            iterate = torch.min(torch.max(iterate, images - EPSILON), images + EPSILON)
            iterate = torch.clamp(iterate, 0.0, 1.0)
        return iterate.detach(), kappa

    def step(self) -> float:
        images, labels = self.images.to(self.device), self.labels.to(self.device)
        adversarial, kappa = self.attack(images, labels)
        self.network.train()
        self.optimizer.zero_grad()
        losses = functional.cross_entropy(self.network(adversarial), labels, reduction="none")
        raw = ((LAMBDA + (K // 2 - kappa.to(self.device)) * 5 / (K // 2)).tanh() + 1) / 2
        loss = losses.mul(raw * len(raw) / raw.sum()).mean()
        value = loss.item()
        loss.backward()
        self.optimizer.step()
        return value


class Tuned:
    """The same training step without the work that it does not need."""

    def __init__(self, case: Case, device: torch.device, choice: Choice) -> None:
        images, labels = batch_of(case)
        self.images, self.labels = images.to(device), labels.to(device)
        self.network = case.build(True).to(device)
        if choice.channels_last:
            self.images = self.images.contiguous(memory_format=torch.channels_last)
            self.network.to(memory_format=torch.channels_last)
        self.parameters = list(self.network.parameters())
        self.foldable: list[Any] = []
        if choice.folded:
            self.foldable = [part for part in self.network.modules() if isinstance(part, ConvolutionAndNorm)]
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=LEARNING_RATE, momentum=0.9, weight_decay=2e-4, fused=True
        )

    def freeze(self) -> None:
        self.network.eval()
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        for part in self.foldable:
            part.fold()

    def unfreeze(self) -> None:
        for part in self.foldable:
            part.unfold()
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        self.network.train()

    def attack(self) -> tuple[Tensor, Tensor]:
        # The ball and the pixels' range at once: both are intervals, and so is what they share.
        lowest = (self.images - EPSILON).clamp_(min=0.0)
        highest = (self.images + EPSILON).clamp_(max=1.0)
        kappa = torch.zeros(len(self.images), device=self.images.device)
        iterate = torch.empty_like(self.images).uniform_(-EPSILON, EPSILON).add_(self.images).clamp_(0.0, 1.0)
        iterate.requires_grad_()
        for _ in range(K):
            logits = self.network(iterate)
            (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, self.labels), iterate)
            with torch.no_grad():
                kappa += logits.argmax(1) == self.labels
                iterate.add_(gradient.sign_(), alpha=STEP_SIZE).clamp_(lowest, highest)
        return iterate.detach(), kappa

    def step(self) -> float:
        self.freeze()
        adversarial, kappa = self.attack()
        self.unfreeze()
        # sigmoid(2 s) is (1 + tanh s) / 2.
        raw = torch.sigmoid(2 * (LAMBDA + 5 * (1 - 2 * kappa / K)))
        losses = functional.cross_entropy(self.network(adversarial), self.labels, reduction="none")
        loss = torch.dot(losses, raw) / raw.sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


class PublishedTrades(Published):
    """A step of TRADES as its published code does it (trades.py there)."""

    def step(self) -> float:
        images, labels = self.images.to(self.device), self.labels.to(self.device)
        divergence = nn.KLDivLoss(reduction="sum")
        self.network.eval()
        iterate = images.detach() + 0.001 * torch.randn(images.shape, device=self.device)
        for _ in range(K):
            iterate.requires_grad_()
            with torch.enable_grad():
                loss = divergence(
                    functional.log_softmax(self.network(iterate), dim=1),
                    functional.softmax(self.network(images), dim=1),
                )
            (gradient,) = torch.autograd.grad(loss, [iterate])
            iterate = iterate.detach() + STEP_SIZE * torch.sign(gradient.detach())
            iterate = torch.min(torch.max(iterate, images - EPSILON), images + EPSILON)
            iterate = torch.clamp(iterate, 0.0, 1.0)
        self.network.train()
        self.optimizer.zero_grad()
        logits = self.network(images)
        loss_natural = functional.cross_entropy(logits, labels)
        loss_robust = (1.0 / len(images)) * divergence(
            functional.log_softmax(self.network(iterate.detach()), dim=1),
            functional.softmax(self.network(images), dim=1),
        )
        loss = loss_natural + BETA * loss_robust
        value = loss.item()
        loss.backward()
        self.optimizer.step()
        return value


class TunedTrades(Tuned):
    """The same without what it need not do: the natural probabilities are computed once for the attack and once for the update."""

    def attack(self) -> tuple[Tensor, Tensor]:
        lowest = (self.images - EPSILON).clamp_(min=0.0)
        highest = (self.images + EPSILON).clamp_(max=1.0)
        with torch.no_grad():
            natural = functional.softmax(self.network(self.images), dim=1)
        iterate = torch.randn_like(self.images).mul_(0.001).add_(self.images)
        iterate.requires_grad_()
        for _ in range(K):
            loss = functional.kl_div(functional.log_softmax(self.network(iterate), dim=1), natural, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, iterate)
            with torch.no_grad():
                iterate.add_(gradient.sign_(), alpha=STEP_SIZE).clamp_(lowest, highest)
        return iterate.detach(), natural

    def step(self) -> float:
        self.freeze()
        adversarial, _ = self.attack()
        self.unfreeze()
        logits = self.network(self.images)
        divergence = functional.kl_div(
            functional.log_softmax(self.network(adversarial), dim=1),
            functional.softmax(logits, dim=1),
            reduction="batchmean",
        )
        loss = functional.cross_entropy(logits, self.labels) + BETA * divergence
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


VARIANTS = {"gairat": (Published, Tuned), "trades": (PublishedTrades, TunedTrades)}
Variant = Union[type[Published], type[Tuned]]


def batch_of(case: Case) -> tuple[Tensor, Tensor]:
    """The batch, on the host; seeds the weights that are drawn next, so that all variants start alike."""
    torch.manual_seed(0)
    return torch.rand(case.batch, *case.shape), torch.randint(0, case.classes, (case.batch,))


# -------------------------------------------------------------------------------------------------- timing --


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Candidate:
    """A variant with its choices made, ready to be timed."""

    def __init__(self, variant: Variant, case: Case, device: torch.device, choice: Choice) -> None:
        self.choice = choice
        self.device = device
        torch.set_num_threads(choice.threads)
        self.work = variant(case, device, choice)

    def times(self, seconds: float, warm_up: int = WARM_UP, least: int = LEAST_STEPS) -> list[float]:
        """Milliseconds of each step, over `seconds` but of at least `least` steps."""
        torch.set_num_threads(self.choice.threads)
        for _ in range(warm_up):
            if not math.isfinite(self.work.step()):
                raise SystemExit("PyTorch's loss is not finite; its times would mean nothing")
        taken: list[float] = []
        wait(self.device)
        begun = time.perf_counter()
        while len(taken) < least or time.perf_counter() - begun < seconds:
            start = time.perf_counter()
            self.work.step()
            wait(self.device)
            taken.append((time.perf_counter() - start) * 1e3)
        return taken


def fastest(
    variant: Variant, case: Case, device: torch.device, choices: list[Choice], seconds: float
) -> Candidate:
    """What short trials of each choice say is fastest."""
    least = {choice: math.inf for choice in choices}
    # Other work on the machine can spoil a trial, and only ever makes it slower: so the least time counts,
    # and what is not far behind after the first turn gets a second.
    for turn in range(2 if len(choices) > 1 else 0):
        limit = 1.5 * min(least.values())
        for choice in choices:
            if turn == 0 or least[choice] <= limit:
                # Made anew each time: all of them at once could be more than fits into memory.
                candidate = Candidate(variant, case, device, choice)
                least[choice] = min(least[choice], *candidate.times(seconds / 4, warm_up=1, least=2))
    for choice, took in least.items():
        if math.isfinite(took):
            progress(f"{case.name}: {variant.__name__.lower()}, {choice}: {took:.2f} ms at best")
    return Candidate(variant, case, device, min(choices, key=least.__getitem__))


def choices_of(case: Case, threads: list[int]) -> list[Choice]:
    """All that the tuned variant tries for a case."""
    layouts = [False, True] if len(case.shape) == 3 else [False]
    foldings = [False, True] if case.normalised else [False]
    return [Choice(count, last, folded) for count in threads for last in layouts for folded in foldings]


# --------------------------------------------------------------------------------------------------- floor --


@dataclass(frozen=True)
class Floor:
    """What a step cannot do without."""

    operations: int
    touched_bytes: int


def floor_of(case: Case) -> Floor:
    """Counted on a batch of one, on the way of that batch through the network."""
    network = case.build(False).eval()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if parameters != case.parameters:
        raise SystemExit(f"{case.name} has {parameters} parameters here, {case.parameters} in gairat")
    multiply_adds = 0
    numbers = torch.Size(case.shape).numel()

    def count(part: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal multiply_adds, numbers
        # Each number put out is a sum over one row of a matrix, or one kernel over all its channels.
        multiply_adds += output.numel() * part.weight[0].numel()
        numbers += output.numel()

    for part in network.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            part.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, *case.shape))
    forward = 2 * multiply_adds * case.batch
    # TRADES asks for the natural probabilities besides, and goes both ways through two passes.
    passes = {"gairat": 2 * K + 3, "trades": 2 * K + 1 + 6}[case.method]
    return Floor(passes * forward, 4 * (parameters + numbers * case.batch))


def matrix_rate(device: torch.device, threads: list[int]) -> tuple[float, int, int]:
    """The best of GFLOP/s of a float32 matrix product, at how many threads, and the matrices' side."""
    # A GPU has nothing to do with matrices as small as fill a processor.
    side = 4096 if device.type == "cuda" else 1024
    left, right = (torch.rand(side, side, device=device) for _ in range(2))
    product = torch.empty(side, side, device=device)
    best = 0.0, threads[0]
    for count in threads:
        torch.set_num_threads(count)
        least = float("inf")
        begun = time.perf_counter()
        while time.perf_counter() - begun < 0.5:
            wait(device)
            start = time.perf_counter()
            torch.mm(left, right, out=product)
            wait(device)
            least = min(least, time.perf_counter() - start)
        best = max(best, (2 * side**3 / least / 1e9, count))
    return best[0], best[1], side


# -------------------------------------------------------------------------------------------------- gairat --


def find_gairat(asked: str | None) -> str:
    """The program to measure; ends with a message where there is none."""
    if asked is not None:
        found = shutil.which(asked)
        if found is None:
            raise SystemExit(f"--gairat {asked}: there is no such program, or it cannot be run")
        return found
    name = "gairat.exe" if os.name == "nt" else "gairat"
    folders = [Path(__file__).resolve().parent.parent / "target"]
    if os.environ.get("CARGO_TARGET_DIR"):
        folders.insert(0, Path(os.environ["CARGO_TARGET_DIR"]))
    places = [str(folder / "release" / name) for folder in folders]
    for place in ["gairat", *places]:
        found = shutil.which(place)
        if found is not None:
            return found
    raise SystemExit(
        "gairat was not found: not on PATH, not at " + ", not at ".join(places) + "\n"
        "build it with `cargo build --release`, or say where it is with --gairat PATH"
    )


def gairat_bench(program: str, case: Case, arguments: argparse.Namespace) -> dict[str, Any]:
    """What `gairat bench --json` prints for a case."""
    command = [program, "bench", "--json", "--model", case.model, "--input", case.gairat_input]
    command += ["--classes", str(case.classes), "--batch", str(case.batch), "--steps", str(K)]
    command += ["--device", arguments.gairat_device, "--method", case.method]
    if arguments.path is not None:
        command += ["--path", arguments.path]
    if arguments.threads is not None:
        command += ["--threads", str(arguments.threads)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as problem:
        raise SystemExit(f"{program} cannot be run: {problem}") from problem
    said = f"`{' '.join(command)}`"
    if ended.returncode != 0:
        raise SystemExit(f"{said} ended with {ended.returncode}:\n{(ended.stderr or ended.stdout).strip()}")
    for line in ended.stdout.splitlines():
        try:
            measured = json.loads(line)
        except ValueError:
            continue
        if isinstance(measured, dict) and "step_ms" in measured:
            if (measured.get("batch", case.batch), measured.get("k", K)) != (case.batch, K):
                raise SystemExit(f"{said} measured other work than asked: {line}")
            return measured
    raise SystemExit(f"{said} printed no line of JSON with `step_ms`:\n{ended.stdout.strip()[:500]}")


# -------------------------------------------------------------------------------------------------- report --


def measure(
    case: Case, program: str, device: torch.device, arguments: argparse.Namespace, rate: float
) -> dict[str, Any]:
    """All figures of a case."""
    floor = floor_of(case)
    threads = thread_counts(arguments.threads, device)
    as_published, as_tuned = VARIANTS[case.method]
    tuned = fastest(as_tuned, case, device, choices_of(case, threads), arguments.seconds)
    published = fastest(as_published, case, device, [Choice(count) for count in threads], arguments.seconds)

    rounds: list[dict[str, Any]] = []
    for number in range(arguments.rounds):
        tuned_ms = statistics.median(tuned.times(arguments.seconds))
        published_ms = statistics.median(published.times(arguments.seconds))
        ours = gairat_bench(program, case, arguments)
        rounds.append({"tuned_ms": tuned_ms, "published_ms": published_ms, "gairat": ours})
        progress(
            f"{case.name}: round {number + 1} of {arguments.rounds}: tuned {tuned_ms:.2f} ms, "
            f"published {published_ms:.2f} ms, gairat {ours['step_ms']:.2f} ms"
        )

    def gairat_median(field: str) -> float | None:
        values = [turn["gairat"].get(field) for turn in rounds]
        return None if None in values else statistics.median(values)

    tuned_ms = statistics.median(turn["tuned_ms"] for turn in rounds)
    published_ms = statistics.median(turn["published_ms"] for turn in rounds)
    step_ms = gairat_median("step_ms")
    assert step_ms is not None, "gairat_bench looks for it"
    reached = floor.operations / step_ms / 1e6
    last = rounds[-1]["gairat"]
    return {
        "case": case.name,
        "model": case.model,
        "input": case.gairat_input,
        "classes": case.classes,
        "batch": case.batch,
        "k": K,
        "tuned_ms": tuned_ms,
        "tuned_choice": str(tuned.choice),
        "published_ms": published_ms,
        "published_choice": str(published.choice),
        "step_ms": step_ms,
        "attack_ms": gairat_median("attack_ms"),
        "update_ms": gairat_median("update_ms"),
        "path": last.get("path"),
        "gairat_device": last.get("device"),
        "gairat_adapter": last.get("adapter"),
        "gairat_api": last.get("api"),
        "dispatches": last.get("dispatches"),
        "ours_to_tuned": step_ms / tuned_ms,
        "ours_to_published": step_ms / published_ms,
        "gflop": floor.operations / 1e9,
        "floor_ms": floor.operations / rate / 1e6,
        "gflop_per_s": reached,
        "share_of_matrix_rate": reached / rate,
        "touched_once_mb": floor.touched_bytes / 1e6,
        "rounds": rounds,
    }


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as they need to be, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = []
    for row in [heads, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def figure(number: float | None) -> str:
    """Four digits that count."""
    if number is None:
        return "-"
    return f"{number:,.{max(0, 4 - len(str(int(number))))}f}"


def report(found: list[dict[str, Any]], machine: dict[str, Any]) -> str:
    """The tables."""
    times, floors, devices = [], [], []
    for case in found:
        parts = f"{figure(case['attack_ms'])} + {figure(case['update_ms'])}"
        ours = [figure(case["step_ms"]), parts, case["path"] or "-"]
        ratios = [f"{case['ours_to_tuned']:.2f}", f"{case['ours_to_published']:.2f}"]
        times.append([case["case"], figure(case["tuned_ms"]), figure(case["published_ms"]), *ours, *ratios])
        share = f"{100 * case['share_of_matrix_rate']:.1f} %"
        floor = [figure(case["gflop"]), figure(case["floor_ms"]), figure(case["gflop_per_s"]), share]
        floors.append([case["case"], *floor, figure(case["touched_once_mb"])])
        device = " ".join(str(case[field]) for field in ("gairat_adapter", "gairat_api") if case[field])
        chosen = [case["tuned_choice"], case["published_choice"], device or case["gairat_device"] or "-"]
        devices.append([case["case"], *chosen])
    side, rate = machine["matrix_side"], figure(machine["matrix_gflop_per_s"])
    about = [
        f"{machine['processor']}, {machine['cores']} cores; {machine['gairat']}",
        f"PyTorch {machine['torch']} on {machine['device']}, float32",
        f"torch.mm of {side} x {side}: {rate} GFLOP/s ({Choice(machine['matrix_threads'])})",
    ]
    ours_heads = ["ours", "attack + update", "path", "ours/tuned", "ours/published"]
    parts = [
        "\n".join(about),
        table(["ms a step", "tuned", "published", *ours_heads], times),
        table(["what ran", "tuned", "published", "ours"], devices),
        table(["floor", "GFLOP", "ms at matrix rate", "ours, GFLOP/s", "share", "touched once, MB"], floors),
    ]
    return "\n\n".join(parts)


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may use, which in a container can be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_counts(asked: int | None, device: torch.device) -> list[int]:
    """The numbers of threads to try."""
    if asked is not None:
        return [asked]
    # With the work on a GPU, one thread of the host gives the orders.
    return [1] if device.type == "cuda" else sorted({1, cores()})


def progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """An argument that has to be above 0."""

    def parse(text: str) -> Any:
        try:
            number = kind(text)
        except ValueError:
            number = 0
        if not number > 0:
            wanted = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"expected a {wanted} above 0, not `{text}`")
        return number

    return parse


def arguments_of(command_line: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Time a GAIRAT training step (attack of K = 10 steps, weights, SGD update) in PyTorch\n"
        "and in `gairat bench` beside each other on the same work, and print the ratios.",
        epilog="What is timed and how the two PyTorch variants differ is told at the top of this file.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [case.name for case in CASES]
    parser.add_argument(
        "--gairat",
        metavar="PATH",
        help="the program [default: `gairat` on PATH, then $CARGO_TARGET_DIR/release, then target/release]",
    )
    parser.add_argument(
        "--cases",
        nargs="+",
        choices=names,
        default=USUAL,
        metavar="CASE",
        help=f"what to run: {', '.join(names)} [default: {', '.join(USUAL)}]",
    )
    parser.add_argument(
        "--device", choices=["cpu", "cuda"], default="cpu", help="PyTorch's device [default: cpu]"
    )
    parser.add_argument(
        "--gairat-device",
        metavar="D",
        help="gairat's device: cpu, gpu or a name [default: cpu beside cpu, gpu beside cuda]",
    )
    parser.add_argument(
        "--path", choices=["auto", "fused", "composed"], help="gairat's path [default: as gairat chooses]"
    )
    parser.add_argument(
        "--threads",
        type=positive(int),
        metavar="N",
        help="threads of both [default: PyTorch the better of 1 and all, gairat as it chooses]",
    )
    parser.add_argument(
        "--seconds",
        type=positive(float),
        default=3.0,
        metavar="S",
        help="time for each of PyTorch's measurements, three steps at least [default: 3]",
    )
    parser.add_argument(
        "--rounds", type=positive(int), default=3, metavar="N", help="turns of each [default: 3]"
    )
    parser.add_argument(
        "--json", action="store_true", help="JSON, not tables: a line for the machine, one for each case"
    )
    parser.add_argument(
        "--methods", action="store_true", help="time nothing; compare a training step of every method"
    )
    parser.add_argument("names", nargs="*", metavar="METHOD", help="with --methods: these only [default: all]")
    arguments = parser.parse_args(command_line)
    if arguments.names and not arguments.methods:
        parser.error(f"`{arguments.names[0]}`: names of methods are for --methods")
    if arguments.gairat_device is None:
        arguments.gairat_device = "gpu" if arguments.device == "cuda" else "cpu"
    return arguments


def main() -> None:
    arguments = arguments_of()
    if torch is None:
        raise SystemExit(f"PyTorch is needed ({TORCH_PROBLEM}): python3 -m pip install torch")
    program = find_gairat(arguments.gairat)
    if arguments.methods:
        import methods_in_pytorch  # Which needs numpy, and this file for its networks.

        sys.exit(methods_in_pytorch.compare(program, arguments.names))
    device = torch.device(arguments.device)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise SystemExit("--device cuda: this PyTorch finds no CUDA device")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        # Shapes never change, so that trying cuDNN's algorithms once pays; the published code sets it, too.
        torch.backends.cudnn.benchmark = True

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if load is not None and load > 0.5:
        # PyTorch's threads seem to wait for each other by spinning: on a busy machine steps of ResNet-18 with
        # as many threads as cores took ten times as long.
        progress(f"load average {load:.1f}: other work seems to run here, which spoils figures")
    rate, rate_threads, side = matrix_rate(device, thread_counts(arguments.threads, device))
    machine = {
        "processor": processor(),
        "cores": cores(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU",
        "matrix_gflop_per_s": rate,
        "matrix_threads": rate_threads,
        "matrix_side": side,
        "load_before": load,
        "gairat": program,
    }
    if arguments.json:
        print(json.dumps({"machine": machine}), flush=True)
    found = []
    for case in CASES:
        if case.name not in arguments.cases:
            continue
        found.append(measure(case, program, device, arguments, rate))
        if arguments.json:
            print(json.dumps(found[-1]), flush=True)
    if not arguments.json:
        print(report(found, machine))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
