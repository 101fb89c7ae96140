"""H.264 streams of every kind, ways to break them, and the rules that hold for any input of the decoder.

Depends on nothing but the package, so that the fuzzer (tests/fuzz) shares it.
"""

import dataclasses
import os
import random
import time
import tracemalloc

import crafted_h264 as crafted
import numpy as np

import codec
from codec.h264.stream import slice_header as sh
from codec.h264.stream.nal import split_byte_stream, write_byte_stream, write_nal
from codec.h264.stream.parameter_sets import (
    HIGH_PROFILES,
    PPS,
    SPS,
    Rectangle,
    RunLength,
    delta_scale_of,
    write_pps,
    write_sps,
)
from codec.h264.stream.sei import write_sei

FULL = os.environ.get("CODEC_ROBUSTNESS") == "full"
SANITIZED = os.environ.get("CODEC_DEBUG") == "1"
SECONDS = 60.0 if SANITIZED else 10.0
LIMITS = codec.Limits(pixels=1 << 18, dpb_bytes=64 << 20, frames=2000)


# ---------------------------------------------------------------- making: valid syntax, hostile values


def random_scaling_lists(r, count):
    kinds = (None, (-8,), delta_scale_of([r.randint(1, 255)] * 16))
    lists = [r.choice(kinds) for _ in range(count)]
    return tuple(
        delta_scale_of([r.choice((1, 16, 255)) for _ in range(16 if i < 6 else 64)]) if r.random() < 0.2 else one
        for i, one in enumerate(lists)
    )


def random_sps(r):
    """Small pictures of any format, any order count, any number of references."""
    profile_idc = r.choice((66, 77, 100, 110, 122, 244))
    s = dict(
        profile_idc=profile_idc,
        level_idc=r.choice((10, 30, 51)),
        pic_width_in_mbs_minus1=r.randint(0, 4),
        pic_height_in_map_units_minus1=r.randint(0, 3),
    )
    if profile_idc in HIGH_PROFILES:
        s["chroma_format_idc"] = r.choice((0, 1, 1, 2, 3))
        s["separate_colour_plane_flag"] = int(s["chroma_format_idc"] == 3 and r.random() < 0.3)
        s["bit_depth_luma_minus8"] = r.choice((0, 0, 0, 2, 6))
        s["bit_depth_chroma_minus8"] = s["bit_depth_luma_minus8"] if r.random() < 0.8 else r.randint(0, 6)
        s["qpprime_y_zero_transform_bypass_flag"] = r.randint(0, 1)
        s["seq_scaling_matrix_present_flag"] = int(r.random() < 0.3)
        if s["seq_scaling_matrix_present_flag"]:
            s["seq_scaling_list"] = random_scaling_lists(r, 12 if s["chroma_format_idc"] == 3 else 8)
    s["pic_order_cnt_type"] = r.randint(0, 2)
    if s["pic_order_cnt_type"] == 1:
        s["offset_for_ref_frame"] = tuple(r.choice((2, -1, 1 << 30)) for _ in range(r.randint(0, 3)))
        s["num_ref_frames_in_pic_order_cnt_cycle"] = len(s["offset_for_ref_frame"])
    s["max_num_ref_frames"] = r.choice((0, 1, 2, 4, 16))
    s["gaps_in_frame_num_value_allowed_flag"] = r.randint(0, 1)
    s["frame_mbs_only_flag"] = int(r.random() < 0.6)
    if not s["frame_mbs_only_flag"]:
        s["mb_adaptive_frame_field_flag"] = r.randint(0, 1)
    s["direct_8x8_inference_flag"] = r.randint(0, 1) if s["frame_mbs_only_flag"] else 1
    return SPS(**s)


