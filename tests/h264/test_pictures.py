"""Picture order counts (8.2.1), reference lists (8.2.4), marking (8.2.5), output order (C.4), slice groups (8.2.2)."""

import dataclasses
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from codec.h264.pictures.dpb import DecodedPictureBuffer, FrameStore
from codec.h264.pictures.order import PicOrderCnt, is_new_picture
from codec.h264.pictures.references import BOTTOM, FRAME, TOP, assign_FrameNumWrap, reference_lists
from codec.h264.pictures.slice_groups import mb_to_slice_group_map
from codec.h264.stream.parameter_sets import PPS, SPS, Rectangle, RunLength
from codec.h264.stream.slice_header import B, I, MemoryManagement, Modification, P, SliceHeader

FRAMES = SPS(77, 30, 10, 8, max_num_ref_frames=4)  # MaxFrameNum 16
FIELDS = dataclasses.replace(FRAMES, frame_mbs_only_flag=0, max_num_ref_frames=4)


def header(frame_num=0, kind=P, idr=False, ref=1, **more):
    return SliceHeader(5 if idr else 1, ref, 0, kind, 0, frame_num, **more)


# ---------------------------------------------------------------- order counts


def counts(sps, headers):
    order, found = PicOrderCnt(), []
    for one in headers:
        top, bottom = order.decode(one, sps)
        found.append((top, bottom))
        order.done(one, sps, 0 if one.has_mmco5 and top is not None else top)
    return found


def test_type_0_counts_on_past_the_end_of_the_low_bits():
    lsbs = [0, 8, 4, 14, 2, 12, 10, 0, 8]  # MaxPicOrderCntLsb 16
    headers = [
        header(i, idr=not i, ref=i % 2 == 0, pic_order_cnt_lsb=lsb, delta_pic_order_cnt_bottom=1)
        for i, lsb in enumerate(lsbs)
    ]
    # Only every second picture is a reference, from which the next lsb is at most half a cycle away: 0, 4, 2, 10, 8.
    assert [top for top, _ in counts(FRAMES, headers)] == [0, 8, 4, -2, 2, -4, 10, 16, 8]
    assert all(bottom == top + 1 for top, bottom in counts(FRAMES, headers))


def test_type_0_after_memory_management_control_operation_5():
    five = (MemoryManagement(5),)
    headers = [header(0, idr=True), header(1, pic_order_cnt_lsb=8),
        header(2, pic_order_cnt_lsb=12, memory_management_control_operations=five),
               header(1, pic_order_cnt_lsb=2)]  # fmt: skip
    assert [top for top, _ in counts(FRAMES, headers)] == [0, 8, 12, 2]


def test_type_1_follows_the_cycle_of_the_sequence():
    sps = dataclasses.replace(FRAMES, pic_order_cnt_type=1, offset_for_non_ref_pic=-1, offset_for_top_to_bottom_field=1,
                              num_ref_frames_in_pic_order_cnt_cycle=2, offset_for_ref_frame=(2, 6))  # fmt: skip
    headers = [
        header(0, idr=True),
        header(1),
        header(2, ref=0),
        header(2, delta_pic_order_cnt=(3, 5)),
        header(3),
        header(4, ref=0),
    ]
    # absFrameNum 0, 1, 2 - 1, 2, 3, 4 - 1; the sums of the cycle 2, 6 are 0, 2, 2, 8, 10, 10.
    assert counts(sps, headers) == [(0, 1), (2, 3), (1, 2), (11, 17), (10, 11), (9, 10)]


def test_type_2_is_decoding_order():
    sps = dataclasses.replace(FRAMES, pic_order_cnt_type=2)
    headers = [header(0, idr=True)] + [header(i % 16, ref=i % 3 > 0) for i in range(1, 40)]
    found = [top for top, _ in counts(sps, headers)]
    assert found == [2 * i - (i % 3 == 0 and i > 0) for i in range(40)]


def test_fields_have_one_count_each():
    top = header(0, idr=True, field_pic_flag=1, pic_order_cnt_lsb=0)
    bottom = header(0, field_pic_flag=1, bottom_field_flag=1, pic_order_cnt_lsb=1)
    assert counts(FIELDS, [top, bottom]) == [(0, None), (None, 1)]


