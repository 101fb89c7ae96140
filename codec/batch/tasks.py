"""What may be done to many files: callables that take the bytes of a source and its job, as data that pickles.

A task also says which files of a folder it takes, by their `suffixes`, and by their `formats` where a suffix says
nothing. It names its outputs: `rename(name)` (name of a source to name of its output), and `check(target)`, which
raises ParameterError where the name of a target contradicts what would be written there. `bytes_per_pixel` bounds the
memory that it takes beside the data (measured on 24 megapixels). What its first file would wait for may be loaded by
`load()`, where it has that, while threads read their first files.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .. import jpeg
from ..errors import ParameterError
from ..formats import ends, pictures
from ..formats.pictures import ALL_FORMATS, JPEG_SUFFIXES, READABLE_SUFFIXES, suffix_of
from ..limits import DEFAULT_LIMITS, Limits
from ..sources.files import PIPE
from . import besides, coloring, damage, generation, keeping, stripping
from .result import Result

if TYPE_CHECKING:
    from .planning import Job


GREW = (
    "larger than its source, as Huffman coding is, which every program reads; arithmetic=True keeps arithmetic coding"
)


def _check_keywords(functions, options, taken):
    """Raise ParameterError for an option that none of the functions has, or that the task itself sets."""
    names = dict.fromkeys(name for function in functions for name in inspect.signature(function).parameters)
    known = [name for name in names if name not in taken]
    for name in options:
        if name not in known:
            raise ParameterError(f"unknown option {name!r}: there are {', '.join(known)}")


@dataclass(frozen=True)
class TranscodeTask:
    """JPEG to JPEG without loss.

    Attributes
    ----------
    options : dict
        Keywords of `codec.jpeg.transcode`.
    limits : codec.Limits
    """

    options: dict[str, Any] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    suffixes, formats, bytes_per_pixel = JPEG_SUFFIXES, ("JPEG",), 20

    def __post_init__(self):
        _check_keywords((jpeg.transcode,), self.options, ("source", "limits"))

    def rename(self, name: str) -> str:
        """The same name."""
        return name

    def check(self, target: str) -> None:
        """Any name will do."""

    @damage.told
    def __call__(self, data: bytes, job: Job | None = None) -> Result:
        """Result for the bytes of a JPEG."""
        made = jpeg.transcode(data, limits=self.limits, **self.options)
        facts = {
            "width": made.width,
            "height": made.height,
            "process": made.process,
            "done": list(made.done),
            "verified": made.verified,
        }
        if made.kept:
            return Result(made.data, "kept", made.warnings, facts, generation.NOT_SMALLER, doubts=made.doubts)
        lost = ()
        if any(change.startswith("dropped icc") for change in made.done):
            lost = stripping.lost_colors(jpeg.probe(data, limits=self.limits).metadata.icc)
        grew = None
        if len(made.data) > len(data) and "arithmetic" in jpeg.probe(data, limits=self.limits).process:
            grew = None if self.options.get("arithmetic") else GREW
        warnings = (*made.warnings, *lost, *((grew,) if grew else ()))
        return Result(made.data, "done", warnings, facts, grew, doubts=made.doubts)


@dataclass(frozen=True)
class DecompressTask:
    """JPEG to a lossless format.

    Attributes
    ----------
    format : "png", "ppm", "tiff" or None
        None: by the suffix of the target, PNG where it has none.
    conceal : bool
        Decode damaged files as far as they go.
    limits : codec.Limits
    """

    format: str | None = None
    conceal: bool = False
    limits: Limits = DEFAULT_LIMITS

    suffixes, formats, bytes_per_pixel = JPEG_SUFFIXES, ("JPEG",), 20

    def __post_init__(self):
        if self.format not in (None, *pictures.SUFFIXES):
            raise ParameterError(f"format is {self.format!r}; choose one of {', '.join(pictures.SUFFIXES)}")

    def rename(self, name: str) -> str:
        """The name with the suffix of the format."""
        return os.path.splitext(name)[0] + pictures.SUFFIXES[self.format or "png"]

    def check(self, target: str) -> None:
        """Refuse a suffix that names no format, where the suffix decides."""
        self._kind(target)

    def _kind(self, target):
        if self.format or target == PIPE or not suffix_of(target):
            return (self.format or "png").upper()
        return pictures.format_of(target)

    @damage.told
    def __call__(self, data: bytes, job: Job) -> Result:
        """Result for the bytes of a JPEG, in the format of the job's target."""
        decoded = jpeg.decode(data, on_error="conceal" if self.conceal else "raise", limits=self.limits)
        kind, info = self._kind(job.target), decoded.info
        damages = (decoded.damage.report,) if decoded.damage else ()
        doubts = (*decoded.doubts, *ends.missing(decoded.warnings), *damages)
        warnings = [*decoded.warnings, *decoded.doubts]
        lost = [
            name.upper()
            for name in ("icc", "exif", "xmp", "iptc")
            if getattr(info.metadata, name) and name not in pictures.CARRIED[kind]
        ]
        if lost:
            warnings.append(f"{kind} does not carry its {', '.join(lost)} metadata here")
        rest = besides.NOTHING if decoded.damage else besides.of(data, self.limits)
        warnings += filter(None, rest.lost_in(kind))
        facts = {
            "width": info.width,
            "height": info.height,
            "precision": info.precision,
            "color": info.color,
            "damaged": bool(decoded.damage),
        }
        xmp = info.metadata.xmp
        quiet = replace(info.metadata, xmp=jpeg.multipicture.silenced(xmp)) if xmp else info.metadata
        made = pictures.dump(decoded.pixels, kind, metadata=quiet, precision=info.precision)
        return Result(made, "done", tuple(warnings), facts, doubts=doubts)


