#!/usr/bin/env python3
"""Writes residual.json, the golden of a residual network with batch norm for tests/it/residual.rs.

    python3 -m venv goldens-venv && goldens-venv/bin/pip install torch numpy
    goldens-venv/bin/python crates/candor-engine/tests/goldens/residual.py

The engine's `resnet8` on 12 x 10 colour pictures, in PyTorch and float64: five steps of SGD with momentum, then the answers
with the running means. Inputs and parameters come from the formula of generate.py, which tests/it/formula.rs has too.
'same' padding is Keras': out = ceil(in / stride), an odd row or column of zeros at the bottom and right.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HEIGHT, WIDTH, CLASSES, BATCH, STEPS = 12, 10, 5, 6, 5
RATE, MOMENTUM = 0.05, 0.9
SEED = "residual"


def splitmix64(name, count):
    mask, state, values = (1 << 64) - 1, 0xCBF29CE484222325, []
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & mask
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        values.append(z ^ (z >> 31))
    return values


def uniform(name, count, limit):
    return np.array([limit * (2 * ((bits >> 40) / (1 << 24)) - 1) for bits in splitmix64(name, count)], np.float32)


class Parameters:
    """Made when they are first asked for; the names are the engine's."""

    def __init__(self):
        self.trained, self.running = {}, {}

    def get(self, name, shape, limit, shift=0.0):
        if name not in self.trained:
            values = uniform(f"{SEED}/{name}", math.prod(shape), limit) + np.float32(shift)
            self.trained[name] = torch.tensor(values.astype(np.float64).reshape(shape), requires_grad=True)
        return self.trained[name]

    def conv(self, name, inputs, filters, side):
        limit = math.sqrt(6 / ((inputs + filters) * side * side))
        return self.get(f"{name}.weight", (filters, inputs, side, side), limit)

    def norm(self, name, channels, x, training):
        mean = self.running.setdefault(f"{name}.running_mean", torch.zeros(channels, dtype=torch.float64))
        var = self.running.setdefault(f"{name}.running_var", torch.ones(channels, dtype=torch.float64))
        gamma, beta = self.get(f"{name}.weight", (channels,), 0.3, 1.0), self.get(f"{name}.bias", (channels,), 0.3)
        return F.batch_norm(x, mean, var, gamma, beta, training, momentum=float(np.float32(0.1)), eps=float(np.float32(1e-5)))


def same(x, side, stride):
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max(0, (-(-size // stride) - 1) * stride + side - size)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def forward(parameters, x, training):
    def conv(name, x, filters, side, stride):
        return F.conv2d(same(x, side, stride), parameters.conv(name, x.shape[1], filters, side), stride=stride)

    def norm(name, x):
        return parameters.norm(name, x.shape[1], x, training)

    x = F.relu(norm("norm1", conv("conv1", x, 16, 3, 1)))
    for stage, filters in enumerate((16, 32, 64), 1):
        name, stride = f"stage{stage}_1", 1 if stage == 1 else 2
        y = F.relu(norm(f"{name}_norm1", conv(f"{name}_conv1", x, filters, 3, stride)))
        y = norm(f"{name}_norm2", conv(f"{name}_conv2", y, filters, 3, 1))
        around = norm(f"{name}_shortcut_norm", conv(f"{name}_shortcut", x, filters, 1, stride)) if stride > 1 else x
        x = F.relu(y + around)
    weight = parameters.get("dense_1.weight", (CLASSES, 64), math.sqrt(6 / (64 + CLASSES)))
    return F.linear(x.mean((2, 3)), weight, parameters.get("dense_1.bias", (CLASSES,), 0.1))


def inputs(step):
    values = uniform(f"{SEED}/input {step}", BATCH * HEIGHT * WIDTH * 3, 1.0).astype(np.float64)
    return torch.tensor(values.reshape(BATCH, HEIGHT, WIDTH, 3).transpose(0, 3, 1, 2).copy())


def main():
    parameters = Parameters()
    forward(parameters, inputs(0), False)
    optimizer = torch.optim.SGD(parameters.trained.values(), RATE, MOMENTUM)
    losses = []
    for step in range(STEPS):
        targets = torch.tensor([(bits >> 32) % CLASSES for bits in splitmix64(f"{SEED}/targets {step}", BATCH)])
        loss = F.cross_entropy(forward(parameters, inputs(step), True), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    answers = F.softmax(forward(parameters, inputs(STEPS), False), 1)
    tensors = {**parameters.trained, **parameters.running}
    kept = ["conv1.weight", "stage3_1_shortcut_norm.weight", "stage2_1_norm2.bias", "norm1.running_mean",
            "stage3_1_norm2.running_var", "stage2_1_shortcut_norm.running_mean", "dense_1.bias"]
    golden = {
        "made_with": f"PyTorch {torch.__version__}",
        "losses": losses,
        "answers": answers.flatten().tolist(),
        "tensors": {name: tensors[name].detach().flatten().tolist() for name in kept},
    }
    (Path(__file__).parent / "residual.json").write_text(json.dumps(golden, indent=1) + "\n")


main()
