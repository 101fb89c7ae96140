"""Settings of the encoder: presets, and what they turn on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import ParameterError
from ...executors import checked_threads

DIAMOND, HEXAGON, MULTI_HEXAGON = range(3)  # Tools.search
# Tools.partitions
PARTS_P, PARTS_B, INTRA_4X4, INTRA_8X8 = 1, 2, 4, 8
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
    partitions: int = PARTS_P | PARTS_B | INTRA_4X4 | INTRA_8X8
    transform8: int = 1
    early_skip: int = 1
    mixed_refs: int = 1
    cabac: int = 1
    refs: int = 4
    b_frames: int = 3


MEDIUM = Tools()
PRESETS = {
    "ultrafast": replace(
        MEDIUM, search=DIAMOND, quarter_steps=1, rd=BY_SATD, partitions=0, trellis=0, cabac=0, transform8=0, refs=1,
        b_frames=0,
    ),
    "superfast": replace(
        MEDIUM, search=DIAMOND, quarter_steps=2, rd=BY_SATD, partitions=INTRA_4X4 | INTRA_8X8, refs=1, trellis=0
    ),
    "veryfast": replace(MEDIUM, rd=BY_SATD, refs=1, quarter_steps=1, mixed_refs=0, trellis=0),
    "faster": replace(MEDIUM, rd=BY_SATD, quarter_steps=2, refs=2),
    "fast": replace(MEDIUM, quarter_steps=2, refs=2),
    "medium": MEDIUM,
    "slow": replace(MEDIUM, trellis=2, refs=5),
    "slower": replace(MEDIUM, trellis=2, search=MULTI_HEXAGON, refs=5, quarter_steps=4),
    "veryslow": replace(MEDIUM, trellis=2, search=MULTI_HEXAGON, refs=6, quarter_steps=4, early_skip=0),
    "placebo": replace(
        MEDIUM, trellis=2, search=MULTI_HEXAGON, range=24, refs=8, quarter_steps=6, early_skip=0, rd=RD_ALL
    ),
}  # fmt: skip
TUNES = ("psnr",)
MOST_BITRATE = 800_000_000  # MaxBR of level 6.2 (Table A-1)
MOST_THREADS = 16  # more find no picture to work on
# QP of pictures less that of P: ratios of steps of 1.4 and 1.3. A B picture that others refer to is half as far.
I_QP_OFFSET, B_QP_OFFSET, B_REFERENCE_QP_OFFSET = -3, 2, 1


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


def lambda_of(qp):
    """Lambda of SATD, times 256: 2^(QP / 6 - 2), at least 1."""
    return max(256, round(256 * 2 ** (qp / 6 - 2)))


def lambda2_of(qp):
    """Lambda of squared differences, times 256: 0.9 * 2^((QP - 12) / 3)."""
    return max(1, round(256 * 0.9 * 2 ** ((qp - 12) / 3)))


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
    tools = tools_of(preset, tune)
    return Settings(tools, round(quality), bitrate, keyint, min(checked_threads(threads), MOST_THREADS))
