"""Pictures and animations with few colours: PNG-8 and APNG, or GIF."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import ParameterError
from ..formats import pictures, profiles
from ..formats.pictures import ALL_FORMATS, READABLE_SUFFIXES
from ..jpeg import Metadata
from ..limits import DEFAULT_LIMITS, Limits
from ..signatures import format_of
from ..sources.files import PIPE
from ..targets import parse_target
from . import besides, coloring, damage, describing, keeping, shaping, stripping
from .result import Result

if TYPE_CHECKING:
    from collections.abc import Collection

    from .planning import Job

SUFFIXES = {"png": (".png", ".apng"), "gif": (".gif",)}
MOVING = ("GIF", "PNG", "WEBP")  # what may be an animation; the frames of other formats are pages


@dataclass(frozen=True)
class IndexedTask:
    """Pictures and animations of any format to at most 256 colours.

    Pictures are turned upright, and keep their transparency (in a GIF without levels between). A PNG keeps the profile
    or the colour chunks, and the density; a GIF has sRGB, to which others are converted. Files that would not become
    smaller, and those of several pages, are copied under their own name where the job has one (`Job.keep_as`).

    Attributes
    ----------
    format : "png" or "gif"
        "png" makes an APNG of an animation.
    target : str, optional
        "size:100kB"; for a PNG also a score: "ssimulacra2:80" gives the fewest colours that reach it. Animations take a
        size.
    strip : bool, or a collection of "gps", "thumbnail" and "all"
        The new file has neither in any case. A file that has something to drop is not copied as it is.
    force : bool
        Write the file in any case: a larger one, the first of several pages.
    min_gain : float from 0 to 1
        Keep a file that would not be smaller by this part of it.
    max_size : (width, height), optional
        The frame into which larger pictures are scaled down, as for `CompressTask`; animations by Pillow's Lanczos
        filter on their samples.
    srgb : bool
        Convert other colours to sRGB in a PNG too.
    limits : codec.Limits
    """

    format: str = "png"
    target: str | None = None
    strip: bool | str | Collection[str] = ()
    force: bool = False
    min_gain: float = 0.0
    max_size: tuple[int, int] | str | int | None = None
    srgb: bool = False
    limits: Limits = DEFAULT_LIMITS

    suffixes, formats, bytes_per_pixel = READABLE_SUFFIXES, ALL_FORMATS, 40

    def __post_init__(self):
        if self.format not in SUFFIXES:
            raise ParameterError(f"format is {self.format!r}; choose one of {', '.join(SUFFIXES)}")
        object.__setattr__(self, "strip", stripping.kinds(self.strip))
        if self.max_size is not None:
            object.__setattr__(self, "max_size", shaping.as_size(self.max_size))
        asked = self.target and parse_target(self.target)
        if asked and asked.measure != "size" and (self.format == "gif" or asked.is_rate):
            raise ParameterError(
                f"target={self.target!r} is for other formats: a GIF takes a size such as size:100kB, a PNG also a "
                "score such as ssimulacra2:80"
            )

    def rename(self, name: str) -> str:
        """The name with .png or .gif, unless it is one's already."""
        stem, suffix = os.path.splitext(name)
        return name if suffix.lower() in SUFFIXES[self.format] else stem + SUFFIXES[self.format][0]

    def check(self, target: str) -> None:
        """Refuse the suffixes of other formats."""
        if target != PIPE and os.path.splitext(target)[1].lower() not in SUFFIXES[self.format]:
            kind = self.format.upper()
            raise ParameterError(f"the output is a {kind}, and {target} does not say so; name it {self.rename(target)}")

    @damage.told
    def __call__(self, data: bytes, job: Job | None = None) -> Result:
        """Result for the bytes of a picture or an animation."""
        picture = pictures.load(data, alpha=True, limits=self.limits)
        rest = besides.of(data, self.limits) if picture.format == "JPEG" else besides.NOTHING
        made = self._made(data, job, picture, len(data) - (rest.behind.size if rest.behind else 0))
        made = replace(made, doubts=picture.doubts)
        if made.as_source:
            lost = describing.not_read(data, picture.format)
            made = describing.told(made, picture.metadata, self.limits, lost=lost)
        else:
            made = besides.told(made, *rest.lost_in(self.format.upper(), self.strip))
        return coloring.flagged(made, "rgb", picture.metadata, picture.color_chunks) if self.srgb else made

    def _made(self, data, job, picture, size):
        """Result for a picture or an animation. size: bytes of its file without what follows the picture."""
        has_place = keeping.has_place(job) and not self.force
        wrong_colors = self.srgb and coloring.differs(picture.metadata, picture.color_chunks)
        bare = has_place and keeping.holds_nothing_else(data, picture, self.strip, self.limits)
        may_copy = bare and not wrong_colors
        moves = picture.frames > 1 and format_of(data[:32]) in MOVING
        if picture.frames > 1 and not moves and has_place:
            return keeping.all_frames(data, picture, self.format.upper(), may_copy, self.max_size)
        made, after, converted, resized = self._moving(data, picture) if moves else self._still(picture)
        lost = describing.not_read(data, picture.format)
        facts = describing.changes(picture.metadata, after, lost=lost, converted=converted, changed=picture.changed)
        made = replace(made, facts=made.facts | ({"metadata": facts} if facts else {}))
        if not may_copy or resized:
            larger = f"the {self.format.upper()} is larger than its source: a JPEG may do better"
            return replace(made, warnings=(*made.warnings, larger)) if len(made.data) > size else made
        if len(made.data) >= size:
            return keeping.smaller(data, picture, "PNG-8" if self.format == "png" else "GIF")
        if keeping.too_little(size, len(made.data), self.min_gain):
            return replace(keeping.gains_too_little(data, made, self.min_gain), as_source=True)
        return made

    def _still(self, picture):
        """(result, its metadata, what was converted, whether it was scaled down)."""
        from ..palette import animate, write_png

        picture, converted, warnings = self._in_its_colors(picture)
        pixels = shaping.fit_shown(pictures.seen(picture), self.max_size)
        _, shown = pictures.strip(picture.pixels, picture.metadata)
        warnings = [*picture.warnings, *warnings]
        facts = {"width": pixels.shape[1], "height": pixels.shape[0]}
        if self.format == "gif":
            made = animate([pixels], format="gif", target=self.target, loops=None)
            facts |= {"colors": made.colors, "frames": 1} | _reached(self.target, made.size)
            after, warnings = Metadata(), [*warnings, *made.warnings]
        else:
            icc, chunks = picture.metadata.icc, picture.color_chunks
            made = write_png(pixels, target=self.target, icc=icc, density=shown.density, color_chunks=chunks)
            facts |= {"colors": made.colors, "mse": round(made.result.mse, 4)} | _reached(self.target, made.achieved)
            after = _carried(made.data)
        resized = pixels.shape[:2] not in (picture.pixels.shape[:2], picture.pixels.shape[1::-1])
        return Result(made.data, "done", tuple(warnings), facts), after, converted, resized

    def _in_its_colors(self, picture):
        """(picture whose colours the output can state, what was converted, warnings): palettes are RGB, and a GIF has
        sRGB."""
        if not self.srgb and self.format == "png" and not coloring.is_for_others(picture.metadata.icc):
            return picture, (), ()
        picture, converted = coloring.to_srgb(picture)
        icc = picture.metadata.icc
        if not icc or (self.format == "png" and not coloring.is_for_others(icc)):
            return picture, converted, ()
        warnings = () if profiles.is_srgb(icc) else ("its ICC profile was dropped: the output cannot carry it",)
        return replace(picture, metadata=replace(picture.metadata, icc=None)), converted, warnings

    def _moving(self, data, picture):
        """`_still` for an animation."""
        from ..formats.animation import animate

        height, width = picture.pixels.shape[:2]
        size = shaping.fitting(width, height, self.max_size) if self.max_size else (width, height)
        options = {"width": size[0]} if size[0] < width else {}
        form = "gif" if self.format == "gif" else "apng"
        strip = self.srgb and form == "apng"
        made = animate([data], format=form, limits=self.limits, strip=strip, target=self.target, **options)
        facts = {"width": made.width, "height": made.height, "colors": made.colors, "frames": made.frames}
        facts |= {"seconds": float(made.seconds), "lossy": made.lossy} | _reached(self.target, made.size)
        if made.kept:
            after, converted = picture.metadata, ()
        else:
            after = _carried(made.data) if form == "apng" else Metadata()
            changed = (strip or form == "gif") and coloring.differs(picture.metadata, picture.color_chunks)
            converted = ("its colours to sRGB",) if changed and not after.icc else ()
        return Result(made.data, "done", made.warnings, facts), after, converted, bool(options)


def _carried(data):
    """The metadata of a PNG that was made here."""
    return Metadata(icc=profiles.meaning(data).icc)


def _reached(target, achieved):
    return {"target": target, "achieved": achieved} if target else {}
