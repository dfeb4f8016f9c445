"""Writes corruptions.json: what ImageNet-C's authors' programme makes of a picture, for the ways that candor has of them.

    pip install imagecorruptions==1.1.2 "setuptools<80"
    python corruptions.py

imagecorruptions is that programme as a package. JPEG is left out: Pillow halves the colours' resolution, candor's encoder does
not. Noise is random all over; its spread has a test of its own.
"""
import json
from pathlib import Path

import numpy as np

np.float_ = np.float64  # The package is older than NumPy 2 ...
from imagecorruptions import corruptions as reference
from PIL import Image

scikit_gaussian = reference.gaussian
# ... and than scikit-image .19, which named the argument anew.
reference.gaussian = lambda x, sigma, multichannel: scikit_gaussian(x, sigma=sigma, channel_axis=-1)

SIDE = 224
at = np.arange(SIDE * SIDE * 3)
picture = Image.fromarray((at * 7 % 251 // 3 + at // 3 % SIDE // 2).astype(np.uint8).reshape(SIDE, SIDE, 3))


def sampled(changed):
    return np.clip(np.asarray(changed), 0, 255).astype(np.uint8).ravel()[::997].tolist()


cases = []
for name, way in [
    ("Gaussian blur", reference.gaussian_blur),
    ("brightness", reference.brightness),
    ("contrast", reference.contrast),
    ("pixelation", reference.pixelate),
]:
    cases += [(name, severity, 0.0, sampled(way(picture, severity + 1))) for severity in range(5)]

MOTION = [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)]
for severity, degrees in enumerate([-45.0, -20.0, 5.0, 17.0, 45.0]):
    radius, spread = MOTION[severity]
    moved = reference._motion_blur(np.array(picture), radius=radius, sigma=spread, angle=degrees)
    cases.append(("motion blur", severity, degrees, sampled(moved)))

np.random.seed(1)
fog = []
flat = np.full((SIDE, SIDE), 100, np.uint8)
for severity in range(5):
    draws = np.stack([reference.fog(flat, severity + 1) for _ in range(100)]) / 255
    # Of each draw its own: the whole picture's lightness, and how patchy it is.
    fog.append((severity, draws.mean(), draws.std(axis=(1, 2)).mean()))

golden = json.dumps({"cases": cases, "fog": fog})
Path(__file__).with_name("corruptions.json").write_text(golden + "\n")
