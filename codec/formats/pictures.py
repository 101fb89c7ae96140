"""Read and write pictures of many formats: JPEG through this package, everything else through Pillow.

Orientation: pixels and the EXIF tag are both unchanged; when metadata is dropped, `upright` turns the pixels. Pillow
turns TIFF pictures while reading, and then reports no tag.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .. import jpeg, signatures
from ..errors import BitstreamError, CodecError, LimitError, MissingPackageError, ParameterError, UnsupportedError
from ..jpeg.exif import upright_orientation as orientation
from ..jpeg.geometry import ORIENTATIONS
from ..jpeg.metadata import Metadata
from ..limits import checked_limits
from ..pixels import eight_bits
from ..signatures import JPEG_SUFFIXES, PNG
from ..sources.files import read_bytes, write_atomic
from . import ends, plain_png, profiles
from .chunks import chunks as chunks_of
from .chunks import header

# Formats with a signature and a decoder inside Pillow, or its plug-in pillow-heif. EPS is excluded on purpose: it
# starts a PostScript interpreter.
READABLE = ("PNG", "PPM", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "JPEG2000", "QOI", "HEIF")
ALL_FORMATS = ("JPEG", *READABLE)
READABLE_SUFFIXES = (
    *JPEG_SUFFIXES,
    ".png",
    ".apng",
    ".pbm",
    ".pgm",
    ".ppm",
    ".pnm",
    ".tif",
    ".tiff",
    ".webp",
    ".gif",
    ".bmp",
    ".dib",
    ".avif",
    ".avifs",
    ".jp2",
    ".j2k",
    ".j2c",
    ".jpc",
    ".jpf",
    ".jpx",
    ".qoi",
    ".heic",
    ".heif",
    ".hif",
    ".heics",
    ".heifs",
)
# Formats that are written, their suffixes, and the metadata that they carry here.
SUFFIXES = {"png": ".png", "ppm": ".ppm", "tiff": ".tif"}
CARRIED = {"PNG": ("icc", "exif", "xmp"), "TIFF": ("icc", "xmp"), "PPM": ()}
WRITABLE = {".png": "PNG", ".ppm": "PPM", ".pgm": "PPM", ".pnm": "PPM", ".tif": "TIFF", ".tiff": "TIFF"}

REDUCED = "16-bit samples were reduced to 8 bits"
SRGB_LIKE = (1, 2, 6, 13, 14, 15)  # transfer characteristics that are shown as sRGB (H.273 Table 3; 2: unspecified)

# Exceptions of Pillow's readers on malformed data: OSError and SyntaxError from their own checks, the others by
# accident.
MALFORMED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    AssertionError,
    struct.error,
    zlib.error,
)

# TIFF 6.0 and EXIF 2.3 tags that describe the picture; the others describe the layout of the TIFF file.
DESCRIPTIVE_TAGS = (
    0x010E,
    0x010F,
    0x0110,
    0x011A,
    0x011B,
    0x0128,
    0x0131,
    0x0132,
    0x013B,
    0x013C,
    0x8298,
    0x8769,
    0x8825,
)


@dataclass(frozen=True)
class Picture:
    """A picture that was read.

    Attributes
    ----------
    samples : ndarray, or memoryview of a C-contiguous one
        (H, W) gray, (H, W, 3) RGB or (H, W, 4) CMYK with 0 = no ink; uint8, or uint16 from a JPEG with more than 8
        bits.
    pixels : ndarray
        The samples.
    metadata : codec.jpeg.Metadata
    format : str
        "JPEG", or Pillow's name of the format.
    warnings : tuple of str
        What was lost or guessed in reading, one sentence each.
    alpha : (H, W) uint8, or None
        If requested and not opaque everywhere.
    color_chunks : tuple of (bytes, bytes)
        Type and content of the PNG chunks gAMA, cHRM and cICP, where they state other colours than sRGB.
    frames : int
        Frames or pages in the source, of which this is the first.
    doubts : tuple of str
        Those of the warnings that say that the source is damaged.
    changed : tuple of str
        Kinds of metadata that are not as in the source: "xmp" that announced what is not read.
    """

    samples: np.ndarray | memoryview
    metadata: Metadata
    format: str
    warnings: tuple = ()
    alpha: np.ndarray | None = None
    color_chunks: tuple = ()
    frames: int = 1
    doubts: tuple = ()
    changed: tuple = ()

    @cached_property
    def pixels(self) -> np.ndarray:
        """Not to be asked for where `samples` will do: it loads NumPy."""
        return np.asarray(self.samples)

    def __getstate__(self):  # a memoryview neither pickles nor copies
        return {**vars(self), "samples": self.pixels}


def load(source, *, background=None, alpha=False, deep=False, limits=None, page=None):
    """Read a picture of any format.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview, or binary file object
    background : str or tuple of int, optional
        Colour behind transparent pixels: a name, "#rrggbb" or (r, g, b). JPEG has no transparency; the default is
        white, with a warning.
    alpha : bool
        Return alpha separately instead of blending with a background.
    deep : bool
        Keep 16-bit samples of gray pictures, and of usual PNG files in colour.
    limits : codec.Limits, optional
    page : int, optional
        Of a TIFF, from 0 to `pages` - 1. Default: the first, with a warning where there are others.

    Returns
    -------
    Picture

    Raises
    ------
    UnsupportedError
        If the format is not supported, or its samples do not fit 8 bits (floating point, 32-bit integers).
    BitstreamError
        If the data is damaged.
    LimitError
        If the picture exceeds `limits`. Checked on the header.
    FileError, ParameterError

    Notes
    -----
    Palettes become RGB and bilevel pictures gray. 16-bit samples are reduced to 8 bits with a warning: gray is rounded,
    colour is truncated by Pillow. Only the first of several frames is read, with a warning. For damaged TIFF files the
    libtiff inside Pillow may write its own messages to stderr.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from codec.formats.pictures import load
    >>> buffer = io.BytesIO()
    >>> Image.new("RGB", (4, 2), "red").save(buffer, "PNG")
    >>> load(buffer.getvalue()).pixels.shape
    (2, 4, 3)
    """
    limits = checked_limits(limits)
    color = None if background is None else parse_color(background)
    data = read_bytes(source, limits)
    if signatures.format_of(data[: signatures.HEAD_BYTES]) == "GIF":
        return _load_gif(data, color, alpha, limits)
    if data.startswith(b"\xff\xd8"):
        decoded = jpeg.decode(data, limits=limits)
        warnings, doubts = (*decoded.warnings, *decoded.doubts), (*decoded.doubts, *ends.missing(decoded.warnings))
        return Picture(decoded.pixels, decoded.info.metadata, "JPEG", warnings, doubts=doubts)
    if not data.startswith(PNG):
        return _load_other(data, color, alpha, deep, limits, page)
    made = _load_plain(data, color, alpha, limits) or _load_other(data, color, alpha, deep, limits, page)
    doubts = ends.of_png(data)
    return replace(made, warnings=(*made.warnings, *doubts), doubts=doubts) if doubts else made


def pages(data):
    """Pages of a TIFF; 1 for everything else, and where they cannot be counted, which `load` will say."""
    from PIL import Image

    if signatures.format_of(data[: signatures.HEAD_BYTES]) != "TIFF":
        return 1
    try:
        with Image.open(io.BytesIO(data), formats=["TIFF"]) as image:
            return image.n_frames
    except (Image.DecompressionBombError, *MALFORMED):
        return 1


def pixels_of(data):
    """Pixels of a frame by the header; 0 if it cannot be read, which `load` will say.

    >>> from codec.formats.pictures import pixels_of
    >>> pixels_of(b"P5 3 2 255 ")
    6
    """
    head = header(data)
    if head is not None:
        return head.width * head.height
    if data.startswith(b"\xff\xd8"):
        try:
            info = jpeg.probe(data)
            return info.width * info.height
        except CodecError:
            return 0
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_readers(data)) as image:
            return image.width * image.height
    except (Image.DecompressionBombError, MissingPackageError, *MALFORMED):
        return 0


def _readers(data):
    """The readers of Pillow that data may need. All of them take half a second to load, the first few a tenth of it."""
    from PIL import Image

    if data.startswith(PNG):
        Image.preinit()
        return ["PNG"]
    Image.init()
    if signatures.format_of(data[: signatures.HEAD_BYTES]) == "HEIF" and "HEIF" not in Image.OPEN:
        try:
            from pillow_heif import register_heif_opener
        except ImportError as error:
            raise MissingPackageError(
                "HEIC needs pillow-heif: pip install 'codec[heif]', or convert it to JPEG first, with a photo program"
            ) from error
        register_heif_opener()
    return [name for name in READABLE if name in Image.OPEN]


def parse_color(color):
    """(r, g, b) from a colour name, "#rrggbb", or three integers from 0 to 255.

    >>> from codec.formats.pictures import parse_color
    >>> parse_color("#ff8000")
    (255, 128, 0)
    """
    if isinstance(color, str):
        from PIL import ImageColor

        try:
            return ImageColor.getrgb(color)[:3]
        except ValueError as error:
            raise ParameterError(f"unknown colour {color!r}; use a name such as white, or #rrggbb") from error
    values = tuple(color) if isinstance(color, (tuple, list)) else ()
    if len(values) != 3 or not all(isinstance(value, int) and 0 <= value <= 255 for value in values):
        raise ParameterError(f"a colour is a name, '#rrggbb', or three integers from 0 to 255, not {color!r}")
    return values


def _load_plain(data, color, keep_alpha, limits):
    """The picture of a usual PNG file, without Pillow; None for other files, damaged ones among them."""
    head, dots = header(data), plain_png.density(data)
    if head is None or dots is None:
        return None
    limits.check_pixels(head.width, head.height)
    plain = plain_png.samples(data)
    if plain is None:
        return None
    samples, alpha = _without_alpha(plain)
    metadata = Metadata(density=None if None in dots else _density([count * 0.0254 for count in dots]))
    chunks = profiles.color_chunks(data)
    return _finished(samples, alpha, metadata, "PNG", [], color, keep_alpha, limits, chunks)


def _load_other(data, color, keep_alpha, deep, limits, page):
    from PIL import Image, UnidentifiedImageError

    from . import apng

    shown = apng.still(data) if data.startswith(PNG) else data
    try:
        image = Image.open(io.BytesIO(shown), formats=_readers(data))
    except UnidentifiedImageError as error:
        kind = signatures.format_of(data[: signatures.HEAD_BYTES])
        if kind in Image.OPEN:
            raise BitstreamError(f"it begins as {kind} does, and what follows is damaged or missing") from error
        what = "not" if kind is None or kind in ALL_FORMATS else f"{kind} is not"
        raise UnsupportedError(f"{what} a supported picture format: there are JPEG, {', '.join(READABLE)}") from error
    except Image.DecompressionBombError as error:
        raise LimitError(f"{error}; this limit is Pillow's, PIL.Image.MAX_IMAGE_PIXELS") from error
    except MALFORMED as error:
        kind = signatures.format_of(data[: signatures.HEAD_BYTES]) or "picture"
        raise BitstreamError(str(error) or type(error).__name__, layer=f"{kind} header") from error
    warnings, quiet = [], None
    try:
        if page:
            image.seek(page)
        limits.check_pixels(*image.size)
        bits = _bits_per_sample(image, data)
        frames = apng.count(data) if image.format == "PNG" else getattr(image, "n_frames", 1)
        plain = plain_png.samples(data) if image.format == "PNG" else None
        if plain is None:
            image.load()
        metadata = _metadata_of(image)
        if image.format == "HEIF":
            warnings += _lost_of_heif(image, data)
            quiet = jpeg.multipicture.silenced(metadata.xmp) if metadata.xmp else None
        elif image.format == "JPEG2000":  # of which Pillow reads none
            from .boxes import described

            found = described(data)
            metadata = replace(metadata, **{kind: found.get(kind) for kind in ("icc", "exif", "xmp")})
        if plain is None:
            key = _transparent_samples(image, data, bits, warnings)
            image, alpha = _split_alpha(image)
            alpha = alpha if key is None else key
    except CodecError:
        raise
    except NotImplementedError as error:
        raise UnsupportedError(f"{image.format}: {error}") from error
    except MALFORMED as error:
        raise BitstreamError(str(error) or type(error).__name__, layer=f"{image.format} data") from error
    if frames > 1 and page is None:
        warnings.append(f"{frames} frames or pages: only the first is used")
    samples, alpha = (_samples(image, data, bits, deep, warnings), alpha) if plain is None else _without_alpha(plain)
    kind, chunks = image.format or "picture", profiles.color_chunks(data) if image.format == "PNG" else ()
    changed = ("xmp",) if quiet not in (None, metadata.xmp) else ()
    metadata = replace(metadata, xmp=quiet) if changed else metadata
    made = _finished(samples, alpha, metadata, kind, warnings, color, keep_alpha, limits, chunks, max(frames, 1))
    return replace(made, changed=changed) if changed else made


def _finished(samples, alpha, metadata, format, warnings, color, keep_alpha, limits, color_chunks=(), frames=1):
    """The picture, its alpha dropped where it is opaque and laid on a colour where it was not requested."""
    if alpha is not None and alpha.min() == 255:
        alpha = None
    if alpha is not None and not keep_alpha:
        if color is None:
            color = (255, 255, 255)
            warnings.append("transparent pixels were laid on white; background=COLOR is another colour")
        samples, alpha = _lay_on(np.asarray(samples), alpha, color), None
    limits.check_metadata(metadata.size)
    if metadata.icc and metadata.icc[16:20] == b"GRAY" and samples.ndim == 3:
        metadata = replace(metadata, icc=None)
        warnings.append("the gray ICC profile does not fit the coloured background and was dropped")
    return Picture(samples, metadata, format, tuple(warnings), alpha, color_chunks, frames)


def _load_gif(data, color, keep_alpha, limits):
    """The first frame as `animation` composes it, gray where its colour table is; XMP as Pillow finds it."""
    from PIL import Image

    from . import gif

    pixels, gray, moving = gif.first(data, limits)
    warnings = list(moving.warnings)
    if len(moving.cells) > 1:
        warnings.append(f"{len(moving.cells)} frames or pages: only the first is used")
    try:
        metadata = _metadata_of(Image.open(io.BytesIO(data), formats=["GIF"]))
    except (Image.DecompressionBombError, *MALFORMED):
        metadata = Metadata()
    if moving.icc:
        metadata = replace(metadata, icc=moving.icc)
    samples = np.ascontiguousarray(pixels[..., 0] if gray and not moving.icc else pixels[..., :3])
    alpha, count = pixels[..., 3], len(moving.cells)
    made = _finished(samples, alpha, metadata, "GIF", warnings, color, keep_alpha, limits, frames=count)
    return replace(made, doubts=ends.missing(warnings))


def _bits_per_sample(image, data):
    if image.format == "PNG":
        return _ihdr(data)[8]
    if image.format == "TIFF":
        return max(image.tag_v2.get(258, (1,)))
    return 8


def _lost_of_heif(image, data):
    """Warnings of what the pixels and the metadata of a HEIF image do not tell."""
    info = image.info
    film = _box_bytes(data, b"mpvd")  # motion photo format 1.0, "ISOBMFF image specific behavior"
    if film:
        yield f"its film is not carried over ({film} bytes, a motion photo)"
    if info.get("bit_depth", 8) > 8:
        yield f"{info['bit_depth']}-bit samples were reduced to 8 bits"
    if info.get("aux") or info.get("depth_images"):
        yield "its further pictures (HDR gain map, depth) are not read"
    stated = info.get("nclx_profile") or {}
    codes = stated.get("color_primaries", 2), stated.get("transfer_characteristics", 2)
    if not info.get("icc_profile") and not (codes[0] in (1, 2) and codes[1] in SRGB_LIKE):
        yield f"its colours (CICP primaries {codes[0]}, transfer {codes[1]}) were taken for those of sRGB"


def _box_bytes(data, kind):
    """Bytes of the boxes of a kind, of those that are in no other; without the heads of others."""
    from .boxes import boxes

    at, found = 0, 0
    for box in boxes(data):
        found += min(box.end, len(data)) - at if box.kind == kind else 0
        at = box.end
    return found


def _ihdr(data):
    """What IHDR states (PNG 11.2.1). Pillow reads files in which other chunks precede it."""
    return next((chunk.content for chunk in chunks_of(data) if chunk.kind == b"IHDR"), b"")


def _transparent_samples(image, data, bits, warnings):
    """The alpha of a gray PNG of 16 bits with tRNS, else None. Other depths: the level that Pillow compares with.

    Pillow compares the samples of tRNS, which have the depth of the file (PNG 11.3.1.1), with samples scaled to 8 bits.
    """
    if image.format != "PNG":
        return None
    stored, color = next((chunk.content for chunk in chunks_of(data) if chunk.kind == b"tRNS"), b""), _ihdr(data)[9]
    if color not in (0, 2) or len(stored) != (2 if color == 0 else 6):
        return None
    levels = [level & ((1 << bits) - 1) for level in struct.unpack(f">{len(stored) // 2}H", stored)]
    if color == 0 and bits == 16:
        image.info.pop("transparency", None)
        return np.where(np.asarray(image) == levels[0], 0, 255).astype(np.uint8)
    if bits == 16:  # Pillow keeps the high bytes of colour only
        warnings.append("its transparent colour was compared by the high 8 of 16 bits")
        image.info["transparency"] = tuple(level >> 8 for level in levels)
    elif color == 0:
        image.info["transparency"] = levels[0] * 255 // ((1 << bits) - 1)
    return None


def _split_alpha(image):
    """The image in a mode without alpha or palette, and alpha, (H, W) uint8 or None."""
    mode, transparent = image.mode, "transparency" in image.info
    kind = image.format
    if mode in ("LA", "La") or (mode in ("1", "L") and transparent):
        image = image.convert("LA")
    elif mode in ("RGBA", "RGBa", "PA") or (mode in ("P", "RGB") and transparent):
        image = image.convert("RGBA")
    elif mode == "1":
        image = image.convert("L")
    elif mode in ("P", "RGBX", "YCbCr", "HSV"):
        image = image.convert("RGB")
    alpha = None
    if image.mode in ("LA", "RGBA"):
        alpha = np.asarray(image.getchannel("A"))
        image = image.convert(image.mode[:-1])
    image.format = kind
    return image, alpha


def _without_alpha(samples):
    """(colours, alpha or None) of (H, W) or (H, W, channels), where two and four channels are gray and RGB with alpha.

    >>> import numpy as np
    >>> from codec.formats.pictures import _without_alpha
    >>> [None if each is None else each.shape for each in _without_alpha(np.zeros((5, 6, 2), np.uint8))]
    [(5, 6), (5, 6)]
    """
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    if channels in (1, 3):
        return samples, None
    pixels = np.asarray(samples)
    colors = pixels[..., 0] if channels == 2 else pixels[..., :3]
    return np.ascontiguousarray(colors), np.ascontiguousarray(pixels[..., -1])


def _samples(image, data, bits, deep, warnings):
    """Pixels of an image without alpha or palette, as uint8, or uint16 over 0..65535 if they may be `deep`."""
    if image.mode in ("L", "RGB", "CMYK"):
        wide = plain_png.deep(data) if deep and bits == 16 else None
        if wide is not None:
            return np.asarray(wide).view(">u2").astype(np.uint16)
        if bits == 16:
            warnings.append(REDUCED)
        return np.array(image)
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        samples = np.asarray(image).astype(np.uint16)
        if deep:
            return samples
        warnings.append(REDUCED)
        return eight_bits(samples)
    kind = {"F": "floating point numbers", "I": "integers of 32 bits"}.get(image.mode, f"of the kind {image.mode}")
    raise UnsupportedError(f"{image.format} whose samples are {kind}: convert it to 8-bit gray, RGB or CMYK first")


def _lay_on(pixels, alpha, color):
    """Blend samples as browsers do: (alpha * p + (255 - alpha) * b) / 255, rounded. Sums are below 2^16."""
    if pixels.ndim == 2 and len(set(color)) == 1:
        behind = np.uint16(color[0])
    else:
        pixels = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels
        behind, alpha = np.array(color, np.uint16), alpha[..., None]
    alpha = alpha.astype(np.uint16)
    return ((pixels * alpha + (255 - alpha) * behind + np.uint16(127)) // np.uint16(255)).astype(np.uint8)


def _metadata_of(image):
    """ICC, EXIF, XMP and density of a loaded Pillow image. Bytes are copied; EXIF is rebuilt only for TIFF and old PNG
    files.
    """
    info = image.info
    exif = info.get("exif")
    if exif is None and image.format == "TIFF":
        exif = _tiff_exif(image)
    elif exif is None and "Raw profile type exif" in info:
        exif = image.getexif().tobytes()
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return Metadata(
        icc=info.get("icc_profile") or None, exif=exif or None, xmp=xmp or None, density=_density(info.get("dpi"))
    )


def _density(dpi):
    """JFIF density in dots per inch (T.871 10.1); None if the file states none that fits."""
    try:
        x, y = (round(float(value)) for value in dpi)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):  # absent, a rational x/0, infinity
        return None
    # Pillow reports 1 x 1 for TIFF files without a density.
    return (1, x, y) if 1 <= x <= 65535 and 1 <= y <= 65535 and (x, y) != (1, 1) else None


def _tiff_exif(image):
    from PIL import Image

    tags, kept = image.getexif(), Image.Exif()
    for tag in DESCRIPTIVE_TAGS:
        if tag in tags:
            kept[tag] = tags.get_ifd(tag) if tag in (0x8769, 0x8825) else tags[tag]
    return kept.tobytes() if len(kept) else None


def upright(pixels, turned):
    """Pixels of an EXIF orientation of 1 to 8, turned upright.

    >>> import numpy as np
    >>> from codec.formats.pictures import upright
    >>> upright(np.array([[1, 2, 3]], np.uint8), 6).ravel()
    array([1, 2, 3], dtype=uint8)
    """
    return ORIENTATIONS[turned].of_pixels(np.asarray(pixels))


def seen(picture):
    """Pixels of a picture for display: upright, with alpha, if any, as the last channel.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    ndarray
        (H, W), (H, W, 3) or (H, W, 4) RGBA; uint8.

    Raises
    ------
    UnsupportedError
        If the pixels are CMYK, or have more than 8 bits.
    """
    pixels, alpha = picture.pixels, picture.alpha
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        raise UnsupportedError("it is CMYK, whose appearance depends on the press: convert it to RGB first")
    if pixels.dtype != np.uint8:
        raise UnsupportedError("its samples have more than 8 bits: convert it to 8 bits first")
    if alpha is not None:
        pixels = np.dstack([pixels] * (3 if pixels.ndim == 2 else 1) + [alpha])
    return upright(pixels, orientation(picture.metadata.exif))


def profiled(picture):
    """The picture with an ICC profile in place of its PNG colour chunks, or a warning where none says the same."""
    if not picture.color_chunks:
        return picture
    icc, named = profiles.profile(picture.color_chunks, picture.samples.ndim == 2), profiles.names(picture.color_chunks)
    if icc:
        return replace(picture, metadata=replace(picture.metadata, icc=icc), color_chunks=())
    return replace(picture, color_chunks=(), warnings=(*picture.warnings, unsaid(named)))


def unsaid(named):
    """The warning for colour chunks that are lost."""
    return f"its colours ({named}) were dropped: they are shown as sRGB"


def rgba(picture):
    """Pixels of `seen` as (H, W, 4) uint8."""
    pixels = seen(picture)
    if pixels.ndim == 2:
        pixels = np.dstack([pixels] * 3)
    return pixels if pixels.shape[2] == 4 else np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def strip(pixels, metadata):
    """Drop profiles and descriptions. The pixels are turned upright, since the orientation tag is lost; the density is
    kept.

    Parameters
    ----------
    pixels : ndarray, or `Picture.samples`
    metadata : codec.jpeg.Metadata

    Returns
    -------
    pixels : ndarray, or the same samples
    metadata : codec.jpeg.Metadata
    """
    turned, rest = orientation(metadata.exif), metadata.without_profiles()
    if turned >= 5 and rest.density:
        unit, x, y = rest.density
        rest = replace(rest, density=(unit, y, x))
    return upright(pixels, turned) if turned > 1 else pixels, rest


def dump(pixels, format="PNG", *, metadata=None, precision=None):
    """Encode a picture in a lossless format.

    Parameters
    ----------
    pixels : ndarray
        (H, W), (H, W, 3) RGB or (H, W, 4) CMYK; uint8 or uint16.
    format : {"PNG", "PPM", "TIFF"}
        "PPM" writes gray pictures as PGM.
    metadata : codec.jpeg.Metadata, optional
        PNG carries ICC, EXIF, XMP and density, TIFF carries ICC, XMP and density, PPM none.
    precision : int, optional
        Significant bits of the samples; default all. PNG and TIFF are scaled to 8 or 16 bits, PPM states the maximum.

    Returns
    -------
    bytes

    Raises
    ------
    UnsupportedError
        If the format cannot hold such pixels: CMYK in PNG or PPM, 16-bit colour in PNG or TIFF.

    Examples
    --------
    >>> import numpy as np
    >>> from codec.formats.pictures import dump
    >>> dump(np.zeros((1, 2), np.uint8), "PPM")
    b'P5\\n2 1\\n255\\n\\x00\\x00'
    """
    from PIL import Image

    if format not in set(WRITABLE.values()):
        raise ParameterError(f"format is {format!r}; choose one of PNG, PPM, TIFF")
    pixels = np.ascontiguousarray(pixels)
    shape, deep = pixels.shape, pixels.dtype == np.uint16
    if pixels.ndim == 3 and shape[2] == 4 and format != "TIFF":
        raise UnsupportedError(f"{format} has no CMYK; write TIFF (.tif), which keeps all four inks")
    full = 65535 if deep else 255
    top = (1 << precision) - 1 if precision else full
    if format == "PPM":
        header = f"P{6 if pixels.ndim == 3 else 5}\n{shape[1]} {shape[0]}\n{top}\n".encode()
        return header + pixels.astype(">u2" if deep else np.uint8).tobytes()
    if deep and pixels.ndim == 3:
        raise UnsupportedError(f"colour with more than 8 bits cannot be written as {format} here; write PPM (.ppm)")
    if top != full:
        pixels = ((pixels.astype(np.uint32) * full + top // 2) // top).astype(pixels.dtype)
    mode = "I;16" if deep else {2: "L", 3: "RGB" if shape[-1] == 3 else "CMYK"}[pixels.ndim]
    image = Image.frombytes(mode, shape[1::-1], pixels.astype("<u2" if deep else np.uint8).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format, **_save_options(metadata or Metadata(), format))
    return buffer.getvalue()


def _save_options(metadata, format):
    """Options for Pillow's writer. Its PNG writer takes EXIF as bytes; its TIFF writer would parse and merge it."""
    from PIL import PngImagePlugin

    options = {"icc_profile": metadata.icc} if metadata.icc else {}
    if metadata.density and metadata.density[0]:
        unit, *dots = metadata.density
        options["dpi"] = tuple(count * (2.54 if unit == 2 else 1) for count in dots)
    if format == "TIFF":
        options["compression"] = "tiff_adobe_deflate"
        if metadata.xmp:
            options["tiffinfo"] = {700: metadata.xmp}
    else:
        if metadata.exif:
            options["exif"] = metadata.exif
        if metadata.xmp:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    return options


def save(path, pixels, metadata=None, *, precision=None):
    """Write a picture as PNG, PPM/PGM or TIFF, by the suffix of `path`, completely or not at all. See `dump`.

    Raises
    ------
    ParameterError
        If the suffix is not that of a writable format.
    FileError, UnsupportedError
    """
    write_atomic(path, dump(pixels, format_of(path), metadata=metadata, precision=precision))


def format_of(path):
    """The format for a file name, by its suffix.

    >>> from codec.formats.pictures import format_of
    >>> format_of("a.pgm")
    'PPM'
    """
    suffix = suffix_of(os.fsdecode(path))
    if suffix not in WRITABLE:
        raise ParameterError(
            f"{os.fsdecode(path)}: no lossless format for the suffix {suffix!r}; use one of {', '.join(WRITABLE)}"
        )
    return WRITABLE[suffix]


def suffix_of(path):
    """The suffix of a file name in lower case, with its dot.

    >>> from codec.formats.pictures import suffix_of
    >>> suffix_of("photos/A.PNG")
    '.png'
    """
    return os.path.splitext(path)[1].lower()
