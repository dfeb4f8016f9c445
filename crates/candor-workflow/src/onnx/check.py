"""Checks an ONNX file and answers with it: python check.py MODEL PIXELS OUTPUTS ROWS COLUMNS COLOURS

Reads pixels as bytes, writes what the model gives as little-endian floats. Ends with 3 where the packages are missing.
"""
import sys

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as error:
    sys.exit(print(error, file=sys.stderr) or 3)

model, pixels, outputs = sys.argv[1:4]
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
batch = np.fromfile(pixels, np.uint8).reshape(-1, *map(int, sys.argv[4:7]))
(given,) = session.run(["probabilities"], {"pixels": batch})
given.astype("<f4").tofile(outputs)
