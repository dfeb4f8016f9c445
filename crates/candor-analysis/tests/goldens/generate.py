"""Makes metrics.json: what scikit-learn, SciPy and statsmodels say of a few small sets of predictions.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1 scipy statsmodels==0.15.0 && venv/bin/python generate.py
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    classification_report,
    cohen_kappa_score,
    confusion_matrix,
    log_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)
from statsmodels.stats.proportion import proportion_confint

# What is undefined is asked for on purpose, and single precision does not add up to one exactly.
warnings.filterwarnings("ignore")


def judge(name, classes, truth, probabilities):
    """One case; probabilities are single precision, as the network gives them."""
    probabilities = np.asarray(probabilities, dtype=np.float32)
    truth, labels = np.asarray(truth), np.arange(classes)
    predicted = probabilities.argmax(axis=1)
    report = classification_report(truth, predicted, labels=labels, output_dict=True, zero_division=0)
    right = int((truth == predicted).sum())
    low, high = proportion_confint(right, len(truth), method="agresti_coull")
    scores = lambda key: [report[key][field] for field in ("precision", "recall", "f1-score", "support")]
    return {
        "name": name,
        "classes": classes,
        "truth": truth.tolist(),
        "probabilities": [float(value) for value in probabilities.ravel()],
        "accuracy": accuracy_score(truth, predicted),
        "interval": [max(0.0, float(low)), min(1.0, float(high))],
        # scikit-learn refuses one class alone; certainty about the only class there is costs -ln(1 - eps).
        "log_loss": surprise(truth, probabilities, labels) if classes > 1 else None,
        "per_class": [scores(str(label)) for label in labels],
        "macro": scores("macro avg"),
        "weighted": scores("weighted avg"),
        "confusion": confusion_matrix(truth, predicted, labels=labels).tolist(),
        **further(classes, truth, probabilities),
    }


def surprise(truth, probabilities, labels):
    """Clipped with single precision's epsilon, as scikit-learn clips such values, but added in double precision."""
    epsilon = np.finfo(np.float32).eps
    clipped = np.clip(probabilities, epsilon, 1 - epsilon).astype(np.float64)
    return log_loss(truth, clipped, labels=labels)


def or_none(value):
    return None if np.isnan(value) else float(value)


def of_every_class(score, truth, probabilities):
    """One against the rest, and the mean; None where there is nothing to find or nothing to tell apart."""
    values = [or_none(score(truth == label, probabilities[:, label])) for label in range(probabilities.shape[1])]
    return {"classes": values, "macro": None if None in values else float(np.mean(values))}


def average_precision(of_class, probability):
    # scikit-learn warns and says 0 where there is no picture to find.
    return average_precision_score(of_class, probability) if of_class.any() else np.nan


def top_k(truth, probabilities, k):
    # Both orders of the classes turned around: scikit-learn names the last of equals first, candor the first.
    classes = probabilities.shape[1]
    return top_k_accuracy_score(classes - 1 - truth, probabilities[:, ::-1], k=k, labels=np.arange(classes))


def calibration(right, confidence, bins):
    """calibration_curve leaves empty bins out; the counts say which."""
    accuracy, mean_confidence = calibration_curve(right, confidence, n_bins=bins, pos_label=True)
    inner_edges = np.linspace(0, 1, bins + 1)[1:-1]
    counts = np.bincount(np.searchsorted(inner_edges, confidence), minlength=bins)
    filled = counts[counts > 0]
    return {
        "counts": counts.tolist(),
        "accuracy": accuracy.tolist(),
        "confidence": mean_confidence.tolist(),
        "error": float((filled * np.abs(accuracy - mean_confidence)).sum() / filled.sum()),
        "largest": float(np.abs(accuracy - mean_confidence).max()),
    }


def further(classes, truth, probabilities):
    """The metrics of probabilities in double precision: the same values, more exact sums."""
    probabilities, labels = probabilities.astype(np.float64), np.arange(classes)
    predicted = probabilities.argmax(axis=1)
    micro = precision_recall_fscore_support(truth, predicted, labels=labels, average="micro", zero_division=0)
    return {
        "micro": [float(value) for value in micro[:3]],
        "by_row": confusion_matrix(truth, predicted, labels=labels, normalize="true").tolist(),
        "balanced_accuracy": balanced_accuracy_score(truth, predicted),
        "top_k": [[k, float(top_k(truth, probabilities, k))] for k in (2, 3, 5) if 2 * k <= classes],
        # scikit-learn takes a single class for the negative one of two, and says 2.
        "brier": brier_score_loss(truth, probabilities, labels=labels, scale_by_half=False) if classes > 1 else None,
        "kappa": or_none(cohen_kappa_score(truth, predicted, labels=labels)),
        "matthews": float(matthews_corrcoef(truth, predicted)),
        "roc_auc": of_every_class(roc_auc_score, truth, probabilities),
        "average_precision": of_every_class(average_precision, truth, probabilities),
        "calibration": calibration(truth == predicted, probabilities.max(axis=1), 15),
    }


def noisy(rng, pictures, classes, truth_among=None, sharpness=1.5):
    truth = rng.choice(truth_among if truth_among is not None else classes, pictures)
    logits = rng.normal(size=(pictures, classes)) + sharpness * np.eye(classes)[truth]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return truth, (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


def without(probabilities, label):
    """The same answers, but `label` is never named."""
    probabilities = probabilities.copy()
    probabilities[:, label] = 0
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def main():
    rng = np.random.default_rng(1)
    four = noisy(rng, 60, 4)
    never_named = noisy(rng, 40, 3)
    absent = noisy(rng, 40, 4, truth_among=[0, 1, 3])
    absent_twice = noisy(rng, 30, 3, truth_among=[0, 2])
    one_truth = noisy(rng, 25, 3, truth_among=[1])
    many = noisy(rng, 80, 20, sharpness=3)
    ties = rng.choice(6, 50), rng.multinomial(8, [1 / 6] * 6, size=50) / 8
    cases = [
        judge("four classes", 4, *four),
        judge("a class that is never named", 3, never_named[0], without(never_named[1], 2)),
        judge("a class without a picture that is named", 4, *absent),
        judge("a class that neither occurs nor is named", 3, absent_twice[0], without(absent_twice[1], 1)),
        judge("all pictures are of one class", 3, *one_truth),
        judge("one class in all", 1, [0, 0, 0], [[1], [1], [1]]),
        judge("certain, and wrong at times", 2, [0, 0, 1, 1, 1], [[1, 0], [0, 1], [0, 1], [0, 1], [1, 0]]),
        judge("undecided", 2, [0, 1, 1], [[0.5, 0.5]] * 3),
        judge("everything wrong", 2, [0, 1], [[0.25, 0.75], [0.75, 0.25]]),
        judge("one picture", 2, [1], [[0.125, 0.875]]),
        judge("twenty classes", 20, *many),
        judge("many equals", 6, *ties),
    ]
    made_with = {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__}
    path = pathlib.Path(__file__).with_name("metrics.json")
    text = ",\n".join(json.dumps(case) for case in cases)
    path.write_text('{"made_with": ' + json.dumps(made_with) + ', "cases": [\n' + text + "\n]}\n")


if __name__ == "__main__":
    main()
