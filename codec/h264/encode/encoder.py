"""The encoder: which frame becomes which picture, in which order, and its headers.

A frame waits in display order until its type is known. Reference marking is that of the decoder (pictures/dpb), applied
to the headers that are written. Lists have the nearest pictures first: those of B pictures as the decoder finds them
(8.2.4.2.3), those of P pictures as the header says, where they are not so initially.

A picture is a task that needs its references and nothing else, and begins after these (team.py). It waits for the lines
that a vector leads to, not for whole pictures (_search.pyx), so that several threads code pictures that refer to each
other, one some rows behind the other. The bytes do not depend on the threads.
"""

from __future__ import annotations

import functools
from collections import deque
from dataclasses import replace
from typing import NamedTuple

from ...errors import ParameterError
from ..pictures._picture import Picture
from ..pictures.dpb import DecodedPictureBuffer, FrameStore
from ..pictures.references import FRAME, ORDER, SHORT_TERM, assign_FrameNumWrap, by_order
from ..stream.nal import IDR, START_CODE, write_byte_stream, write_nal
from ..stream.parameter_sets import write_pps, write_sps
from ..stream.slice_header import (
    INFERRED,
    SLICE_NAMES,
    I,
    MemoryManagement,
    Modification,
    P,
    SliceHeader,
    write_slice_header,
)
from ..stream.syntax import structure
from ._planes import Interpolated
from ._scales import Scales
from ._slice_enc import SliceEncoder, begin, end
from .direct import motion_of, temporal
from .lookahead import Lookahead
from .messages import delimiter, light_message, recovery_message, settings_message
from .parameters import (
    DEFAULT_DISPLAY,
    LOG2_MAX_FRAME_NUM,
    LOG2_MAX_POC_LSB,
    bounds_parts,
    least_qp_of,
    most_slices,
    sequence_of,
    vector_limits,
    within_level,
)
from .ratecontrol import Control
from .settings import (
    DRAWN_DEBLOCK,
    LAYER_I,
    MAX_QP,
    PARTS_P_4X4,
    QP_OFFSETS,
    RD_BEST,
    chroma_weight,
    lambda2_of,
    lambda_factor,
    lambda_of,
)
from .team import Job, Team, done
from .weights import table_of

SLICE = 1  # nal_unit_type of a slice of a non-IDR picture
scales_of = functools.lru_cache(maxsize=2)(Scales)  # 0.25 ms each, and mostly the flat ones


class Coded(NamedTuple):
    """A coded picture.

    Attributes
    ----------
    data : bytes
        Its access unit in Annex B form.
    number : int
        Of its frame in display order, from 0.
    type : str
        "I", "P" or "B".
    key : bool
        Decoding can start here: an IDR picture, or with `open_gop` an I picture with a recovery point.
    qp : int
    lambda_qp : int
        QP, or more than 51 where lambda rises further.
    offset : int
        QP less that of its interval.
    found : object
        What `examine` of `PictureEncoder` returned.
    """

    data: bytes
    number: int
    type: str
    key: bool
    qp: int
    lambda_qp: int
    offset: int
    found: object = None

    @property
    def cost(self):
        """(bits, QP of lambda)"""
        return 8 * len(self.data), self.lambda_qp


def has_planes(picture):
    """Whether it was a reference last."""
    return picture.tag is not None


def is_chain(tools):
    """Whether each picture is the reference of the next alone, as it is."""
    return tools.refs == 1 and not (tools.b_frames or tools.weighted)


def delta_of(qp):
    """slice_qp_delta for a QP before rounding, which may be above 51."""
    return min(round(qp), MAX_QP) - 26


def changed(header, **elements):
    """A slice header with other elements: any but those that its derived values depend on."""
    return structure(SliceHeader, vars(header) | elements)


def header_bits(header, sps, pps, first):
    """A Writer with the header of the slice that begins at macroblock `first`. header: that of the first slice."""
    return write_slice_header(changed(header, first_mb_in_slice=first) if first else header, sps, pps)


