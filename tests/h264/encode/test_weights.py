"""Explicit weights of P pictures: what they are for a fade, their syntax, and that they predict."""

import numpy as np
import pytest
from made_clips import assert_decodes_to, encoded, moving

import codec
from codec.h264.encode._stages import weighted_samples
from codec.h264.encode.weights import Weights, table_of, weights_between, with_chroma
from codec.h264.stream.nal import split_byte_stream
from codec.h264.stream.parameter_sets import ParameterSets
from codec.h264.stream.slice_header import P, read_slice_header


def faded(count=12, lowest=0.1):
    """A moving picture that darkens to a share of its brightness above black."""
    frames = moving(96, 64, count).astype(float)
    return (frames * np.linspace(1, lowest, count)[:, None, None, None]).astype(np.uint8)


def tables(data):
    """pred_weight_table of each P picture."""
    sets, found = ParameterSets(), []
    for nal in split_byte_stream(data):
        if nal.nal_unit_type in (7, 8):
            sets.add(nal)
        elif nal.nal_unit_type in (1, 5):
            header = read_slice_header(nal, sets.find)[0]
            if header.kind == P:
                found.append(header.pred_weight_table)
    return found


@pytest.mark.parametrize("scale, shift", [(0.5, 10), (0.9, -3), (1.0, 12), (1.5, -40), (1.9, -60)])
def test_weights_of_a_linear_change(scale, shift):
    rng = np.random.default_rng(0)
    reference = rng.integers(60, 100, 5000)
    picture = reference * scale + shift
    weights = weights_between(picture.mean(), picture.std(), reference.mean(), reference.std())
    found = weighted_samples(reference.astype(np.uint8), weights.weight, weights.offset)
    assert np.abs(found - np.clip(picture, 0, 255)).max() <= 2


def test_no_weights_without_a_change_or_without_contrast():
    assert weights_between(100.0, 30.0, 100.4, 30.1) is None
    assert weights_between(16.0, 0.0, 120.0, 0.2) is None


@pytest.mark.parametrize("weight, offset", [(45, -7), (127, 127), (127, -128), (0, 127), (64, 0)])
def test_weighted_samples_are_8_274(weight, offset):
    found = weighted_samples(np.arange(256, dtype=np.uint8), weight, offset)
    assert list(found) == [min(max(((v * weight + 32) >> 6) + offset, 0), 255) for v in range(256)]


@pytest.mark.parametrize("weight", [0, 1, 32, 63, 100, 127])
def test_chroma_without_colour_stays_so(weight):
    row = table_of(Weights(weight, 0), 2).l0[0]
    value = (128 * row.chroma_weight[0] + 32 >> 6) + row.chroma_offset[0]
    assert value == 128 and -128 <= row.chroma_offset[0] <= 127


@pytest.mark.parametrize("preset", ["superfast", "medium", "slow"])
@pytest.mark.parametrize("gray", [False, True])
def test_a_fade_has_weights_and_decodes(preset, gray):
    frames = faded()
    if gray:
        frames = np.ascontiguousarray(frames[..., 0])
    data, planes, _ = encoded(frames, preset=preset, qp=26)
    assert any(table.l0[0].luma_weight_flag for table in tables(data))
    assert_decodes_to(data, planes, 96, 64)


def test_chroma_follows_the_means_of_a_fade_to_a_colour():
    weights = Weights(32, 40)
    assert with_chroma(weights, [64 + 50.0, 64 + 50.0], [100.0, 100.0]).chroma is None  # half the distance from 128
    assert with_chroma(weights, [50.0, 120.0], [100.0, 110.0]).chroma == (0, 65)
    assert with_chroma(Weights(0, 10), [255.0, 0.0], [100.0, 100.0]).chroma == (127, 0)
    row = table_of(Weights(32, 40, (0, 65)), 2).l0[0]
    assert row.chroma_weight == (32, 32) and row.chroma_offset == (0, 65)


def test_weights_of_chroma_save_bits_in_a_fade_to_red(monkeypatch):
    frames = moving(96, 64, 12).astype(float)
    share = np.linspace(1, 0.2, 12)[:, None, None, None]
    frames = (frames * share + np.array([220, 20, 20]) * (1 - share)).astype(np.uint8)
    data, planes, _ = encoded(frames, qp=26, settings_sei=False)
    assert_decodes_to(data, planes, 96, 64)
    monkeypatch.setattr("codec.h264.encode.lookahead.with_chroma", lambda weights, *means: weights)
    assert len(data) < 0.97 * len(encoded(frames, qp=26, settings_sei=False)[0])


def test_weights_save_bits_in_a_fade(monkeypatch):
    frames = np.concatenate([faded(), faded()[::-1]])
    with_weights = len(encoded(frames, qp=26)[0])
    monkeypatch.setattr("codec.h264.encode.lookahead.weights_between", lambda *looks: None)
    assert with_weights < 0.9 * len(encoded(frames, qp=26)[0])


@pytest.mark.parametrize("shift", [1, 5])
def test_a_fade_of_a_picture_that_moves_has_weights_throughout(shift):
    """Vectors that were searched without weights lead to equal brightness, where weights do harm."""
    rng = np.random.default_rng(2)
    wide = np.kron(rng.integers(30, 250, (10, 20)), np.ones((16, 16)))
    for axis in (0, 1):
        wide = sum(np.roll(wide, k, axis) for k in range(16)) / 16
    frames = [wide[:64, shift * i : shift * i + 96] * (1 - i / 16) for i in range(13)]
    frames = np.repeat(np.stack(frames)[..., None], 3, axis=3).astype(np.uint8)
    found = tables(encoded(frames, preset="veryfast", qp=26)[0])
    assert len(found) > 2 and all(table.l0[0].luma_weight_flag for table in found)


def test_without_a_fade_there_are_none():
    assert not any(table.l0[0].luma_weight_flag for table in tables(encoded(moving(96, 64, 12), qp=26)[0]))


def test_a_fade_to_black_ends_cheaply():
    frames = np.concatenate([faded(9, 0.0), np.zeros((3, 64, 96, 3), np.uint8)])
    data, planes, pictures = encoded(frames, qp=26)
    assert_decodes_to(data, planes, 96, 64)
    assert all(len(one.data) < 60 for one in pictures if one.number > 8)
    for frame in list(codec.decode_video(data))[9:]:
        assert np.abs(frame.planes[1].astype(int) - 128).max() <= 2
