"""Goldens of occlusion, LIME and KernelSHAP: explanations.json beside this file.

    pip install torch captum lime shap && python explanations.py

The network and the pictures are those of tests/it/explanations.rs, by the same formulas. Which patches the picture is cut into
stands in patches.json, one number a pixel: candor's, which the test compares with what it finds.
"""

import json
import pathlib

import numpy as np
import shap
import torch
from captum.attr import Occlusion
from lime.lime_base import LimeBase
from sklearn.metrics import pairwise_distances

HERE = pathlib.Path(__file__).parent
CLASSES, HIDDEN, BACKGROUND = 3, 6, 3
# As in lime.rs.
PICTURES, WIDTH = 600, 0.25


def noise(at):
    return np.sin(np.asarray(at) * 12.9898)


def scores(x):
    """Of pictures, one a row."""
    n = x.shape[1]
    w = noise(np.arange(HIDDEN)[:, None] * n + np.arange(n)[None] + 1)
    v = noise(1000 + np.arange(CLASSES)[:, None] * HIDDEN + np.arange(HIDDEN)[None])
    return np.tanh(4 / np.sqrt(n) * x @ w.T) @ v.T


def picture(height, width, channels, number):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    return 0.5 + 0.45 * np.sin(0.5 * y + number) * np.cos(0.4 * x + 1.7 * c)


def mean_background(*size):
    return np.mean([picture(*size, number) for number in range(1, BACKGROUND + 1)], axis=0)


def occlusion(height, width, channels):
    def model(batch):
        return torch.from_numpy(scores(batch.permute(0, 2, 3, 1).reshape(len(batch), -1).numpy()))

    def tensor(values):
        return torch.from_numpy(values).permute(2, 0, 1)[None]

    side = min(height, width) // 7
    step = -(-side // 3)
    size = height, width, channels
    maps = [
        Occlusion(model).attribute(
            tensor(picture(*size, 0)),
            sliding_window_shapes=(channels, side, side),
            strides=(channels, step, step),
            baselines=tensor(mean_background(*size)),
            target=target,
        )
        for target in range(CLASSES)
    ]
    values = [[round(float(v), 7) for v in m[0, 0].flatten()] for m in maps]
    return {"height": height, "width": width, "channels": channels, "values": values}


def of_selections(size, patches):
    """Scores of the picture with some of its patches, the others being the background's mean."""
    whole, absent = picture(*size, 0).reshape(-1), mean_background(*size).reshape(-1)
    return lambda kept: scores(np.where(np.asarray(kept)[:, patches] > 0.5, whole, absent))


def lime(answer, count):
    kernel = lambda d: np.sqrt(np.exp(-(d**2) / WIDTH**2))
    of_seed = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        data = rng.integers(0, 2, (PICTURES, count)).astype(float)
        data[0] = 1
        distances = pairwise_distances(data, data[:1], metric="cosine").ravel()
        base = LimeBase(kernel, random_state=0)
        explained = [
            dict(base.explain_instance_with_data(data, answer(data), distances, k, count, feature_selection="none")[1])
            for k in range(CLASSES)
        ]
        of_seed.append([[one[patch] for patch in range(count)] for one in explained])
    of_seed = np.array(of_seed)
    both = np.stack([of_seed.mean(axis=0), of_seed.std(axis=0, ddof=1)], axis=-1)
    return np.round(both, 6).tolist()


def shapley(answer, count):
    explainer = shap.KernelExplainer(answer, np.zeros((1, count)))
    values = []
    for seed in range(4):
        np.random.seed(seed)
        values.append(explainer.shap_values(np.ones((1, count)), nsamples=40_000, l1_reg=False, silent=True)[0].T)
    print("two draws of KernelExplainer differ by", np.abs(values[0] - values[1]).max(), "of", np.abs(values[0]).max())
    return np.round(np.mean(values, axis=0), 6).tolist()


def main():
    size = 12, 10, 1
    patches = np.array(json.loads((HERE / "patches.json").read_text()))
    count = int(patches.max()) + 1
    answer = of_selections(size, patches)
    golden = {
        "occlusion": [occlusion(28, 28, 1), occlusion(21, 24, 3)],
        "patches": {"height": 12, "width": 10, "channels": 1, "values": [patches.astype(float).tolist()]},
        "lime": lime(answer, count),
        "shapley": shapley(answer, count),
    }
    (HERE / "explanations.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
