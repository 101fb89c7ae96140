"""Adaptive quantization and the macroblock tree, against their formulas in floating point."""

import math

import numpy as np
import pytest
from codec.h264.encode._adaptive import (
    energies_of,
    excess_of,
    qps_of,
    spread,
    tree_offsets,
    variance_offsets,
    weighed,
)
from made_clips import assert_decodes_to, encoded, moving

import codec
from codec.h264.encode.encoder import Encoder
from codec.h264.encode.parameters import rate_of
from codec.h264.encode.settings import settings_of


def test_logarithms():
    values = np.unique(np.concatenate([np.arange(1, 3000), 2 ** np.arange(30), 3 ** np.arange(19)])).astype(np.int32)
    found = -tree_offsets(np.ones_like(values), values - 1) / 2
    assert (np.abs(found - 256 * np.log2(values)) <= 2).all()
    assert list(found[np.isin(values, 2 ** np.arange(30))]) == [256 * k for k in range(30)]


def energies(plane, size):
    """In floating point."""
    rows, columns = plane.shape
    whole = np.pad(plane, ((0, -rows % size), (0, -columns % size)), "edge").astype(float)
    blocks = whole.reshape(whole.shape[0] // size, size, -1, size)
    return ((blocks - blocks.mean(axis=(1, 3), keepdims=True)) ** 2).sum(axis=(1, 3)).ravel()


@pytest.mark.parametrize("rows, columns", [(32, 48), (17, 33), (30, 46), (1, 1)])
def test_energy_is_the_sum_of_squared_differences_from_the_mean(rows, columns):
    rng = np.random.default_rng(0)
    luma, cb, cr = (rng.integers(0, 256, shape, np.uint8) for shape in [(32, 48), (16, 24), (16, 24)])
    luma[:16, :16] = 7
    luma[:8, 16:32], luma[8:16, 16:32] = 0, 255
    planes = [luma[:rows, :columns], *(plane[: -(-rows // 2), : -(-columns // 2)] for plane in (cb, cr))]
    assert np.allclose(energies_of(planes[:1]), energies(planes[0], 16), atol=1)
    assert np.allclose(energies_of(planes), sum(energies(p, 8 if i else 16) for i, p in enumerate(planes)), atol=3)
    with pytest.raises(codec.ParameterError, match="as many macroblocks"):
        energies_of([luma, cb, cr[:8]])


@pytest.mark.parametrize("strength", [154, 256])
def test_mode_1_follows_the_logarithm(strength):
    energies = np.array([0, 1, 50, 3000, 22026, 500_000, 6_000_000], np.int32)
    exact = [strength * 1.0397 * (math.log2(max(e, 1)) - 14.427) for e in energies]
    assert np.allclose(variance_offsets(energies, 1, strength), exact, atol=4)


def test_mode_2_is_by_the_eighth_root_against_the_mean_of_the_picture():
    energies = np.random.default_rng(1).integers(0, 3_000_000, 500).astype(np.int32)
    root = (energies + 1.0) ** 0.125
    mean, square = root.mean(), (root**2).mean()
    exact = 256 * mean * (root - (mean - 0.5 * (square - 14) / mean))
    assert np.allclose(variance_offsets(energies, 2, 256), exact, atol=24)


def test_costs_are_weighed_by_the_step():
    costs = np.array([1000, 1000, 1000, 50_000], np.int32)
    assert list(weighed(costs, np.array([0, 6 * 256, -6 * 256, 12 * 256], np.int32))) == [1000, 500, 2000, 12500]


def naive_spread(width, amounts, weights, intra, inter, lists):
    """In floating point, over a plane with room around it, each sample of 1/16 of a macroblock by itself."""
    height = len(amounts) // width
    given = [np.zeros((height, width)) for _ in lists]
    for i in range(len(amounts)):
        if inter[i] >= intra[i]:
            continue
        amount = (amounts[i] + weights[i]) * (1 - inter[i] / intra[i])
        used = [k for k, (_, cost, _) in enumerate(lists) if cost[i] == inter[i]][:1] or [0, 1]
        for k in used:
            x, y = 16 * (i % width) + lists[k][0][i][0], 16 * (i // width) + lists[k][0][i][1]
            for row in range(16):
                for column in range(16):
                    at = (y + row) // 16, (x + column) // 16
                    if 0 <= at[0] < height and 0 <= at[1] < width:
                        given[k][at] += amount / len(used) / 256
    return [given[k].ravel() + lists[k][2] for k in range(len(lists))]


@pytest.mark.parametrize("count", [1, 2])
def test_amounts_are_divided_by_area(count):
    rng = np.random.default_rng(count)
    width, n = 5, 20
    amounts, weights, intra = (rng.integers(0, 20_000, n).astype(np.int32) + 1 for _ in range(3))
    costs = [rng.integers(0, 30_000, n).astype(np.int32) for _ in range(count)]
    inter = np.minimum(intra, np.minimum.reduce(costs))
    if count == 2:  # both together, for some
        both = rng.random(n) < 0.4
        inter[both] = inter[both] // 2
    lists = [(rng.integers(-40, 41, (n, 2)).astype(np.int16), cost, np.full(n, 17, np.int32)) for cost in costs]
    exact = naive_spread(width, amounts, weights, intra, inter, lists)
    spread(width, amounts, weights, intra, inter, lists)
    for (_, _, found), wanted in zip(lists, exact):
        assert np.allclose(found, wanted, atol=n)


def test_what_is_used_more_has_a_lower_qp():
    weights = np.array([100, 100, 100, 0], np.int32)
    amounts = np.array([0, 100, 300, 0], np.int32)
    assert list(tree_offsets(weights, amounts)) == [0, -512, -1024, 0]
    assert list(tree_offsets(weights, amounts, np.array([5, 6, 7, 8], np.int32))) == [5, -506, -1017, 8]
    with pytest.raises(codec.ParameterError, match="one number for each"):
        tree_offsets(weights, amounts[1:])


def test_qp_of_macroblocks():
    offsets = np.array([-3000, -128, -129, 0, 127, 128, 300, 20_000], np.int32)
    assert list(qps_of(offsets, 20 * 256, 0)) == [8, 20, 19, 20, 20, 21, 21, 51]
    assert list(qps_of(offsets, 20 * 256, 17)) == [17, 20, 19, 20, 20, 21, 21, 51]
    assert excess_of(offsets, 20 * 256) == (20_000 - 31 * 256) // (256 * 8)


def coded_qp(data):
    return {frame.number: frame.side_data["qp"] for frame in codec.decode_video(data, side_data=True)}


def half_still(count=24):
    """The left half stands, the right half is noise that changes."""
    frames = np.repeat(moving(96, 64, 1), count, axis=0)
    frames[:, :, 48:] = np.random.default_rng(3).integers(60, 196, (count, 64, 48, 3))
    return frames


def first_qp(frames, **settings):
    data = codec.encode_video(frames, fps=25, **settings)
    return next(iter(codec.decode_video(data, side_data=True))).side_data["qp"].astype(int)


def test_the_tree_spends_where_others_refer_to():
    qp = first_qp(half_still(), crf=28, tune="psnr")
    assert qp[:, :3].mean() + 4 < qp[:, 3:].mean()


def test_adaptive_quantization_spends_on_smooth_macroblocks():
    frames = half_still(1)
    frames[:, :, :48] = frames[:, :, :48] // 16 + 100
    qp = {tune: first_qp(frames, crf=28, tune=tune) for tune in (None, "ssim", "psnr")}
    assert len(set(qp["psnr"].ravel())) == 1
    for tune in (None, "ssim"):
        assert qp[tune][:, :3].mean() + 2 < qp[tune][:, 3:].mean()


def test_a_constant_qp_is_constant():
    assert len(set(first_qp(half_still(), qp=28).ravel())) == 1


def test_a_still_clip_is_coded_once_and_well():
    """What the tree gains is greatest here: x264 reports up to 70 %."""
    frames = np.repeat(moving(64, 64, 1), 30, axis=0)
    still = len(codec.encode_video(frames, fps=25, crf=28, tune="psnr"))
    planes = [frame.planes[0] for frame in codec.decode_video(codec.encode_video(frames, fps=25, crf=28, tune="psnr"))]
    source = codec.Frame.from_rgb(frames[0]).planes[0].astype(int)
    error = np.mean([(plane - source) ** 2 for plane in planes])
    for qp in range(14, 40):  # the constant QP of the same size
        data = codec.encode_video(frames, fps=25, qp=qp)
        if len(data) <= still:
            break
    constant = np.mean([(frame.planes[0] - source) ** 2 for frame in codec.decode_video(data)])
    assert error < constant


@pytest.mark.parametrize("tune", [None, "psnr", "ssim", "film", "animation", "screen", "zerolatency", "fastdecode"])
@pytest.mark.parametrize("preset", ["ultrafast", "superfast", "medium"])
def test_every_tune_decodes_and_is_the_same_by_threads(tune, preset):
    frames = np.concatenate([moving(72, 50, 9), moving(72, 50, 5, seed=4) // 2])
    data, planes, _ = encoded(frames, preset=preset, tune=tune, qp=None, crf=27)
    assert_decodes_to(data, planes, 72, 50)
    assert encoded(frames, preset=preset, tune=tune, qp=None, crf=27, threads=3)[0] == data


@pytest.mark.parametrize("threads", [1, 4])
def test_zerolatency_gives_each_picture_at_once(threads):
    encoder = Encoder(settings_of(None, 26, None, "medium", "zerolatency", 250, threads), rate_of(25))
    for i, frame in enumerate(moving(48, 48, 6)):
        (one,) = encoder.encode(codec.Frame.from_rgb(frame))
        assert one.number == i
    assert list(encoder.flush()) == []
    encoder.close()


def test_a_fraction_of_crf_counts():
    frames = moving(96, 80, 6)
    sizes = [len(codec.encode_video(frames, fps=25, crf=crf)) for crf in (24, 24.5, 25)]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3
