"""LZW of GIF against a reader written here from the standard, at every code width and on both sides of every limit."""

import numpy as np
import pytest
from codec.palette._lzw import lzw_encode, lzw_paint
from hypothesis import given
from hypothesis import strategies as st

from codec import cpu
from codec.errors import ParameterError

ALL = dict(transparent=-1, cost_of_bit=0, strength=0, clamp=0)


def read(codes, min_code_size):
    """(indices, number of clear codes, code widths used) by GIF89a appendix F: lists of symbols, no optimisation."""
    bits = "".join(f"{byte:08b}"[::-1] for byte in codes)
    clear, at, out, clears, widths = 1 << min_code_size, 0, [], 0, set()
    phrases, width, before = None, min_code_size + 1, None
    while True:
        code, at = int(bits[at : at + width][::-1], 2), at + width
        assert at <= len(bits), "the data ends before its end code"
        widths.add(width)
        if code == clear:
            phrases = [[i] for i in range(clear)] + [None, None]
            width = min_code_size + 1
            before = None
            clears = clears + 1
            continue
        if code == clear + 1:
            assert len(bits) - at < 8 and "1" not in bits[at:]
            return out, clears, widths
        assert phrases is not None, "the first code must be a clear code"
        if before is not None and len(phrases) < 4096:
            assert code <= len(phrases)
            phrases.append(before + [(before if code == len(phrases) else phrases[code])[0]])
            if len(phrases) == 1 << width and width < 12:
                width += 1
        before = phrases[code]
        out += before


def check(indices, min_code_size):
    found, clears, widths = read(lzw_encode(np.asarray(indices, np.uint8), min_code_size), min_code_size)
    assert found == list(indices)
    return clears, widths


@given(
    st.integers(2, 8).flatmap(
        lambda size: st.tuples(st.just(size), st.lists(st.integers(0, (1 << size) - 1), min_size=1, max_size=600))
    )
)
def test_what_is_written_is_read(case):
    check(case[1], case[0])


@pytest.mark.parametrize("min_code_size", range(2, 9))
def test_codes_widen_where_the_reader_widens_them(min_code_size):
    """Noise adds one code per symbol: all lengths around each change of width, including the full table."""
    noise = np.random.default_rng(min_code_size).integers(0, 1 << min_code_size, 9000).tolist()
    lengths = {1, 2, 3, 4}
    for width in range(min_code_size + 1, 11):
        lengths |= {
            length
            for base in ((1 << width) - (1 << min_code_size),)
            for length in range(base - 4, base + 4)
            if length > 0
        }
    for length in sorted(lengths):
        check(noise[:length], min_code_size)
    assert check(noise, min_code_size)[1] >= set(range(min_code_size + 1, 11))


def test_a_full_table_stays_as_long_as_it_serves():
    """If cleared whenever full, the table would restart eight times and learn the same phrases again."""
    rng = np.random.default_rng(1)

    def text():
        return rng.integers(0, 256, (300, 7))[rng.integers(0, 300, 12_000)].ravel().tolist()

    one = text()
    assert check(one, 8)[0] <= 3
    assert check(one + text(), 8)[0] > check(one, 8)[0]
    noise = rng.integers(0, 256, 200_000, dtype=np.uint8)  # nothing repeats: no table is better than another
    assert len(lzw_encode(noise, 8)) < 1.5 * len(noise)


@pytest.mark.parametrize("min_code_size", (2, 8))
def test_one_pixel_and_one_colour(min_code_size):
    check([0], min_code_size)
    check([(1 << min_code_size) - 1] * 5000, min_code_size)


def test_what_cannot_be_written_is_refused():
    for indices, size in (([], 8), ([4], 2), ([0], 1), ([0], 9)):
        with pytest.raises(ParameterError):
            lzw_encode(np.array(indices, np.uint8), size)


# ---------------------------------------------------------------- painting


def planes(target, held=None, state=0, reach=0, weight=64):
    target = np.ascontiguousarray(target, np.int16)
    shape = target.shape[:2]
    held = np.zeros_like(target) if held is None else np.ascontiguousarray(held, np.int16)
    full = (
        np.full(shape, value, kind) if np.isscalar(value) else np.ascontiguousarray(value, kind)
        for value, kind in ((state, np.uint8), (weight, np.uint8), (reach, np.int32))
    )
    return target, held, *full


def paint(palette, target, size=None, held=None, state=0, reach=0, weight=64, **options):
    palette = np.ascontiguousarray(palette, np.int16)
    size = size or max(2, int(len(palette) - 1).bit_length())
    codes, indices, _ = lzw_paint(*planes(target, held, state, reach, weight), palette, size, **(ALL | options))
    assert read(codes, size)[0] == indices.ravel().tolist()
    return codes, indices


