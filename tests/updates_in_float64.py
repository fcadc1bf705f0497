#!/usr/bin/env python3
"""The gradient of a training step here beside PyTorch's, in float32 and in float64, for networks with batch normalisation.

    python3 -m pip install torch numpy safetensors
    python3 tests/updates_in_float64.py --gairat target/release/gairat
    python3 tests/updates_in_float64.py --gairat target/release/gairat --device llvmpipe --samples 5 --draws 3

`gairat step` takes one step of plain adversarial training on given adversarial samples, once in whole passes (`--path auto`) and once layer by
layer through the tensor library. A line says how far the number furthest from float64 is, in units of the greatest of its tensor (at least a
hundredth of the greatest of all), and which share of the numbers is further than 1e-3. Few samples lie at kinks of ReLU, where the order of a
sum decides and the gradient jumps: float32 is far from float64 then, PyTorch's too, and so is float64 of samples that were moved by 1e-6.
A way that is right agrees wherever there is no such kink. Ends with 0 if each way came within 1e-4 in some draw of every network, else with 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

import checkpoints_in_pytorch as networks

WAYS = ("auto", "composed")
NETWORKS = {"resnet18": networks.ResNet18, "preact-resnet18": networks.PreActResNet18}
NEAR = 1e-4


def gradient(network, state, samples, labels, dtype):
    """The gradient of the mean cross-entropy of a training pass."""
    network.load_state_dict(state, strict=False)
    network.to(dtype).train().zero_grad()
    torch.nn.functional.cross_entropy(network(samples.to(dtype)), labels).backward()
    found = {name: parameter.grad.double().numpy().copy() for name, parameter in network.named_parameters()}
    network.float()
    return found


def apart(found, expected):
    """The furthest number, its tensor, and the share of numbers further than 1e-3."""
    floor = 0.01 * max(abs(values).max() for values in expected.values())
    furthest, far, count = (0.0, ""), 0, 0
    for name, values in expected.items():
        distances = abs(found[name].reshape(values.shape) - values) / max(abs(values).max(), floor)
        furthest = max(furthest, (float(distances.max()), name))
        far += int((distances > 1e-3).sum())
        count += values.size
    return furthest, far / count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gairat", default="gairat", metavar="PATH", help="the program")
    parser.add_argument("--device", default="cpu", metavar="D", help="gairat's device; PyTorch has the CPU [default: cpu]")
    parser.add_argument("--samples", type=int, default=19, metavar="N", help="samples of a step [default: 19]")
    parser.add_argument("--size", type=int, nargs=2, default=(9, 12), metavar=("H", "W"), help="their size [default: 9 12]")
    parser.add_argument("--draws", type=int, default=5, metavar="N", help="draws of weights and samples [default: 5]")
    arguments = parser.parse_args()
    # The published code pools over 4 x 4, which is the whole of a map of 32 x 32 images.
    networks.functional.avg_pool2d = lambda maps, _: maps.mean((2, 3), keepdim=True)
    ends_well = True
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, build in NETWORKS.items():
            least = dict.fromkeys(WAYS, numpy.inf)
            for draw in range(arguments.draws):
                torch.manual_seed(draw)
                network = build()
                state = {
                    key: tensor.clone().contiguous()
                    for key, tensor in network.state_dict().items()
                    if not key.endswith("num_batches_tracked")
                }
                samples = torch.rand(arguments.samples, 3, *arguments.size)
                adversarial, labels = 1 - samples, torch.randint(0, 10, (arguments.samples,))
                moved = adversarial.double() * (1 + 1e-6 * (torch.rand(adversarial.shape) - 0.5))
                expected = gradient(network, state, adversarial, labels, torch.float64)
                lines = {
                    "PyTorch, float32": gradient(network, state, adversarial, labels, torch.float32),
                    "float64, moved by 1e-6": gradient(network, state, moved, labels, torch.float64),
                }
                weights, data = folder / "weights.safetensors", folder / "data.npz"
                save_file(state, weights)
                counts = numpy.zeros(arguments.samples, numpy.int64)
                arrays = {"x": samples.numpy(), "x_adv": adversarial.numpy(), "y": labels.numpy()}
                numpy.savez(data, kappa=counts, first_hit=counts, **arrays)
                for way in WAYS:
                    out = folder / f"{name}-{draw}-{way}.npz"
                    command = [arguments.gairat, "step", "--method", "at", "--adversarial", "given", "--epsilon", "1"]
                    command += ["--device", arguments.device, "--path", way, "--model", name]
                    command += ["--weights", weights, "--data", f"npz:{data}", "--out", out]
                    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
                    if done.returncode != 0:
                        sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
                    written = numpy.load(out)
                    prefix = "gradient."
                    found = {key[len(prefix) :]: written[key].astype(float) for key in written if key.startswith(prefix)}
                    lines[f"gairat, {way}"] = found
                    least[way] = min(least[way], apart(found, expected)[0][0])
                for line, found in lines.items():
                    (distance, tensor), share = apart(found, expected)
                    print(f"{name}, draw {draw}: {line:<24} furthest {distance:.1e} ({tensor}), {100 * share:.3f} % further than 1e-3")
            for way, distance in least.items():
                ends_well &= distance <= NEAR
                print(f"{name}: gairat, {way} comes within {distance:.1e}{'' if distance <= NEAR else ': TOO FAR'}")
    return 0 if ends_well else 1


if __name__ == "__main__":
    sys.exit(main())
