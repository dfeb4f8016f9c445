#!/usr/bin/env python3
"""Writes the goldens that tests/it/goldens.rs holds the engine against.

    python3 -m venv goldens-venv && goldens-venv/bin/pip install torch tensorflow-cpu safetensors numpy
    goldens-venv/bin/python crates/candor-engine/tests/goldens/generate.py

Reads cases.json (the table of cases, shared with the test; layers are written as in a recipe) and writes
goldens.safetensors beside it. The versions that made the committed file stand in its metadata (`made_with`).

How a reference is made
  Every case is computed twice, in float64, by PyTorch and by Keras (TensorFlow), each with its own layers, losses,
  optimisers and automatic differentiation. The script stops when the two differ by more than AGREEMENT. What is
  written are PyTorch's values, rounded once to float32, so that the reference brings no rounding noise of its own.

Where the two frameworks mean different things
  'same' padding   Keras' (TensorFlow's) is the reference: out = ceil(in / stride), and an odd row or column of padding
                   lies at the bottom and right. PyTorch knows 'same' only for stride 1: here it gets explicit pads.
                   Average pooling does not count the padding, max pooling never chooses it.
  decay            Keras' is the reference: step t, from 0, uses learning_rate / (1 + decay * t); momentum is
                   v = momentum * v - rate * g. PyTorch has no decay and keeps the rate out of the velocity, which is
                   the same only while the rate is constant: for decay, `KerasSgd` below spells the rule out and is
                   itself compared with keras.optimizers.SGD; without decay torch.optim.SGD is used.
  Adam             PyTorch's is the reference (Kingma and Ba, algorithm 1): w -= rate * m_hat / (sqrt(v_hat) + eps).
                   Keras adds eps before v is corrected for its start ("epsilon hat"), so its Adam is not compared.
  AdamW, RMSprop   PyTorch's are the reference. Keras' AdamW inherits "epsilon hat", its RMSprop adds eps under the root,
                   and its weight decay of SGD lies beside the gradient: they are not compared.
  Lion             PyTorch has none: `Lion` below spells the paper's algorithm out and is compared with Keras'.
  Clipping         torch.nn.utils.clip_grad_norm_; Keras' divides without the small constant and is not compared.
  Class weights    PyTorch's: the loss is divided by the samples' weight. Keras gets weights scaled to the same.
  Flatten          PyTorch's order: channel by channel. The Keras model permutes before it flattens.
  Loss             Both take the mean over the samples and, for binary cross-entropy and squared error, over the units.

What is in goldens.safetensors, for each case, under "family/name/"
  output           of `layers` alone (without `head`) for batch 0, flattened: feature maps channel by channel
  prediction       of `layers` + `head` for batch 0
  losses           [5]: the loss that each of the five steps sees, before it changes the parameters
  gradient/P       of the loss of batch 0 with respect to parameter P, at the initial parameters
  input_gradient   likewise with respect to the input, N x H x W x C
  changes/P        [5, ...]: parameter P after each of the five steps, minus its initial value
Step k learns from batch k % 2. Tensors of more than WHOLE values are represented by `.../samples` (SAMPLES values at the
positions of `sample_positions`) and `.../sums` (sum, sum of magnitudes, sum weighted with the hash below).

Inputs and initial parameters are not stored: both sides compute them (`uniform`, below and in tests/it/formula.rs).
"""
import json
import math
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
# PyTorch's optional compiler and TensorFlow each bring an LLVM, and two of them in one process abort it.
sys.modules["triton"] = None

import keras
import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

keras.config.set_floatx("float64")
torch.set_default_dtype(torch.float64)

