"""The order of pictures: where one ends and the next begins (7.4.1.2.4), and picture order counts (8.2.1)."""


def is_new_picture(before, header, sps):
    """Whether a slice is the first of a new primary coded picture (7.4.1.2.4).

    Parameters
    ----------
    before, header : SliceHeader
        Those of the slice before and of the slice; neither belongs to a redundant coded picture.
    sps : SPS
        That of the slice.
    """
    if (
        before.frame_num, before.pic_parameter_set_id, before.field_pic_flag, before.bottom_field_flag,
        before.IdrPicFlag,
    ) != (
        header.frame_num, header.pic_parameter_set_id, header.field_pic_flag, header.bottom_field_flag,
        header.IdrPicFlag,
    ):  # fmt: skip
        return True
    if before.nal_ref_idc != header.nal_ref_idc and 0 in (before.nal_ref_idc, header.nal_ref_idc):
        return True
    if header.IdrPicFlag and before.idr_pic_id != header.idr_pic_id:
        return True
    if sps.pic_order_cnt_type == 0:
        return (before.pic_order_cnt_lsb, before.delta_pic_order_cnt_bottom) != (
            header.pic_order_cnt_lsb,
            header.delta_pic_order_cnt_bottom,
        )
    return sps.pic_order_cnt_type == 1 and before.delta_pic_order_cnt != header.delta_pic_order_cnt


class PicOrderCnt:
    """Decodes picture order counts (8.2.1), and keeps the variables of the previous picture."""

    def __init__(self):
        self.prevPicOrderCntMsb = self.prevPicOrderCntLsb = self.prevFrameNumOffset = self.prevFrameNum = 0
        self._current = (0, 0)  # PicOrderCntMsb, FrameNumOffset of the picture in progress

    def decode(self, header, sps):
        """(TopFieldOrderCnt, BottomFieldOrderCnt); for a field, the count of the opposite parity is None.

        Call `done` before the next picture.
        """
        top, bottom = (self._type0, self._type1, self._type2)[sps.pic_order_cnt_type](header, sps)
        if not header.field_pic_flag:
            return top, bottom
        return (None, bottom) if header.bottom_field_flag else (top, None)

    def done(self, header, sps, TopFieldOrderCnt):
        """The picture is marked. TopFieldOrderCnt is the value after operation 5; None for a bottom field."""
        PicOrderCntMsb, FrameNumOffset = self._current
        if header.has_mmco5:
            self.prevFrameNumOffset = self.prevFrameNum = 0
            self.prevPicOrderCntMsb, self.prevPicOrderCntLsb = 0, 0 if header.bottom_field_flag else TopFieldOrderCnt
            return
        self.prevFrameNumOffset, self.prevFrameNum = FrameNumOffset, header.frame_num
        if header.nal_ref_idc and sps.pic_order_cnt_type == 0:
            self.prevPicOrderCntMsb, self.prevPicOrderCntLsb = PicOrderCntMsb, header.pic_order_cnt_lsb

    def _type0(self, header, sps):
        """8.2.1.1"""
        if header.IdrPicFlag:
            self.prevPicOrderCntMsb = self.prevPicOrderCntLsb = 0
        lsb, half = header.pic_order_cnt_lsb, sps.MaxPicOrderCntLsb // 2
        PicOrderCntMsb = self.prevPicOrderCntMsb
        if lsb < self.prevPicOrderCntLsb and self.prevPicOrderCntLsb - lsb >= half:
            PicOrderCntMsb += sps.MaxPicOrderCntLsb
        elif lsb > self.prevPicOrderCntLsb and lsb - self.prevPicOrderCntLsb > half:
            PicOrderCntMsb -= sps.MaxPicOrderCntLsb
        self._current = PicOrderCntMsb, 0
        top = PicOrderCntMsb + lsb
        return top, top + (0 if header.field_pic_flag else header.delta_pic_order_cnt_bottom)

    def _FrameNumOffset(self, header, sps):
        """(8-6), (8-11)"""
        if header.IdrPicFlag:
            FrameNumOffset = 0
        else:
            FrameNumOffset = self.prevFrameNumOffset + (sps.MaxFrameNum if self.prevFrameNum > header.frame_num else 0)
        self._current = 0, FrameNumOffset
        return FrameNumOffset

    def _type1(self, header, sps):
        """8.2.1.2"""
        FrameNumOffset = self._FrameNumOffset(header, sps)
        absFrameNum = FrameNumOffset + header.frame_num if sps.num_ref_frames_in_pic_order_cnt_cycle else 0
        if not header.nal_ref_idc and absFrameNum > 0:
            absFrameNum -= 1
        expected = 0
        if absFrameNum > 0:
            cycles, inside = divmod(absFrameNum - 1, sps.num_ref_frames_in_pic_order_cnt_cycle)
            expected = cycles * sps.ExpectedDeltaPerPicOrderCntCycle + sum(sps.offset_for_ref_frame[: inside + 1])
        if not header.nal_ref_idc:
            expected += sps.offset_for_non_ref_pic
        first, second = header.delta_pic_order_cnt
        if not header.field_pic_flag:
            top = expected + first
            return top, top + sps.offset_for_top_to_bottom_field + second
        return expected + first, expected + sps.offset_for_top_to_bottom_field + first

    def _type2(self, header, sps):
        """8.2.1.3"""
        FrameNumOffset = self._FrameNumOffset(header, sps)
        tempPicOrderCnt = 0 if header.IdrPicFlag else 2 * (FrameNumOffset + header.frame_num) - (not header.nal_ref_idc)
        return tempPicOrderCnt, tempPicOrderCnt
