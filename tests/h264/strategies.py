"""Valid values of every syntax structure, for round-trip tests. Elements that are not coded keep their defaults."""

from hypothesis import strategies as st

from codec.h264.stream import slice_header as sh
from codec.h264.stream.parameter_sets import (
    HIGH_PROFILES,
    PPS,
    SPS,
    Rectangle,
    RunLength,
    SPSExtension,
    delta_scale_of,
    may_be_extended,
)
from codec.h264.stream.sei import ClockTimestamp, NumClockTS, PicTiming, RecoveryPoint
from codec.h264.stream.vui import HRD, VUI, SchedSel

flag = st.integers(0, 1)
uint32 = st.integers(0, (1 << 32) - 1)
int32 = st.integers(-(1 << 31) + 1, (1 << 31) - 1)


@st.composite
def scaling_lists(draw, count):
    lists = []
    for i in range(count):
        size = 16 if i < 6 else 64
        kind = draw(st.sampled_from(("absent", "default", "short", "random")))
        if kind == "absent":
            lists.append(None)
        elif kind == "default":
            lists.append((-8,))
        else:
            changing = draw(st.lists(st.integers(1, 255), min_size=1, max_size=size if kind == "random" else 4))
            lists.append(delta_scale_of((changing + changing[-1:] * size)[:size]))
    return tuple(lists)


@st.composite
def hrds(draw):
    schedules = draw(
        st.lists(
            st.builds(SchedSel, st.integers(0, (1 << 32) - 2), st.integers(0, (1 << 32) - 2), flag),
            min_size=1,
            max_size=32,
        )
    )
    five = st.integers(0, 31)
    return HRD(
        len(schedules) - 1,
        draw(st.integers(0, 15)),
        draw(st.integers(0, 15)),
        tuple(schedules),
        *(draw(five) for _ in range(4)),
    )


@st.composite
def vuis(draw):
    v = {}

    def group(present, **elements):
        v[present] = draw(flag)
        if v[present]:
            v.update((name, draw(strategy)) for name, strategy in elements.items())
        return v[present]

    byte = st.integers(0, 255)
    if (
        group("aspect_ratio_info_present_flag", aspect_ratio_idc=st.sampled_from((0, 1, 16, 17, 255)))
        and v["aspect_ratio_idc"] == 255
    ):
        v.update(sar_width=draw(st.integers(0, 65535)), sar_height=draw(st.integers(0, 65535)))
    group("overscan_info_present_flag", overscan_appropriate_flag=flag)
    if group("video_signal_type_present_flag", video_format=st.integers(0, 7), video_full_range_flag=flag):
        group(
            "colour_description_present_flag",
            colour_primaries=byte,
            transfer_characteristics=byte,
            matrix_coefficients=byte,
        )
    group(
        "chroma_loc_info_present_flag",
        chroma_sample_loc_type_top_field=st.integers(0, 5),
        chroma_sample_loc_type_bottom_field=st.integers(0, 5),
    )
    group("timing_info_present_flag", num_units_in_tick=uint32, time_scale=uint32, fixed_frame_rate_flag=flag)
    nal = group("nal_hrd_parameters_present_flag", nal_hrd=hrds())
    vcl = group("vcl_hrd_parameters_present_flag", vcl_hrd=hrds())
    if nal or vcl:
        v["low_delay_hrd_flag"] = draw(flag)
    v["pic_struct_present_flag"] = draw(flag)
    sixteen = st.integers(0, 16)
    group(
        "bitstream_restriction_flag", motion_vectors_over_pic_boundaries_flag=flag, max_bytes_per_pic_denom=sixteen,
        max_bits_per_mb_denom=sixteen,
        log2_max_mv_length_horizontal=sixteen, log2_max_mv_length_vertical=sixteen, max_num_reorder_frames=sixteen,
        max_dec_frame_buffering=sixteen,
    )  # fmt: skip
    return VUI(**v)


