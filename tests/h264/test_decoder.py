"""The decoder above macroblock level, on streams with known pictures: order, fields, gaps, losses, limits, memory."""

import dataclasses

import crafted_h264 as crafted
import numpy as np
import pytest
from crafted_h264 import Stream, header, pps_of, samples, skipped, slice_of, sps_of
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

import codec
from codec.h264 import Decoder
from codec.h264.pictures import _picture
from codec.h264.pictures.slice_groups import mb_to_slice_group_map
from codec.h264.stream.nal import write_avcc, write_byte_stream
from codec.h264.stream.parameter_sets import PPS, Rectangle, write_pps, write_sps
from codec.h264.stream.sei import USER_DATA_UNREGISTERED, write_sei
from codec.h264.stream.slice_header import MemoryManagement, Modification
from codec.h264.stream.vui import VUI


def decoded(data, **options):
    return list(codec.decode_video(data, **options))


def same(frame, planes):
    return len(frame.planes) == len(planes) and all(np.array_equal(a, b) for a, b in zip(frame.planes, planes))


def check(stream, order=None, **options):
    """Assert that every frame comes out bit for bit, in this order."""
    frames = decoded(stream.data, **options)
    expected = stream.frames if order is None else [stream.frames[i] for i in order]
    assert len(frames) == len(expected)
    assert [same(frame, planes) for frame, planes in zip(frames, expected)] == [True] * len(expected)
    return frames


# ---------------------------------------------------------------- pictures


def test_frames_are_what_was_written():
    frames = check(crafted.clip())
    assert [frame.type for frame in frames] == list("IPIPIP") and [frame.key for frame in frames] == [True] + [
        False
    ] * 5
    assert [frame.poc for frame in frames] == [0, 2, 4, 6, 8, 10]


@examples(30)
@given(st.lists(st.integers(1, 2000), min_size=1, max_size=5))
def test_chunks_of_any_size_give_the_same_frames(sizes):
    stream, decoder, frames, at, i = crafted.clip(4), Decoder(), [], 0, 0
    while at < len(stream.data):
        frames += decoder.feed(stream.data[at : at + sizes[i % len(sizes)]])
        at, i = at + sizes[i % len(sizes)], i + 1
    frames += decoder.flush()
    assert len(frames) == 4 and all(same(frame, planes) for frame, planes in zip(frames, stream.frames))


@pytest.mark.parametrize(
    "chroma, luma_bits, chroma_bits", [(1, 8, 8), (2, 8, 8), (3, 8, 8), (1, 10, 10), (2, 12, 12), (3, 14, 14)]
)
def test_formats(chroma, luma_bits, chroma_bits):
    sps = sps_of(
        profile_idc=244,
        chroma_format_idc=chroma,
        bit_depth_luma_minus8=luma_bits - 8,
        bit_depth_chroma_minus8=chroma_bits - 8,
    )
    (frame, *_) = check(crafted.clip(3, sps=sps))
    assert frame.bit_depth == luma_bits and frame.chroma == ("4:0:0", "4:2:0", "4:2:2", "4:4:4")[chroma]
    assert frame.planes[0].dtype == (np.uint8 if luma_bits == 8 else np.uint16)


def test_monochrome_with_or_without_planes_of_chroma():
    stream = crafted.clip(3, sps=sps_of(profile_idc=100, chroma_format_idc=0))
    for frame in check(stream, monochrome="4:0:0"):
        assert frame.chroma == "4:0:0"
    for frame, planes in zip(decoded(stream.data), stream.frames):
        assert frame.chroma == "4:2:0" and np.array_equal(frame.planes[0], planes[0])
        assert all(plane.shape == (16, 16) and (plane == 128).all() for plane in frame.planes[1:])


def test_separate_colour_planes_are_three_pictures_in_one():
    sps = sps_of(profile_idc=244, chroma_format_idc=3, separate_colour_plane_flag=1)
    stream = Stream(sps)
    planes = samples(dataclasses.replace(sps, separate_colour_plane_flag=0), 3)
    for number, plane in enumerate(planes):
        stream.nals.append(
            slice_of(header(0, 0, True, colour_plane_id=number), sps, stream.pps, [plane], list(range(4)))
        )
    stream.frames.append(planes)
    check(stream)


