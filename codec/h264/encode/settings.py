"""Settings of the encoder: presets, and what they turn on."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import numbers
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import ParameterError
from ...executors import checked_threads
from ...targets import VIDEO_RATES, parse_target
from ..stream.parameter_sets import FLAT_LISTS
from ..stream.slice_header import B, I
from ..stream.syntax import derived
from .matrices import lists_of
from .parameters import CAVLC_QP, PROFILES, level_named

if TYPE_CHECKING:
    from ...targets import Target

DIAMOND, HEXAGON, THOROUGH = range(3)  # Tools.search
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
    last_steps: int = 0
    rd: int = RD_BEST
    trellis: int = 1
    partitions: int = PARTS_P | PARTS_B | INTRA_4X4 | INTRA_8X8 | PARTS_P_4X4
    transform8: int = 1
    early_skip: int = 12
    mixed_refs: int = 1
    refine: int = 0
    psy_rd: int = 0  # in 1/256
    cabac: int = 1
    refs: int = 4
    b_frames: int = 3
    b_adapt: int = 1
    scenecut: int = 1
    lookahead: int = 40
    aq: int = 1  # 0 none, 1 by the logarithm of the energy, 2 by its eighth root
    aq_strength: int = 256  # in 1/256
    tree: int = 1
    weighted: int = 1  # explicit weights of P
    direct: int = 1  # spatial or temporal direct prediction by picture; 0: spatial
    waits: int = 1  # a picture may be delivered after the next frames were taken
    deblock: int | None = 0  # offset_div2 of alpha and beta; None: no deblocking

    @derived
    def looks(self):
        """Whether frames are searched before they are coded."""
        return bool(self.scenecut or self.tree or (self.b_frames and self.b_adapt))


MEDIUM = Tools()
SLOW = replace(MEDIUM, rd=RD_ALL, trellis=2, refine=1, refs=5, lookahead=50)
ALL_BUT_4X4 = PARTS_P | PARTS_B | INTRA_4X4 | INTRA_8X8
PRESETS = {
    "ultrafast": replace(
        MEDIUM, search=DIAMOND, quarter_steps=1, rd=BY_SATD, partitions=0, trellis=0, cabac=0, transform8=0, refs=1,
        b_frames=0, b_adapt=0, scenecut=0, lookahead=0,
        aq=0, tree=0, weighted=0,
    ),
    "superfast": replace(
        MEDIUM, search=DIAMOND, quarter_steps=0, last_steps=2, rd=BY_SATD, partitions=INTRA_4X4 | INTRA_8X8, refs=1,
        trellis=0, early_skip=24, lookahead=10
    ),
    "veryfast": replace(
        MEDIUM, rd=BY_SATD, partitions=ALL_BUT_4X4, refs=1, quarter_steps=0, last_steps=2, mixed_refs=0, trellis=0,
        early_skip=24, lookahead=10
    ),
    "faster": replace(
        MEDIUM, rd=BY_SATD, partitions=ALL_BUT_4X4, quarter_steps=2, refs=2, early_skip=24, lookahead=20
    ),
    "fast": replace(MEDIUM, partitions=ALL_BUT_4X4, quarter_steps=2, refs=2, lookahead=30),
    "medium": MEDIUM,
    "slow": SLOW,
    "slower": replace(SLOW, refine=3, refs=8, lookahead=60),
    "veryslow": replace(SLOW, search=THOROUGH, quarter_steps=4, refine=3, refs=12, lookahead=60),
    "placebo": replace(  # with `level` or a buffer, one picture more waits, and 16 are the most (A.3.1)
        SLOW, search=THOROUGH, quarter_steps=6, refine=3, refs=15, early_skip=0, lookahead=60
    ),
}  # fmt: skip
# Changes of Tools by `tune`.
TUNES = {
    "psnr": {"aq": 0},
    "ssim": {"aq": 2},
    "film": {"deblock": -1},
    "animation": {"deblock": 1, "aq_strength": 154, "b_frames": 5},
    "screen": {"aq": 0, "search": THOROUGH, "deblock": -2},
    "zerolatency": {"b_frames": 0, "lookahead": 0, "tree": 0, "waits": 0},
    "fastdecode": {"cabac": 0, "weighted": 0, "deblock": None},
}
USES = ("zerolatency", "fastdecode")  # those that may stand beside others
# Changes of Tools by `profile`: what it lacks (A.2.1, A.2.2)
LACKING = {
    "baseline": {"cabac": 0, "b_frames": 0, "transform8": 0, "weighted": 0},
    "main": {"transform8": 0},
    "high": {},
}
SHORT = 12  # frames of lookahead that types need
TREE_SHARE = 0.4  # 1 - qcomp of x264
TREE_OFFSET = 13.5 * TREE_SHARE  # QP that the macroblock tree takes off on average
MOST_BITRATE = 800_000_000  # MaxBR of level 6.2 (Table A-1)
# Bytes of a slice that any macroblock fits into, with header and emulation prevention: samples of 384, or 768 in 4:4:4
LEAST_SLICE, LEAST_SLICE_LOSSLESS = 1000, 1500
MOST_THREADS = 16  # more find no picture to work on
# Above QP 51 only lambda rises: with that of 75, four times the step of QP 51, almost everything is skipped.
MAX_QP, WORST_QP = 51, 75
# Layers of pictures: what more pictures refer to gets a lower QP, and a lower lambda beside it, because its errors are
# repeated. QP less that of P, and lambda of squared differences relative to lambda2_of: measured. With the macroblock
# tree, which takes off what others refer to, B have less.
LAYER_I, LAYER_P, LAYER_B_REFERENCE, LAYER_B = range(4)
QP_OFFSETS, TREE_QP_OFFSETS = (-3, 0, 2, 3), (-2, 0, 0, 1)
# QP_OFFSETS where Planned.new is below this: B pictures that take nearly all from their references
CALM_QP_OFFSETS, CALM = (-3, 0, 3, 4), 22
LAMBDA_FACTORS = 0.7, 0.85, 1.05, 1.2
DRAWN_DEBLOCK = -3  # Tools.deblock of `Planned.drawn` at most: the filter blurs text
# Planned.new and Planned.even: up to the first of either, B pictures have QP and lambda of their layer, from the second
# of both on those of P. With noise of a deviation of 5 and more they are 28 to 68 and 55 to 93. Where much moves, 24 to
# 39 and 6 to 57.
NEW, EVEN = (24, 32), (50, 58)
# Planned.smooth: up to the first what is new is noise (13 to 32), from the second on light that changes (69 to 86)
SMOOTH = 40, 60
# Squared differences of chroma against those of luma, times 256, by layer: of others, and of intervals with noise. What
# I and P give to chroma lasts. Where noise takes the bits of luma, little of them makes much of chroma.
CHROMA_WEIGHTS, NOISY_CHROMA_WEIGHTS = (224, 224, 192, 192), (1024, 768, 192, 192)


def chosen(name, value, choices):
    """The value of an option, which must be one of the choices."""
    if value not in tuple(choices):
        raise ParameterError(f"{name} is {value!r}; it must be one of {', '.join(map(str, choices))}")
    return value


def tools_of(preset, tune):
    """The `Tools` of a preset, changed by a tune, or several with commas: uses last, which leave out."""
    tools = PRESETS[chosen("preset", preset, PRESETS)]
    tunes = [] if tune is None else [chosen("tune", one, TUNES) for one in str(tune).split(",")]
    if len(set(tunes) - set(USES)) > 1:
        raise ParameterError(f"tune is {tune!r}; {' and '.join(USES)} go together with one of the others alone")
    for one in sorted(tunes, key=USES.__contains__):
        # a tune turns on nothing that the preset leaves out
        changes = {name: value for name, value in TUNES[one].items() if name == "deblock" or getattr(tools, name)}
        tools = replace(tools, **changes)
    return tools


def layer_of(planned):
    """LAYER_... of a `Planned`."""
    if planned.kind == B:
        return LAYER_B_REFERENCE if planned.reference else LAYER_B
    return LAYER_I if planned.kind == I else LAYER_P


def noisiness(planned):
    """How much of the interval of a `Planned` is noise, 0 to 256."""
    new, even, rough = planned.new - NEW[0], planned.even - EVEN[0], SMOOTH[1] - planned.smooth
    if new <= 0 or even <= 0 or rough <= 0:
        return 0
    return min(
        256 * new // (NEW[1] - NEW[0]), 256 * even // (EVEN[1] - EVEN[0]), 256 * rough // (SMOOTH[1] - SMOOTH[0]), 256
    )


def inheritance(planned):
    """How much of a `Planned` B picture depends on its references, 0 to 256; 256 of others. Noise is new in each
    picture: nothing is gained by a better picture to predict it from."""
    return 256 - noisiness(planned) if planned.kind == B else 256


def chroma_weight(planned):
    """Of squared differences of chroma of a picture against those of luma, times 256."""
    layer = layer_of(planned)
    plain, noisy = CHROMA_WEIGHTS[layer], NOISY_CHROMA_WEIGHTS[layer]
    return plain + (noisy - plain) * noisiness(planned) // 256


def offset_of(planned, tree):
    """QP of a picture less that of P, with the macroblock tree or without."""
    offsets = TREE_QP_OFFSETS if tree else CALM_QP_OFFSETS if planned.new < CALM else QP_OFFSETS
    return (2 * offsets[layer_of(planned)] * inheritance(planned) + 256) // 512


def lambda_factor(planned):
    """Lambda of squared differences of a picture, relative to lambda2_of."""
    of_p, of_layer = LAMBDA_FACTORS[LAYER_P], LAMBDA_FACTORS[layer_of(planned)]
    return of_p + (of_layer - of_p) * inheritance(planned) / 256


@functools.lru_cache(maxsize=64)
def lambda_of(qp, factor):
    """Lambda of SATD, times 256: 2^(QP / 6 - 2), times the root of the picture's factor, at least 1."""
    return max(256, round(256 * 2 ** (qp / 6 - 2) * factor**0.5))