@st.composite
def spss(draw, max_mbs=1055):
    s = {"profile_idc": draw(st.sampled_from((66, 77, 88, 100, 110, 122, 244, 44, 13)))}
    s.update((f"constraint_set{i}_flag", draw(flag)) for i in range(6))
    s.update(
        reserved_zero_2bits=draw(st.integers(0, 3)),
        level_idc=draw(st.integers(0, 255)),
        seq_parameter_set_id=draw(st.integers(0, 31)),
    )
    if s["profile_idc"] in HIGH_PROFILES:
        s["chroma_format_idc"] = draw(st.integers(0, 3))
        if s["chroma_format_idc"] == 3:
            s["separate_colour_plane_flag"] = draw(flag)
        s.update(bit_depth_luma_minus8=draw(st.integers(0, 6)), bit_depth_chroma_minus8=draw(st.integers(0, 6)))
        s.update(qpprime_y_zero_transform_bypass_flag=draw(flag), seq_scaling_matrix_present_flag=draw(flag))
        if s["seq_scaling_matrix_present_flag"]:
            s["seq_scaling_list"] = draw(scaling_lists(12 if s["chroma_format_idc"] == 3 else 8))
    s.update(log2_max_frame_num_minus4=draw(st.integers(0, 12)), pic_order_cnt_type=draw(st.integers(0, 2)))
    if s["pic_order_cnt_type"] == 0:
        s["log2_max_pic_order_cnt_lsb_minus4"] = draw(st.integers(0, 12))
    elif s["pic_order_cnt_type"] == 1:
        s.update(
            delta_pic_order_always_zero_flag=draw(flag),
            offset_for_non_ref_pic=draw(int32),
            offset_for_top_to_bottom_field=draw(int32),
        )
        s["offset_for_ref_frame"] = tuple(draw(st.lists(int32, max_size=255)))
        s["num_ref_frames_in_pic_order_cnt_cycle"] = len(s["offset_for_ref_frame"])
    s.update(max_num_ref_frames=draw(st.integers(0, 16)), gaps_in_frame_num_value_allowed_flag=draw(flag))
    s.update(
        pic_width_in_mbs_minus1=draw(st.integers(0, max_mbs - 1)),
        pic_height_in_map_units_minus1=draw(st.integers(0, max_mbs - 1)),
    )
    s["frame_mbs_only_flag"] = draw(flag)
    if not s["frame_mbs_only_flag"]:
        s["mb_adaptive_frame_field_flag"] = draw(flag)
    s["direct_8x8_inference_flag"] = draw(flag) if s["frame_mbs_only_flag"] else 1
    s["frame_cropping_flag"] = draw(flag)
    if s["frame_cropping_flag"]:
        s.update((f"frame_crop_{side}_offset", draw(st.integers(0, 3))) for side in ("left", "right", "top", "bottom"))
    s["vui_parameters_present_flag"] = draw(flag)
    if s["vui_parameters_present_flag"]:
        s["vui"] = draw(vuis())
    return SPS(**s)


@st.composite
def extensions(draw):
    s = {"seq_parameter_set_id": draw(st.integers(0, 31)), "aux_format_idc": draw(st.integers(0, 3))}
    if s["aux_format_idc"]:
        s["bit_depth_aux_minus8"] = draw(st.integers(0, 4))
        high = (1 << (s["bit_depth_aux_minus8"] + 9)) - 1
        s.update(
            alpha_incr_flag=draw(flag),
            alpha_opaque_value=draw(st.integers(0, high)),
            alpha_transparent_value=draw(st.integers(0, high)),
        )
    return SPSExtension(**s, additional_extension_flag=draw(flag))


@st.composite
def slice_group_elements(draw, sps):
    last = sps.PicSizeInMapUnits - 1
    groups = draw(st.integers(1, 7))
    kind = draw(st.sampled_from((0, 1, 2, 3, 4, 5, 6) if last < 500 else (0, 1, 2, 3, 4, 5)))
    s = {"slice_group_map_type": kind, "num_slice_groups_minus1": 1 if kind in (3, 4, 5) else groups}
    if kind == 0:
        s["run_lengths"] = tuple(RunLength(draw(st.integers(0, last))) for _ in range(groups + 1))
    elif kind == 2:
        width, height = sps.PicWidthInMbs, sps.PicHeightInMapUnits
        corners = []
        for _ in range(groups):
            (left, right), (top, bottom) = (
                sorted((draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1)))) for n in (width, height)
            )
            corners.append(Rectangle(top * width + left, bottom * width + right))
        s["rectangles"] = tuple(corners)
    elif kind in (3, 4, 5):
        s.update(
            slice_group_change_direction_flag=draw(flag), slice_group_change_rate_minus1=draw(st.integers(0, last))
        )
    elif kind == 6:
        s["pic_size_in_map_units_minus1"] = last
        s["slice_group_id"] = tuple(draw(st.lists(st.integers(0, groups), min_size=last + 1, max_size=last + 1)))
    return s


