"""Parameter sets of the streams that the encoder writes."""

from __future__ import annotations

import numbers
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from ...color import H273_MATRICES
from ...errors import ParameterError
from ...sources.light import Light
from ..stream.parameter_sets import DEFAULT_LISTS, FLAT_LISTS, PPS, SPS, coded_lists
from ..stream.vui import EXTENDED_SAR, HRD, VUI, SchedSel
from ..tables.parameters import H264_TABLE_A_1_LEVELS as LEVELS

BASELINE, MAIN, HIGH, HIGH_444 = 66, 77, 100, 244
PROFILES = {"baseline": BASELINE, "main": MAIN, "high": HIGH}  # at most
# H.273 numbers for matrix_coefficients, by the first of their names
MATRIX_NUMBERS = {name: number for number, name in reversed(H273_MATRICES.items())}
# QP from which no level of CAVLC needs a level_prefix above 15, which only the High profiles have: the largest,
# Intra_16x16 DC, is 16 * 4080 / 2 / 5 / 2^(QP / 6).
CAVLC_QP = 12
H264_CHROMA = {"4:0:0": 0, "4:2:0": 1, "4:4:4": 3}  # chroma_format_idc
LOG2_MAX_FRAME_NUM, LOG2_MAX_POC_LSB = 8, 10
NO_LIMIT = 64  # vectors of two macroblocks
MAX_TICKS = (1 << 32) - 1
UNCHOSEN = "1b"  # a level that must be asked for
MOST_FRAMES = 16  # in the decoded picture buffer (A.3.1)
# Pictures that B pictures beside one that others refer to need: that one, and one on each side.
LEAST_DEEP_REFERENCES = 3
MAX_SAR = (1 << 16) - 1


class Display(NamedTuple):
    """What the VUI says of showing the frames: width and height of a sample, (0, 0) if unknown; even distances in
    time; colour_primaries and transfer_characteristics of H.273, 2 if unknown. `light` stands in messages."""

    sample_aspect_ratio: tuple = (0, 0)
    fixed_rate: bool = True
    colour: tuple = (2, 2)
    light: Light = Light()


DEFAULT_DISPLAY = Display()


def aspect_of(ratio):
    """(sar_width, sar_height), from 1 to 65535; (0, 0) for None."""
    if ratio is None:
        return 0, 0
    try:
        width, height = (int(one) if one == int(one) else 0 for one in ratio)
        reduced = Fraction(width, height)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        reduced = Fraction(0)
    if reduced <= 0 or max(reduced.numerator, reduced.denominator) > MAX_SAR:
        raise ParameterError(
            f"sample_aspect_ratio is {ratio!r}; it must be the width and height of a sample, such as (4, 3), each from "
            f"1 to {MAX_SAR}"
        )
    return reduced.numerator, reduced.denominator


def rate_of(fps) -> Fraction:
    """The frame rate as a fraction that the VUI can hold."""
    try:
        if isinstance(fps, bool):
            raise TypeError
        rate = Fraction(float(fps) if isinstance(fps, numbers.Real) and not isinstance(fps, numbers.Rational) else fps)
        rate = Fraction(int(rate.numerator), int(rate.denominator))  # those of NumPy overflow
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise ParameterError(f"fps is {fps!r}; it must be a positive number or fraction") from None
    if rate.denominator > 1_000_000:  # a float such as 29.97002997
        ntsc = Fraction(round(rate * 1001), 1001)
        rate = ntsc if abs(ntsc - rate) * 1_000_000 < rate else rate.limit_denominator(1001)
    if not 0 < rate <= 10_000 or 2 * rate.numerator > MAX_TICKS:
        raise ParameterError(f"fps is {fps!r}; it must be above 0 and at most 10000")
    return rate


def cpb_factor(profile_idc):
    """cpbBrNalFactor (Table A-2): bits per unit of MaxBR and MaxCPB."""
    return {HIGH: 1500, HIGH_444: 4800}.get(profile_idc, 1200)