@dataclass(frozen=True)
class PaletteTask:
    """Pictures of any format to PNG-8.

    Attributes
    ----------
    options : dict
        Keywords of `codec.palette.write_png` and of `codec.quantize_colors`.
    strip : bool
        Drop the ICC profile, and gAMA, cHRM and cICP of a PNG.
    limits : codec.Limits
    """

    options: dict[str, Any] = field(default_factory=dict)
    strip: bool = False
    limits: Limits = DEFAULT_LIMITS

    suffixes, formats, bytes_per_pixel = READABLE_SUFFIXES, ALL_FORMATS, 20

    def __post_init__(self):
        from ..palette import quantize_colors, write_png

        _check_keywords(
            (write_png, quantize_colors), self.options, ("image", "path", "icc", "density", "color_chunks", "options")
        )

    def rename(self, name: str) -> str:
        """The name with .png."""
        return os.path.splitext(name)[0] + ".png"

    def check(self, target: str) -> None:
        """Refuse every suffix but .png."""
        if target != PIPE and suffix_of(target) != ".png":
            raise ParameterError(f"the output is a PNG, and {target} does not say so; name it {self.rename(target)}")

    @damage.told
    def __call__(self, data: bytes, job: Job | None = None) -> Result:
        """Result for the bytes of a picture."""
        from ..palette import write_png

        picture = pictures.load(data, alpha=True, limits=self.limits)
        if picture.frames > 1 and keeping.has_place(job):
            bare = keeping.holds_nothing_else(data, picture, stripping.kinds(self.strip), self.limits)
            colored = self.strip and coloring.differs(picture.metadata, picture.color_chunks)
            return keeping.all_frames(data, picture, "PNG-8", bare and not colored)
        described = picture.metadata.size
        if not self.strip and coloring.is_for_others(picture.metadata.icc):
            picture = coloring.to_srgb(picture)[0]
        icc, warnings = None if self.strip else picture.metadata.icc, list(picture.warnings)
        if self.strip:
            warnings += stripping.lost_colors(picture.metadata.icc, picture.color_chunks)
        if coloring.is_for_others(icc):
            icc = None
            warnings.append("its ICC profile was dropped: it is not for RGB, and palettes are RGB")
        density = pictures.strip(picture.pixels, picture.metadata)[1].density
        chunks = () if self.strip else picture.color_chunks
        made = write_png(pictures.seen(picture), icc=icc, density=density, color_chunks=chunks, **self.options)
        exact = picture.format == "PNG" and made.result.mse == 0 and not picture.warnings and picture.alpha is None
        if made.size >= len(data) and exact and not self.strip and described == 0:
            return keeping.smaller(data, picture, "PNG-8", as_source=False)
        if picture.format == "JPEG":
            warnings += filter(None, besides.of(data, self.limits).lost_in("PNG", stripping.kinds(self.strip)))
        if made.size > len(data):
            smaller = ": fewer colours or no dithering make it smaller" if made.colors > 2 else ""
            warnings.append(f"the PNG is larger than its source{smaller}")
        facts: dict[str, Any] = {
            "width": made.width,
            "height": made.height,
            "colors": made.colors,
            "bits": made.bits,
            "mse": round(made.result.mse, 4),
        }
        if self.options.get("target"):
            facts |= {"target": self.options["target"], "achieved": made.achieved}
        return Result(made.data, "done", tuple(warnings), facts, doubts=picture.doubts)
