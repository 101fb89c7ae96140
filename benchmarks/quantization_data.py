"""Ten kinds of data, as real as the repository allows: for the guide to quantization and the tests of
recommendations.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from codec import _core

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
COUNT = 24_000


def picture(name):
    return np.asarray(Image.open(SAMPLES / name).convert("L"))[100:260, 100:260]


def blocks(pixels, size):
    height, width = (n // size * size for n in pixels.shape)
    return pixels[:height, :width].reshape(height // size, size, -1, size).swapaxes(1, 2).reshape(-1, size * size)


def dct_coefficients():
    return _core.fdct(blocks(picture("camera.png"), 8).astype(int) - 128)[:, 1:].astype(float).ravel()


def speech_like():
    """Pulses through two resonances, loud and silent in turn: 16-bit samples at 8 kHz."""
    rng = np.random.default_rng(3)
    n = np.arange(COUNT)
    source = (np.cumsum(np.full(COUNT, 0.014) + 0.002 * np.sin(n / 4000)) % 1 < 0.014) + 0.02 * rng.normal(size=COUNT)
    for frequency, width in ((500, 60), (1500, 120)):
        radius = np.exp(-np.pi * width / 8000)
        kernel = radius ** np.arange(400) * np.cos(2 * np.pi * frequency / 8000 * np.arange(400))
        source = np.convolve(source, kernel)[:COUNT]
    loudness = np.maximum(0.003, np.sin(n / 3000) ** 3) * np.exp(0.4 * rng.normal(size=COUNT // 100)).repeat(100)
    sound = source * loudness
    return np.rint(sound / np.abs(sound).max() * 30_000)


def weights():
    """Ridge regression of picture patches from the patches to their left."""
    patches = np.lib.stride_tricks.sliding_window_view(picture("astronaut.png") / 255.0, (10, 20))[::3, ::3]
    pairs = patches.reshape(-1, 10, 2, 10).swapaxes(1, 2).reshape(-1, 2, 100) - 0.5
    return np.linalg.solve(pairs[:, 0].T @ pairs[:, 0] + 0.5 * np.eye(100), pairs[:, 0].T @ pairs[:, 1]).ravel()


def make():
    """name -> float64 array."""
    rng = np.random.default_rng(12)
    sparse = rng.normal(size=COUNT) * (rng.random(COUNT) < 0.1)
    return {
        "gaussian": rng.normal(size=COUNT),
        "laplacian": rng.laplace(size=COUNT),
        "uniform": rng.uniform(-1, 1, COUNT),
        "bimodal": rng.normal(size=COUNT) * 0.3 + rng.choice([-2.0, 2.0], COUNT),
        "heavy-tailed": rng.standard_t(3, COUNT),
        "sparse": sparse,
        "dct": dct_coefficients(),
        "audio": speech_like(),
        "weights": weights(),
        "picture": picture("camera.png").astype(float).ravel(),
    }
