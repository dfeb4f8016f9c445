"""Goldens for the attacks of `audit/adversarial`: foolbox 3.3.4 on a small network in PyTorch, weights and results in
`adversarial.json`.

    pip install torch foolbox
    python crates/candor-analysis/tests/goldens/adversarial.py
"""

import json
from pathlib import Path

import eagerpy
import foolbox
import torch

INPUTS, HIDDEN, CLASSES, PICTURES = 16, 8, 3, 12

torch.manual_seed(7)
model = torch.nn.Sequential(torch.nn.Linear(INPUTS, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, CLASSES)).double()
with torch.no_grad():
    model[0].weight.mul_(4)
    model[2].weight.mul_(4)
pictures = torch.rand(PICTURES, INPUTS, dtype=torch.float64)
# Values at the edge of what is allowed are clipped.
pictures[:, 0], pictures[:, 1] = 0.0, 1.0
truth = model(pictures).argmax(1)
model.eval()
wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")

STEPS = {"random_start": False, "steps": 20, "rel_stepsize": 0.125}
attacks = {
    "FGSM, L∞": foolbox.attacks.LinfFastGradientAttack(random_start=False),
    "PGD, L∞": foolbox.attacks.LinfProjectedGradientDescentAttack(**STEPS),
    "FGM, L2": foolbox.attacks.L2FastGradientAttack(random_start=False),
    "PGD, L2": foolbox.attacks.L2ProjectedGradientDescentAttack(**STEPS),
}
cases = []
for name, attack in attacks.items():
    for epsilon in [0.02, 0.1, 0.3]:
        _, changed, success = attack(wrapped, pictures, truth, epsilons=epsilon)
        cases.append({"attack": name, "epsilon": epsilon, "changed": changed.tolist(), "wrong": success.tolist()})

golden = {
    "weights": [[layer.weight.tolist(), layer.bias.tolist()] for layer in (model[0], model[2])],
    "pictures": pictures.tolist(),
    "truth": truth.tolist(),
    "cases": cases,
}


def rounded(value):
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, list):
        return [rounded(one) for one in value]
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return value


path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(rounded(golden), ensure_ascii=False) + "\n")
print(path, [sum(case["wrong"]) for case in cases])
