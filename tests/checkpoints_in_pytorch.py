#!/usr/bin/env python3
"""Checkpoints of the field's codes, written by PyTorch and read here: do both come to the same logits?

    cargo build --release --workspace --example logits
    python3 tests/checkpoints_in_pytorch.py                     every network of the published codes, wrapped in every way
    python3 tests/checkpoints_in_pytorch.py --only gairat       those whose name contains this
    python3 tests/checkpoints_in_pytorch.py --onnx              also what `gairat export --onnx` writes, run by onnxruntime
    python3 tests/checkpoints_in_pytorch.py --fixtures          writes the small files that the Rust tests read

Needs Python 3.9 or newer, torch, numpy and safetensors (`--onnx`: onnxruntime).

The networks are written down here once more, in PyTorch's modules. Their names and shapes must be those that
`core/src/checkpoint/layouts/published.json` records of the TRADES, MART, MAIL, AWP, RobustBench and GAIRAT codes, tensor by tensor and in
order. Weights, running means and variances are random; each file is of another kind and wrapped in other dictionaries, prefixes and
normalisations; then `logits` reads it and must come to PyTorch's logits (float64) within 1e-5 of the largest.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "core/src/checkpoint/layouts/published.json"
FIXTURES = ROOT / "core/src/checkpoint/formats/fixtures"
TOLERANCE = 1e-5


def conv3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, around="shortcut"):
        super().__init__()
        self.conv1, self.bn1 = conv3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv3(outputs, outputs), nn.BatchNorm2d(outputs)
        self.around = around
        if stride != 1 or inputs != outputs:
            setattr(self, around, nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)))

    def forward(self, x):
        signal = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(signal + (getattr(self, self.around)(x) if hasattr(self, self.around) else x))


def layers(block):
    rows = []
    for inputs, outputs, stride in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]:
        rows.append(nn.Sequential(block(inputs, outputs, stride), block(outputs, outputs, 1)))
    return rows


class ResNet18(nn.Module):
    """Of torchvision, if so: other names, and the first convolution of small images."""

    def __init__(self, torchvision=False):
        super().__init__()
        self.conv1, self.bn1 = conv3(3, 64), nn.BatchNorm2d(64)
        around, self.last = ("downsample", "fc") if torchvision else ("shortcut", "linear")
        rows = layers(lambda i, o, s: BasicBlock(i, o, s, around))
        self.layer1, self.layer2, self.layer3, self.layer4 = rows
        setattr(self, self.last, nn.Linear(512, 10))

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return getattr(self, self.last)(functional.avg_pool2d(x, 4).flatten(1))


class PreActBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, raw):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3(outputs, outputs)
        self.raw = raw
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x):
        signal = functional.relu(self.bn1(x))
        around = self.shortcut(x if self.raw else signal) if hasattr(self, "shortcut") else x
        return self.conv2(functional.relu(self.bn2(self.conv1(signal)))) + around


class PreActResNet18(nn.Module):
    def __init__(self, last_norm=False, raw=False):
        super().__init__()
        self.conv1 = conv3(3, 64)
        self.layer1, self.layer2, self.layer3, self.layer4 = layers(lambda i, o, s: PreActBlock(i, o, s, raw))
        if last_norm:
            self.bn = nn.BatchNorm2d(512)
        self.linear = nn.Linear(512, 10)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        if hasattr(self, "bn"):
            x = functional.relu(self.bn(x))
        return self.linear(functional.avg_pool2d(x, 4).flatten(1))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv3(inputs, outputs, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv3(outputs, outputs)
        if inputs != outputs:
            self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        signal = functional.relu(self.bn1(x))
        around = self.convShortcut(signal) if hasattr(self, "convShortcut") else x
        return self.conv2(functional.relu(self.bn2(self.conv1(signal)))) + around


class WideGroup(nn.Module):
    def __init__(self, blocks, inputs, outputs, stride):
        super().__init__()
        rows = [WideBlock(inputs if block == 0 else outputs, outputs, stride if block == 0 else 1) for block in range(blocks)]
        self.layer = nn.Sequential(*rows)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, blocks, factor, sub_block=False):
        super().__init__()
        self.conv1 = conv3(3, 16)
        self.block1 = WideGroup(blocks, 16, 16 * factor, 1)
        if sub_block:
            self.sub_block1 = WideGroup(blocks, 16, 16 * factor, 1)
        self.block2 = WideGroup(blocks, 16 * factor, 32 * factor, 2)
        self.block3 = WideGroup(blocks, 32 * factor, 64 * factor, 2)
        self.bn1, self.fc = nn.BatchNorm2d(64 * factor), nn.Linear(64 * factor, 10)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(functional.avg_pool2d(functional.relu(self.bn1(x)), 8).flatten(1))


class TradesSmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        names = ["conv1", "relu1", "conv2", "relu2", "maxpool1", "conv3", "relu3", "conv4", "relu4", "maxpool2"]
        channels = {"conv1": (1, 32), "conv2": (32, 32), "conv3": (32, 64), "conv4": (64, 64)}
        make = lambda name: nn.Conv2d(*channels[name], 3) if "conv" in name else nn.ReLU() if "relu" in name else nn.MaxPool2d(2)
        self.feature_extractor = nn.Sequential(collections.OrderedDict((name, make(name)) for name in names))
        fc = [("fc1", nn.Linear(1024, 200)), ("relu1", nn.ReLU()), ("drop", nn.Dropout(0.5)), ("fc2", nn.Linear(200, 200)),
              ("relu2", nn.ReLU()), ("fc3", nn.Linear(200, 10))]
        self.classifier = nn.Sequential(collections.OrderedDict(fc))

    def forward(self, x):
        return self.classifier(self.feature_extractor(x).flatten(1))


class GairatSmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        for block, (inputs, outputs) in enumerate([(3, 64), (64, 128), (128, 196)], 1):
            for place, width in [(1, inputs), (2, outputs)]:
                setattr(self, f"block{block}_conv{place}", nn.Conv2d(width, outputs, 3, padding=1))
                setattr(self, f"batchnorm{block}_{place}", nn.BatchNorm2d(outputs))
        self.fc1, self.fc2 = nn.Linear(196 * 16, 256), nn.Linear(256, 10)

    def forward(self, x):
        for block in (1, 2, 3):
            for place in (1, 2):
                conv, norm = getattr(self, f"block{block}_conv{place}"), getattr(self, f"batchnorm{block}_{place}")
                x = functional.relu(norm(conv(x)))
            x = functional.max_pool2d(x, 2)
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


class NetMnist(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x):
        x = functional.relu(functional.max_pool2d(self.conv1(x), 2))
        x = functional.relu(functional.max_pool2d(self.conv2(x), 2))
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


def perceptron():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))


class NamedPerceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.hidden, self.out = nn.Linear(64, 48), nn.Linear(48, 24), nn.Linear(24, 10)

    def forward(self, x):
        return self.out(functional.relu(self.hidden(functional.relu(self.fc1(x.flatten(1))))))


COLOUR, GREY, DIGIT = (3, 32, 32), (1, 28, 28), (1, 8, 8)
# Name, what makes it, the shape of a sample, and the model to ask for where names do not tell.
NETWORKS = [
    ("trades/SmallCNN", TradesSmallCnn, GREY, None),
    ("trades/Net_MNIST", NetMnist, GREY, None),
    ("trades/ResNet18", ResNet18, COLOUR, None),
    ("trades/WideResNet-34-10", lambda: WideResNet(5, 10, True), COLOUR, None),
    ("mart/ResNet18", ResNet18, COLOUR, None),
    ("mart/WideResNet-34-10", lambda: WideResNet(5, 10, True), COLOUR, None),
    ("mail/ResNet18", ResNet18, COLOUR, None),
    ("awp/PreActResNet18", lambda: PreActResNet18(last_norm=True), COLOUR, None),
    ("robustbench/ResNet18", ResNet18, COLOUR, None),
    ("robustbench/PreActResNet18", lambda: PreActResNet18(raw=True), COLOUR, "preact-resnet18-raw"),
    ("robustbench/WideResNet-28-10", lambda: WideResNet(4, 10), COLOUR, None),
    ("gairat/ResNet18", ResNet18, COLOUR, None),
    ("gairat/PreActResNet18", PreActResNet18, COLOUR, "preact-resnet18"),
    ("gairat/WRN-32-10", lambda: WideResNet(5, 10), COLOUR, None),
    ("gairat/SmallCNN", GairatSmallCnn, COLOUR, None),
    ("torchvision/resnet18", lambda: ResNet18(torchvision=True), COLOUR, None),
    ("perceptron/Sequential", perceptron, DIGIT, None),
    ("perceptron/class", NamedPerceptron, DIGIT, None),
]


def randomise(network, generator):
    """Weights of He's size, running statistics and norms of any."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.0, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)


