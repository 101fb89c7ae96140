"""What the encoder says of the pictures that it made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

import numpy as np

from ...errors import ParameterError
from ...frame import plane_shapes, unchecked_frame
from ...metrics.fidelity import psnr
from ...metrics.ssim import ssim
from ..decode.output import arrays, side_data_of
from ..stream.syntax import structure

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction
    from typing import Any

    import numpy.typing as npt

    from ...frame import Frame

METRICS = ("psnr", "ssim")
SSIM_SIDE = 11  # samples: the window of SSIM


@dataclass(frozen=True)
class PictureInfo:
    """One coded picture.

    Attributes
    ----------
    number : int
        Of its frame in display order, from 0.
    type : str
        "I", "P" or "B".
    key : bool
        Whether decoding can start here: an IDR picture, or with `open_gop` an I picture with a recovery point.
    qp : int
        QP of luma, 0 to 51.
    bits : int
        With its headers.
    psnr : tuple of float or None
        Of Y, Cb and Cr, or Y alone, in decibels, between the frame that was given and its reconstruction; inf where
        they are equal. None unless it was asked for.
    ssim : tuple of (float or None) or None
        The same by SSIM (`codec.metrics.ssim`); None for a plane with a side below 11 samples.
    reconstruction : codec.Frame or None
        What a decoder shows, on request.
    side_data : dict or None
        Arrays by macroblock, on request: those of `codec.Frame.side_data` of a decoder.
    """

    number: int
    type: str
    key: bool
    qp: int
    bits: int
    psnr: tuple[float, ...] | None = None
    ssim: tuple[float | None, ...] | None = None
    reconstruction: Frame | None = field(default=None, repr=False, compare=False)
    side_data: dict[str, npt.NDArray[Any]] | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Numbers alone, as a dict that can be written as JSON."""
        found = {"number": self.number, "type": self.type, "key": self.key, "qp": self.qp, "bits": self.bits}
        scores = {"psnr": self.psnr, "ssim": self.ssim}
        return found | {name: _plain(planes) for name, planes in scores.items() if planes is not None}


@dataclass(frozen=True)
class EncodedPicture(PictureInfo):
    """A coded picture and its bits.

    Attributes
    ----------
    data : bytes
        Its access unit as a byte stream (Annex B); with parameter sets if it is a key picture. The others are those of
        `PictureInfo`.
    """

    data: bytes = field(default=b"", repr=False)

    def info(self) -> PictureInfo:
        """All but the data."""
        found = dict(vars(self))
        del found["data"]
        return structure(PictureInfo, found)


