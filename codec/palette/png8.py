"""Indexed PNG: try several colour orders and row filters and keep what deflates best."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ..color import LUMA_1000
from ..errors import MissingPackageError, ParameterError
from ..pixels import bands
from ..sources.files import write_atomic
from ..targets import narrow, parse_target
from . import png
from .quantize import as_pixels, quantize_colors
from .target import Score

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from typing_extensions import Unpack

    from .._types import Path, QuantizeKeywords
    from .result import Quantized

TRIED_PIXELS = 1 << 16


@dataclass(frozen=True)
class Png:
    """An indexed PNG.

    Attributes
    ----------
    data : bytes
    width, height : int
    colors : int
        Entries of the palette.
    bits : int
        Bits per index: 1, 2, 4 or 8.
    result : codec.palette.Quantized
        The picture in it.
    achieved : float or None
        With a target: the bytes or the score reached.
    """

    data: bytes
    width: int
    height: int
    colors: int
    bits: int
    result: Quantized = field(repr=False, compare=False)
    achieved: float | None = None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.data)


def used(indices, palette):
    """Drop unused entries, merge equal ones, and set fully transparent ones to black.

    Returns
    -------
    (indices, palette) : uint8 (H, W); uint8 (n, 3), or (n, 4) where an entry is not opaque
    """
    entries = np.array(palette, np.uint8)
    if entries.shape[1] == 4:
        entries[entries[:, 3] == 0] = 0
        entries = entries if (entries[np.unique(indices), 3] < 255).any() else entries[:, :3]
    present = np.unique(indices)
    kept, number = np.unique(entries[present], axis=0, return_inverse=True)
    renumber = np.zeros(256, np.uint8)
    renumber[present] = number.ravel()
    return renumber[indices], kept


def by_luma(palette):
    """Entries from dark to bright."""
    return np.argsort(palette[:, :3].astype(np.int64) @ LUMA_1000, kind="stable")


def by_neighbours(indices, count):
    """Order entries so that neighbours in the picture are close in the palette, which makes differences of indices
    small.

    Start with the entry that has the most neighbours. Repeatedly add the entry with the most neighbours in the chain,
    at the end where it has more; neighbours weigh less the farther they are from that end (after Zeng, Li and Lei
    2000).
    """
    pairs = np.zeros((count, count), np.int64)
    for rows in bands(*indices.shape):
        here, below = indices[rows], indices[rows.start + 1 : rows.stop + 1]
        for one, other in ((here[:, :-1], here[:, 1:]), (here[: len(below)], below)):
            both = one.ravel().astype(np.intp) * count + other.ravel()
            pairs += np.bincount(both, minlength=count * count).reshape(count, count)
    pairs += pairs.T
    np.fill_diagonal(pairs, 0)
    chain = [int(pairs.sum(0).argmax())]
    left = [entry for entry in range(count) if entry != chain[0]]
    near = pairs[chain[0]].copy()
    while left:
        entry = left.pop(int(near[left].argmax()))
        tilt = len(chain) - 1 - 2 * np.arange(len(chain))  # above 0 in the first half
        at_front = int(pairs[entry, chain] @ tilt) > 0
        chain.insert(0 if at_front else len(chain), entry)
        near += pairs[entry]
    return np.array(chain)


def transparent_first(order, palette):
    """Move entries that are not opaque to the front, which keeps tRNS short."""
    return order[np.argsort(palette[order, 3], kind="stable")] if palette.shape[1] == 4 else order


def numbered(indices, palette, order):
    """Indices and palette in another order."""
    places = np.empty(len(order), np.uint8)
    places[order] = np.arange(len(order), dtype=np.uint8)
    return places[indices], palette[order]


def smallest(indices, palette):
    """(palette, filtered rows, bits) for the order and filters that deflate best, tried on a band in the middle of
    large pictures.

    Unfiltered rows deflate alike in any order, so they need one try only. Below 8 bits a byte holds several indices,
    and filters do not help.
    """
    bits = png.depth(len(palette))
    luma = transparent_first(by_luma(palette), palette)
    plan = [(luma, png.unfiltered)]
    if bits == 8:
        chain = transparent_first(by_neighbours(indices, len(palette)), palette)
        plan += [(chain, png.subtracted), (chain, png.filtered)]
    rows = max(1, TRIED_PIXELS // indices.shape[1])
    begin = max(0, (len(indices) - rows) // 2)
    band = indices[begin : begin + rows]

    def tried(way):
        return len(png.deflated(way[1](numbered(band, palette, way[0])[0]), png.QUICK))

    order, rows_of = min(plan, key=tried) if bits == 8 else plan[0]
    renumbered, entries = numbered(indices, palette, order)
    return entries, rows_of(png.packed(renumbered, bits)), bits


def encode_png(result, *, icc=None, density=None, color_chunks=(), oxipng=False):
    """Write indices and palette as indexed PNG: see `write_png`."""
    indices, palette = used(*checked(result.indices, result.palette))
    entries, rows, bits = smallest(indices, palette)
    height, width = indices.shape
    data = b"".join([
        png.SIGNATURE, png.header(width, height, bits), png.described(icc, density, color_chunks), png.colors(entries),
        png.chunk(b"IDAT", png.deflated(rows)), png.chunk(b"IEND", b""),
    ])  # fmt: skip
    return Png(_squeezed(data) if oxipng else data, width, height, len(entries), bits, result)


def _within(target, image, colors, make, options):
    """The file with the most colours that is within the target."""
    found = {}

    def too_large(most):
        found[most] = make(quantize_colors(image, most, **options))
        return found[most].size > target.value

    if not too_large(colors):
        return found[colors]
    if too_large(1):
        raise ParameterError(
            f"{target} cannot be reached: one colour gives {found[1].size} bytes; make the picture smaller"
        )
    return found[narrow(1, colors, too_large)[0]]


def checked(indices, palette):
    """Indices and palette as consistent uint8 arrays."""
    indices, palette = np.asarray(indices), np.asarray(palette)
    if indices.ndim != 2 or not indices.size or indices.dtype.kind not in "ui":
        raise ParameterError(
            f"indices must be a non-empty (H, W) array of integers, not {indices.dtype} {indices.shape}"
        )
    if palette.ndim != 2 or palette.shape[1] not in (3, 4) or not 1 <= len(palette) <= 256 or palette.dtype != np.uint8:
        raise ParameterError(f"a palette must be uint8 of shape (1..256, 3 or 4), not {palette.dtype} {palette.shape}")
    if indices.min() < 0 or indices.max() >= len(palette):
        raise ParameterError(f"indices up to {indices.max()} do not fit a palette of {len(palette)} colours")
    return indices.astype(np.uint8, copy=False), palette


def _squeezed(data):
    try:
        import oxipng
    except ImportError as error:
        raise MissingPackageError("the last pass of oxipng needs its package: pip install codec[png]") from error
    return oxipng.optimize_from_memory(data, level=4)


def write_png(
    image: Quantized | npt.ArrayLike,
    path: Path | None = None,
    *,
    colors: int = 256,
    target: str | None = None,
    icc: bytes | None = None,
    density: tuple[int, int, int] | None = None,
    color_chunks: Sequence[tuple[bytes, bytes]] = (),
    oxipng: bool = False,
    **options: Unpack[QuantizeKeywords],
) -> Png:
    """Write a picture as indexed PNG (PNG-8), completely or not at all.

    Parameters
    ----------
    image : a result of `codec.quantize_colors`, or uint8 (H, W), (H, W, 3) or (H, W, 4)
        Pixels are quantized with `options`.
    path : str or os.PathLike, optional
        Where to write. Without it the bytes are only returned.
    colors : int
        At most this many colours, 1..256.
    target : str, optional
        "size:100kB": as many colours, up to `colors`, as fit. Or a score, as for `codec.quantize_colors`.
    icc : bytes, optional
        RGB profile to embed. Without one PNG means sRGB.
    density : (unit, x, y), optional
        Dots per inch (unit 1) or per cm (2).
    color_chunks : sequence of (type, content), optional
        Chunks before PLTE, such as ``(b"gAMA", content)``: gAMA, cHRM or cICP of the source.
    oxipng : bool
        Recompress with oxipng, without loss (extra `png`).
    **options
        Passed to `codec.quantize_colors`: space, dither, palette, ...

    Returns
    -------
    Png
        Its bytes are `.data`, its picture is `.result`.

    Raises
    ------
    ParameterError, FileError, MissingPackageError

    Examples
    --------
    >>> import numpy as np
    >>> from codec.palette import write_png
    >>> made = write_png(np.zeros((2, 3, 3), np.uint8))
    >>> made.colors, made.bits, made.data[:4]
    (1, 1, b'\\x89PNG')
    """

    def make(result):
        return encode_png(result, icc=icc, density=density, color_chunks=color_chunks, oxipng=oxipng)

    if hasattr(image, "indices"):
        if options or target or colors != 256:
            raise ParameterError(
                f"{', '.join(options) or 'colors and target'}: only for pixels; this picture is already quantized"
            )
        made = make(image)
    elif target and parse_target(target).measure == "size":
        made = _within(parse_target(target), image, colors, make, options)
        made = replace(made, achieved=made.size)
    else:
        made = make(quantize_colors(image, colors, target=target, **options))
        if target:
            made = replace(made, achieved=Score(parse_target(target), as_pixels(image)).of(made.result))
    if path is not None:
        write_atomic(path, made.data)
    return made
