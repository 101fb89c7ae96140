"""G.711 for all samples and all codes: the arithmetic of G.191 sample by sample, and FFmpeg's tables."""

import math

import numpy as np
import pytest

from codec import ParameterError
from codec.quantizers import G711, Quantizer

SAMPLES = np.arange(-32768, 32768).astype(np.int16)
LAWS = ["mu", "a"]


def decoded(law, code):
    """Table 1 and 2 of G.711 by segments: 8 of 16 steps each."""
    if law == "mu":
        u = 255 - code
        sign, segment, position = u >> 7, u >> 4 & 7, u & 15
        size = ((position + 16.5) * 2**segment - 16.5) * 8
    else:
        a = code ^ 0x55
        sign, segment, position = 1 - (a >> 7), a >> 4 & 7, a & 15
        size = (position + 0.5 if segment == 0 else (position + 16.5) * 2 ** (segment - 1)) * 16
    return -size if sign else size


@pytest.mark.parametrize("law", LAWS)
def test_all_codes(law):
    q = G711(law)
    values = q.decode(np.arange(256))
    assert values.dtype == np.int16 and values.tolist() == [decoded(law, code) for code in range(256)]
    assert q.levels.tolist() == values.tolist()
    assert (min(abs(values)), max(values)) == ((0, 32124) if law == "mu" else (8, 32256))


def itu(law, x):
    """By comparison with the ends of the segments. Negative samples are complemented."""
    size = x if x >= 0 else -x - 1
    if law == "mu":
        size = min(size // 4 + 33, 8191)
        segment = next(s for s in range(8) if size < 2 ** (s + 6))
        position = (size - 2 ** (segment + 5)) // 2 ** (segment + 1)
        return 255 - (16 * segment + position + (0 if x >= 0 else 128))
    size //= 16
    segment = 0 if size < 16 else next(s for s in range(1, 8) if size < 2 ** (s + 4))
    position = size if segment == 0 else (size - 2 ** (segment + 3)) // 2 ** (segment - 1)
    return (16 * segment + position + (128 if x >= 0 else 0)) ^ 0x55


@pytest.mark.parametrize("law", LAWS)
def test_all_samples_itu(law):
    codes = G711(law).encode(SAMPLES)
    assert codes.dtype == np.uint8 and codes.tolist() == [itu(law, int(x)) for x in SAMPLES]


@pytest.mark.parametrize("law, error", [("mu", 50851), ("a", None)])
def test_all_samples_ffmpeg(law, error):
    """Nearest of the decoded values in units of 4; 964 samples differ from G.191, and the error is less."""
    q, standard = G711(law, variant="ffmpeg"), G711(law)
    codes = q.encode(SAMPLES)
    assert np.sum(codes != standard.encode(SAMPLES)) == 964
    mean = [np.mean((coder.transform(SAMPLES).astype(float) - SAMPLES) ** 2) for coder in (q, standard)]
    assert mean[0] < mean[1] and (error is None or round(mean[0]) == error)
    positive = np.sort(np.unique(q.levels[q.levels > -8 if law == "mu" else q.levels > 0]))
    positive = positive[positive >= 0]
    borders = [(int(a) + int(b) + 4) // 8 for a, b in zip(positive[:-1], positive[1:])]
    for x in range(-32768, 32768, 17):
        size = min(abs(x >> 2), 8191)
        value = positive[sum(border <= size for border in borders)]
        assert q.transform([x])[0] == (value if x >= 0 else -value)
    assert law == "a" or 0x7F not in codes


def test_any_numbers():
    q = G711("a")
    assert (
        q.encode([[1e9, -1e9], [0.4, 99.5]]).tolist()
        == q.encode(np.array([[32767, -32768], [0, 100]], np.int16)).tolist()
    )
    assert (
        G711("mu").encode(np.array([5, 70000])).tolist() == G711("mu").encode(np.array([5, 32767], np.int16)).tolist()
    )
    for law in LAWS:
        for variant in ("itu", "ffmpeg"):
            q = G711(law, variant=variant)
            t = q.thresholds
            assert (np.diff(t) > 0).all() and (q.encode(np.floor(t)) != q.encode(np.ceil(t))).all()
            assert len(t) == len(np.unique(q.encode(SAMPLES))) - 1
            assert Quantizer.from_json(q.to_json()) == q and q.bits == 8 and q.fit([0]) is q
    for call in (lambda: G711("b"), lambda: G711(variant="x"), lambda: q.encode([math.nan]), lambda: q.encode(np.zeros(0, np.int16)),
                 lambda: q.decode([256]), lambda: q.decode([1.0])):  # fmt: skip
        with pytest.raises(ParameterError):
            call()
