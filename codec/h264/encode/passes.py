"""Several passes over a clip: sizes of pictures for a bit rate, and the search for a size or a score."""

from __future__ import annotations

import math
from dataclasses import replace

from ...errors import ParameterError
from ...targets import narrow
from .ratecontrol import STEPS, eighths_of, qp_of_step
from .settings import BY_SATD, HEXAGON, MAX_QP, WORST_QP, Plan

NEAR_QP = 3  # of the last pass: here bits are inversely proportional to the step
MOST_MEASURED = 2  # passes that measure with one QP
CRF_PARTS = 2  # the grid on which a score is searched
FIRST_CRF, CRF_STEP = 23, 6  # the first try, and how far the next one is from it
SIZE_PARTS = 8  # the grid of CRF on which a size is searched
SIZE_AIM = 0.995  # of a size, so that the first try seldom exceeds it
LEAST_SIZE = 0.97  # of a size: less is worth another try


def first_pass(settings):
    """Settings of a pass that measures: the same pictures, decided faster."""
    tools = settings.tools
    tools = replace(
        tools, search=min(tools.search, HEXAGON), quarter_steps=min(tools.quarter_steps, 2), rd=BY_SATD, trellis=0,
        refs=1, mixed_refs=0, early_skip=12,
    )  # fmt: skip
    return replace(settings, tools=tools, vbv=None, passes=1, target=None, measures=True)


def measured(job_of, settings, bits_of):
    """Settings of the last pass, for bits_of(job) bits, from passes that measure. The first follows the rate. Where its
    QP are far from the one of the last pass, as after noise, that QP is measured too; not with a buffer, because it
    forbids what one QP would spend, and the first pass is nearer to what it allows."""
    measuring = first_pass(settings)
    job = Try(job_of(measuring)).job
    bits = bits_of(job)
    for _ in range(0 if settings.vbv or settings.level else MOST_MEASURED):
        qp = even_qp(job.costs, bits)
        if distance(job.costs, qp) <= NEAR_QP:
            break
        constant = replace(measuring, bitrate=None, qp=qp - measuring.base_qp(job.rate) + measuring.qp)
        job = Try(job_of(constant)).job
    return replace(settings, plan=Plan(job.costs, bits), passes=1, target=None)


def even_qp(costs, bits):
    """The QP of all intervals with which pictures would have these bits. costs: (bits, QP) by number."""
    return qp_of_step(sum(size * STEPS[min(qp, WORST_QP)] for size, qp in costs.values()) / max(bits, 1))


def distance(costs, qp):
    """Mean distance of their QP from this one, by their bits."""
    total = sum(size for size, _ in costs.values())
    return sum(size * abs(one - qp) for size, one in costs.values()) / total


class Try:
    """A pass that is over. job: see video.py; pictures: what it made."""

    def __init__(self, job):
        self.job, self.pictures = job, list(job.pictures())
        self.bits = sum(picture.bits for picture in self.pictures)


def two_passes(job_of, settings):
    """The job of the last pass for a bit rate."""
    return job_of(measured(job_of, settings, lambda job: int(settings.bitrate * job.result().seconds)))


def within_size(job_of, settings, size, around=0):
    """The `Try` with at most `size` bytes, close to it if the clip has enough to code: two passes, and if they miss
    it, as with short clips, a search for the CRF. around: bytes of the container beside them.

    Raises
    ------
    ParameterError
        If no try is small enough.
    """
    most, least = 8 * size, int(8 * size * LEAST_SIZE)
    latest = Try(job_of(measured(job_of, settings, lambda job: int(most * SIZE_AIM))))
    if least <= latest.bits <= most:
        return latest
    # without offsets of macroblocks QP is a whole number
    parts = SIZE_PARTS if settings.tools.aq or settings.tools.tree else 1
    tries, best = {}, []

    def fits(at):
        found = Try(job_of(replace(settings, qp=at / parts, target=None)))
        tries[at] = found.bits
        if found.bits <= most:
            best[:] = [found]
        return found.bits <= most

    def guess(low, high):
        if not tries:
            return FIRST_CRF * parts
        at = next(reversed(tries))
        change = eighths_of(tries[at], int(most * SIZE_AIM)) * 3 // 2 * parts // 8
        return max(min(at + change, high - 1), low + 1)

    narrow(-1, MAX_QP * parts + 1, fits, guess, lambda low, high: bool(best) and best[0].bits >= least)
    if not best:
        smallest = min(tries.values()) // 8 + around
        raise ParameterError(f"size:{size + around} cannot be reached: {smallest} bytes with CRF {MAX_QP}")
    return best[0]


def reaching_score(job_of, settings, target, score, text):
    """(the `Try` with the highest CRF, on a grid of 1/2, that reaches a score; [(CRF, score)] of all tries).

    score: maps a `Try` to its score, more for better; target: the least one.
    """
    tries, best = {}, []

    def below(at):
        """Whether the score is below the target at a CRF in units of the grid."""
        found = Try(job_of(replace(settings, qp=at / CRF_PARTS, target=None)))
        tries[at] = score(found)
        if tries[at] >= target:
            best[:] = [found]
        return tries[at] < target

    def guess(low, high):
        if not tries:
            return FIRST_CRF * CRF_PARTS
        ends = [at for at in (low, high) if at in tries]
        if len(ends) == 1:  # one side is not known yet
            step = CRF_STEP * CRF_PARTS
            return max(min(ends[0] + (step if ends[0] == low else -step), high - 1), low + 1)
        a, b = tries[low], tries[high]
        between = math.isfinite(a) and a > b  # the PSNR of equal pictures is infinite
        at = low + int((high - low) * (a - target) / (a - b)) if between else (low + high) // 2
        return max(min(at, high - 1), low + 1)

    narrow(-1, MAX_QP * CRF_PARTS + 1, below, guess)
    if not best:
        raise ParameterError(f"{text} cannot be reached: {abs(tries[0]):.6g} with CRF 0")
    return best[0], tuple((at / CRF_PARTS, value) for at, value in tries.items())
