#!/usr/bin/env python3
"""Writes explanations.json, what tests/it/explanations.rs holds contributions and gradients against.

    python3 -m venv goldens-venv && goldens-venv/bin/pip install torch shap captum numpy
    goldens-venv/bin/python crates/candor-engine/tests/goldens/explanations.py

Small versions of mnist-cnn, simple-cnn and face-cnn in PyTorch, with parameters and inputs from the formula of generate.py, in
float64. For one picture and five background pictures, all of noise:

  scores         before the softmax or sigmoid
  shap           shap.DeepExplainer, of each of the first three scores; H x W
  shap_softmax   the same of the first probability (mnist-cnn alone)
  integrated     captum.attr.IntegratedGradients from the first background picture, midpoint rule, 32 steps
  grad_cam       captum.attr.LayerGradCam at the last convolution behind its ReLU, before the last max(0, .)

The network of shap's issue 3938 beside them, on which DeepExplainer's parts do not make the whole. It is written there with functions
(F.relu, F.max_pool2d), which DeepExplainer does not see:

  shap_misses    the largest miss over the first three scores, as the issue writes the network
  shap           the same network written with modules
"""
import json
import math
from pathlib import Path

import numpy as np
import shap
import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import nn
from torch.nn import functional

from residual import uniform

BACKGROUND, STEPS = 5, 32
CASES = {"mnist-cnn": (20, 18, 10), "simple-cnn": (24, 22, 4), "face-cnn": (12, 10, 2)}


def fill(model, name):
    """Parameters by the engine's names: conv2d_1, conv2d_2, ..., dense_1, ..."""
    counts = {}
    for module in model:
        kind = {nn.Conv2d: "conv2d", nn.Linear: "dense"}.get(type(module))
        if kind is None:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        for suffix, tensor in (("weight", module.weight), ("bias", module.bias)):
            key = f"explanations/{name}/{kind}_{counts[kind]}.{suffix}"
            limit = math.sqrt(6 / sum(fans(module))) if suffix == "weight" else 0.1
            values = uniform(key, tensor.numel(), limit).astype(np.float64)
            tensor.data = torch.tensor(values.reshape(tensor.shape))
    return model


def fans(module):
    out, into, *taps = module.weight.shape
    return into * math.prod(taps), out * math.prod(taps)


def build(name, height, width, classes):
    """The layers up to the scores, and the index of the last convolution's ReLU."""
    convolutions = {"mnist-cnn": ((32, 64), 0), "simple-cnn": ((32, 32, 32), 0), "face-cnn": ((64, 32), 1)}
    filters, pad = convolutions[name]
    layers, channels = [], 1
    for count in filters:
        layers += [nn.Conv2d(channels, count, 3, padding=pad), nn.ReLU(), nn.MaxPool2d(2)]
        channels = count
        height, width = (height - 2 + 2 * pad) // 2, (width - 2 + 2 * pad) // 2
    last = len(layers) - 2
    layers.append(nn.Flatten())
    inputs = channels * height * width
    if name == "simple-cnn":
        layers += [nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, classes)]
    elif name == "face-cnn":
        layers += [nn.Linear(inputs, 256), nn.Tanh(), nn.Linear(256, 1)]
    else:
        layers += [nn.Linear(inputs, classes)]
    return fill(nn.Sequential(*layers), name).double().eval(), last


def rounded(values):
    return [float(f"{value:.7g}") for value in np.asarray(values).ravel()]


def deep(model, background, picture):
    values = shap.DeepExplainer(model, background).shap_values(picture, check_additivity=True)
    return np.asarray(values).reshape(1, picture.shape[2], picture.shape[3], -1)[0]


def golden(name, height, width, classes):
    model, last = build(name, height, width, classes)
    size = height * width
    inputs = (uniform(f"explanations/{name}/inputs", (1 + BACKGROUND) * size, 0.5) + np.float32(0.5)).astype(np.float64)
    inputs = torch.tensor(inputs.reshape(1 + BACKGROUND, 1, height, width))
    picture, background = inputs[:1], inputs[1:]
    units = min(3, classes if name != "face-cnn" else 1)
    shap_values = deep(model, background, picture)
    integrated, grad_cam = [], []
    for unit in range(units):
        values = IntegratedGradients(model).attribute(
            picture, background[:1], target=unit, n_steps=STEPS, method="riemann_middle"
        )
        integrated.append(rounded(values.detach()))
        values = LayerGradCam(model, model[last]).attribute(picture, target=unit)
        grad_cam.append(rounded(values.detach()))
    result = {
        "scores": rounded(model(picture).detach()),
        "shap": [rounded(shap_values[..., unit]) for unit in range(units)],
        "integrated": integrated,
        "grad_cam": grad_cam,
    }
    if name == "mnist-cnn":
        result["shap_softmax"] = rounded(deep(nn.Sequential(*model, nn.Softmax(dim=1)), background, picture)[..., 0])
    return result


class WithFunctions(nn.Module):
    """The same layers, called as the issue calls them."""

    def __init__(self, layers):
        super().__init__()
        self.conv1, self.conv2, self.fc1, self.fc2 = [layer for layer in layers if isinstance(layer, (nn.Conv2d, nn.Linear))]

    def forward(self, x):
        x = functional.relu(functional.max_pool2d(self.conv1(x), 2))
        x = functional.relu(functional.max_pool2d(self.conv2(x), 2))
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


def issue_3938():
    name, side = "issue-3938", 28
    layers = nn.Sequential(
        nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
        nn.Linear(320, 50), nn.ReLU(), nn.Linear(50, 10),
    )
    model = fill(layers, name).double().eval()
    size = side * side
    inputs = (uniform(f"explanations/{name}/inputs", (1 + BACKGROUND) * size, 0.5) + np.float32(0.5)).astype(np.float64)
    inputs = torch.tensor(inputs.reshape(1 + BACKGROUND, 1, side, side))
    picture, background = inputs[:1], inputs[1:]
    difference = (model(picture) - model(background).mean(0)).detach().numpy()[0]
    values = shap.DeepExplainer(WithFunctions(model).double(), background).shap_values(picture, check_additivity=False)
    misses = np.asarray(values).reshape(size, -1).sum(0) - difference
    shap_values = deep(model, background, picture)
    return {
        "scores": rounded(model(picture).detach()),
        "difference": rounded(difference),
        "shap_misses": float(np.abs(misses[:3]).max()),
        "shap": [rounded(shap_values[..., unit]) for unit in range(3)],
    }


def main():
    goldens = {name: golden(name, *shape) for name, shape in CASES.items()}
    Path(__file__).with_name("issue_3938.json").write_text(json.dumps(issue_3938()) + "\n")
    text = ",\n".join(f'"{name}": {json.dumps(golden)}' for name, golden in goldens.items())
    Path(__file__).with_name("explanations.json").write_text("{" + text + "}\n")


if __name__ == "__main__":
    main()
