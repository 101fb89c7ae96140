"""What may be done to many files: callables that take the bytes of a source and its job, as data that pickles.

A task also names its outputs: `suffixes` (which files of a folder it takes), `rename(name)` (name of a source to name
of its output), and `check(target)`, which raises ParameterError where the name of a target contradicts what would be
written there.
"""

import inspect
import os
from dataclasses import dataclass, field, replace

from .. import jpeg
from ..errors import ParameterError
from ..formats import pictures
from ..formats.pictures import JPEG_SUFFIXES, READABLE_SUFFIXES
from ..limits import DEFAULT_LIMITS, Limits
from ..sources.files import PIPE
from . import generation
from .result import Result


def _suffix(path):
    return os.path.splitext(path)[1].lower()


def _check_keywords(functions, options, taken):
    """Raise ParameterError for an option that none of the functions has, or that the task itself sets."""
    names = dict.fromkeys(name for function in functions for name in inspect.signature(function).parameters)
    known = [name for name in names if name not in taken]
    for name in options:
        if name not in known:
            raise ParameterError(f"unknown option {name!r}: there are {', '.join(known)}")


@dataclass(frozen=True)
class CompressTask:
    """Pictures of any format to JPEG.

    A JPEG whose own quality is near the one asked for, or below it, is rewritten without loss instead of being encoded
    again, and so is one that encoding would not make smaller.

    Attributes
    ----------
    options : codec.jpeg.EncodeOptions
        `color` and `metadata` are set for each picture.
    background : str or tuple, optional
        Behind transparent pixels.
    strip : bool
        Drop profiles and descriptions; pixels are turned upright.
    force : bool
        Encode JPEGs again in any case.
    limits : codec.Limits
    """

    options: jpeg.EncodeOptions = jpeg.EncodeOptions()
    background: str | tuple | None = None
    strip: bool = False
    force: bool = False
    limits: Limits = DEFAULT_LIMITS

    suffixes = READABLE_SUFFIXES

    def rename(self, name):
        """The name with .jpg, unless it is a JPEG's already."""
        return name if _suffix(name) in JPEG_SUFFIXES else os.path.splitext(name)[0] + ".jpg"

    def check(self, target):
        """Refuse the suffixes of other formats."""
        if _suffix(target) in set(READABLE_SUFFIXES) - set(JPEG_SUFFIXES):
            stem = os.path.splitext(target)[0]
            raise ParameterError(f"the output is a JPEG, and {target} says it is not; name it {stem}.jpg")

    def __call__(self, data, job=None):
        """Result for the bytes of a picture."""
        may_stay = data.startswith(b"\xff\xd8") and not self.force
        untouched = may_stay and generation.before_encoding(data, self.options, self.strip, self.limits)
        if untouched:
            return untouched
        picture = pictures.profiled(pictures.load(data, background=self.background, limits=self.limits))
        pixels, metadata = picture.pixels, picture.metadata
        if self.strip:
            pixels, metadata = pictures.strip(pixels, metadata)
        color = "ycck" if pixels.ndim == 3 and pixels.shape[2] == 4 else "auto"
        encoded = jpeg.encode(pixels, **vars(replace(self.options, metadata=metadata, color=color)))
        untouched = may_stay and generation.after_encoding(data, encoded, self.options, self.strip, self.limits)
        if untouched:
            return untouched
        facts = {
            "width": encoded.width,
            "height": encoded.height,
            "bpp": round(encoded.bpp, 4),
            "subsampling": encoded.subsampling,
        }
        if encoded.target:
            facts |= {name: getattr(encoded, name) for name in ("quality", "target", "achieved", "encodes")}
        warnings = [*picture.warnings, *encoded.warnings]
        if picture.format == "JPEG":
            warnings += generation.not_carried(data, picture.metadata, self.strip, self.limits)
        elif len(encoded.data) > len(data):
            warnings.append("the JPEG is larger than its source; flat graphics and tiny pictures do better as PNG")
        return Result(encoded.data, "done", tuple(warnings), facts)


