"""Built-in picture codecs of the registry. Each encoder is one function; its package is loaded when it first runs.

JPEG files of all peers are decoded by libjpeg-turbo through Pillow, so that only encoders are compared; ours are
decoded by our decoder, which gives the same pixels. Every encoder uses one thread, as ours does.
"""

import io
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import numpy as np

from .. import __version__
from ..errors import PeerError, UnsupportedError
from ..jpeg import EncodeOptions
from ..jpeg import decode as decode_jpeg
from ..jpeg.encoder import encode_bytes
from .contract import Choice, Codec, Number

QUALITY = Number(75, 1, 100)
FINE_QUALITY = Number(75, 1, 100, parts=64)
CHROMA = Choice("4:2:0", ("4:4:4", "4:2:2", "4:2:0"))
HALF_CHROMA = Choice("4:2:0", ("4:2:0",))


def _ours(pixels, *, subsampling, **setting):
    """Gray has no chroma: all subsamplings give one row. Four channels are CMYK (`codec.formats.pictures`)."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    options = {"subsampling": "auto" if channels == 1 else subsampling, **setting}
    if channels == 4:
        options["color"] = "ycck"
    return encode_bytes(pixels, EncodeOptions.from_keywords(options.pop("quality"), options))


def _our_pixels(data):
    return decode_jpeg(data).pixels


def _pillow(pixels, format, **options):
    from PIL import Image

    if pixels.ndim == 3 and pixels.shape[2] != 3:
        raise UnsupportedError(
            f"{format} is measured with gray and RGB only, and the picture has {pixels.shape[2]} channels: "
            "convert it first"
        )
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format, **options)
    return stream.getvalue()


def _pillow_pixels(data):
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB"))


def _libjpeg_turbo(pixels, *, quality, subsampling, progressive):
    return _pillow(pixels, "JPEG", quality=quality, subsampling=subsampling, progressive=progressive, optimize=True)


def _simplejpeg(pixels, *, quality, subsampling):
    import simplejpeg

    if pixels.ndim == 2:
        return simplejpeg.encode_jpeg(pixels[:, :, None], quality=quality, colorspace="GRAY", colorsubsampling="Gray")
    return simplejpeg.encode_jpeg(
        _rgb(pixels), quality=quality, colorspace="RGB", colorsubsampling=subsampling.replace(":", ""), fastdct=False
    )


def _rgb(pixels):
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.shape[2] != 3:
        raise UnsupportedError(f"gray and RGB only, and the picture has {pixels.shape[2]} channels: convert it first")
    return pixels


def _mozjpeg(pixels, *, quality, subsampling):
    import pyvips

    bands = 1 if pixels.ndim == 2 else _rgb(pixels).shape[2]
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0], bands, "uchar")
    image = image.copy(interpretation="srgb" if bands == 3 else "b-w")
    mode = {"4:2:0": "on", "4:4:4": "off"}[subsampling]
    try:
        return image.jpegsave_buffer(
            Q=quality, subsample_mode=mode, optimize_coding=True, interlace=True, trellis_quant=True,
            overshoot_deringing=True, optimize_scans=True, quant_table=3, keep="none",
        )  # fmt: skip
    except pyvips.Error as error:
        raise PeerError(f"mozjpeg failed at encoding: {error}") from error


def _jpegli(pixels, *, quality, subsampling):
    import pyjpegli

    return pyjpegli.encode(_rgb(pixels).tobytes(), pixels.shape[1], pixels.shape[0], quality)


def _webp(pixels, *, quality, subsampling, method):
    return _pillow(pixels, "WEBP", quality=quality, method=method)


def _avif(pixels, *, quality, subsampling, speed):
    return _pillow(pixels, "AVIF", quality=quality, subsampling=subsampling, speed=speed, max_threads=1)


def _jpeg_xl(pixels, *, quality, effort):
    import imagecodecs

    if pixels.ndim == 3:
        _rgb(pixels)
    return imagecodecs.jpegxl_encode(pixels, distance=jpeg_xl_distance(quality), effort=effort, numthreads=1)


def jpeg_xl_distance(quality):
    """Butteraugli distance that libjxl's tools use for a quality of 1..100."""
    if quality >= 100:
        return 0.0
    return 0.1 + (100 - quality) * 0.09 if quality >= 30 else 53 / 3000 * quality**2 - 23 / 20 * quality + 25