@functools.lru_cache(maxsize=64)
def lambda2_of(qp, factor):
    """Lambda of squared differences, times 256: 0.9 * 2^((QP - 12) / 3), times the picture's factor."""
    return max(1, round(256 * 0.9 * 2 ** ((qp - 12) / 3) * factor))


@dataclass(frozen=True)
class Plan:
    """What a pass found, for the next one. pictures: (bits, QP of its interval) by number of the frame; bits: what the
    pictures of the next pass may have together."""

    pictures: dict[int, tuple[int, int]]
    bits: int


@dataclass(frozen=True)
class Settings:
    """Validated settings of an encoder."""

    tools: Tools
    qp: float
    bitrate: float | None
    keyint: int
    threads: int
    vbv: tuple[float, float] | None = None  # bits per second at most, bits of the buffer
    level: str | None = None
    passes: int = 1
    target: Target | None = None
    plan: Plan | None = None  # of the pass before
    measures: bool = False  # a first pass
    lists: tuple = FLAT_LISTS  # scaling lists
    slices: int = 1  # of each picture
    slice_max_bytes: int | None = None
    aud: bool = False  # access unit delimiters
    open_gop: bool = False
    lossless: bool = False  # at QP 0, whatever else is said
    profile: str | None = None  # the highest, of PROFILES
    constant: str = "crf"  # what `qp` is without a bit rate: "qp" or "crf"
    said: str | None = None  # what the stream says of the other options; None: nothing of any

    @property
    def words(self):
        """What the stream says of the settings: nothing of the machine."""
        if self.lossless:
            return f"lossless=1 {self.said}"
        if self.plan:
            return f"bits={self.plan.bits} {self.said}"
        return described({"bitrate": self.bitrate} if self.bitrate else {self.constant: self.qp}) + " " + self.said

    def base_qp(self, fps):
        """QP of P pictures before offsets: `qp`, or for a CRF with the macroblock tree as much more as that takes off
        on average. A frame that is shown half as long gets a step 2^0.4 as large."""
        if not self.tools.tree:
            return self.qp
        return self.qp + TREE_OFFSET + 6 * TREE_SHARE * math.log2(min(max(fps / 25, 0.04), 4))


