#!/usr/bin/env python3
"""The attacks of `gairat eval` beside reference implementations in PyTorch: the same samples, the same weights, sample by
sample.

    python3 -m pip install torch numpy torchattacks
    gairat train --data digits --method gairat --out RUN
    python3 tests/attacks_in_pytorch.py --run RUN                                  all attacks, L-infinity, the run's epsilon
    python3 tests/attacks_in_pytorch.py --run RUN --norm l2 --epsilon 0.5 --time
    python3 tests/attacks_in_pytorch.py --run RUN --attacks apgd-ce,square:1000 --gairat target/release/gairat
    python3 tests/attacks_in_pytorch.py --run RUN --suite autoattack               AutoAttack as a whole

Needs Python 3.9 or newer, torch, numpy and torchattacks (https://github.com/Harry24k/adversarial-attacks-pytorch; 3.5.1 asks
for an old `requests`, so give it a virtual environment of its own).

`gairat eval --out` writes the samples that it evaluated and which of them withstood each attack. The references attack the
samples that the network gets right, and every image that they give is judged here: a sample is broken where its image is
finite, lies in ball and box and is misclassified. What attacks do at random they draw differently, so accuracies agree within
a point (L-infinity) or one and a half (L2), not exactly. (Square varies most: it draws one square for a whole batch, and on
360 samples may come out a point apart from seed to seed.) The two counts at the end of a line say how many samples gairat
alone broke, and how many PyTorch alone. For the suite only one direction counts: gairat may be 0.3 points less severe.
Ends with 0 if all agree, 1 if something differs, 2 if nothing could be compared.

The references, and where torchattacks (3.5.1) is not what the published code does:

pgd, mim      torchattacks, steps of a quarter of epsilon. Its L2 PGD starts at a radius that is uniform in [0, epsilon], which
              is nearer to the sample than a uniform point of the ball. Its MIM divides by the gradient's size, and a sample
              whose gradient was 0 once stays where it is from then on. It knows no L2: there, our own.
cw            Our own: PGD on the margin of the logits.
apgd-ce,      torchattacks takes 10 steps where it is not told; AutoAttack takes 100. It is the same algorithm.
apgd-dlr
apgd-t        In L2, torchattacks gives all samples the step size of the first of the batch. So there the targeted loss is put
              into its untargeted APGD, which keeps a step size for each sample; in L-infinity the two come to the same images.
fab-t         torchattacks takes 10 steps where it is not told; AutoAttack takes 100.
square        torchattacks squeezes its schedule of sizes into the number of queries where it is not told not to; AutoAttack
              does not. Squares need images: rows of numbers are laid out as `--layout` says, which must be what gairat does,
              because it matters by several points. In one line, a square is a piece of the line.
ddn           Our own, without rounding to 256 levels.
autoattack    torchattacks.AutoAttack, "standard", each of its parts told as above: as it comes, it runs APGD and FAB for 10
              steps. At most 9 targets, as in AutoAttack. It has no checks of the network, and a network of less than 4 classes
              is attacked without APGD-T, whose loss needs the fourth logit.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

try:
    import numpy
    import torch
    import torchattacks
    from torch import Tensor, nn
    from torch.nn import functional

    import beside_pytorch
    import methods_in_pytorch
except ImportError as problem:  # `--help` has to work without them, so `main` complains, not this line.
    torchattacks = None
    MISSING = problem.name

THREADS = 2
BATCH = 250
"""How many samples the references attack together: AutoAttack's default."""
ROUNDING = 1e-5
"""By how much an image may lie outside the ball."""
BOUNDS = {"linf": 1.0, "l2": 1.5}
"""How many points of accuracy an attack may differ by."""
SUITE_BOUND = 0.3
"""How many points less severe the suite may be."""
NORMS = {"linf": "Linf", "l2": "L2"}
"""What torchattacks calls them."""


class Unable(Exception):
    """Why nothing can be compared."""


# ------------------------------------------------------------------------------------------------- attacks --


