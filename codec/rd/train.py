"""Learn quantization matrices from pictures, with the real encoder in the loop.

The search is for the 192 steps (Y, Cb, Cr) that make files of the same score smallest. Coefficients (u, v) and (v, u)
of a component share a parameter, the logarithm of their step, so there are 108. A round measures the effect of each
parameter on the logarithm of the bytes and on the score, from the final file of every picture, and moves it towards the
better exchange:

- Effects are estimated from an orthogonal two-level design (Plackett and Burman, Biometrika 33, 1946; here Sylvester's
  Hadamard matrix): 128 encodes of a picture, each with every parameter up or down, give all 108 effects, each from all
  128 encodes (36 effects: 64). Every second picture takes the mirrored design, so that effects of second order cancel.
- Steps are rounded at random, up with a probability equal to their fraction, so that small steps such as 2 show an
  effect too.
- With a_i = d ln(bytes) / d ln(step i), b_i = d score / d ln(step i) and g = -sum(a) / sum(b), the exchange rate of a
  uniform scale, J_i = a_i + g b_i is the effect of parameter i on the size at equal score. It moves by
  -rate J_i / (|a_i| + |g b_i|).
- The steps are scaled back to the target score and kept if the bytes at equal score decrease; otherwise the rate is
  halved.
"""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .. import metrics
from ..errors import ParameterError
from ..jpeg import QuantTables, decode, encode
from ..jpeg.learned import UNIT, learned_fractions

SUBSAMPLINGS = ("4:2:0", "4:4:4")
# The metric that judges a tune. SSIM compares luminance only, so its chrominance tables stay as they start.
JUDGES = {"ssimulacra2": metrics.ssimulacra2, "ssim": metrics.ssim_y, "psnr": metrics.psnr}
COMPONENTS_OF = {"ssimulacra2": (0, 1, 2), "ssim": (0,), "psnr": (0, 1, 2)}
PAIRS = [(u, v) for u in range(8) for v in range(u, 8)]
SWING = 0.16  # change of ln(step), up and down
RATE, RATE_DECAY = 0.35, 0.85  # largest move of a round, and its factor per round
LEAST, MOST = 1.0, 255.0


@dataclass(frozen=True, eq=False)
class Trained:
    """Steps for one quality.

    Attributes
    ----------
    steps : (3, 64) float, natural order: Y, Cb, Cr
    size_change : float
        Bytes at equal score relative to the start, in percent, mean over the training pictures.
    rounds : tuple of float
        The same after each round.
    """

    steps: np.ndarray
    size_change: float
    rounds: tuple


def hadamard(order):
    """Sylvester's Hadamard matrix for a power of two: orthogonal rows and columns of +1 and -1."""
    matrix = np.ones((1, 1), np.int64)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


class _Bench:
    """Measures sizes and scores of pictures with given tables."""

    def __init__(self, pictures, tune, subsampling, jobs):
        self.pictures, self.options, self.judge = pictures, {"tune": tune, "subsampling": subsampling}, JUDGES[tune]
        self.pool = ThreadPoolExecutor(jobs)

    def _one(self, task):
        picture, tables = task
        data = encode(picture, quant_tables=tables, **self.options).data
        return np.log(len(data)), self.judge(picture, decode(data).pixels)

    def measure(self, tasks):
        """ln(bytes) and score of each (picture, tables), as (tasks, 2)."""
        return np.array(list(self.pool.map(self._one, tasks)))

    def everywhere(self, steps):
        """The same for every picture with one set of steps."""
        tables = rounded(steps)
        return self.measure([(picture, tables) for picture in self.pictures])


def rounded(steps, chance=0.5):
    """QuantTables from fractional steps, rounded up where the fraction is at least 1 - `chance` (one number, or one per
    step).
    """
    return QuantTables(*np.clip(np.floor(steps + chance), LEAST, MOST).astype(int).tolist())


def parameters(components):
    """The steps that each parameter moves: (parameters, 3, 64) of 0 and 1."""
    which = np.zeros((len(components) * len(PAIRS), 3, 64))
    for i, (component, (u, v)) in enumerate((c, pair) for c in components for pair in PAIRS):
        which[i, component, [8 * u + v, 8 * v + u]] = 1
    return which


def _effects(bench, steps, which, rng):
    """Effect of ln(step) of each parameter on ln(bytes) and on the score: (pictures, parameters, 2)."""
    runs = 1 << len(which).bit_length()  # a column of ones, the mean, and one for each parameter
    design = hadamard(runs)[:, 1 + rng.permutation(runs - 1)[: len(which)]]
    found = []
    for number, picture in enumerate(bench.pictures):
        signs = design if number % 2 else -design
        moved = steps * np.exp(SWING * np.tensordot(signs, which, 1))
        chances = rng.random(moved.shape)
        measured = bench.measure([(picture, rounded(s, chance)) for s, chance in zip(moved, chances)])
        found.append(signs.T @ measured / (runs * SWING))
    return np.array(found)