def settings_of(
    qp=None, crf=None, bitrate=None, preset="medium", tune=None, keyint=250, threads=0, vbv_maxrate=None,
    vbv_bufsize=None, level=None, passes=1, target=None, scaling_matrix="flat",
    slices=1, aud=False, open_gop=False, settings_sei=True,
    lossless=False, slice_max_bytes=None, psy_rd=0, profile=None,
):  # fmt: skip
    """`Settings` from the arguments of `encode_video`."""
    given = {"qp": qp, "crf": crf, "bitrate": bitrate, "target": target}
    if lossless:
        given |= {"vbv_maxrate": vbv_maxrate, "vbv_bufsize": vbv_bufsize, "level": level, "lossless": True}
        given |= {"profile": profile}
        given |= {"passes=2": None if passes == 1 else passes, "psy_rd": psy_rd or None}
        if not isinstance(scaling_matrix, str) or scaling_matrix != "flat":
            given["scaling_matrix"] = scaling_matrix
    given = [name for name, value in given.items() if value is not None]
    if len(given) > 1:
        raise ParameterError(f"{' and '.join(given)} contradict each other: give one of them")
    chosen("passes", passes, (1, 2))
    if target is not None:
        target = parse_target(target, VIDEO_RATES)
        if target.measure == "bitrate":
            bitrate, passes, target = target.value, 2, None
    bitrate = checked_bits("bitrate", bitrate, "bits per second")
    if passes == 2 and bitrate is None:
        raise ParameterError("two passes are for a bit rate: give bitrate, or target for a size or score")
    quality, name = (qp, "qp") if qp is not None else (23 if crf is None else crf, "crf")
    quality = number_of(quality, 0, 51, f"{name} is {quality!r}; it must be a number from 0 to 51")
    if name == "qp" and quality != int(quality):
        raise ParameterError(f"qp is {quality!r}; it must be an integer from 0 to 51")
    keyint, slices = counted("keyint", keyint), counted("slices", slices)
    least = LEAST_SLICE_LOSSLESS if lossless else LEAST_SLICE
    if slice_max_bytes is not None and counted("slice_max_bytes", slice_max_bytes) < least:
        raise ParameterError(f"slice_max_bytes is {slice_max_bytes}; one macroblock may take {least}")
    level = None if level is None else level_named(level)
    said = {
        "preset": preset, "tune": tune, "keyint": keyint, "vbv_maxrate": vbv_maxrate, "vbv_bufsize": vbv_bufsize,
        "level": level, "passes": passes, "slices": slices, "slice_max_bytes": slice_max_bytes,
        "open_gop": bool(open_gop), "psy_rd": psy_rd, "profile": profile,
        "scaling_matrix": scaling_matrix if isinstance(scaling_matrix, str) else "custom",
    }  # fmt: skip
    tools = replace(tools_of(preset, tune), psy_rd=psy_weight(psy_rd, preset))
    lists = lists_of(scaling_matrix)
    if profile is not None:
        tools = within_profile(tools, profile, lists, qp)
    if lossless:
        qp, quality, name = 0, 0, "qp"
        tools = replace(tools, trellis=0, deblock=None)
    if qp is not None:
        tools = replace(tools, aq=0, tree=0, lookahead=min(tools.lookahead, SHORT))
    return Settings(
        tools, quality, bitrate, keyint, min(checked_threads(threads), MOST_THREADS),
        vbv_of(bitrate, vbv_maxrate, vbv_bufsize), level,
        passes, target, lists=lists, slices=slices, aud=bool(aud),
        slice_max_bytes=None if slice_max_bytes is None else int(slice_max_bytes),
        open_gop=bool(open_gop), lossless=bool(lossless), profile=profile, constant=name,
        said=described(said) if settings_sei else None,
    )  # fmt: skip