@st.composite
def ppss(draw, sps):
    s = {"pic_parameter_set_id": draw(st.integers(0, 255)), "seq_parameter_set_id": sps.seq_parameter_set_id}
    s.update((name, draw(flag)) for name in (
        "entropy_coding_mode_flag", "bottom_field_pic_order_in_frame_present_flag", "weighted_pred_flag",
        "deblocking_filter_control_present_flag",
        "constrained_intra_pred_flag", "redundant_pic_cnt_present_flag", "extended",
    ))  # fmt: skip
    if draw(flag):
        s.update(draw(slice_group_elements(sps)))
    s.update(
        num_ref_idx_l0_default_active_minus1=draw(st.integers(0, 31)),
        num_ref_idx_l1_default_active_minus1=draw(st.integers(0, 31)),
    )
    s.update(
        weighted_bipred_idc=draw(st.integers(0, 2)), pic_init_qp_minus26=draw(st.integers(-26 - sps.QpBdOffsetY, 25))
    )
    s.update(pic_init_qs_minus26=draw(st.integers(-26, 25)), chroma_qp_index_offset=draw(st.integers(-12, 12)))
    s["extended"] = int(s["extended"] and may_be_extended(sps))
    if s["extended"]:
        s.update(transform_8x8_mode_flag=draw(flag), pic_scaling_matrix_present_flag=draw(flag))
        if s["pic_scaling_matrix_present_flag"]:
            s["pic_scaling_list"] = draw(
                scaling_lists(6 + (6 if sps.chroma_format_idc == 3 else 2) * s["transform_8x8_mode_flag"])
            )
        s["second_chroma_qp_index_offset"] = draw(st.integers(-12, 12))
    return PPS(**s)


def modifications(limit, MaxPicNum):
    short = st.builds(sh.Modification, st.integers(0, 1), st.integers(0, MaxPicNum - 1))
    long = st.builds(lambda number: sh.Modification(2, 0, number), st.integers(0, 31))
    return st.lists(st.one_of(short, long), max_size=limit).map(tuple)


@st.composite
def weights(draw, denominators, chroma):
    luma, colour = draw(flag), draw(flag) if chroma else 0
    s8 = st.integers(-128, 127)
    return sh.Weight(
        luma, draw(s8) if luma else 1 << denominators[0], draw(s8) if luma else 0,
        colour, (draw(s8), draw(s8)) if colour else (1 << denominators[1],) * 2,
        (draw(s8), draw(s8)) if colour else (0, 0),
    )  # fmt: skip


@st.composite
def memory_management(draw):
    kind = draw(st.integers(1, 6))
    row = {}
    if kind in (1, 3):
        row["difference_of_pic_nums_minus1"] = draw(st.integers(0, 1 << 17))
    if kind == 2:
        row["long_term_pic_num"] = draw(st.integers(0, 31))
    if kind in (3, 6):
        row["long_term_frame_idx"] = draw(st.integers(0, 15))
    if kind == 4:
        row["max_long_term_frame_idx_plus1"] = draw(st.integers(0, 16))
    return sh.MemoryManagement(kind, **row)