def random_pps(r, sps):
    s = {name: r.randint(0, 1) for name in (
        "entropy_coding_mode_flag", "bottom_field_pic_order_in_frame_present_flag", "weighted_pred_flag",
        "deblocking_filter_control_present_flag",
        "constrained_intra_pred_flag",
    )}  # fmt: skip
    s.update(
        weighted_bipred_idc=r.randint(0, 2),
        pic_init_qp_minus26=r.choice((0, 0, -26, 25, -26 - sps.QpBdOffsetY)),
        chroma_qp_index_offset=r.randint(-12, 12),
    )
    s.update(
        num_ref_idx_l0_default_active_minus1=r.choice((0, 1, 15)),
        num_ref_idx_l1_default_active_minus1=r.choice((0, 1, 15)),
    )
    if r.random() < 0.2:
        last = sps.PicSizeInMapUnits - 1
        s["slice_group_map_type"] = r.randint(0, 6)
        s["num_slice_groups_minus1"] = groups = 1 if s["slice_group_map_type"] in (3, 4, 5) else r.randint(1, 7)
        s["run_lengths"] = tuple(RunLength(r.randint(0, last)) for _ in range(groups + 1))
        s["rectangles"] = tuple(Rectangle(0, r.randint(0, last)) for _ in range(groups))
        s.update(
            slice_group_change_direction_flag=r.randint(0, 1),
            slice_group_change_rate_minus1=r.randint(0, last),
            pic_size_in_map_units_minus1=last,
        )
        s["slice_group_id"] = tuple(r.randint(0, groups) for _ in range(last + 1))
    if sps.profile_idc in HIGH_PROFILES and r.random() < 0.7:
        s.update(extended=1, transform_8x8_mode_flag=r.randint(0, 1), second_chroma_qp_index_offset=r.randint(-12, 12))
        s["pic_scaling_matrix_present_flag"] = int(r.random() < 0.3)
        if s["pic_scaling_matrix_present_flag"]:
            eights = 6 if sps.chroma_format_idc == 3 else 2
            s["pic_scaling_list"] = random_scaling_lists(r, 6 + eights * s["transform_8x8_mode_flag"])
    return PPS(**s)


def random_references(r, s, sps, pps, kind):
    """Elements of slices that refer to pictures: any count, modifications to missing pictures, extreme weights."""
    lists = ("l0", "l1") if kind == sh.B else ("l0",) if kind == sh.P else ()
    if not lists:
        return
    s["direct_spatial_mv_pred_flag"] = r.randint(0, 1)
    s["num_ref_idx_active_override_flag"] = 1
    for name in lists:
        s[f"num_ref_idx_{name}_active_minus1"] = r.choice((0, 0, 1, 2, 15, 31 if s["field_pic_flag"] else 15))
        if r.random() < 0.3:
            s[f"ref_pic_list_modification_flag_{name}"] = 1
            rows = (
                sh.Modification(r.randint(0, 1), r.choice((0, 1, 2, 15)))
                if r.random() < 0.8
                else sh.Modification(2, 0, r.randint(0, 3))
                for _ in range(2)
            )
            s[f"ref_pic_list_modification_{name}"] = tuple(rows)[: s[f"num_ref_idx_{name}_active_minus1"] + 1]
    if (pps.weighted_pred_flag and kind == sh.P) or (pps.weighted_bipred_idc == 1 and kind == sh.B):
        value = lambda: r.choice((-128, -1, 0, 1, 64, 127))
        rows = {name: tuple(sh.Weight(1, value(), value(), 1, (value(), value()), (value(), value()))
            for _ in range(s[f"num_ref_idx_{name}_active_minus1"] + 1))
                for name in lists}  # fmt: skip
        if not sps.ChromaArrayType:
            rows = {
                name: tuple(dataclasses.replace(one, chroma_weight_flag=0) for one in some)
                for name, some in rows.items()
            }
        s["pred_weight_table"] = sh.PredWeightTable(r.randint(0, 7), r.randint(0, 7), **rows)


