"""The decoded picture buffer: marking of reference pictures (8.2.5) and output order (C.4)."""

import math

from .references import FRAME, ORDER, SHORT_TERM, TOP, assign_FrameNumWrap, fields_of, find_long, find_short

NO_LONG_TERM = -1  # MaxLongTermFrameIdx "no long-term frame indices"


class FrameStore:
    """A frame, or one or both of its fields.

    Attributes
    ----------
    picture
        The samples; None for a non-existing frame without a substitute.
    fields : TOP | BOTTOM
        The fields decoded so far.
    short, long : TOP | BOTTOM
        The fields marked as used for short-term and for long-term reference; no field is in both.
    frame_num, FrameNumWrap, LongTermFrameIdx : int
    TopFieldOrderCnt, BottomFieldOrderCnt : int or None
        See `set_order`.
    order : int or None
        PicOrderCnt of the frame, or of its only field (8-1).
    reference : bool
        nal_ref_idc of the first field was not 0.
    non_existing : bool
        Inferred for a gap in frame_num.
    waiting : bool
        Needed for output.
    content
        Anything; the buffer does not look at it.
    """

    def __init__(self, picture, frame_num, content=None, non_existing=False):
        self.picture, self.frame_num, self.content, self.non_existing = picture, frame_num, content, non_existing
        self.fields = self.short = self.long = self.FrameNumWrap = self.LongTermFrameIdx = 0
        self.TopFieldOrderCnt = self.BottomFieldOrderCnt = self.order = None
        self.waiting = False
        self.reference = False

    def set_order(self, TopFieldOrderCnt, BottomFieldOrderCnt):
        """Set the counts that are not None, here and in the picture; a non-existing frame has no picture of its own."""
        for one in (self,) if self.non_existing else (self, self.picture):
            if TopFieldOrderCnt is not None:
                one.TopFieldOrderCnt = TopFieldOrderCnt
            if BottomFieldOrderCnt is not None:
                one.BottomFieldOrderCnt = BottomFieldOrderCnt
        top, bottom = self.TopFieldOrderCnt, self.BottomFieldOrderCnt
        self.order = bottom if top is None else top if bottom is None else min(top, bottom)

    def field_order(self, fields):
        """PicOrderCnt of a field or of the frame (8-1)."""
        return self.order if fields == FRAME else self.TopFieldOrderCnt if fields == TOP else self.BottomFieldOrderCnt

    def unmark(self, fields=FRAME):
        """Mark fields as unused for reference."""
        self.short &= ~fields
        self.long &= ~fields