@pytest.mark.parametrize("change, new", [
    (dict(first_mb_in_slice=5, slice_type=I, slice_qp_delta=3, nal_ref_idc=2), False), (dict(frame_num=1), True),
    (dict(pic_parameter_set_id=1), True),
    (dict(nal_ref_idc=0), True), (dict(pic_order_cnt_lsb=2), True), (dict(delta_pic_order_cnt_bottom=1), True),
    (dict(nal_unit_type=5), True),
    (dict(field_pic_flag=1), True), (dict(delta_pic_order_cnt=(1, 0)), False), (dict(idr_pic_id=1), False),
])  # fmt: skip
def test_elements_that_separate_two_pictures(change, new):
    before = header()
    assert is_new_picture(before, dataclasses.replace(before, **change), FRAMES) is new


def test_two_idr_pictures_in_a_row_differ_by_their_number():
    before = header(idr=True)
    assert is_new_picture(before, dataclasses.replace(before, idr_pic_id=1), FRAMES)
    assert not is_new_picture(before, before, FRAMES)


# ---------------------------------------------------------------- a decoder of headers only


class Machine:
    """Marks, stores and builds lists as the decoder does, for frames and field pairs, without decoding slice data."""

    def __init__(self, sps, size=16):
        self.sps = sps
        self.order = PicOrderCnt()
        self.dpb = DecodedPictureBuffer(size, sps.max_num_ref_frames)
        self.out = []

    def open(self, one, into=None):
        store = into or FrameStore(types.SimpleNamespace(), one.frame_num)
        store.set_order(*self.order.decode(one, self.sps))
        return store

    def lists(self, one, store):
        references = self.dpb.references(store)
        assign_FrameNumWrap(references, one.frame_num, self.sps.MaxFrameNum)
        return reference_lists(references, store, one, self.sps)[:2]

    def close(self, one, store):
        store.fields |= (BOTTOM if one.bottom_field_flag else TOP) if one.field_pic_flag else FRAME
        if one.IdrPicFlag:
            self.out += self.dpb.flush()
        if one.nal_ref_idc:
            self.dpb.mark(store, one, self.sps)
        self.order.done(one, self.sps, store.TopFieldOrderCnt)
        if store.fields == FRAME:
            self.out += self.dpb.store(store)

    def frame(self, one):
        store = self.open(one)
        self.close(one, store)
        return store


def names(entries, stores):
    """A picture as text: '2' for a frame, '2t' and '2b' for its fields, '-' for no picture."""
    known = {id(store): str(i) for i, store in enumerate(stores)}
    return [known[id(entry[0])] + {FRAME: "", TOP: "t", BOTTOM: "b"}[entry[1]] if entry else "-" for entry in entries]


def test_lists_of_a_p_frame_are_by_frame_num_newest_first_then_long_term():
    m = Machine(FRAMES)
    make_long = (MemoryManagement(3, difference_of_pic_nums_minus1=0, long_term_frame_idx=1),)
    allow = (MemoryManagement(4, max_long_term_frame_idx_plus1=2),)
    stores = [m.frame(header(0, idr=True)), m.frame(header(1, pic_order_cnt_lsb=2))]
    stores.append(
        m.frame(
            header(
                2,
                pic_order_cnt_lsb=4,
                adaptive_ref_pic_marking_mode_flag=1,
                memory_management_control_operations=allow + make_long,
            )
        )
    )
    stores.append(m.frame(header(3, pic_order_cnt_lsb=6)))
    one = header(4, pic_order_cnt_lsb=8, num_ref_idx_l0_active_minus1=4)
    assert names(m.lists(one, m.open(one))[0], stores) == ["3", "2", "0", "1", "-"]
    assert stores[1].long == FRAME and stores[1].LongTermFrameIdx == 1


def test_frame_num_wraps():
    m = Machine(FRAMES)
    stores = [m.frame(header(i % 16, idr=not i, pic_order_cnt_lsb=2 * i % 16)) for i in range(18)]
    one = header(2, num_ref_idx_l0_active_minus1=3)
    assert names(m.lists(one, m.open(one))[0], stores) == ["17", "16", "15", "14"]


def test_lists_of_a_b_frame_are_by_order_count():
    m = Machine(FRAMES)
    stores = [m.frame(header(i, idr=not i, pic_order_cnt_lsb=lsb)) for i, lsb in enumerate((0, 6, 2, 4))]
    one = header(4, B, ref=0, pic_order_cnt_lsb=3, num_ref_idx_l0_active_minus1=3, num_ref_idx_l1_active_minus1=2)
    list0, list1 = m.lists(one, m.open(one))
    assert names(list0, stores) == ["2", "0", "3", "1"] and names(list1, stores) == ["3", "1", "2"]