OPTIONS = inspect.signature(settings_of).parameters


def within_profile(tools, profile, lists, qp):
    """The `Tools` without what a profile lacks."""
    tools = replace(tools, **LACKING[chosen("profile", profile, PROFILES)])
    if profile != "high" and lists != FLAT_LISTS:
        raise ParameterError(f"profile is {profile!r}, which has no scaling_matrix: it needs 'high'")
    if profile != "high" and not tools.cabac and qp is not None and qp < CAVLC_QP:
        raise ParameterError(f"qp is {qp}; with profile={profile!r} and CAVLC it must be at least {CAVLC_QP}")
    return tools


def psy_weight(psy_rd, preset):
    """Tools.psy_rd."""
    weight = number_of(psy_rd, 0, 4, f"psy_rd is {psy_rd!r}; it must be a number from 0 to 4")
    if weight and PRESETS[preset].rd == BY_SATD:
        able = ", ".join(name for name, tools in PRESETS.items() if tools.rd != BY_SATD)
        raise ParameterError(
            f"psy_rd={psy_rd:g} needs a preset that decides by rate and distortion: {able}; preset={preset} does not"
        )
    return round(256 * weight)


def described(options):
    """The preset, and the options that are not at their defaults, as text."""
    plain = lambda value: int(value) if isinstance(value, numbers.Real) and value == int(value) else value
    rows = [
        (name, plain(value)) for name, value in options.items() if name == "preset" or value != OPTIONS[name].default
    ]
    return " ".join(f"{name}={value}" for name, value in rows)