def random_header(r, sps, pps, number, field):
    """Header of picture `number`, not the first: mostly consistent with the pictures before, sometimes not."""
    kind, idr = r.choice((sh.I, sh.P, sh.P, sh.P, sh.B, sh.B, sh.B)), r.random() < 0.03
    s = dict(
        nal_unit_type=5 if idr else 1,
        nal_ref_idc=1 if idr else r.choice((0, 1, 1, 1)),
        slice_type=sh.I if idr else kind,
        first_mb_in_slice=0,
    )
    s.update(pic_parameter_set_id=0, frame_num=0 if idr else number % 16 if r.random() < 0.9 else r.randint(0, 15))
    s.update(field_pic_flag=int(field is not None), bottom_field_flag=int(field or 0), idr_pic_id=number % 2)
    s.update(pic_order_cnt_lsb=2 * number % 16 + int(field or 0), delta_pic_order_cnt_bottom=r.choice((0, 0, 1, -5)))
    if sps.pic_order_cnt_type == 1:
        s["delta_pic_order_cnt"] = (r.choice((0, 0, 4, -4)), 0)
    random_references(r, s, sps, pps, s["slice_type"])
    if s["nal_ref_idc"] and not idr and r.random() < 0.3:
        s["adaptive_ref_pic_marking_mode_flag"] = 1
        s["memory_management_control_operations"] = tuple(
            sh.MemoryManagement(r.randint(1, 6), r.randint(0, 5), r.randint(0, 3), r.randint(0, 3), r.randint(0, 4))
            for _ in range(r.randint(0, 3))
        )
    base = 26 + pps.pic_init_qp_minus26
    s.update(
        slice_qp_delta=r.choice((0, -sps.QpBdOffsetY - base, 51 - base)) if r.random() < 0.3 else 0,
        cabac_init_idc=r.randint(0, 2),
    )
    s.update(
        disable_deblocking_filter_idc=r.choice((0, 0, 1, 2)),
        slice_alpha_c0_offset_div2=r.randint(-6, 6),
        slice_beta_offset_div2=r.randint(-6, 6),
    )
    if sps.separate_colour_plane_flag:
        s["colour_plane_id"] = r.randint(0, 2)
    cycles = -(-sps.PicSizeInMapUnits // pps.SliceGroupChangeRate)
    mbs = sps.PicWidthInMbs * sps.FrameHeightInMbs >> (s["field_pic_flag"] or sps.mb_adaptive_frame_field_flag)
    s.update(
        first_mb_in_slice=r.randrange(mbs) if r.random() < 0.3 else 0, slice_group_change_cycle=r.randint(0, cycles)
    )
    return sh.SliceHeader(**s)


def random_data(r, size):
    """Slice data: noise, or a few repeated values, which decode further before they become invalid."""
    kind = r.randrange(4)
    if kind == 0:
        return r.randbytes(size)
    if kind == 1:
        return bytes(r.choices((0xFF, 0x80, 0xAA, 0x55, 0xB6, 0xDB), k=size))
    return bytes(byte & r.choice((0xFF, 0xF7, 0x7F)) | r.choice((0, 0x80, 0x40)) for byte in r.randbytes(size))


def first_picture(r, sps):
    """NAL units of an IDR picture that decodes: I_PCM macroblocks, as two fields where the sequence has them; and its
    PPS, which has number 1.
    """
    pps = crafted.pps_of(pic_parameter_set_id=1)
    nals, planes = [write_pps(pps, sps)], crafted.samples(sps, r.randrange(1 << 30))
    mbs = sps.PicWidthInMbs * sps.FrameHeightInMbs
    for colour in range(3 if sps.separate_colour_plane_flag else 1):
        if sps.frame_mbs_only_flag:
            nals.append(
                crafted.slice_of(crafted.header(0, 0, True, colour_plane_id=colour), sps, pps, planes, list(range(mbs)))
            )
            continue
        for parity in (0, 1):
            head = crafted.header(
                0, parity, not parity, field_pic_flag=1, bottom_field_flag=parity, colour_plane_id=colour
            )
            nals.append(crafted.slice_of(head, sps, pps, [plane[parity::2] for plane in planes], list(range(mbs // 2))))
    return nals


def hostile_slice(r, header, sps, pps):
    """NAL unit with a valid header and arbitrary data."""
    c = sh.write_slice_header(header, sps, pps)
    bits = -c.count % 8
    c.put(
        (1 << bits) - 1 if pps.entropy_coding_mode_flag else r.getrandbits(bits) if bits else 0, bits
    )  # cabac_alignment_one_bit, or data
    return write_nal(
        header.nal_unit_type, header.nal_ref_idc, c.rbsp() + random_data(r, r.choice((2, 40, 400, 3000))) + b"\x80"
    )


def hostile_stream(seed, pictures=6):
    """A stream with valid headers, adversarial values and arbitrary slice data. The same for the same seed."""
    r = random.Random(seed)
    sps = random_sps(r)
    pps = random_pps(r, sps)
    nals = [write_sps(sps), write_pps(pps, sps)]
    if r.random() < 0.9:
        nals += first_picture(r, sps)
    for number in range(1, pictures):
        fields = (None,) if sps.frame_mbs_only_flag or r.random() < 0.5 else r.choice(((0, 1), (1, 0), (0,), (1, 1)))
        for field in fields:
            header = random_header(r, sps, pps, number, field)
            for _ in range(r.choice((1, 1, 1, 2, 3))):
                nals.append(hostile_slice(r, header, sps, pps))
                header = dataclasses.replace(header, first_mb_in_slice=r.randint(0, header.first_mb_in_slice))
        if r.random() < 0.05:
            nals.append(write_sei([(5, r.randbytes(20)), (6, b"\xa0")]))
    return write_byte_stream(nals)


def mutated(data, seed):
    """Some bits of some NAL units changed, or NAL units duplicated, dropped, swapped, cut."""
    r = random.Random(seed)
    nals = [bytearray(nal.data) for nal in split_byte_stream(data, strict=False)]
    if not nals:
        return data
    for _ in range(r.choice((1, 1, 2, 5))):
        i, kind = r.randrange(len(nals)), r.randrange(8)
        if kind < 5 and nals[i]:
            at = min(int(r.expovariate(0.1)), len(nals[i]) - 1) if r.random() < 0.5 else r.randrange(len(nals[i]))
            nals[i][at] ^= 1 << r.randrange(8)
        elif kind == 5:
            nals.insert(r.randrange(len(nals) + 1), bytearray(nals[i]))
        elif kind == 6 and len(nals) > 1:
            del nals[i]
        elif nals[i]:
            del nals[i][r.randrange(len(nals[i])) + 1 :]
    return b"".join(b"\0\0\1" + bytes(nal) for nal in nals)


# ---------------------------------------------------------------- judging


def frames_are_sound(frames):
    for frame in frames:
        assert frame.planes[0].dtype == (np.uint8 if frame.bit_depth == 8 else np.uint16)
        assert all(int(plane.max()) < 1 << frame.bit_depth for plane in frame.planes)
        if frame.damage:
            assert frame.damage.errors and len(frame.damage.errors) == len(frame.damage.offsets)


def attempt(data, **options):
    """(frames, error): only CodecError may escape, in bounded time; errors in the data have position and clause."""
    start = time.thread_time()  # time of this thread only: a busy machine does not count as a hang
    frames, error = [], None
    try:
        frames += codec.decode_video(data, limits=LIMITS, **options)
    except codec.CodecError as problem:
        error = problem
    seconds = time.thread_time() - start
    assert seconds < SECONDS or tracemalloc.is_tracing(), f"decoding took {seconds:.1f} s"
    if isinstance(error, codec.BitstreamError) and error.layer != "container":
        assert error.offset is not None and error.layer and error.reason, repr(error)
        assert error.clause.startswith("H.264") or error.layer == "file", repr(error)
        assert 0 <= error.offset <= len(data) + 1 and str(error.offset) in str(error), (error, len(data))
    assert error is None or str(error)
    frames_are_sound(frames)
    return frames, error


def equal(a, b):
    return len(a) == len(b) and all(
        len(x.planes) == len(y.planes) and all(map(np.array_equal, x.planes, y.planes)) for x, y in zip(a, b)
    )


def judge(data):
    """Give `data` to everything that reads H.264. Returns (frames, error) of the strict mode and
    the frames of concealment.

    For any bytes: only CodecError escapes; frames are consistent; concealment fails only for limits, and gives the same
    frames, with the same damage, if the stream has no error (only pictures whose references precede the stream are
    damaged then); a second decoding gives the same.
    """
    strict, error = attempt(data)
    concealed, problem = attempt(data, on_error="conceal")
    again, _ = attempt(data, on_error="conceal", side_data=True)
    flags = [bool(frame.damage) for frame in concealed]
    assert equal(concealed, again) and flags == [bool(frame.damage) for frame in again]
    assert (
        problem is None
        or isinstance(problem, codec.LimitError)
        or getattr(problem, "layer", "") in ("file", "container")
    ), repr(problem)
    if error is None:
        assert problem is None and equal(strict, concealed) and flags == [bool(frame.damage) for frame in strict]
    try:
        codec.h264.inspect(data)
        codec.h264.probe(data)
    except codec.CodecError as reason:
        assert str(reason)
    return strict, error, concealed
