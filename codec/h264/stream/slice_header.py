"""Slice headers (7.3.3): elements as coded; variables that depend on parameter sets are methods that take them."""

from dataclasses import MISSING, dataclass, fields

from .nal import IDR, PARTITION_A
from .syntax import MAX_UE, Reader, Writer, derived, structure

P, B, I, SP, SI = range(5)  # Table 7-6, slice_type % 5
SLICE_NAMES = ("P", "B", "I", "SP", "SI")
CLAUSE = "H.264 7.4.3"


@dataclass(frozen=True)
class Modification:
    """One step of ref_pic_list_modification, 7.3.3.1; elements that are not coded are 0."""

    modification_of_pic_nums_idc: int
    abs_diff_pic_num_minus1: int = 0
    long_term_pic_num: int = 0


@dataclass(frozen=True)
class Weight:
    """Weights of one reference, 7.3.3.2; if not coded, 2 ** log2_weight_denom with offset 0 (7.4.3.2)."""

    luma_weight_flag: int
    luma_weight: int
    luma_offset: int
    chroma_weight_flag: int
    chroma_weight: tuple
    chroma_offset: tuple


@dataclass(frozen=True)
class PredWeightTable:
    """7.3.3.2: `l0` and `l1` hold a `Weight` for each active reference."""

    luma_log2_weight_denom: int
    chroma_log2_weight_denom: int = 0
    l0: tuple = ()
    l1: tuple = ()


@dataclass(frozen=True)
class MemoryManagement:
    """One memory_management_control_operation, 7.3.3.3; elements that are not coded are 0."""

    memory_management_control_operation: int
    difference_of_pic_nums_minus1: int = 0
    long_term_pic_num: int = 0
    long_term_frame_idx: int = 0
    max_long_term_frame_idx_plus1: int = 0


@dataclass(frozen=True)
class SliceHeader:
    """7.3.3, with nal_unit_type and nal_ref_idc of the NAL unit; an element that is not coded has the value that 7.4.3
    infers.

    num_ref_idx_l0_active_minus1 and num_ref_idx_l1_active_minus1 are the values in force: those of the PPS if the
    override flag is 0, and 0 if the slice type has no such list. slice_id follows the header in a slice data partition
    A (7.3.2.9.1).
    """

    nal_unit_type: int
    nal_ref_idc: int
    first_mb_in_slice: int
    slice_type: int
    pic_parameter_set_id: int
    frame_num: int
    colour_plane_id: int = 0
    field_pic_flag: int = 0
    bottom_field_flag: int = 0
    idr_pic_id: int = 0
    pic_order_cnt_lsb: int = 0
    delta_pic_order_cnt_bottom: int = 0
    delta_pic_order_cnt: tuple = (0, 0)
    redundant_pic_cnt: int = 0
    direct_spatial_mv_pred_flag: int = 0
    num_ref_idx_active_override_flag: int = 0
    num_ref_idx_l0_active_minus1: int = 0
    num_ref_idx_l1_active_minus1: int = 0
    ref_pic_list_modification_flag_l0: int = 0
    ref_pic_list_modification_l0: tuple = ()
    ref_pic_list_modification_flag_l1: int = 0
    ref_pic_list_modification_l1: tuple = ()
    pred_weight_table: PredWeightTable | None = None
    no_output_of_prior_pics_flag: int = 0
    long_term_reference_flag: int = 0
    adaptive_ref_pic_marking_mode_flag: int = 0
    memory_management_control_operations: tuple = ()
    cabac_init_idc: int = 0
    slice_qp_delta: int = 0
    sp_for_switch_flag: int = 0
    slice_qs_delta: int = 0
    disable_deblocking_filter_idc: int = 0
    slice_alpha_c0_offset_div2: int = 0
    slice_beta_offset_div2: int = 0
    slice_group_change_cycle: int = 0
    slice_id: int = 0

    @derived
    def IdrPicFlag(self):
        """(7-1)"""
        return int(self.nal_unit_type == IDR)

    @derived
    def kind(self):
        """slice_type % 5: P, B, I, SP or SI (0 to 4)."""
        return self.slice_type % 5

    @derived
    def name(self):
        """'P', 'B', 'I', 'SP' or 'SI'."""
        return SLICE_NAMES[self.kind]

    @derived
    def has_mmco5(self):
        """Whether memory_management_control_operation 5 marks all reference pictures as unused (Table 7-9)."""
        return any(row.memory_management_control_operation == 5 for row in self.memory_management_control_operations)

    @property
    def partition_key(self):
        """(colour_plane_id, slice_id), which partitions B and C have in common with A."""
        return self.colour_plane_id, self.slice_id

    @property
    def FilterOffsetA(self):
        """(7-31)"""
        return 2 * self.slice_alpha_c0_offset_div2

    @property
    def FilterOffsetB(self):
        """(7-32)"""
        return 2 * self.slice_beta_offset_div2

    def MbaffFrameFlag(self, sps):
        """(7-25)"""
        return int(sps.mb_adaptive_frame_field_flag and not self.field_pic_flag)

    def PicHeightInMbs(self, sps):
        """(7-26)"""
        return sps.FrameHeightInMbs >> self.field_pic_flag

    def MaxPicNum(self, sps):
        """2 * MaxFrameNum for fields, MaxFrameNum for frames (7.4.3)."""
        return sps.MaxFrameNum << self.field_pic_flag

    def CurrPicNum(self, sps):
        """2 * frame_num + 1 for fields, frame_num for frames (7.4.3)."""
        return 2 * self.frame_num + 1 if self.field_pic_flag else self.frame_num

    def SliceQPY(self, pps):
        """(7-30)"""
        return 26 + pps.pic_init_qp_minus26 + self.slice_qp_delta

    def MapUnitsInSliceGroup0(self, sps, pps):
        """(7-36), for slice group map types 3 to 5."""
        return min(self.slice_group_change_cycle * pps.SliceGroupChangeRate, sps.PicSizeInMapUnits)


