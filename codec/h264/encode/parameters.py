"""Parameter sets of the streams that the encoder writes."""

from __future__ import annotations

from fractions import Fraction

from ...color import H273_MATRICES
from ...errors import ParameterError
from ..stream.parameter_sets import PPS, SPS
from ..stream.vui import VUI
from ..tables.parameters import H264_TABLE_A_1_LEVELS

BASELINE, MAIN, HIGH = 66, 77, 100
# H.273 numbers for matrix_coefficients, by the first of their names
MATRIX_NUMBERS = {name: number for number, name in reversed(H273_MATRICES.items())}
# QP from which no level of CAVLC needs a level_prefix above 15, which only the High profiles have: the largest,
# Intra_16x16 DC, is 16 * 4080 / 2 / 5 / 2^(QP / 6).
CAVLC_QP = 12
LOG2_MAX_FRAME_NUM, LOG2_MAX_POC_LSB = 8, 10
MAX_TICKS = (1 << 32) - 1


def rate_of(fps) -> Fraction:
    """The frame rate as a fraction that the VUI can hold."""
    try:
        rate = fps if isinstance(fps, Fraction) else Fraction(fps)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ParameterError(f"fps is {fps!r}; it must be a positive number or fraction") from None
    if rate.denominator > 1_000_000:  # a float such as 29.97002997
        ntsc = Fraction(round(rate * 1001), 1001)
        rate = ntsc if abs(ntsc - rate) * 1_000_000 < rate else rate.limit_denominator(1001)
    if not 0 < rate <= 10_000 or 2 * rate.numerator > MAX_TICKS:
        raise ParameterError(f"fps is {fps!r}; it must be above 0 and at most 10000")
    return rate


def level_of(width_in_mbs, height_in_mbs, fps, frames):
    """The name of the lowest level of Table A-1 with this many frames in the buffer; None above all."""
    mbs = width_in_mbs * height_in_mbs
    for name, row in H264_TABLE_A_1_LEVELS.items():
        if (
            name != "1b"
            and mbs <= row["MaxFS"]
            and mbs * fps <= row["MaxMBPS"]
            and max(width_in_mbs, height_in_mbs) ** 2 <= 8 * row["MaxFS"]
            and mbs * frames <= row["MaxDpbMbs"]
        ):
            return name
    return None


def reorder_depth(b_frames):
    """max_num_reorder_frames: pictures that are coded before one that is shown before them. With b_frames pictures
    between two P, each B picture in the middle of an interval is coded before those around it."""
    return (b_frames + 1).bit_length() - 1 if b_frames > 1 else b_frames


def _vui(first, fps, reorder, buffering):
    number = MATRIX_NUMBERS.get(first.matrix, 2)
    return VUI(
        video_signal_type_present_flag=1,
        video_full_range_flag=int(first.full_range),
        colour_description_present_flag=1,
        matrix_coefficients=number,
        timing_info_present_flag=1,
        num_units_in_tick=fps.denominator,
        time_scale=2 * fps.numerator,
        fixed_frame_rate_flag=1,
        bitstream_restriction_flag=1,
        max_num_reorder_frames=reorder,
        max_dec_frame_buffering=buffering,
    )


def sequence_of(first, fps, tools, lowest_qp):
    """(SPS, PPS) for frames like `first`."""
    reorder = reorder_depth(tools.b_frames)
    width, height = -(-first.width // 16), -(-first.height // 16)
    # one more than reordering needs: the P picture before the last stays while B pictures refer to each other
    buffering = max(tools.refs, reorder + 2 if reorder > 1 else reorder + 1)
    name = level_of(width, height, fps, buffering)
    if name is None:
        raise ParameterError(
            f"{first.width}x{first.height} at {float(fps):g} frames per second with {buffering} frames in the buffer "
            "is more than level 6.2 allows (H.264 Table A-1)"
        )
    mono = first.chroma == "4:0:0"
    high = mono or tools.transform8 or (not tools.cabac and lowest_qp < CAVLC_QP)
    profile = HIGH if high else MAIN if tools.cabac or tools.b_frames else BASELINE
    unit = 1 if mono else 2
    right, bottom = 16 * width - first.width, 16 * height - first.height
    sps = SPS(
        profile_idc=profile,
        constraint_set0_flag=int(profile == BASELINE),
        constraint_set1_flag=int(profile != HIGH),
        level_idc=H264_TABLE_A_1_LEVELS[name]["level_idc"],
        pic_width_in_mbs_minus1=width - 1,
        pic_height_in_map_units_minus1=height - 1,
        chroma_format_idc=0 if mono else 1,
        log2_max_frame_num_minus4=LOG2_MAX_FRAME_NUM - 4,
        log2_max_pic_order_cnt_lsb_minus4=LOG2_MAX_POC_LSB - 4,
        max_num_ref_frames=buffering,
        frame_cropping_flag=int(right > 0 or bottom > 0),
        frame_crop_right_offset=right // unit,
        frame_crop_bottom_offset=bottom // unit,
        vui_parameters_present_flag=1,
        vui=_vui(first, fps, reorder, buffering),
    )
    pps = PPS(
        entropy_coding_mode_flag=tools.cabac,
        weighted_pred_flag=tools.weighted,
        weighted_bipred_idc=2 if tools.b_frames else 0,
        deblocking_filter_control_present_flag=1,
        extended=int(bool(tools.transform8)),
        transform_8x8_mode_flag=int(bool(tools.transform8)),
        second_chroma_qp_index_offset=0 if tools.transform8 else None,
    )
    return sps, pps


def vertical_limit(sps):
    """MaxVmvR of the level in quarter samples."""
    for row in H264_TABLE_A_1_LEVELS.values():
        if row["level_idc"] == sps.level_idc:
            return 4 * row["MaxVmvR"]
    raise ParameterError(f"level_idc {sps.level_idc} is no level of Table A-1")
