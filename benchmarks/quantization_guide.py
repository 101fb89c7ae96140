"""Figures and tables of docs/quantization.md, all of them:

    python benchmarks/quantization_guide.py [--docs FOLDER]

Tables replace what stands between `<!-- name -->` and `<!-- /name -->` in the page. No download, no randomness: the same
machine gives the same files.
"""

import argparse
import math
import pathlib
import re
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from quantization_data import dct_coefficients, picture, speech_like, weights

from codec import _core, rd
from codec.quantizers import (
    G711,
    DeadZone,
    LloydMax,
    Observer,
    Uniform,
    allocate_bits,
    analyse,
    recommend,
    shannon_bound,
)
from codec.quantizers.densities import Gaussian, Laplacian, UniformDensity

DOCS = pathlib.Path(__file__).resolve().parents[1] / "docs"
COUNT = 1_000_000


def real_data():
    return {"coefficients of a picture": dct_coefficients(), "speech": speech_like(), "weights": weights()}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def bits_and_noise():
    """SQNR of 2 to 10 bits for three densities: uniform steps over the range, and Lloyd-Max."""
    rng = np.random.default_rng(0)
    draws = {
        "uniform": rng.uniform(-1, 1, COUNT),
        "Gaussian": rng.normal(size=COUNT),
        "Laplacian": rng.laplace(size=COUNT),
    }
    rows = []
    for name, x in draws.items():
        for kind, make in (
            ("equal steps", lambda bits: Uniform(bits, kind="mid-rise")),
            ("Lloyd-Max", lambda bits: LloydMax(1 << bits)),
        ):
            scores = [analyse(x, make(bits).fit(x)).sqnr for bits in (2, 4, 6, 8)]
            slope = (scores[-1] - scores[-2]) / 2
            rows.append([name, kind, *(f"{score:.2f}" for score in scores), f"{slope:.2f}"])
    return table(["data", "quantizer", "2 bits", "4", "6", "8", "dB per bit, 6 to 8"], rows)


def gap(x, density, make, rate):
    """dB above Shannon's bound at a rate, by halving the step."""
    low, high = 1e-2, 30.0
    for _ in range(18):
        step = math.sqrt(low * high)
        report = analyse(x, make(step))
        low, high = (step, high) if report.entropy > rate else (low, step)
    return 10 * math.log10(report.mse / shannon_bound(density, rate))