def check_names(name, network):
    published = json.loads(PUBLISHED.read_text())
    recorded = next((shapes for names, shapes in published.items() if name in names.split()), None)
    if recorded is not None:
        ours = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
        assert {k: tuple(v) for k, v in recorded.items()} == {k: tuple(v) for k, v in ours.items()}, f"{name}: other names"


class Normalised(nn.Module):
    """A network behind `(x - mean) / std`, under the names of one code or another."""

    STYLES = ["mu/sigma", "mean/std", "Sequential", "normalize", "NormalizeByChannelMeanStd"]

    def __init__(self, network, style, channels):
        super().__init__()
        shape = {"mu/sigma": (1, -1, 1, 1), "mean/std": (-1, 1, 1)}.get(style, (-1,))
        mean = torch.linspace(0.4914, 0.4465, channels)
        std = torch.linspace(0.2471, 0.2616, channels)
        self.mean_std = mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)
        self.network, buffers = [network], {}
        names = {"mu/sigma": ("mu", "sigma"), "Sequential": ("0.mean", "0.std")}
        names = names.get(style, ("normalize.mean", "normalize.std") if "ormalize" in style else ("mean", "std"))
        buffers[names[0]], buffers[names[1]] = mean.view(shape).clone(), std.view(shape).clone()
        inner = {"mu/sigma": "", "mean/std": "model.", "Sequential": "1.", "normalize": "net.", "NormalizeByChannelMeanStd": "model."}[style]
        self.dictionary = collections.OrderedDict(buffers)
        self.dictionary.update((inner + key, tensor) for key, tensor in network.state_dict().items())

    def forward(self, x):
        mean, std = (numbers.to(x.dtype) for numbers in self.mean_std)
        return self.network[0]((x - mean) / std)

    def state_dict(self):
        return self.dictionary


