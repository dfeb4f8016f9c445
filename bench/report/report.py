"""Time and memory of judging and reporting a run, beside scikit-learn and matplotlib doing the same figures.

    candor study mnist --architecture mnist-cnn --epochs 1 --out run
    python -m venv venv && venv/bin/pip install scikit-learn matplotlib pandas
    venv/bin/python bench/report/report.py CANDOR RUN [TURNS]

Both start from the answers that the run has saved and end with a file that shows every figure and every drawing, in
turns on the same machine: once without resampling (candor takes the intervals that it saved) and once with it. candor
reads the pictures as well, judges all three subsets and writes the record; the peer judges the test pictures only, and
makes a few resamplings, whose time is then scaled to candor's 2,000.
"""

import io
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

RESAMPLES = 2000
TRIED = 40


def candor(binary, run, known=None):
    """Where the run does not know its intervals they are resampled; `known` is what it saved of them."""
    saved = run / "evaluation.json"
    saved.unlink(missing_ok=True) if known is None else saved.write_bytes(known)
    subprocess.run([binary, "report", str(run), "--quiet"], check=True, stdout=subprocess.DEVNULL)


def peer(run, resamples):
    command = [sys.executable, __file__, "--peer", str(run), str(resamples)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def figures(truth, probabilities, labels):
    import numpy as np
    from sklearn import metrics

    predicted = probabilities.argmax(axis=1)
    of_class = truth[:, None] == labels
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced": metrics.balanced_accuracy_score(truth, predicted),
        "top": [metrics.top_k_accuracy_score(truth, probabilities, k=k, labels=labels) for k in (2, 3, 5)],
        "kappa": metrics.cohen_kappa_score(truth, predicted),
        "matthews": metrics.matthews_corrcoef(truth, predicted),
        "report": metrics.classification_report(truth, predicted, labels=labels, output_dict=True, zero_division=0),
        "log_loss": metrics.log_loss(truth, probabilities, labels=labels),
        "brier": metrics.brier_score_loss(truth, probabilities, labels=labels, scale_by_half=False),
        "roc_auc": metrics.roc_auc_score(of_class, probabilities, average=None),
        "precision": metrics.average_precision_score(of_class, probabilities, average=None),
        "confusion": metrics.confusion_matrix(truth, predicted, labels=labels),
        "calibration": calibration(truth == predicted, probabilities.max(axis=1)),
    }


def calibration(right, confidence):
    from sklearn.calibration import calibration_curve

    return calibration_curve(right, confidence, n_bins=15)


def draw(run, found, table, classes):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pages = []

    def keep(figure):
        text = io.StringIO()
        figure.savefig(text, format="svg")
        pages.append(text.getvalue())
        pyplot.close(figure)

    history = json.loads((run / "report.json").read_text())["models"][0]["training"]["history"]["epochs"]
    for quantity in ("accuracy", "loss"):
        figure, axes = pyplot.subplots()
        axes.plot([epoch["train"][quantity] for epoch in history], marker="o")
        keep(figure)
    from sklearn.metrics import ConfusionMatrixDisplay

    for matrix in (found["confusion"], 100 * found["confusion"] / found["confusion"].sum()):
        figure, axes = pyplot.subplots(figsize=(8, 8))
        ConfusionMatrixDisplay(matrix, display_labels=classes).plot(ax=axes)
        keep(figure)
    figure, axes = pyplot.subplots()
    axes.barh(range(len(classes)), found["confusion"].sum(axis=0))
    axes.barh(range(len(classes)), found["confusion"].sum(axis=1), height=0.4)
    keep(figure)
    figure, axes = pyplot.subplots()
    accuracy, confidence = found["calibration"]
    axes.plot(confidence, accuracy, marker="o")
    keep(figure)
    (run / "peer.html").write_text("".join(pages) + json.dumps(found, default=lambda value: value.tolist()))


def as_peer(run, resamples):
    import numpy as np
    import pandas

    table = pandas.read_csv(run / "predictions.csv")
    table = table[table["split"] == "test"]
    columns = [column for column in table if column.startswith("p(")]
    classes = [column[2:-1] for column in columns]
    labels = np.arange(len(classes))
    truth = table["truth"].astype(str).map({name: label for label, name in enumerate(classes)}).to_numpy()
    probabilities = table[columns].to_numpy()
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = figures(truth, probabilities, labels)
    rng = np.random.default_rng(1)
    for _ in range(resamples):
        drawn = rng.integers(0, len(truth), len(truth))
        figures(truth[drawn], probabilities[drawn], labels)
    draw(run, found, table, classes)


def measured(work):
    """Seconds, and the most memory of any child so far in MB."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main():
    if sys.argv[1] == "--peer":
        return as_peer(pathlib.Path(sys.argv[2]), int(sys.argv[3]))
    binary, run = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    turns = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    known = (run / "evaluation.json").read_bytes()
    seconds = {"candor": [], "candor with intervals": [], "peer": [], "peer with intervals": []}
    memory = {}
    # Memory of children only grows: candor, which needs less, is measured first.
    for turn in range(turns):
        for name, work in (
            ("candor", lambda: candor(binary, run, known)),
            ("candor with intervals", lambda: candor(binary, run)),
            ("peer", lambda: peer(run, 0)),
            ("peer with intervals", lambda: peer(run, TRIED)),
        ):
            time_taken, most = measured(work)
            seconds[name].append(time_taken)
            memory.setdefault(name, most)
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    each = (middle["peer with intervals"] - middle["peer"]) / TRIED
    whole = middle["peer"] + RESAMPLES * each
    candor_whole = middle["candor with intervals"]
    print(f"figures and report: candor {middle['candor']:.2f} s, {memory['candor']:.0f} MB; "
          f"scikit-learn and matplotlib {middle['peer']:.2f} s, {memory['peer']:.0f} MB")
    print(f"with {RESAMPLES} resamplings: candor {candor_whole:.2f} s, {memory['candor with intervals']:.0f} MB; "
          f"scikit-learn {whole:.0f} s, scaled from {TRIED}")
    print(f"ratios: {middle['peer'] / middle['candor']:.1f} and {whole / candor_whole:.0f}")
    (run / "evaluation.json").write_bytes(known)


if __name__ == "__main__":
    main()
