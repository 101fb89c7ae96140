"""What may be done to many files: callables that take the bytes of a source and its job, as data that pickles.

A task also says which files of a folder it takes, by their `suffixes`, and by their `formats` where a suffix says
nothing. It names its outputs: `rename(name)` (name of a source to name of its output), and `check(target)`, which
raises ParameterError where the name of a target contradicts what would be written there. `bytes_per_pixel` bounds the
memory that it takes beside the data (measured on 24 megapixels).
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .. import jpeg
from ..errors import ParameterError
from ..formats import pictures
from ..formats.pictures import JPEG_SUFFIXES, READABLE_SUFFIXES
from ..jpeg.encoder import encode_file
from ..limits import DEFAULT_LIMITS, Limits
from ..sources.files import PIPE
from . import budget as budgets
from . import coloring, describing, generation, keeping, shaping, stripping, verifying
from .result import Result

if TYPE_CHECKING:
    from collections.abc import Collection

    from .plan import Job

ALL_FORMATS = ("JPEG", *pictures.READABLE)
NO_METADATA = jpeg.Metadata()


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
    again, and so is one that encoding would not make smaller. Other files whose JPEG would not be smaller, and those of
    several frames, are copied under their own name where the job has one (`Job.keep_as`); where the caller named the
    output, the JPEG is written, with a warning.

    Attributes
    ----------
    options : codec.jpeg.EncodeOptions
        `color` and `metadata` are set for each picture.
    background : str or tuple, optional
        Behind transparent pixels.
    strip : bool, or a collection of "gps", "thumbnail" and "all"
        Drop the coordinates; the thumbnails; or ("all", True) all descriptions, with the pixels turned upright. An ICC
        profile is kept, unless it is that of sRGB. A file that has something to drop is not copied as it is.
    force : bool
        Encode in any case: a JPEG again, what does not become smaller, the first of several frames.
    min_gain : float from 0 to 1
        Keep a file whose JPEG would not be smaller by this part of it: 0.05 is 5 %. Files that have something to drop
        are written in any case.
    carry_all : bool
        Rewrite a JPEG without loss if encoding it again would lose an HDR gain map, further pictures, or segments
        that are not known here. Without it such losses are warnings.
    max_size : (width, height), optional
        The frame into which larger pictures are scaled down as they are seen, by a Lanczos filter in linear light.
        "1600x1200" and "1600" are understood too.
    srgb : bool
        Convert other colours to sRGB, which needs no profile. A JPEG with such colours is encoded again in any case.
    budget : float, optional
        Seconds for each file, also "5s" and "500ms": in place of the effort of the options, the highest one whose time
        by the table of `codec.batch.budget` is within it. The same on every machine.
    limits : codec.Limits

    Notes
    -----
    The facts of a result have `metadata`: the kinds that were "kept", "changed" and "dropped", and what was
    "converted".
    """

    options: jpeg.EncodeOptions = jpeg.EncodeOptions()
    background: str | tuple[int, int, int] | None = None
    strip: bool | str | Collection[str] = ()
    force: bool = False
    min_gain: float = 0.0
    carry_all: bool = False
    max_size: tuple[int, int] | str | int | None = None
    srgb: bool = False
    budget: float | str | None = None
    limits: Limits = DEFAULT_LIMITS

    suffixes, formats = READABLE_SUFFIXES, ALL_FORMATS

    def __post_init__(self):
        object.__setattr__(self, "strip", stripping.kinds(self.strip))
        if self.max_size is not None:
            object.__setattr__(self, "max_size", shaping.as_size(self.max_size))
        if self.budget is not None:
            object.__setattr__(self, "budget", budgets.as_seconds(self.budget))
        if not 0 <= self.min_gain < 1:
            raise ParameterError(f"min_gain={self.min_gain} is no part of a file: choose 0 to below 1, such as 0.05")

    @property
    def bytes_per_pixel(self):
        """Efforts 8 and 9 decode their own result, and score it."""
        return 40 if self.options.effort >= 8 or self.budget else 20

    def rename(self, name: str) -> str:
        """The name with .jpg, unless it is a JPEG's already."""
        return name if _suffix(name) in JPEG_SUFFIXES else os.path.splitext(name)[0] + ".jpg"

    def check(self, target: str) -> None:
        """Refuse the suffixes of other formats."""
        if _suffix(target) in set(READABLE_SUFFIXES) - set(JPEG_SUFFIXES):
            stem = os.path.splitext(target)[0]
            raise ParameterError(f"the output is a JPEG, and {target} says it is not; name it {stem}.jpg")

    def __call__(self, data: bytes, job: Job | None = None) -> Result:
        """Result for the bytes of a picture."""
        if not data.startswith(b"\xff\xd8"):
            return self._other(data, job)
        source, data = data, stripping.of_file(data, self.strip, self.limits)
        info = jpeg.probe(data, limits=self.limits)
        made, converted = self._jpeg(data, info)
        changed = self.strip or self.max_size or converted
        if made.status == "done" and not changed and keeping.too_little(source, made.data, self.min_gain):
            made = keeping.gains_too_little(source, made, self.min_gain)
        elif made.data is data is not source:
            made = replace(made, status="done", reason=None)
        made = coloring.flagged(made, info.color, info.metadata) if self.srgb else made
        before = info.metadata if data is source else jpeg.probe(source, limits=self.limits).metadata
        return describing.told(made, before, self.limits, converted=converted)

    def verify(self, data: bytes, made: Result) -> str | None:
        """Why the result for these bytes may not replace them, or None: see `codec.batch.verifying`."""
        return verifying.problem(data, made, self.strip, self.limits, self.max_size, self.srgb)

    def _exceeds(self, info):
        """Whether a picture is to be scaled down."""
        if self.max_size is None:
            return False
        turned = pictures.orientation(info.metadata.exif)
        return shaping.fitting(info.width, info.height, self.max_size, turned) != (info.width, info.height)

    def _fitted(self, picture):
        if self.max_size is None:
            return picture
        pixels, metadata = shaping.fit(picture.pixels, picture.metadata, self.max_size)
        return picture if pixels is picture.pixels else replace(picture, samples=pixels, metadata=metadata)

    def _prepared(self, picture):
        """(picture in the colours and the size that were asked for, what was converted)."""
        picture, converted = coloring.to_srgb(picture) if self.srgb else (picture, ())
        return self._fitted(picture), converted

    def _jpeg(self, data, info):
        """(result, what was converted)."""
        if self._exceeds(info) or (self.srgb and coloring.differs(info.metadata)):
            picture, converted = self._prepared(pictures.load(data, limits=self.limits))
            return self._again(data, picture, self._encoded(picture)), converted
        if not self.force:
            untouched = self._untouched(data, info)
            if untouched:
                return untouched, ()
        picture = pictures.load(data, limits=self.limits)
        made = self._encoded(picture)
        if not self.force:
            untouched = generation.after_encoding(data, made, self.options, self.strip, self.limits)
            if untouched:
                return untouched, ()
        return self._again(data, picture, made), ()

    def _untouched(self, data, info):
        """The JPEG without loss, or None where encoding it again may be better."""
        lost = (
            next(generation.not_carried(data, info.metadata, self.strip, self.limits), None) if self.carry_all else None
        )
        if lost:
            reason = f"{lost}, if it is encoded again: rewritten without loss"
            return generation.without_loss(data, self.strip, self.options.progressive, self.limits, reason=reason)
        return generation.before_encoding(data, self.options, self.strip, self.limits)

    def _again(self, data, picture, made):
        """A JPEG that was encoded again, with what that loses."""
        lost = generation.not_carried(data, picture.metadata, self.strip, self.limits)
        return replace(made, warnings=(*picture.warnings, *made.warnings, *lost))

    def _other(self, data, job):
        picture = pictures.load(data, background=self.background, limits=self.limits)
        before, lost = picture.metadata, describing.not_read(data, picture.format)
        described = () if self.srgb else coloring.described(picture)
        made, converted = self._of_other(data, job, picture)
        if self.srgb:
            color = "cmyk" if picture.samples.ndim == 3 and picture.samples.shape[2] == 4 else "rgb"
            made = coloring.flagged(made, color, before, picture.color_chunks)
        return describing.told(made, before, self.limits, lost=lost, converted=converted or described)

    def _of_other(self, data, job, picture):
        """(result, what was converted)."""
        has_place = keeping.has_place(job) and not self.force
        wrong_colors = self.srgb and coloring.differs(picture.metadata, picture.color_chunks)
        may_copy = has_place and keeping.holds_nothing_else(picture.metadata, self.strip) and not wrong_colors
        picture = picture if wrong_colors else pictures.profiled(picture)
        if picture.frames > 1 and has_place:
            return keeping.all_frames(data, picture, "JPEG", may_copy), ()
        fitted, converted = self._prepared(picture)
        may_copy = may_copy and fitted is picture
        made = self._encoded(fitted)
        if len(made.data) >= len(data) and may_copy:
            return keeping.smaller(data, picture, "JPEG"), ()
        if keeping.too_little(data, made.data, self.min_gain) and may_copy:
            return replace(keeping.gains_too_little(data, made, self.min_gain), as_source=True), ()
        warnings = [*fitted.warnings, *made.warnings]
        if len(made.data) > len(data):
            warnings.append("the JPEG is larger than its source; flat graphics and tiny pictures do better as PNG")
        return replace(made, warnings=tuple(warnings)), converted

    def _encoded(self, picture):
        """Result with the JPEG; a gray picture has no chroma whose resolution could be chosen."""
        pixels, metadata = stripping.of_picture(picture.samples, picture.metadata, self.strip)
        plain = None if metadata == NO_METADATA else metadata
        changes, warnings, more = {"metadata": plain, "color": "auto"}, (), {}
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            changes["color"] = "ycck"
        if pixels.ndim == 2:
            changes["subsampling"] = "auto"
        if self.budget:
            size = pixels.shape[0] * pixels.shape[1]
            changes["effort"], warning = budgets.effort_within(self.budget, size, self.options.target is not None)
            warnings, more = (warning,) if warning else (), {"effort": changes["effort"]}
        options = _with(self.options, **changes) if plain is None else replace(self.options, **changes)
        encoded = jpeg.encode(pixels, **vars(options)) if options.target else encode_file(pixels, options)
        return Result(encoded.data, "done", (*encoded.warnings, *warnings), _facts(encoded) | more)


