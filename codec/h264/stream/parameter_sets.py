"""Sequence and picture parameter sets (7.3.2.1, 7.3.2.2): elements as coded, derived variables as properties."""

import contextlib
from dataclasses import dataclass

from ...errors import BitstreamError
from ..tables import parameters as tables
from .nal import PPS as PPS_TYPE
from .nal import SPS as SPS_TYPE
from .nal import write_nal
from .syntax import Reader, Writer, derived
from .vui import VUI, vui_parameters

# 7.3.2.1.1: profiles whose SPS codes chroma format, bit depths and scaling matrices.
HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
INTRA_CAPABLE_PROFILES = frozenset((44, 86, 100, 110, 122, 244))
PROFILE_NAMES = {
    66: "Baseline",
    77: "Main",
    88: "Extended",
    100: "High",
    110: "High 10",
    122: "High 4:2:2",
    244: "High 4:4:4 Predictive",
    44: "CAVLC 4:4:4 Intra",
}
# Table 6-1: SubWidthC, SubHeightC by chroma_format_idc.
CHROMA_FORMATS = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")
SUBSAMPLING = ((1, 1), (2, 2), (2, 1), (1, 1))
# Table A-1: MaxDpbMbs by level_idc; 9 stands for level 1b.
MAX_DPB_MBS = {row["level_idc"]: row["MaxDpbMbs"] for row in tables.H264_TABLE_A_1_LEVELS.values()}  # type: ignore[index]
MAX_SIDE_MBS = 1055  # A.3.1: floor(sqrt(8 * 139264)), MaxFS of level 6.2
MAX_OFFSET = (1 << 31) - 1

# Tables 7-2 to 7-4, in zig-zag order.
FLAT_4x4_16, FLAT_8x8_16 = (16,) * 16, (16,) * 64
_DEFAULTS = {
    "Default_4x4_Intra": tables.H264_TABLE_7_3_DEFAULT_4X4_INTRA, "Default_4x4_Inter": tables.H264_TABLE_7_3_DEFAULT_4X4_INTER,
    "Default_8x8_Intra": tables.H264_TABLE_7_4_DEFAULT_8X8_INTRA, "Default_8x8_Inter": tables.H264_TABLE_7_4_DEFAULT_8X8_INTER,
}  # fmt: skip
DEFAULT_LISTS = tuple(_DEFAULTS[default] for _, default in tables.H264_TABLE_7_2_SCALING_LISTS)
FLAT_LISTS = (FLAT_4x4_16,) * 6 + (FLAT_8x8_16,) * 6
# Table 7-2: the list that replaces an absent list; None where fall-back rule sets A and B differ.
FALL_BACK = (None, 0, 1, None, 3, 4, None, None, 6, 7, 8, 9)


def scaling_lists(c, s, name, count):
    """`count` lists of 7.3.2.1.1: each a tuple of delta_scale (7.3.2.1.1.1), or None if its present flag is 0."""
    found = []
    for i in range(count):
        coded = None if c.reading else s[name][i]
        if c.u({"present": coded is not None}, "present", 1, "H.264 7.4.2.1.1"):
            found.append(scaling_list(c, coded, 16 if i < 6 else 64))
        else:
            found.append(None)
    if c.reading:
        s[name] = tuple(found)
    elif len(s[name]) != count:
        raise c.error(f"{name} has {len(s[name])} lists; {count} are coded", "H.264 7.4.2.1.1")


def scaling_list(c, coded, size):
    """7.3.2.1.1.1: delta_scale up to the one that makes nextScale 0."""
    found, nextScale = [], 8
    while len(found) < size and nextScale:
        one = {} if c.reading else {"delta_scale": coded[len(found)] if len(found) < len(coded) else 0}
        found.append(c.se(one, "delta_scale", -128, 127, "H.264 7.4.2.1.1.1"))
        nextScale = (nextScale + found[-1]) % 256
    if not c.reading and len(coded) != len(found):
        raise c.error(f"a scaling list has {len(coded)} delta_scale; {len(found)} are coded", "H.264 7.4.2.1.1.1")
    return tuple(found)