def test_equal_lists_of_a_b_frame_are_made_different():
    m = Machine(FRAMES)
    stores = [m.frame(header(i, idr=not i, pic_order_cnt_lsb=lsb)) for i, lsb in enumerate((0, 2))]
    one = header(2, B, ref=0, pic_order_cnt_lsb=4, num_ref_idx_l0_active_minus1=1, num_ref_idx_l1_active_minus1=1)
    list0, list1 = m.lists(one, m.open(one))
    assert names(list0, stores) == ["1", "0"] and names(list1, stores) == ["0", "1"]


def test_modification_moves_pictures_to_the_front():
    m = Machine(FRAMES)
    stores = [m.frame(header(i, idr=not i, pic_order_cnt_lsb=2 * i)) for i in range(4)]
    # From CurrPicNum 4: 4 - 3 is picture 1, then 1 + 2 is picture 3.
    rows = (Modification(0, 2), Modification(1, 1))
    one = header(
        4,
        pic_order_cnt_lsb=8,
        num_ref_idx_l0_active_minus1=3,
        ref_pic_list_modification_flag_l0=1,
        ref_pic_list_modification_l0=rows,
    )
    assert names(m.lists(one, m.open(one))[0], stores) == ["1", "3", "2", "0"]
    twice = dataclasses.replace(
        one, num_ref_idx_l0_active_minus1=5, ref_pic_list_modification_l0=(Modification(0, 15), Modification(0, 0))
    )
    # 4 - 16 wraps to 4, which is not a reference; then 3.
    assert names(m.lists(twice, m.open(one))[0], stores) == ["-", "3", "2", "1", "0", "-"]


def field(frame_num, bottom, lsb, kind=P, **more):
    return header(frame_num, kind, field_pic_flag=1, bottom_field_flag=bottom, pic_order_cnt_lsb=lsb, **more)


def pair(m, frame_num, lsb, idr=False):
    first = field(frame_num, 0, lsb, idr=idr)
    store = m.open(first)
    m.close(first, store)
    second = field(frame_num, 1, lsb + 1)
    m.open(second, store)
    m.close(second, store)
    return store


def test_lists_of_fields_alternate_and_begin_with_their_own_parity():
    m = Machine(FIELDS)
    stores = [pair(m, 0, 0, True), pair(m, 1, 2), pair(m, 2, 4)]
    first = field(3, 0, 6, num_ref_idx_l0_active_minus1=5)
    store = m.open(first)
    assert names(m.lists(first, store)[0], stores) == ["2t", "2b", "1t", "1b", "0t", "0b"]
    m.close(first, store)
    second = field(3, 1, 7, num_ref_idx_l0_active_minus1=6)
    m.open(second, store)
    # The second field refers to the first one of its own frame.
    assert names(m.lists(second, store)[0], [*stores, store]) == ["2b", "3t", "1b", "2t", "0b", "1t", "0t"]


def test_lists_of_b_fields_are_by_order_count_of_frames():
    m = Machine(FIELDS)
    stores = [pair(m, 0, 0, True), pair(m, 1, 8)]
    one = field(2, 0, 4, B, ref=0, num_ref_idx_l0_active_minus1=3, num_ref_idx_l1_active_minus1=3)
    list0, list1 = m.lists(one, m.open(one))
    assert names(list0, stores) == ["0t", "0b", "1t", "1b"] and names(list1, stores) == ["1t", "1b", "0t", "0b"]


def test_single_fields_can_be_unmarked_and_named():
    m = Machine(FIELDS)
    stores = [pair(m, 0, 0, True), pair(m, 1, 2)]
    drop = (
        MemoryManagement(1, difference_of_pic_nums_minus1=4 - 1),
    )  # CurrPicNum 2 * 2 + 1 = 5; 1 = 2 * 0 + 1: same parity of frame 0
    first = field(2, 0, 4, adaptive_ref_pic_marking_mode_flag=1, memory_management_control_operations=drop)
    stores.append(m.open(first))
    m.close(first, stores[2])
    assert stores[0].short == BOTTOM
    second = field(
        2,
        1,
        5,
        num_ref_idx_l0_active_minus1=3,
        ref_pic_list_modification_flag_l0=1,
        ref_pic_list_modification_l0=(Modification(0, 3),),
    )
    m.open(second, stores[2])
    # 5 - 4 = 1: the field of frame 0 with the same parity, the bottom one.
    assert names(m.lists(second, stores[2])[0], stores) == ["0b", "1b", "2t", "1t"]


# ---------------------------------------------------------------- marking


def test_the_window_slides_over_the_oldest():
    m = Machine(FRAMES)
    stores = [m.frame(header(i, idr=not i, pic_order_cnt_lsb=2 * i)) for i in range(6)]
    assert [store.short for store in stores] == [0, 0, FRAME, FRAME, FRAME, FRAME]