@pytest.fixture
def noise():
    rng = np.random.default_rng(3)
    palette = rng.permutation(2048)[:200, None] * [1, 3, -2] + [-2000, 0, 0]
    return palette, rng.integers(0, 200, (40, 53)), rng


@pytest.mark.parametrize("level", ("scalar", cpu.detected()))
@pytest.mark.parametrize("colors", (1, 15, 16, 17, 33, 255, 256))
def test_without_reach_pixels_get_their_nearest_colours(colors, level):
    """At the edges of the groups in which distances are computed, and at the largest coordinates."""
    rng = np.random.default_rng(colors)
    palette, target = (rng.integers(-8191, 8192, (n, 3)) for n in (colors, 30 * 40))
    target[:2] = [[8191] * 3, [-8191] * 3]
    palette[-1], palette[0] = target[0], target[1]
    with cpu.force(level):
        _, chosen = paint(palette, target.reshape(30, 40, 3))
    assert (chosen.ravel() == ((target[:, None] - palette) ** 2).sum(-1).argmin(1)).all()


@pytest.mark.parametrize("cost_of_bit", (0, 1, 10_000))
def test_within_reach_of_nothing_else_pixels_get_their_colours(noise, cost_of_bit):
    palette, indices, _ = noise
    codes, chosen = paint(palette, palette[indices], cost_of_bit=cost_of_bit)
    assert (chosen == indices).all()


def test_exact_painting_is_as_short_as_exact_encoding(noise):
    _, _, rng = noise
    smooth = (np.add.outer(np.arange(90), np.arange(120)) // 7 + rng.integers(0, 2, (90, 120))) % 16
    codes, chosen = paint(np.arange(16)[:, None] * [100, 0, 0], smooth[..., None] * [100, 0, 0], cost_of_bit=1000)
    assert (chosen == smooth).all() and len(codes) <= 1.02 * len(lzw_encode(smooth.astype(np.uint8).ravel(), 4))


def test_no_pixel_is_further_off_than_allowed_or_the_nearest_is(noise):
    palette, indices, rng = noise
    target = palette[indices] + rng.integers(-40, 41, (40, 53, 3))
    distances = ((target[:, :, None] - palette) ** 2).sum(-1)
    sizes = []
    for reach in (0, 3000, 30_000, 300_000):
        codes, chosen = paint(palette, target, reach=reach, cost_of_bit=2000)
        mine = np.take_along_axis(distances, chosen[..., None].astype(int), -1)[..., 0]
        assert ((mine <= reach) | (mine == distances.min(-1))).all()
        sizes.append(len(codes))
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < 0.8 * sizes[0]


def test_pixels_that_may_stay_or_must(noise):
    palette, indices, rng = noise
    state = rng.integers(0, 3, indices.shape)
    held = palette[indices].copy()
    moved = rng.random(indices.shape) < 0.3
    held[moved] += 1000
    codes, chosen = paint(palette, palette[indices], size=8, held=held, state=state, transparent=200, cost_of_bit=100)
    kept = chosen == 200
    assert (
        kept[state == 2].all()
        and not kept[state == 0].any()
        and not kept[(state == 1) & moved].any()
        and kept[(state == 1) & ~moved].any()
    )
    assert (chosen[~kept] == indices[~kept]).all()


def test_errors_go_to_the_neighbours():
    """A flat gray between two entries becomes a mixture of them with the same mean; without diffusion
    it becomes the nearer one."""
    palette, target = [[0, 0, 0], [1000, 0, 0]], np.full((40, 40, 1), 300) * [1, 0, 0]
    assert paint(palette, target, strength=0, clamp=1000)[1].mean() == 0
    mixed = paint(palette, target, strength=256, clamp=1000, reach=800**2)[1]
    assert abs(mixed.mean() - 0.3) < 0.02
    assert mixed[:20].any() and mixed[20:].any()


def test_what_does_not_fit_is_refused(noise):
    palette, indices, _ = noise
    good = planes(palette[indices])
    palette = np.ascontiguousarray(palette, np.int16)
    with pytest.raises(ParameterError, match="as large"):
        lzw_paint(good[0], good[1][:-1].copy(), *good[2:], palette, 8, **ALL)
    with pytest.raises(ParameterError, match="colours"):
        lzw_paint(*good, palette, 7, **ALL)
    with pytest.raises(ParameterError, match="states"):
        lzw_paint(good[0], good[1], good[2] + np.uint8(1), *good[3:], palette, 8, **ALL)
    with pytest.raises(ParameterError, match="transparent"):
        lzw_paint(*good, palette, 8, **(ALL | {"transparent": 256}))
    with pytest.raises(ParameterError, match="strength"):
        lzw_paint(*good, palette, 8, **(ALL | {"strength": 257}))
