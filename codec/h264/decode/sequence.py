"""The state between NAL units: parameter sets, the picture in progress, references, gaps, the picture buffer.

Frames, errors and outcomes go to `ready`, batches of slices to `workers`.
"""

import contextlib
import math

from ...errors import BitstreamError, LimitError, UnsupportedError
from ..pictures.dpb import DecodedPictureBuffer, FrameStore
from ..pictures.order import PicOrderCnt, is_new_picture
from ..pictures.references import FRAME, assign_FrameNumWrap, fields_of, lists_key, reference_lists
from ..stream import nal as nals
from ..stream.parameter_sets import INTRA_CAPABLE_PROFILES, ParameterSets
from ..stream.partitions import PartitionedSlice, read_partition
from ..stream.sei import RECOVERY_POINT, USER_DATA_REGISTERED, USER_DATA_UNREGISTERED, read_sei, x264_build
from ..stream.slice_header import SI, B, I, read_slice_header
from ._slice_dec import SliceDecoder
from .coded_picture import ERRORS_KEPT, PARITY, CodedPicture, CodedSlice, PictureEnd, SliceReferences
from .jobs import BATCH
from .output import CodedFrame, FrameFormat, PicturePool, arrays, fill_field, macroblock_map, picture_bytes
from .ready import Fault, Outcome, Output, Ready, placed
from .trust import INTACT, NO_SOURCES, Sources, Trust

USER_DATA = (USER_DATA_REGISTERED, USER_DATA_UNREGISTERED)
INT32 = range(-(1 << 31), 1 << 31)
X264_FIXED = 151  # the first build whose coded_block_flag of 8x8 blocks in 4:4:4 has the contexts of the standard


def _error(reason, clause, nal):
    return BitstreamError(reason, layer=nal.layer(nal.name), offset=nal.offset, clause=clause)