def save(state, path, chance):
    """Writes a state dict in one of the ways that people have; what was done, in words."""
    prefixes = [chance.choice(["module.", "_orig_mod.", "model.", "net."]) for _ in range(chance.randint(0, 3))]
    state = collections.OrderedDict(("".join(prefixes) + key, tensor) for key, tensor in state.items())
    kind = chance.choice(["zip", "legacy", "safetensors"])
    if kind == "safetensors":
        path = path.with_suffix(".safetensors")
        safetensors.torch.save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
        return path, f"safetensors {''.join(prefixes)}"
    wrapper = chance.choice([None, "state_dict", "model", "net", "model_state_dict"])
    if wrapper is not None:
        optimiser = {"state": {0: {"momentum_buffer": torch.ones(3), "step": torch.tensor(4.0)}}, "param_groups": [{"lr": 0.1}]}
        beside = [("epoch", 76), ("best", numpy.float64(0.5)), ("args", argparse.Namespace(lr=0.1)), ("optimizer", optimiser)]
        entries = [(wrapper, state)] + beside
        chance.shuffle(entries)
        state = dict(entries)
    torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    return path, f"{kind} {wrapper or ''} {''.join(prefixes)}"


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stderr


def compare(arguments):
    chance = random.Random(arguments.seed)
    worst_of_all = 0.0
    for place, (name, make, shape, model) in enumerate(NETWORKS):
        if arguments.only not in name:
            continue
        generator = torch.Generator().manual_seed(arguments.seed + place)
        network = make().eval()
        randomise(network, generator)
        check_names(name, network)
        pixels = torch.rand(4, *shape, generator=generator)
        styles = [None, chance.choice(Normalised.STYLES)] if "Wide" not in name and "WRN" not in name else [chance.choice([None, "mu/sigma"])]
        for style in styles:
            whole = network if style is None else Normalised(network, style, shape[0])
            with tempfile.TemporaryDirectory() as folder:
                folder = Path(folder)
                # As PyTorch has them: float64 changes the network, so the state dict is taken first.
                file, how = save({key: tensor.clone() for key, tensor in whole.state_dict().items()}, folder / "weights.pth", chance)
                with torch.no_grad():
                    network.double()
                    expected = whole(pixels.double()).numpy()
                    network.float()
                numpy.savez(folder / "data.npz", x=pixels.numpy(), y=numpy.zeros(len(pixels), "int64"))
                asked = ["--model", model] if model else []
                said = run([arguments.logits, file, folder / "data.npz", folder / "logits.npz", *asked]).strip()
                # By the lanes that attacks take and by the tensor library, layer by layer.
                with numpy.load(folder / "logits.npz") as both:
                    worst = max(float(abs(found - expected).max() / abs(expected).max()) for found in both.values())
                line = f"{name:<28} {style or '':<26} {how:<44} {worst:.1e}"
                if arguments.onnx:
                    import onnxruntime
                    run([arguments.gairat, "export", "--weights", file, "--shape", "x".join(map(str, shape)), *asked,
                         "--onnx", folder / "network.onnx"])
                    session = onnxruntime.InferenceSession(str(folder / "network.onnx"), providers=["CPUExecutionProvider"])
                    logits = session.run(None, {session.get_inputs()[0].name: pixels.numpy()})[0]
                    by_onnx = float(abs(logits - expected).max() / abs(expected).max())
                    line += f"  onnx {by_onnx:.1e}"
                    worst = max(worst, by_onnx)
                print(line, flush=True)
                if arguments.verbose:
                    print(f"    {said}")
                worst_of_all = max(worst_of_all, worst)
                if worst > TOLERANCE:
                    sys.exit(f"{name}: {worst:.2e} of the largest logit, which is more than {TOLERANCE}")
                if style is not None and "found inside the network" not in said:
                    sys.exit(f"{name}: the normalisation is not told: {said}")
    print(f"all within {worst_of_all:.1e} of the largest logit")