def modification_of(wanted, frames, frame_num):
    """Elements of the slice header that make `wanted` the first pictures of RefPicList0 of a P slice (7.3.3.1): none,
    if the initial order (8.2.4.2.1) is so already. frame_num: that of the picture, its CurrPicNum."""
    initial = sorted(frames, key=SHORT_TERM, reverse=True)
    if initial[: len(wanted)] == wanted:
        return {}
    rows, predicted = [], frame_num
    for frame in wanted:
        step = frame.FrameNumWrap - predicted
        rows.append(Modification(int(step > 0), abs(step) - 1))
        predicted = frame.FrameNumWrap
    return {"ref_pic_list_modification_flag_l0": 1, "ref_pic_list_modification_l0": tuple(rows)}


class Task(NamedTuple):
    """A picture that is prepared. job: it returns (Coded, Sent or None); pictures: what it writes and reads."""

    job: Job
    pictures: tuple


class Coder(NamedTuple):
    """What one thread codes a picture with: memory, and in a chain the planes of its reference."""

    slices: SliceEncoder
    planes: Interpolated | None


class PictureEncoder:
    """Codes pictures of one sequence in coding order.

    Parameters
    ----------
    first : Frame
        A frame of the format of all.
    fps : fractions.Fraction
    settings : Settings
    team : Team
    display : Display
    examine : function, optional
        Called by the thread of a picture with its frame, its `Picture` and the bytes of each slice, once it is coded.
    """

    def __init__(self, first, fps, settings, team, display, examine=None):
        self._team, self._settings, self._tools, self._examine = team, settings, settings.tools, examine
        self._light = light_message(display.light) if any(display.light) else None
        self._sps, self._pps = sequence_of(
            first,
            fps,
            settings,
            0 if settings.bitrate or settings.plan else max(round(settings.qp) + QP_OFFSETS[LAYER_I], 0),
            display,
        )
        self._sets = write_sps(self._sps), write_pps(self._pps, self._sps)
        if bounds_parts(self._sps):
            self._tools = replace(self._tools, partitions=self._tools.partitions & ~PARTS_P_4X4)
        rows, width = self._sps.FrameHeightInMbs, self._sps.PicWidthInMbs
        self._ends = [width * (i * rows // settings.slices) for i in range(1, settings.slices + 1)]
        self._most_slices = most_slices(self._sps)
        self._format = (self._sps.PicWidthInMbs, self._sps.FrameHeightInMbs, self._sps.chroma_format_idc)
        scales = scales_of(self._pps.scaling_lists(self._sps))
        self._least_qp = max(scales.least_qp, least_qp_of(self._sps, self._pps))
        self._control, tools = Control(settings, self._sps), self._tools
        self._chain = is_chain(tools) and not self._control.bounds
        self._idle = [
            Coder(SliceEncoder(scales), self._new_planes() if self._chain else None) for _ in range(settings.threads)
        ]  # one for each picture at work
        self._jobs, self._tasks = deque(), []  # not delivered yet; prepared, and not ended
        self._dpb = DecodedPictureBuffer(self._sps.max_num_ref_frames, self._sps.max_num_ref_frames)
        # whether a sliding window (8.2.5.3) would drop a picture that B pictures need
        self._few = self._sps.max_num_ref_frames < self._sps.vui.max_num_reorder_frames + 2
        self._pool, self._planes = [], []  # all pictures, references with Interpolated as tag; free planes
        self._frame_num = self._idr = self._first = 0
        self._keys = deque([0], 2)  # orders of the latest key pictures
        deblock = tools.deblock
        self._alike = INFERRED | {  # elements of all slice headers, unless they are changed
            "first_mb_in_slice": 0,
            "pic_parameter_set_id": 0,
            "direct_spatial_mv_pred_flag": 1,
            "disable_deblocking_filter_idc": int(deblock is None),
            "slice_alpha_c0_offset_div2": deblock or 0,
            "slice_beta_offset_div2": deblock or 0,
        }
        self._before = done(lambda: (None, self._control.start))  # the picture before, in coding order
        self._limits = vector_limits(self._sps)

    def begin_interval(self, interval):
        """The `Planned` pictures up to the next I or P picture, which comes first, have one QP less their offsets."""
        self._control.begin(interval)

    def code(self, planned):
        """Have a frame coded."""
        qp = 0 if self._settings.lossless else max(self._control.qp(planned), self._least_qp)
        before = self._before
        job = self._team.code(functools.partial(self._prepare, planned, qp, before), planned.reference)
        self._before = job
        self._control.began(job)
        self._jobs.append(job)

    def _prepare(self, planned, qp, before, job):
        """(what codes a picture, Jobs that it may wait for). In coding order, in any thread; nothing else changes what
        this does. job, before: the Job of the picture, and of the one before."""
        number, reference = planned.number, planned.reference
        elements = self._elements(planned, qp)
        picture = self._picture(reference)
        store, order = FrameStore(picture, elements["frame_num"]), 2 * (number - self._first)
        store.set_order(order, order)
        store.fields = FRAME
        if planned.idr:
            self._dpb.forget()
            self._keys.clear()
        if planned.key:
            self._keys.append(store.order)
        if reference and self._few:
            elements |= self._marking(elements["frame_num"])
        header, lists = self._with_lists(elements, store, planned)
        store.content = motion_of(planned, lists[0][0].order if lists[0] else None)
        lists = [[other.picture for other in entries] for entries in lists]
        own = self._own_planes(picture) if reference and not self._chain else None

        self._keep(store, header, reference)
        references = {id(other) for entries in lists for other in entries}
        follows = [task.job for task in self._tasks if id(task.pictures[0]) in references]
        if self._control.bounds:
            follows.append(before)
        self._tasks.append(Task(job, (picture, *lists[0], *lists[1])))
        return functools.partial(self._work, header, picture, planned, lists, own, qp, before), follows

    def _work(self, header, picture, *more):
        """Code a picture with memory that no other thread uses."""
        coder = self._idle.pop()
        try:
            return self._coded(coder, header, picture, *more)
        finally:
            self._idle.append(coder)
            end(picture)

    def _own_planes(self, picture):
        """Those that the picture fills, for pictures that refer to it."""
        if picture.tag is None:
            picture.tag = self._planes.pop() if self._planes else self._new_planes()
        picture.tag.begin()
        return picture.tag

    def _new_planes(self):
        return Interpolated(16 * self._format[0], 16 * self._format[1])

    def _coded(self, coder, header, picture, planned, lists, own, qp, before):
        """(Coded, Sent or None) of a picture, in any thread. Others read its lines as they become final; where bits
        have bounds it may be coded again, so that they wait for all of it."""
        control = self._control
        planes = None if control.bounds else own
        code = functools.partial(self._slice, coder, header, picture, planned, lists, planes)
        nals, nal, used, sent = self._nals(planned), code(qp), qp, None
        if control.bounds:
            sent = before.followed()[1]
            nals = self._nals(planned, control.messages(sent, planned))
            nal, used = control.fit(code, nal, qp, sent, planned, 8 * len(write_byte_stream((*nals, b""))))
            if own is not None:
                coder.slices.publish(picture, own)
        data = write_byte_stream((*nals, nal))
        if control.bounds:
            sent = control.after(sent, planned, 8 * len(data))
        sizes = [len(one) for one in nal.split(START_CODE)]
        if len(sizes) > self._most_slices:
            raise ParameterError(
                f"frame {planned.number} takes {len(sizes)} slices, and level {self._sps.level_name} allows "
                f"{self._most_slices} (H.264 A.3.3): make slices larger (slice_max_bytes)"
            )
        found = self._examine(planned.frame, picture, sizes) if self._examine else None
        shown, offset = min(round(used), MAX_QP), control.offset(planned)
        kind = SLICE_NAMES[planned.kind]
        return Coded(data, planned.number, kind, planned.key, shown, round(used), offset, found), sent

    def _nals(self, planned, timing=()):
        """The NAL units of a picture before its slices, in the order of 7.4.1.2.3. timing: with a buffering period
        message, which comes before all others."""
        settings, found = self._settings, []
        if settings.aud:
            found.append(delimiter(planned.kind))
        if planned.key:
            found += self._sets
        found += timing
        if planned.key and not planned.idr:
            found.append(recovery_message())
        if planned.key and self._light:
            found.append(self._light)
        if settings.said is not None and planned.number == 0:
            found.append(settings_message(settings.words))
        return found

    def _slice(self, coder, header, picture, planned, lists, own, qp):
        """The slices of a picture as a byte stream, in any thread.

        qp: before rounding; above 51 it is 51 with the lambda of more. A picture that is coded again has new slices;
        those of the first attempt count as not there.
        """
        if header.slice_qp_delta != delta_of(qp):
            header = changed(header, slice_qp_delta=delta_of(qp))
        lambda_qp, factor = min(round(qp), MAX_QP) + planned.excess(qp), lambda_factor(planned)
        tools = self._tools  # only decisions by rate give less for a larger lambda
        if lambda_qp > MAX_QP:
            tools = replace(tools, rd=max(tools.rd, RD_BEST))
        planes = [[coder.planes or other.tag for other in entries] for entries in lists]

        if planned.weights:
            planes[0][0] = coder.slices.weighted(lists[0][0], planes[0][0], planned.weights)
        found = coder.slices.encode(
            header, header_bits, self._ends, self._settings.slice_max_bytes or 0,
            self._sps, self._pps, picture, planned.frame.planes,
            [[(other, 0) for other in entries] for entries in lists], planes, own, self._chain, tools,
            lambda256=lambda_of(lambda_qp, factor), lambda2=lambda2_of(lambda_qp, factor),
            chroma_weight=chroma_weight(planned),
            mv_limit_y=self._limits[0], most_vectors=self._limits[1],
            vectors=planned.vectors, qps=planned.qps(qp, self._least_qp),
        )  # fmt: skip
        return START_CODE.join(write_nal(header.nal_unit_type, header.nal_ref_idc, rbsp) for rbsp in found)

    def take(self, most, left):
        """Yield pictures that are coded, as `Coded`, in coding order; where more than `most` are not, until `left` are
        not."""
        ahead = left if len(self._jobs) > most else most
        while self._jobs and (len(self._jobs) > ahead or self._jobs[0].ended):
            yield self._jobs.popleft().result()[0]

    def _elements(self, planned, qp):
        """The elements of a slice header, without what depends on references."""
        number = planned.number
        if planned.idr:
            self._frame_num, self._first = 0, number
            self._idr ^= 1
        elements = self._alike | {
            "nal_unit_type": IDR if planned.idr else SLICE,
            "nal_ref_idc": 3 if planned.key else 2 if planned.reference else 0,
            "slice_type": 5 + planned.kind,
            "frame_num": self._frame_num % (1 << LOG2_MAX_FRAME_NUM),
            "idr_pic_id": self._idr,
            "pic_order_cnt_lsb": 2 * (number - self._first) % (1 << LOG2_MAX_POC_LSB),
            "slice_qp_delta": delta_of(qp),
        }
        if planned.drawn:
            deblock = min(self._tools.deblock or 0, DRAWN_DEBLOCK)
            elements["slice_alpha_c0_offset_div2"] = elements["slice_beta_offset_div2"] = deblock
        return elements

    def _marking(self, frame_num):
        """Elements that drop the picture that is shown first from a full window. The sliding window drops the one that
        was coded first: beside the B picture that others refer to, this is the P picture before it, which they need."""
        frames = self._dpb.references()
        if len(frames) < self._sps.max_num_ref_frames:
            return {}
        assign_FrameNumWrap(frames, frame_num, self._sps.MaxFrameNum)
        first = min(frames, key=ORDER)
        if first is min(frames, key=SHORT_TERM):
            return {}
        row = MemoryManagement(1, frame_num - first.FrameNumWrap - 1)
        return {"adaptive_ref_pic_marking_mode_flag": 1, "memory_management_control_operations": (row,)}

    def _with_lists(self, elements, store, planned):
        """The header with its active references and direct prediction, and [RefPicList0, RefPicList1] of frames.

        List 0 has the pictures before this one, the nearest first; list 1 the first after it. Pictures that are shown
        after a key picture do not refer to those before it: a decoder may start there. Those that are coded after a key
        picture and shown before it come after the key picture before.
        """
        if planned.kind == I:
            return structure(SliceHeader, elements), [[], []]
        frames, frame_num = self._dpb.references(), elements["frame_num"]
        if len(frames) == 1 and not self._tools.weighted:  # a list of one entry, as the PPS has it
            return structure(SliceHeader, elements), [frames, []]
        assign_FrameNumWrap(frames, frame_num, self._sps.MaxFrameNum)
        start = max((order for order in self._keys if order <= store.order), default=-1 << 31)
        allowed = [frame for frame in frames if frame.order >= start]
        before, after = by_order(allowed, store.order, ORDER)
        lists = [before[: self._tools.refs], []]
        elements["num_ref_idx_l0_active_minus1"] = len(lists[0]) - 1
        elements["num_ref_idx_active_override_flag"] = int(len(lists[0]) > 1)
        if planned.kind == P:
            elements |= modification_of(lists[0], frames, frame_num)
            if self._tools.weighted:
                elements["pred_weight_table"] = table_of(planned.weights, len(lists[0]))
        else:
            lists[1] = after[:1]
            if self._tools.direct:
                col, orders = after[0].content, (store.order, before[0].order, after[0].order)
                elements["direct_spatial_mv_pred_flag"] = int(not temporal(planned, *orders, col, self._format[0]))
        return structure(SliceHeader, elements), lists

    def _picture(self, reference):
        """One that neither the decoder's buffer nor a task needs. A reference takes one that has planes for searches,
        four times as large as luma. Others take one without; if there is none, its planes go back to `_planes`: so
        there are no more planes than references at work.
        """
        self._tasks = [task for task in self._tasks if not task.job.ended]
        used = {id(picture) for task in self._tasks for picture in task.pictures}
        used.update([id(store.picture) for store in self._dpb.frames])
        free = [picture for picture in self._pool if id(picture) not in used]
        if not free:
            free.append(Picture(*self._format))
            if self._examine:
                free[0].observe()
            self._pool.append(free[0])
        picture = (max if reference else min)(free, key=has_planes) if len(free) > 1 else free[0]
        if has_planes(picture) and not reference:
            self._planes.append(picture.tag)
            picture.tag = None
        begin(picture)
        return picture

    def _keep(self, store, header, reference):
        """Mark the picture, and keep it if it is a reference (8.2.5): nothing waits for output here."""
        if self._chain:  # a window of one
            store.short, self._dpb.frames = FRAME, [store]
        elif reference:
            self._dpb.mark(store, header, self._sps)
            self._dpb.frames = [*self._dpb.references(), store]
        self._frame_num += reference


class Encoder:
    """Encodes H.264 frame by frame.

    Parameters
    ----------
    settings : Settings
    fps : fractions.Fraction
    display : Display
        An attribute too, which may change before the first frame.
    examine : function, optional
        See `PictureEncoder`.
    """

    def __init__(self, settings, fps, display=DEFAULT_DISPLAY, examine=None):
        self._settings, self._fps, self._coder, self._lookahead = settings, fps, None, None
        self.display, self._examine = display, examine
        self._team, self.count = Team(settings.threads, in_order=not settings.tools.b_frames), 0
        # Pictures that are not delivered while others are begun: two for each thread, and more than two intervals, so
        # that there are some that wait for none
        parallel = settings.threads > 1 and settings.tools.waits
        most = 2 * (settings.threads + settings.tools.b_frames + 2) if parallel else 0
        # Half of them are done before the next frames are taken: this thread, which also codes, takes several at once
        self._ahead = most, most // 2

    def encode(self, frame, keyframe=False):
        """Take the next frame in display order; yield the pictures that are coded, as `Coded`, in coding order.
        keyframe: it becomes an IDR picture."""
        if self._coder is None:
            settings = within_level(self._settings, frame)
            self._coder = PictureEncoder(frame, self._fps, settings, self._team, self.display, self._examine)
            self._lookahead = Lookahead(settings.tools, settings.keyint, self._team.look, settings.open_gop)
        number, self.count = self.count, self.count + 1
        for interval in self._lookahead.add(frame, number, keyframe):
            self._begin(interval)
        yield from self._coder.take(*self._ahead)

    def flush(self):
        """Yield the pictures of the frames that wait."""
        if self._coder is not None:
            for interval in self._lookahead.flush():
                self._begin(interval)
                yield from self._coder.take(*self._ahead)
            yield from self._coder.take(0, 0)

    def close(self):
        """End the threads: what is not begun is not done. The encoder cannot be used any more."""
        self._team.close()

    def _begin(self, interval):
        """Begin to code the pictures of an interval."""
        self._coder.begin_interval(interval)
        for planned in interval:
            self._coder.code(planned)
