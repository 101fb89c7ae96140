"""Which pictures are larger than they need be: measured by rewriting them without loss, in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from .. import jpeg
from ..errors import CodecError, MissingPackageError, ParameterError
from ..executors import in_order
from ..formats import pictures
from ..limits import DEFAULT_LIMITS, Limits
from ..sources.files import read_bytes
from ..targets import parse_target
from . import memory
from .compression import CompressTask
from .tasks import PaletteTask
from .walk import special, walk

COLORS = 256  # up to here a PNG has a palette, which holds it without loss
SAMPLE_PIXELS = 1 << 16
BYTES_PER_PIXEL = 20  # as for the tasks that rewrite
NO_COLORS = (
    f"of PNG files, only those of at most {COLORS} colours are rewritten without loss: only its size was checked"
)
OTHER = "is not rewritten without loss here: only its size was checked"


@dataclass(frozen=True)
class Checked:
    """What was found of one file.

    Attributes
    ----------
    input : str
    status : str
        "ok"; "wasteful": a smaller file holds the same picture; "too large": it exceeds the largest size; "ignored":
        left out by a rule, such as hidden files, or of a format that is not read; "failed": it could not be read.
    size : int or None
        Bytes.
    smaller : int or None
        Bytes without loss, with all metadata; at most `size`. None if that is not measured: see `reason`.
    waste : float or None
        1 - smaller / size.
    verb : str or None
        The command of `codec` that fixes it: "transcode" or "palette" without loss; for "too large" also "compress",
        "palette" if it has transparent pixels, or "animate" if it has frames. None if no command does.
    reason : str or None
        Why it was ignored, its waste was not measured, or no command makes it smaller.
    error : str or None
        Why it failed.
    """

    input: str
    status: str
    size: int | None = None
    smaller: int | None = None
    waste: float | None = None
    verb: str | None = None
    reason: str | None = None
    error: str | None = None

    def to_json(self):
        """A dict of JSON types."""
        return asdict(self)


def parse_share(text: str) -> float:
    """A share such as "10%" as a fraction.

    >>> from codec.batch.check import parse_share
    >>> parse_share("10%"), parse_share("2.5 %")
    (0.1, 0.025)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text if isinstance(text, str) else "")
    if not match or float(match[1]) > 100:
        raise ParameterError(f"{text!r} is no share: write 10%")
    return float(match[1]) / 100


def parse_size(text: str) -> int:
    """A size such as "500kB" in bytes, with the units of targets.

    >>> from codec.batch.check import parse_size
    >>> parse_size("500kB"), parse_size("1KiB")
    (500000, 1024)
    """
    try:
        return int(parse_target(f"size:{text}").value)
    except ParameterError as error:
        raise ParameterError(f"{text!r} is no size: write 500kB or 1.5MiB") from error


def check(
    inputs: Iterable[str],
    *,
    max_waste: float | None = 0.1,
    max_size: int | None = None,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int, int], object] | None = None,
) -> list[Checked]:
    """Find pictures that could be smaller at their own quality, or that exceed a size. Nothing is written.

    Parameters
    ----------
    inputs : iterable of str
        Files and folders. What a folder holds is recognized as for `codec.batch.plan`.
    max_waste : float or None, default 0.1
        More than this share of a file that a rewriting without loss saves is "wasteful". JPEG is rewritten by
        `codec.jpeg.transcode`; PNG of at most 256 colours, 8 bits and no metadata by `codec.palette.write_png`. None:
        not measured.
    max_size : int or None
        More bytes are "too large", whatever the waste.
    threads : int, optional
        Default: one per CPU.
    limits : codec.Limits
    progress : callable, optional
        Called as ``progress(done, total)`` after every file.

    Returns
    -------
    list of Checked
        In the order of the inputs, folders sorted.

    Examples
    --------
    >>> import os, tempfile, numpy as np, codec
    >>> from codec.batch.check import check
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     codec.write(os.path.join(folder, "a.jpg"), np.zeros((64, 64), np.uint8), effort=1)
    ...     [found.status for found in check([folder], max_waste=0.05)]
    ['wasteful']
    """
    met, room = list(_met(inputs)), memory.room()
    calls = (partial(_checked, found, max_waste, max_size, limits, room) for found in met)
    rows: list[Checked] = []
    for row in in_order(calls, min(threads or os.cpu_count() or 1, len(met) or 1)):
        rows.append(row)
        if progress is not None:
            progress(len(rows), len(met))
    return rows


