"""The frames that a caller passes one by one: files, arrays, Pillow images, whole folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import CodecError, FileError, ParameterError
from ..frame import Frame
from ..palette.animator import frame_pixels
from ..pixels import is_picture
from ..sources.files import read_bytes
from . import pictures, profiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import numpy.typing as npt

    from ..limits import Limits


class Item(NamedTuple):
    """One thing that was passed: the bytes of a file, or of one page of a TIFF, or pixels that nobody else can change.

    Warnings begin with its `label`.
    """

    name: str
    data: bytes | None = None
    pixels: npt.NDArray[np.uint8] | None = None
    meaning: profiles.Meaning = profiles.SRGB
    page: int | None = None
    alone: bool = False

    @property
    def label(self) -> str:
        """Which of several it is."""
        return "" if self.alone else f"{self.name}: "

    def pages(self) -> list[Item]:
        """The pages of a TIFF that is the only source; for others, itself."""
        count = 1 if self.data is None else pictures.pages(self.data)
        if count == 1:
            return [self._replace(alone=True)]
        return [self._replace(name=f"page {number + 1}", page=number) for number in range(count)]


class Seen(NamedTuple):
    """A picture as it is shown."""

    pixels: npt.NDArray[np.uint8]
    meaning: profiles.Meaning
    warnings: tuple[str, ...] = ()


def natural(name: str) -> list[tuple[int, str]]:
    """A sorting key by which f2 comes before f10.

    >>> from codec.formats.sequence import natural
    >>> sorted(["f10.png", "f2.png", "f02.png"], key=natural)
    ['f02.png', 'f2.png', 'f10.png']
    """
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if at % 2 else (-1, part.casefold()) for at, part in enumerate(parts)] + [(-1, name)]


def folder(path: str) -> tuple[list[str], list[str]]:
    """Pictures of a folder in natural order, and what else is there, with the reason.

    Raises
    ------
    FileError
        If the folder cannot be read.
    """
    found, others = [], []
    try:
        names = sorted(os.listdir(path), key=natural)
    except OSError as error:
        raise FileError(f"cannot read the folder {path}: {error.strerror}; check its permissions") from error
    for name in names:
        whole = os.path.join(path, name)
        if name.startswith("."):
            others.append(f"{name} (hidden)")
        elif os.path.isdir(whole):
            others.append(f"{name} (a folder)")
        elif not name.lower().endswith(pictures.READABLE_SUFFIXES):
            others.append(f"{name} (no picture by its name)")
        elif not os.path.isfile(whole):
            others.append(f"{name} (no regular file)")
        else:
            found.append(whole)
    return found, others


def left_out(path: str, others: list[str]) -> list[str]:
    """The warning that names what a folder holds besides its frames; [] for nothing."""
    return [f"{path}: {len(others)} left out: {', '.join(others)}"] if others else []


def items(sources: Any, limits: Limits, warnings: list[str]) -> Iterator[Item]:
    """What was passed, one by one. Each is read or copied before the next is asked for, since generators close files
    and fill arrays again.
    """
    alone = is_data(sources) or is_pixels(sources)
    if not alone and not isinstance(sources, Iterable):
        raise ParameterError(
            "sources are a path, bytes, a binary file object, an array, a Pillow image, a codec.frame.Video, or an "
            f"iterable of them, not {type(sources).__name__}"
        )
    number = 0
    for source in [sources] if alone else sources:
        for one in _expanded(source, warnings):
            yield _item(one, number, limits)
            number += 1


def is_data(source: Any) -> bool:
    """Whether it names or holds a file."""
    held = isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview))
    return held or callable(getattr(source, "read", None))


def is_pixels(source: Any) -> bool:
    """Whether it is one picture."""
    return (
        hasattr(source, "getbands")
        or isinstance(source, Frame)
        or (isinstance(source, np.ndarray) and is_picture(source))
    )


def _expanded(source, warnings):
    """The files of a folder; anything else as it is, and a Pillow image of several frames as its file."""
    if isinstance(source, (str, os.PathLike)) and os.path.isdir(source):
        path = os.fsdecode(source)
        found, others = folder(path)
        warnings += left_out(path, others)
        if not found:
            raise ParameterError(f"{path} holds no pictures: there is nothing to animate")
        return found
    if hasattr(source, "getbands") and getattr(source, "n_frames", 1) > 1:
        path = getattr(source, "filename", "")
        if not path or not os.path.isfile(path):
            raise ParameterError(
                f"a Pillow image of {source.n_frames} frames, of which it shows one: pass its file or bytes, or "
                "image.copy() for that frame"
            )
        return [path]
    return [source]


def _item(source, number, limits):
    if is_data(source):
        name = os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else f"frame {number}"
        try:
            return Item(name, read_bytes(source, limits))
        except CodecError as error:
            raise type(error)(str(error) if name in str(error) else f"{name}: {error}") from error
    meaning = profiles.SRGB
    if hasattr(source, "getbands"):
        meaning = profiles.of_image(source)
    pixels = frame_pixels(source, number)
    limits.check_pixels(pixels.shape[1], pixels.shape[0])
    return Item(f"frame {number}", pixels=pixels[..., 0] if pixels.shape[2] == 1 else pixels, meaning=meaning)


def seen(item: Item, limits: Limits) -> Seen:
    """The picture of an item.

    Raises
    ------
    CodecError
        The message names the item.
    """
    if item.pixels is not None:
        return Seen(item.pixels, item.meaning)
    try:
        picture = pictures.load(item.data, alpha=True, limits=limits, page=item.page)
        meaning = profiles.Meaning(picture.metadata.icc, picture.color_chunks)
        warnings = tuple(f"{item.label}{warning}" for warning in picture.warnings)
        return Seen(pictures.seen(picture), meaning, warnings)
    except CodecError as error:
        raise type(error)(f"{item.name}: {error}") from error


def begin(sources: Any, limits: Limits, warnings: list[str]) -> tuple[Item, Iterator[Item]]:
    """The first item, and all others."""
    found = items(sources, limits, warnings)
    first = next(found, None)
    if first is None:
        raise ParameterError("there are no frames: an animation needs at least one")
    second = next(found, None)
    return first, iter(()) if second is None else chain([second], found)