def test_cropping():
    sps = sps_of(
        3,
        3,
        frame_cropping_flag=1,
        frame_crop_left_offset=1,
        frame_crop_right_offset=4,
        frame_crop_top_offset=2,
        frame_crop_bottom_offset=3,
    )
    stream = crafted.clip(2, sps=sps)
    (frame, _) = decoded(stream.data)
    y, cb, cr = stream.frames[0]
    assert (frame.width, frame.height) == (38, 38)
    assert same(frame, [y[4:42, 2:40], cb[2:21, 1:20], cr[2:21, 1:20]])


def test_output_is_by_order_count_and_not_by_decoding_order():
    stream = Stream(sps_of(max_num_ref_frames=2))
    frame_num = 0  # counts up after each reference
    for i, lsb in enumerate((0, 8, 4, 2, 6, 16, 12, 10, 14)):
        stream.intra(header(frame_num, lsb, idr=not i, ref=int(i in (0, 1, 5))))
        frame_num += i in (0, 1, 5)
    check(stream, [0, 3, 2, 4, 1, 7, 6, 8, 5])


def test_low_delay_gives_each_frame_as_soon_as_the_stream_allows():
    stream = crafted.clip(4, sps=sps_of(pic_order_cnt_type=2))
    late, early = Decoder(), Decoder(low_delay=True)
    units = [stream.nals[:4], [stream.nals[4]], stream.nals[5:7], [stream.nals[7]]]
    counts = [
        [len(decoder.feed(write_byte_stream(unit), complete=True)) for unit in units] for decoder in (late, early)
    ]
    assert counts == [[0, 0, 0, 0], [1, 1, 1, 1]]
    assert len(late.flush()) == 4 and early.flush() == []


def test_another_resolution_in_the_middle():
    one, two = crafted.clip(3), crafted.clip(3, sps=sps_of(3, 1, seq_parameter_set_id=0))
    frames = decoded(one.data + two.data)
    assert [same(frame, planes) for frame, planes in zip(frames, one.frames + two.frames)] == [True] * 6


def test_a_changed_picture_parameter_set_applies_from_the_next_picture_on():
    stream = Stream()
    stream.intra(header(0, 0, idr=True))
    stream.pps = pps_of(num_ref_idx_l0_default_active_minus1=2, weighted_pred_flag=0)
    stream.nals.append(write_pps(stream.pps, stream.sps))
    stream.copy(header(1, 2, num_ref_idx_l0_active_minus1=2), stream.frames[0])
    check(stream)


def test_redundant_pictures_are_ignored():
    stream = Stream(pps=pps_of(redundant_pic_cnt_present_flag=1))
    stream.intra(header(0, 0, idr=True))
    stream.nals.append(
        slice_of(
            header(0, 0, idr=True, redundant_pic_cnt=1), stream.sps, stream.pps, samples(stream.sps, 99), [0, 1, 2, 3]
        )
    )
    stream.copy(header(1, 2), stream.frames[0])
    check(stream)


@pytest.mark.parametrize("kind", range(7))
def test_slice_groups_in_any_order(kind):
    sps = sps_of(4, 4)
    pps = pps_of(
        num_slice_groups_minus1=1, slice_group_map_type=kind,
        run_lengths=tuple(crafted_runs(2, 5)) if kind == 0 else (),
        rectangles=(Rectangle(5, 10),) if kind == 2 else (), slice_group_change_rate_minus1=2,
        pic_size_in_map_units_minus1=15,
        slice_group_id=tuple(i * i % 2 for i in range(16)) if kind == 6 else (),
    )  # fmt: skip
    stream = Stream(sps, pps)
    head = header(0, 0, idr=True, slice_group_change_cycle=2 if kind in (3, 4, 5) else 0)
    planes = samples(sps, kind)
    group_of = mb_to_slice_group_map(head, sps, pps)
    for group in (1, 0):
        stream.nals.append(slice_of(head, sps, pps, planes, np.flatnonzero(group_of == group).tolist()))
    stream.frames.append(planes)
    check(stream)


def crafted_runs(*lengths):
    from codec.h264.stream.parameter_sets import RunLength

    return (RunLength(length - 1) for length in lengths)


# ---------------------------------------------------------------- fields