@dataclass(frozen=True)
class About:
    """What may be asked of an attack."""

    defaults: tuple[int, ...]
    """The numbers behind its name, where they are not given."""
    classes: int = 2
    """It needs so many classes."""
    norms: tuple[str, ...] = ("linf", "l2")


KNOWN = {
    "natural": About(()),
    "pgd": About((20,)),
    "cw": About((20,)),
    "mim": About((20,)),
    "apgd-ce": About((100,)),
    "apgd-dlr": About((100,), classes=3),
    "apgd-t": About((100, 9), classes=4),
    "fab-t": About((100, 9)),
    "ddn": About((100,), norms=("l2",)),
    "square": About((5000,)),
}
AUTOATTACK = ["apgd-ce", "apgd-t", "fab-t", "square"]


@dataclass(frozen=True)
class Spec:
    """An attack as it is written on the command line, such as `apgd-t:100:9`."""

    name: str
    numbers: tuple[int, ...]

    @staticmethod
    def of(text: str) -> Spec:
        name, *given = text.strip().split(":")
        if name not in KNOWN:
            raise Unable(f"`{text}`: there is a reference for {', '.join(KNOWN)} only")
        numbers = list(KNOWN[name].defaults)
        if len(given) > len(numbers) or not all(number.isdigit() and int(number) > 0 for number in given):
            usual = ":".join([name, *map(str, numbers)])
            raise Unable(f"`{text}`: expected `{name}`, and after it whole numbers above 0 as in {usual}")
        numbers[: len(given)] = map(int, given)
        return Spec(name, tuple(numbers))

    def __str__(self) -> str:
        return ":".join([self.name, *map(str, self.numbers)])


NATURAL = Spec("natural", ())


def length(offset: Tensor) -> Tensor:
    """The Euclidean length of each sample's part, to multiply with."""
    return offset.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def distance(offset: Tensor, norm: str) -> Tensor:
    """How far each sample was moved."""
    return offset.flatten(1).norm(p=math.inf if norm == "linf" else 2, dim=1)


def within(x: Tensor, images: Tensor, epsilon: float, norm: str) -> Tensor:
    """The nearest images in the ball around `x`, and then in the box."""
    moved = images - x
    if norm == "linf":
        moved = moved.clamp(-epsilon, epsilon)
    else:
        moved = moved * (epsilon / (length(moved) + 1e-12)).clamp(max=1)
    return (x + moved).clamp(0, 1)


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """By how much the strongest wrong class is above the right one."""
    right = functional.one_hot(y, logits.shape[1]).bool()
    return logits.masked_fill(right, -math.inf).max(1).values - logits[right]


def slope(network: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The logits, and the gradient of the loss in the pixels."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = network(x)
        (gradient,) = torch.autograd.grad(loss(logits, y).sum(), x)
    return logits.detach(), gradient


@dataclass(frozen=True)
class Climb:
    """Steps of a quarter of epsilon up a loss: for what torchattacks lacks."""

    network: nn.Module
    norm: str
    epsilon: float
    steps: int
    seed: int
    loss: Callable[[Tensor, Tensor], Tensor]
    momentum: bool = False
    """Along a running sum of gradients, each divided by its mean size, from the sample itself; else from a random start."""

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        torch.manual_seed(self.seed)
        images, total = x, torch.zeros_like(x)
        if not self.momentum and self.norm == "linf":
            images = within(x, x + torch.empty_like(x).uniform_(-self.epsilon, self.epsilon), self.epsilon, self.norm)
        elif not self.momentum:
            direction = torch.randn_like(x)
            radius = torch.rand(len(x), 1, 1, 1) ** (1 / x[0].numel())  # Every point of the ball is as likely.
            images = (x + self.epsilon * radius * direction / length(direction)).clamp(0, 1)
        for _ in range(self.steps):
            _, along = slope(self.network, self.loss, images, y)
            if self.momentum:
                total += along / along.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-30)
                along = total
            along = along.sign() if self.norm == "linf" else along / (length(along) + 1e-12)
            images = within(x, images + self.epsilon / 4 * along, self.epsilon, self.norm)
        return images


