"""Efforts 8 and 9 examine their decoded picture: blocks whose errors hurt the score more get more bits."""

import numpy as np
import pytest
from codec.jpeg._masking import refined_weights, squared_errors, sums_around

import codec
from codec.errors import ParameterError
from codec.jpeg.second_look import look_again

ONE = 4096


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 23, 3), (40, 16, 3)])
def test_sums_over_blocks(shape):
    rng = np.random.default_rng(0)
    pixels, shown = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    squares = np.pad((shown.astype(int) - pixels) ** 2, [(0, -n % 8) for n in shape[:2]] + [(0, 0)])
    high, wide = (-(-n // 8) for n in shape[:2])
    assert np.array_equal(squared_errors(pixels, shown), squares.reshape(high, 8, wide, 8, shape[2]).sum((1, 3, 4)))


@pytest.mark.parametrize("shape, wanted", [((1, 1), (1, 1)), ((1, 7), (2, 8)), ((5, 3), (5, 3)), ((6, 9), (8, 9))])
def test_sums_around_blocks(shape, wanted):
    """Twice three neighbours in each direction, edges repeated before each time."""
    blocks = np.random.default_rng(3).integers(-(2**40), 2**40, shape)
    sums = np.pad(blocks, [(0, n - m) for n, m in zip(wanted, shape)], mode="edge")
    for _ in range(2):
        wider = np.pad(sums, 1, mode="edge")
        sums = sum(wider[y : y + wanted[0], x : x + wanted[1]] for y in range(3) for x in range(3))
    assert np.array_equal(sums_around(blocks, wanted), sums)
    with pytest.raises(ParameterError, match="blocks"):
        sums_around(blocks, (wanted[0], shape[1] - 1))


def test_factors_follow_the_ratio_within_bounds():
    factors = np.full((1, 4), ONE, np.uint16)
    error = np.array([[1024, 1024, 1024, 0]])
    gain = np.array([[100, 400, 25, 7]])
    assert refined_weights(factors, gain, error, beta=1).tolist() == [
        [ONE, 4 * ONE, ONE // 4, ONE]
    ]  # no error: nothing to change
    assert refined_weights(factors, gain, error, beta=0.5).tolist() == [[ONE, 2 * ONE, ONE // 2, ONE]]
    assert refined_weights(factors, gain, error, beta=0).tolist() == factors.tolist()
    wild = refined_weights(factors, np.array([[1, 1, 10**15, 1]]), error, beta=1)[0, :3] / ONE
    assert wild.max() / wild.min() == pytest.approx(64, rel=0.03)


def test_the_mean_is_that_of_the_errors():
    """A block with most of the errors keeps its factor: its trade-off defines the one of the quality."""
    factors = np.full((1, 2), ONE, np.uint16)
    refined = refined_weights(factors, np.array([[10**6, 10**4]]), np.array([[10**6, 10**3]]), beta=1)[0] / ONE
    assert refined[0] == pytest.approx(1, abs=0.02) and 7 < refined[1] <= 8


def test_what_scores_do_not_mind_changes_nothing():
    pixels = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    factors = np.random.default_rng(2).integers(64, 65536, (4, 4)).astype(np.uint16)  # more blocks than samples fill
    assert np.array_equal(look_again(pixels, pixels, factors), factors)


def test_shapes_are_checked():
    pixels = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ParameterError, match="one shape"):
        squared_errors(pixels, pixels[:, :, :1].copy())
    with pytest.raises(ParameterError, match="one entry per block"):
        refined_weights(np.zeros((2, 2), np.uint16), np.zeros((2, 1), np.int64), np.zeros((2, 2), np.int64), beta=1)
    with pytest.raises(ParameterError, match="beta"):
        refined_weights(np.ones((1, 1), np.uint16), np.ones((1, 1), np.int64), np.ones((1, 1), np.int64), beta=-1)


def picture():
    """A smooth half and a busy half, to which the score is not equally sensitive."""
    y, x = np.mgrid[:160, :192]
    smooth = 120 + 60 * np.sin(x / 40) * np.cos(y / 30)
    busy = np.random.default_rng(5).normal(0, 40, x.shape)
    return np.stack([np.clip(smooth + busy * (x > 96) + c * 10, 0, 255) for c in range(3)], -1).astype(np.uint8)


def test_it_buys_score_where_the_score_is_what_counts():
    """A higher score per byte: compared with effort 7 at equal size."""
    image = picture()
    score = lambda data: codec.metrics.ssimulacra2(image, codec.decode(data))
    looked = codec.encode(image, 50, effort=9, subsampling="4:2:0")
    plain = codec.jpeg.encode(image, target=f"size:{len(looked)}", effort=7, subsampling="4:2:0").data
    assert score(looked) > score(plain)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 30, 3), (8, 8), (9, 8, 3)])
def test_small_and_gray_pictures(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert codec.decode(codec.encode(image, 80, effort=9)).shape == shape