def test_operations_on_long_term_pictures():
    m = Machine(FRAMES)
    stores = [m.frame(header(0, idr=True, long_term_reference_flag=1))]
    assert stores[0].long == FRAME and m.dpb.MaxLongTermFrameIdx == 0

    def adaptive(frame_num, *rows):
        stores.append(m.frame(header(frame_num, pic_order_cnt_lsb=2 * frame_num, adaptive_ref_pic_marking_mode_flag=1,
                                     memory_management_control_operations=rows)))  # fmt: skip

    adaptive(1, MemoryManagement(4, max_long_term_frame_idx_plus1=3), MemoryManagement(6, long_term_frame_idx=2))
    assert stores[1].long == FRAME and stores[1].LongTermFrameIdx == 2
    adaptive(2, MemoryManagement(6, long_term_frame_idx=2))  # takes the index over from the other
    assert not stores[1].long and stores[2].long == FRAME
    adaptive(3, MemoryManagement(2, long_term_pic_num=0))
    assert not stores[0].long and stores[3].short == FRAME
    adaptive(4, MemoryManagement(4, max_long_term_frame_idx_plus1=2))  # index 2 is no longer allowed
    assert not stores[2].long
    adaptive(5, MemoryManagement(5))
    assert [store.short for store in stores] == [0, 0, 0, 0, 0, FRAME] and m.dpb.MaxLongTermFrameIdx == -1


@examples(200)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 5), st.integers(0, 3)), max_size=30),
    st.integers(0, 4),
    st.booleans(),
)
def test_no_stream_makes_the_buffer_grow_and_every_frame_leaves_once(steps, max_num_ref_frames, with_idr):
    """Random marking, legal or not: memory stays bounded, and every frame is output."""
    m = Machine(dataclasses.replace(FRAMES, max_num_ref_frames=max_num_ref_frames), size=max(max_num_ref_frames, 2))
    stores = [m.frame(header(0, idr=True))]
    for i, (ref, operation, difference, index) in enumerate(steps, 1):
        row = MemoryManagement(operation, difference, index, index, index)
        idr = with_idr and i % 7 == 0
        one = header(i % 16, P, idr, ref or idr, pic_order_cnt_lsb=2 * (i ^ 1) % 16,
            adaptive_ref_pic_marking_mode_flag=int(operation > 0 and not idr),
                     memory_management_control_operations=(row,) if operation else ())  # fmt: skip
        stores.append(m.frame(one))
        assert len(m.dpb.frames) <= m.dpb.size and len(m.dpb.references()) <= m.dpb.max_num_ref_frames
        assert all(not store.short & store.long for store in stores)
    m.out += m.dpb.flush()
    assert sorted(map(id, m.out)) == sorted(map(id, stores)) and m.dpb.frames == []


# ---------------------------------------------------------------- output


def test_output_is_by_order_count_when_there_is_no_room():
    m = Machine(dataclasses.replace(FRAMES, max_num_ref_frames=1), size=2)
    stores = [
        m.frame(header(i, idr=not i, ref=i % 2 == 0, pic_order_cnt_lsb=lsb)) for i, lsb in enumerate((0, 4, 2, 8, 6))
    ]
    m.out += m.dpb.flush()
    assert [store.order for store in m.out] == [0, 2, 4, 6, 8] and len(stores) == 5


def test_a_non_reference_picture_that_is_first_is_output_at_once():
    m = Machine(dataclasses.replace(FRAMES, max_num_ref_frames=1), size=1)
    m.frame(header(0, idr=True))
    first = m.frame(header(1, ref=0, pic_order_cnt_lsb=2))
    assert [store.order for store in m.out] == [0, 2] and first not in m.dpb.frames


def test_num_reorder_frames_allows_early_output():
    dpb = DecodedPictureBuffer(8, 4, num_reorder_frames=1)
    out = []
    for order in (0, 8, 4, 16, 12):
        store = FrameStore(types.SimpleNamespace(), 0)
        store.set_order(order, order)
        store.short = FRAME
        out.append([one.order for one in dpb.store(store)])
    assert out == [[], [0], [4], [8], [12]]


# ---------------------------------------------------------------- slice groups


