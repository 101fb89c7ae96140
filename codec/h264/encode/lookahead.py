"""Which frame becomes a picture of which type, in which order: decided from the costs of frames at half their size
before they are coded.

Frames wait until as many follow as the lookahead is long. Then the types of the next interval are settled: an I picture
alone where a scene or a stretch of `keyint` frames begins, or else a P picture with the B pictures before it, the first
interval of the cheapest way through the frames that wait.
"""

from __future__ import annotations

import functools
import math
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..stream.slice_header import B, I, P
from ._adaptive import ONE, energies_of, excess_of, qps_of, spread, tree_offsets, variance_offsets, weighed
from ._lookahead import HalfFrame, total
from .team import done
from .weights import SAVED, weights_between, with_chroma

if TYPE_CHECKING:
    from ...frame import Frame
    from .weights import Weights

# What prediction from the frame before saves of the cost of intra prediction, where no scene begins: at least this soon
# after a key picture, and at the latest place of the next. Cuts between films save 0 to 0.14, moving pictures save 0.5
# to 0.9.
SAVED_LEAST, SAVED_MOST = 0.15, 0.40
KEYINT_PARTS = 10  # a scene begins with a key picture at a distance of at least keyint / 10, with an I picture before
B_PERCENT = 65  # bits for the cost of a B picture, against those of a P picture: its steps are larger
CHANGED = 0.5  # of the cost of intra prediction: with a frame that costs more than this, intervals may be uneven
FIFTH = 5  # a fifth of the macroblocks cost less than what `Planned.even` compares with the mean
FLASH = 3  # frames after which the old scene may be back: a flash is no new scene


@functools.cache
def structure(count, layer=1):
    """B pictures between two others, in coding order: [(index, index before, index after, reference, layer)]. The
    pictures around them are -1 and `count`. The middle one comes first, and both halves refer to it.

    >>> from codec.h264.encode.lookahead import structure
    >>> structure(3)
    [(1, -1, 3, True, 1), (0, -1, 1, False, 2), (2, 1, 3, False, 2)]
    """
    if count <= 2:
        return [(i, -1, count, False, layer) for i in range(count)]
    middle = count // 2
    right = [tuple(i + middle + 1 for i in row[:3]) + row[3:] for row in structure(count - middle - 1, layer + 1)]
    return [(middle, -1, count, True, layer), *structure(middle, layer + 1), *right]


def is_even(number, length):
    """Whether an interval of a length ends with a frame where all do that are as long: two or four frames, or more by
    powers of two, divide time evenly."""
    return length & (length - 1) == 0 and number % length == 0


class Role(NamedTuple):
    """What a frame that waits becomes; others: the frames that it refers to first, in each list."""

    seen: Seen
    kind: int
    others: tuple
    key: bool = False
    reference: bool = True
    layer: int = 0
    idr: bool = False


class Planned(NamedTuple):
    """A frame whose picture is settled.

    Attributes
    ----------
    frame : Frame
    number : int
        In display order, from 0.
    kind : int
        I, P or B, as slice_type.
    key : bool
        Decoding can start here.
    reference : bool
        Others may refer to it.
    layer : int
        0 for I and P; B pictures refer to lower layers, those of layer 1 to layer 0.
    intra, inter : array of int32, or None
        By macroblock, what intra prediction and the cheapest prediction cost (SATD and bits at half size); None without
        a lookahead.
    new, even, smooth : int
        Of all B pictures of the interval, or of the next where it has none; 0 without a lookahead: `inter` in
        percent of `intra`, the cost that a fifth of the macroblocks do not reach in percent of the mean of `inter`, and
        what sums of 8x8 samples differ from prediction in percent of what samples do. Noise is new in each picture, and
        as much everywhere; what moves is new in some places. Light that changes is new in whole blocks.
    vectors : tuple of (N, 2) int16 arrays
        From the nearest references before and after, in samples, as far as the picture has them.
    weights : Weights or None
        Of a P picture and its first reference.
    drawn : bool
        The frame is of text or windows, not of a camera; never without a lookahead.
    offsets : array of int32, or None
        What to add to the QP of each macroblock, in 1/256; None: nothing.
    idr : bool
        A key picture that no picture refers across.
    later : (int, int)
        Of an I picture: what prediction of the frames that wait after it costs, up to the next one, and how many.
    """

    frame: Frame
    number: int
    kind: int
    key: bool = False
    reference: bool = True
    layer: int = 0
    intra: Any = None
    inter: Any = None
    new: int = 0
    even: int = 0
    smooth: int = 0
    vectors: tuple = ()
    weights: Weights | None = None
    drawn: bool = False
    offsets: Any = None
    idr: bool = False
    later: tuple = (0, 0)

    def qps(self, qp, least=0):
        """QP of each macroblock, at least `least`, for a QP of the picture (not always an integer); None if it is the
        same for all."""
        return None if self.offsets is None else qps_of(self.offsets, round(ONE * qp), least)

    def excess(self, qp):
        """By how much QP exceeds 51 on average, before it is bounded: an integer of at least 0."""
        return max(round(qp) - 51, 0) if self.offsets is None else excess_of(self.offsets, round(ONE * qp))

    @property
    def costs(self):
        """Sums of `intra` and of `inter`."""
        return int(self.intra.sum()), int(self.inter.sum())