HERE = Path(__file__).parent
STEPS = 5
WHOLE = 1200    # a tensor of up to this many values is stored whole
SAMPLES = 128   # of a larger one, this many values are stored
AGREEMENT = 1e-6  # largest difference between the frameworks, relative to the largest value of a tensor
# Where a ReLU sits this close to its kink, or two values compete this closely for a maximum, the gradient of a float32
# engine may rightly differ: such a case needs another "salt" in cases.json. Asked of the gradients only: over five steps,
# each of the larger architectures comes closer than this somewhere, and their `changes` are compared less sharply.
MARGIN = 5e-7
# What PyTorch's own float32 may be off by in a loss, a fifth of what the test allows: beyond that a case measures the rounding
# of whoever computes it, and needs smaller steps or another "salt".
LOSS_NOISE = 2e-6
KINKS = {"leaky-relu": [0], "relu6": [0, 6], "hard-swish": [-3, 3]}
LEAKY_SLOPE = float(np.float32(0.01))


# ---------------------------------------------------------------- numbers from a formula, the same on both sides
def splitmix64(name, count):
    """The first `count` outputs of SplitMix64 (Steele, Lea and Flood, 2014), seeded with FNV-1a of `name`."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(name, count, limit):
    """`count` values in [-limit, limit), rounded to float32 (and returned as float64)."""
    unit = (splitmix64(name, count) >> np.uint64(40)).astype(np.float64) / 2.0**24
    return (limit * (2.0 * unit - 1.0)).astype(np.float32).astype(np.float64)


def as_f32(value):
    """The engine keeps its settings in float32: 0.1 means the float32 next to it."""
    return float(np.float32(value))


# ---------------------------------------------------------------- cases
class Case:
    """One entry of cases.json with its family's defaults, its inputs, targets and initial parameters."""

    def __init__(self, family, settings):
        self.key = f"{family}/{settings['name']}"
        self.seed = self.key + settings.get("salt", "")
        self.input = tuple(settings["input"])
        self.layers = settings["layers"]
        self.all_layers = settings["layers"] + settings["head"]
        self.loss = settings["loss"]
        self.optimizer = {k: as_f32(v) if isinstance(v, float) else v for k, v in settings["optimizer"].items()}
        self.label_smoothing = as_f32(settings.get("label_smoothing", 0.0))
        self.class_weights = [as_f32(w) for w in settings.get("class_weights", [])]
        self.focal_gamma = as_f32(settings.get("focal_gamma", 2.0))
        self.clip_norm = as_f32(settings.get("clip_norm", 0.0))
        self.batch = settings["batch"]
        self.bytes = settings.get("bytes", False)
        self.names = layer_names(self.all_layers)
        self.specs, self.outputs = parameter_specs(self.names, self.all_layers, self.input)
        self.parameters = {
            name: uniform(f"{self.seed}/{name}", math.prod(shape), limit).reshape(shape)
            for name, (shape, limit) in self.specs.items()
        }

    def inputs(self, batch):
        """N x H x W x C."""
        count, name = self.batch * math.prod(self.input), f"{self.seed}/input {batch}"
        if self.bytes:  # the engine takes value / 255 in float32
            values = (splitmix64(name, count) >> np.uint64(56)).astype(np.float32) / np.float32(255)
        else:
            values = uniform(name, count, 1.0)
        return values.astype(np.float64).reshape(self.batch, *self.input)

    def targets(self, batch):
        """One class a sample; with one output unit, 0 or 1."""
        bits = splitmix64(f"{self.seed}/targets {batch}", self.batch) >> np.uint64(32)
        return (bits % np.uint64(max(2, self.outputs))).astype(np.int64)

    def truth(self, batch):
        """What the outputs should be: 0 or 1, or one-hot."""
        targets = self.targets(batch)
        if self.outputs == 1:
            return targets[:, None].astype(np.float64)
        return np.eye(self.outputs)[targets]


def read_cases():
    for family, defaults in json.loads((HERE / "cases.json").read_text()).items():
        for case in defaults["cases"]:
            yield Case(family, {**defaults, **case})


