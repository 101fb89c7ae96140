"""A coded picture (a frame or a field) in progress, and the repair of its missing macroblocks."""

from typing import NamedTuple

import numpy as np

from ...errors import BitstreamError
from ..pictures.references import BOTTOM, FRAME, TOP, fields_of
from ..pictures.slice_groups import mb_to_slice_group_map
from ..stream.nal import NalUnit
from ..stream.parameter_sets import PPS, SPS
from ..stream.slice_header import SliceHeader
from ._conceal import conceal
from ._crew import Batch
from .output import missing_macroblocks, sources_of
from .ready import Fault, Outcome
from .trust import INTACT, Sources

ERRORS_KEPT = 100  # per picture
PARITY = {FRAME: 0, TOP: 1, BOTTOM: 2}  # as the slice decoder counts


class CodedSlice(NamedTuple):
    """A slice, or partition A of one: its header is read, its slice_data is not.

    Attributes
    ----------
    bit : int
        Offset in bits of slice_data in `nal.rbsp`.
    """

    nal: NalUnit
    header: SliceHeader
    sps: SPS
    pps: PPS
    bit: int


class SliceReferences(NamedTuple):
    """The reference picture lists of a slice.

    Attributes
    ----------
    lists : list of RefPicList0 and RefPicList1
        Each a list of (Picture, parity) or None, as the slice decoder takes them.
    sources : Sources
        Where their entries come from.
    missing : int
        Pictures that ref_pic_list_modification names and that are not available.
    """

    lists: list
    sources: Sources
    missing: int


class CodedPicture:
    """The frame or field in progress.

    Attributes
    ----------
    store : FrameStore
        Its frame.
    first : CodedSlice
        The slice that started it.
    header : SliceHeader
        Of its last slice.
    fields : TOP, BOTTOM or FRAME
    slices : int
        Received so far.
    intra : bool
        All of them are I or SI slices.
    faults : list of Fault and Outcome
        If damage is concealed or skipped: errors, and outcomes not yet known to be errors.
    bits : list of int
        Of each slice, for the side data.
    batch, batches : Batch and int
        Slices that no thread has yet, and how many batches there are with it.
    map : uint8 array or None
        mbToSliceGroupMap.
    references : dict of SliceReferences
        Of earlier slices, by `lists_key`.
    partitioned : dict of PartitionedSlice
        Slices that wait for partitions B and C, by `SliceHeader.partition_key`.
    """

    def __init__(self, store, first, faults):
        self.store, self.first, self.header, self.sps, self.pps = store, first, first.header, first.sps, first.pps
        self.fields, self.map = fields_of(first.header), mb_to_slice_group_map(first.header, first.sps, first.pps)
        self.faults, self.slices, self.intra, self.bits = faults, 0, True, []
        self.batch, self.batches = Batch(store.picture, store.content.batch), 1
        self.references, self.partitioned = {}, {}

    def next_batch(self):
        """Start another batch after the one that a thread now has."""
        self.batch, self.batches = Batch(self.store.picture, self.batch), self.batches + 1

    def end_batch(self, level, repair):
        """The batch is the last one. Its thread ends the picture, and calls `repair` if anything is wrong with it."""
        known = any(isinstance(one, Fault) for one in self.faults)
        self.batch.end(PARITY[self.fields], level, repair, whole=self.batches == 1, known=known)


class PictureEnd:
    """Completes a picture with missing slices or macroblocks.

    Parameters
    ----------
    current : CodedPicture
        Unchanged from here on.
    stores, last
        Sources of lost macroblocks: see `sources_of`.
    level : int
        Instruction-set level of the kernels.
    outcome : Outcome
        Gets the error if macroblocks are missing.
    """

    def __init__(self, current, stores, last, level, outcome):
        self.current, self.stores, self.last, self.level, self.outcome = current, stores, last, level, outcome
        # Marking may change both before the thread runs, by memory_management_control_operation 5 and the next field.
        self.order, self.paired = current.store.order, current.store.fields != 0

    def repair(self, missing):
        """Record errors and conceal `missing` macroblocks; runs in the thread that decoded the picture."""
        current, picture = self.current, self.current.store.picture
        errors = [(one, one.error) for one in current.faults]
        wrong = missing or any(error is not None for one, error in errors if isinstance(one, Outcome))
        errors = [error for _, error in errors if error is not None][:ERRORS_KEPT]
        lost = missing_macroblocks(picture, current.fields, current.header.MbaffFrameFlag(current.sps))
        if missing:
            nal = current.first.nal
            self.outcome.error = BitstreamError(
                f"{int(lost.sum())} macroblocks of the picture are missing",
                layer=nal.layer("picture"),
                offset=nal.offset,
                clause="H.264 7.4.3",
            )
            errors.append(self.outcome.error)
            self._conceal(lost)
        if errors:
            damage = [(getattr(error, "offset", None) or 0, str(error)) for error in errors[:ERRORS_KEPT]]
            content = current.store.content
            content.add_damage(lost, damage, content.number if wrong else INTACT)

    def _conceal(self, lost):
        current = self.current
        key = current.store.content.key
        sources = sources_of(self.order, key, self.stores, self.last)
        for picture, _ in sources:
            picture.wait()
        order = sources[0][1] + 2 if key and sources else self.order  # an IDR picture follows the last frame shown
        rows = slice(None) if current.fields == FRAME else slice(int(current.fields == BOTTOM), None, 2)
        lost = np.ascontiguousarray(lost[rows], np.uint8)
        conceal(current.store.picture, lost, PARITY[current.fields], order, sources, self.paired, self.level)
