"""Parameters of a slice, from parameter sets, slice header and reference lists into a SliceContext: for whoever codes
it, in either direction."""
from libc.stdint cimport int8_t
from libc.string cimport memcpy, memset

from codec.h264.macroblock._kernels cimport h264_dsp
from codec.h264.macroblock._scaling cimport QPS
from codec.h264.macroblock._slice cimport (
    SLICE_B, SLICE_I, SLICE_P, SLICE_SI, SLICE_SP, SWITCH_NONE, SWITCH_PRIMARY, SWITCH_SECONDARY, Reference,
    SequenceParams, SliceContext, Weight,
)
from codec.h264.pictures._picture cimport NO_REFERENCE, Picture, PictureData, SliceInfo
from codec.h264.tables.values cimport H264_TABLE_8_15_QPC

from ... import cpu
from ._scaling import scaling_of
from ...errors import BitstreamError, ParameterError, UnsupportedError


cdef class SliceSetup:
    """Sets up the slices of a sequence; holds what many of them share."""

    def __cinit__(self):
        self.scaling = self.sets = None
        self.level = cpu.level_index()

    cdef int setup(self, SliceContext *s, header, sps, pps, Picture picture, lists) except -1:
        """All of SequenceParams, SliceParams and References that these determine. The picture has the format of the
        SPS; lists: RefPicList0 and RefPicList1 of (Picture, parity) or None."""
        self._set_sequence(sps, pps, &picture.data)
        s.seq = self.seq
        s.pic = &picture.data
        self._set_slice(s, header, sps, pps)
        self._set_references(s, picture, lists, header)
        self._set_weights(s, header.pred_weight_table)
        return 0

    cdef int _set_scaling(self, lists) except -1:
        cdef int k
        cdef SequenceParams *seq = &self.seq
        if self.scaling is None or self.scaling.lists != lists:
            self.scaling = scaling_of(lists)
        for k in range(6):
            seq.scale4[k] = self.scaling.scale4 + k * QPS * 16
            seq.scale8[k] = self.scaling.scale8 + k * QPS * 64
        return 0

    cdef int _set_sequence(self, sps, pps, PictureData *p) except -1:
        cdef SequenceParams *seq = &self.seq
        cdef int i, c, qpi
        if self.sets is not None and self.sets[0] is sps and self.sets[1] is pps:
            return 0
        self.sets = None
        seq.mb_width = p.mb_width
        seq.ChromaArrayType = sps.ChromaArrayType
        seq.pixel_shift = p.pixel_shift
        for i in range(2):
            seq.bit_depth[i] = p.bit_depth[i]
            seq.max_sample[i] = (1 << p.bit_depth[i]) - 1
            seq.QpBdOffset[i] = 6 * (p.bit_depth[i] - 8)
        seq.chroma_width = 0 if seq.ChromaArrayType == 0 else 16 if seq.ChromaArrayType == 3 else 8
        seq.chroma_height = 0 if seq.ChromaArrayType == 0 else 8 if seq.ChromaArrayType == 1 else 16
        for c in range(3):
            seq.mb_lines[c] = seq.chroma_height if c else 16
            seq.mb_bytes[c] = (seq.chroma_width if c else 16) << seq.pixel_shift
        seq.qpprime_y_zero_transform_bypass_flag = sps.qpprime_y_zero_transform_bypass_flag
        seq.direct_8x8_inference_flag = sps.direct_8x8_inference_flag
        seq.entropy_coding_mode_flag = pps.entropy_coding_mode_flag
        seq.transform_8x8_mode_flag = pps.transform_8x8_mode_flag
        seq.constrained_intra_pred_flag = pps.constrained_intra_pred_flag
        for c, offset in enumerate((pps.chroma_qp_index_offset, pps.Cr_qp_index_offset)):
            for i in range(128):                        # (8-309) and Table 8-15
                qpi = min(max(i - 64 + <int>offset, -seq.QpBdOffset[1]), 51)
                seq.qpc_table[c][i] = <int8_t>(H264_TABLE_8_15_QPC[qpi] if qpi >= 0 else qpi)
        seq.dsp = h264_dsp(p.pixel_shift, self.level)
        self._set_scaling(pps.scaling_lists(sps))
        self.sets = sps, pps
        return 0

    cdef int _set_switching(self, SliceContext *s, header, pps) except -1:
        """slice_type, and the parameters of SP and SI slices (8.6)."""
        cdef int c, kind = header.slice_type % 5
        s.slice.slice_type = SLICE_P if kind == SLICE_SP else SLICE_I if kind == SLICE_SI else kind
        s.slice.si_slice = kind == SLICE_SI
        s.slice.switching = SWITCH_NONE
        if kind < SLICE_SP:
            return 0
        flat = all([set(row) == {16} for row in self.scaling.lists])
        if s.seq.ChromaArrayType != 1 or s.seq.pixel_shift or s.seq.transform_8x8_mode_flag or not flat:
            raise UnsupportedError(
                "SP and SI slices are decoded as in the Extended profile: 4:2:0, 8 bits, no 8x8 transform or matrices"
            )
        if s.slice.si_slice and s.seq.entropy_coding_mode_flag:
            raise UnsupportedError("SI slices coded with CABAC, which no profile allows, are not decoded")
        s.slice.switching = SWITCH_SECONDARY if s.slice.si_slice or header.sp_for_switch_flag else SWITCH_PRIMARY
        s.slice.qs = 26 + pps.pic_init_qs_minus26 + header.slice_qs_delta
        if not 0 <= s.slice.qs <= 51:
            raise BitstreamError(f"QSY is {s.slice.qs}", layer="slice header", clause="H.264 7.4.3")
        for c in range(2):
            s.slice.qs_c[c] = s.seq.qpc_table[c][s.slice.qs + 64]
        return 0

    cdef int _set_slice(self, SliceContext *s, header, sps, pps) except -1:
        cdef SliceInfo *info
        self._set_switching(s, header, pps)
        s.slice.field_pic_flag, s.slice.bottom_field_flag = header.field_pic_flag, header.bottom_field_flag
        s.slice.MbaffFrameFlag = sps.mb_adaptive_frame_field_flag and not header.field_pic_flag
        # written with the first slice alone: other threads read them later
        if s.pic.coded_as_fields != s.slice.field_pic_flag or s.pic.mbaff != s.slice.MbaffFrameFlag:
            s.pic.coded_as_fields, s.pic.mbaff = s.slice.field_pic_flag, s.slice.MbaffFrameFlag
        s.slice.pic_mbs = s.pic.mb_count >> s.slice.field_pic_flag
        s.slice.colour_plane = header.colour_plane_id if s.pic.separate_planes else 0
        s.slice.direct_spatial_mv_pred_flag = header.direct_spatial_mv_pred_flag
        s.slice.SliceQPY = 26 + pps.pic_init_qp_minus26 + header.slice_qp_delta
        if not -s.seq.QpBdOffset[0] <= s.slice.SliceQPY <= 51:
            raise BitstreamError(f"SliceQPY is {s.slice.SliceQPY}", layer="slice header", clause="H.264 7.4.3")
        if not 0 <= s.slice.colour_plane <= 2:
            raise BitstreamError(
                f"colour_plane_id is {s.slice.colour_plane}", layer="slice header", clause="H.264 7.4.3"
            )
        s.slice.weight_mode = 0
        if s.slice.slice_type == SLICE_P:
            s.slice.weight_mode = pps.weighted_pred_flag
        elif s.slice.slice_type == SLICE_B:
            s.slice.weight_mode = pps.weighted_bipred_idc
        info = &s.slice.info
        info.disable_deblocking_filter_idc = header.disable_deblocking_filter_idc
        info.FilterOffsetA, info.FilterOffsetB = header.FilterOffsetA, header.FilterOffsetB
        info.slice_type = header.slice_type % 5
        info.chroma_qp_index_offset[0] = pps.chroma_qp_index_offset
        info.chroma_qp_index_offset[1] = pps.Cr_qp_index_offset
        return 0

    cdef int _set_reference(self, Reference *r, Picture picture, int parity, int current) except -1:
        """`parity`: 0 frame, 1 top field, 2 bottom field; `current`: the same for what is predicted from it."""
        cdef PictureData *p = &picture.data
        cdef int c
        r.picture = p
        r.parity = parity
        r.id = p.unique * 4 + parity
        r.poc = min(p.poc[0], p.poc[1]) if parity == 0 else p.poc[parity - 1]
        r.field = parity != 0
        r.height[0], r.height[1] = p.height[0] >> r.field, p.height[1] >> r.field
        r.stride[0], r.stride[1] = p.stride[0] << r.field, p.stride[1] << r.field
        r.chroma_shift = 2 * (current - parity)
        r.long_term = p.long_term == 3 if parity == 0 else p.long_term >> (parity - 1) & 1
        for c in range(3):
            r.plane[c] = p.plane[c] + p.stride[c] if parity == 2 and p.plane[c] != NULL else p.plane[c]
        return 0

    cdef int _set_references(self, SliceContext *s, Picture picture, lists, header) except -1:
        cdef int list, i, kind, current = 1 + s.slice.bottom_field_flag if s.slice.field_pic_flag else 0
        cdef object entry
        self._set_missing(s, 1, 0)                      # P slices have no list 1, and no colocated picture
        for list in range(2):
            count = 0
            if s.slice.slice_type == SLICE_B or (s.slice.slice_type == SLICE_P and list == 0):
                count = (header.num_ref_idx_l1_active_minus1 if list else header.num_ref_idx_l0_active_minus1) + 1
            if count > (32 if s.slice.field_pic_flag else 16):
                raise BitstreamError(f"{count} active references", layer="slice header", clause="H.264 7.4.3")
            s.slice.num_ref_idx_active[list] = count
            pictures = lists[list]
            for i in range(s.slice.num_ref_idx_active[list]):
                entry = pictures[i] if i < len(pictures) else None
                if entry is None:
                    self._set_missing(s, list, i)
                    continue
                if (<Picture?>entry[0]).key != picture.key or not 0 <= entry[1] <= 2:
                    raise ParameterError("a reference picture has another format")
                self._set_reference(&s.refs.entry[0][list][i], entry[0], entry[1], current)
                if s.slice.MbaffFrameFlag:
                    # 8.4.2.1: the fields of each frame, the one of the same parity first
                    for kind in range(1, 3):
                        self._set_reference(&s.refs.entry[kind][list][2 * i], entry[0], kind, kind)
                        self._set_reference(&s.refs.entry[kind][list][2 * i + 1], entry[0], 3 - kind, kind)
        memcpy(s.slice.poc, s.pic.poc, sizeof(s.slice.poc))
        if s.refs.entry[0][1][0].picture != NULL:
            memcpy(s.slice.col_poc, s.refs.entry[0][1][0].picture.poc, sizeof(s.slice.col_poc))
        return 0

    cdef void _set_missing(self, SliceContext *s, int list, int i) noexcept:
        """No picture for this reference index, nor for the two indices of field macroblocks."""
        cdef int kind, first, count
        for kind in range(3 if s.slice.MbaffFrameFlag else 1):
            count = 2 if kind else 1
            first = count * i
            memset(&s.refs.entry[kind][list][first], 0, count * sizeof(Reference))
            s.refs.entry[kind][list][first].id = s.refs.entry[kind][list][first + count - 1].id = NO_REFERENCE

    cdef int _set_weights(self, SliceContext *s, table) except -1:
        cdef int list, i, c
        cdef Weight *w
        if s.slice.weight_mode != 1:
            return 0
        memset(s.refs.weights, 0, sizeof(s.refs.weights))
        if table is None:
            return 0
        s.slice.luma_log2_weight_denom = table.luma_log2_weight_denom
        s.slice.chroma_log2_weight_denom = table.chroma_log2_weight_denom
        for list, rows in enumerate((table.l0, table.l1)):
            for i, row in enumerate(rows[:32]):
                w = &s.refs.weights[list][i]
                w.flag = bool(row.luma_weight_flag or (row.chroma_weight_flag and s.seq.ChromaArrayType))
                w.weight[0], w.offset[0] = row.luma_weight, row.luma_offset << (s.seq.bit_depth[0] - 8)
                for c in range(2 if s.seq.ChromaArrayType else 0):
                    w.weight[1 + c] = row.chroma_weight[c]
                    w.offset[1 + c] = row.chroma_offset[c] << (s.seq.bit_depth[1] - 8)
        return 0