def layer_names(layers):
    """The engine's names: the kind with a running number."""
    seen, names = {}, []
    for layer in layers:
        kind = layer["kind"]
        seen[kind] = seen.get(kind, 0) + 1
        names.append(f"{kind}_{seen[kind]}".replace("-", "_"))
    return names


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def window(layer):
    """(kernel, stride, is it 'same') of a convolution or pooling."""
    kernel = pair(layer.get("kernel", layer.get("size", 2)))
    stride = pair(layer.get("stride", 1 if layer["kind"] == "conv2d" else kernel))
    return kernel, stride, layer.get("padding", "valid") == "same"


def parameter_specs(names, layers, input_shape):
    """{parameter: (shape, limit of the initial values)}, in PyTorch's order, and the number of outputs.

    Weights are uniform in +-sqrt(6 / (fan in + fan out)), biases in +-0.1 (not zero, so that they are tested)."""
    specs, shape = {}, input_shape
    for name, layer in zip(names, layers):
        kind = layer["kind"]
        if kind in ("conv2d", "max-pool2d", "avg-pool2d"):
            kernel, stride, same = window(layer)
            sides = [-(-n // s) if same else (n - k) // s + 1 for n, k, s in zip(shape, kernel, stride)]
        if kind == "conv2d":
            groups, filters, channels = layer.get("groups", 1), layer["filters"], shape[2]
            weight = (filters, channels // groups, *kernel)
            limit = math.sqrt(6 / (math.prod(weight[1:]) + filters // groups * math.prod(kernel)))
            shape = (*sides, filters)
        elif kind == "dense":
            weight = (layer["units"], shape[0])
            limit = math.sqrt(6 / sum(weight))
            shape = (layer["units"],)
        elif kind in ("max-pool2d", "avg-pool2d"):
            shape = (*sides, shape[2])
        elif kind in ("global-max-pool", "global-avg-pool"):
            shape = (shape[2],)
        elif kind == "flatten":
            shape = (math.prod(shape),)
        if kind in ("conv2d", "dense"):
            specs[f"{name}.weight"] = (weight, limit)
            if layer.get("bias", True):
                specs[f"{name}.bias"] = (weight[:1], 0.1)
    return specs, math.prod(shape)


# ---------------------------------------------------------------- PyTorch
class Torch:
    """The case in PyTorch; remembers how close it came to a kink."""

    def __init__(self, case, dtype=torch.float64):
        self.case, self.dtype, self.margin = case, dtype, math.inf
        self.parameters = {n: self.tensor(v).requires_grad_() for n, v in case.parameters.items()}

    def tensor(self, values):
        return torch.tensor(np.asarray(values), dtype=self.dtype)

    def images(self, batch):
        return self.tensor(self.case.inputs(batch).transpose(0, 3, 1, 2))

    def forward(self, x, count):
        """The output of the first `count` layers."""
        for name, layer in list(zip(self.case.names, self.case.all_layers))[:count]:
            x = self.layer(name, layer, x)
        return x

    def layer(self, name, layer, x):
        kind = layer["kind"]
        if kind == "conv2d":
            kernel, stride, same = window(layer)
            x = pad(x, kernel, stride, 0.0) if same else x
            x = F.conv2d(x, *self.weights(name), stride=stride, groups=layer.get("groups", 1))
        elif kind == "dense":
            x = F.linear(x, *self.weights(name))
        elif kind == "max-pool2d":
            kernel, stride, same = window(layer)
            x = pad(x, kernel, stride, -math.inf) if same else x
            self.note_rivals(F.unfold(x, kernel, stride=stride).reshape(len(x), x.shape[1], math.prod(kernel), -1))
            x = F.max_pool2d(x, kernel, stride)
        elif kind == "avg-pool2d":
            kernel, stride, same = window(layer)
            if same:
                inside = F.avg_pool2d(pad(torch.ones_like(x), kernel, stride, 0.0), kernel, stride)
                x = F.avg_pool2d(pad(x, kernel, stride, 0.0), kernel, stride) / inside
            else:
                x = F.avg_pool2d(x, kernel, stride)
        elif kind == "global-max-pool":
            self.note_rivals(x.flatten(2)[..., None])
            x = F.adaptive_max_pool2d(x, 1).flatten(1)
        elif kind == "global-avg-pool":
            x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        elif kind == "flatten":
            x = x.flatten(1)
        return self.activation(layer.get("activation", layer.get("function", "linear")), x)

    def weights(self, name):
        return self.parameters[f"{name}.weight"], self.parameters.get(f"{name}.bias")

    def activation(self, function, x):
        if function == "relu":
            self.margin = min(self.margin, x.detach().abs().min().item())
            return F.relu(x)
        if function == "softmax":
            return F.softmax(x, 1)
        for kink in KINKS.get(function, []):
            self.margin = min(self.margin, (x.detach() - kink).abs().min().item())
        return {"linear": lambda v: v, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu6": F.relu6, "silu": F.silu,
                "leaky-relu": lambda v: F.leaky_relu(v, LEAKY_SLOPE), "hard-swish": F.hardswish, "gelu": F.gelu}[function](x)

    def note_rivals(self, windows):
        """How far the second largest of each window (in dimension 2) is behind. Zeros are ReLU's: no gradient there."""
        if windows.shape[2] > 1:
            first, second = windows.detach().topk(2, 2).values.unbind(2)
            gaps = (first - second)[first != 0]
            self.margin = min(self.margin, gaps.min().item() if len(gaps) else math.inf)

    def loss(self, batch, x=None):
        x = self.images(batch) if x is None else x
        y = self.forward(x, len(self.case.all_layers))
        truth = self.tensor(self.case.truth(batch))
        targets = torch.tensor(self.case.targets(batch))
        weights, smoothing = self.case.class_weights, self.case.label_smoothing
        if self.case.loss == "cross-entropy":
            weights = self.tensor(weights) if weights else None
            return F.cross_entropy(y.log(), targets, weights, label_smoothing=smoothing)
        if self.case.loss == "binary-cross-entropy":
            losses = F.binary_cross_entropy(y, (1 - smoothing) * truth + smoothing / 2, reduction="none").mean(1)
        elif self.case.loss == "focal":
            p = (truth * y + (1 - truth) * (1 - y))[:, 0] if y.shape[1] == 1 else (truth * y).sum(1)
            losses = -((1 - p) ** self.case.focal_gamma) * p.log()
        else:
            losses = F.mse_loss(y, truth, reduction="none").mean(1)
        each = self.tensor(weights)[targets] if weights else torch.ones_like(losses)
        return (each * losses).sum() / each.sum()

    def optimizer(self):
        o, parameters = dict(self.case.optimizer), list(self.parameters.values())
        rate = o.get("learning_rate", as_f32(1e-3))
        weight_decay = o.get("weight_decay", 0.0)
        if o["kind"] in ("adam", "adamw"):
            betas = (o.get("beta1", as_f32(0.9)), o.get("beta2", as_f32(0.999)))
            rule = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[o["kind"]]
            return rule(parameters, rate, betas, o.get("epsilon", as_f32(1e-7)), weight_decay)
        if o["kind"] == "rmsprop":
            return torch.optim.RMSprop(parameters, rate, o.get("rho", as_f32(0.9)), o.get("epsilon", as_f32(1e-7)),
                                       weight_decay, o.get("momentum", 0.0))
        if o["kind"] == "lion":
            return Lion(parameters, rate, o.get("beta1", as_f32(0.9)), o.get("beta2", as_f32(0.99)), weight_decay)
        if o.get("decay", 0) > 0:
            return KerasSgd(parameters, rate, o.get("momentum", 0.0), o.get("nesterov", False), o["decay"])
        return torch.optim.SGD(parameters, rate, o.get("momentum", 0.0), weight_decay=weight_decay,
                               nesterov=o.get("nesterov", False))

    def run(self):
        case, result = self.case, {}
        x = self.images(0).requires_grad_()
        result["output"] = self.forward(x, len(case.layers)).flatten(1)
        result["prediction"] = self.forward(x, len(case.all_layers))
        self.loss(0, x).backward()
        self.gradient_margin = self.margin
        for name, parameter in self.parameters.items():
            result[f"gradient/{name}"] = parameter.grad.clone()
        result["input_gradient"] = channels_last(x.grad)
        optimizer, losses, history = self.optimizer(), [], {name: [] for name in self.parameters}
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = self.loss(step % 2)
            loss.backward()
            if case.clip_norm > 0:
                torch.nn.utils.clip_grad_norm_(self.parameters.values(), case.clip_norm)
            optimizer.step()
            losses.append(loss.item())
            for name, parameter in self.parameters.items():
                history[name].append(parameter.detach().numpy().astype(np.float64) - case.parameters[name])
        result["losses"] = torch.tensor(losses)
        values = {name: tensor.detach().numpy().astype(np.float64) for name, tensor in result.items()}
        return values | {f"changes/{name}": np.stack(changes) for name, changes in history.items()}


class KerasSgd:
    """SGD with momentum and decay as Keras has it."""

    def __init__(self, parameters, rate, momentum, nesterov, decay):
        self.parameters, self.rate, self.momentum, self.nesterov, self.decay = parameters, rate, momentum, nesterov, decay
        self.velocities, self.step_count = [torch.zeros_like(p) for p in parameters], 0

    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self):
        rate = self.rate / (1 + self.decay * self.step_count)
        for parameter, velocity in zip(self.parameters, self.velocities):
            velocity.mul_(self.momentum).sub_(rate * parameter.grad)
            parameter.add_(self.momentum * velocity - rate * parameter.grad if self.nesterov else velocity)
        self.step_count += 1


class Lion:
    """Lion (Chen et al., 2023, algorithm 2), which PyTorch does not have. Compared with keras.optimizers.Lion."""

    def __init__(self, parameters, rate, beta1, beta2, weight_decay):
        self.parameters, self.rate, self.beta1, self.beta2, self.decay = parameters, rate, beta1, beta2, weight_decay
        self.means = [torch.zeros_like(p) for p in parameters]

    def zero_grad(self):
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self):
        for parameter, mean in zip(self.parameters, self.means):
            direction = torch.sign(self.beta1 * mean + (1 - self.beta1) * parameter.grad)
            parameter.sub_(self.rate * (direction + self.decay * parameter))
            mean.mul_(self.beta2).add_((1 - self.beta2) * parameter.grad)


def pad(x, kernel, stride, value):
    """TensorFlow's 'same' padding of N x C x H x W."""
    pads = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride)):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def channels_last(x):
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


# ---------------------------------------------------------------- Keras
def channels_first(x):
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def keras_activation(name):
    other = {"leaky-relu": lambda x: keras.activations.leaky_relu(x, LEAKY_SLOPE), "hard-swish": keras.activations.hard_silu,
             "gelu": lambda x: keras.activations.gelu(x, approximate=False)}
    return other.get(name, name)


def keras_model(case, count):
    x = inputs = keras.Input(case.input)
    for name, layer in list(zip(case.names, case.all_layers))[:count]:
        x = keras_layer(name, layer, x)
    return keras.Model(inputs, x)


def keras_layer(name, layer, x):
    kind, L, padding = layer["kind"], keras.layers, layer.get("padding", "valid")
    activation = keras_activation(layer.get("activation"))
    if kind == "conv2d":
        kernel, stride, _ = window(layer)
        return L.Conv2D(layer["filters"], kernel, stride, padding, groups=layer.get("groups", 1), name=name,
                        activation=activation, use_bias=layer.get("bias", True))(x)
    if kind == "dense":
        return L.Dense(layer["units"], name=name, activation=activation, use_bias=layer.get("bias", True))(x)
    if kind in ("max-pool2d", "avg-pool2d"):
        kernel, stride, _ = window(layer)
        return {"m": L.MaxPooling2D, "a": L.AveragePooling2D}[kind[0]](kernel, stride, padding)(x)
    if kind == "global-max-pool":
        return L.GlobalMaxPooling2D()(x)
    if kind == "global-avg-pool":
        return L.GlobalAveragePooling2D()(x)
    if kind == "flatten":
        return L.Flatten()(L.Permute((3, 1, 2))(x))
    return L.Activation(keras_activation(layer["function"]))(x)


def keras_variable(model, name):
    layer, which = name.split(".")
    return model.get_layer(layer).weights[0 if which == "weight" else 1]


def to_keras(value):
    """OIHW to HWIO, [out, in] to [in, out]."""
    return value.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[value.ndim])