def level_named(value):
    """The name in Table A-1 of a level as people write it: "4", "4.0", 4, 4.1, "1b"."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    name = f"{float(value):g}" if number else value.removesuffix(".0") if isinstance(value, str) else None
    if name not in LEVELS:
        raise ParameterError(f"level is {value!r}; it must be one of {', '.join(LEVELS)}")
    return name


def allowed_frames(row, mbs):
    """MaxDpbFrames of a level (A.3.1). mbs: macroblocks of a picture."""
    return min(row["MaxDpbMbs"] // mbs, MOST_FRAMES)


def excess(row, width_in_mbs, height_in_mbs, fps, frames, *, bitrate=0, bufsize=0, factor=1500, slices=1):
    """What is more than a level allows, by name: see `level_of`."""
    mbs = width_in_mbs * height_in_mbs
    fits = {
        "width and height": mbs <= row["MaxFS"] and max(width_in_mbs, height_in_mbs) ** 2 <= 8 * row["MaxFS"],
        "frames per second": mbs * fps <= row["MaxMBPS"],
        "frames in the buffer": frames <= allowed_frames(row, mbs),
        "bits per second": bitrate <= factor * row["MaxBR"],
        "bits in the buffer": bufsize <= factor * row["MaxCPB"],
        "slices": slices * fps * (row["SliceRate"] or 0) <= row["MaxMBPS"],  # A.3.3
    }
    return [name for name, one in fits.items() if not one]


def level_of(*needs, **more):
    """The name of the lowest level of Table A-1 for a size in macroblocks, frames per second, and frames in the buffer;
    with bits per second and bits in the coded picture buffer, in units of `factor` bits, and with these slices in a
    picture; None above all."""
    return next((name for name, row in LEVELS.items() if name != UNCHOSEN and not excess(row, *needs, **more)), None)


def reorder_depth(b_frames):
    """max_num_reorder_frames: pictures that are coded before one that is shown before them. With b_frames pictures
    between two P, each B picture in the middle of an interval is coded before those around it."""
    return (b_frames + 1).bit_length() - 1 if b_frames > 1 else b_frames


def hrd_of(maxrate, bufsize, period):
    """The HRD with one schedule of variable rate (E.2.2): at most `maxrate` bits per second and `bufsize` bits, rounded
    down to what its elements can say."""
    return HRD(
        cpb_cnt_minus1=0,
        bit_rate_scale=0,
        cpb_size_scale=0,
        schedules=(SchedSel(int(maxrate) // 64 - 1, int(bufsize) // 16 - 1, 0),),
        initial_cpb_removal_delay_length_minus1=31,
        # two ticks for each picture since the latest buffering period
        cpb_removal_delay_length_minus1=min((2 * period).bit_length(), 32) - 1,
        time_offset_length=0,
    )


def _vui(first, fps, reorder, buffering, hrd, display):
    number = MATRIX_NUMBERS.get(first.matrix, 2)
    width, height = display.sample_aspect_ratio
    return VUI(
        aspect_ratio_info_present_flag=int(width > 0),
        aspect_ratio_idc=EXTENDED_SAR if width else 0,
        sar_width=width,
        sar_height=height,
        video_signal_type_present_flag=1,
        video_full_range_flag=int(first.full_range),
        colour_description_present_flag=1,
        colour_primaries=display.colour[0],
        transfer_characteristics=display.colour[1],
        matrix_coefficients=number,
        timing_info_present_flag=1,
        num_units_in_tick=fps.denominator,
        time_scale=2 * fps.numerator,
        fixed_frame_rate_flag=int(display.fixed_rate),
        nal_hrd_parameters_present_flag=int(hrd is not None),
        nal_hrd=hrd,
        bitstream_restriction_flag=1,
        max_num_reorder_frames=reorder,
        max_dec_frame_buffering=buffering,
    )


def _row(first, fps, settings, references, factor):
    """The row of Table A-1 of `settings.level`, even if it allows fewer references. Without a level, the lowest row
    that allows them, or if none does, the lowest for one reference."""
    maxrate, bufsize = settings.vbv or (settings.bitrate or 0, 0)
    size = -(-first.width // 16), -(-first.height // 16)
    more = {"bitrate": maxrate, "bufsize": bufsize, "factor": factor, "slices": settings.slices}
    needed = level_of(*size, fps, 1, **more)
    what = f"{first.width}x{first.height} at {float(fps):g} frames per second"
    if maxrate:
        what += f" and {maxrate:g} bits per second"
    if bufsize:
        what += f", {bufsize:g} bits in the buffer"
    if settings.slices > 1:
        what += f", {settings.slices} slices a picture"
    if needed is None:
        raise ParameterError(f"{what} is more than level 6.2 allows (H.264 Table A-1)")
    if settings.level is None:
        return LEVELS[level_of(*size, fps, references, **more) or needed]
    row = LEVELS[settings.level]
    less = excess(row, *size, fps, 1, **more)
    if less:
        raise ParameterError(
            f"level is {settings.level!r}, but {what} needs {needed!r} (H.264 Table A-1): give that, or less of "
            f"{', '.join(less)}"
        )
    return row


def within_level(settings, first):
    """The settings with one B picture between two others, which none refers to, if `settings.level` has no room for
    those that do and for one that waits."""
    if settings.level is None or reorder_depth(settings.tools.b_frames) < 2:
        return settings
    mbs = -(-first.width // 16) * -(-first.height // 16)
    if allowed_frames(LEVELS[settings.level], mbs) > LEAST_DEEP_REFERENCES:
        return settings
    return replace(settings, tools=replace(settings.tools, b_frames=1))


def _hrd(settings, row, factor):
    """The HRD of the settings: a level that was asked for bounds the rate, even if nothing else does. Nothing bounds a
    pass that measures."""
    # in coding order, open key pictures come before up to b_frames others and so may be further from each other
    period = settings.keyint + (settings.tools.b_frames if settings.open_gop else 0)
    if settings.vbv:
        return hrd_of(*settings.vbv, period)
    bounded = settings.level and not settings.measures
    return hrd_of(factor * row["MaxBR"], factor * row["MaxCPB"], period) if bounded else None


def sequence_of(first, fps, settings, lowest_qp, display=DEFAULT_DISPLAY):
    """(SPS, PPS) for frames like `first`."""
    tools = settings.tools
    if (settings.vbv or settings.level) and not display.fixed_rate:
        raise ParameterError(
            "frames are shown for different times, but a buffer (VBV, level) needs pictures at a fixed rate: give fps"
        )
    reorder = reorder_depth(tools.b_frames)
    width, height = -(-first.width // 16), -(-first.height // 16)
    if settings.slices > height:
        raise ParameterError(f"slices is {settings.slices}, but the pictures have {height} rows of macroblocks")
    # one more than reordering needs: the P picture before the last stays while B pictures refer to each other
    references = max(tools.refs, reorder + 2 if reorder > 1 else reorder + 1)
    mono = first.chroma == "4:0:0"
    matrix = settings.lists != FLAT_LISTS
    most = PROFILES.get(settings.profile, HIGH)
    if mono and most != HIGH:
        raise ParameterError(f"profile is {settings.profile!r}, which has no gray frames: they need 'high'")
    high = mono or tools.transform8 or matrix or (not tools.cabac and lowest_qp < CAVLC_QP and most == HIGH)
    profile = HIGH if high else MAIN if tools.cabac or tools.b_frames else BASELINE
    if settings.lossless:
        profile = HIGH_444
    factor = cpb_factor(profile)
    # With times of output (C.4), a B picture beside one that it refers to may wait for its own beside all references.
    waiting = int(reorder > 1 and bool(settings.vbv or settings.level))
    row = _row(first, fps, settings, references, factor)
    references = min(references, allowed_frames(row, width * height) - waiting)
    old_1b = row is LEVELS["1b"] and profile in (BASELINE, MAIN)  # A.3.1
    unit = 2 if first.chroma == "4:2:0" else 1
    right, bottom = 16 * width - first.width, 16 * height - first.height
    sps = SPS(
        profile_idc=profile,
        constraint_set0_flag=int(profile == BASELINE),
        constraint_set1_flag=int(profile in (BASELINE, MAIN)),
        constraint_set3_flag=int(old_1b),
        level_idc=LEVELS["1.1"]["level_idc"] if old_1b else row["level_idc"],
        pic_width_in_mbs_minus1=width - 1,
        pic_height_in_map_units_minus1=height - 1,
        chroma_format_idc=H264_CHROMA[first.chroma],
        qpprime_y_zero_transform_bypass_flag=int(settings.lossless),
        seq_scaling_matrix_present_flag=int(matrix),
        seq_scaling_list=coded_lists(settings.lists, DEFAULT_LISTS, 8) if matrix else (),
        log2_max_frame_num_minus4=LOG2_MAX_FRAME_NUM - 4,
        log2_max_pic_order_cnt_lsb_minus4=LOG2_MAX_POC_LSB - 4,
        max_num_ref_frames=references,
        frame_cropping_flag=int(right > 0 or bottom > 0),
        frame_crop_right_offset=right // unit,
        frame_crop_bottom_offset=bottom // unit,
        vui_parameters_present_flag=1,
        vui=_vui(first, fps, reorder, references + waiting, _hrd(settings, row, factor), display),
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


def bounds_parts(sps):
    """Whether the vectors of blocks smaller than 8x8 have to lie near each other (MaxSubMbRectSize, A.3.3)."""
    return sps.profile_idc == BASELINE and level_row(sps)["MaxSubMbRectSize_Baseline"] is not None


def least_qp_of(sps, pps):
    """That of macroblocks: without CABAC only the High profiles have all levels of lower ones."""
    return CAVLC_QP if sps.profile_idc in (BASELINE, MAIN) and not pps.entropy_coding_mode_flag else 0


def level_row(sps):
    """The row of Table A-1 of its level."""
    return LEVELS[sps.level_name]


def most_slices(sps):
    """Slices of a picture at the level (A.3.3): MaxMBPS / SliceRate in the time of a picture."""
    row = level_row(sps)
    if row["SliceRate"] is None:
        return sps.PicSizeInMapUnits
    return row["MaxMBPS"] * 2 * sps.vui.num_units_in_tick // (row["SliceRate"] * sps.vui.time_scale)


def vector_limits(sps):
    """Of the level: MaxVmvR in quarter samples, and MaxMvsPer2Mb, or more than any macroblocks have."""
    row = level_row(sps)
    return 4 * row["MaxVmvR"], row["MaxMvsPer2Mb"] or NO_LIMIT