def fields_of(sps, pps, planes, frame_num, lsb, idr=False, parities=(0, 1)):
    """The NAL units of the two fields of a frame."""
    found = []
    for parity in parities:
        field = [plane[parity::2] for plane in planes]
        head = header(
            frame_num, lsb + parity, idr=idr and parity == parities[0], field_pic_flag=1, bottom_field_flag=parity
        )
        found.append(slice_of(head, sps, pps, field, list(range(sps.PicWidthInMbs * sps.FrameHeightInMbs // 2))))
    return found


@pytest.mark.parametrize("parities", [(0, 1), (1, 0)])
def test_two_fields_are_a_frame(parities):
    sps = sps_of(2, 4, frame_mbs_only_flag=0)
    stream = Stream(sps)
    for i in range(3):
        stream.frames.append(samples(sps, i))
        stream.nals += fields_of(sps, stream.pps, stream.frames[-1], i, 2 * i, idr=not i, parities=parities)
    frames = check(stream)
    assert [frame.key for frame in frames] == [True, False, False]


def test_frames_and_fields_mix_and_fields_refer_to_their_own_frame():
    # Luma only: chroma vectors between fields of opposite parity are shifted (Table 8-9).
    sps = sps_of(2, 4, frame_mbs_only_flag=0, profile_idc=100, chroma_format_idc=0)
    stream = Stream(sps)
    stream.intra(header(0, 0, idr=True))
    planes = samples(sps, 5)
    top = [plane[0::2] for plane in planes]
    stream.nals.append(slice_of(header(1, 2, field_pic_flag=1), sps, stream.pps, top, list(range(4))))
    # Initially the list of the second field has the bottom field of frame 0 (same parity), then the first field of its
    # own frame; swap them.
    swap = dict(ref_pic_list_modification_flag_l0=1, ref_pic_list_modification_l0=(Modification(0, 0),))
    stream.nals.append(skipped(header(1, 3, field_pic_flag=1, bottom_field_flag=1, **swap), sps, stream.pps, 4))
    stream.frames.append([np.repeat(plane, 2, 0) for plane in top])
    check(stream, monochrome="4:0:0")


def test_an_unpaired_field_fills_all_lines():
    sps = sps_of(2, 4, frame_mbs_only_flag=0)
    stream = Stream(sps)
    stream.intra(header(0, 0, idr=True))
    planes = samples(sps, 5)
    stream.nals += fields_of(sps, stream.pps, planes, 1, 2)[:1]
    stream.frames.append([np.repeat(plane[0::2], 2, 0) for plane in planes])
    stream.intra(header(2, 4))
    check(stream)


# ---------------------------------------------------------------- references


def test_modified_lists_choose_the_picture_that_is_copied():
    stream = Stream()
    first = stream.intra(header(0, 0, idr=True))
    second, third = stream.intra(header(1, 2)), stream.intra(header(2, 4))
    for i, (step, of) in enumerate(((0, third), (2, second), (4, first))):
        rows = (Modification(0, step),)
        stream.copy(
            header(3 + i, 6 + 2 * i, ref_pic_list_modification_flag_l0=1, ref_pic_list_modification_l0=rows), of
        )
    sps = dataclasses.replace(stream.sps, max_num_ref_frames=6)
    stream.sps, stream.nals[0] = sps, write_sps(sps)
    check(stream)


def test_long_term_pictures_stay():
    stream = Stream(sps_of(max_num_ref_frames=2))
    first = stream.intra(header(0, 0, idr=True, long_term_reference_flag=1))
    for i in range(1, 5):
        stream.intra(header(i, 2 * i))
    stream.copy(
        header(5, 10, ref_pic_list_modification_flag_l0=1, ref_pic_list_modification_l0=(Modification(2),)), first
    )
    check(stream)


def test_operation_5_restarts_the_order():
    stream = Stream()
    stream.intra(header(0, 0, idr=True))
    stream.intra(header(1, 8))
    stream.intra(
        header(2, 4, adaptive_ref_pic_marking_mode_flag=1, memory_management_control_operations=(MemoryManagement(5),))
    )
    stream.intra(header(1, 2))
    frames = check(stream, [0, 1, 2, 3])
    assert [frame.poc for frame in frames] == [0, 8, 0, 2]


def test_gaps_in_frame_num_that_the_stream_allows():
    stream = Stream(sps_of(gaps_in_frame_num_value_allowed_flag=1))
    first = stream.intra(header(0, 0, idr=True))
    stream.intra(header(3, 6))
    # Frames 3, 2 and 1 precede it in the list; two of them are non-existing.
    rows = (Modification(0, 3),)
    stream.copy(header(4, 8, ref_pic_list_modification_flag_l0=1, ref_pic_list_modification_l0=rows), first)
    check(stream)
    stream.nals.append(skipped(header(5, 10, ref_pic_list_modification_flag_l0=1,
                                      ref_pic_list_modification_l0=(Modification(0, 2),)),
                               stream.sps, stream.pps, 4))  # fmt: skip
    with pytest.raises(codec.BitstreamError, match="a missing picture"):
        decoded(stream.data)


# ---------------------------------------------------------------- damage


def lossy():
    """Three frames of two slices; the second slice of the second frame is lost."""
    stream = Stream()
    for i in range(3):
        stream.intra(header(i, 2 * i, idr=not i), slices=2)
    del stream.nals[5]
    return stream


def test_a_lost_slice_is_an_error_that_names_its_place():
    stream = lossy()
    with pytest.raises(
        codec.BitstreamError,
        match=r"NAL unit 4, picture at byte \d+: 2 macroblocks of the picture are missing \(H.264 7.4.3\)",
    ) as caught:
        decoded(stream.data)
    assert stream.data[caught.value.offset : caught.value.offset + 20] == stream.nals[4][:20]


def test_a_lost_slice_is_concealed_from_the_previous_picture_and_reported():
    stream = lossy()
    frames = decoded(stream.data, on_error="conceal")
    expected = [
        np.concatenate([new[: len(new) // 2], old[len(old) // 2 :]])
        for new, old in zip(stream.frames[1], stream.frames[0])
    ]
    assert (
        len(frames) == 3
        and same(frames[0], stream.frames[0])
        and same(frames[1], expected)
        and same(frames[2], stream.frames[2])
    )
    assert frames[0].damage is frames[2].damage is None
    assert frames[1].damage.macroblocks.tolist() == [[False, False], [True, True]] and frames[1].damage.fraction == 0.5
    assert "2 macroblocks of the picture are missing" in frames[1].damage.errors[0] and frames[1].damage.offsets[0] > 0


def test_damaged_frames_can_be_left_out():
    stream = lossy()
    frames = decoded(stream.data, on_error="skip")
    assert [same(frame, planes) for frame, planes in zip(frames, stream.frames[::2])] == [True, True]


def test_after_an_error_decoding_goes_on():
    stream, decoder, frames = lossy(), Decoder(), []
    with pytest.raises(codec.BitstreamError):
        decoder.feed(stream.data)
    frames += decoder.feed(b"") + decoder.flush()
    assert len(frames) == 3 and same(frames[0], stream.frames[0]) and same(frames[2], stream.frames[2])


def test_a_slice_that_ends_too_early():
    stream = Stream()
    stream.intra(header(0, 0, idr=True))
    stream.intra(header(1, 2))
    stream.nals[-1] = stream.nals[-1][: len(stream.nals[-1]) // 2 + 100]
    with pytest.raises(
        codec.TruncatedError,
        match=r"NAL unit 3, slice_data at byte \d+: macroblock 2: the data ends within a macroblock",
    ):
        decoded(stream.data)
    (_, frame) = decoded(stream.data, on_error="conceal")
    assert frame.damage.macroblocks.tolist() == [[False, False], [True, True]]
    assert np.array_equal(frame.planes[0][:16], stream.frames[1][0][:16]) and np.array_equal(
        frame.planes[0][16:], stream.frames[0][0][16:]
    )


def test_lost_reference_frames():
    stream = crafted.clip(6)
    del stream.nals[5:7]  # frame 2, of two slices
    with pytest.raises(codec.BitstreamError, match="frame_num goes from 1 to 3: 1 reference frames are missing"):
        decoded(stream.data)
    frames = decoded(stream.data, on_error="conceal")
    assert len(frames) == 5 and frames[2].damage and not frames[2].damage.macroblocks.any()
    assert same(frames[2], stream.frames[1])  # the copy of the lost frame is one of the frame before


def test_a_stream_that_begins_without_an_idr_picture():
    stream = crafted.clip(6)
    del stream.nals[2:4]
    frames = decoded(stream.data)  # the first frame copies a missing picture: gray
    assert len(frames) == 5 and (frames[0].planes[0] == 128).all() and same(frames[1], stream.frames[2])


def test_garbage_before_the_first_start_code():
    stream = crafted.clip(2)
    with pytest.raises(codec.BitstreamError, match="B.1.1"):
        list(codec.decode_video([b"x" * 100 + stream.data]))
    assert len(list(codec.decode_video([b"x" * 100 + stream.data], on_error="conceal"))) == 2


# ---------------------------------------------------------------- memory and limits


def test_planes_stay_valid_and_cannot_be_changed():
    stream = crafted.clip(40)
    frames = check(stream)
    assert [same(frame, planes) for frame, planes in zip(frames, stream.frames)] == [True] * 40
    with pytest.raises(ValueError, match="read-only"):
        frames[0].planes[0][0, 0] = 1


def test_memory_is_reused_when_nothing_refers_to_it(monkeypatch):
    from codec.h264.decode import output

    made = []
    monkeypatch.setattr(output, "Picture", lambda *key: made.append(key) or _picture.Picture(*key))
    stream, decoder, held = crafted.clip(200), Decoder(), []
    for i, nal in enumerate(stream.nals):
        held = decoder.feed(b"\0\0\1" + nal) or held
    assert len(made) < stream.sps.max_dec_frame_buffering + 6 and held


@pytest.mark.parametrize("limits, says", [
    (dict(pixels=1000), "Limits.pixels"), (dict(dpb_bytes=10_000), "Limits.dpb_bytes"),
    (dict(frames=3), "Limits.frames"),
    (dict(nal_bytes=500), "Limits.nal_bytes"), (dict(slices=1), "Limits.slices"),
])  # fmt: skip
def test_limits(limits, says):
    for on_error in ("raise", "conceal"):
        with pytest.raises(codec.LimitError, match=says):
            decoded(crafted.clip(5).data, limits=codec.Limits(**limits), on_error=on_error)


def test_the_deadline(monkeypatch):
    import time

    clock = iter(range(100000))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(codec.LimitError, match="more than 5 s"):
        decoded(crafted.clip(30).data, limits=codec.Limits(seconds=5))


@pytest.mark.parametrize("option, value", [("on_error", "ignore"), ("monochrome", "4:4:4"), ("threads", -1)])
def test_options_that_do_not_exist(option, value):
    with pytest.raises(codec.ParameterError, match=option):
        Decoder(**{option: value})


# ---------------------------------------------------------------- frame properties


def test_colours_and_user_data():
    vui = VUI(
        video_signal_type_present_flag=1,
        video_full_range_flag=1,
        colour_description_present_flag=1,
        matrix_coefficients=9,
    )
    stream = Stream(sps_of(vui_parameters_present_flag=1, vui=vui))
    stream.nals.insert(0, write_sei([(USER_DATA_UNREGISTERED, b"u" * 16 + b"hello"), (6, b"\x80")]))
    stream.intra(header(0, 0, idr=True))
    stream.intra(header(1, 2))
    one, two = check(stream)
    assert (
        (one.matrix, one.full_range) == ("BT.2020", True)
        and one.user_data == ((5, b"u" * 16 + b"hello"),)
        and two.user_data == ()
    )
    assert (check(crafted.clip(1))[0].matrix, check(crafted.clip(1))[0].full_range) == ("BT.601", False)


def test_timestamps_come_out_with_their_frames():
    stream = Stream(sps_of(max_num_ref_frames=1))
    for i, lsb in enumerate((0, 8, 4)):
        stream.intra(header(min(i, 2), lsb, idr=not i, ref=int(i < 2)))
    decoder, frames = Decoder(), []
    for i, unit in enumerate((stream.nals[:3], stream.nals[3:4], stream.nals[4:])):
        frames += decoder.feed(write_byte_stream(unit), timestamp=f"t{i}")
    frames += decoder.flush()
    assert [frame.timestamp for frame in frames] == ["t0", "t2", "t1"]


def test_side_data():
    (one, two) = check(crafted.clip(2), side_data=True)
    for frame in (one, two):
        assert frame.side_data["mv"].shape == (2, 2, 2, 16, 2) and frame.side_data["qp"].shape == (2, 2)
    assert (one.side_data["flags"] & 1).all() and not (two.side_data["flags"] & 1).any()  # intra
    assert one.side_data["slice"].tolist() == [[0, 0], [1, 1]] and len(one.side_data["slice_bits"]) == 2
    assert (two.side_data["ref_idx"][:, :, 0] == 0).all() and check(crafted.clip(1))[0].side_data is None


def test_length_prefixed_samples():
    stream = crafted.clip(4)
    decoder, frames = Decoder(avcc=write_avcc(stream.nals[:2], 2)), []
    for unit in (stream.nals[2:4], [stream.nals[4]], stream.nals[5:7], [stream.nals[7]]):
        frames += decoder.feed(b"".join(len(nal).to_bytes(2, "big") + nal for nal in unit))
    frames += decoder.flush()
    assert [same(frame, planes) for frame, planes in zip(frames, stream.frames)] == [True] * 4
    with pytest.raises(codec.TruncatedError, match="14496-15"):
        decoder.feed(b"\0\x20abc")


def test_sources(tmp_path):
    stream = crafted.clip(3)
    path = tmp_path / "clip.264"
    path.write_bytes(stream.data)
    with open(path, "rb") as opened:
        for source in (
            path,
            str(path),
            stream.data,
            bytearray(stream.data),
            opened,
            [stream.data[:100], stream.data[100:]],
        ):
            assert [same(frame, planes) for frame, planes in zip(decoded(source), stream.frames)] == [True] * 3
    with pytest.raises(codec.FileError, match="cannot read"):
        decoded(tmp_path / "none.264")
    with pytest.raises(codec.ParameterError):
        decoded(5)


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "mpegts"])
def test_containers_give_frames_and_times(container):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    import io
    from fractions import Fraction

    stream = crafted.clip(6)
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out, av.open(io.BytesIO(stream.data), format="h264") as source:
        track = out.add_stream_from_template(source.streams.video[0])
        for i, packet in enumerate(source.demux(source.streams.video[0])):
            if packet.size:
                packet.time_base, packet.stream = Fraction(1, 90000), track
                packet.pts = packet.dts = 3600 * i
                out.mux(packet)
    frames = decoded(target.getvalue())
    assert [same(frame, planes) for frame, planes in zip(frames, stream.frames)] == [True] * 6
    times = [frame.timestamp for frame in frames]
    assert all(abs(b - a - Fraction(1, 25)) < Fraction(1, 500) for a, b in zip(times, times[1:])) or container == "avi"
    assert codec.h264.probe(target.getvalue()).width == 32


def test_a_container_without_pyav(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(codec.MissingPackageError, match=r"pip install codec\[video\]"):
        decoded(b"\0\0\0\x18ftypisom" + bytes(100))


# ---------------------------------------------------------------- reports


def test_inspect_names_everything():
    report = codec.h264.inspect(crafted.clip(4).data)
    assert [nal["name"] for nal in report["nal_units"][:3]] == ["seq_parameter_set", "pic_parameter_set", "slice (IDR)"]
    assert report["parameter_sets"][0]["log2_max_frame_num_minus4"] == 0 and report["summary"]["profile"] == "Main"
    assert report["display_order"] == "IPIP" and [picture["slices"] for picture in report["pictures"]] == [2, 1, 2, 1]
    assert (
        sum(report["bytes"].values()) == sum(nal["bytes"] for nal in report["nal_units"]) and report["warnings"] == []
    )


def test_inspect_pairs_fields_and_orders_frames():
    sps = sps_of(2, 4, frame_mbs_only_flag=0)
    stream = Stream(sps)
    for i, lsb in enumerate((0, 8, 4)):
        stream.nals += fields_of(sps, stream.pps, samples(sps, i), i, lsb, idr=not i)
    report = codec.h264.inspect(stream.data)
    assert [picture["frame"] for picture in report["pictures"]] == [0, 0, 1, 1, 2, 2] and report[
        "display_order"
    ] == "III"
    assert [picture["structure"] for picture in report["pictures"][:2]] == ["top field", "bottom field"]


def test_inspect_reports_damage_and_continues():
    stream = crafted.clip(4)
    stream.nals[3] = stream.nals[3][:2]
    report = codec.h264.inspect(stream.data)
    assert len(report["warnings"]) == 1 and len(report["pictures"]) == 4


def test_probe_needs_a_sequence_parameter_set():
    info = codec.h264.probe(crafted.clip(1).data)
    assert (info.width, info.height, info.chroma, info.fps, info.level) == (32, 32, "4:2:0", None, "3.1")
    with pytest.raises(codec.BitstreamError, match="no sequence parameter set"):
        codec.h264.probe(b"\0\0\1\x09\xf0")
    assert info.to_json()["sample_aspect_ratio"] == [0, 0] and PPS() == PPS()


# ---------------------------------------------------------------- real streams


def test_damaged_streams_decode_or_raise_and_are_concealed(streams):
    """Every frame that FFmpeg outputs is there."""
    for row, path in (found for found in streams.values() if found[0]["damaged"]):
        try:
            decoded(path)
        except codec.CodecError as error:
            assert str(error)
        assert len(decoded(path, on_error="conceal")) >= row["frames"]


def test_low_delay_changes_when_frames_come_and_not_which(streams):
    for row, path in [found for found in streams.values() if found[0]["suite"] in ("extra", "cros-codecs")][:20]:
        late, early = decoded(path), decoded(path, low_delay=True)
        assert len(late) == len(early) == row["frames"] and all(same(a, b.planes) for a, b in zip(late, early))