def from_keras(value):
    value = np.asarray(value)
    return value.transpose({4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim])


def keras_optimizer(case):
    """None where Keras means something else: see the head of this file."""
    o = case.optimizer
    if o["kind"] == "lion":
        return keras.optimizers.Lion(o["learning_rate"], o.get("beta1", as_f32(0.9)), o.get("beta2", as_f32(0.99)),
                                     weight_decay=o.get("weight_decay"))
    if o["kind"] != "sgd" or o.get("weight_decay", 0) > 0 or case.clip_norm > 0:
        return None
    rate = o["learning_rate"]
    if o.get("decay", 0) > 0:
        rate = keras.optimizers.schedules.InverseTimeDecay(rate, 1, o["decay"])
    return keras.optimizers.SGD(rate, o.get("momentum", 0.0), o.get("nesterov", False))


def keras_loss(case):
    losses, smoothing, gamma = keras.losses, case.label_smoothing, case.focal_gamma
    if case.loss == "focal" and case.outputs == 1:
        return losses.BinaryFocalCrossentropy(gamma=gamma)
    if case.loss == "focal":
        return losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma)
    if case.loss == "cross-entropy" and smoothing > 0 and case.class_weights:
        return weighted_and_smoothed(case)
    return {"cross-entropy": lambda: losses.CategoricalCrossentropy(label_smoothing=smoothing),
            "binary-cross-entropy": lambda: losses.BinaryCrossentropy(label_smoothing=smoothing),
            "mean-squared-error": losses.MeanSquaredError}[case.loss]()