def list_of(delta_scale, size):
    """ScalingList4x4 or ScalingList8x8 from its delta_scale (7.3.2.1.1.1); None if useDefaultScalingMatrixFlag is 1.

    >>> from codec.h264.stream.parameter_sets import list_of
    >>> list_of((8, 4, -20), 16)                    # nextScale becomes 0: the last value repeats
    (16, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20, 20)
    """
    values, lastScale = [], 8
    for j, delta in enumerate(delta_scale):
        nextScale = (lastScale + delta) % 256
        if not nextScale:
            if not j:
                return None
            break
        values.append(nextScale)
        lastScale = nextScale
    return tuple(values + [lastScale] * (size - len(values)))


def delta_scale_of(values):
    """The delta_scale of a list of 16 or 64 values in 1 to 255; the inverse of `list_of`."""
    last = len(values)
    while last > 1 and values[last - 1] == values[last - 2]:
        last -= 1
    wrapped = lambda delta: (delta + 128) % 256 - 128
    coded = [wrapped(value - before) for before, value in zip((8, *values), values[:last])]
    return tuple(coded) if last == len(values) else (*coded, wrapped(-values[last - 1]))


def resolved_lists(coded, fall_back):
    """The twelve scaling lists of a parameter set; absent lists by fall-back rule set A or B of Table 7-2."""
    found = []
    for i in range(12):
        size = 16 if i < 6 else 64
        delta_scale = coded[i] if i < len(coded) else None
        if delta_scale is not None:
            found.append(list_of(delta_scale, size) or DEFAULT_LISTS[i])
        else:
            found.append(fall_back[i] if FALL_BACK[i] is None else found[FALL_BACK[i]])
    return tuple(found)


def coded_lists(lists, fall_back, count):
    """The first `count` of twelve lists as 7.3.2.1.1 codes them, as short as Table 7-2 allows; the inverse of
    `resolved_lists`."""
    found = []
    for i in range(count):
        before = fall_back[i] if FALL_BACK[i] is None else lists[FALL_BACK[i]]
        default = (-8,)  # nextScale 0: useDefaultScalingMatrixFlag
        found.append(
            None if lists[i] == before else default if lists[i] == DEFAULT_LISTS[i] else delta_scale_of(lists[i])
        )
    return tuple(found)