# The checks of new options take a tenth of the time of a small picture. Those with metadata may be large.
_with = lru_cache(maxsize=64)(replace)


def _facts(encoded):
    facts = {
        "width": encoded.width,
        "height": encoded.height,
        "bpp": round(encoded.bpp, 4),
        "subsampling": encoded.subsampling,
    }
    if encoded.target:
        facts |= {name: getattr(encoded, name) for name in ("quality", "target", "achieved", "encodes")}
    return facts


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
            return Result(made.data, "kept", tuple(made.warnings), facts, generation.NOT_SMALLER)
        lost = ()
        if any(change.startswith("dropped icc") for change in made.done):
            lost = stripping.lost_colors(jpeg.probe(data, limits=self.limits).metadata.icc)
        return Result(made.data, "done", (*made.warnings, *lost), facts)


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
        if self.format or target == PIPE or not _suffix(target):
            return (self.format or "png").upper()
        return pictures.format_of(target)

    def __call__(self, data: bytes, job: Job) -> Result:
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
        if target != PIPE and _suffix(target) != ".png":
            raise ParameterError(f"the output is a PNG, and {target} does not say so; name it {self.rename(target)}")

    def __call__(self, data: bytes, job: Job | None = None) -> Result:
        """Result for the bytes of a picture."""
        from ..palette import write_png

        picture = pictures.load(data, alpha=True, limits=self.limits)
        if picture.frames > 1 and keeping.has_place(job):
            return keeping.all_frames(data, picture, "PNG-8", keeping.holds_nothing_else(picture.metadata, self.strip))
        icc, warnings = None if self.strip else picture.metadata.icc, list(picture.warnings)
        if self.strip:
            warnings += stripping.lost_colors(picture.metadata.icc, picture.color_chunks)
        if icc and icc[16:20] != b"RGB ":
            icc = None
            warnings.append("its ICC profile was dropped: it is not for RGB, and palettes are RGB")
        density = pictures.strip(picture.pixels, picture.metadata)[1].density
        chunks = () if self.strip else picture.color_chunks
        made = write_png(pictures.seen(picture), icc=icc, density=density, color_chunks=chunks, **self.options)
        exact = picture.format == "PNG" and made.result.mse == 0 and not picture.warnings and picture.alpha is None
        if made.size >= len(data) and exact and not self.strip and picture.metadata.size == 0:
            return keeping.smaller(data, picture, "PNG-8", as_source=False)
        if made.size > len(data):
            warnings.append("the PNG is larger than its source: fewer colours or no dithering make it smaller")
        facts: dict[str, Any] = {
            "width": made.width,
            "height": made.height,
            "colors": made.colors,
            "bits": made.bits,
            "mse": round(made.result.mse, 4),
        }
        if self.options.get("target"):
            facts |= {"target": self.options["target"], "achieved": made.achieved}
        return Result(made.data, "done", tuple(warnings), facts)