def weighted_and_smoothed(case):
    """PyTorch's rule, which weights every class' part of the smoothed truth; Keras would weight by the truth alone."""
    smoothing, weights = case.label_smoothing, tf.constant(case.class_weights, tf.float64)

    def loss(truth, y, _):
        smoothed = (1 - smoothing) * truth + smoothing / case.outputs
        return -tf.reduce_sum(smoothed * weights * tf.math.log(y)) / tf.reduce_sum(truth * weights)

    return loss


def sample_weights(case, batch):
    """Scaled such that Keras' division by the number of samples is PyTorch's by their weight."""
    if not case.class_weights:
        return tf.ones(case.batch, tf.float64)
    each = np.array(case.class_weights)[case.targets(batch)]
    return tf.constant(each * case.batch / each.sum())


def run_keras(case):
    model, names = keras_model(case, len(case.all_layers)), list(case.parameters)
    variables = [keras_variable(model, name) for name in names]
    for name, variable in zip(names, variables):
        variable.assign(to_keras(case.parameters[name]))
    loss_of = keras_loss(case)

    @tf.function
    def gradients(x, truth, weights):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = loss_of(truth, model(x), weights)
        return loss, tape.gradient(loss, [x] + [v.value for v in variables])

    x = tf.constant(case.inputs(0))
    front = keras_model(case, len(case.layers))
    front.set_weights(model.get_weights()[:len(front.weights)])
    result = {"output": channels_first(np.asarray(front(x))).reshape(case.batch, -1), "prediction": np.asarray(model(x))}
    _, (input_gradient, *parameter_gradients) = gradients(x, tf.constant(case.truth(0)), sample_weights(case, 0))
    result["input_gradient"] = np.asarray(input_gradient)
    for name, gradient in zip(names, parameter_gradients):
        result[f"gradient/{name}"] = from_keras(gradient)
    optimizer = keras_optimizer(case)
    if optimizer is None:
        return result
    losses, history = [], {name: [] for name in names}
    for step in range(STEPS):
        loss, (_, *parameter_gradients) = gradients(
            tf.constant(case.inputs(step % 2)), tf.constant(case.truth(step % 2)), sample_weights(case, step % 2))
        optimizer.apply(parameter_gradients, variables)
        losses.append(float(loss))
        for name, variable in zip(names, variables):
            history[name].append(from_keras(variable) - case.parameters[name])
    result["losses"] = np.array(losses)
    return result | {f"changes/{name}": np.stack(changes) for name, changes in history.items()}


