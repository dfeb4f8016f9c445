#!/usr/bin/env python3
"""Speed of PyTorch and Keras on candor's networks, on the CPU: one JSON line a measurement on standard output.

    peers.py pytorch mnist-cnn train infer latency
    peers.py keras simple-cnn train --variant tuned --threads 2 --seconds 3

measures   train    images a second over whole epochs, after one that is not timed
           infer    images a second, forward only, 128 at a time
           latency  milliseconds for one picture, median
           start    one training step and nothing else: whoever starts the process takes the time

variants   Both frameworks are measured as a beginner writes them (`default`) and as someone who knows them does (`tuned`):
           pytorch  tuned: channels-last memory format, fused optimiser
           keras    tuned: tf.data, batched, cached and prefetched, and eight steps a call

With `--precision bf16` both compute in bf16 with weights of f32: PyTorch by autocast, Keras by its policy `mixed_bfloat16`.

Pictures are the Fashion-MNIST test set that lies in this repository, enlarged to the network's input. `compare`, beside
this file, runs this and candor in turns.
"""
import argparse
import gzip
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "crates/candor-data/assets/fashion-mnist"
INFER_BATCH = 128


# ---------------------------------------------------------------- networks, layer by layer as in `candor models`
def conv(filters, padding="valid"):
    return ("conv", filters, padding)


def dense(units, activation):
    return ("dense", units, activation)


def dropout(rate):
    return ("dropout", rate)


def residual(filters, stride=1):
    return ("residual", filters, stride)


POOL, FLATTEN, GLOBAL_MAX, GLOBAL_AVG = ("pool",), ("flatten",), ("global max",), ("global avg",)
VGG = [layer for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
       for layer in [conv(filters, "same")] * count + [POOL]]

# PyTorch's modules of VGG16 up to conv5_2 and its ReLU: twelve pairs and four poolings.
VGG_FROZEN = 12 * 2 + 4

NETS = {
    "mnist-cnn": dict(
        input=(28, 28, 1), classes=10, batch=128, images=5_120, loss="cross-entropy", optimizer="adam", parameters=34_826,
        layers=[conv(32), POOL, conv(64), POOL, FLATTEN, dropout(0.5), dense(10, "softmax")]),
    "simple-cnn": dict(
        input=(64, 64, 1), classes=4, batch=32, images=1_369, loss="cross-entropy", optimizer="adam", parameters=92_868,
        layers=[conv(32), POOL, conv(32), POOL, conv(32), POOL, FLATTEN, dense(64, "relu"), dropout(0.5), dense(4, "softmax")]),
    "face-cnn": dict(
        input=(64, 64, 1), classes=2, batch=32, images=1_000, loss="squared error", optimizer="adam", parameters=2_116_769,
        layers=[conv(64, "same"), POOL, dropout(0.25), conv(32, "same"), POOL, dropout(0.25), FLATTEN,
                dense(256, "tanh"), dense(1, "sigmoid")]),
    "face-mlp": dict(
        input=(64, 64, 1), classes=2, batch=32, images=1_000, loss="squared error", optimizer="sgd", parameters=1_092_609,
        layers=[FLATTEN] + [dense(units, "tanh") for units in (256, 128, 64, 32, 16)] + [dense(1, "sigmoid")]),
    "resnet20": dict(
        input=(32, 32, 3), classes=10, batch=128, images=1_280, loss="cross-entropy", optimizer="adam", parameters=272_474,
        layers=[("stem", 16)] + [residual(f, s) for f, s in ((16, 1), (16, 1), (16, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1))]
               + [GLOBAL_AVG, dense(10, "softmax")]),
    "vgg16": dict(
        input=(128, 128, 3), classes=4, batch=32, images=32, loss="cross-entropy", optimizer="sgd", parameters=14_780_868,
        layers=VGG + [GLOBAL_MAX, dense(128, "relu"), dropout(0.5), dense(4, "softmax")]),
}


# ---------------------------------------------------------------- pictures
def read_idx(name):
    import numpy as np

    raw = gzip.open(ASSETS / f"{name}.gz").read()
    sides = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sides)


def pictures(net, count):
    """`count` pictures as float32 N x H x W x C in 0..1, and their classes."""
    import numpy as np

    height, width, channels = net["input"]
    images, labels = read_idx("t10k-images-idx3-ubyte"), read_idx("t10k-labels-idx1-ubyte")
    kept = np.flatnonzero(labels < net["classes"])
    kept = np.resize(kept, count)
    rows, columns = np.arange(height) * 28 // height, np.arange(width) * 28 // width
    images = images[kept][:, rows][:, :, columns]
    images = np.repeat(images[..., None], channels, axis=3)
    return np.ascontiguousarray(images, np.float32) / np.float32(255), labels[kept].astype(np.int64)


def write_pictures(net):
    """What the peers train on, for candor's measurement: bytes, all pixels and then one class a picture."""
    images, labels = pictures(net, max(net["images"], INFER_BATCH))
    sys.stdout.buffer.write((images * 255).round().astype("uint8").tobytes() + labels.astype("uint8").tobytes())


