"""Types of public signatures, for type checkers and editors; nothing in the package imports this module at run time."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt


class BinaryFile(Protocol):
    """An object opened in binary mode: files, `io.BytesIO`, `mmap.mmap`."""

    def read(self, size: int, /) -> bytes | None:
        """At most `size` bytes; b"" at the end."""


class BinaryWriter(Protocol):
    """An object opened for writing in binary mode."""

    def write(self, data: bytes, /) -> object:
        """Write all of the data."""


Path: TypeAlias = str | os.PathLike[str]
Buffer: TypeAlias = bytes | bytearray | memoryview | npt.NDArray[np.uint8]
Source: TypeAlias = Buffer | Path | BinaryFile

# One frame of an animation: a file, an array, or what has an array interface, such as a Pillow image.
FrameSource: TypeAlias = Source | npt.ArrayLike

# Samples whose dtype the data decides: uint8, or uint16 above 8 bits.
Samples: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Setting: TypeAlias = Mapping[str, Any]

OnError: TypeAlias = Literal["raise", "conceal"]
Errors: TypeAlias = Literal["raise", "return"]
MetricName: TypeAlias = Literal[
    "psnr", "psnr_y", "ssim", "ssim_y", "ms_ssim", "ssimulacra2", "psnr_hvs_m", "ciede2000", "mse"
]
SsimPresetName: TypeAlias = Literal["wang2004", "skimage", "ffmpeg"]
PaletteMethod: TypeAlias = Literal["kmeans", "median-cut", "wu", "heckbert", "octree"]
PaletteSpace: TypeAlias = Literal["oklab", "srgb", "linear", "ycbcr"]
Dither: TypeAlias = Literal[
    "floyd-steinberg",
    "jarvis-judice-ninke",
    "stucki",
    "atkinson",
    "sierra",
    "bayer",
    "blue-noise",
    "riemersma",
]
AnimationFormat: TypeAlias = Literal["gif", "apng"]
BDMethod: TypeAlias = Literal["pchip", "akima", "cubic"]
Curve: TypeAlias = Iterable[tuple[float, float]]
Chroma: TypeAlias = Literal["4:0:0", "4:2:0", "4:2:2", "4:4:4"]
Rate: TypeAlias = float | Fraction | str
Progress: TypeAlias = Callable[[int, int], object]


class QuantizeKeywords(TypedDict, total=False):
    """What `codec.palette.write_png` passes on to `codec.quantize_colors`."""

    method: PaletteMethod
    space: PaletteSpace
    dither: Dither | None
    dither_strength: float | None
    palette: npt.ArrayLike | None
    importance: npt.ArrayLike | None
    floor: str | None
    seed: int


class EncodeVideoKeywords(TypedDict, total=False):
    """What `codec.write_video`, `codec.h264.encode_frames` and `codec.h264.Encoder` share with `codec.encode_video`."""

    qp: int | None
    crf: float | None
    bitrate: float | None
    preset: str
    tune: str | None
    keyint: int
    threads: int
    vbv_maxrate: float | None
    vbv_bufsize: float | None
    level: str | float | None
    passes: int
    target: str | None
    scaling_matrix: str | Sequence[npt.ArrayLike]
    slices: int
    slice_max_bytes: int | None
    aud: bool
    open_gop: bool
    psy_rd: float
    settings_sei: bool
    lossless: bool
    profile: str | None


class AnimateKeywords(TypedDict, total=False):
    """What `codec.animate` passes on to `codec.palette.animate`."""

    colors: int
    lossy: int
    target: str | None
    space: PaletteSpace
    dither_strength: float
    shared: bool
    loops: int | None
    comment: str | bytes
    icc: bytes | None
    color_chunks: Sequence[tuple[bytes, bytes]]
    progress: Progress | None