def _met(inputs):
    """Every file once: a Checked where no work is to be done, else the path."""
    seen = set()
    for source in inputs:
        for path, row in _below(source):
            place = os.path.realpath(os.path.dirname(path)), os.path.basename(path)
            if place not in seen:
                seen.add(place)
                yield row or path


def _below(source):
    if not os.path.isdir(source):
        problem = special(source)
        yield source, Checked(source, "failed", error=problem) if problem else None
        return
    for found in walk(source, os.devnull, CompressTask()):
        path = os.path.join(source, found.path)
        if found.is_unread:
            yield path, Checked(path, "ignored", reason=found.reason)
            continue
        told = {"error" if found.status == "failed" else "reason": found.reason}
        yield path, Checked(path, found.status, **told) if found.status else None


def _checked(found, max_waste, max_size, limits, room):
    if isinstance(found, Checked):
        return found
    try:
        data = read_bytes(found, limits)
        row = Checked(found, "ok", len(data))
        if max_waste is not None:
            with room.taken(pictures.pixels_of(data) * BYTES_PER_PIXEL):
                row = _measured(row, data, limits)
    except (CodecError, MemoryError) as error:
        return Checked(found, "failed", error=str(error) or "out of memory")
    return _judged(row, data, max_waste, max_size, limits)


def _measured(row, data, limits):
    """The row with the size that a rewriting without loss has."""
    if data.startswith(b"\xff\xd8"):
        try:
            made = jpeg.transcode(data, verify=False, limits=limits)
        except NotImplementedError as error:  # lossless JPEG has no coefficients
            return replace(row, reason=str(error))
        return _with(row, made.after, "transcode")
    try:
        picture = pictures.load(data, alpha=True, limits=limits)
    except MissingPackageError as error:
        return replace(row, reason=str(error))
    if picture.format != "PNG":
        return replace(row, reason=f"{picture.format} {OTHER}")
    exact = not picture.warnings and picture.metadata.size == 0 and _has_few_colors(picture)
    if not exact:
        return replace(row, reason=NO_COLORS)
    made = PaletteTask({"dither": None}, limits=limits)(data)
    return replace(row, reason=NO_COLORS) if made.facts.get("mse") else _with(row, len(made.data), "palette")


def _with(row, after, verb):
    smaller = min(after, row.size)
    return replace(row, smaller=smaller, waste=round(1 - smaller / row.size, 4), verb=verb)


def _has_few_colors(picture):
    pixels = pictures.rgba(picture).reshape(-1, 4).view(np.uint32)
    return all(len(np.unique(part)) <= COLORS for part in (pixels[:SAMPLE_PIXELS], pixels))


def _judged(row, data, max_waste, max_size, limits):
    wasteful = row.waste is not None and row.waste > max_waste
    too_large = max_size is not None and row.size > max_size
    if not (wasteful or too_large):
        return replace(row, verb=None)
    status = "too large" if too_large else "wasteful"
    # Without loss where that is enough, else by a new encoding.
    enough = not too_large or (row.smaller is not None and row.smaller <= max_size)
    if enough:
        return replace(row, status=status)
    verb, reason = _smaller_with_loss(data, limits)
    return replace(row, status=status, verb=verb, reason=reason or row.reason)


def _smaller_with_loss(data, limits):
    """(the command that loses nothing but quality, or None; why there is none)"""
    if data.startswith(b"\xff\xd8"):
        return "compress", None
    try:
        picture = pictures.load(data, alpha=True, limits=limits)
    except (CodecError, MemoryError) as error:
        return None, str(error) or "out of memory"
    if picture.frames == 1:
        return ("compress" if picture.alpha is None else "palette"), None
    if picture.format in ("GIF", "PNG"):
        return "animate", None
    return None, f"{picture.frames} frames or pages, which no command makes smaller in this format"
