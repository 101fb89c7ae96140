"""Megapixels per second of every metric, and of scikit-image's PSNR and SSIM: least CPU time on one thread.

usage: python benchmarks/metrics_speed.py       needs scikit-image for the comparison
"""

import os
import pathlib
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image

import codec
from codec.metrics.names import METRICS

PICTURE = pathlib.Path(__file__).resolve().parents[1] / "samples" / "coffee.png"
TILES = (8, 7)  # of 600x400 pixels: 13 MP
CPU_SECONDS = 1.5  # per metric


def pair():
    """A picture of 13 MP and the same at quality 75."""
    picture = np.asarray(Image.open(PICTURE).convert("RGB"))
    return tuple(np.tile(one, (*TILES, 1)) for one in (picture, codec.decode(codec.encode(picture, 75))))


def scikit_image():
    """{name: function}, empty without the package."""
    try:
        from skimage import metrics as theirs
    except ImportError:
        return {}
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2}
    return {
        "skimage-psnr": lambda a, b: theirs.peak_signal_noise_ratio(a, b),
        "skimage-ssim": lambda a, b: theirs.structural_similarity(a, b, **window),
    }


def least_seconds(function):
    start, least, runs = time.process_time(), float("inf"), 0
    while runs < 3 or time.process_time() - start < CPU_SECONDS:
        begin = time.process_time()
        function()
        least, runs = min(least, time.process_time() - begin), runs + 1
    return least


def measured():
    """{name: MP/s}"""
    a, b = pair()
    functions = METRICS | scikit_image()
    return {
        name: a.shape[0] * a.shape[1] / 1e6 / least_seconds(lambda function=function: function(a, b))
        for name, function in functions.items()
    }


if __name__ == "__main__":
    for name, speed in measured().items():
        print(f"{name:14s}{speed:8.1f} MP/s")