def fixtures():
    """Small files of every kind that `torch.save` writes, with numbers that a test can write down: place / 8."""
    FIXTURES.mkdir(exist_ok=True)
    numbers = lambda *shape: torch.arange(int(numpy.prod(shape)), dtype=torch.float32).reshape(shape) / 8
    plain = collections.OrderedDict([("0.weight", numbers(3, 2)), ("0.bias", numbers(3)), ("2.weight", numbers(2, 3)), ("2.bias", numbers(2))])
    put = lambda name, value, **how: torch.save(value, FIXTURES / name, **how)
    put("plain.pth", plain)
    put("legacy.pth", plain, _use_new_zipfile_serialization=False)
    put("protocol_4.pth", plain, pickle_protocol=4)
    put("half.pth", {key: tensor.half() for key, tensor in plain.items()})
    put("bfloat16.pth", {key: tensor.bfloat16() for key, tensor in plain.items()})
    put("double_legacy.pth", {key: tensor.double() for key, tensor in plain.items()}, _use_new_zipfile_serialization=False)
    # Parameters and views: one storage for two tensors, transposed and in the middle.
    storage = numbers(2, 20)
    put("views.pth", {"0.weight": storage[0, 4:10].reshape(2, 3).t(), "0.bias": nn.Parameter(storage[1, 1:4]),
                      "2.weight": storage[:, ::7], "2.bias": storage[0, 3:5]})
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    network.load_state_dict(plain)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    put("checkpoint.pth", {"epoch": 3, "args": argparse.Namespace(lr=0.1), "best": numpy.float64(0.5), "optimizer": optimiser.state_dict(),
                           "net": {"module." + key: tensor for key, tensor in plain.items()}, "ema": plain.copy()})
    put("two_networks.pth", {"teacher": plain, "student": plain.copy()})
    put("nothing.pth", {"epoch": 3, "optimizer": optimiser.state_dict()})
    put("whole_module.pth", network)
    put("whole_numbers.pth", {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(3, dtype=torch.int64)})

    class Hostile:
        def __reduce__(self):
            return os.system, ("touch ran-by-a-checkpoint",)

    put("hostile.pth", {"state_dict": plain, "extra": Hostile()})
    put("hostile_legacy.pth", {"state_dict": plain, "extra": Hostile()}, _use_new_zipfile_serialization=False)
    for file in sorted(FIXTURES.iterdir()):
        print(f"{file.name:<24} {file.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    parser.add_argument("--logits", default=target / "examples/logits", help="the example [default: the release build's]")
    parser.add_argument("--gairat", default=target / "gairat", help="the command [default: the release build's]")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--onnx", action="store_true", help="also run what `gairat export --onnx` writes")
    parser.add_argument("--verbose", action="store_true", help="print how each file was read")
    parser.add_argument("--fixtures", action="store_true", help="write the files that the Rust tests read")
    arguments = parser.parse_args()
    if arguments.fixtures:
        fixtures()
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
