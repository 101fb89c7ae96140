"""`codec.jpeg.encode`: pictures of the caller, with options as keywords, to files and what was chosen for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Optional, Tuple

import numpy as np

from .metadata import Metadata
from .params import EncodeOptions, QuantTables, takes_encode_options
from .pipeline import WITH_CHROMA, as_pixels, color_of, file_bytes, write

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Unpack

    from .params import EncodeKeywords


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A written JPEG and the choices made.

    Attributes
    ----------
    data : bytes
        The file.
    width, height : int
    quality : int, float or None
        As requested, or found for a target; a float only if not whole; None if quantization tables were given.
    subsampling : str
        "4:2:0" ...; "4:4:4" where no component is subsampled.
    color : str
        "gray", "ycbcr", "rgb", "cmyk" or "ycck".
    progressive : bool
    quant_tables : QuantTables
    bits : dict
        By purpose: "headers", "metadata", "quantization tables", "Huffman tables", and one entry for each scan.
    block_bits : tuple of int32 arrays (blocks_high, blocks_wide)
        Bits of each block of each component, over all scans. Bits of an end-of-band run count for the block that sends
        them; those of an arithmetic coded block are the bits complete at its end.
    warnings : tuple of str
    target : str or None
        As requested.
    achieved : float or None
        The target's measure of this file: bytes, bits per pixel, or the score of its pixels.
    encodes : int
        Number of encodes in the search for the target; 1 without one.
    """

    data: bytes = field(repr=False)
    width: int
    height: int
    quality: float | None
    subsampling: str
    color: str
    progressive: bool
    quant_tables: QuantTables = field(repr=False)
    bits: dict[str, int] = field(repr=False)
    block_bits: Tuple[npt.NDArray[np.int32], ...] = field(repr=False)
    warnings: Tuple[str, ...] = ()
    target: Optional[str] = None
    achieved: Optional[float] = None
    encodes: int = 1

    def _repr_jpeg_(self) -> bytes:  # shown by notebooks
        return self.data

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def bpp(self) -> float:
        """Bits per pixel, everything counted."""
        return 8 * len(self.data) / (self.width * self.height)


def _search(image, options):
    """The file that reaches the target of the options."""
    from .target import reach  # few need it

    pixels = as_pixels(image)
    file_of = lambda quality, **settled: file_bytes(pixels, replace(options, quality=quality, target=None, **settled))
    has_choice = options.subsampling == "auto" and color_of(options, pixels.shape[2]) in WITH_CHROMA
    return reach(options.target, pixels, file_of, has_choice)


# Modes of Pillow images whose samples profiles of a colour space describe; others become RGB.
MODES_OF_PROFILES = {b"GRAY": ("1", "L"), b"CMYK": ("CMYK",)}


def _with_profile(image, options):
    """The options, with the ICC profile of a Pillow image unless they have metadata: its samples mean nothing else."""
    if type(image) is np.ndarray or options.metadata is not None or not hasattr(image, "getbands"):
        return options
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or len(profile) < 128:  # the header (ICC.1 7.2)
        return options
    modes = MODES_OF_PROFILES.get(profile[16:20])
    fits = image.mode in modes if modes else image.mode not in ("1", "L", "CMYK")
    return replace(options, metadata=Metadata(icc=profile)) if fits else options


def encode_bytes(image, options):
    """Only the file: what `codec.encode` returns."""
    options = _with_profile(image, options)
    return file_bytes(image, options) if options.target is None else _search(image, options).data


@takes_encode_options
def encode(image: npt.ArrayLike, quality: float | None = None, **options: Unpack[EncodeKeywords]) -> EncodedImage:
    """Write a standard JPEG and report the choices made.

    Parameters
    ----------
    image : (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) uint8
        Gray, RGB, or CMYK with 0 = no ink. 1 to 65535 rows and columns, any strides.
    quality, **options
        See `EncodeOptions`.

    Returns
    -------
    EncodedImage

    Raises
    ------
    ParameterError
        Wrong shape, dtype, range, or an option that does not exist; a target that cannot be reached.

    Notes
    -----
    T.81 baseline (F.1) or progressive (Annex G); levels by a trellis over rate and distortion; optimal Huffman tables
    by package-merge; JFIF (T.871) or Adobe colour marking. The same input gives the same bytes on every machine.

    Examples
    --------
    >>> import numpy as np, codec
    >>> result = codec.jpeg.encode(np.full((16, 16, 3), 128, np.uint8), quality=90)
    >>> result.subsampling, result.progressive, int(result.block_bits[0].sum()) > 0
    ('4:2:0', False, True)
    >>> noise = np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)
    >>> result = codec.jpeg.encode(noise, target="size:2kB")
    >>> 1980 < result.achieved == len(result.data) <= 2000, result.encodes <= 12
    (True, True)
    """
    options, found = _with_profile(image, EncodeOptions.from_keywords(quality, options)), {}
    if options.target is not None:
        reached = _search(image, options)
        found = {"target": options.target, "achieved": reached.achieved, "encodes": reached.encodes}
        subsampling = reached.subsampling or options.subsampling
        options = replace(options, quality=reached.quality, subsampling=subsampling, target=None)
    picture, file = write(image, options, count_blocks=True)
    return EncodedImage(
        data=file.data,
        width=picture.frame.X,
        height=picture.frame.Y,
        quality=None if options.quant_tables else options.quality,
        subsampling=picture.subsampling,
        color=picture.color,
        progressive=picture.frame.progressive,
        quant_tables=picture.tables,
        bits=file.bits,
        block_bits=file.block_bits,
        **found,
    )