# ---------------------------------------------------------------- comparing and writing
def deviation(a, b):
    """The largest difference, relative to the largest value."""
    return np.abs(a - b).max() / max(np.abs(a).max(), 1e-30)


def sample_positions(count):
    return (splitmix64("positions", SAMPLES) % np.uint64(count)).astype(np.int64)


def stored(key, values):
    """The tensor itself or, when it is large, what represents it."""
    if values.size <= WHOLE:
        return {key: values.astype(np.float32)}
    flat = values.ravel()
    sums = [flat.sum(), np.abs(flat).sum(), (flat * uniform("weights", flat.size, 1.0)).sum()]
    return {
        f"{key}/samples": flat[sample_positions(flat.size)].astype(np.float32),
        f"{key}/sums": np.array(sums, np.float32),
    }


def main():
    tensors, failures = {}, []
    print(f"{'case':<52} {'PyTorch-Keras':>13} {'float32 out':>12} {'gradient':>10} {'changes':>10} {'losses':>10} {'margin':>9}")
    for case in read_cases():
        exact = Torch(case)
        values, peer, single = exact.run(), run_keras(case), Torch(case, torch.float32).run()
        for name in values:
            if values[name].shape != peer.get(name, values[name]).shape:
                failures.append(f"{case.key}: {name} {values[name].shape} {peer[name].shape}")
        agreement = max(deviation(values[name], peer[name]) for name in peer)
        noise = {prefix: max(deviation(values[n], single[n]) for n in values if n.startswith(prefix))
                 for prefix in ("output", "gradient", "changes", "losses")}
        print(f"{case.key:<52} {agreement:13.1e} {noise['output']:12.1e} {noise['gradient']:10.1e} "
              f"{noise['changes']:10.1e} {noise['losses']:10.1e} {exact.gradient_margin:9.1e}", flush=True)
        if agreement > AGREEMENT:
            worst = max(peer, key=lambda name: deviation(values[name], peer[name]))
            failures.append(f"{case.key}: PyTorch and Keras differ in {worst} by {agreement:.1e}")
        if exact.gradient_margin < MARGIN:
            failures.append(f"{case.key}: {exact.gradient_margin:.1e} from a kink: give it another salt")
        if noise["losses"] > LOSS_NOISE:
            failures.append(f"{case.key}: PyTorch's float32 is off by {noise['losses']:.1e} in a loss")
        for name, value in values.items():
            tensors |= stored(f"{case.key}/{name}", value)
    if failures:
        sys.exit("\n".join(failures))
    made_with = f"PyTorch {torch.__version__}, Keras {keras.__version__}, TensorFlow {tf.__version__}, NumPy {np.__version__}"
    path = HERE / "goldens.safetensors"
    save_file(tensors, path, {"made_with": made_with})
    print(f"{path}: {len(tensors)} tensors, {path.stat().st_size} bytes, {made_with}")


if __name__ == "__main__":
    main()
