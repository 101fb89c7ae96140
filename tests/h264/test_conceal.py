"""Concealment of lost slices: continuous motion is recovered, and the rest is interpolated from neighbours."""

import dataclasses
import sys
from pathlib import Path

import crafted_h264 as crafted
import numpy as np
import pytest
from codec.h264.decode._conceal import conceal
from codec.h264.pictures._picture import Picture
from crafted_h264 import Stream, header, slice_of, sps_of

import codec
from codec.errors import ParameterError
from codec.h264.stream.nal import split_byte_stream, write_byte_stream
from codec.h264.stream.slice_header import P, write_slice_header

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "robustness"))
import hostile_video as hostile

WIDE, HIGH = 6, 6  # macroblocks


def decoded(nals, **options):
    return list(codec.decode_video(write_byte_stream(nals) if isinstance(nals, list) else nals, **options))


def same(a, b):
    return all(map(np.array_equal, a.planes, b.planes))


def moved(head, sps, pps, addresses, mv):
    """The NAL unit of a P slice in which all macroblocks have the same vector and no residual."""
    head = dataclasses.replace(head, first_mb_in_slice=addresses[0], slice_type=P, **crafted.UNFILTERED)
    c = write_slice_header(head, sps, pps)
    for number in range(len(addresses)):
        c.ue({"mb_skip_run": 0}, "mb_skip_run", 0, "")
        c.ue({"mb_type": 0}, "mb_type", 30, "")  # P_L0_16x16
        for value in mv if number == 0 else (0, 0):  # mvd: the others are predicted exactly (8.4.1.3)
            c.se({"mvd_l0": value}, "mvd_l0", -8192, 8191, "")
        c.ue({"coded_block_pattern": 0}, "coded_block_pattern", 47, "")  # Inter: none
    return crafted.finished(c, head)


def rows_of(*rows):
    return [at for row in rows for at in range(row * WIDE, (row + 1) * WIDE)]


def pans(mv, fields=False, slices=3, **more):
    """NAL units of a picture of noise and of two more, each moved by a vector, in slices of equal height."""
    stream = Stream(sps_of(WIDE, HIGH * (1 + fields), frame_mbs_only_flag=int(not fields), **more))
    stream.intra(header(0, 0, idr=True))
    for number in (1, 2):
        for parity in (0, 1) if fields else (0,):
            head = header(
                number, 2 * number + parity, **(dict(field_pic_flag=1, bottom_field_flag=parity) if fields else {})
            )
            for rows in np.array_split(np.arange(HIGH), slices):
                stream.nals.append(moved(head, stream.sps, stream.pps, rows_of(*rows), mv))
    return stream.nals


FORMATS = [
    {}, dict(profile_idc=100, chroma_format_idc=0),
    dict(profile_idc=122, chroma_format_idc=2, bit_depth_luma_minus8=2, bit_depth_chroma_minus8=2),
    dict(profile_idc=244, chroma_format_idc=3, bit_depth_luma_minus8=6, bit_depth_chroma_minus8=4),
]  # fmt: skip


@pytest.mark.parametrize("more", FORMATS)
@pytest.mark.parametrize("mv", [(0, 0), (12, -8), (-31, 18), (5, 7)])
def test_a_pan_goes_on_in_a_lost_slice(mv, more):
    """Bit for bit, with integer and fractional vectors, and the damage is reported."""
    nals = pans(mv, **more)
    whole = decoded(nals)
    del nals[-2]
    frames = decoded(nals, on_error="conceal")
    assert all(map(same, whole, frames)) and len(frames) == 3
    assert frames[1].damage is None
    assert frames[2].damage.macroblocks.tolist() == [[row in (2, 3)] * WIDE for row in range(HIGH)]
    assert frames[2].damage.errors[0].endswith("12 macroblocks of the picture are missing (H.264 7.4.3)")


@pytest.mark.parametrize("lost", [-2, -5, -3])
def test_a_pan_goes_on_in_a_lost_slice_of_a_field(lost):
    nals = pans((6, -9), fields=True)
    whole = decoded(nals)
    del nals[lost]
    frames = decoded(nals, on_error="conceal")
    assert all(map(same, whole, frames)) and frames[2].damage.macroblocks[(lost == -5) ^ 1 :: 2].sum() == 2 * WIDE


