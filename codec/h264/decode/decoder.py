"""The decoder: NAL units in, frames out. Sequences, pictures and their order here; the macroblocks of a slice in `_slice_dec`."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from typing import TYPE_CHECKING

from ...errors import BitstreamError, CodecError, LimitError, ParameterError, UnsupportedError
from ...frame import Frame
from ...limits import checked_limits
from ..pictures.dpb import DecodedPictureBuffer, FrameStore
from ..pictures.order import PicOrderCnt, is_new_picture
from ..pictures.references import FRAME, assign_FrameNumWrap, fields_of, lists_key, reference_lists
from ..pictures.slice_groups import mb_to_slice_group_map
from ..stream import nal as nals
from ..stream.nal import ByteStream, NalUnit, read_avcc, split_sample
from ..stream.parameter_sets import INTRA_CAPABLE_PROFILES, ParameterSets
from ..stream.partitions import PartitionedSlice, read_partition
from ..stream.sei import USER_DATA_REGISTERED, USER_DATA_UNREGISTERED, read_sei
from ..stream.slice_header import read_slice_header
from ._crew import Batch
from ._slice_dec import SliceDecoder
from .jobs import BATCH, ERRORS_KEPT, PARITY, Outcome, PictureEnd, Workers, placed
from .output import CodedFrame, FrameFormat, PicturePool, arrays, fill_field, picture_bytes, side_data_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from ..._types import Buffer
    from ...limits import Limits

ON_ERROR = ("raise", "conceal", "skip")
USER_DATA = (USER_DATA_REGISTERED, USER_DATA_UNREGISTERED)
INT32 = range(-(1 << 31), 1 << 31)


class _CodedPicture:
    """The frame or field that is being decoded."""

    def __init__(self, store, header, sps, pps, nal):
        self.store, self.header, self.sps, self.pps, self.nal = store, header, sps, pps, nal
        # errors: or outcomes that may be some
        self.fields = fields_of(header)
        self.slices = 0
        self.errors = []
        self.bits = []
        self.batch, self.batches = Batch(store.picture, store.content.batch), 1
        self.map = mb_to_slice_group_map(header, sps, pps)
        self.lists = {}  # reference lists that slices of it had before, and how many pictures were missing, by lists_key
        self.partitioned = {}  # slices that wait for their partitions B and C, by colour_plane_id and slice_id


class Decoder:
    """Decodes H.264 from data in pieces of any size.

    Parameters
    ----------
    on_error : "raise" (default), "conceal" or "skip"
        Damaged data raises an error that names NAL unit, byte and clause. Or what is lost is filled in: by the motion around it and before
        it out of earlier pictures, or between what is beside it where these do not fit; and the frame has a `damage`. Or such frames are
        left out.
    low_delay : bool
        Give out a frame as soon as the stream promises that none goes before it (max_num_reorder_frames of the VUI, picture order count
        type 2, intra profiles), instead of when its buffer is full. Without such a promise the order would be in danger, and nothing
        changes.
    monochrome : "4:2:0" (default) or "4:0:0"
        Give 4:0:0 streams planes of chroma without colour, as most players and the reference decoder do, or luma alone.
    side_data : bool
        Give frames arrays of macroblock types, QP, motion vectors and bits (see `Frame.side_data`).
    threads : int
        That decode pictures; 0 (default): one for each processor that this process may use. The output does not depend on it. Up to
        1.5 * threads + 1 pictures are in line and take memory beside those that the stream asks for. Pictures in fields,
        MBAFF frames and those whose slices do not come in raster order can only be referred to when they are complete, and gain little.
    avcc : bytes, optional
        An avcC record of MP4 or Matroska: then each `feed` takes one sample with its length-prefixed NAL units instead of a byte stream.
    limits : codec.Limits, optional
        pixels, nal_bytes, slices, dpb_bytes, frames and seconds (since the first data).

    Examples
    --------
    >>> import codec.h264
    >>> decoder = codec.h264.Decoder()
    >>> decoder.feed(b"\\0\\0\\1\\x09\\xf0"), decoder.flush()
    ([], [])
    """

    def __init__(
        self,
        *,
        on_error: Literal["raise", "conceal", "skip"] = "raise",
        low_delay: bool = False,
        monochrome: Literal["4:2:0", "4:0:0"] = "4:2:0",
        side_data: bool = False,
        threads: int = 0,
        avcc: bytes | None = None,
        limits: Limits | None = None,
    ) -> None:
        if on_error not in ON_ERROR:
            raise ParameterError(f"on_error must be one of {', '.join(ON_ERROR)}, not {on_error!r}")
        if monochrome not in ("4:2:0", "4:0:0"):
            raise ParameterError(f'monochrome must be "4:2:0" or "4:0:0", not {monochrome!r}')
        if not isinstance(threads, int) or threads < 0:
            raise ParameterError(f"threads must be 0 or a positive integer, not {threads!r}")
        self._on_error, self._low_delay, self._monochrome = on_error, low_delay, monochrome
        self._side_data, self._workers = side_data, Workers(threads)
        self._limits = checked_limits(limits)
        self._stream, self._record = ByteStream(self._limits, strict=on_error == "raise"), None
        self._sets, self._slices = ParameterSets(), SliceDecoder()
        self._sps = self._dpb = self._pool = self._format = None  # of the active sequence
        self._picture = self._frame = None  # being decoded; the frame of a first field that waits for the second
        self._nals, self._ready, self._timestamps, self._user_data, self._errors = deque(), deque(), deque(), [], []
        self._failed = False  # whether an error waits among what is ready
        self._at = self._index = self._given = 0  # bytes and NAL units of samples; frames given out
        self._deadline = math.inf  # from the first data on
        self._start_over()
        if avcc is not None:
            self._record = read_avcc(avcc)
            self._nals.extend(NalUnit(data) for data in self._record.parameter_sets)

    def _start_over(self):
        """Before the first picture of a stream."""
        self._order, self._PrevRefFrameNum, self._last = PicOrderCnt(), None, None
        # whether pictures before the first may be missing; reference pictures since
        self._recovering = True
        self._references = 0

    # ---------------------------------------------------------------- in and out

    def feed(self, data: Buffer, *, timestamp: object = None, complete: bool = False) -> list[Frame]:
        """Decode what has come.

        Parameters
        ----------
        data : bytes-like
            Any piece of an Annex B byte stream; with `avcc` a whole sample.
        timestamp : object, optional
            Of the frame whose first slice starts in this piece; comes out with it.
        complete : bool
            The piece ends an access unit: do not wait for the next start code to decode its last slice.

        Returns
        -------
        list of codec.Frame
            In output order.

        Raises
        ------
        BitstreamError, TruncatedError, UnsupportedError, LimitError
            Frames that were ready before come with the next call, which goes on behind the damage.
        """
        return self._collected(self.iterate(data, timestamp=timestamp, complete=complete))

    def iterate(self, data: Buffer, *, timestamp: object = None, complete: bool = False) -> Iterator[Frame]:
        """As `feed`, but an iterator that decodes as far as the next frame each time: a few frames more are in memory, not all of the piece.

        Yields
        ------
        codec.Frame
        """
        yield from self.ahead(data, timestamp=timestamp, complete=complete)
        yield from self._given_out()

    def ahead(self, data: Buffer, *, timestamp: object = None, complete: bool = False) -> Iterator[Frame]:
        """As `iterate`, but threads may still be at work on the last pictures, whose frames and errors then come with a later piece.

        Yields
        ------
        codec.Frame
        """
        data = bytes(data)
        if timestamp is not None:
            self._timestamps.append((self._at, timestamp))
        if self._deadline == math.inf:
            self._deadline = time.monotonic() + self._limits.seconds
        if self._record is not None:
            self._take_sample(data)
        else:
            self._at += len(data)
            self._nals.extend(self._stream.feed(data) + (self._stream.flush() if complete else []))
        yield from self._decoded()
        if complete or self._record is not None:
            self._finish_picture()
        yield from self._given_out(wait=self._low_delay or self._failed)

    def _collected(self, frames):
        """A list of frames; after an error they are ready for the next call."""
        found = []
        try:
            for frame in frames:
                found.append(frame)
        except CodecError:
            self._ready.extendleft(reversed(found))
            raise
        return found

    def _take_sample(self, data):
        try:
            for nal in split_sample(data, self._record.length_bytes, offset=self._at, index=self._index):
                self._nals.append(nal)
                self._index = nal.index + 1
        except BitstreamError as error:
            self._fault(error)
        self._at += len(data)

    def flush(self) -> list[Frame]:
        """The stream has ended: decode what is left, and give out all frames. A new stream may follow.

        Returns
        -------
        list of codec.Frame
        """
        return self._collected(self.rest())

    def rest(self) -> Iterator[Frame]:
        """As `flush`, but an iterator: frames before an error come out first.

        Yields
        ------
        codec.Frame
        """
        self._nals.extend(self._stream.flush())
        yield from self._decoded()
        self._finish_picture()
        self._end_sequence()
        self._start_over()
        yield from self._given_out()

    def _given_out(self, wait=True):
        """Yield frames and raise errors in their order: all, or those that need not be waited for."""
        while self._ready:
            first = self._ready[0]
            batch = (
                first.content.batch
                if isinstance(first, FrameStore)
                else first.batch
                if isinstance(first, Outcome)
                else None
            )
            if batch is not None and not batch.done:
                if not wait:
                    return
                if self._picture is not None:
                    self._decode_batch()  # it may be that of the picture that is not complete
            self._ready.popleft()
            if isinstance(first, Frame):
                yield first
            elif isinstance(first, FrameStore):
                yield from self._frame_of(first)
            else:
                if batch is not None:
                    self._workers.join(batch)
                if first.error is not None:
                    self._failed = any(isinstance(one, _Fault) for one in self._ready)
                    raise first.error

    def _frame_of(self, store):
        """The frame, unless it is to be left out."""
        self._workers.join(store.content.batch)
        if self._side_data:
            store.content.side_data = side_data_of(store.picture, store.content.bits)
        if self._on_error == "skip" and store.content.damage:
            return
        self._given += 1
        if self._given > self._limits.frames:
            raise LimitError(f"more than {self._limits.frames} frames; raise Limits.frames if you trust the data")
        yield store.content.format.frame(store)

    def _output(self, stores):
        """Frames that leave the buffer."""
        self._ready.extend(stores)

    # ---------------------------------------------------------------- errors

    def _fault(self, error):
        """Damage, or an Outcome that may tell some: remembered for the frame, or to be raised."""
        if self._on_error == "raise":
            known = not isinstance(error, Outcome)
            self._ready.append(_Fault(error) if known else error)
            self._failed = self._failed or known
            return
        errors = self._picture.errors if self._picture else self._errors
        if isinstance(error, Outcome) or len(errors) < ERRORS_KEPT:
            errors.append(error)

    def _error(self, reason, clause, nal):
        return BitstreamError(reason, layer=nal.layer(nal.name), offset=nal.offset, clause=clause)

    # ---------------------------------------------------------------- NAL units

    def _decoded(self):
        """Decode the NAL units that have come, and yield frames; after an error the others stay for the next call."""
        while self._nals:
            if time.monotonic() > self._deadline:
                yield from self._given_out()
                raise LimitError(
                    f"decoding takes more than {self._limits.seconds} s; raise Limits.seconds if you trust the data"
                )
            try:
                self._nal(self._nals.popleft())
            except (BitstreamError, UnsupportedError) as error:
                self._fault(error)
            except LimitError:
                yield from self._given_out()
                raise
            yield from self._given_out(wait=self._failed)

    def _nal(self, nal):
        kind = nal.nal_unit_type
        if kind in (nals.NON_IDR, nals.IDR, nals.PARTITION_A):
            self._slice(nal)
        elif kind in (nals.SPS, nals.PPS):
            self._sets.add(nal)
        elif kind == nals.SEI:
            with contextlib.suppress(BitstreamError):  # no picture depends on it
                self._user_data += [
                    (one.payloadType, one.payload) for one in read_sei(nal) if one.payloadType in USER_DATA
                ]
            self._limits.check_metadata(sum(len(payload) for _, payload in self._user_data))
        elif kind == nals.AUD:
            self._finish_picture()
        elif kind in (nals.END_OF_SEQ, nals.END_OF_STREAM):
            self._finish_picture()
            self._end_sequence()
            self._start_over()
        elif kind in (nals.PARTITION_B, nals.PARTITION_C):
            self._partition(nal)
        # All others say nothing about the primary coded pictures of the base view.

    def _slice(self, nal):
        header, sps, pps, bit = read_slice_header(nal, self._sets.find)
        if header.redundant_pic_cnt:
            return
        if self._picture is None or is_new_picture(self._picture.header, header, sps):
            self._finish_picture()
            self._start_picture(header, sps, pps, nal)
        elif sps is not self._sps:
            raise self._error("the sequence parameter set changes within a picture", "H.264 7.4.1.2.1", nal)
        current = self._picture
        current.header = header
        current.slices += 1
        if current.slices > self._limits.slices:
            raise LimitError(
                f"a picture of more than {self._limits.slices} slices; raise Limits.slices if you trust the data"
            )
        current.store.content.bits = current.bits
        current.bits.append(8 * len(nal.data))
        current.store.content.add_type(header.name)
        if nal.nal_unit_type != nals.PARTITION_A:
            self._decode(nal, bit, header, sps, pps)
        elif header.partition_key in current.partitioned:
            raise self._error(f"two slices of a picture have slice_id {header.slice_id}", "H.264 7.4.2.9.1", nal)
        else:
            current.partitioned[header.partition_key] = PartitionedSlice(nal, bit, header, sps, pps)

    def _partition(self, nal):
        """Slice data partition B or C: the slice is decoded when it has both, or else with the end of the picture."""
        current = self._picture
        if current is None or not current.partitioned:
            raise self._error("there is no partition A before it", "H.264 7.4.1.2.5", nal)
        key, redundant_pic_cnt, bit = read_partition(nal, current.sps, current.pps)
        if redundant_pic_cnt:
            return
        waiting = current.partitioned.get(key)
        if waiting is None:
            raise self._error(f"no slice whose partition A came before has slice_id {key[1]}", "H.264 7.4.1.2.5", nal)
        current.bits.append(8 * len(nal.data))
        if waiting.add(nal, bit):
            del current.partitioned[key]
            self._decode(*waiting.slice, waiting.partitions)

    def _decode_incomplete(self):
        """The picture has ended: partitions without any element need not have come (7.4.2.9), and others are lost."""
        waiting, self._picture.partitioned = self._picture.partitioned, {}
        for one in waiting.values():
            try:
                self._decode(*one.slice, one.partitions)
            except (BitstreamError, UnsupportedError) as error:
                self._fault(error)

    def _decode(self, nal, bit, header, sps, pps, partitions=()):
        list0, list1 = self._lists(header, sps, nal)
        current = self._picture
        try:
            prepared = self._slices.prepare(
                nal.rbsp, bit, sps, pps, header, current.store.picture, list0, list1, current.map, partitions
            )
        except BitstreamError as error:
            raise placed(error, nal) from None
        current.batch.add(prepared)
        self._fault(Outcome(current.batch, prepared, nal))
        if len(current.batch) == BATCH:
            self._decode_batch()

    def _decode_batch(self, end=None):
        """Have the slices decoded that have come of the picture; `end` when these are the last."""
        current = self._picture
        batch = current.batch
        if end is None and not len(batch):
            return
        if end is not None:
            known = any(not isinstance(error, Outcome) for error in current.errors)
            batch.end(PARITY[current.fields], self._slices.level, end.mend, whole=current.batches == 1, known=known)
        current.store.content.batch = batch
        alone = bool(current.sps.separate_colour_plane_flag)  # their macroblock data is for one reader at a time
        self._workers.run(batch, alone)
        if end is None:
            current.batch, current.batches = Batch(current.store.picture, batch), current.batches + 1

    # ---------------------------------------------------------------- references

    def _lists(self, header, sps, nal):
        """RefPicList0 and RefPicList1 for the slice decoder: (Picture, parity) or None."""
        current, key = self._picture, lists_key(header)
        if key not in current.lists:
            references = self._dpb.references(current.store)
            assign_FrameNumWrap(references, header.frame_num, sps.MaxFrameNum)
            *lists, missing = reference_lists(references, current.store, header, sps)
            current.lists[key] = [[self._reference(entry) for entry in some] for some in lists], missing
        lists, missing = current.lists[key]
        if missing and not self._recovering:
            self._fault(
                self._error(
                    f"ref_pic_list_modification names {missing} pictures that are not there", "H.264 8.2.4.3", nal
                )
            )
        return lists

    @property
    def _strict(self):
        """Whether a reference that is missing is an error; before the first IDR picture it is none (D.2.8)."""
        return self._on_error == "raise" and not self._recovering

    def _reference(self, entry):
        if entry is not None:
            frame, fields = entry
            if (picture := frame.picture) is not None:
                picture.long_term = frame.long
                return picture, PARITY[fields]
        if self._strict:
            return None
        # What is missing is replaced by the picture that was decoded last, or by gray.
        return self._stand_in(), PARITY[self._picture.fields]

    def _stand_in(self):
        if self._last is None:
            self._last = self._pool.take()
            self._last.forget_motion()
            for plane, depth in zip(arrays(self._last), (self._sps.BitDepthY, *(self._sps.BitDepthC,) * 2)):
                plane[:] = 1 << (depth - 1)
        return self._last

    # ---------------------------------------------------------------- sequences

    def _start_sequence(self, sps):
        """Activate an SPS (7.4.1.2.1): the frames before it leave, and the buffers are made for it."""
        self._limits.check_pixels(16 * sps.PicWidthInMbs, 16 * sps.FrameHeightInMbs)
        size = max(sps.max_dec_frame_buffering, 1)
        needed = (size + 2) * picture_bytes(sps)
        if needed > self._limits.dpb_bytes:
            raise LimitError(
                f"the stream asks for {needed} bytes of pictures; Limits.dpb_bytes allows {self._limits.dpb_bytes}"
            )
        self._end_sequence()
        self._sps, self._last = sps, None
        self._dpb = DecodedPictureBuffer(size, sps.max_num_ref_frames, self._reorder_frames(sps))
        self._pool, self._format = PicturePool(sps, spare=3), FrameFormat(sps, self._monochrome)

    def _reorder_frames(self, sps):
        """Pictures that may wait for output, where the stream promises how many and the caller wants it fast."""
        if not self._low_delay:
            return None
        if sps.pic_order_cnt_type == 2 or (sps.profile_idc in INTRA_CAPABLE_PROFILES and sps.constraint_set3_flag):
            return 0
        return sps.vui.max_num_reorder_frames if sps.vui else None

    def _end_sequence(self):
        """All frames leave, and nothing is a reference any more."""
        self._store_frame()
        if self._dpb:
            self._output(self._dpb.flush())

    # ---------------------------------------------------------------- pictures

    def _start_picture(self, header, sps, pps, nal):
        if header.IdrPicFlag:
            self._recovering = False
        if not self._is_second_field(header):
            self._store_frame()
            if sps is not self._sps:
                if self._sps is not None and not header.IdrPicFlag and not self._recovering:
                    self._fault(
                        self._error(
                            "another sequence parameter set becomes active without an IDR picture",
                            "H.264 7.4.1.2.1",
                            nal,
                        )
                    )
                self._start_sequence(sps)
            self._fill_gap(header, sps, nal)
        counts = self._order.decode(header, sps)
        for count in counts:
            if count is not None and count not in INT32:
                raise self._error(f"the picture order count is {count}; it must fit 32 bits", "H.264 8.2.1", nal)
        if self._frame is None:
            coded = CodedFrame(self._format, bool(header.IdrPicFlag), self._timestamp_of(nal), self._user_data)
            self._frame, self._user_data = FrameStore(self._pool.take(), header.frame_num, coded), []
            self._frame.reference = bool(header.nal_ref_idc)
        self._picture = _CodedPicture(self._frame, header, sps, pps, nal)
        self._picture.errors, self._errors = self._errors, []
        self._frame.set_order(*counts)

    def _timestamp_of(self, nal):
        found = None
        while self._timestamps and self._timestamps[0][0] <= nal.offset:
            found = self._timestamps.popleft()[1]
        return found

    def _is_second_field(self, header):
        """Whether it completes the frame of the field before (3.30: complementary field pairs)."""
        store = self._frame
        return (
            store is not None
            and bool(header.field_pic_flag)
            and store.fields == FRAME - fields_of(header)
            and store.frame_num == header.frame_num
            and store.reference == bool(header.nal_ref_idc)
            and (not header.IdrPicFlag or store.content.key)
        )

    def _fill_gap(self, header, sps, nal):
        """8.2.5.2: frames that frame_num passes over are inferred, as references that do not exist."""
        before, MaxFrameNum = self._PrevRefFrameNum, sps.MaxFrameNum
        if header.IdrPicFlag or before is None or header.frame_num in (before, (before + 1) % MaxFrameNum):
            return
        lost = (header.frame_num - before - 1) % MaxFrameNum
        if not sps.gaps_in_frame_num_value_allowed_flag and not self._recovering:
            self._fault(
                self._error(
                    f"frame_num goes from {before} to {header.frame_num}: {lost} reference frames are missing",
                    "H.264 7.4.3",
                    nal,
                )
            )
        # Those before the last max_num_ref_frames would have slid out of the window again.
        for frame_num in range(header.frame_num - min(lost, self._dpb.max_num_ref_frames), header.frame_num):
            frame_num %= MaxFrameNum
            store = FrameStore(None if self._strict else self._last, frame_num, non_existing=True)
            self._dpb.slide(frame_num, MaxFrameNum)
            self._number_gap(store, frame_num, sps)
            store.short = store.fields = FRAME
            self._output(self._dpb.store(store))
            self._PrevRefFrameNum = frame_num

    def _number_gap(self, store, frame_num, sps):
        """Order counts of an inferred frame; with type 0 there is nothing to make them of (8.2.5.2)."""
        counts = 0, 0
        if sps.pic_order_cnt_type:
            inferred = _Inferred(frame_num)
            counts = self._order.decode(inferred, sps)
            self._order.done(inferred, sps, counts[0])
        store.set_order(*counts)

    # ---------------------------------------------------------------- the end of a picture

    def _finish_picture(self):
        """All slices of the picture have come: filter it, fill in what is missing, mark references."""
        current = self._picture
        if current is None:
            return
        self._decode_incomplete()
        store, header, sps = current.store, current.header, current.sps
        outcome = Outcome(current.batch)
        tolerant = self._on_error != "raise"
        self._decode_batch(PictureEnd(current, [*self._dpb.frames], self._last, self._slices.level, outcome, tolerant))
        self._picture = None
        if not tolerant:
            self._fault(outcome)
        store.fields |= current.fields
        self._mark(store, header, sps)
        if store.fields == FRAME:
            self._store_frame()

    def _mark(self, store, header, sps):
        """8.2.5, and the numbers that the next picture counts from."""
        if header.IdrPicFlag and store.fields == fields_of(header):
            # All earlier frames are output whatever no_output_of_prior_pics_flag says: it allows to drop them, and a frame that came in
            # goes out.
            self._output(self._dpb.flush())
        if header.nal_ref_idc:
            self._dpb.mark(store, header, sps)
            self._PrevRefFrameNum = header.frame_num
            self._references += 1
            self._recovering = self._recovering and self._references < 2 * sps.max_num_ref_frames
        if header.has_mmco5:
            self._reset_order(store)
            self._output(self._dpb.drain())
        self._order.done(header, sps, store.TopFieldOrderCnt)

    def _reset_order(self, store):
        """memory_management_control_operation 5: as if the picture were an IDR picture (8.2.1, 7.4.3)."""
        self._PrevRefFrameNum = store.frame_num = 0
        first = store.order
        store.set_order(
            *(None if count is None else count - first for count in (store.TopFieldOrderCnt, store.BottomFieldOrderCnt))
        )

    def _store_frame(self):
        """The frame is complete, or will not be: it goes to the buffer."""
        store, self._frame = self._frame, None
        if store is None:
            return
        if store.fields != FRAME:
            store.picture.wait()
            fill_field(store.picture, store.fields)
        self._last = store.picture
        self._output(self._dpb.store(store))


class _Fault:
    """An error among what is ready, in the order of the stream."""

    def __init__(self, error):
        self.error = error


class _Inferred:
    """What picture order counts ask of the header of a frame that does not exist (8.2.5.2)."""

    IdrPicFlag = field_pic_flag = bottom_field_flag = 0
    nal_ref_idc, has_mmco5, delta_pic_order_cnt = 1, False, (0, 0)

    def __init__(self, frame_num):
        self.frame_num = frame_num