def counted(name, value):
    """A number of things, at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ParameterError(f"{name} is {value!r}; it must be an integer of at least 1")
    return int(value)


def number_of(value, least, most, refusal):
    """A real number, of NumPy too, as int or float."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not least <= value <= most:
        raise ParameterError(refusal)
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def checked_bits(name, value, unit):
    """A rate or size in bits; None stays None."""
    refusal = f"{name} is {value!r}; it must be a number of {unit}, 1000 to {MOST_BITRATE}"
    if isinstance(value, str):
        with contextlib.suppress(ParameterError):  # "800k" is of targets, and of the command
            refusal += f": {parse_target(f'bitrate:{value}', VIDEO_RATES).value}"
    return None if value is None else number_of(value, 1000, MOST_BITRATE, refusal)


def vbv_of(bitrate, maxrate, bufsize):
    """(bits per second, bits) of the buffer, or None without one."""
    maxrate = checked_bits("vbv_maxrate", maxrate, "bits per second")
    bufsize = checked_bits("vbv_bufsize", bufsize, "bits")
    if (maxrate is None) != (bufsize is None):
        given, missing = ("vbv_bufsize", "vbv_maxrate") if maxrate is None else ("vbv_maxrate", "vbv_bufsize")
        raise ParameterError(f"{given} without {missing} bounds nothing: give both")
    if maxrate is None:
        return None
    if bitrate is not None and bitrate > maxrate:
        raise ParameterError(
            f"bitrate is {bitrate:g}, more than vbv_maxrate, {maxrate:g}: the average cannot exceed it"
        )
    return maxrate, bufsize


def settings_of_options(options):
    """`Settings` from keyword arguments by name."""
    for name in options:
        if name not in OPTIONS:
            raise ParameterError(f"{name} is no option of the encoder; there are {', '.join(OPTIONS)}")
    return settings_of(**options)