def test_a_hole_of_many_macroblocks_is_filled_inward():
    nals = pans((20, 4), slices=6)
    whole = decoded(nals)
    del nals[-5:-1]
    frames = decoded(nals, on_error="conceal")
    assert frames[2].damage.fraction == 4 / 6 and same(whole[2], frames[2])


def test_the_motion_of_the_previous_picture_is_used_without_motion_in_the_neighbours():
    """The received macroblocks of the third picture are all I_PCM."""
    nals = pans((16, 8), slices=3)
    whole = decoded(nals)
    sps, pps = sps_of(WIDE, HIGH), crafted.pps_of()
    for at, rows in ((-3, (0, 1)), (-1, (4, 5))):
        nals[at] = slice_of(header(2, 4), sps, pps, whole[2].planes, rows_of(*rows))
    del nals[-2]
    assert same(whole[2], decoded(nals, on_error="conceal")[2])


def gradient(height, width):
    y, x = np.mgrid[:height, :width]
    return (40 + y + x // 2).astype(np.uint8)


@pytest.mark.parametrize("depth", [8, 14])
def test_without_an_earlier_picture_samples_are_interpolated(depth):
    more = (
        dict(profile_idc=244, bit_depth_luma_minus8=depth - 8, bit_depth_chroma_minus8=depth - 8) if depth > 8 else {}
    )
    stream = Stream(sps_of(WIDE, HIGH, **more))
    planes = [gradient(16 * HIGH, 16 * WIDE), *(gradient(8 * HIGH, 8 * WIDE),) * 2]
    if depth > 8:
        planes = [plane.astype(np.uint16) + ((1 << depth) - 256) for plane in planes]
    stream.intra(header(0, 0, idr=True), planes=planes, slices=3)
    del stream.nals[3]
    (frame,) = decoded(stream.nals, on_error="conceal")
    for plane, expected in zip(frame.planes, planes):
        assert np.abs(plane.astype(int) - expected).max() <= 1
    assert frame.damage.fraction == 1 / 3


def test_a_picture_without_any_source_is_gray():
    stream = Stream(sps_of(WIDE, HIGH))
    stream.intra(header(0, 0, idr=True))
    stream.nals[2] = stream.nals[2][:8]
    (frame,) = decoded(stream.nals, on_error="conceal")
    assert frame.damage.fraction == 1 and all((plane == 128).all() for plane in frame.planes)


def test_after_a_cut_the_old_scene_is_not_used():
    stream = Stream(sps_of(WIDE, HIGH))
    stream.intra(header(0, 0, idr=True))  # noise
    planes = [gradient(16 * HIGH, 16 * WIDE), *(gradient(8 * HIGH, 8 * WIDE),) * 2]
    stream.intra(header(1, 2), planes=planes, slices=3)
    del stream.nals[4]
    frame = decoded(stream.nals, on_error="conceal")[1]
    assert np.abs(frame.planes[0].astype(int) - planes[0]).max() <= 1


def test_a_second_field_is_copied_from_the_first_without_other_sources():
    """An IDR picture of two equal fields."""
    sps = sps_of(WIDE, 2 * HIGH, frame_mbs_only_flag=0)
    planes = [plane[0::2] for plane in crafted.samples(sps, 3)]
    nals = Stream(sps).nals
    for parity in (0, 1):
        head = header(0, parity, idr=not parity, field_pic_flag=1, bottom_field_flag=parity)
        nals += [slice_of(head, sps, crafted.pps_of(), planes, rows_of(*rows)) for rows in ((0, 1), (2, 3), (4, 5))]
    whole = decoded(nals)
    del nals[-2]
    assert np.array_equal(decoded(nals, on_error="conceal")[0].planes[0], whole[0].planes[0])


# ---------------------------------------------------------------- real streams


def without_some_slices(data, share, seed=1):
    """The NAL units without some slices; the first slice of each picture stays."""
    rng, kept = np.random.default_rng(seed), []
    for nal in split_byte_stream(data):
        first = nal.nal_unit_type not in (1, 5) or nal.data[1] & 0x80  # first_mb_in_slice is 0
        if first or rng.random() >= share:
            kept.append(bytes(nal.data))
    return kept


def psnr(a, b):
    return 10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 0.1))