def distance_to_the_bound():
    rng = np.random.default_rng(1)
    kinds = [
        ("Gaussian", rng.normal(size=COUNT // 5), Gaussian()),
        ("Laplacian", rng.laplace(size=COUNT // 5), Laplacian()),
        ("uniform", rng.uniform(-1, 1, COUNT // 5), UniformDensity(-1, 1)),
    ]
    rows = []
    for name, x, density in kinds:
        for label, offset in (("rounding", 0.5), ("dead zone, offset 1/3", 1 / 3)):
            found = [gap(x, density, lambda step: DeadZone(step, offset), rate) for rate in (1, 2, 3, 5)]
            rows.append([name, label, *(f"{value:.2f}" for value in found)])
    return table(["data", "quantizer", "1 bit", "2 bits", "3 bits", "5 bits"], rows)


def look():
    rows = []
    for name, x in real_data().items():
        r = analyse(x, Uniform(8).fit(x))
        density = r.density.name + (f" of shape {r.density.shape:.2f}" if hasattr(r.density, "shape") else "")
        rows.append([name, r.count, f"{r.minimum:.4g} to {r.maximum:.4g}", f"{r.deviation:.4g}", density])
    return table(["data", "values", "range", "deviation", "fitted density"], rows)


def choose():
    rows = []
    for name, x in real_data().items():
        for keywords in ({"bits": 4}, {"bits": 8}, {"sqnr": 30}):
            first, plain = recommend(x, **keywords)[0], Uniform(keywords.get("bits", 8)).fit(x)
            wanted = ", ".join(f"{key}={value}" for key, value in keywords.items())
            r = first.report
            rows.append(
                [
                    name,
                    wanted,
                    first.method,
                    f"{r.sqnr:.2f}",
                    f"{r.entropy:.2f}",
                    r.bits if "bits" in keywords else r.bits_used,
                ]
            )
            if "bits" in keywords:
                u = analyse(x, plain)
                rows.append(["", "", "uniform", f"{u.sqnr:.2f}", f"{u.entropy:.2f}", u.bits])
    return table(["data", "wanted", "recommended", "SQNR, dB", "entropy, bits", "bits of a code"], rows)


def calibrate():
    """Activations after a ReLU, with a few outliers: ranges and what they cost."""
    rng = np.random.default_rng(2)
    x = np.maximum(rng.normal(size=200_000), 0)
    x[::20_000] = 40
    rows = []
    for bits in (8, 4):
        for method in ("minmax", "percentile", "entropy", "mse"):
            observer = Observer(method, bits=bits)
            observer.update(iter(np.split(x, 10)))
            low, high = observer.range()
            r = analyse(x, Uniform(bits, low=low, high=high))
            rows.append([bits, method, f"{low:.2f} to {high:.2f}", f"{100 * r.clipped:.3f}", f"{r.sqnr:.2f}"])
    return table(["bits", "method", "range", "clipped, %", "SQNR, dB"], rows)


def allocate():
    """Bits for the 64 coefficients of 8x8 blocks, by their variances."""
    pixels = picture("camera.png").astype(int) - 128
    height, width = (n // 8 * 8 for n in pixels.shape)
    blocks = pixels[:height, :width].reshape(height // 8, 8, -1, 8).swapaxes(1, 2).reshape(-1, 64)
    variances = _core.fdct(blocks).astype(float).var(0) / 64  # the transform is scaled by 8
    rows = []
    for rate in (0.5, 1, 2):
        same = float(np.mean(variances * 4.0**-rate))
        for method in ("water-filling", "greedy"):
            found = allocate_bits(variances, int(64 * rate), method)
            gain = 10 * math.log10(same / found.distortions.mean())
            rows.append([rate, method, int((found.bits > 0).sum()), f"{found.bits.max():.2f}", f"{gain:.2f}"])
    return table(
        ["bits per value", "method", "coefficients with bits", "most bits of one", "gain over equal bits, dB"], rows
    )


def telephone():
    """16-bit speech in 8 bits, by loudness."""
    x = speech_like()
    rows = []
    for attenuation in (0, 20, 40):
        quiet = np.rint(x * 10 ** (-attenuation / 20))
        linear = Uniform(8, low=-32768, high=32767)
        scores = [analyse(quiet, q).sqnr for q in (linear, G711("mu"), G711("a"))]
        rows.append([f"-{attenuation} dB" if attenuation else "full", *(f"{score:.1f}" for score in scores)])
    return table(["loudness", "8 bits, equal steps", "G.711 mu-law", "G.711 A-law"], rows)


def figures(docs):
    chosen = {
        "coefficients": (
            "coefficients of a picture",
            4,
            ["uniform", "rounding", "dead-zone", "lloyd-max", "entropy-coded"],
        ),
        "speech": ("speech", 8, ["uniform", "mu-law", "g711-mu", "lloyd-max", "entropy-coded"]),
        "weights": ("weights", 4, ["affine-symmetric", "uniform-clipped", "lloyd-max", "entropy-coded"]),
    }
    for name, (data, bits, methods) in chosen.items():
        x = real_data()[data]
        first = recommend(x, bits=bits)[0]
        rd.plot_quantization(
            x,
            first.quantizer,
            docs / f"quantization_{name}.png",
            methods=methods,
            title=f"{data}: {first.method} of {bits} bits",
            caption="python benchmarks/quantization_guide.py",
            log_counts=True,
        )


TABLES = {
    function.__name__.replace("_", "-"): function
    for function in (bits_and_noise, distance_to_the_bound, look, choose, calibrate, allocate, telephone)
}


def main():
    parser = argparse.ArgumentParser(description="Figures and tables of docs/quantization.md.")
    parser.add_argument("--docs", type=pathlib.Path, default=DOCS, help="folder with quantization.md")
    docs = parser.parse_args().docs
    page = docs / "quantization.md"
    text = page.read_text()
    for name, make in TABLES.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        assert block.search(text), f"{page} has no place for {name}"
        text = block.sub(lambda found: found[1] + make() + "\n" + found[2], text)
    page.write_text(text)
    figures(docs)
    print(f"{page}: {len(TABLES)} tables and the pictures")


if __name__ == "__main__":
    main()
