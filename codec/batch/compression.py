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
from . import besides, coloring, damage, describing, generation, keeping, shaping, stripping, verifying
from . import budget as budgets
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
    again, and so is one that encoding would not make smaller. What follows its picture (a film, an HDR gain map,
    further pictures) goes with it byte for byte, unless the size changes. Other files whose JPEG would not be smaller,
    and those of several frames, are copied under their own name where the job has one (`Job.keep_as`); where the caller
    named the output, the JPEG is written, with a warning.

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
        Never lose what a JPEG holds besides picture and metadata: rewrite it without loss if encoding it again would
        lose segments that are not known here; keep it if another size or `strip` would lose them, or the film, HDR
        gain map or further pictures behind it. Without it such losses are warnings, and the reason of the row.
    max_size : (width, height), optional
        The frame into which larger pictures are scaled down as they are seen, by a Lanczos filter in linear light,
        unless that makes a JPEG larger even at its own quality. "1600x1200" and "1600" are understood too.
    srgb : bool
        Convert other colours to sRGB, which needs no profile. A JPEG with such colours is encoded again, unless that
        makes it larger even at its own quality.
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

    def load(self) -> None:
        """Load the encoder, and the steps that it knows."""
        from ..jpeg import learned, pipeline  # noqa: F401

        learned.learned()

    @damage.told
    def __call__(self, data: bytes, job: Job | None = None) -> Result:
        """Result for the bytes of a picture."""
        if not data.startswith(b"\xff\xd8"):
            return self._other(data, job)
        source, data = data, stripping.of_file(data, self.strip, self.limits)
        info, rest = jpeg.probe(data, limits=self.limits), besides.of(data, self.limits)
        if self.carry_all:
            lost = rest.lost(self.strip, self._exceeds(info), self._differs(info))
            if lost:
                doubts = () if rest.ends else pictures.load(data, limits=self.limits).doubts  # or it is too damaged
                return replace(keeping.original(source, info, lost), doubts=doubts)
        made, converted, lost = self._jpeg(data, info, rest)
        changed = self.strip or self._exceeds(info) or converted
        if made.status == "done" and not changed and keeping.too_little(len(source), len(made.data), self.min_gain):
            made, lost = replace(keeping.gains_too_little(source, made, self.min_gain), doubts=made.doubts), ()
        elif made.status == "kept" and made.data is not source:
            made = replace(made, status="done", reason=None if made.reason == generation.NOT_SMALLER else made.reason)
        made = besides.told(made, *lost)
        doubts = rest.doubts(self.strip, self._exceeds(info), made.status == "done")
        made = replace(made, warnings=tuple(dict.fromkeys((*made.warnings, *doubts))))
        made = coloring.flagged(made, info.color, info.metadata) if self.srgb else made
        before = info.metadata if data is source else jpeg.probe(source, limits=self.limits).metadata
        return describing.told(made, before, self.limits, converted=converted)

    def verify(self, data: bytes, made: Result) -> str | None:
        """Why the result for these bytes may not replace them, or None: see `codec.batch.verifying`."""
        return verifying.problem(data, made, self.strip, self.limits, self.max_size, self.srgb)

    def _exceeds(self, info):
        """Whether a picture is to be scaled down."""
        return shaping.exceeds(info.width, info.height, self.max_size, info.metadata.exif)

    def _fitted(self, picture):
        if self.max_size is None:
            return picture
        pixels, metadata = shaping.fit(picture.pixels, picture.metadata, self.max_size)
        return picture if pixels is picture.pixels else replace(picture, samples=pixels, metadata=metadata)

    def _prepared(self, picture):
        """(picture in the colours and the size that were asked for, what was converted)."""
        picture, converted = coloring.to_srgb(picture) if self.srgb else (picture, ())
        return self._fitted(picture), converted

    def _differs(self, info):
        """Whether colours are to be converted."""
        return self.srgb and coloring.differs(info.metadata)

    def _jpeg(self, data, info, rest):
        """(result, what was converted, sentences about what was lost or not done)."""
        unknown, resized = rest.unknown_lost(self.strip), self._exceeds(info)
        why = generation.too_deep(info, resized)
        if not why and (resized or self._differs(info)):
            left = rest.left(self.strip, resized)
            found = self._changed(*rest.taken(data, left, self.limits))
            if found:
                made, converted = found
                return made, converted, (left, unknown, rest.recolored() if converted and not left else None)
            why = f"{'scaled down' if resized else 'in sRGB'} it would not be smaller (force=True writes it)"
        left = rest.left(self.strip)
        data, behind = rest.taken(data, left, self.limits)
        if not why and self.carry_all and unknown:
            why = f"{unknown}, if it is encoded again"
        if not why:
            made = self._of_same_size(data, behind)
            return made, (), (left, None if "lossless" in made.facts else unknown)
        made = generation.without_loss(data, self.strip, self.options.progressive, self.limits)
        made, missed = generation.measured(made, self.options.target)
        if made.status == "kept":
            return replace(made, reason=why), (), (left, missed)
        return made, (), (f"{why}: rewritten without loss", left, missed)

    def _of_same_size(self, data, behind):
        """The JPEG encoded again, or without loss where that is better."""
        if not self.force:
            untouched = generation.before_encoding(data, self.options, self.strip, self.limits)
            if untouched:
                return untouched
        picture = pictures.load(data, limits=self.limits)
        made = self._encoded(picture, behind)
        if not self.force:
            untouched = generation.after_encoding(data, made, self.options, self.strip, self.limits)
            if untouched:
                return untouched
        return replace(made, warnings=(*picture.warnings, *made.warnings), doubts=picture.doubts)

    def _changed(self, data, behind):
        """(the JPEG in another size or other colours, what was converted); None where it would not be smaller, even at
        the quality that the source has."""
        picture, converted = self._prepared(pictures.load(data, limits=self.limits))
        made, warnings = self._encoded(picture, behind), picture.warnings
        if len(made.data) >= len(data) and not self.force:
            own = generation.own_quality(data, self.options, self.limits)
            if own is None:
                return None
            made = replace(self, options=replace(self.options, quality=own))._encoded(picture, behind)
            if len(made.data) >= len(data):
                return None
            told = f"at quality {self.options.quality:g} it would be larger than its source: encoded at {own}, its own"
            warnings = (*warnings, told)
        return replace(made, warnings=(*warnings, *made.warnings), doubts=picture.doubts), converted

    def _other(self, data, job):
        picture = pictures.load(data, background=self.background, limits=self.limits)
        before, lost = picture.metadata, describing.not_read(data, picture.format)
        described = () if self.srgb else coloring.described(picture)
        made, converted = self._of_other(data, job, picture)
        made = replace(made, doubts=picture.doubts)
        if self.srgb:
            color = "cmyk" if picture.samples.ndim == 3 and picture.samples.shape[2] == 4 else "rgb"
            made = coloring.flagged(made, color, before, picture.color_chunks)
        return describing.told(
            made, before, self.limits, lost=lost, converted=converted or described, changed=picture.changed
        )

    def _of_other(self, data, job, picture):
        """(result, what was converted)."""
        has_place = keeping.has_place(job) and not self.force
        wrong_colors = self.srgb and coloring.differs(picture.metadata, picture.color_chunks)
        bare = has_place and keeping.holds_nothing_else(data, picture, self.strip, self.limits)
        may_copy = bare and not wrong_colors
        picture = picture if wrong_colors else pictures.profiled(picture)
        if picture.frames > 1 and has_place:
            return keeping.all_frames(data, picture, "JPEG", may_copy, self.max_size), ()
        fitted, converted = self._prepared(picture)
        may_copy = may_copy and fitted is picture
        made = self._encoded(fitted)
        if len(made.data) >= len(data) and may_copy:
            return keeping.smaller(data, picture, "JPEG"), ()
        if keeping.too_little(len(data), len(made.data), self.min_gain) and may_copy:
            return replace(keeping.gains_too_little(data, made, self.min_gain), as_source=True), ()
        warnings = [*fitted.warnings, *made.warnings]
        if len(made.data) > len(data):
            warnings.append("the JPEG is larger than its source; flat graphics and tiny pictures do better as PNG")
        return replace(made, warnings=tuple(warnings)), converted

    def _encoded(self, picture, behind=None):
        """Result with the JPEG, and what followed the source; a gray picture has no chroma whose resolution could be
        chosen."""
        from ..jpeg.pipeline import encode_file  # see `load`

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
        if behind and options.target:
            options = besides.within(options, behind, pixels.shape)
        try:
            encoded = jpeg.encode(pixels, **vars(options)) if options.target else encode_file(pixels, options)
        except ParameterError as error:
            if not behind:
                raise
            raise ParameterError(f"{error}, beside the {behind.size} bytes that belong behind the picture") from error
        made = Result(encoded.data, "done", (*encoded.warnings, *warnings), _facts(encoded) | more)
        return besides.joined(made, behind, self.options.target) if behind else made


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