@pytest.mark.parametrize("vector", ["CABAST3_Sony_E", "CABASTBR3_Sony_B", "SL1_SVA_B"])
def test_motion_is_better_than_a_copy(streams, vector):
    """Measured in lost macroblocks only. The copy even has the advantage of an undamaged picture."""
    data = streams[vector][1].read_bytes()
    whole, frames = decoded(data), decoded(without_some_slices(data, 0.03), on_error="conceal")
    found, copy = [], []
    for before, frame, expected in zip(whole, frames[1:], whole[1:]):
        if frame.damage and frame.damage.macroblocks.any():
            lost = np.kron(frame.damage.macroblocks, np.ones((16, 16), bool))[: expected.height, : expected.width]
            found.append(psnr(frame.planes[0][lost], expected.planes[0][lost]))
            copy.append(psnr(before.planes[0][lost], expected.planes[0][lost]))
    assert len(frames) == len(whole) and found and np.mean(found) > np.mean(copy) + 1


@pytest.mark.parametrize(
    "vector", ["CABACI3_Sony_B", "SL1_SVA_B", "CVSE3_Sony_H", "HCAMFF1_HHI_B", "HPCVFL_BRCM_A", "FREXT02_JVC_C"]
)
def test_it_does_not_depend_on_threads(streams, vector):
    nals = without_some_slices(streams[vector][1].read_bytes(), 0.1)[:120]
    nals = [nal[: len(nal) // 2] if number % 11 == 10 else nal for number, nal in enumerate(nals)]
    expected = decoded(nals, on_error="conceal", threads=1)
    frames = decoded(nals, on_error="conceal", threads=2)
    assert len(frames) == len(expected) and any(frame.damage for frame in frames)
    for frame, other in zip(frames, expected):
        assert same(frame, other) and (frame.damage is None) == (other.damage is None)


# ---------------------------------------------------------------- arbitrary input


def test_hostile_streams_lose_slices():
    for seed in range(150):
        nals = [bytes(nal.data) for nal in split_byte_stream(hostile.hostile_stream(seed), strict=False)]
        rng = np.random.default_rng(seed)
        kept = [nal for nal in nals if nal[0] & 31 not in (1, 5) or rng.random() < 0.7]
        decoder = codec.h264.Decoder(on_error="conceal", limits=hostile.LIMITS, threads=1)
        for nal in kept:
            try:
                decoder.feed(write_byte_stream([nal]))
            except codec.CodecError:
                pass


@pytest.mark.parametrize("key", [(1, 1, 1), (7, 4, 0), (3, 6, 2, 10, 9), (5, 8, 3, 14, 14), (4, 2, 1)])
def test_any_map_in_any_format(key):
    """All samples of lost macroblocks are written, and no others."""
    rng = np.random.default_rng(6)
    for parity in (0, 1, 2) if key[1] % 2 == 0 else (0,):
        for share in (0.2, 0.7, 1.0):
            picture, *others = (Picture(*key) for _ in range(3))
            for one in (picture, *others):
                for plane in map(np.asarray, one.planes()):
                    plane[:] = rng.integers(1, 1 << min(key[3:] or (8,)), plane.shape)
            rows = slice(None) if not parity else slice(parity - 1, None, 2)
            lost = (rng.random((key[1] >> (parity > 0), key[0])) < share).astype(np.uint8)
            before = [np.array(plane) for plane in picture.planes()]
            extreme = (1 << 31) - 1
            conceal(picture, lost, parity, extreme, [(others[0], -extreme - 1), (others[1], extreme)], parity > 0, 0)
            for plane, old in zip(map(np.asarray, picture.planes()), before):
                keep = (
                    np.kron(lost, np.ones((plane[rows].shape[0] // lost.shape[0], plane.shape[1] // lost.shape[1])))
                    == 0
                )
                assert np.array_equal(plane[rows][keep], old[rows][keep])
                if parity:
                    assert np.array_equal(plane[2 - parity :: 2], old[2 - parity :: 2])
                assert plane.max() < 1 << max(key[3:] or (8,))


def test_maps_and_pictures_that_do_not_fit():
    with pytest.raises(ParameterError, match="the map has 2 x 3 macroblocks of 2 x 2"):
        conceal(Picture(2, 2, 1), np.ones((2, 3), np.uint8), 0, 0, [], False, 0)
    with pytest.raises(ParameterError, match="another format"):
        conceal(Picture(2, 2, 1), np.ones((2, 2), np.uint8), 0, 0, [(Picture(2, 2, 2), 0)], False, 0)
