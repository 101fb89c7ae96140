"""Video usability information (Annex E): colour, timing, and the bounds of the decoded picture buffer."""

from dataclasses import dataclass

from ..tables.parameters import H264_TABLE_E_1_SAMPLE_ASPECT_RATIOS

EXTENDED_SAR = 255  # sar_width and sar_height follow
MAX_UINT32 = (1 << 32) - 1


@dataclass(frozen=True)
class SchedSel:
    """One delivery schedule of an HRD."""

    bit_rate_value_minus1: int
    cpb_size_value_minus1: int
    cbr_flag: int


@dataclass(frozen=True)
class HRD:
    """Hypothetical reference decoder, E.1.2."""

    cpb_cnt_minus1: int
    bit_rate_scale: int
    cpb_size_scale: int
    schedules: tuple
    initial_cpb_removal_delay_length_minus1: int = 23
    cpb_removal_delay_length_minus1: int = 23
    dpb_output_delay_length_minus1: int = 23
    time_offset_length: int = 24


def hrd_parameters(c, s, name):
    """E.1.2"""
    clause, h = "H.264 E.2.2", {} if c.reading else vars(s[name])
    c.ue(h, "cpb_cnt_minus1", 31, clause)
    c.u(h, "bit_rate_scale", 4, clause)
    c.u(h, "cpb_size_scale", 4, clause)
    for row in c.rows(h, "schedules", SchedSel, h["cpb_cnt_minus1"] + 1):
        c.ue(row, "bit_rate_value_minus1", MAX_UINT32 - 1, clause)
        c.ue(row, "cpb_size_value_minus1", MAX_UINT32 - 1, clause)
        c.u(row, "cbr_flag", 1, clause)
    c.u(h, "initial_cpb_removal_delay_length_minus1", 5, clause)
    c.u(h, "cpb_removal_delay_length_minus1", 5, clause)
    c.u(h, "dpb_output_delay_length_minus1", 5, clause)
    c.u(h, "time_offset_length", 5, clause)
    if c.reading:
        s[name] = HRD(**h)


@dataclass(frozen=True)
class VUI:
    """E.1.1; an element that is not coded has the value that E.2.1 infers."""

    aspect_ratio_info_present_flag: int = 0
    aspect_ratio_idc: int = 0
    sar_width: int = 0
    sar_height: int = 0
    overscan_info_present_flag: int = 0
    overscan_appropriate_flag: int = 0
    video_signal_type_present_flag: int = 0
    video_format: int = 5
    video_full_range_flag: int = 0
    colour_description_present_flag: int = 0
    colour_primaries: int = 2
    transfer_characteristics: int = 2
    matrix_coefficients: int = 2
    chroma_loc_info_present_flag: int = 0
    chroma_sample_loc_type_top_field: int = 0
    chroma_sample_loc_type_bottom_field: int = 0
    timing_info_present_flag: int = 0
    num_units_in_tick: int = 0
    time_scale: int = 0
    fixed_frame_rate_flag: int = 0
    nal_hrd_parameters_present_flag: int = 0
    nal_hrd: HRD | None = None
    vcl_hrd_parameters_present_flag: int = 0
    vcl_hrd: HRD | None = None
    low_delay_hrd_flag: int = 0
    pic_struct_present_flag: int = 0
    bitstream_restriction_flag: int = 0
    motion_vectors_over_pic_boundaries_flag: int = 1
    max_bytes_per_pic_denom: int = 2
    max_bits_per_mb_denom: int = 1
    log2_max_mv_length_horizontal: int = 15
    log2_max_mv_length_vertical: int = 15
    max_num_reorder_frames: int | None = None
    max_dec_frame_buffering: int | None = None

    @property
    def sample_aspect_ratio(self):
        """(width, height) of a sample; (0, 0) if unspecified."""
        if self.aspect_ratio_idc == EXTENDED_SAR:
            return self.sar_width, self.sar_height
        return H264_TABLE_E_1_SAMPLE_ASPECT_RATIOS.get(self.aspect_ratio_idc, (0, 0))

    @property
    def hrd(self):
        """The HRD that gives the field lengths of picture timing SEI messages, or None (D.2.3)."""
        return self.nal_hrd or self.vcl_hrd


def vui_parameters(c, s, name):
    """E.1.1"""
    clause, v = "H.264 E.2.1", {} if c.reading else vars(s[name])
    if c.u(v, "aspect_ratio_info_present_flag", 1, clause):
        if c.u(v, "aspect_ratio_idc", 8, clause) == EXTENDED_SAR:
            c.u(v, "sar_width", 16, clause)
            c.u(v, "sar_height", 16, clause)
    if c.u(v, "overscan_info_present_flag", 1, clause):
        c.u(v, "overscan_appropriate_flag", 1, clause)
    if c.u(v, "video_signal_type_present_flag", 1, clause):
        c.u(v, "video_format", 3, clause)
        c.u(v, "video_full_range_flag", 1, clause)
        if c.u(v, "colour_description_present_flag", 1, clause):
            c.u(v, "colour_primaries", 8, clause)
            c.u(v, "transfer_characteristics", 8, clause)
            c.u(v, "matrix_coefficients", 8, clause)
    if c.u(v, "chroma_loc_info_present_flag", 1, clause):
        c.ue(v, "chroma_sample_loc_type_top_field", 5, clause)
        c.ue(v, "chroma_sample_loc_type_bottom_field", 5, clause)
    if c.u(v, "timing_info_present_flag", 1, clause):
        c.u(v, "num_units_in_tick", 32, clause)
        c.u(v, "time_scale", 32, clause)
        c.u(v, "fixed_frame_rate_flag", 1, clause)
    nal = c.u(v, "nal_hrd_parameters_present_flag", 1, clause)
    if nal:
        hrd_parameters(c, v, "nal_hrd")
    vcl = c.u(v, "vcl_hrd_parameters_present_flag", 1, clause)
    if vcl:
        hrd_parameters(c, v, "vcl_hrd")
    if nal or vcl:
        c.u(v, "low_delay_hrd_flag", 1, clause)
    c.u(v, "pic_struct_present_flag", 1, clause)
    if c.u(v, "bitstream_restriction_flag", 1, clause):
        bitstream_restriction(c, v, clause)
    if c.reading:
        s[name] = VUI(**v)


def bitstream_restriction(c, v, clause):
    """The elements after bitstream_restriction_flag in E.1.1."""
    c.u(v, "motion_vectors_over_pic_boundaries_flag", 1, clause)
    c.ue(v, "max_bytes_per_pic_denom", 16, clause)
    c.ue(v, "max_bits_per_mb_denom", 16, clause)
    c.ue(v, "log2_max_mv_length_horizontal", 16, clause)
    c.ue(v, "log2_max_mv_length_vertical", 16, clause)
    c.ue(v, "max_num_reorder_frames", 16, clause)
    c.ue(v, "max_dec_frame_buffering", 16, clause)