@dataclass(frozen=True)
class SPS:
    """Sequence parameter set, 7.3.2.1.1; an element that is not coded has the value that 7.4.2.1.1 infers."""

    profile_idc: int
    level_idc: int
    pic_width_in_mbs_minus1: int
    pic_height_in_map_units_minus1: int
    seq_parameter_set_id: int = 0
    constraint_set0_flag: int = 0
    constraint_set1_flag: int = 0
    constraint_set2_flag: int = 0
    constraint_set3_flag: int = 0
    constraint_set4_flag: int = 0
    constraint_set5_flag: int = 0
    reserved_zero_2bits: int = 0
    chroma_format_idc: int = 1
    separate_colour_plane_flag: int = 0
    bit_depth_luma_minus8: int = 0
    bit_depth_chroma_minus8: int = 0
    qpprime_y_zero_transform_bypass_flag: int = 0
    seq_scaling_matrix_present_flag: int = 0
    seq_scaling_list: tuple = ()
    log2_max_frame_num_minus4: int = 0
    pic_order_cnt_type: int = 0
    log2_max_pic_order_cnt_lsb_minus4: int = 0
    delta_pic_order_always_zero_flag: int = 0
    offset_for_non_ref_pic: int = 0
    offset_for_top_to_bottom_field: int = 0
    num_ref_frames_in_pic_order_cnt_cycle: int = 0
    offset_for_ref_frame: tuple = ()
    max_num_ref_frames: int = 1
    gaps_in_frame_num_value_allowed_flag: int = 0
    frame_mbs_only_flag: int = 1
    mb_adaptive_frame_field_flag: int = 0
    direct_8x8_inference_flag: int = 1
    frame_cropping_flag: int = 0
    frame_crop_left_offset: int = 0
    frame_crop_right_offset: int = 0
    frame_crop_top_offset: int = 0
    frame_crop_bottom_offset: int = 0
    vui_parameters_present_flag: int = 0
    vui: VUI | None = None

    @property
    def ChromaArrayType(self):
        """0 if the colour planes are coded separately (7.4.2.1.1)."""
        return 0 if self.separate_colour_plane_flag else self.chroma_format_idc

    @property
    def BitDepthY(self):
        """8 to 14."""
        return 8 + self.bit_depth_luma_minus8

    @property
    def BitDepthC(self):
        """8 to 14."""
        return 8 + self.bit_depth_chroma_minus8

    @property
    def QpBdOffsetY(self):
        """(7-4)"""
        return 6 * self.bit_depth_luma_minus8

    @property
    def QpBdOffsetC(self):
        """(7-6)"""
        return 6 * self.bit_depth_chroma_minus8

    @property
    def SubWidthC(self):
        """Table 6-1."""
        return SUBSAMPLING[self.chroma_format_idc][0]

    @property
    def SubHeightC(self):
        """Table 6-1."""
        return SUBSAMPLING[self.chroma_format_idc][1]

    @property
    def MaxFrameNum(self):
        """(7-10)"""
        return 1 << (self.log2_max_frame_num_minus4 + 4)

    @property
    def MaxPicOrderCntLsb(self):
        """(7-11)"""
        return 1 << (self.log2_max_pic_order_cnt_lsb_minus4 + 4)

    @property
    def ExpectedDeltaPerPicOrderCntCycle(self):
        """(7-12)"""
        return sum(self.offset_for_ref_frame)

    @property
    def PicWidthInMbs(self):
        """(7-13)"""
        return self.pic_width_in_mbs_minus1 + 1

    @property
    def PicHeightInMapUnits(self):
        """(7-16)"""
        return self.pic_height_in_map_units_minus1 + 1

    @property
    def PicSizeInMapUnits(self):
        """(7-17)"""
        return self.PicWidthInMbs * self.PicHeightInMapUnits

    @property
    def FrameHeightInMbs(self):
        """(7-18)"""
        return (2 - self.frame_mbs_only_flag) * self.PicHeightInMapUnits

    @property
    def crop(self):
        """(left, right, top, bottom): luma samples that are cut off, (7-19) to (7-24)."""
        CropUnitX, CropUnitY = (self.SubWidthC, self.SubHeightC) if self.ChromaArrayType else (1, 1)
        CropUnitY *= 2 - self.frame_mbs_only_flag
        return (
            CropUnitX * self.frame_crop_left_offset, CropUnitX * self.frame_crop_right_offset,
            CropUnitY * self.frame_crop_top_offset, CropUnitY * self.frame_crop_bottom_offset,
        )  # fmt: skip

    @property
    def width(self):
        """Luma samples of a row that is shown."""
        return 16 * self.PicWidthInMbs - sum(self.crop[:2])

    @property
    def height(self):
        """Rows of luma that are shown."""
        return 16 * self.FrameHeightInMbs - sum(self.crop[2:])

    @property
    def profile_name(self):
        """As Annex A has it."""
        name = PROFILE_NAMES.get(self.profile_idc, f"profile_idc {self.profile_idc}")
        if self.profile_idc == 66 and self.constraint_set1_flag:
            return "Constrained Baseline"
        return name + (" Intra" if self.profile_idc in (110, 122, 244) and self.constraint_set3_flag else "")

    @property
    def level_name(self):
        """ "1" to "6.2", "1b"."""
        return "1b" if self.level_1b else f"{self.level_idc // 10}.{self.level_idc % 10}".removesuffix(".0")

    @property
    def level_1b(self):
        """A.3.1, A.3.2: level 1b has level_idc 9, or 11 with constraint_set3_flag in the older profiles."""
        return self.level_idc == 9 or (
            self.level_idc == 11 and self.profile_idc in (66, 77, 88) and self.constraint_set3_flag == 1
        )

    @property
    def MaxDpbFrames(self):
        """A.3.1: frames in the decoded picture buffer at this level; an unknown level counts as the highest."""
        MaxDpbMbs = MAX_DPB_MBS.get(9 if self.level_1b else self.level_idc, MAX_DPB_MBS[62])
        return min(MaxDpbMbs // (self.PicWidthInMbs * self.FrameHeightInMbs), 16)

    @property
    def max_dec_frame_buffering(self):
        """Frames in the decoded picture buffer (E.2.1).

        As coded, else 0 for intra profiles, else MaxDpbFrames; at least max_num_ref_frames.
        """
        if self.vui and self.vui.max_dec_frame_buffering is not None:
            frames = self.vui.max_dec_frame_buffering
        elif self.profile_idc in INTRA_CAPABLE_PROFILES and self.constraint_set3_flag:
            frames = 0
        else:
            frames = self.MaxDpbFrames
        return max(frames, self.max_num_ref_frames)

    @derived
    def scaling_lists(self):
        """Twelve tuples in the order of Table 7-2, each in zig-zag order; Flat if there is no scaling matrix."""
        return (
            resolved_lists(self.seq_scaling_list, DEFAULT_LISTS) if self.seq_scaling_matrix_present_flag else FLAT_LISTS
        )


def seq_parameter_set_data(c, s):
    """7.3.2.1.1, 7.4.2.1.1"""
    clause = "H.264 7.4.2.1.1"
    c.u(s, "profile_idc", 8, clause)
    for i in range(6):
        c.u(s, f"constraint_set{i}_flag", 1, clause)
    c.u(s, "reserved_zero_2bits", 2, clause)
    c.u(s, "level_idc", 8, clause)
    c.ue(s, "seq_parameter_set_id", 31, clause)
    if s["profile_idc"] in HIGH_PROFILES:
        high_profile_data(c, s, clause)
    c.ue(s, "log2_max_frame_num_minus4", 12, clause)
    pic_order_cnt_data(c, s, clause)
    c.ue(s, "max_num_ref_frames", 16, clause)
    c.u(s, "gaps_in_frame_num_value_allowed_flag", 1, clause)
    c.ue(s, "pic_width_in_mbs_minus1", MAX_SIDE_MBS - 1, "H.264 A.3.1")
    c.ue(s, "pic_height_in_map_units_minus1", MAX_SIDE_MBS - 1, "H.264 A.3.1")
    if not c.u(s, "frame_mbs_only_flag", 1, clause):
        c.u(s, "mb_adaptive_frame_field_flag", 1, clause)
    # Must be 1 if fields are allowed.
    c.u(s, "direct_8x8_inference_flag", 1, clause, 1 - s["frame_mbs_only_flag"], 1)
    if c.u(s, "frame_cropping_flag", 1, clause):
        frame_cropping(c, s, clause)
    if c.u(s, "vui_parameters_present_flag", 1, clause):
        vui_parameters(c, s, "vui")


def high_profile_data(c, s, clause):
    """Elements of the High profiles in 7.3.2.1.1."""
    if c.ue(s, "chroma_format_idc", 3, clause) == 3:
        c.u(s, "separate_colour_plane_flag", 1, clause)
    c.ue(s, "bit_depth_luma_minus8", 6, clause)
    c.ue(s, "bit_depth_chroma_minus8", 6, clause)
    c.u(s, "qpprime_y_zero_transform_bypass_flag", 1, clause)
    if c.u(s, "seq_scaling_matrix_present_flag", 1, clause):
        scaling_lists(c, s, "seq_scaling_list", 12 if s["chroma_format_idc"] == 3 else 8)


def pic_order_cnt_data(c, s, clause):
    """Elements for picture order counts in 7.3.2.1.1."""
    kind = c.ue(s, "pic_order_cnt_type", 2, clause)
    if kind == 0:
        c.ue(s, "log2_max_pic_order_cnt_lsb_minus4", 12, clause)
    elif kind == 1:
        c.u(s, "delta_pic_order_always_zero_flag", 1, clause)
        c.se(s, "offset_for_non_ref_pic", -MAX_OFFSET, MAX_OFFSET, clause)
        c.se(s, "offset_for_top_to_bottom_field", -MAX_OFFSET, MAX_OFFSET, clause)
        count = c.ue(s, "num_ref_frames_in_pic_order_cnt_cycle", 255, clause)
        c.array(s, "offset_for_ref_frame", count, "se", -MAX_OFFSET, MAX_OFFSET, clause)


def frame_cropping(c, s, clause):
    """Cropping in 7.3.2.1.1: at least one row and one column must remain, (7-19) to (7-24)."""
    chroma = s.get("chroma_format_idc", 1) if not s.get("separate_colour_plane_flag") else 0
    CropUnitX, CropUnitY = SUBSAMPLING[chroma]
    CropUnitY *= 2 - s["frame_mbs_only_flag"]
    columns = 16 * (s["pic_width_in_mbs_minus1"] + 1) // CropUnitX
    rows = 16 * (s["pic_height_in_map_units_minus1"] + 1) * (2 - s["frame_mbs_only_flag"]) // CropUnitY
    left = c.ue(s, "frame_crop_left_offset", columns - 1, clause)
    c.ue(s, "frame_crop_right_offset", columns - 1 - left, clause)
    top = c.ue(s, "frame_crop_top_offset", rows - 1, clause)
    c.ue(s, "frame_crop_bottom_offset", rows - 1 - top, clause)


def read_sps(nal):
    """The SPS of a NAL unit (type 7).

    Raises
    ------
    BitstreamError, TruncatedError
        With clause and byte.
    """
    c, s = Reader(nal.rbsp, nal.layer("seq_parameter_set"), nal.place), {}
    seq_parameter_set_data(c, s)
    c.rbsp_trailing_bits()
    return SPS(**s)


def sps_id(nal):
    """seq_parameter_set_id, which can be read although the rest is damaged."""
    c, s = Reader(nal.rbsp, nal.layer("seq_parameter_set"), nal.place), {}
    c.u(s, "profile_idc, constraint flags, level_idc", 24, "H.264 7.4.2.1.1")
    return c.ue(s, "seq_parameter_set_id", 31, "H.264 7.4.2.1.1")


def write_sps(sps):
    """The NAL unit of an SPS, as bytes."""
    c = Writer("seq_parameter_set")
    seq_parameter_set_data(c, vars(sps))
    c.rbsp_trailing_bits()
    return write_nal(SPS_TYPE, 3, c.rbsp())


# ---------------------------------------------------------------- sequence parameter set extension


@dataclass(frozen=True)
class SPSExtension:
    """7.3.2.1.2: describes auxiliary coded pictures (alpha), which are not decoded here."""

    seq_parameter_set_id: int
    aux_format_idc: int = 0
    bit_depth_aux_minus8: int = 0
    alpha_incr_flag: int = 0
    alpha_opaque_value: int = 0
    alpha_transparent_value: int = 0
    additional_extension_flag: int = 0


def seq_parameter_set_extension(c, s):
    """7.3.2.1.2, 7.4.2.1.2"""
    clause = "H.264 7.4.2.1.2"
    c.ue(s, "seq_parameter_set_id", 31, clause)
    if c.ue(s, "aux_format_idc", 3, clause):
        bits = c.ue(s, "bit_depth_aux_minus8", 4, clause) + 9
        c.u(s, "alpha_incr_flag", 1, clause)
        c.u(s, "alpha_opaque_value", bits, clause)
        c.u(s, "alpha_transparent_value", bits, clause)
    c.u(s, "additional_extension_flag", 1, clause)


def read_sps_extension(nal):
    """The SPSExtension of a NAL unit (type 13)."""
    c, s = Reader(nal.rbsp, nal.layer("seq_parameter_set_extension"), nal.place), {}
    seq_parameter_set_extension(c, s)
    return SPSExtension(**s)


def write_sps_extension(extension):
    """The NAL unit of an SPSExtension, as bytes."""
    c = Writer("seq_parameter_set_extension")
    seq_parameter_set_extension(c, vars(extension))
    c.rbsp_trailing_bits()
    return write_nal(13, 3, c.rbsp())


# ---------------------------------------------------------------- picture parameter set


@dataclass(frozen=True)
class RunLength:
    """Slice group map type 0: consecutive map units of one group."""

    run_length_minus1: int


@dataclass(frozen=True)
class Rectangle:
    """Slice group map type 2: map units at the corners."""

    top_left: int
    bottom_right: int


@dataclass(frozen=True)
class PPS:
    """Picture parameter set, 7.3.2.2; an element that is not coded has the value that 7.4.2.2 infers."""

    pic_parameter_set_id: int = 0
    seq_parameter_set_id: int = 0
    entropy_coding_mode_flag: int = 0
    bottom_field_pic_order_in_frame_present_flag: int = 0
    num_slice_groups_minus1: int = 0
    slice_group_map_type: int = 0
    run_lengths: tuple = ()
    rectangles: tuple = ()
    slice_group_change_direction_flag: int = 0
    slice_group_change_rate_minus1: int = 0
    pic_size_in_map_units_minus1: int = 0
    slice_group_id: tuple = ()
    num_ref_idx_l0_default_active_minus1: int = 0
    num_ref_idx_l1_default_active_minus1: int = 0
    weighted_pred_flag: int = 0
    weighted_bipred_idc: int = 0
    pic_init_qp_minus26: int = 0
    pic_init_qs_minus26: int = 0
    chroma_qp_index_offset: int = 0
    deblocking_filter_control_present_flag: int = 0
    constrained_intra_pred_flag: int = 0
    redundant_pic_cnt_present_flag: int = 0
    extended: int = 0
    transform_8x8_mode_flag: int = 0
    pic_scaling_matrix_present_flag: int = 0
    pic_scaling_list: tuple = ()
    second_chroma_qp_index_offset: int | None = None

    @property
    def SliceGroupChangeRate(self):
        """(7-26), in map units."""
        return self.slice_group_change_rate_minus1 + 1

    @property
    def Cr_qp_index_offset(self):
        """second_chroma_qp_index_offset; if it is not coded, chroma_qp_index_offset (7.4.2.2)."""
        return (
            self.chroma_qp_index_offset
            if self.second_chroma_qp_index_offset is None
            else self.second_chroma_qp_index_offset
        )

    def scaling_lists(self, sps):
        """The lists of pictures with this PPS: twelve tuples in the order of Table 7-2, each in zig-zag order."""
        if not self.pic_scaling_matrix_present_flag:
            return sps.scaling_lists
        # 7.4.2.2: fall-back rule set B if the SPS has a scaling matrix, else A.
        return resolved_lists(
            self.pic_scaling_list, sps.scaling_lists if sps.seq_scaling_matrix_present_flag else DEFAULT_LISTS
        )


def pic_parameter_set_rbsp(c, s, sps):
    """7.3.2.2, 7.4.2.2.

    The range of pic_init_qp_minus26, the number of scaling lists and the sizes of slice groups depend on the SPS.
    """
    clause = "H.264 7.4.2.2"
    c.ue(s, "pic_parameter_set_id", 255, clause)
    c.ue(s, "seq_parameter_set_id", 31, clause)
    c.u(s, "entropy_coding_mode_flag", 1, clause)
    c.u(s, "bottom_field_pic_order_in_frame_present_flag", 1, clause)
    if c.ue(s, "num_slice_groups_minus1", 7, clause):
        slice_groups(c, s, sps, clause)
    c.ue(s, "num_ref_idx_l0_default_active_minus1", 31, clause)
    c.ue(s, "num_ref_idx_l1_default_active_minus1", 31, clause)
    c.u(s, "weighted_pred_flag", 1, clause)
    c.u(s, "weighted_bipred_idc", 2, clause, 0, 2)
    c.se(s, "pic_init_qp_minus26", -26 - sps.QpBdOffsetY, 25, clause)
    # -26 in the standard; x264 subtracts QpBdOffsetY here too. Only SP and SI slices use it, and they have 8 bits.
    c.se(s, "pic_init_qs_minus26", -26 - sps.QpBdOffsetY, 25, clause)
    c.se(s, "chroma_qp_index_offset", -12, 12, clause)
    c.u(s, "deblocking_filter_control_present_flag", 1, clause)
    c.u(s, "constrained_intra_pred_flag", 1, clause)
    c.u(s, "redundant_pic_cnt_present_flag", 1, clause)
    if c.reading:
        s["extended"] = int(may_be_extended(sps) and c.more_rbsp_data())
    if s["extended"]:
        c.u(s, "transform_8x8_mode_flag", 1, clause)
        if c.u(s, "pic_scaling_matrix_present_flag", 1, clause):
            eights = 6 if sps.chroma_format_idc == 3 else 2
            scaling_lists(c, s, "pic_scaling_list", 6 + eights * s["transform_8x8_mode_flag"])
        c.se(s, "second_chroma_qp_index_offset", -12, 12, clause)


def may_be_extended(sps):
    """Whether transform_8x8_mode_flag and later elements may be in a PPS: not in Baseline, Main and Extended (Annex A).

    Some encoders pad their PPS with bytes that are not syntax elements. Others use these elements with the profile_idc
    of Main, but claim no profile by constraint_set0_flag to constraint_set2_flag then.
    """
    claims = sps.constraint_set0_flag or sps.constraint_set1_flag or sps.constraint_set2_flag
    return sps.profile_idc not in (66, 77, 88) or not claims


def slice_groups(c, s, sps, clause):
    """Flexible macroblock ordering in 7.3.2.2."""
    last = sps.PicSizeInMapUnits - 1
    kind = c.ue(s, "slice_group_map_type", 6, clause)
    if kind == 0:
        for row in c.rows(s, "run_lengths", RunLength, s["num_slice_groups_minus1"] + 1):
            c.ue(row, "run_length_minus1", last, clause)
    elif kind == 2:
        for row in c.rows(s, "rectangles", Rectangle, s["num_slice_groups_minus1"]):
            top_left = c.ue(row, "top_left", last, clause)
            bottom_right = c.ue(row, "bottom_right", last, clause, top_left)
            if top_left % sps.PicWidthInMbs > bottom_right % sps.PicWidthInMbs:
                raise c.error(f"the rectangle from {top_left} to {bottom_right} ends to the left of its start", clause)
    elif kind in (3, 4, 5):
        if s["num_slice_groups_minus1"] != 1:
            raise c.error(
                f"slice_group_map_type {kind} has {s['num_slice_groups_minus1'] + 1} slice groups; it must have two",
                clause,
            )
        c.u(s, "slice_group_change_direction_flag", 1, clause)
        c.ue(s, "slice_group_change_rate_minus1", last, clause)
    elif kind == 6:
        c.ue(s, "pic_size_in_map_units_minus1", last, clause, last)
        # Ceil(Log2(num_slice_groups_minus1 + 1)) bits each
        c.array(
            s,
            "slice_group_id",
            last + 1,
            "u",
            s["num_slice_groups_minus1"].bit_length(),
            clause,
            0,
            s["num_slice_groups_minus1"],
        )


def pps_ids(nal):
    """(pic_parameter_set_id, seq_parameter_set_id), which can be read without the SPS."""
    c, s = Reader(nal.rbsp, nal.layer("pic_parameter_set"), nal.place), {}
    return c.ue(s, "pic_parameter_set_id", 255, "H.264 7.4.2.2"), c.ue(s, "seq_parameter_set_id", 31, "H.264 7.4.2.2")


def read_pps(nal, sps):
    """The PPS of a NAL unit (type 8), parsed with the SPS it refers to."""
    c, s = Reader(nal.rbsp, nal.layer("pic_parameter_set"), nal.place), {}
    pic_parameter_set_rbsp(c, s, sps)
    c.rbsp_trailing_bits()
    return PPS(**s)


def write_pps(pps, sps):
    """The NAL unit of a PPS, as bytes."""
    c = Writer("pic_parameter_set")
    pic_parameter_set_rbsp(c, vars(pps), sps)
    c.rbsp_trailing_bits()
    return write_nal(PPS_TYPE, 3, c.rbsp())


# ---------------------------------------------------------------- received parameter sets


class ParameterSets:
    """The parameter sets received so far, by id. A damaged one is no error before it is activated (7.4.1.2.1)."""

    def __init__(self):
        self._sps, self._pps, self._parsed = {}, {}, {}
        self._damaged = {}  # errors of SPS, by id

    def add(self, nal):
        """Keep an SPS or PPS. An unchanged repetition keeps the old object, so that `is` detects a change."""
        with contextlib.suppress(BitstreamError):  # without an id, nothing can refer to it
            if nal.nal_unit_type == SPS_TYPE:
                self._add_sps(nal)
                return
            number, _ = pps_ids(nal)
            before = self._pps.get(number)
            if before is None or before.data != nal.data:
                self._pps[number] = nal
                self._parsed.pop(number, None)

    def _add_sps(self, nal):
        number = sps_id(nal)
        try:
            sps = read_sps(nal)
        except BitstreamError as error:
            self._damaged[number] = error
            return
        self._damaged.pop(number, None)
        if self._sps.get(number) != sps:
            self._sps[number] = sps

    def damage(self, seq_parameter_set_id):
        """Remove and return the error of a damaged SPS, in place of which the one before it is still used; or None."""
        return self._damaged.pop(seq_parameter_set_id, None)

    def sps(self, seq_parameter_set_id):
        """The SPS with this id, or None."""
        return self._sps.get(seq_parameter_set_id)

    def find(self, pic_parameter_set_id, error):
        """(SPS, PPS) of a slice. A PPS is parsed when it is used, because its SPS may arrive, or be replaced, after it.

        Raises
        ------
        BitstreamError
            If one of them is damaged, or missing: then made by `error(reason, clause)`.
        """
        nal = self._pps.get(pic_parameter_set_id)
        if nal is None:
            raise error(f"there is no picture parameter set {pic_parameter_set_id}", "H.264 7.4.1.2.1")
        parsed = self._parsed.get(pic_parameter_set_id)
        sps_number = parsed[1].seq_parameter_set_id if parsed else pps_ids(nal)[1]
        sps = self._sps.get(sps_number)
        if sps is None and sps_number in self._damaged:
            raise self._damaged[sps_number]
        if sps is None:
            raise error(
                f"there is no sequence parameter set {sps_number}, "
                f"to which picture parameter set {pic_parameter_set_id} refers",
                "H.264 7.4.1.2.1",
            )
        if parsed is None or parsed[0] is not sps:
            parsed = self._parsed[pic_parameter_set_id] = sps, read_pps(nal, sps)
        return parsed
