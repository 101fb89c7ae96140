"""SSIMULACRA 2 against a double-precision model, written here from the definition that accompanies its tables."""

import json
import os
import pathlib

import numpy as np
import pytest

from codec import cpu
from codec.errors import ParameterError
from codec.metrics import ssimulacra2
from codec.metrics.ssimulacra2_weights import WEIGHTS

DATA = pathlib.Path(os.environ.get("CODEC_TEST_DATA", pathlib.Path(__file__).parents[3] / "shared/data"))
TAPS = np.array(
    [
        0.0094143678096537,
        0.036011114658364374,
        0.10933537277746032,
        0.2129285920104222,
        0.26462110548819856,
        0.2129285920104222,
        0.10933537277746032,
        0.036011114658364374,
        0.0094143678096537,
    ]
)


def blur(plane):
    for axis in (0, 1):
        plane = (
            np.apply_along_axis(np.convolve, axis, plane, TAPS, "same")
            if plane.shape[axis] >= 9
            else short_blur(plane, axis)
        )
    return plane


def short_blur(plane, axis):
    n = plane.shape[axis]
    matrix = np.array([[TAPS[4 + i - j] if abs(i - j) <= 4 else 0 for j in range(n)] for i in range(n)])
    return matrix @ plane if axis == 0 else plane @ matrix.T


def xyb(rgb):
    matrix = np.array(
        [[0.3, 0.622, 0.078], [0.23, 0.692, 0.078], [0.2434226892454782, 0.2047674442449682, 0.5518098665095536]]
    )
    bias = 0.0037930732552754493
    l, m, s = np.moveaxis(np.cbrt(np.maximum(rgb @ matrix.T + bias, 0)) - np.cbrt(bias), -1, 0)
    x, y = (l - m) / 2, (l + m) / 2
    return 14 * x + 0.42, y + 0.01, s - y + 0.55


def model(a, b):
    linear = [np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4) for v in (a / 255, b / 255)]
    scales = []
    while len(scales) < 6:
        maps = []
        for p, q in zip(*map(xyb, linear)):
            m1, m2 = blur(p), blur(q)
            s11, s22, s12 = blur(p * p) - m1**2, blur(q * q) - m2**2, blur(p * q) - m1 * m2
            error = np.maximum(0, 1 - (1 - (m1 - m2) ** 2) * (2 * s12 + 0.0009) / (s11 + s22 + 0.0009))
            edge = (1 + abs(q - m2)) / (1 + abs(p - m1)) - 1
            maps.append([[v.mean(), (v**4).mean() ** 0.25] for v in (error, np.maximum(0, edge), np.maximum(0, -edge))])
        scales.append(maps)
        if min(linear[0].shape[:2]) < 8:
            break
        for i, v in enumerate(linear):
            v = np.pad(v, ((0, v.shape[0] & 1), (0, v.shape[1] & 1), (0, 0)), mode="edge")
            linear[i] = (v[::2, ::2] + v[::2, 1::2] + v[1::2, ::2] + v[1::2, 1::2]) / 4
    values = np.array(scales).transpose(1, 0, 3, 2).ravel()  # channel, scale, norm, map
    s = 0.9562382616834844 * float(np.dot(WEIGHTS[: len(values)], values))
    s = 2.326765642916932 * s - 0.020884521182843837 * s**2 + 6.248496625763138e-05 * s**3
    return 100 - 10 * s**0.6276336467831387 if s > 0 else 100.0