@st.composite
def slice_headers(draw, sps, pps):
    s = {
        "nal_unit_type": draw(st.sampled_from((1, 5))),
        "nal_ref_idc": draw(st.integers(0, 3)),
        "slice_type": draw(st.integers(0, 9)),
    }
    s.update(pic_parameter_set_id=pps.pic_parameter_set_id, frame_num=draw(st.integers(0, sps.MaxFrameNum - 1)))
    idr, kind = s["nal_unit_type"] == 5, s["slice_type"] % 5
    if idr:
        s.update(nal_ref_idc=draw(st.integers(1, 3)), idr_pic_id=draw(st.integers(0, 65535)))
    if sps.separate_colour_plane_flag:
        s["colour_plane_id"] = draw(st.integers(0, 2))
    if not sps.frame_mbs_only_flag:
        s["field_pic_flag"] = draw(flag)
        if s["field_pic_flag"]:
            s["bottom_field_flag"] = draw(flag)
    field = s.get("field_pic_flag", 0)
    mbs = sps.PicWidthInMbs * sps.FrameHeightInMbs >> (field or sps.mb_adaptive_frame_field_flag)
    s["first_mb_in_slice"] = draw(st.integers(0, mbs - 1))
    both = pps.bottom_field_pic_order_in_frame_present_flag and not field
    if sps.pic_order_cnt_type == 0:
        s["pic_order_cnt_lsb"] = draw(st.integers(0, sps.MaxPicOrderCntLsb - 1))
        if both:
            s["delta_pic_order_cnt_bottom"] = draw(int32)
    elif sps.pic_order_cnt_type == 1 and not sps.delta_pic_order_always_zero_flag:
        s["delta_pic_order_cnt"] = (draw(int32), draw(int32) if both else 0)
    if pps.redundant_pic_cnt_present_flag:
        s["redundant_pic_cnt"] = draw(st.integers(0, 127))
    draw_references(draw, s, sps, pps, kind, field)
    if s["nal_ref_idc"] and idr:
        s.update(no_output_of_prior_pics_flag=draw(flag), long_term_reference_flag=draw(flag))
    elif s["nal_ref_idc"]:
        s["adaptive_ref_pic_marking_mode_flag"] = draw(flag)
        if s["adaptive_ref_pic_marking_mode_flag"]:
            s["memory_management_control_operations"] = tuple(draw(st.lists(memory_management(), max_size=6)))
    if pps.entropy_coding_mode_flag and kind not in (sh.I, sh.SI):
        s["cabac_init_idc"] = draw(st.integers(0, 2))
    base = 26 + pps.pic_init_qp_minus26
    s["slice_qp_delta"] = draw(st.integers(-sps.QpBdOffsetY - base, 51 - base))
    if kind in (sh.SP, sh.SI):
        s["slice_qs_delta"] = draw(st.integers(-26 - pps.pic_init_qs_minus26, 25 - pps.pic_init_qs_minus26))
    if kind == sh.SP:
        s["sp_for_switch_flag"] = draw(flag)
    if pps.deblocking_filter_control_present_flag:
        s["disable_deblocking_filter_idc"] = draw(st.integers(0, 2))
        if s["disable_deblocking_filter_idc"] != 1:
            s.update(
                slice_alpha_c0_offset_div2=draw(st.integers(-6, 6)), slice_beta_offset_div2=draw(st.integers(-6, 6))
            )
    if pps.num_slice_groups_minus1 and 3 <= pps.slice_group_map_type <= 5:
        s["slice_group_change_cycle"] = draw(st.integers(0, -(-sps.PicSizeInMapUnits // pps.SliceGroupChangeRate)))
    return sh.SliceHeader(**s)


def draw_references(draw, s, sps, pps, kind, field):
    """Elements of 7.3.3, from direct_spatial_mv_pred_flag to pred_weight_table."""
    if kind in (sh.I, sh.SI):
        return
    lists, last = ("l0", "l1") if kind == sh.B else ("l0",), 31 if field else 15
    if kind == sh.B:
        s["direct_spatial_mv_pred_flag"] = draw(flag)
    defaults = {name: getattr(pps, f"num_ref_idx_{name}_default_active_minus1") for name in lists}
    s["num_ref_idx_active_override_flag"] = 1 if max(defaults.values()) > last else draw(flag)
    for name in lists:
        active = draw(st.integers(0, last)) if s["num_ref_idx_active_override_flag"] else defaults[name]
        s[f"num_ref_idx_{name}_active_minus1"] = active
        s[f"ref_pic_list_modification_flag_{name}"] = draw(flag)
        if s[f"ref_pic_list_modification_flag_{name}"]:
            s[f"ref_pic_list_modification_{name}"] = draw(modifications(min(active + 1, 5), sps.MaxFrameNum << field))
    if (pps.weighted_pred_flag and kind != sh.B) or (pps.weighted_bipred_idc == 1 and kind == sh.B):
        chroma = bool(sps.ChromaArrayType)
        denominators = draw(st.integers(0, 7)), draw(st.integers(0, 7)) if chroma else 0
        rows = {
            name: tuple(draw(weights(denominators, chroma)) for _ in range(s[f"num_ref_idx_{name}_active_minus1"] + 1))
            for name in lists
        }
        s["pred_weight_table"] = sh.PredWeightTable(*denominators, **rows)


@st.composite
def pic_timings(draw, vui):
    s = {}
    if vui.hrd:
        s["cpb_removal_delay"] = draw(st.integers(0, (2 << vui.hrd.cpb_removal_delay_length_minus1) - 1))
        s["dpb_output_delay"] = draw(st.integers(0, (2 << vui.hrd.dpb_output_delay_length_minus1) - 1))
    if vui.pic_struct_present_flag:
        s["pic_struct"] = draw(st.integers(0, 8))
        length = vui.hrd.time_offset_length if vui.hrd else 24
        s["clock_timestamps"] = tuple(
            draw(st.one_of(st.none(), clock_timestamps(length))) for _ in range(NumClockTS[s["pic_struct"]])
        )
    return PicTiming(**s)


@st.composite
def clock_timestamps(draw, length):
    full = draw(flag)
    times = {
        "seconds_value": draw(st.integers(0, 59)),
        "minutes_value": draw(st.integers(0, 59)),
        "hours_value": draw(st.integers(0, 23)),
    }
    known = 3 if full else draw(st.integers(0, 3))
    offset = draw(st.integers(-(1 << (length - 1)), (1 << (length - 1)) - 1)) if length else 0
    return ClockTimestamp(
        draw(st.integers(0, 3)), draw(flag), draw(st.integers(0, 31)), full, draw(flag), draw(flag),
        draw(st.integers(0, 255)),
        **dict(list(times.items())[:known]), time_offset=offset,
    )  # fmt: skip


recovery_points = st.builds(RecoveryPoint, st.integers(0, 65535), flag, flag, st.integers(0, 3))