def naive_map(kind, header, sps, pps):
    """8.2.2.1 to 8.2.2.7 with the loops and equations of the standard, one map unit at a time."""
    width, height, n = sps.PicWidthInMbs, sps.PicHeightInMapUnits, pps.num_slice_groups_minus1
    size = width * height
    found = [1 if kind == 3 else n] * size
    units0 = min(header.slice_group_change_cycle * (pps.slice_group_change_rate_minus1 + 1), size)
    upper_left = size - units0 if pps.slice_group_change_direction_flag else units0
    if kind == 0:
        i = 0
        while i < size:
            for group in range(n + 1):
                run = pps.run_lengths[group].run_length_minus1 + 1
                for j in range(run):
                    if i + j < size:
                        found[i + j] = group
                i += run
                if i >= size:
                    break
    for i in range(size):
        if kind == 1:
            found[i] = ((i % width) + (((i // width) * (n + 1)) // 2)) % (n + 1)
        elif kind == 4:
            found[i] = (
                pps.slice_group_change_direction_flag if i < upper_left else 1 - pps.slice_group_change_direction_flag
            )
        elif kind == 6:
            found[i] = pps.slice_group_id[i]
    if kind == 2:
        for group in range(n - 1, -1, -1):
            row = pps.rectangles[group]
            for y in range(row.top_left // width, row.bottom_right // width + 1):
                for x in range(row.top_left % width, row.bottom_right % width + 1):
                    found[y * width + x] = group
    if kind == 5:
        k = 0
        for x in range(width):
            for y in range(height):
                found[y * width + x] = (
                    pps.slice_group_change_direction_flag
                    if k < upper_left
                    else 1 - pps.slice_group_change_direction_flag
                )
                k += 1
    return found


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from((0, 1, 2, 4, 5, 6)), st.data())
def test_slice_groups_are_those_of_the_equations(width, height, kind, data):
    sps = SPS(66, 30, width - 1, height - 1)
    size = width * height
    groups = 1 if kind in (4, 5) else data.draw(st.integers(1, 7))
    number = st.integers(0, size - 1)
    corners = [
        sorted((data.draw(st.integers(0, m - 1)), data.draw(st.integers(0, m - 1))))
        for _ in range(groups)
        for m in (width, height)
    ]
    pps = PPS(
        num_slice_groups_minus1=groups, slice_group_map_type=kind,
        run_lengths=tuple(RunLength(data.draw(number)) for _ in range(groups + 1)),
        rectangles=tuple(
            Rectangle(y[0] * width + x[0], y[1] * width + x[1]) for x, y in zip(corners[::2], corners[1::2])
        ),
        slice_group_change_direction_flag=data.draw(st.integers(0, 1)),
        slice_group_change_rate_minus1=data.draw(number),
        slice_group_id=tuple(data.draw(st.integers(0, groups)) for _ in range(size)),
    )  # fmt: skip
    one = header(slice_group_change_cycle=data.draw(st.integers(0, size)))
    assert mb_to_slice_group_map(one, sps, pps).tolist() == naive_map(kind, one, sps, pps)


def test_the_box_goes_out_from_the_middle():
    sps = SPS(66, 30, 4, 4)
    for direction in (0, 1):
        pps = PPS(num_slice_groups_minus1=1, slice_group_map_type=3, slice_group_change_direction_flag=direction)
        maps = [mb_to_slice_group_map(header(slice_group_change_cycle=k), sps, pps).reshape(5, 5) for k in range(26)]
        assert all((one == 0).sum() == k for k, one in enumerate(maps)) and maps[1][2, 2] == 0
        # Around the centre, clockwise from the left, or counter-clockwise from below.
        path = [tuple(int(v) for v in np.argwhere(b != a)[0]) for a, b in zip(maps[1:], maps[2:])]
        clockwise = [(2, 1), (1, 1), (1, 2), (1, 3), (2, 3), (3, 3), (3, 2), (3, 1)]
        assert path[:8] == (
            clockwise if not direction else [(3, 2), (3, 3), (2, 3), (1, 3), (1, 2), (1, 1), (2, 1), (3, 1)]
        )


def test_slice_groups_of_frames_with_fields_and_of_pairs():
    sps = dataclasses.replace(SPS(66, 30, 1, 1), frame_mbs_only_flag=0)
    pps = PPS(num_slice_groups_minus1=1, slice_group_map_type=6, slice_group_id=(0, 1, 1, 0))
    assert mb_to_slice_group_map(header(field_pic_flag=1), sps, pps).tolist() == [0, 1, 1, 0]
    assert mb_to_slice_group_map(header(), sps, pps).tolist() == [0, 1, 0, 1, 1, 0, 1, 0]
    pairs = dataclasses.replace(sps, mb_adaptive_frame_field_flag=1)
    assert mb_to_slice_group_map(header(), pairs, pps).tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert mb_to_slice_group_map(header(), sps, PPS()) is None