def _jpeg_xl_pixels(data):
    import imagecodecs

    return imagecodecs.jpegxl_decode(data, numthreads=1)


def _jpeg_2000(pixels, *, quality):
    # OpenJPEG takes a target PSNR in dB instead of a quality: 1..100 maps to 25.25 to 50 dB.
    return _pillow(
        pixels,
        "JPEG2000",
        quality_mode="dB",
        quality_layers=[25 + quality / 4],
        irreversible=True,
        mct=int(pixels.ndim == 3),
    )


def _version(*packages):
    """A function for the versions of the packages, and of the library inside Pillow after a slash."""

    def version():
        found = []
        for package in packages:
            name, _, feature = package.partition("/")
            try:
                found.append(f"{name} {installed(name)}")
            except PackageNotFoundError:
                continue
            if feature:
                from PIL import features

                found.append(f"{feature} {features.version(feature)}")
        return ", ".join(found)

    return version


EFFORT = Number(5, 1, 9)
PEERS = (
    Codec(
        "jpeg",
        _ours,
        _our_pixels,
        {
            "subsampling": Choice("auto", ("auto", "4:4:4", "4:2:2", "4:4:0", "4:2:0")),
            "effort": EFFORT,
            "quality": FINE_QUALITY,
        },
        version=lambda: __version__,
    ),
    Codec(
        "libjpeg-turbo",
        _libjpeg_turbo,
        _pillow_pixels,
        {"subsampling": CHROMA, "progressive": Choice(True, (True, False)), "quality": QUALITY},
        version=_version("pillow/libjpeg_turbo"),
        needs=("PIL",),
        install="pillow",
    ),
    Codec(
        "simplejpeg",
        _simplejpeg,
        _pillow_pixels,
        {"subsampling": CHROMA, "quality": QUALITY},
        version=_version("simplejpeg"),
        needs=("simplejpeg",),
        install="simplejpeg",
    ),
    Codec(
        "mozjpeg",
        _mozjpeg,
        _pillow_pixels,
        {"subsampling": Choice("4:2:0", ("4:4:4", "4:2:0")), "quality": QUALITY},
        version=_version("pyvips", "pyvips-binary"),
        needs=("pyvips", "_libvips"),
        install="pyvips pyvips-binary",
    ),
    Codec(
        "jpegli",
        _jpegli,
        _pillow_pixels,
        {"subsampling": HALF_CHROMA, "quality": QUALITY},
        version=_version("pyjpegli"),
        needs=("pyjpegli",),
        install="pyjpegli",
    ),
    Codec(
        "webp",
        _webp,
        _pillow_pixels,
        {"subsampling": HALF_CHROMA, "method": Number(4, 0, 6), "quality": QUALITY},
        version=_version("pillow/webp"),
        needs=("PIL._webp",),
        install="'pillow>=11'",
    ),
    Codec(
        "avif",
        _avif,
        _pillow_pixels,
        {"subsampling": CHROMA, "speed": Number(6, 0, 10), "quality": QUALITY},
        version=_version("pillow/avif"),
        needs=("PIL._avif",),
        install="'pillow>=11.3'",
    ),
    Codec(
        "jpeg-xl",
        _jpeg_xl,
        _jpeg_xl_pixels,
        {"effort": Number(7, 1, 9), "quality": QUALITY},
        version=_version("imagecodecs"),
        needs=("imagecodecs",),
        install="imagecodecs",
    ),
    Codec(
        "jpeg-2000",
        _jpeg_2000,
        _pillow_pixels,
        {"quality": QUALITY},
        version=_version("pillow/jpg_2000"),
        needs=("PIL",),
        install="pillow",
    ),
)
