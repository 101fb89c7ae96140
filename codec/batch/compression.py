"""Pictures of any format to JPEG: the task behind `codec compress`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from .. import jpeg
from ..errors import ParameterError
from ..formats import pictures
from ..formats.pictures import ALL_FORMATS, JPEG_SUFFIXES, READABLE_SUFFIXES, suffix_of
from ..limits import DEFAULT_LIMITS, Limits
from . import budget as budgets
from . import coloring, describing, generation, keeping, shaping, stripping, verifying
from .result import Result

if TYPE_CHECKING:
    from collections.abc import Collection

    from .planning import Job

NO_METADATA = jpeg.Metadata()
OTHER_SUFFIXES = set(READABLE_SUFFIXES) - set(JPEG_SUFFIXES)


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
        return name if suffix_of(name) in JPEG_SUFFIXES else os.path.splitext(name)[0] + ".jpg"

    def check(self, target: str) -> None:
        """Refuse the suffixes of other formats."""
        if suffix_of(target) in OTHER_SUFFIXES:
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
        from ..jpeg.pipeline import encode_file  # while other threads read their first pictures

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