INFERRED = {field.name: field.default for field in fields(SliceHeader) if field.default is not MISSING}


def slice_header(c, s, find):
    """7.3.3. Returns `find(pic_parameter_set_id, error)`: (sps, pps). `s` holds nal_unit_type and nal_ref_idc."""
    c.ue(s, "first_mb_in_slice", MAX_UE, CLAUSE)
    kind = c.ue(s, "slice_type", 9, CLAUSE) % 5
    c.ue(s, "pic_parameter_set_id", 255, CLAUSE)
    sps, pps = find(s["pic_parameter_set_id"], c.error)
    if sps.separate_colour_plane_flag:
        c.u(s, "colour_plane_id", 2, CLAUSE, 0, 2)
    picture_identity(c, s, sps, pps)
    if kind == B:
        c.u(s, "direct_spatial_mv_pred_flag", 1, CLAUSE)
    active_references(c, s, kind, pps)
    ref_pic_list_modification(c, s, kind, sps)
    if (pps.weighted_pred_flag and kind in (P, SP)) or (pps.weighted_bipred_idc == 1 and kind == B):
        pred_weight_table(c, s, kind, sps)
    if s["nal_ref_idc"]:
        dec_ref_pic_marking(c, s)
    if pps.entropy_coding_mode_flag and kind not in (I, SI):
        c.ue(s, "cabac_init_idc", 2, CLAUSE)
    quantizer_and_filter(c, s, kind, sps, pps)
    if pps.num_slice_groups_minus1 and 3 <= pps.slice_group_map_type <= 5:
        # (7-35): Ceil(Log2(PicSizeInMapUnits / SliceGroupChangeRate + 1)), the bit length of the quotient rounded up.
        cycles = -(-sps.PicSizeInMapUnits // pps.SliceGroupChangeRate)
        c.u(s, "slice_group_change_cycle", cycles.bit_length(), CLAUSE, 0, cycles)
    if s["nal_unit_type"] == PARTITION_A:
        c.ue(s, "slice_id", sps.PicWidthInMbs * sps.FrameHeightInMbs - 1, "H.264 7.4.2.9.1")
    return sps, pps


def picture_identity(c, s, sps, pps):
    """7.3.3, from frame_num to redundant_pic_cnt: the elements that identify a picture."""
    c.u(s, "frame_num", sps.log2_max_frame_num_minus4 + 4, CLAUSE)
    if not sps.frame_mbs_only_flag and c.u(s, "field_pic_flag", 1, CLAUSE):
        c.u(s, "bottom_field_flag", 1, CLAUSE)
    field = s["field_pic_flag"]
    mbs = sps.PicWidthInMbs * sps.FrameHeightInMbs >> (field or sps.mb_adaptive_frame_field_flag)
    if s["first_mb_in_slice"] >= mbs:
        raise c.error(
            f"first_mb_in_slice is {s['first_mb_in_slice']}; the picture has {mbs} macroblocks or macroblock pairs",
            CLAUSE,
        )
    if s["nal_unit_type"] == IDR:
        c.ue(s, "idr_pic_id", 65535, CLAUSE)
    both = pps.bottom_field_pic_order_in_frame_present_flag and not field
    low, high = -(1 << 31) + 1, (1 << 31) - 1
    if sps.pic_order_cnt_type == 0:
        c.u(s, "pic_order_cnt_lsb", sps.log2_max_pic_order_cnt_lsb_minus4 + 4, CLAUSE)
        if both:
            c.se(s, "delta_pic_order_cnt_bottom", low, high, CLAUSE)
    elif sps.pic_order_cnt_type == 1 and not sps.delta_pic_order_always_zero_flag:
        coded = c.array({"delta_pic_order_cnt": s["delta_pic_order_cnt"][: 2 if both else 1]} if not c.reading else s,
                        "delta_pic_order_cnt", 2 if both else 1, "se", low, high, CLAUSE)  # fmt: skip
        if c.reading:
            s["delta_pic_order_cnt"] = (*coded, 0)[:2]
    if pps.redundant_pic_cnt_present_flag:
        c.ue(s, "redundant_pic_cnt", 127, CLAUSE)


def active_references(c, s, kind, pps):
    """num_ref_idx_active_override_flag and the elements it controls in 7.3.3."""
    if kind in (I, SI):
        return
    last = 31 if s["field_pic_flag"] else 15
    override = c.u(s, "num_ref_idx_active_override_flag", 1, CLAUSE)
    for name in ("l0", "l1") if kind == B else ("l0",):
        element = f"num_ref_idx_{name}_active_minus1"
        if override:
            c.ue(s, element, last, CLAUSE)
            continue
        default = getattr(pps, f"num_ref_idx_{name}_default_active_minus1")
        if default > last:
            raise c.error(
                f"num_ref_idx_{name}_default_active_minus1 is {default}; without an override it must be 0 to {last}",
                CLAUSE,
            )
        if c.reading:
            s[element] = default
        elif s[element] != default:
            raise c.error(f"{element} is {s[element]} without an override; the PPS has {default}", CLAUSE)


def ref_pic_list_modification(c, s, kind, sps):
    """7.3.3.1, 7.4.3.1"""
    clause = "H.264 7.4.3.1"
    for name in ("l0", "l1") if kind == B else ("l0",) if kind in (P, SP) else ():
        if not c.u(s, f"ref_pic_list_modification_flag_{name}", 1, clause):
            continue
        limit, MaxPicNum = s[f"num_ref_idx_{name}_active_minus1"] + 1, sps.MaxFrameNum << s["field_pic_flag"]
        for row in c.rows(
            s,
            f"ref_pic_list_modification_{name}",
            Modification,
            until=("modification_of_pic_nums_idc", 3),
            limit=limit,
            clause=clause,
        ):
            idc = c.ue(row, "modification_of_pic_nums_idc", 3, clause)
            if idc < 2:
                c.ue(row, "abs_diff_pic_num_minus1", MaxPicNum - 1, clause)
            elif idc == 2:
                c.ue(row, "long_term_pic_num", 31, clause)


def pred_weight_table(c, s, kind, sps):
    """7.3.3.2, 7.4.3.2"""
    clause, t = "H.264 7.4.3.2", {} if c.reading else vars(s["pred_weight_table"])
    c.ue(t, "luma_log2_weight_denom", 7, clause)
    if sps.ChromaArrayType:
        c.ue(t, "chroma_log2_weight_denom", 7, clause)
    for name in ("l0", "l1") if kind == B else ("l0",):
        for row in c.rows(t, name, Weight, s[f"num_ref_idx_{name}_active_minus1"] + 1):
            weight(c, row, t, sps, clause)
    if c.reading:
        s["pred_weight_table"] = structure(PredWeightTable, t)


def weight(c, row, t, sps, clause):
    """The elements of one reference in 7.3.3.2."""
    if c.reading:
        chroma = 1 << t.get("chroma_log2_weight_denom", 0)
        row.update(
            luma_weight=1 << t["luma_log2_weight_denom"],
            luma_offset=0,
            chroma_weight_flag=0,
            chroma_weight=(chroma,) * 2,
            chroma_offset=(0, 0),
        )
    if c.u(row, "luma_weight_flag", 1, clause):
        c.se(row, "luma_weight", -128, 127, clause)
        c.se(row, "luma_offset", -128, 127, clause)
    if sps.ChromaArrayType and c.u(row, "chroma_weight_flag", 1, clause):
        pairs = []
        for j in range(2):
            one = (
                {}
                if c.reading
                else {"chroma_weight": row["chroma_weight"][j], "chroma_offset": row["chroma_offset"][j]}
            )
            pairs.append((c.se(one, "chroma_weight", -128, 127, clause), c.se(one, "chroma_offset", -128, 127, clause)))
        if c.reading:
            row["chroma_weight"], row["chroma_offset"] = zip(*pairs)


def dec_ref_pic_marking(c, s):
    """7.3.3.3, 7.4.3.3"""
    clause = "H.264 7.4.3.3"
    if s["nal_unit_type"] == IDR:
        c.u(s, "no_output_of_prior_pics_flag", 1, clause)
        c.u(s, "long_term_reference_flag", 1, clause)
        return
    if not c.u(s, "adaptive_ref_pic_marking_mode_flag", 1, clause):
        return
    name = "memory_management_control_operation"
    # Our own bound for hostile data: 32 fields are unmarked and made long-term, and the largest index is set.
    for row in c.rows(s, f"{name}s", MemoryManagement, until=(name, 0), limit=72, clause=clause):
        operation = c.ue(row, name, 6, clause)
        if operation in (1, 3):
            c.ue(row, "difference_of_pic_nums_minus1", MAX_UE, clause)
        if operation == 2:
            c.ue(row, "long_term_pic_num", 31, clause)
        if operation in (3, 6):
            c.ue(row, "long_term_frame_idx", 15, clause)
        if operation == 4:
            c.ue(row, "max_long_term_frame_idx_plus1", 16, clause)


def quantizer_and_filter(c, s, kind, sps, pps):
    """7.3.3, from slice_qp_delta to slice_beta_offset_div2."""
    base = 26 + pps.pic_init_qp_minus26
    c.se(s, "slice_qp_delta", -sps.QpBdOffsetY - base, 51 - base, CLAUSE)
    if kind in (SP, SI):
        if kind == SP:
            c.u(s, "sp_for_switch_flag", 1, CLAUSE)
        base = 26 + pps.pic_init_qs_minus26
        c.se(s, "slice_qs_delta", -base, 51 - base, CLAUSE)
    if pps.deblocking_filter_control_present_flag and c.ue(s, "disable_deblocking_filter_idc", 2, CLAUSE) != 1:
        c.se(s, "slice_alpha_c0_offset_div2", -6, 6, CLAUSE)
        c.se(s, "slice_beta_offset_div2", -6, 6, CLAUSE)


def read_slice_header(nal, find):
    """Read the header of a coded slice (types 1 and 5), or of a slice data partition A (type 2) with its slice_id.

    Parameters
    ----------
    nal : codec.h264.stream.nal.NalUnit
    find : ParameterSets.find

    Returns
    -------
    (SliceHeader, SPS, PPS, int)
        The int is the offset in bits of slice_data in `nal.rbsp`.
    """
    c = Reader(nal.rbsp, nal.layer("slice_header"), nal.place)
    s = {**INFERRED, "nal_unit_type": nal.nal_unit_type, "nal_ref_idc": nal.nal_ref_idc}
    if s["nal_unit_type"] == IDR and not s["nal_ref_idc"]:
        raise c.error("nal_ref_idc is 0 in an IDR picture", "H.264 7.4.1")
    sps, pps = slice_header(c, s, find)
    return structure(SliceHeader, s), sps, pps, c.bit


def write_slice_header(header, sps, pps):
    """A Writer with the header written, ready for slice_data."""
    c = Writer("slice_header")
    slice_header(c, vars(header), lambda number, error: (sps, pps))
    return c