def _at_equal_score(now, before, exchange):
    """Mean change of ln(bytes) at equal score; `exchange` (per picture) converts score to ln(bytes)."""
    return float(np.mean(now[:, 0] - before[:, 0] + exchange * (now[:, 1] - before[:, 1])))


def _scaled_to(bench, steps, score, slope):
    """Scale the steps to the given mean score; `slope` is the change of score per ln(factor)."""
    for _ in range(3):
        missing = score - bench.everywhere(steps)[:, 1].mean()
        steps = np.clip(steps * np.exp(np.clip(missing / slope, -0.3, 0.3)), LEAST, MOST)
    return steps


def train(pictures, tune, *, quality, subsampling="4:2:0", start=None, rounds=6, seed=0, jobs=1, progress=None):
    """Learn the steps of one quality.

    Parameters
    ----------
    pictures : list of (H, W, 3) uint8 arrays
    tune : "ssimulacra2", "ssim" or "psnr"
    quality : 1..100
        Keeps its meaning: the target score is that of the starting tables, for Annex K with plain rounding.
    subsampling : "4:2:0" (default) or "4:4:4"
    start : (3, 64) array of steps in natural order, or None (default): Annex K's
    rounds : int, default 6
        Each takes 128 encodes per picture, or 64 if only luminance is learned.
    seed : int, default 0
        For the columns of the design and the rounding. The same seed gives the same steps.
    jobs : int, default 1
        Threads. The result does not depend on it.
    progress : callable or None
        Called with a line of text after each round.

    Returns
    -------
    Trained

    Raises
    ------
    ParameterError
        Unknown tune or subsampling, no pictures.
    """
    if tune not in JUDGES or subsampling not in SUBSAMPLINGS:
        raise ParameterError(
            f"matrices are learned for {', '.join(JUDGES)} and for 4:2:0 or 4:4:4, not for {tune!r} and {subsampling!r}"
        )
    if not pictures:
        raise ParameterError("no pictures to learn from")
    bench = _Bench(pictures, tune, subsampling, jobs)
    rng = np.random.default_rng(seed)
    which = parameters(COMPONENTS_OF[tune])
    if start is None:
        ijg = QuantTables.ijg(quality)
        steps = np.array([ijg.luminance, ijg.chrominance, ijg.cr], float)
        score = np.mean(
            [
                bench.judge(
                    p, decode(encode(p, quality, tune="annex-k", subsampling=subsampling, effort=4).data).pixels
                )
                for p in pictures
            ]
        )
    else:
        steps = np.array(start, float)
        score = bench.everywhere(steps)[:, 1].mean()
    changes, rate, first = [], RATE, None
    for number in range(rounds):
        effects = _effects(bench, steps, which, rng)
        a, b = effects[..., 0], effects[..., 1]
        slope = b.sum(1)
        exchange = -a.sum(1) / slope
        if first is None:
            steps = _scaled_to(bench, steps, score, slope.mean())
            first = bench.everywhere(steps)
        J = (a + exchange[:, None] * b).mean(0)
        weight = (np.abs(a) + np.abs(exchange[:, None] * b)).mean(0)
        before, kept = bench.everywhere(steps), False
        while not kept and rate > 0.02:
            moved = np.clip(steps * np.exp(np.tensordot(-rate * J / np.maximum(weight, 1e-9), which, 1)), LEAST, MOST)
            moved = _scaled_to(bench, moved, score, slope.mean())
            kept = _at_equal_score(bench.everywhere(moved), before, exchange) < 0
            rate *= RATE_DECAY if kept else 0.5
        steps = moved if kept else steps
        changes.append(100 * math.expm1(_at_equal_score(bench.everywhere(steps), first, exchange)))
        if progress:
            progress(f"{tune} {subsampling} quality {quality}, round {number + 1}: {changes[-1]:+.2f} % at equal score")
        if not kept:
            break
    return Trained(steps, changes[-1] if changes else 0.0, tuple(changes))


def learned_start(tune, subsampling, quality):
    """The package's steps for a quality, as the start of `train`."""
    return np.array(learned_fractions(tune, subsampling != "4:4:4", quality), float) / (2 * UNIT)


def with_result(entries, tune, subsampling, quality, trained):
    """Parsed `matrices.json` with one table replaced."""
    table = np.rint(trained.steps * UNIT).astype(int).tolist()
    tables = {
        **entries[tune]["tables"],
        subsampling: {**entries[tune]["tables"].get(subsampling, {}), str(quality): table},
    }
    return {**entries, tune: {**entries[tune], "tables": tables}}


def as_json(entries):
    """One table per line, so that a change shows in a diff."""
    return json.dumps(entries, separators=(",", ":")).replace("],[", "],\n[").replace(',"', ',\n"') + "\n"