# ---------------------------------------------------------------- PyTorch
class PyTorch:
    def __init__(self, net, variant, threads, precision="f32"):
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        import torch

        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.torch, self.net, self.tuned = torch, net, variant == "tuned"
        self.format = torch.channels_last if self.tuned else torch.contiguous_format
        self.cast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        self.model, self.last = self.build()
        assert sum(p.numel() for p in self.model.parameters()) == net["parameters"]

    def build(self):
        """The model up to its logits, and what turns those into answers."""
        nn = self.torch.nn
        (height, width, channels), modules, features, last = self.net["input"], [], 0, "linear"
        activations = {"relu": nn.ReLU, "tanh": nn.Tanh}
        for kind, *settings in self.net["layers"]:
            if kind == "conv":
                filters, padding = settings
                modules += [nn.Conv2d(channels, filters, 3, padding=padding), nn.ReLU()]
                height, width = (height, width) if padding == "same" else (height - 2, width - 2)
                channels = filters
            elif kind in ("stem", "residual"):
                modules.append(self.residual(channels, *settings) if kind == "residual" else self.stem(channels, *settings))
                channels = settings[0]
            elif kind == "global avg":
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
                features = channels
            elif kind == "pool":
                modules.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
            elif kind in ("flatten", "global max"):
                modules += [nn.Flatten()] if kind == "flatten" else [nn.AdaptiveMaxPool2d(1), nn.Flatten()]
                features = height * width * channels if kind == "flatten" else channels
            elif kind == "dropout":
                modules.append(nn.Dropout(settings[0]))
            else:
                modules.append(nn.Linear(features, settings[0]))
                features, last = settings
                modules += [activations[last]()] if last in activations else []
        model = nn.Sequential(*modules).to(memory_format=self.format)
        return model, {"softmax": nn.Softmax(1), "sigmoid": nn.Sigmoid()}[last]

    def stem(self, inputs, filters, stride=1):
        nn = self.torch.nn
        conv = nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(filters), nn.ReLU(inplace=True))

    def residual(self, inputs, filters, stride):
        nn, stem = self.torch.nn, self.stem

        class Residual(nn.Module):
            def __init__(self):
                super().__init__()
                conv = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
                self.through = nn.Sequential(stem(inputs, filters, stride), conv, nn.BatchNorm2d(filters))
                self.around = nn.Identity()
                if stride > 1:
                    self.around = nn.Sequential(nn.Conv2d(inputs, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

            def forward(self, x):
                return nn.functional.relu(self.through(x) + self.around(x), inplace=True)

        return Residual()

    def tensor(self, images):
        return self.torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=self.format)

    def freeze(self):
        """Leaves only what stands behind `conv5_2` to be trained."""
        for module in list(self.model)[:VGG_FROZEN]:
            module.requires_grad_(False)

    def optimizer(self):
        optim, options = self.torch.optim, {"fused": True} if self.tuned else {}
        if self.net["optimizer"] == "adam":
            return optim.Adam(self.model.parameters(), 1e-3, **options)
        return optim.SGD([p for p in self.model.parameters() if p.requires_grad], 1e-2, **options)

    def trainer(self, count):
        """A function that trains one epoch on `count` pictures."""
        torch, functional, batch = self.torch, self.torch.nn.functional, self.net["batch"]
        images, labels = pictures(self.net, count)
        images, labels = self.tensor(images), torch.from_numpy(labels)
        optimizer = self.optimizer()
        self.model.train()

        def loss(logits, labels):
            if self.net["loss"] == "cross-entropy":
                return functional.cross_entropy(logits, labels)
            return functional.mse_loss(self.last(logits), labels[:, None].float())

        def epoch():
            for chosen in torch.randperm(count).split(batch):
                optimizer.zero_grad(set_to_none=True)
                inputs = images[chosen].contiguous(memory_format=self.format)
                with self.cast():
                    logits = self.model(inputs)
                loss(logits.float(), labels[chosen]).backward()
                optimizer.step()

        return epoch

    def predictor(self, images):
        """A function that answers for all `images`, INFER_BATCH at a time."""
        self.model.eval()
        batches = [part.contiguous(memory_format=self.format) for part in self.tensor(images).split(INFER_BATCH)]

        def predict():
            with self.torch.inference_mode(), self.cast():
                return [self.last(self.model(part).float()).numpy() for part in batches]

        return predict


# ---------------------------------------------------------------- Keras
class Keras:
    def __init__(self, net, variant, threads, precision="f32"):
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        os.environ["KERAS_BACKEND"] = "tensorflow"
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
        import keras

        keras.utils.set_random_seed(1)
        if precision == "bf16":
            keras.mixed_precision.set_global_policy("mixed_bfloat16")
        self.tensorflow, self.keras, self.net, self.tuned = tensorflow, keras, net, variant == "tuned"
        self.model = self.build()
        trained = sum(weights.numpy().size for weights in self.model.trainable_variables)
        assert trained == net["parameters"]

    def build(self):
        layers = self.keras.layers
        make = {
            "conv": lambda filters, padding: layers.Conv2D(filters, 3, padding=padding, activation="relu"),
            "pool": lambda: layers.MaxPooling2D(),
            "flatten": lambda: layers.Flatten(),
            "global max": lambda: layers.GlobalMaxPooling2D(),
            "dropout": lambda rate: layers.Dropout(rate),
            "dense": lambda units, activation: layers.Dense(units, activation=activation),
        }
        make["global avg"] = lambda: layers.GlobalAveragePooling2D()
        inputs = x = self.keras.Input(self.net["input"])
        for kind, *settings in self.net["layers"]:
            x = self.residual(x, *settings) if kind in ("stem", "residual") else make[kind](*settings)(x)
        return self.keras.Model(inputs, x)

    def residual(self, x, filters, stride=None):
        """A convolution with batch norm and ReLU; with a stride, a residual block."""
        layers = self.keras.layers

        def normalised(x, side, stride):
            return layers.BatchNormalization()(layers.Conv2D(filters, side, stride, padding="same", use_bias=False)(x))

        y = layers.ReLU()(normalised(x, 3, stride or 1))
        if stride is None:
            return y
        around = normalised(x, 1, stride) if stride > 1 else x
        return layers.ReLU()(layers.Add()([normalised(y, 3, 1), around]))

    def freeze(self):
        """Leaves only what stands behind `conv5_2` to be trained."""
        convolutions = [layer for layer in self.model.layers if isinstance(layer, self.keras.layers.Conv2D)]
        for layer in convolutions[:-1]:
            layer.trainable = False

    def trainer(self, count):
        optimizers, batch = self.keras.optimizers, self.net["batch"]
        images, labels = pictures(self.net, count)
        categorical = self.net["loss"] == "cross-entropy"
        self.model.compile(
            optimizers.Adam(1e-3) if self.net["optimizer"] == "adam" else optimizers.SGD(1e-2),
            "sparse_categorical_crossentropy" if categorical else "mse",
            steps_per_execution=8 if self.tuned else 1)
        labels = labels if categorical else labels[:, None].astype("float32")
        data = dict(x=images, y=labels, batch_size=batch)
        if self.tuned:
            batches = self.tensorflow.data.Dataset.from_tensor_slices((images, labels)).batch(batch).cache()
            data = dict(x=batches.shuffle(-(-count // batch)).prefetch(self.tensorflow.data.AUTOTUNE))
        return lambda: self.model.fit(**data, epochs=1, verbose=0)

    def predictor(self, images):
        tensorflow = self.tensorflow
        if not self.tuned and len(images) > 1:
            return lambda: self.model.predict(images, batch_size=INFER_BATCH, verbose=0)
        call = tensorflow.function(lambda inputs: self.model(inputs, training=False))
        batches = [tensorflow.constant(images[at:at + INFER_BATCH]) for at in range(0, len(images), INFER_BATCH)]
        return lambda: [call(part).numpy() for part in batches]


# ---------------------------------------------------------------- measuring
def repeat(work, seconds, least):
    """How long `work` took, each time, for at least so many seconds and times."""
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < least or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def measure(peer, net, what, seconds):
    if what == "start":
        peer.trainer(net["batch"])()
        return {}
    if what == "finetune":
        peer.freeze()
    if what in ("train", "finetune"):
        epoch = peer.trainer(net["images"])
        epoch()
        return {"images_per_s": net["images"] / statistics.median(repeat(epoch, seconds, 2))}
    if what == "infer":
        count = 10 * INFER_BATCH if net["parameters"] < 1e7 else 32
        predict = peer.predictor(pictures(net, count)[0])
        predict()
        return {"images_per_s": count / statistics.median(repeat(predict, seconds, 3))}
    predict = peer.predictor(pictures(net, 1)[0])
    for _ in range(5):
        predict()
    return {"latency_ms": 1e3 * statistics.median(repeat(predict, min(seconds, 1.0), 10))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", choices=["pytorch", "keras"])
    parser.add_argument("net", choices=list(NETS))
    parser.add_argument("measures", nargs="+", choices=["train", "finetune", "infer", "latency", "start", "pictures"])
    parser.add_argument("--variant", choices=["default", "tuned"], default="default")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=2.0, help="timed, for each measurement")
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if arguments.measures == ["pictures"]:
        return write_pictures(NETS[arguments.net])
    net = NETS[arguments.net]
    framework = {"pytorch": PyTorch, "keras": Keras}[arguments.framework]
    peer = framework(net, arguments.variant, arguments.threads, arguments.precision)
    for what in arguments.measures:
        figures = measure(peer, net, what, arguments.seconds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        about = {key: getattr(arguments, key) for key in ("framework", "variant", "net", "precision", "threads")}
        print(json.dumps(about | {"measure": what} | figures | {"peak_mb": peak}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
