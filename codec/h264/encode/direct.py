"""Which direct prediction a B picture has, spatial (8.4.1.2.2) or temporal (8.4.1.2.3), from the vectors of the
lookahead: the one whose vectors lie nearer to those that were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._lookahead import direct_distances

FAR = 8  # samples; a prediction that is further away is as useless as one at this distance


@dataclass(frozen=True)
class Motion:
    """Of a picture that others refer to. order: PicOrderCnt of the picture before that its vectors lead to; vectors:
    (macroblocks, 2) int16 in samples; None without any, as of intra pictures."""

    order: int | None = None
    vectors: Any = None


NO_MOTION = Motion()


def motion_of(planned, before):
    """The `Motion` of a `Planned` picture; before: the order of the nearest reference before it."""
    return Motion(before, planned.vectors[0]) if planned.vectors else NO_MOTION


def temporal(planned, order, before, after, colocated, width):
    """Whether temporal prediction is the nearer one for a `Planned` B picture.

    Parameters
    ----------
    order, before, after : int
        PicOrderCnt of the picture, and of the first pictures of its lists 0 and 1.
    colocated : Motion
        Of the first picture of list 1.
    width : int
        Macroblocks in a row.
    """
    if len(planned.vectors) < 2 or colocated.order not in (None, before):
        return False
    near, far = direct_distances(*planned.vectors, colocated.vectors, width, order - before, after - before, FAR)
    return near < far