def scene(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack(
        [x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), ((x // 8 + y // 8) % 2) * 128 + 64], -1
    ).astype(np.uint8)


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (33, 57), (64, 128), (113, 121), (150, 131)])
def test_it_is_the_definition_within_a_thousandth(size):
    a = scene(*size)
    rng = np.random.default_rng(3)
    b = np.clip(a + rng.integers(-12, 13, a.shape), 0, 255).astype(np.uint8)
    assert ssimulacra2(a, b) == pytest.approx(model(a, b), abs=1e-3)


def test_the_vectors_of_the_tables():
    path = DATA / "tables/ssimulacra2.json"
    if not path.exists():
        pytest.skip(f"44 test vectors: {path} is missing")
    vectors = json.loads(path.read_text())["test vectors"]["values"]
    assert len(vectors) == 44
    for vector in vectors:
        a = scene(vector["height"], vector["width"]).astype(int)
        assert ssimulacra2(a.astype(np.uint8), distort(a, vector["distortion"])) == pytest.approx(
            vector["double_FIR_model"], abs=1e-3
        ), vector


def distort(a, kind):
    y, x = np.mgrid[: a.shape[0], : a.shape[1]]
    if kind == "A":
        return np.minimum(255, a // 16 * 16 + 8).astype(np.uint8)
    if kind[0] == "B":
        return np.clip(a + (((3 * x + 5 * y) % 7) - 3)[..., None] * int(kind[1]), 0, 255).astype(np.uint8)
    b = a.copy()
    for i in range(0, a.shape[0], 8):
        for j in range(0, a.shape[1], 8):
            block = a[i : i + 8, j : j + 8]
            n = block.shape[0] * block.shape[1]
            b[i : i + 8, j : j + 8] = (2 * block.sum((0, 1)) + n) // (2 * n)
    return b.astype(np.uint8)


def test_equal_pictures_score_100_and_worse_ones_less():
    a = scene(64, 64)
    assert ssimulacra2(a, a) == 100
    scores = [
        ssimulacra2(
            a,
            np.clip(a.astype(int) + step * ((np.indices((64, 64)).sum(0) % 3) - 1)[..., None], 0, 255).astype(np.uint8),
        )
        for step in (1, 4, 16)
    ]
    assert 100 > scores[0] > scores[1] > scores[2]


def test_gray_is_rgb_with_equal_channels_and_strides_do_not_matter():
    a, b = scene(40, 50)[..., 2], scene(40, 50)[..., 0]
    assert ssimulacra2(a, b) == ssimulacra2(*(np.repeat(p[..., None], 3, 2) for p in (a, b)))
    big = np.repeat(np.repeat(scene(40, 50), 2, 0), 2, 1)
    assert ssimulacra2(big[::2, ::2], big[::2, ::2] // 2) == ssimulacra2(scene(40, 50), scene(40, 50) // 2)


def test_16_bits_and_floats_say_the_same():
    a, b = scene(48, 48), (scene(48, 48) // 3 * 3).astype(np.uint8)
    expected = ssimulacra2(a, b)
    assert ssimulacra2(a.astype(np.uint16) * 257, b.astype(np.uint16) * 257) == pytest.approx(expected, abs=1e-4)
    assert ssimulacra2(a / 255, b / 255) == pytest.approx(expected, abs=1e-4)


def test_alpha_is_blended_over_dark_and_light_and_the_lower_score_counts():
    a, b = (np.dstack([p, np.full((32, 32), 128, np.uint8)]) for p in (scene(32, 32), scene(32, 32) // 2))
    over = lambda p, v: np.rint(128 / 255 * p[..., :3].astype(float) + (1 - 128 / 255) * v * 255).astype(np.uint8)
    assert ssimulacra2(a, b) == min(ssimulacra2(over(a, v), over(b, v)) for v in (0.1, 0.9))


def test_every_cpu_level_gives_the_same_bits():
    a, b = scene(99, 123), scene(99, 123) // 5 * 5
    with cpu.force("scalar"):
        scalar = ssimulacra2(a, b)
    assert ssimulacra2(a, b) == scalar


def test_refusals_name_the_remedy():
    with pytest.raises(ParameterError, match="sides of at least 8"):
        ssimulacra2(np.zeros((7, 9), np.uint8), np.zeros((7, 9), np.uint8))
    with pytest.raises(ParameterError, match="divide by 255"):
        ssimulacra2(np.full((9, 9), 200.0), np.full((9, 9), 200.0))
    with pytest.raises(ParameterError, match="nan"):
        ssimulacra2(np.full((9, 9), np.nan), np.zeros((9, 9)))