@dataclass(frozen=True)
class TranscodeTask:
    """JPEG to JPEG without loss.

    Attributes
    ----------
    options : dict
        Keywords of `codec.jpeg.transcode`.
    limits : codec.Limits
    """

    options: dict = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    suffixes = JPEG_SUFFIXES

    def __post_init__(self):
        _check_keywords((jpeg.transcode,), self.options, ("source", "limits"))

    def rename(self, name):
        """The same name."""
        return name

    def check(self, target):
        """Any name will do."""

    def __call__(self, data, job=None):
        """Result for the bytes of a JPEG."""
        made = jpeg.transcode(data, limits=self.limits, **self.options)
        facts = {
            "width": made.width,
            "height": made.height,
            "process": made.process,
            "done": list(made.done),
            "verified": made.verified,
        }
        return Result(made.data, "kept" if made.kept else "done", tuple(made.warnings), facts)


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

    suffixes = JPEG_SUFFIXES

    def __post_init__(self):
        if self.format not in (None, *pictures.SUFFIXES):
            raise ParameterError(f"format is {self.format!r}; choose one of {', '.join(pictures.SUFFIXES)}")

    def rename(self, name):
        """The name with the suffix of the format."""
        return os.path.splitext(name)[0] + pictures.SUFFIXES[self.format or "png"]

    def check(self, target):
        """Refuse a suffix that names no format, where the suffix decides."""
        self._kind(target)

    def _kind(self, target):
        if self.format or target == PIPE or not _suffix(target):
            return (self.format or "png").upper()
        return pictures.format_of(target)

    def __call__(self, data, job):
        """Result for the bytes of a JPEG, in the format of the job's target."""
        decoded = jpeg.decode(data, on_error="conceal" if self.conceal else "raise", limits=self.limits)
        kind, info = self._kind(job.target), decoded.info
        warnings = [*decoded.warnings, *decoded.doubts]
        if decoded.damage:
            warnings.append(decoded.damage.report)
        lost = [
            name.upper()
            for name in ("icc", "exif", "xmp", "iptc")
            if getattr(info.metadata, name) and name not in pictures.CARRIED[kind]
        ]
        if lost:
            warnings.append(f"{kind} does not carry its {', '.join(lost)} metadata here")
        unknown = None if decoded.damage else generation.unknown_segments(data, self.limits)
        if unknown:
            warnings.append(f"{kind} does not carry application segments: {unknown}")
        facts = {
            "width": info.width,
            "height": info.height,
            "precision": info.precision,
            "color": info.color,
            "damaged": bool(decoded.damage),
        }
        made = pictures.dump(decoded.pixels, kind, metadata=info.metadata, precision=info.precision)
        return Result(made, "done", tuple(warnings), facts)


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

    options: dict = field(default_factory=dict)
    strip: bool = False
    limits: Limits = DEFAULT_LIMITS

    suffixes = READABLE_SUFFIXES

    def __post_init__(self):
        from ..palette import quantize_colors, write_png

        _check_keywords(
            (write_png, quantize_colors), self.options, ("image", "path", "icc", "density", "color_chunks", "options")
        )

    def rename(self, name):
        """The name with .png."""
        return os.path.splitext(name)[0] + ".png"

    def check(self, target):
        """Refuse every suffix but .png."""
        if target != PIPE and _suffix(target) != ".png":
            raise ParameterError(f"the output is a PNG, and {target} does not say so; name it {self.rename(target)}")

    def __call__(self, data, job=None):
        """Result for the bytes of a picture."""
        from ..palette import write_png

        picture = pictures.load(data, alpha=True, limits=self.limits)
        icc, warnings = None if self.strip else picture.metadata.icc, list(picture.warnings)
        if icc and icc[16:20] != b"RGB ":
            icc = None
            warnings.append("its ICC profile was dropped: it is not for RGB, and palettes are RGB")
        density = pictures.strip(picture.pixels, picture.metadata)[1].density
        chunks = () if self.strip else picture.color_chunks
        made = write_png(pictures.seen(picture), icc=icc, density=density, color_chunks=chunks, **self.options)
        if made.size > len(data):
            warnings.append("the PNG is larger than its source: fewer colours or no dithering make it smaller")
        facts = {
            "width": made.width,
            "height": made.height,
            "colors": made.colors,
            "bits": made.bits,
            "mse": round(made.result.mse, 4),
        }
        if self.options.get("target"):
            facts |= {"target": self.options["target"], "achieved": made.achieved}
        return Result(made.data, "done", tuple(warnings), facts)
