"""Settings of the encoder: presets, and what they turn on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ...errors import ParameterError

DIAMOND, HEXAGON, MULTI_HEXAGON = range(3)  # Tools.search
# Tools.partitions
PARTS_P, PARTS_B, INTRA_4X4, INTRA_8X8, PARTS_P_4X4 = 1, 2, 4, 8, 16
# Tools.rd
BY_SATD, RD_BEST, RD_ALL = range(3)


@dataclass(frozen=True)
class Tools:
    """What the encoder tries: the members of `Tools` in _coder.pxd, then those of the sequence."""

    search: int = HEXAGON
    range: int = 16
    half_steps: int = 1
    quarter_steps: int = 3
    rd: int = RD_BEST
    trellis: int = 1
    partitions: int = PARTS_P | PARTS_B | INTRA_4X4 | INTRA_8X8 | PARTS_P_4X4
    transform8: int = 1
    early_skip: int = 1
    mixed_refs: int = 1
    refine: int = 0
    cabac: int = 1
    refs: int = 4
    b_frames: int = 3


MEDIUM = Tools()
SLOW = replace(MEDIUM, rd=RD_ALL, trellis=2, refine=1, refs=5)
ALL_BUT_4X4 = PARTS_P | PARTS_B | INTRA_4X4 | INTRA_8X8
PRESETS = {
    "ultrafast": replace(
        MEDIUM, search=DIAMOND, quarter_steps=1, rd=BY_SATD, partitions=0, trellis=0, cabac=0, transform8=0, refs=1,
        b_frames=0,
    ),
    "superfast": replace(
        MEDIUM, search=DIAMOND, quarter_steps=2, rd=BY_SATD, partitions=INTRA_4X4 | INTRA_8X8, refs=1, trellis=0
    ),
    "veryfast": replace(
        MEDIUM, rd=BY_SATD, partitions=ALL_BUT_4X4, refs=1, quarter_steps=1, mixed_refs=0, trellis=0
    ),
    "faster": replace(MEDIUM, rd=BY_SATD, partitions=ALL_BUT_4X4, quarter_steps=2, refs=2),
    "fast": replace(MEDIUM, partitions=ALL_BUT_4X4, quarter_steps=2, refs=2),
    "medium": MEDIUM,
    "slow": SLOW,
    "slower": replace(SLOW, search=MULTI_HEXAGON, quarter_steps=4, refine=2),
    "veryslow": replace(SLOW, search=MULTI_HEXAGON, quarter_steps=4, refine=2, refs=6, early_skip=0),
    "placebo": replace(SLOW, search=MULTI_HEXAGON, range=24, quarter_steps=6, refine=3, refs=8, early_skip=0),
}  # fmt: skip
TUNES = ("psnr",)
MOST_BITRATE = 800_000_000  # MaxBR of level 6.2 (Table A-1)
MOST_THREADS = 16  # more find no picture to work on
# Layers of pictures: what more pictures refer to gets a lower QP, and a lower lambda beside it, because its errors are
# repeated. QP less that of P, and lambda of squared differences relative to that of lambda2_of: measured.
LAYER_I, LAYER_P, LAYER_B_REFERENCE, LAYER_B = range(4)
QP_OFFSETS = -3, 0, 2, 3
LAMBDA_FACTORS = 0.7, 0.85, 1.05, 1.2


def chosen(name, value, choices):
    """The value of an option, which must be one of the choices."""
    if value not in choices:
        raise ParameterError(f"{name} is {value!r}; it must be one of {', '.join(map(str, choices))}")
    return value


def tools_of(preset, tune):
    """The `Tools` of a preset, changed by a tune."""
    tools = PRESETS[chosen("preset", preset, PRESETS)]
    if tune is not None:
        chosen("tune", tune, TUNES)
    return tools


def lambda_of(qp, layer):
    """Lambda of SATD, times 256: 2^(QP / 6 - 2), times the root of the layer's factor, at least 1."""
    return max(256, round(256 * 2 ** (qp / 6 - 2) * LAMBDA_FACTORS[layer] ** 0.5))


def lambda2_of(qp, layer):
    """Lambda of squared differences, times 256: 0.9 * 2^((QP - 12) / 3), times the layer's factor."""
    return max(1, round(256 * 0.9 * 2 ** ((qp - 12) / 3) * LAMBDA_FACTORS[layer]))


@dataclass(frozen=True)
class Settings:
    """Validated settings of an encoder."""

    tools: Tools
    qp: int
    bitrate: float | None
    keyint: int
    threads: int


def settings_of(qp, crf, bitrate, preset, tune, keyint, threads):
    """`Settings` from the arguments of `encode_video`."""
    given = [name for name, value in (("qp", qp), ("crf", crf), ("bitrate", bitrate)) if value is not None]
    if len(given) > 1:
        raise ParameterError(f"{' and '.join(given)} contradict each other: give one of them")
    if bitrate is not None and (
        isinstance(bitrate, bool) or not isinstance(bitrate, (int, float)) or not 1000 <= bitrate <= MOST_BITRATE
    ):
        raise ParameterError(f"bitrate is {bitrate!r}; it must be a number of bits per second, 1000 to {MOST_BITRATE}")
    quality, name = (qp, "qp") if qp is not None else (23 if crf is None else crf, "crf")
    if isinstance(quality, bool) or not isinstance(quality, (int, float)) or not 0 <= quality <= 51:
        raise ParameterError(f"{name} is {quality!r}; it must be a number from 0 to 51")
    if name == "qp" and quality != int(quality):
        raise ParameterError(f"qp is {quality!r}; it must be an integer from 0 to 51")
    if isinstance(keyint, bool) or not isinstance(keyint, int) or keyint < 1:
        raise ParameterError(f"keyint is {keyint!r}; it must be an integer of at least 1")
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
        raise ParameterError(f"threads is {threads!r}; it must be 0 (all processors) or a number of threads")
    tools = tools_of(preset, tune)
    return Settings(tools, round(quality), bitrate, keyint, min(threads or processors(), MOST_THREADS))


def processors():
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