class Seen:
    """A frame that waits, and what is known of its costs. asked: it must be an IDR picture."""

    def __init__(self, frame, number, tools, asked=False):
        self.frame, self.number, self._tools, self.asked = frame, number, tools, asked
        self.differs, self.begins = False, None  # from the frame before; whether a scene begins, None: not known yet
        self._one, self._faded, self._two = {}, {}, {}  # by number of the reference, or of both
        self.aq, self._fades = None, tools.weighted
        if tools.looks:  # made in the thread of the caller: memory that threads allocate stays divided among them
            self.half = HalfFrame(-(-frame.width // 16), -(-frame.height // 16))
        self.costs, self.changed = {}, False  # of the intervals that end here, by frames; whether little is as before
        # Jobs: of `examine`; of costs from frames before; of `costs` here and of frames before
        self.alone = self.found_back = self.known = None

    def examine(self):
        """Find what is known without other frames."""
        tools = self._tools
        if tools.aq:
            self.aq = variance_offsets(energies_of(self.frame.planes), tools.aq, tools.aq_strength)
        if tools.looks:
            self.half.fill(np.ascontiguousarray(self.frame.planes[0]))
            self.intra = self.half.intra
            sum_, square, count = self.half.moments
            self.look = sum_ / count, math.sqrt(count * square - sum_ * sum_) / count  # mean and standard deviation
            chroma = self.frame.planes[1:] if self._fades else ()
            self.chroma = [total(np.ascontiguousarray(plane)) / plane.size for plane in chroma]  # means
            self.weights = self.intra if self.aq is None else weighed(self.intra, self.aq)

    def search(self, other):
        """The `Prediction` from another frame."""
        found = self._one.get(other.number)
        if found is None:
            distance, guess, known = self.number - other.number, None, 0  # known: the largest distance on this side
            for number, one in self._one.items():
                if (self.number - number) * distance > 0 and abs(self.number - number) > abs(known):
                    guess, known = one.vectors, self.number - number
            found = self._one[other.number] = self.half.inter(other.half, guess, distance, known)
        return found

    def faded(self, other):
        """(`Prediction` from another frame, Weights or None), with weights if that is cheaper."""
        found = self._faded.get(other.number)
        if found is None:
            plain = self.search(other)
            found = plain, None
            weights = weights_between(*self.look, *other.look) if self._fades else None
            if weights:  # vectors that were found without weights follow brightness, not motion
                weights = with_chroma(weights, self.chroma, other.chroma)
                changed = self.half.inter(other.half, plain.vectors, 1, 1, weights)
                if changed.total < SAVED * plain.total:
                    found = changed, weights
            self._faded[other.number] = found
        return found

    def found(self, others):
        """[`Prediction`] as P from one other frame, or as B from two."""
        return [self.search(other) for other in others] if len(others) == 2 else [self.faded(others[0])[0]]

    def inter(self, *others):
        """The least cost of each macroblock, with references to one or two frames; and its sum."""
        if len(others) == 1:
            return self.faded(others[0])[0].best
        first, second = others
        key = first.number, second.number
        best = self._two.get(key)
        if best is None:
            best = self.half.two(self.search(first), self.search(second))
            if self._fades and (self.faded(first)[1] or self.faded(second)[1]):  # the mean of both follows a fade
                best = self.half.two(self.faded(first)[0], self.faded(second)[0], best[0])
            self._two[key] = best
        return best

    def smooth(self, first, second):
        """`HalfFrame.smooth` of the predictions from two frames."""
        return self.half.smooth(self.search(first), self.search(second))

    def passed(self, others):
        """(amounts, weights) of which prediction passes a share to other frames. What brightens a frame amplifies its
        errors: it pays less to code it well, by the square of the contrasts."""
        contrast = min([self.look[1], *(other.look[1] for other in others if self.faded(other)[1])])
        if contrast == self.look[1]:
            return self.amounts, self.weights
        share = int(ONE * (contrast / self.look[1]) ** 2)
        return [(costs.astype(np.int64) * share // ONE).astype(np.int32) for costs in (self.amounts, self.weights)]


class Lookahead:
    """Plans the pictures of a clip.

    Parameters
    ----------
    tools : Tools
        From b_frames on.
    keyint : int
        Largest distance of key pictures.
    begin : function
        Begins work on frames: `Team.look`.
    open_gop : bool, default False
        B pictures may come before an I picture in display order, and refer to it and to the one before.
    """

    def __init__(self, tools, keyint, begin=done, open_gop=False):
        self._begin, self._open = begin, open_gop
        self._tools, self._most, self._keyint = tools, tools.b_frames + 1, keyint  # most frames of an interval
        self._depth = max(tools.lookahead, self._most) if self._most > 1 else tools.lookahead
        self._waiting, self._anchor, self._key = [], None, None  # the latest I or P picture, and the number of the key

    def add(self, frame, number, asked=False):
        """Take the next frame; yield intervals that are settled, as lists of Planned in coding order. asked: it becomes
        an IDR picture."""
        if not (self._depth or self._tools.looks or self._tools.aq):
            yield [self._unseen(frame, number, asked)]
            return
        seen = Seen(frame, number, self._tools, asked)
        self._look(seen, [seen for seen in (self._anchor, *self._waiting) if seen][-self._most :])
        self._waiting.append(seen)
        while len(self._waiting) > self._depth:
            yield self._next(ended=False)

    def _unseen(self, frame, number, asked):
        """The picture of a frame that does not wait, and of which nothing is known: key or P."""
        asked = asked or self._key is None
        key = asked or number - self._key >= self._keyint
        if key:
            self._key = number
        return Planned(frame, number, I if key else P, key, idr=asked or (key and not self._open))

    def _look(self, seen, before):
        """Begin to find the costs of a frame, and of the intervals that end with it; before: the frames that may be in
        these. What is found of a frame depends on the frames around it and on nothing else, in an order of its own, so
        that it is the same with any number of threads: first from those before it, then from those after it, one by
        one. No two at a time write into one frame."""
        begin, tools = self._begin, self._tools
        seen.alone = seen.found_back = seen.known = begin(seen.examine)
        if not tools.looks or not before:
            return
        alone = [one.alone for one in (*before, seen)]
        seen.found_back = begin(lambda: self._search_back(seen, before), *alone)
        seen.known = begin(
            lambda: self._close(seen, before), *(one.found_back for one in (*before, seen)), before[-1].known
        )

    def _search_back(self, seen, before):
        """Find the costs of a frame from those frames before that begin an even interval."""
        seen.changed = seen.inter(before[-1])[1] > CHANGED * seen.half.total
        for n in range(2, len(before) + 1):
            if is_even(seen.number, n):
                seen.inter(before[-n])

    def _close(self, seen, before):
        """Find the costs of the intervals that end with a frame: of even ones, and of all that change within."""
        for n in range(1, len(before) + 1):
            frames = [*before[-n:], seen]
            if is_even(seen.number, n) or any(one.changed for one in frames[1:]):
                seen.costs[n] = self._interval_cost(frames)

    def flush(self):
        """Yield the intervals of the frames that wait."""
        while self._waiting:
            yield self._next(ended=True)

    def _next(self, ended):
        """The next interval; ended: no more frames come."""
        self._waiting[-1].known.result()
        intervals = self._intervals(ended)
        first = intervals[0]
        if self._tools.tree:
            self._propagate(intervals)
        if first[0].key:
            self._key = first[0].seen.number
        self._anchor, self._waiting = first[0].seen, self._waiting[len(first) :]
        noise = self._noise(intervals[:2]) if self._tools.looks else {}
        planned = [self._planned(role, noise) for role in first]
        if planned[0].kind == I and self._tools.looks:
            planned[0] = planned[0]._replace(later=self._later(intervals[1:]))
        return planned

    def _later(self, intervals):
        """`Planned.later` for intervals that follow."""
        roles = [role for one in takewhile(lambda one: one[0].kind != I, intervals) for role in one]
        return sum(role.seen.inter(*role.others)[1] for role in roles), len(roles)

    def _intervals(self, ended):
        """Roles of all frames that wait, by intervals; those of the last ones may change as more frames come."""
        found, before, key, at = [], self._anchor, self._key, 0
        while at < len(self._waiting):
            room = 0
            while at + room < len(self._waiting) and not self._new(at + room, key, ended):
                room += 1
            closed = ended or at + room < len(self._waiting)
            end, taken = at + room, room
            if self._open and before is not None and end < len(self._waiting) and not self._waiting[end].asked:
                taken += 1
            for count in self._cheapest([before, *self._waiting[at : at + taken]], closed) if taken else ():
                found.append(self._interval(before, self._waiting[at : at + count]))
                before, at = self._waiting[at + count - 1], at + count
            if end < len(self._waiting):
                before = self._waiting[end]
                asked = before.asked or key is None
                far = asked or before.number - key >= max(self._keyint // KEYINT_PARTS, 1)
                leading = found.pop()[1:] if taken > room else []  # the B pictures before it
                found.append([Role(before, I, (), far, idr=asked or (far and not self._open)), *leading])
                key, at = before.number if far else key, end + 1
        return found

    def _interval(self, before, taken):
        """Roles of the frames between two anchors: the last as P, those before it as B."""
        roles = [Role(taken[-1], P, (before,))]
        around = {-1: before, **dict(enumerate(taken))}
        for i, a, b, reference, layer in structure(len(taken) - 1):
            roles.append(Role(taken[i], B, (around[a], around[b]), False, reference, layer))
        return roles

    def _noise(self, intervals):
        """`new`, `even` and `smooth` of `Planned`, of the B pictures of the first interval that has any."""
        between = [[role for role in interval if role.kind == B] for interval in intervals]
        roles = next(filter(None, between), [])
        if not roles:
            return {}
        inter = np.concatenate([role.seen.inter(*role.others)[0] for role in roles])
        whole, fifth = int(inter.sum()), inter.size // FIFTH
        blocks, samples = map(sum, zip(*(role.seen.smooth(*role.others) for role in roles)))
        return {
            "new": 100 * whole // sum(role.seen.half.total for role in roles),
            "even": 100 * int(np.partition(inter, fifth)[fifth]) * inter.size // whole,
            "smooth": 100 * blocks // max(samples, 1),
        }

    def _planned(self, role, noise):
        seen, others = role.seen, role.others
        found = {"key": role.key, "reference": role.reference, "layer": role.layer, "offsets": seen.aq, "idr": role.idr}
        if self._tools.looks:
            found |= noise
            found["drawn"], found["intra"] = seen.half.drawn, seen.intra
            found["inter"] = seen.inter(*others)[0] if others else seen.intra
            found["vectors"] = tuple([seen.faded(other)[0].vectors for other in others])
            found["weights"] = seen.faded(others[0])[1] if role.kind == P else None
        if self._tools.tree and role.reference:
            found["offsets"] = tree_offsets(seen.weights, seen.amounts, seen.aq)
        return Planned(seen.frame, seen.number, role.kind, **found)

    def _propagate(self, intervals):
        """The macroblock tree: from the last picture to the first, what later pictures take from each."""
        for seen in filter(None, (self._anchor, *self._waiting)):
            seen.amounts = np.zeros(seen.intra.size, np.int32)
        for role in (role for interval in reversed(intervals) for role in reversed(interval)):
            if role.others:
                found = [
                    (one.vectors, one.costs, other.amounts)
                    for one, other in zip(role.seen.found(role.others), role.others)
                ]
                seen, inter = role.seen, role.seen.inter(*role.others)[0]
                spread(seen.half.width, *seen.passed(role.others), seen.intra, inter, found)

    # ---------------------------------------------------------------- scenes

    def _new(self, i, key, ended):
        """Whether frame i of those that wait is an I picture; key: number of the key picture before."""
        seen = self._waiting[i]
        return key is None or seen.asked or seen.number - key >= self._keyint or self._begins(i, key, ended)

    def _begins(self, i, key, ended):
        """Whether a scene begins with frame i; not known, and so False, close to the last."""
        if not self._tools.scenecut or (i + FLASH >= len(self._waiting) and not ended and self._depth > FLASH):
            return False
        seen = self._waiting[i]
        if seen.begins is None:
            before = self._waiting[i - 1] if i else self._anchor
            seen.differs = self._differs(before, seen, key)
            # where every frame differs from the one before, as in noise, nothing begins; a frame that stands alone
            # before a scene, as a flash, is not its beginning
            alone = before.differs and (i + 1 == len(self._waiting) or self._differs(seen, self._waiting[i + 1], key))
            seen.begins = seen.differs and not alone
            for k in range(i + 1, min(i + 1 + FLASH, len(self._waiting)) if seen.begins else 0):
                if not self._differs(before, self._waiting[k], key):
                    for other in self._waiting[i : k + 1]:
                        other.begins = False
                    break
        return seen.begins

    def _differs(self, before, seen, key):
        """Whether prediction from a frame saves too little. The closer to the latest place of the next key picture, the
        more it must save."""
        nearest = max(self._keyint // KEYINT_PARTS, 1)
        part = (seen.number - key - nearest) / max(self._keyint - nearest, 1)
        saved = SAVED_LEAST + (SAVED_MOST - SAVED_LEAST) * min(max(part, 0), 1)
        return seen.inter(before)[1] >= (1 - saved) * seen.half.total

    # ---------------------------------------------------------------- B pictures

    def _cheapest(self, frames, closed):
        """Lengths of the intervals on the cheapest way from the first frame to the last; closed: an interval must end
        there. Otherwise the way with the least cost a frame to one of the last counts, and a shorter interval ends it:
        where the lookahead ends is no reason for a P picture before."""
        room = len(frames) - 1
        if self._most == 1 or not self._tools.b_adapt:
            return [self._most] * (room // self._most) + [room % self._most] * (room % self._most > 0)
        best = [(0, [])]  # (cost, -lengths) of the way to each frame: the longer ones of equals, as in a still clip
        for end in range(1, room + 1):
            best.append(
                min(
                    (best[end - n][0] + cost, [*best[end - n][1], -n])
                    for n, cost in frames[end].costs.items()
                    if n <= end
                )
            )
        end = room
        if not closed:
            end = min(range(max(room - self._most + 1, 1), room + 1), key=lambda i: (best[i][0] * room // i, -i))
        lengths = [-n for n in best[end][1]]
        while end < room:
            lengths.append(max(n for n in range(1, room - end + 1) if n in frames[end + n].costs))
            end += lengths[-1]
        return lengths

    def _interval_cost(self, frames):
        """Of the frames after the first: the last as P, the others as B."""
        around = {i - 1: seen for i, seen in enumerate(frames)}
        cost = frames[-1].inter(frames[0])[1]
        for i, a, b, _, _ in structure(len(frames) - 2):
            cost += around[i].inter(around[a], around[b])[1] * B_PERCENT // 100
        return cost
