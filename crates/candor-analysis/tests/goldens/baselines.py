"""Makes baselines.json: what scikit-learn's learners answer for handwritten digits.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1 && venv/bin/python baselines.py

The digits are scikit-learn's own (Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0):
8×8 pixels of 0 to 16, written here as the letters a to q. C, gamma and components are those of the Rust side.
"""

import json
import pathlib

import sklearn
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

LEARN, ANSWER = 400, 300

MODELS = {
    "most-frequent": DummyClassifier(strategy="most_frequent"),
    "thumbnail": LogisticRegression(C=1.0, max_iter=10_000, tol=1e-8),
    "bernoulli-naive-bayes": BernoulliNB(binarize=0.5),
    "gaussian-naive-bayes": GaussianNB(),
    "multinomial-naive-bayes": MultinomialNB(),
    "nearest-neighbours": KNeighborsClassifier(5, algorithm="brute"),
    "logistic-regression": LogisticRegression(C=1.0, max_iter=10_000, tol=1e-8),
    "rbf-svm": make_pipeline(PCA(50, svd_solver="full"), SVC(C=10.0, gamma="scale", tol=1e-6)),
}

digits = load_digits()
pixels, labels = digits.data[: LEARN + ANSWER], digits.target[: LEARN + ANSWER]
rows = pixels / 16.0
goldens = {
    "made_with": f"scikit-learn {sklearn.__version__}",
    "learn": LEARN,
    "pixels": ["".join(chr(ord("a") + int(value)) for value in row) for row in pixels],
    "labels": labels.tolist(),
    "answers": {
        name: model.fit(rows[:LEARN], labels[:LEARN]).predict(rows[LEARN:]).tolist() for name, model in MODELS.items()
    },
}
path = pathlib.Path(__file__).with_name("baselines.json")
path.write_text(json.dumps(goldens, separators=(",", ":")).replace('",', '",\n').replace('],"', '],\n"') + "\n")
for name, answers in goldens["answers"].items():
    print(f"{name:24} {(labels[LEARN:] == answers).mean():.4f}")