@dataclass(frozen=True, eq=False)
class EncodedVideo(Sequence[PictureInfo]):
    """A video that was encoded: a sequence of its pictures.

    Attributes
    ----------
    pictures : tuple of PictureInfo
        In coding order.
    seconds : fractions.Fraction
        How long the frames are shown.
    data : bytes
        The byte stream (Annex B); b"" if it was written to a file.
    warnings : tuple of str
        What of the source is not in the video, or was changed.
    tries : tuple of (float, float)
        (CRF, score) of each encoding that a target score took, in order; the score of the chosen one reaches it.
    """

    pictures: tuple[PictureInfo, ...]
    seconds: Fraction
    data: bytes = field(default=b"", repr=False)
    warnings: tuple[str, ...] = ()
    tries: tuple[tuple[float, float], ...] = ()

    def __repr__(self) -> str:
        return f"EncodedVideo({len(self.pictures)} pictures, {float(self.seconds):g} s, {self.kbps:.1f} kbit/s)"

    def __len__(self) -> int:
        return len(self.pictures)

    @overload
    def __getitem__(self, index: int) -> PictureInfo: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[PictureInfo, ...]: ...

    def __getitem__(self, index: int | slice) -> PictureInfo | tuple[PictureInfo, ...]:
        return self.pictures[index]

    @property
    def bits(self) -> int:
        """Of all pictures."""
        return sum(picture.bits for picture in self.pictures)

    @property
    def kbps(self) -> float:
        """Mean rate, in kilobits (1000) per second."""
        return float(self.bits / self.seconds / 1000)

    @property
    def psnr(self) -> tuple[float, ...] | None:
        """PSNR of each plane by its mean squared error over all frames; None unless it was asked for."""
        rows = [picture.psnr for picture in self.pictures]
        if None in rows or not rows:
            return None
        errors = [sum(10 ** (-one / 10) for one in plane) / len(plane) for plane in zip(*rows)]
        return tuple(-10 * math.log10(error) if error else math.inf for error in errors)

    @property
    def ssim(self) -> tuple[float | None, ...] | None:
        """Mean SSIM of each plane; None unless it was asked for."""
        rows = [picture.ssim for picture in self.pictures]
        if None in rows or not rows:
            return None
        return tuple(None if None in plane else sum(plane) / len(plane) for plane in zip(*rows))

    def to_json(self) -> dict[str, Any]:
        """Totals and pictures, as a dict that can be written as JSON."""
        scores = {name: _plain(value) for name in METRICS if (value := getattr(self, name)) is not None}
        types = [picture.type for picture in self.pictures]
        return {
            "frames": len(types),
            "duration": float(self.seconds),
            "kbps": round(self.kbps, 3),
            "types": {kind: types.count(kind) for kind in "IPB"},
            **scores,
            **({"tries": [list(one) for one in self.tries]} if self.tries else {}),
            "warnings": list(self.warnings),
            "pictures": [picture.to_json() for picture in self.pictures],
        }


def _plain(planes):
    """Scores of planes by name; an infinite one as text, which JSON can hold."""
    return {name: str(one) if one == math.inf else one for name, one in zip(("Y", "Cb", "Cr"), planes)}


def picture_of(coded) -> EncodedPicture:
    """From a `Coded`."""
    found = {
        "number": coded.number, "type": coded.type, "key": coded.key, "qp": coded.qp, "bits": 8 * len(coded.data),
        "psnr": None, "ssim": None, "reconstruction": None, "side_data": None, "data": coded.data,
    }  # fmt: skip
    return structure(EncodedPicture, found | coded.found if coded.found else found)


def names_of(metrics: str | Iterable[str]) -> tuple[str, ...]:
    """The names of metrics, checked."""
    names = (metrics,) if isinstance(metrics, str) or not isinstance(metrics, Iterable) else tuple(metrics)
    for name in names:
        if name not in METRICS:
            raise ParameterError(f"metrics are {' and '.join(METRICS)}, or () for none, not {name!r}")
    return names


def _ssim(one, other):
    return ssim(one, other) if min(one.shape) >= SSIM_SIDE else None


def examiner(metrics, reconstruction, side_data) -> Callable[..., dict[str, Any]] | None:
    """A function of (frame, `Picture`, bytes of its slices) that gives these members of `PictureInfo`; None if there
    are none.
    """
    names = names_of(metrics)
    if not (names or reconstruction or side_data):
        return None

    def examine(frame, picture, slice_bytes):
        """slice_bytes: of each slice."""
        shapes = plane_shapes(frame.height, frame.width, frame.chroma)
        shown = [plane[:rows, :columns] for plane, (rows, columns) in zip(arrays(picture), shapes)]
        found = {}
        if "psnr" in names:
            found["psnr"] = tuple(psnr(a, b) for a, b in zip(frame.planes, shown))
        if "ssim" in names:
            found["ssim"] = tuple(_ssim(a, b) for a, b in zip(frame.planes, shown))
        if reconstruction:
            planes = tuple(np.array(plane) for plane in shown)
            found["reconstruction"] = unchecked_frame(**{**vars(frame), "planes": planes})
        if side_data:
            found["side_data"] = data = side_data_of(picture, [8 * one for one in slice_bytes])
            data["slice"] = data["slice"] - data["slice"].min()  # a picture that was coded again has had others
        return found

    return examine
