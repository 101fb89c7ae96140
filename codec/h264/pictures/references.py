"""Reference picture lists (8.2.4): the picture for each refIdx.

A picture is (FrameStore, fields), where fields is TOP, BOTTOM or FRAME. None in a list is "no reference picture".
"""

from operator import attrgetter

from ..stream.slice_header import SI, B, I

TOP, BOTTOM, FRAME = 1, 2, 3  # FRAME is TOP | BOTTOM
# Sort keys for frames.
ORDER, SHORT_TERM, LONG_TERM = map(attrgetter, ("order", "FrameNumWrap", "LongTermFrameIdx"))


def fields_of(header):
    """TOP, BOTTOM or FRAME: the structure of the picture of a slice."""
    return FRAME if not header.field_pic_flag else BOTTOM if header.bottom_field_flag else TOP


def assign_FrameNumWrap(frames, frame_num, MaxFrameNum):
    """(8-27), for all frames with a short-term reference field."""
    for frame in frames:
        if frame.short:
            frame.FrameNumWrap = frame.frame_num - (MaxFrameNum if frame.frame_num > frame_num else 0)


def find_short(frames, picNum, fields):
    """The short-term reference picture with PicNum `picNum` (8.2.4.1), seen from a picture of `fields`, or None."""
    for frame in frames:
        if fields == FRAME:
            if frame.short == FRAME and frame.FrameNumWrap == picNum:
                return frame, FRAME
        elif frame.short and frame.FrameNumWrap == picNum >> 1:
            parity = fields if picNum & 1 else FRAME - fields  # 2 * FrameNumWrap + 1 has the same parity (8-30)
            if frame.short & parity:
                return frame, parity
    return None


def find_long(frames, LongTermPicNum, fields):
    """The long-term reference picture with this LongTermPicNum (8.2.4.1), seen from a picture of `fields`, or None."""
    for frame in frames:
        if fields == FRAME:
            if frame.long == FRAME and frame.LongTermFrameIdx == LongTermPicNum:
                return frame, FRAME
        elif frame.long and frame.LongTermFrameIdx == LongTermPicNum >> 1:
            parity = fields if LongTermPicNum & 1 else FRAME - fields
            if frame.long & parity:
                return frame, parity
    return None


def by_order(frames, PicOrderCnt, order_of):
    """Frames up to PicOrderCnt in descending order, and those after it in ascending order (8.2.4.2.3, 8.2.4.2.4)."""
    before = sorted([frame for frame in frames if order_of(frame) <= PicOrderCnt], key=order_of, reverse=True)
    return before, sorted([frame for frame in frames if order_of(frame) > PicOrderCnt], key=order_of)


def alternate(frames, marking, fields):
    """8.2.4.2.5: the fields of a list of frames with alternating parity, starting with the parity of the slice. When
    one parity runs out, the remaining fields of the other follow.
    """
    same = [(frame, fields) for frame in frames if getattr(frame, marking) & fields]
    other = [(frame, FRAME - fields) for frame in frames if getattr(frame, marking) & (FRAME - fields)]
    paired = min(len(same), len(other))
    found = [picture for pair in zip(same, other) for picture in pair]
    return found + same[paired:] + other[paired:]


def initial_lists(frames, current, header, sps):
    """8.2.4.2: (RefPicList0, RefPicList1) before modification and truncation; RefPicList1 is empty except in B slices.

    Parameters
    ----------
    frames : list of FrameStore
        Those with a reference field, in any order; for a second field, with the frame of the first.
    current : FrameStore
        The frame in progress, for its order count.
    """
    fields = fields_of(header)
    if fields == FRAME:
        shorts = [frame for frame in frames if frame.short == FRAME]
        longs = [(frame, FRAME) for frame in sorted([frame for frame in frames if frame.long == FRAME], key=LONG_TERM)]
    else:
        shorts = [frame for frame in frames if frame.short]
        longs = alternate(sorted([frame for frame in frames if frame.long], key=LONG_TERM), "long", fields)
    pictures = (
        (lambda some: [(frame, FRAME) for frame in some])
        if fields == FRAME
        else (lambda some: alternate(some, "short", fields))
    )
    if header.kind != B:
        return pictures(sorted(shorts, key=SHORT_TERM, reverse=True)) + longs, []
    if sps.pic_order_cnt_type == 0:
        shorts = [frame for frame in shorts if not frame.non_existing]  # no order count
    # The frame of the first field counts with that field only (8.2.4.2.4).
    order_of = (
        ORDER
        if fields == FRAME
        else lambda frame: frame.field_order(FRAME - fields) if frame is current else frame.order
    )
    before, after = by_order(shorts, current.field_order(fields), order_of)
    list0, list1 = pictures(before + after) + longs, pictures(after + before) + longs
    if len(list1) > 1 and list0 == list1:
        list1[0], list1[1] = list1[1], list1[0]
    return list0, list1


def modified(initial, rows, frames, header, sps, active):
    """8.2.4.3: apply ref_pic_list_modification to an initial list.

    Returns
    -------
    (list, int)
        `active` entries, and the number of steps that name a missing picture.
    """
    found = (initial + [None] * active)[:active]
    if not rows:
        return found, 0
    fields, MaxPicNum = fields_of(header), header.MaxPicNum(sps)
    CurrPicNum = picNumPred = header.CurrPicNum(sps)
    missing = 0
    for refIdx, row in enumerate(rows[:active]):
        if row.modification_of_pic_nums_idc == 2:
            picture = find_long(frames, row.long_term_pic_num, fields)
        else:
            step = row.abs_diff_pic_num_minus1 + 1
            picNumPred = (picNumPred + (step if row.modification_of_pic_nums_idc else -step)) % MaxPicNum
            picture = find_short(frames, picNumPred - (MaxPicNum if picNumPred > CurrPicNum else 0), fields)
        missing += picture is None
        # Insert it at refIdx, and remove its duplicate after that (8-37, 8-38).
        found = (found[:refIdx] + [picture] + [other for other in found[refIdx:] if other is None or other != picture])[
            :active
        ]
    return found, missing


def lists_key(header):
    """Slices of a picture with equal keys have equal reference lists."""
    return (header.kind, header.num_ref_idx_l0_active_minus1, header.ref_pic_list_modification_l0,
        header.num_ref_idx_l1_active_minus1, header.ref_pic_list_modification_l1)  # fmt: skip


def reference_lists(frames, current, header, sps):
    """(RefPicList0, RefPicList1, missing) of a slice; `missing` counts modifications that name a missing picture."""
    if header.kind in (I, SI):
        return [], [], 0
    list0, list1 = initial_lists(frames, current, header, sps)
    list0, missing0 = modified(
        list0, header.ref_pic_list_modification_l0, frames, header, sps, header.num_ref_idx_l0_active_minus1 + 1
    )
    if header.kind != B:
        return list0, [], missing0
    list1, missing1 = modified(
        list1, header.ref_pic_list_modification_l1, frames, header, sps, header.num_ref_idx_l1_active_minus1 + 1
    )
    return list0, list1, missing0 + missing1
