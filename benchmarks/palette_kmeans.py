"""The k-means of codec.quantizers and scikit-learn's on all colours of photographs, weighted by pixel counts.

    python benchmarks/palette_kmeans.py FOLDER [--colors 256] [--images 4]       needs scikit-learn and Pillow

Both minimise the same sum over sRGB colours. scikit-learn runs three times, from k-means++ with seeds 0, 1, 2; the
figures are its least error and the time of that run. Times are CPU times on one thread.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image
from sklearn.cluster import KMeans

from codec.quantizers.kmeans import cluster

UNITS = 8  # units of our lattice per level


def timed(call):
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--colors", type=int, default=256)
    arguments.add_argument("--images", type=int, default=4)
    options = arguments.parse_args()
    print(f"{'image':20s}{'colours':>9s}{'error / sklearn':>17s}{'ours ms':>9s}{'sklearn ms':>12s}{'ratio':>7s}")
    for path in sorted(options.folder.glob("*.png"))[: options.images]:
        pixels = np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)
        colors, counts = np.unique(pixels, axis=0, return_counts=True)
        ours, seconds = timed(lambda: cluster(colors.astype(np.float32) * UNITS, options.colors, weights=counts))
        makers = [KMeans(options.colors, n_init=1, random_state=seed) for seed in range(3)]
        runs = [timed(lambda: maker.fit(colors.astype(np.float32), sample_weight=counts)) for maker in makers]
        best, theirs = min(runs, key=lambda run: run[0].inertia_)
        error = ours.error / UNITS**2 / best.inertia_
        print(
            f"{path.stem:20s}{len(colors):9d}{error:17.4f}{1e3 * seconds:9.0f}"
            f"{1e3 * theirs:12.0f}{theirs / seconds:7.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