def ddn(network: nn.Module, epsilon: float, steps: int, x: Tensor, y: Tensor) -> Tensor:
    """Decoupled direction and norm (Rony et al. 2019): steps along the gradient, at a distance that shrinks while the image is
    misclassified and grows while it is not. The nearest misclassified images where they are near enough, else the samples; the
    last step is not looked at."""
    farthest = torch.maximum(x, 1 - x).flatten(1).norm(dim=1)
    moved, radius = torch.zeros_like(x), torch.ones(len(x))
    found, nearest = x.clone(), farthest.clone()
    for step in range(steps):
        images, apart = x + moved, distance(moved, "l2")
        logits, along = slope(network, cross_entropy, images, y)
        wrong = logits.argmax(1) != y
        better = wrong & (apart < nearest)
        found[better], nearest[better] = images[better], apart[better]
        size = length(along)
        along = torch.where(size > 0, along / size.clamp(min=1e-30), torch.randn_like(x))
        moved = moved + (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2) * along
        radius = torch.minimum(radius * torch.where(wrong, 0.95, 1.05), farthest)
        moved = (x + moved * (radius.view(-1, 1, 1, 1) / length(moved).clamp(min=1e-12))).clamp(0, 1) - x
    return torch.where((nearest <= epsilon).view(-1, 1, 1, 1), found, x)


if torchattacks is not None:

    class TargetedAPGD(torchattacks.APGD):
        """APGD-T with a step size for each sample, also in L2."""

        def __init__(self, network: nn.Module, norm: str, eps: float, steps: int, seed: int, targets: int) -> None:
            super().__init__(network, norm=norm, eps=eps, steps=steps, seed=seed, loss="dlr")
            self.targets = targets
            self.rank = 2

        def dlr_loss(self, x: Tensor, y: Tensor) -> Tensor:
            """The targeted loss in place of the other; x are logits."""
            ordered, rows = x.sort(1).values, torch.arange(len(x))
            apart = x[rows, self.__dict__["target"]] - x[rows, y]
            return apart / (ordered[:, -1] - 0.5 * ordered[:, -3] - 0.5 * ordered[:, -4] + 1e-12)

        def attack_single_run(self, x_in: Tensor, y_in: Tensor) -> Any:
            """Towards the class that is of this rank in the clean logits."""
            with torch.no_grad():
                target = self.get_logits(x_in).sort(1).indices[:, -self.rank]
            self.__dict__["target"] = target  # Not by name: torchattacks compares whatever is set so, which tensors forbid.
            return super().attack_single_run(x_in, y_in)

        def forward(self, images: Tensor, labels: Tensor) -> Tensor:
            """One target after the other, each on the samples that are left."""
            found = images.detach().clone()
            with torch.no_grad():
                left = self.get_logits(found).argmax(1) == labels
            torch.manual_seed(self.seed)
            for self.rank in range(2, self.targets + 2):
                rows = left.nonzero().flatten()
                if len(rows) == 0:
                    break
                _, right, _, adversarial = self.attack_single_run(images[rows], labels[rows])
                found[rows[~right]] = adversarial[~right].detach()
                left[rows[~right]] = False
            return found


@dataclass(frozen=True)
class Subject:
    """What is attacked, and what the adversary may do."""

    network: nn.Module
    classes: int
    norm: str
    epsilon: float
    seed: int


Reference = Callable[["Tensor", "Tensor"], "Tensor"]


def targeted_apgd(subject: Subject, steps: int, targets: int) -> Reference:
    network, norm, seed = subject.network, NORMS[subject.norm], subject.seed
    if subject.norm == "l2":
        return TargetedAPGD(network, norm, subject.epsilon, steps, seed, targets)
    return torchattacks.APGDT(network, norm=norm, eps=subject.epsilon, steps=steps, seed=seed, n_classes=targets + 1)


