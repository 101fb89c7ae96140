"""Reference lists and marking against FFmpeg: random legal streams of I_PCM, P_Skip and B_Skip frames, which show the
first entry of each list.
"""

import copy
import dataclasses
import io
import random

import crafted_h264 as crafted
import numpy as np
import pytest
from crafted_h264 import header

import codec
from codec.h264.pictures.dpb import DecodedPictureBuffer, FrameStore
from codec.h264.pictures.references import FRAME, assign_FrameNumWrap
from codec.h264.stream.slice_header import B, MemoryManagement, Modification, P, write_slice_header
from codec.h264.stream.vui import VUI

av = pytest.importorskip("av", reason="PyAV is not installed")


def through_ffmpeg(data):
    with av.open(io.BytesIO(data), format="h264") as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "NONE", 1
        return [
            [
                np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
                for plane in frame.planes
            ]
            for frame in container.decode(stream)
        ]


class Maker:
    """A stream that is legal by construction: our buffer provides the references, FFmpeg checks the result."""

    def __init__(self, seed, pictures=14):
        self.r = random.Random(seed)
        references = self.r.randint(1, 4)
        restriction = VUI(
            bitstream_restriction_flag=1, max_num_reorder_frames=2, max_dec_frame_buffering=references + 3
        )
        sps = crafted.sps_of(2, 2, max_num_ref_frames=references, vui_parameters_present_flag=1, vui=restriction)
        self.stream, self.dpb = crafted.Stream(sps), DecodedPictureBuffer(16, references)
        self.frame_num = self.lsb = 0
        self.between, self.was_reference = None, False  # the order count that the next B picture may take
        for number in range(pictures):
            self.picture(number)

    def picture(self, number):
        r, idr = self.r, number == 0 or self.r.random() < 0.05
        kind = "I" if idr else "B" if self.between is not None and r.random() < 0.6 else r.choice("IPPP")
        ref = 1 if idr else int(r.random() < (0.3 if kind == "B" else 0.85))
        if idr:
            self.frame_num = self.lsb = lsb = 0
            self.between = None
            list(self.dpb.flush())
        else:
            self.frame_num = (self.frame_num + self.was_reference) % 16
            if kind == "B":
                lsb, self.between = self.between, None
            else:
                self.lsb += 4
                lsb, self.between = self.lsb, self.lsb - 2
        self.was_reference = bool(ref)
        used = self.dpb.references()
        assign_FrameNumWrap(used, self.frame_num, 16)
        head = header(
            self.frame_num, lsb, idr, ref, idr_pic_id=number % 2, long_term_reference_flag=int(idr and r.random() < 0.3)
        )
        if kind != "I" and used:
            head = self.with_lists(head, kind, used)
        # The sliding window needs a short-term picture to remove (8.2.5.3).
        stuck = len(used) >= self.dpb.max_num_ref_frames and not any(frame.short for frame in used)
        if ref and not idr and (stuck or r.random() < 0.6):
            head = dataclasses.replace(
                head, adaptive_ref_pic_marking_mode_flag=1, memory_management_control_operations=self.operations(head)
            )
        self.write(head)
        store = FrameStore(None, self.frame_num)
        store.TopFieldOrderCnt = store.BottomFieldOrderCnt = lsb
        store.fields = FRAME
        if ref:
            self.dpb.mark(store, head, self.stream.sps)
            self.dpb.frames.append(store)
        self.dpb.frames = [frame for frame in self.dpb.frames if frame.short or frame.long]

    def with_lists(self, head, kind, used):
        """A slice type, active references, and for each list modifications that refer to pictures in any order."""
        head = dataclasses.replace(
            head,
            slice_type=B if kind == "B" else P,
            num_ref_idx_active_override_flag=1,
            direct_spatial_mv_pred_flag=int(kind == "B"),
        )
        for name in ("l0", "l1")[: 1 + (kind == "B")]:
            rows, predicted = [], head.frame_num
            for frame in self.r.sample(used, self.r.randint(0, len(used))):
                if frame.long:
                    rows.append(Modification(2, 0, frame.LongTermFrameIdx))
                    continue
                up = self.r.randint(0, 1)
                step = (frame.FrameNumWrap - predicted if up else predicted - frame.FrameNumWrap) % 16 or 16
                rows.append(Modification(up, step - 1))
                predicted = frame.FrameNumWrap % 16
            head = dataclasses.replace(head, **{
                f"num_ref_idx_{name}_active_minus1": len(used) - 1,
                f"ref_pic_list_modification_flag_{name}": int(bool(rows)),
                f"ref_pic_list_modification_{name}": tuple(rows),
            })  # fmt: skip
        return head

    def operations(self, head):
        """Random marking that leaves room for this picture."""
        dpb, rows, r = copy.deepcopy(self.dpb), [], self.r
        current = FrameStore(None, head.frame_num)

        def apply(*row):
            rows.append(MemoryManagement(*row))
            dpb._operate(rows[-1], current, FRAME, head, self.stream.sps)

        for kind in r.choices((1, 2, 3, 6), k=r.randint(0, 3)):
            used = dpb.references()
            shorts, longs = [frame for frame in used if frame.short], [frame for frame in used if frame.long]
            if (
                kind in (3, 6)
                and dpb.MaxLongTermFrameIdx < 0
                and all(row.memory_management_control_operation != 4 for row in rows)
            ):
                apply(4, 0, 0, 0, r.randint(1, self.stream.sps.max_num_ref_frames))
            index = r.randint(0, max(dpb.MaxLongTermFrameIdx, 0))
            taken = any(
                row.memory_management_control_operation in (3, 6) and row.long_term_frame_idx == index for row in rows
            )
            if kind == 1 and shorts:
                apply(1, head.frame_num - r.choice(shorts).FrameNumWrap - 1)
            elif kind == 2 and longs:
                apply(2, 0, r.choice(longs).LongTermFrameIdx)
            elif kind == 3 and shorts and dpb.MaxLongTermFrameIdx >= 0 and not taken:
                apply(3, head.frame_num - r.choice(shorts).FrameNumWrap - 1, 0, index)
            elif kind == 6 and dpb.MaxLongTermFrameIdx >= 0 and not taken and not current.long:
                apply(6, 0, 0, index)
        while len(dpb.references()) >= dpb.max_num_ref_frames:
            frame = r.choice(dpb.references())
            apply(*((1, head.frame_num - frame.FrameNumWrap - 1) if frame.short else (2, 0, frame.LongTermFrameIdx)))
        return tuple(rows)

    def write(self, head):
        stream = self.stream
        if head.kind == P:
            stream.nals.append(crafted.skipped(head, stream.sps, stream.pps, stream.mbs))
        elif head.kind == B:
            head = dataclasses.replace(head, **crafted.UNFILTERED)
            c = write_slice_header(head, stream.sps, stream.pps)
            c.ue({"mb_skip_run": stream.mbs}, "mb_skip_run", stream.mbs, "")
            stream.nals.append(crafted.finished(c, head))
        else:
            stream.intra(head)


@pytest.mark.parametrize("seed", range(60))
def test_random_marking_and_lists_are_as_in_ffmpeg(seed):
    maker = Maker(seed)
    ours, theirs = list(codec.decode_video(maker.stream.data)), through_ffmpeg(maker.stream.data)
    assert len(ours) == len(theirs)
    assert [all(map(np.array_equal, a.planes, b)) for a, b in zip(ours, theirs)] == [True] * len(ours)
