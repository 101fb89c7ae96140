"""Which references a picture may be predicted from, and the damage that travels with references.

Two kinds of damage make a picture wrong whose own data is intact:

- A reference was lost before it was decoded: the stream starts without an IDR picture, or reference frames are missing.
  `Trust` knows this when slice headers are read: it says which entries of a reference list are what the encoder meant.
- A reference is damaged itself. This is known only when its slices are decoded, so `Lineage` looks when the frame is
  output: a picture is damaged if one of its macroblocks is predicted from a damaged picture, or from an entry that is
  not trusted.

Frames are numbered in decoding order. The origin of damage is the number of the frame at which it entered the stream: a
recovery point forgives damage whose origin precedes it.
"""

import math
from typing import NamedTuple

import numpy as np

MB_INTRA, MB_FIELD = 1, 32  # of `Picture.macroblocks`, as in pictures/_picture.pxd
INTACT = -1  # the origin of no damage


class Rule(NamedTuple):
    """What holds for the pictures from some place in the stream on.

    Attributes
    ----------
    loss : int
        Origin of the latest loss of reference pictures; INTACT if none was lost.
    since, order : int
        Number and PicOrderCnt of the first intra picture after the loss. References are trusted from it on. Pictures
        that precede it in output order may have lost references before it.
    forgiven : int
        Damage of references with an earlier origin does not matter.
    """

    loss: int = INTACT
    since: float = math.inf
    order: float = -math.inf
    forgiven: int = 0

    def trusts(self, number, order, from_list0):
        """Whether an entry of a reference list is what the encoder meant.

        Parameters
        ----------
        number : int
            Of the reference frame.
        order : int
            PicOrderCnt of the picture that refers to it.
        from_list0 : bool
            Of a picture that precedes `since` in output order, RefPicList0 begins with lost pictures (8.2.4.2.3).
        """
        return self.loss == INTACT or (number >= self.since and not (from_list0 and order < self.order))


class _Recovery(NamedTuple):
    """A recovery point SEI message (D.2.8): number and frame_num of its frame, and recovery_frame_cnt."""

    number: int
    frame_num: int
    recovery_frame_cnt: int


class Trust:
    """The rules in force while slice headers are read.

    Attributes
    ----------
    number : int
        Of the frame in progress, in decoding order.
    """

    def __init__(self):
        self.number, self._recovery = INTACT, None
        self._before, self._from, self._rule = Rule(), -math.inf, Rule()

    def lose(self):
        """Reference pictures before the next frame are missing."""
        self._recovery, self._from = None, -math.inf
        self._rule = Rule(loss=self.number + 1, forgiven=self._rule.forgiven)

    def next_frame(self):
        """A frame begins: its number."""
        self.number += 1
        return self.number

    def begin(self, header, sps, order, recovery_frame_cnt):
        """A frame with this slice header begins.

        Parameters
        ----------
        order : int
            Its PicOrderCnt.
        recovery_frame_cnt : int or None
            By a recovery point SEI message before it.
        """
        if header.IdrPicFlag:
            self._recovery, self._from, self._rule = None, -math.inf, Rule()
        if recovery_frame_cnt is not None:
            self._recovery = _Recovery(self.number, header.frame_num, recovery_frame_cnt)
        point = self._recovery
        if point and header.nal_ref_idc:
            if (header.frame_num - point.frame_num) % sps.MaxFrameNum >= point.recovery_frame_cnt:
                self._recovery, self._before, self._from = None, self.rule(order), order
                self._rule = Rule(forgiven=point.number)

    def end(self, header, order, intra):
        """A picture has ended, of which `header` is a slice header; `intra`: all its slices are I or SI."""
        if header.has_mmco5:  # order counts start again (8.2.1), and all references are gone
            self._from = -math.inf
            self._rule = self._rule._replace(order=-math.inf)
        if intra and header.nal_ref_idc and self._rule.since == math.inf:
            self._rule = self._rule._replace(since=self.number, order=order)

    def rule(self, order):
        """The Rule for a picture with this PicOrderCnt."""
        return self._rule if order >= self._from else self._before


class Sources(NamedTuple):
    """Where the reference picture lists of a slice come from.

    Attributes
    ----------
    lists : list of RefPicList0 and RefPicList1
        Each entry the CodedFrame of the reference, or the origin of the loss (int) of one that is not trusted.
    forgiven : int
        See `Rule`.
    mbaff : bool
        Field macroblocks count fields.
    """

    lists: list
    forgiven: int
    mbaff: bool

    def origins(self, frame):
        """Origin of the damage of each entry by list, INTACT for none and for `frame`, which refers to them. None if
        there is no damage."""
        damaged = False
        for one in self.lists:
            for source in one:
                if source is not frame and (isinstance(source, int) or source.origin != INTACT):
                    damaged = True
        return [[self._origin(source, frame) for source in one] for one in self.lists] if damaged else None

    def _origin(self, source, frame):
        origin = INTACT if source is frame else source if isinstance(source, int) else source.origin
        return origin if origin >= self.forgiven else INTACT


NO_SOURCES = Sources([[], []], 0, False)  # of I slices


class Lineage:
    """What a frame is predicted from, until its damage is known.

    Parameters
    ----------
    picture : Picture
        Its own.
    """

    def __init__(self, picture):
        self.picture, self.slices = picture, []  # Sources, by MbInfo.slice

    def origin(self, frame):
        """Origin of the damage that a decoded frame gets from its references."""
        found, use = INTACT, None
        for number, sources in enumerate(self.slices):
            origins = sources.origins(frame)
            if origins is not None:
                use = use or _Use(self.picture)
                found = max(found, use.origin(number, sources.mbaff, origins))
        return found


class _Use:
    """The reference indices of a decoded picture."""

    def __init__(self, picture):
        data, (_, ref_idx) = picture.macroblocks(), picture.motion()
        self._slice, self._flags = np.frombuffer(data["slice"], np.int32), np.frombuffer(data["flags"], np.uint16)
        self._ref_idx = np.frombuffer(ref_idx, np.int8).reshape(-1, 2, 4)
        self._planes = picture.key[5]  # the arrays are those of the first colour plane

    def origin(self, number, mbaff, origins):
        """Latest origin of the damage of the entries that a slice uses; `origins`: of all entries, by list."""
        inter, found = (self._slice == number) & (self._flags & MB_INTRA == 0), INTACT
        for number, one in enumerate(origins):
            ref_idx = self._ref_idx[:, number]
            if mbaff:
                ref_idx = np.where((self._flags & MB_FIELD != 0)[:, None], ref_idx >> 1, ref_idx)
            for refIdx, origin in enumerate(one):
                if origin <= found:
                    continue
                direct = number == 1 and refIdx == 0  # motion of direct prediction comes from it (8.4.1.2.1)
                if self._planes or (inter if direct else inter & (ref_idx == refIdx).any(1)).any():
                    found = origin
        return found