class Sequence:
    """Decodes NAL units in decoding order, from any number of sequences.

    Parameters
    ----------
    workers : Workers
    timestamp_of : function of a NalUnit to the timestamp of the frame that it starts
    limits : codec.Limits
    tolerant : bool
        Errors become the damage of frames, and missing references are replaced. Otherwise errors go to `ready`.
    low_delay : bool
    monochrome : "4:2:0" or "4:0:0"
    x264_build : int or None
        Of the encoder, until the stream names one.

    Attributes
    ----------
    ready : Ready
        Frames in output order, errors in decoding order; the caller removes them.
    """

    def __init__(self, workers, timestamp_of, limits, *, tolerant, low_delay, monochrome, side_data, x264_build):
        self.ready = Ready()
        self._workers, self._timestamp_of, self._limits = workers, timestamp_of, limits
        self._tolerant, self._low_delay, self._monochrome = tolerant, low_delay, monochrome
        self._side_data = side_data
        self._sets, self._slices = ParameterSets(), SliceDecoder()
        self._slices.x264_before_151 = x264_build is not None and x264_build < X264_FIXED
        self._sps = self._dpb = self._pool = self._format = None  # of the active sequence
        self._pairs = False  # the active sequence has complementary field pairs
        self._gaps = False  # frames of it were inferred
        self._picture = None  # the CodedPicture in progress
        # _last: the Picture decoded last, or a gray one; _previous: the FrameStore of the last frame.
        self._frame = None  # the FrameStore of a picture in progress, or of a first field that waits for the second
        self._user_data, self._faults, self._recovery = [], [], None  # for the next picture
        self._trust = Trust()
        self._start_over()

    def _start_over(self):
        """The next picture is the first of a stream."""
        self._order, self._PrevRefFrameNum, self._last, self._previous = PicOrderCnt(), None, None, None
        # Whether references may be missing since decoding did not start with an IDR picture; reference pictures so far.
        self._recovering = True
        self._references = 0
        self._trust.lose()

    # ---------------------------------------------------------------- errors

    def fault(self, error):
        """Report an error: to the caller, or as damage of the picture in progress or else of the next one."""
        self._report(Fault(error))

    def _report(self, one):
        """A Fault or an Outcome."""
        if not self._tolerant:
            one.number = self._trust.number
            self.ready.append(one)
            return
        faults = self._picture.faults if self._picture else self._faults
        if isinstance(one, Outcome) or len(faults) < ERRORS_KEPT:
            faults.append(one)

    def _output(self, stores):
        """Queue frames that leave the decoded picture buffer."""
        for store in stores:
            self.ready.append(Output(store))

    # ---------------------------------------------------------------- NAL units

    def add(self, nal):
        """Decode a NAL unit. Raises its errors, apart from those that are found when its slice data is decoded."""
        kind = nal.nal_unit_type
        if kind in (nals.NON_IDR, nals.IDR, nals.PARTITION_A):
            self._slice(nal)
        elif kind in (nals.SPS, nals.PPS):
            self._sets.add(nal)
        elif kind == nals.SEI:
            self._sei(nal)
        elif kind == nals.AUD:
            self.finish_picture()
        elif kind in (nals.END_OF_SEQ, nals.END_OF_STREAM):
            self.end()
        elif kind in (nals.PARTITION_B, nals.PARTITION_C):
            self._partition(nal)
        # All other types are irrelevant to the primary coded pictures of the base view.

    def _sei(self, nal):
        with contextlib.suppress(BitstreamError):  # no picture depends on it
            for message in read_sei(nal):
                if message.payloadType in USER_DATA:
                    self._user_data.append((message.payloadType, message.payload))
                    build = x264_build(message)
                    if build is not None:
                        self._slices.x264_before_151 = build < X264_FIXED
                elif message.payloadType == RECOVERY_POINT:
                    self._recovery = message.content.recovery_frame_cnt
        self._limits.check_metadata(sum(len(payload) for _, payload in self._user_data))

    def _slice(self, nal):
        header, sps, pps, bit = read_slice_header(nal, self._sets.find)
        if header.redundant_pic_cnt:
            return
        coded = CodedSlice(nal, header, sps, pps, bit)
        if self._picture is None or is_new_picture(self._picture.header, header, sps):
            self.finish_picture()
            self._start_picture(coded)
        elif sps is not self._sps:
            raise _error("the sequence parameter set changes within a picture", "H.264 7.4.1.2.1", nal)
        current = self._picture
        current.header = header
        current.slices += 1
        current.intra = current.intra and header.kind in (I, SI)
        if current.slices > self._limits.slices:
            raise LimitError(
                f"a picture of more than {self._limits.slices} slices; raise Limits.slices if you trust the data"
            )
        current.store.content.bits = current.bits
        current.bits.append(8 * len(nal.data))
        current.store.content.add_type(header.name)
        if nal.nal_unit_type != nals.PARTITION_A:
            self._decode(coded)
        elif header.partition_key in current.partitioned:
            raise _error(f"two slices of a picture have slice_id {header.slice_id}", "H.264 7.4.2.9.1", nal)
        else:
            current.partitioned[header.partition_key] = PartitionedSlice(coded)

    def _partition(self, nal):
        """Slice data partition B or C: its slice is decoded when both are there, else at the end of the picture."""
        current = self._picture
        if current is None or not current.partitioned:
            raise _error("there is no partition A before it", "H.264 7.4.1.2.5", nal)
        key, redundant_pic_cnt, bit = read_partition(nal, current.sps, current.pps)
        if redundant_pic_cnt:
            return
        waiting = current.partitioned.get(key)
        if waiting is None:
            raise _error(f"no partition A before it has slice_id {key[1]}", "H.264 7.4.1.2.5", nal)
        current.bits.append(8 * len(nal.data))
        if waiting.add(nal, bit):
            del current.partitioned[key]
            self._decode(waiting.slice, waiting.partitions)

    def _decode_incomplete(self):
        """The picture has ended: partitions without syntax elements need not be sent (7.4.2.9), the others are lost."""
        waiting, self._picture.partitioned = self._picture.partitioned, {}
        for one in waiting.values():
            try:
                self._decode(one.slice, one.partitions)
            except (BitstreamError, UnsupportedError) as error:
                self.fault(error)

    # ---------------------------------------------------------------- batches of slices

    def _decode(self, coded, partitions=()):
        """Prepare a slice and add it to the batch; a full batch goes to a thread."""
        nal, current = coded.nal, self._picture
        references = self._references_of(coded)
        try:
            prepared = self._slices.prepare(
                nal.rbsp, coded.bit, coded.sps, coded.pps, coded.header, current.store.picture, *references.lists,
                current.map, partitions,
            )  # fmt: skip
        except BitstreamError as error:
            raise placed(error, nal) from None
        current.batch.add(prepared)
        current.store.content.lineage.slices.append(references.sources)
        self._report(Outcome(current.batch, prepared, nal))
        if len(current.batch) == BATCH:
            self.start_batch()

    def start_batch(self):
        """Give the slices of the picture in progress to a thread, although more may come."""
        current = self._picture
        if current is not None and len(current.batch):
            self._run(current)
            current.next_batch()

    def _run(self, current):
        """From here on the batch belongs to a thread: see `jobs`."""
        current.store.content.batch = current.batch
        # With separate colour planes a thread changes its references (select_plane): decode one batch at a time.
        self._workers.run(current.batch, wait=bool(current.sps.separate_colour_plane_flag))

    # ---------------------------------------------------------------- references

    def _references_of(self, coded):
        """The SliceReferences of a slice."""
        current, header, sps, key = self._picture, coded.header, coded.sps, lists_key(coded.header)
        found = current.references.get(key)
        if found is None:
            references = self._dpb.references(current.store)
            assign_FrameNumWrap(references, header.frame_num, sps.MaxFrameNum)
            *lists, missing = reference_lists(references, current.store, header, sps)
            found = current.references[key] = self._with_sources(lists, missing, header, sps)
            if missing and not self._recovering:
                self._trust.lose()
        if found.missing and not self._recovering:
            reason = f"ref_pic_list_modification names {found.missing} pictures that are not available"
            self.fault(_error(reason, "H.264 8.2.4.3", coded.nal))
        return found

    def _with_sources(self, lists, missing, header, sps):
        if not any(lists):
            return SliceReferences(lists, NO_SOURCES, missing)
        rule = self._trust.rule(self._picture.store.order)
        # If the stream allows gaps, an inferred frame may be one that was lost. The lists of B slices leave it out, so
        # that all indices after it name other pictures than the encoder meant.
        if (
            self._gaps
            and header.kind == B
            and not sps.pic_order_cnt_type
            and any(one.non_existing and one.short for one in self._dpb.frames)
        ):
            rule = rule._replace(loss=self._trust.number, since=math.inf)
        entries, sources = [], []
        for number, one in enumerate(lists):
            pairs = [self._entry(entry, rule, number == 0) for entry in one]
            entries.append([reference for reference, _ in pairs])
            sources.append([source for _, source in pairs])
        return SliceReferences(entries, Sources(sources, rule.forgiven, bool(header.MbaffFrameFlag(sps))), missing)

    def _entry(self, entry, rule, from_list0):
        """An entry of a reference list for the slice decoder, and its source for `Lineage`.

        A missing picture has a stand-in, or is None where referring to it is an error: not if decoding did not start
        with an IDR picture (D.2.8).
        """
        if entry and not entry[0].non_existing:
            frame, fields = entry
            picture, content = frame.picture, frame.content
            picture.long_term = frame.long
            if rule.loss != INTACT:
                current = self._picture.store
                if frame is not current and not rule.trusts(content.number, current.order, from_list0):
                    content = rule.loss
            return (picture, PARITY[fields]), content
        loss = self._trust.number if rule.loss == INTACT else rule.loss
        if not self._tolerant and not self._recovering:
            return None, loss
        frame, fields = entry or (None, self._picture.fields)
        return (frame and frame.picture or self._stand_in(), PARITY[fields]), loss

    def _stand_in(self):
        """In place of a missing reference: the picture decoded last, or a gray one."""
        if self._last is None:
            self._last = self._pool.take()
            self._last.forget_motion()
            for plane, depth in zip(arrays(self._last), (self._sps.BitDepthY, *(self._sps.BitDepthC,) * 2)):
                plane[:] = 1 << (depth - 1)
        return self._last

    # ---------------------------------------------------------------- sequences

    def _start_sequence(self, sps):
        """Activate an SPS (7.4.1.2.1): output the frames before it, and allocate buffers for it."""
        self._limits.check_pixels(16 * sps.PicWidthInMbs, 16 * sps.FrameHeightInMbs)
        size = max(sps.max_dec_frame_buffering, 1)
        needed = (size + 2) * picture_bytes(sps)
        if needed > self._limits.dpb_bytes:
            raise LimitError(
                f"the stream asks for {needed} bytes of pictures; Limits.dpb_bytes allows {self._limits.dpb_bytes}"
            )
        self._end_sequence()
        self._sps, self._last, self._previous, self._pairs, self._gaps = sps, None, None, False, False
        self._trust.lose()
        self._dpb = DecodedPictureBuffer(
            size, sps.max_num_ref_frames, self._reorder_frames(sps), consecutive=self._low_delay
        )
        self._pool, self._format = PicturePool(sps, 3, self._side_data), FrameFormat(sps, self._monochrome)

    def _reorder_frames(self, sps):
        """For low_delay: how many pictures may wait for output, if the stream promises a number."""
        if not self._low_delay:
            return None
        if sps.pic_order_cnt_type == 2 or (sps.profile_idc in INTRA_CAPABLE_PROFILES and sps.constraint_set3_flag):
            return 0
        return sps.vui.max_num_reorder_frames if sps.vui else None

    def _end_sequence(self):
        """Output all frames, and mark them as unused for reference."""
        self._store_frame()
        if self._dpb:
            self._output(self._dpb.flush())

    def end(self):
        """The stream or sequence has ended: decode and output everything. The next picture starts a new stream."""
        self.finish_picture()
        self._end_sequence()
        self._repeat_frame()
        self._start_over()

    def _repeat_frame(self):
        """Errors after the last picture are those of a lost one: the last frame takes its place."""
        before, faults, self._faults = self._previous, self._faults, []
        if not faults or before is None:
            return
        content = CodedFrame(self._format, self._trust.next_frame(), before.picture, False, None, [])
        content.type, content.batch = before.content.type, before.content.batch
        errors = [(one.error.offset or 0, str(one.error)) for one in faults]
        content.add_damage(macroblock_map(before.picture, True), errors, content.number)
        store = FrameStore(before.picture, before.frame_num, content)
        store.order = before.order
        self._output([store])

    # ---------------------------------------------------------------- the start of a picture

    def _start_picture(self, coded):
        header, sps, nal = coded.header, coded.sps, coded.nal
        if header.IdrPicFlag:
            self._recovering = False
        if not self._is_second_field(header):
            self._store_frame()
            if sps is not self._sps:
                if self._sps is not None and not header.IdrPicFlag and not self._recovering:
                    reason = "another sequence parameter set becomes active without an IDR picture"
                    self.fault(_error(reason, "H.264 7.4.1.2.1", nal))
                self._start_sequence(sps)
            self._fill_gap(header, sps, nal)
        if header.IdrPicFlag and (damage := self._sets.damage(sps.seq_parameter_set_id)) is not None:
            self.fault(damage)
        counts = self._order.decode(header, sps)
        for count in counts:
            if count is not None and count not in INT32:
                raise _error(f"the picture order count is {count}; it must fit 32 bits", "H.264 8.2.1", nal)
        if self._frame is None:
            self._start_frame(coded, counts)
        self._picture, self._faults = CodedPicture(self._frame, coded, self._faults), []
        self._frame.set_order(*counts)

    def _start_frame(self, coded, counts):
        header, nal, picture = coded.header, coded.nal, self._pool.take()
        key, user_data, self._user_data = bool(header.IdrPicFlag), self._user_data, []
        content = CodedFrame(
            self._format, self._trust.next_frame(), picture, key, self._timestamp_of(nal), user_data
        )  # fmt: skip
        content.place = nal.layer("picture"), nal.offset
        self._frame = FrameStore(picture, header.frame_num, content)
        self._frame.reference = bool(header.nal_ref_idc)
        order = min(count for count in counts if count is not None)
        self._trust.begin(header, coded.sps, order, self._recovery)
        self._recovery = None

    def _is_second_field(self, header):
        """Whether a picture is the second field of the frame in progress (3.30, complementary field pairs)."""
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
        """8.2.5.2: for each frame_num skipped, infer a non-existing reference frame."""
        before, MaxFrameNum = self._PrevRefFrameNum, sps.MaxFrameNum
        if header.IdrPicFlag or before is None or header.frame_num == (before + 1) % MaxFrameNum:
            return
        if header.frame_num == before:
            if header.nal_ref_idc and not header.field_pic_flag:
                self._trust.lose()
                self.fault(_error(f"two reference frames have frame_num {before}", "H.264 7.4.3", nal))
            return
        lost = (header.frame_num - before - 1) % MaxFrameNum
        if not sps.gaps_in_frame_num_value_allowed_flag:
            self._trust.lose()
            if not self._recovering:
                reason = f"frame_num goes from {before} to {header.frame_num}: {lost} reference frames are missing"
                self.fault(_error(reason, "H.264 7.4.3", nal))
        self._gaps = True
        # The sliding window keeps only the last max_num_ref_frames of them.
        for frame_num in range(header.frame_num - min(lost, self._dpb.max_num_ref_frames), header.frame_num):
            frame_num %= MaxFrameNum
            store = FrameStore(self._last if self._tolerant or self._recovering else None, frame_num, non_existing=True)
            self._dpb.slide(frame_num, MaxFrameNum)
            self._number_gap(store, frame_num, sps)
            store.short = store.fields = FRAME
            self._output(self._dpb.store(store))
            self._PrevRefFrameNum = frame_num

    def _number_gap(self, store, frame_num, sps):
        """Order counts of an inferred frame; type 0 has no elements to derive them from (8.2.5.2)."""
        counts = 0, 0
        if sps.pic_order_cnt_type:
            inferred = _Inferred(frame_num)
            counts = self._order.decode(inferred, sps)
            self._order.done(inferred, sps, counts[0])
        store.set_order(*counts)

    # ---------------------------------------------------------------- the end of a picture

    def finish_picture(self):
        """The picture in progress, if any, has all its slices: let a thread complete it, and mark references."""
        current = self._picture
        if current is None:
            return
        self._decode_incomplete()
        store, level = current.store, self._slices.level
        outcome = Outcome(current.batch)
        end = PictureEnd(current, [*self._dpb.frames], self._last, level, outcome)
        current.end_batch(level, end.repair)
        self._run(current)
        self._picture = None
        if not self._tolerant:
            self._report(outcome)
        store.fields |= current.fields
        self._pairs = self._pairs or (store.fields == FRAME and current.fields != FRAME)
        self._trust.end(current.header, store.order, current.intra)
        self._mark(store, current.header, current.sps)
        if store.fields == FRAME:
            self._store_frame()

    def _mark(self, store, header, sps):
        """Mark references (8.2.5), and keep the numbers that the next picture counts from."""
        if header.IdrPicFlag and store.fields == fields_of(header):
            # no_output_of_prior_pics_flag allows a decoder to drop earlier frames (C.4.4). All of them are output here.
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
        """memory_management_control_operation 5: number the picture as if it were an IDR picture (8.2.1, 7.4.3)."""
        self._PrevRefFrameNum = store.frame_num = 0
        first = store.order
        counts = (store.TopFieldOrderCnt, store.BottomFieldOrderCnt)
        store.set_order(*(None if count is None else count - first for count in counts))

    def _store_frame(self):
        """The frame in progress, if any, is complete, or its second field is missing: move it to the buffer."""
        store, self._frame = self._frame, None
        if store is None:
            return
        if store.fields != FRAME:
            store.picture.wait()
            fill_field(store.picture, store.fields)
            if self._pairs:
                self._lose_field(store)
        self._last, self._previous = store.picture, store
        self._output(self._dpb.store(store))

    def _lose_field(self, store):
        """A single field is legal (3.30), but in a stream with pairs of fields the other one was lost."""
        layer, offset = store.content.place
        error = BitstreamError(
            "the other field of the frame is missing", layer=layer, offset=offset, clause="H.264 7.4.1.2.4"
        )
        store.content.add_damage(macroblock_map(store.picture, False), [(offset, str(error))], INTACT)
        self._trust.lose()


class _Inferred:
    """The elements of a slice header that picture order counts need, for a non-existing frame (8.2.5.2)."""

    IdrPicFlag = field_pic_flag = bottom_field_flag = 0
    nal_ref_idc, has_mmco5, delta_pic_order_cnt = 1, False, (0, 0)

    def __init__(self, frame_num):
        self.frame_num = frame_num