def reference(spec: Spec, subject: Subject) -> Reference:
    """An attack in PyTorch."""
    network, epsilon = subject.network, subject.epsilon
    name, count = spec.name, spec.numbers[0]
    common = {"norm": NORMS[subject.norm], "eps": epsilon, "seed": subject.seed, "n_restarts": 1}
    if name == "pgd":
        torch.manual_seed(subject.seed)
        pgd = torchattacks.PGD if subject.norm == "linf" else torchattacks.PGDL2
        return pgd(network, eps=epsilon, alpha=epsilon / 4, steps=count, random_start=True)
    if name == "cw":
        return Climb(network, subject.norm, epsilon, count, subject.seed, margin)
    if name == "mim" and subject.norm == "l2":
        return Climb(network, subject.norm, epsilon, count, subject.seed, cross_entropy, momentum=True)
    if name == "mim":
        return torchattacks.MIFGSM(network, eps=epsilon, alpha=epsilon / 4, steps=count, decay=1.0)
    if name in ("apgd-ce", "apgd-dlr"):
        return torchattacks.APGD(network, steps=count, loss=name[len("apgd-") :], eot_iter=1, rho=0.75, **common)
    if name == "ddn":
        torch.manual_seed(subject.seed)
        return lambda x, y: ddn(network, epsilon, count, x, y)
    if name == "square":
        return torchattacks.Square(network, n_queries=count, p_init=0.8, loss="margin", resc_schedule=False, **common)
    targets = min(spec.numbers[1], subject.classes - 1)
    if name == "apgd-t":
        return targeted_apgd(subject, count, targets)
    if name == "fab-t":
        # Its `targeted` is another thing: a class that the user names.
        return torchattacks.FAB(network, steps=count, multi_targeted=True, n_classes=targets + 1, **common)
    raise Unable(f"there is no reference for {spec}")


def autoattack(subject: Subject) -> Reference:
    """AutoAttack's standard suite as it was published."""
    targets = min(9, subject.classes - 1)
    whole = torchattacks.AutoAttack(
        subject.network,
        norm=NORMS[subject.norm],
        eps=subject.epsilon,
        version="standard",
        n_classes=targets + 1,
        seed=subject.seed,
    )
    parts = whole._autoattack.attacks
    for place, part in enumerate(parts):
        if isinstance(part, torchattacks.APGDT):
            parts[place] = targeted_apgd(subject, 100, targets)
        elif isinstance(part, torchattacks.Square):
            part.rescale_schedule = False
        else:
            part.steps = 100
    if subject.classes < KNOWN["apgd-t"].classes:
        del parts[1]
    return whole


def withstood(attack: Reference, subject: Subject, x: Tensor, y: Tensor) -> tuple[Tensor, float, str]:
    """Which samples the network gets right before and after the attack, the seconds that the attack took, and what is to be
    said of its images."""
    network = subject.network
    right, seconds, remarks = correct(network, x, y), 0.0, {"not a number": 0, "outside ball or box": 0}
    for rows in right.nonzero().flatten().split(BATCH):
        begun = time.perf_counter()
        images = attack(x[rows], y[rows]).detach()
        seconds += time.perf_counter() - begun
        finite = images.flatten(1).isfinite().all(1)
        near = distance(images - x[rows], subject.norm) <= subject.epsilon + ROUNDING
        inside = near & ((images >= 0) & (images <= 1)).flatten(1).all(1)
        broken = finite & inside & ~correct(network, images, y[rows])
        right[rows[broken]] = False
        remarks["not a number"] += int((~finite).sum())
        remarks["outside ball or box"] += int((finite & ~inside).sum())
    return right, seconds, "; ".join(f"{count} images {what}" for what, count in remarks.items() if count)


