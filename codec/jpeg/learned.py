"""Quantization learned from pictures: steps and trellis constants for each measure (`codec rd train-matrix` makes
matrices.json).

Steps are kept for a few qualities, in sixteenths, and interpolated linearly between them; beyond the first and the last
one they scale as the Independent JPEG Group's tables do. Integers throughout: the same tables on every machine. Steps
are rounded last, so a fraction of a quality changes only some of them.
"""

import json
import os
from functools import lru_cache

from ..quality import QUALITY_PARTS
from .tables import ijg_scale

UNIT = 16  # fractions of a step in matrices.json


@lru_cache(None)
def learned():
    """matrices.json, parsed: {tune: {"weights": ..., "masking": ..., "tables": {"4:2:0" or "4:4:4": {quality:
    [luminance, Cb, Cr]}}}}."""
    with open(os.path.join(os.path.dirname(__file__), "matrices.json"), encoding="utf-8") as stream:
        parsed = json.load(stream)
    for entry in parsed.values():
        entry["tables"] = {
            name: {int(q): tables for q, tables in by_quality.items()} for name, by_quality in entry["tables"].items()
        }
    return parsed


def learned_fractions(tune, subsampled, quality):
    """Tables of 64 steps (luminance, Cb, Cr) for a quality of 1..100 in QUALITY_PARTS, before rounding: in 1/(2
    UNIT)."""
    anchors = learned()[tune]["tables"]["4:2:0" if subsampled else "4:4:4"]
    known = sorted(anchors)
    low = max([q for q in known if q <= quality], default=known[0])
    high = min([q for q in known if q >= quality], default=known[-1])
    if low == high:
        scale, of = (1, 1) if low == quality else (ijg_scale(quality), ijg_scale(low))
        return [[v * scale * 2 // of for v in table] for table in anchors[low]]
    to_high, to_low, width = (int(QUALITY_PARTS * distance) for distance in (high - quality, quality - low, high - low))
    return [
        [(a * to_high + b * to_low) * 2 // width for a, b in zip(*pair)] for pair in zip(anchors[low], anchors[high])
    ]


def learned_steps(tune, subsampled, quality):
    """The same, rounded: steps within 1..255."""
    return [
        [min(255, max(1, (v + UNIT) // (2 * UNIT))) for v in table]
        for table in learned_fractions(tune, subsampled, quality)
    ]


# Weight of an error of one squared step, in bits. Theory gives 12 / (2 ln 2) = 8.7 for squared error and uniform steps.
PLAIN_WEIGHTS = {"flat": [9, 9, 9], "annex-k": [14, 14, 14]}


def masking_of(tune):
    """The keywords of `activity_weights` for a measure, or None."""
    return learned().get(tune, {}).get("masking")


def trellis_weights(tune):
    """For Y, Cb and Cr: the weight, in bits, that a measure gives an error of one squared step."""
    return PLAIN_WEIGHTS.get(tune) or learned()[tune]["weights"]