class DecodedPictureBuffer:
    """Frames that are used for reference or wait for output.

    Parameters
    ----------
    size : int
        Capacity in frames: max_dec_frame_buffering.
    max_num_ref_frames : int
    num_reorder_frames : int or None
        Output a picture as soon as more than this many wait; None: when the buffer is full.
    consecutive : bool
        If num_reorder_frames is None, output a picture whose order count follows the one output last: a difference of
        2, or of 1 once there was one. An IDR picture, and one with memory_management_control_operation 5, is the first.
    """

    def __init__(self, size, max_num_ref_frames, num_reorder_frames=None, *, consecutive=False):
        self.size = size
        self.max_num_ref_frames = max(max_num_ref_frames, 1)
        self.num_reorder_frames = num_reorder_frames
        self.consecutive = consecutive and num_reorder_frames is None
        self.frames = []
        self._shown, self._step = -math.inf, 2  # order count of the picture output last
        self.MaxLongTermFrameIdx = NO_LONG_TERM

    # ---------------------------------------------------------------- marking (8.2.5)

    def references(self, current=None):
        """Frames with a reference field, among them `current` if its first field is one."""
        frames = [frame for frame in self.frames if frame.short or frame.long]
        return frames + [current] if current is not None and (current.short or current.long) else frames

    def mark(self, current, header, sps):
        """8.2.5.1, after a reference picture has been decoded into `current`; `header` is one of its slice headers."""
        fields = fields_of(header)
        second = current.fields != fields
        if header.IdrPicFlag:
            if not second:
                self.forget()
            if header.long_term_reference_flag:
                current.long |= fields
                current.LongTermFrameIdx = self.MaxLongTermFrameIdx = 0
            else:
                current.short |= fields
            return
        bounded = False
        if not header.adaptive_ref_pic_marking_mode_flag:
            if not (second and current.short):
                bounded = self.slide(header.frame_num, sps.MaxFrameNum, current)
        else:
            for row in header.memory_management_control_operations:
                self._operate(row, current, fields, header, sps)
        if not current.long & fields:
            current.short |= fields
        if not bounded:
            self._bound(current)

    def forget(self):
        """Mark all reference pictures as unused, and allow no long-term frame indices."""
        for frame in self.frames:
            frame.unmark()
        self.MaxLongTermFrameIdx = NO_LONG_TERM

    def slide(self, frame_num, MaxFrameNum, current=None):
        """8.2.5.3, sliding window: make room for another reference frame. Whether there is room now, where `current` is
        not one yet."""
        used = self.references(current)
        assign_FrameNumWrap(used, frame_num, MaxFrameNum)
        if len(used) < self.max_num_ref_frames:
            return True
        shorts = [frame for frame in used if frame.short]
        if shorts:
            min(shorts, key=SHORT_TERM).unmark()
        return bool(shorts) and len(used) == self.max_num_ref_frames

    def _bound(self, current):
        """Enforce what 8.2.5.1 requires of a stream: at most max_num_ref_frames reference frames."""
        used = self.references()
        while len(used) + (current not in used) > self.max_num_ref_frames and used:
            oldest = min(
                used, key=lambda frame: (not frame.short, frame.FrameNumWrap if frame.short else frame.LongTermFrameIdx)
            )
            oldest.unmark()
            used.remove(oldest)

    def _operate(self, row, current, fields, header, sps):
        """8.2.5.4. An operation on a missing picture has no effect."""
        operation = row.memory_management_control_operation
        used = self.references(current)
        assign_FrameNumWrap(used, header.frame_num, sps.MaxFrameNum)
        if operation in (1, 3):
            found = find_short(used, header.CurrPicNum(sps) - row.difference_of_pic_nums_minus1 - 1, fields)
            if found and operation == 1:
                found[0].unmark(found[1])
            elif found:
                self._make_long(*found, row.long_term_frame_idx, used)
        elif operation == 2:
            found = find_long(used, row.long_term_pic_num, fields)
            if found:
                found[0].unmark(found[1])
        elif operation == 4:
            self.MaxLongTermFrameIdx = row.max_long_term_frame_idx_plus1 - 1
            for frame in used:
                if frame.long and frame.LongTermFrameIdx > self.MaxLongTermFrameIdx:
                    frame.unmark(frame.long)
        elif operation == 5:
            self.forget()
            current.unmark()
        elif operation == 6:
            self._make_long(current, fields, row.long_term_frame_idx, used)

    def _make_long(self, frame, fields, LongTermFrameIdx, used):
        """8.2.5.4.3, 8.2.5.4.6: free the index if another frame has it, and any other index of this frame."""
        for other in used:
            if other.long and other.LongTermFrameIdx == LongTermFrameIdx and other is not frame:
                other.unmark(other.long)
        if frame.long and frame.LongTermFrameIdx != LongTermFrameIdx:
            frame.unmark(frame.long)
        frame.short &= ~fields
        frame.long |= fields
        frame.LongTermFrameIdx = LongTermFrameIdx

    # ---------------------------------------------------------------- output (C.4)

    def store(self, frame):
        """Store a frame after its marking; yield frames for output, in order (C.4.5)."""
        frame.waiting = not frame.non_existing
        self._remove_unused()
        while len(self.frames) >= self.size:
            first = self._first(frame)
            if first is None:
                break  # only references: one frame more than the stream promised
            yield self._output(first)
            if first is frame:
                return
            if not (first.short or first.long):
                self.frames.remove(first)
        self.frames.append(frame)
        if self.num_reorder_frames is not None:
            yield from self._reordered()
        elif self.consecutive:
            yield from self._following()

    def _first(self, frame=None):
        """The next frame for output: a stored one, or a non-reference `frame` that is not stored yet (C.4.5.2)."""
        waiting = [other for other in self.frames if other.waiting]
        if frame is not None and frame.waiting and not (frame.short or frame.long):
            waiting.append(frame)
        return min(waiting, key=ORDER, default=None)

    def _reordered(self):
        """Output as early as max_num_reorder_frames of the VUI allows."""
        while sum(other.waiting for other in self.frames) > self.num_reorder_frames:
            yield self._output(self._first())
        self._remove_unused()

    def _following(self):
        """Output pictures that follow the one output last."""
        while (first := self._first()) is not None and first.order <= self._shown + self._step:
            yield self._output(first)
        self._remove_unused()

    def _output(self, frame):
        frame.waiting = False
        if frame.order - self._shown == 1:
            self._step = 1
        self._shown = frame.order
        return frame

    def _remove_unused(self):
        self.frames = [frame for frame in self.frames if frame.waiting or frame.short or frame.long]

    def flush(self):
        """Yield the frames that wait, in order, and empty the buffer: no frame is a reference any more."""
        self.forget()
        yield from self.drain()
        self.frames = []

    def drain(self):
        """Yield the frames that wait, in order; references stay."""
        while (first := self._first()) is not None:
            yield self._output(first)
        self._remove_unused()
        self._shown = -self._step  # the next picture has order count 0