def correct(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([network(part).argmax(1) for part in x.split(BATCH)]) == y


# ----------------------------------------------------------------------------------------------- a network --


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, and what gairat says of them: model, classes, shape of a sample."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    about = json.loads(header.pop("__metadata__", {}).get("gairat", "{}"))
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        numbers = numpy.frombuffer(content[start + first : start + last], "<f4").copy()
        tensors[name] = torch.from_numpy(numbers).view(entry["shape"])
    return tensors, about


if torchattacks is not None:

    class Whole(nn.Module):
        """A network behind its normalisation, on images: perceptrons flatten them."""

        def __init__(self, inner: nn.Module, flatten: bool, mean: Tensor, std: Tensor) -> None:
            super().__init__()
            self.inner, self.flatten, self.mean, self.std = inner, flatten, mean.view(-1, 1, 1), std.view(-1, 1, 1)

        def forward(self, images: Tensor) -> Tensor:
            images = (images - self.mean) / self.std
            return self.inner(images.flatten(1) if self.flatten else images)


def load(weights: Path) -> tuple[nn.Module, str, int]:
    """The network of a file of weights, frozen, its name and how many classes it knows."""
    tensors, about = read_safetensors(weights)
    model = about.get("model", "")
    mean, std = (tensors.pop(f"normalise.{name}", torch.tensor([value])) for name, value in (("mean", 0.0), ("std", 1.0)))
    perceptron = model.split(":")[0] == "mlp"
    if perceptron:
        numbered = {int(name.split(".")[0]): tensor for name, tensor in tensors.items() if name.endswith(".weight")}
        layers = [numbered[place] for place in sorted(numbered)]
        build = beside_pytorch.mlp(layers[0].shape[1], [len(layer) for layer in layers[:-1]], len(layers[-1]))
        network = methods_in_pytorch.Network(model, (), 1, build, 0.0)
    else:
        known = {network.model: network for network in methods_in_pytorch.NETWORKS}
        if model not in known:
            raise Unable(f"{weights}: the network is `{model}`; there are mlp:... and {', '.join(known)} here")
        network = known[model]
    inner = network.build(False)
    try:
        state = {ours: tensors[theirs] for ours, theirs in methods_in_pytorch.published_names(network, inner).items()}
        inner.load_state_dict(state, strict=False)  # But for counts of batches, all names are from the network itself.
    except (KeyError, RuntimeError) as problem:
        raise Unable(f"{weights}: this `{model}` is not the one here: {problem}") from problem
    whole = Whole(inner, perceptron, mean, std).eval().requires_grad_(False)
    return whole, model, int(about["classes"])


def layout_of(shape: tuple[int, ...], asked: Optional[tuple[int, ...]]) -> tuple[int, ...]:
    """Channels, height and width in which samples of a shape are attacked."""
    if len(shape) == 3:
        return shape
    numbers = shape[0]
    if asked is not None:
        if math.prod(asked) != numbers:
            raise Unable(f"--layout {'x'.join(map(str, asked))}: a sample has {numbers} numbers")
        return asked
    side = math.isqrt(numbers)
    return (1, side, side) if side * side == numbers else (1, 1, numbers)


# -------------------------------------------------------------------------------------------------- gairat --


@dataclass
class Evaluation:
    """What `gairat eval` did."""

    x: Tensor
    y: Tensor
    correct: dict[Spec, Tensor]
    """Which samples withstood."""
    seconds: dict[Spec, float]
    whole_seconds: float


def evaluate(arguments: argparse.Namespace, program: str, attacks: list[Spec]) -> Evaluation:
    """Runs gairat."""
    attacks = list(dict.fromkeys([NATURAL, *attacks]))
    command = [program, "eval", f"--run={arguments.run}", f"--part={arguments.part}", f"--samples={arguments.samples}"]
    command += [f"--norm={arguments.norm}", f"--epsilon={arguments.epsilon:.9g}", f"--attack={','.join(map(str, attacks))}"]
    command += [f"--threads={THREADS}", f"--device={arguments.device}", "--json"]
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "evaluation"
        command.append(f"--out={out}")
        try:
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as problem:
            raise Unable(f"{program} cannot be run: {problem}") from problem
        if ended.returncode != 0:
            raise Unable(f"`{' '.join(command)}` ended with {ended.returncode}:\n{ended.stderr.strip()}")
        try:
            said = json.loads(ended.stdout.strip().splitlines()[-1])
            scores = {Spec.of(score["attack"]): score for score in said["scores"]}
            with numpy.load(out / "samples.npz") as archive:
                arrays = {name: archive[name] for name in archive.files}
            names = {spec: "correct_" + score["attack"].replace(":", "-") for spec, score in scores.items()}
            return Evaluation(
                x=torch.from_numpy(arrays["x"].astype("f4")),
                y=torch.from_numpy(arrays["y"].astype("i8")),
                correct={spec: torch.from_numpy(arrays[names[spec]].astype(bool)) for spec in attacks},
                seconds={spec: float(scores[spec]["seconds"]) for spec in attacks},
                whole_seconds=float(said["seconds"]),
            )
        except (IndexError, KeyError, OSError, ValueError) as problem:
            raise Unable(
                f"`{' '.join(command)}` did not say or write what was expected: {type(problem).__name__}: {problem}\n"
                f"{ended.stdout.strip()[-500:]}{ended.stderr.strip()}"
            ) from problem


# -------------------------------------------------------------------------------------------------- report --


@dataclass(frozen=True)
class Line:
    """One attack by both."""

    name: str
    ours: Tensor
    theirs: Tensor
    below: float
    """By how many points ours may be below theirs."""
    above: float
    """By how many points ours may be above theirs."""
    seconds: tuple[float, float]
    remark: str = ""

    @property
    def difference(self) -> float:
        return 100 * float(self.ours.double().mean() - self.theirs.double().mean())

    @property
    def good(self) -> bool:
        if self.below == self.above == 0:
            return bool((self.ours == self.theirs).all())
        return -self.below - 1e-9 <= self.difference <= self.above + 1e-9

    def text(self, timed: bool) -> str:
        ours, theirs = (100 * float(part.double().mean()) for part in (self.ours, self.theirs))
        alone = f"{int((~self.ours & self.theirs).sum())} / {int((self.ours & ~self.theirs).sum())}"
        verdict = "OK" if self.good else "DIFFERS"
        text = f"{self.name:16}{ours:8.2f}{theirs:10.2f}{self.difference:+11.2f}  {verdict:8}{alone:>10}"
        if timed:
            ratio = f"{self.seconds[0] / self.seconds[1]:.2f}" if self.seconds[1] > 0 else "-"
            text += f"{self.seconds[0]:10.2f} s{self.seconds[1]:9.2f} s{ratio:>7}"
        return text + f"  ({self.remark})" * bool(self.remark)


def head(timed: bool) -> str:
    text = f"{'accuracy, %':16}{'ours':>8}{'PyTorch':>10}{'difference':>11}  {'':8}{'we / they':>10}"
    return text + f"{'ours':>12}{'PyTorch':>11}{'ratio':>7}" * timed


def compare(arguments: argparse.Namespace) -> int:
    """All that was asked for; the exit code."""
    torch.set_num_threads(THREADS)
    program = beside_pytorch.find_gairat(arguments.gairat)
    network, model, classes = load(arguments.run / "best.safetensors")
    if arguments.epsilon is None:
        if arguments.norm != "linf":
            raise Unable("--epsilon: a run knows its radius in L-infinity alone; say it for L2")
        arguments.epsilon = float(json.loads((arguments.run / "settings.json").read_text(encoding="utf-8"))["epsilon"])
    subject = Subject(network, classes, arguments.norm, arguments.epsilon, arguments.seed)

    def fits(name: str) -> bool:
        return classes >= KNOWN[name].classes and arguments.norm in KNOWN[name].norms

    asked = arguments.attacks
    if asked is None:
        asked = [] if arguments.suite else [name for name in KNOWN if fits(name)]
    attacks = [Spec.of(text) for text in asked]
    for spec in attacks:
        if not fits(spec.name):
            about = KNOWN[spec.name]
            raise Unable(f"`{spec}` needs {about.classes} classes (the network knows {classes}) and {' or '.join(about.norms)}")

    bad = False
    for suite in [False] * bool(attacks) + [True] * bool(arguments.suite):
        specs = [Spec.of(name) for name in AUTOATTACK if fits(name)] if suite else attacks
        evaluation = evaluate(arguments, program, specs)
        shape = layout_of(tuple(evaluation.x.shape[1:]), arguments.layout)
        if subject.norm == "l2" and min(shape[1:]) < 5 and "square" in {spec.name for spec in specs}:
            raise Unable("Square in L2 needs images of at least 5 x 5 pixels; see --layout")
        x, y = evaluation.x.view(-1, *shape), evaluation.y
        natural = correct(network, x, y)
        print(
            f"{model}, {classes} classes; {len(x)} samples as {'x'.join(map(str, shape))}; {arguments.norm} "
            f"{arguments.epsilon:.5f}; torchattacks {torchattacks.__version__} on PyTorch {torch.__version__}, {THREADS} "
            f"threads\n{head(arguments.time)}",
            flush=True,
        )

        def show(line: Line) -> None:
            nonlocal bad
            bad |= not line.good
            print(line.text(arguments.time), flush=True)

        show(Line("natural", evaluation.correct[NATURAL], natural, 0, 0, (evaluation.seconds[NATURAL], 0.0)))
        if suite:
            theirs, seconds, remark = withstood(autoattack(subject), subject, x, y)
            ours = torch.stack([evaluation.correct[spec] for spec in specs]).all(0)
            times = (evaluation.whole_seconds, seconds)
            show(Line("autoattack", ours, theirs, math.inf, SUITE_BOUND, times, remark))
            continue
        for spec in specs:
            if spec == NATURAL:
                continue
            theirs, seconds, remark = withstood(reference(spec, subject), subject, x, y)
            bound = BOUNDS[arguments.norm]
            show(Line(str(spec), evaluation.correct[spec], theirs, bound, bound, (evaluation.seconds[spec], seconds), remark))
    return 1 if bad else 0


def number(text: str) -> float:
    """A positive number, or a fraction such as 8/255."""
    over, _, under = text.partition("/")
    try:
        value = float(over) / float(under or 1)
    except (ValueError, ZeroDivisionError):
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, such as 0.03 or 8/255, not `{text}`")
    return value


def shape(text: str) -> tuple[int, ...]:
    sizes = text.split("x")
    if len(sizes) != 3 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise argparse.ArgumentTypeError(f"expected CHANNELSxHEIGHTxWIDTH, such as 1x8x8, not `{text}`")
    return tuple(map(int, sizes))


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Hold the attacks of `gairat eval` against torchattacks; told at the top of this file."
    )
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="a run's folder: its data and best weights")
    parser.add_argument("--gairat", metavar="PATH", help="the program [default: on PATH, then in target/release]")
    parser.add_argument("--part", default="test", help="which part of the data [default: test]")
    parser.add_argument("--samples", type=int, default=360, metavar="N", help="how many samples of it [default: 360]")
    parser.add_argument("--norm", choices=list(NORMS), default="linf", help="how a perturbation is measured [default: linf]")
    parser.add_argument("--epsilon", type=number, metavar="E", help="the ball's radius [default: the run's, in linf]")
    parser.add_argument(
        "--attacks",
        type=lambda text: text.split(","),
        metavar="LIST",
        help=f"some of {', '.join(KNOWN)}, with numbers as in square:5000 or apgd-t:100:9 [default: all that fit; with "
        "--suite none]",
    )
    parser.add_argument("--suite", choices=["autoattack"], help="a suite as a whole: samples that withstand all of it count")
    parser.add_argument(
        "--layout", type=shape, metavar="CxHxW", help="the image that a row of numbers is [default: a square, else one line]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the references' random numbers [default: 0]")
    parser.add_argument("--device", default="cpu", metavar="D", help="gairat's device; PyTorch has the CPU [default: cpu]")
    parser.add_argument("--time", action="store_true", help=f"seconds of both, each on {THREADS} threads, and their ratio")
    arguments = parser.parse_args()
    if torchattacks is None:
        print(f"{MISSING} is needed: python3 -m pip install torch numpy torchattacks", file=sys.stderr)
        return 2
    try:
        return compare(arguments)
    except (Unable, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
