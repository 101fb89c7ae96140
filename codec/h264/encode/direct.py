"""Which direct prediction a B picture has, spatial (8.4.1.2.2) or temporal (8.4.1.2.3), from the vectors of the
lookahead: the one whose vectors lie nearer to those that were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FAR = 8  # samples; a prediction that is further away is as useless as one at this distance


@dataclass(frozen=True)
class Motion:
    """Of a picture that others refer to. order: PicOrderCnt of the picture before that its vectors lead to; vectors:
    (macroblocks, 2) int16 in samples; None without any, as of intra pictures."""

    order: int | None = None
    vectors: Any = None


def motion_of(planned, before):
    """The `Motion` of a `Planned` picture; before: the order of the nearest reference before it."""
    return Motion(before, planned.vectors[0]) if planned.vectors else Motion()


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
    found = np.concatenate(planned.vectors, axis=1).astype(np.int32).reshape(-1, width, 4)
    scaled = np.zeros_like(found)
    if colocated.vectors is not None:
        col = colocated.vectors.astype(np.int32).reshape(-1, width, 2)
        scaled[..., :2] = (2 * col * (order - before) + (after - before)) // (2 * (after - before))
        scaled[..., 2:] = scaled[..., :2] - col
    return _distance(found, scaled) < _distance(found, _medians(found))


def _medians(vectors):
    """Of the vectors left, above, and above to the right (8.4.1.3.1); zero vectors surround the picture."""
    around = np.pad(vectors, ((1, 0), (1, 1), (0, 0)))
    left, above, right = around[1:, :-2], around[:-1, 1:-1], around[:-1, 2:]
    return np.maximum(np.minimum(left, above), np.minimum(np.maximum(left, above), right))


def _distance(found, predicted):
    return int(np.minimum(np.abs(found - predicted).sum(axis=-1), FAR).sum())
