"""Vector quantization of blocks: a codebook, the entry of each block, and back (Linde, Buzo, Gray, "An Algorithm for
Vector Quantizer Design", IEEE Trans. Commun. 28(1), 1980). Palettes do the same for single pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ParameterError
from ..pixels import as_array
from .kmeans import MOST_COORDINATE, MOST_DIMENSIONS, MOST_SQUARED_DISTANCE, cluster, nearest

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_ENTRIES = 65536


@dataclass(frozen=True, eq=False)
class Codebook:
    """Representative blocks.

    Attributes
    ----------
    entries : (k, h, w, channels) uint8

    Examples
    --------
    >>> import numpy as np
    >>> from codec.quantizers import vector
    >>> picture = np.random.default_rng(0).integers(0, 256, (32, 32)).astype(np.uint8)
    >>> codebook = vector.train([picture], 16, block=(4, 4))
    >>> codes = codebook.encode(picture)
    >>> codes.shape, codebook.decode(codes).shape, codebook.bits_per_pixel
    ((8, 8), (32, 32), 0.25)
    """

    entries: npt.NDArray[np.uint8]

    def __repr__(self) -> str:
        return f"Codebook({'x'.join(map(str, self.entries.shape))})"

    @property
    def block(self) -> tuple[int, int]:
        """(height, width) of a block."""
        return self.entries.shape[1:3]

    @property
    def bits_per_pixel(self) -> float:
        """Bits per pixel of fixed-length codes, without the codebook."""
        return max(1, math.ceil(math.log2(len(self.entries)))) / math.prod(self.block)

    def encode(self, image: npt.ArrayLike) -> npt.NDArray[np.uint16]:
        """The nearest entry of each block by squared error; the first one on ties.

        Parameters
        ----------
        image : (H, W) or (H, W, channels) uint8, or a Pillow image
            The last rows and columns are repeated to fill partial blocks.

        Returns
        -------
        (ceil(H / h), ceil(W / w)) uint16
        """
        pixels = _as_pixels(image)
        if pixels.shape[2] != self.entries.shape[3]:
            raise ParameterError(f"the codebook has {self.entries.shape[3]} channels, the image {pixels.shape[2]}")
        blocks, shape = _blocks(pixels, self.block)
        return nearest(_points(blocks), _points(self.entries)).astype(np.uint16).reshape(shape)

    def decode(self, codes: npt.ArrayLike, size: tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
        """Reconstruct the picture of the codes.

        Parameters
        ----------
        codes : (rows, columns) integers
        size : (H, W), optional
            Size of the picture, if it ends within a block.

        Returns
        -------
        (H, W) uint8, or (H, W, channels) if there are several
        """
        codes = as_array(codes, "codes")
        if (
            codes.ndim != 2
            or codes.size == 0
            or codes.dtype.kind not in "iu"
            or codes.min() < 0
            or codes.max() >= len(self.entries)
        ):
            raise ParameterError(f"codes must be a (rows, columns) array of integers within 0..{len(self.entries) - 1}")
        (rows, columns), (h, w) = codes.shape, self.block
        height, width = (rows * h, columns * w) if size is None else size
        if not (rows - 1) * h < height <= rows * h or not (columns - 1) * w < width <= columns * w:
            raise ParameterError(f"{rows}x{columns} blocks of {h}x{w} are no picture of the size {size}")
        image = self.entries[codes].swapaxes(1, 2).reshape(rows * h, columns * w, -1)[:height, :width]
        return np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image)


def train(images: Iterable[npt.ArrayLike], entries: int, *, block: tuple[int, int] = (4, 4), seed: int = 0) -> Codebook:
    """Train a codebook of (nearly) least squared error for the blocks of pictures.

    Parameters
    ----------
    images : iterable of (H, W) or (H, W, channels) uint8
        Or of Pillow images. A generator may fill the same array again.
    entries : int
        The largest number of entries, 1..65536; never more than there are distinct blocks.
    block : (height, width)
        height x width x channels is at most 64.
    seed : int
        0 starts from boxes, other values from randomly drawn blocks.

    Returns
    -------
    Codebook

    Raises
    ------
    ParameterError
    """
    if hasattr(images, "getbands"):  # one Pillow image
        images = [images]
    if not isinstance(images, Iterable):
        raise ParameterError(f"images must be an iterable of arrays, not {type(images).__name__}")
    # A list holds different arrays; what makes them one by one may fill the same array again.
    pictures = [_as_pixels(image, copy=not isinstance(images, (list, tuple))) for image in images]
    if not pictures or len({picture.shape[2] for picture in pictures}) > 1:
        raise ParameterError("train needs at least one image, all with the same number of channels")
    if isinstance(entries, bool) or not isinstance(entries, (int, np.integer)) or not 1 <= entries <= MOST_ENTRIES:
        raise ParameterError(f"entries must be an integer within 1..{MOST_ENTRIES}, not {entries!r}")
    if (
        not isinstance(block, (tuple, list))
        or len(block) != 2
        or not all(isinstance(side, (int, np.integer)) and side > 0 for side in block)
    ):
        raise ParameterError(f"block must be (height, width), not {block!r}")
    channels = pictures[0].shape[2]
    if math.prod(block) * channels > MOST_DIMENSIONS:
        raise ParameterError(
            f"blocks of {block[0]}x{block[1]} with {channels} channels have more than {MOST_DIMENSIONS} samples"
        )
    blocks = np.concatenate([_blocks(picture, block)[0] for picture in pictures])
    different, counts = np.unique(blocks.reshape(len(blocks), -1), axis=0, return_counts=True)
    if len(different) <= entries:
        return Codebook(different.reshape(-1, *block, channels))
    found = cluster(_points(different), int(entries), weights=counts, seeds="plus-plus" if seed else "boxes", seed=seed)
    centres = np.floor(found.centres[found.weights > 0] / _units(different.shape[1]) + 0.5)
    return Codebook(np.unique(centres.astype(np.uint8), axis=0).reshape(-1, *block, channels))


def _as_pixels(image, copy=False):
    array = as_array(image, "image")
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.size == 0:
        raise ParameterError(
            f"images must be uint8 of the shape (H, W) or (H, W, channels), not {array.dtype} {array.shape}"
        )
    array = np.array(array) if copy else array
    return array if array.ndim == 3 else array[..., None]


def _blocks(pixels, block):
    """The blocks (n, h, w, channels), row by row, and their number (down, across)."""
    (height, width, channels), (h, w) = pixels.shape, block
    rows, columns = -(-height // h), -(-width // w)
    padded = np.pad(pixels, ((0, rows * h - height), (0, columns * w - width), (0, 0)), "edge")
    return padded.reshape(rows, h, columns, w, channels).swapaxes(1, 2).reshape(-1, h, w, channels), (rows, columns)


def _units(samples):
    """Lattice units per level: as many as keep squared distances below 2^24."""
    units = 1
    while 2 * units * 255 <= MOST_COORDINATE and samples * (2 * units * 255) ** 2 <= MOST_SQUARED_DISTANCE:
        units *= 2
    return units


def _points(blocks):
    samples = blocks.reshape(len(blocks), -1)
    return samples.astype(np.float32) * np.float32(_units(samples.shape[1]))
