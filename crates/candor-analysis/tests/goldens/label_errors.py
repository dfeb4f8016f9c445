"""Goldens of confident learning, made with cleanlab (pip install cleanlab): label_errors.json beside this file.

    python label_errors.py
"""

import json
import pathlib

import cleanlab
import numpy as np
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues

HERE = pathlib.Path(__file__).parent


def case(seed, pictures, classes, noise, sharpness, skew):
    rng = np.random.default_rng(seed)
    shares = np.arange(1, classes + 1, dtype=float) ** skew
    truth = rng.choice(classes, pictures, p=shares / shares.sum())
    logits = rng.normal(size=(pictures, classes))
    logits[np.arange(pictures), truth] += sharpness
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities = np.round(probabilities, 5)
    probabilities[:, 0] += 1 - probabilities.sum(axis=1)
    probabilities = np.round(probabilities, 5)
    flipped = rng.random(pictures) < noise
    labels = np.where(flipped, rng.integers(0, classes, pictures), truth)
    joint = compute_confident_joint(labels, probabilities, calibrate=False)
    issues = find_label_issues(
        labels, probabilities, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return {
        "labels": labels.tolist(),
        "probabilities": [[float(v) for v in row] for row in probabilities],
        "confident_joint": joint.tolist(),
        "issues": issues.tolist(),
    }


cases = [case(1, 80, 2, 0.1, 2.5, 0), case(2, 120, 3, 0.2, 3.0, 1), case(3, 200, 5, 0.05, 4.0, 0.5)]
text = json.dumps({"cleanlab": cleanlab.__version__, "cases": cases}, separators=(",", ":"))
(HERE / "label_errors.json").write_text(text + "\n")
print(cleanlab.__version__, [len(c["issues"]) for c in cases], [c["confident_joint"] for c in cases])
