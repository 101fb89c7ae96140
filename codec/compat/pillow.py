"""Pillow reads and writes JPEG, and reads H.264 byte streams, through this package: after `register()`.

    import codec.compat.pillow
    codec.compat.pillow.register()
    image.save("photo.jpg", quality=80, effort=7)
    Image.open("clip.h264").seek(10)

The headers of a JPEG are read by Pillow, so that size, mode, `info` and EXIF are those that Pillow gives; the samples
are decoded here, from any process of T.81 with 8 bits. MPO files stay with Pillow.
"""

from __future__ import annotations

import warnings
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .. import jpeg
from ..errors import CodecError, DamageWarning, MissingPackageError
from ..h264.decode import video

try:
    from PIL import Image, ImageFile, JpegImagePlugin
except ImportError as error:
    raise MissingPackageError("codec.compat.pillow needs Pillow: pip install pillow") from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._types import OnError
    from ..frame import Frame

H264 = "H264"
H264_SUFFIXES = (".h264", ".264", ".avc")
START_CODES = (b"\0\0\1", b"\0\0\0\1")
# nal_unit_type of what may begin a stream: slices, SEI, parameter sets, access unit delimiters (H.264 Table 7-1).
FIRST_UNITS = (1, 5, 6, 7, 8, 9)
MODES = {"1": "L", "L": "L", "RGB": "RGB", "CMYK": "CMYK"}
SUBSAMPLING = {-1: "auto", 0: "4:4:4", 1: "4:2:2", 2: "4:2:0", "4:1:1": "4:2:0"}
OURS = ("effort", "tune", "target", "chroma_quality")
# Options of Pillow's writer that ours has not; with them Pillow writes the file.
PILLOWS = ("qtables", "streamtype", "smooth", "keep_rgb", "restart_marker_blocks", "restart_marker_rows", "extra")
QUALITY = 75  # Pillow's default

# Pillow's own handlers while ours are registered, by the registry of PIL.Image and the format.
_replaced: dict[tuple[str, str], Any] = {}


def register(*, jpeg: bool = True, h264: bool = True) -> None:
    """Let Pillow use this package, in this process.

    Parameters
    ----------
    jpeg : bool, default True
        `Image.open` and `Image.save` for JPEG. Saving takes, besides Pillow's options, `effort`, `tune`, `target` and
        `chroma_quality` of `codec.encode`. With `quality="keep"`, a preset, `qtables`, `smooth` or another option that
        only Pillow's writer has, or a mode such as YCbCr, Pillow writes the file.
    h264 : bool, default True
        `Image.open` for byte streams (.h264, .264, .avc): the first frame, others by `seek`.

    Notes
    -----
    Damaged data raises an OSError when the samples are loaded, as Pillow does, and with
    `ImageFile.LOAD_TRUNCATED_IMAGES` it is concealed, with a `DamageWarning`. `draft`, a hint, has no effect.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> import codec.compat.pillow
    >>> codec.compat.pillow.register(h264=False)
    >>> buffer = io.BytesIO()
    >>> Image.new("RGB", (32, 16), "teal").save(buffer, "JPEG", quality=90, effort=3)
    >>> type(Image.open(buffer)).__module__
    'codec.compat.pillow'
    >>> codec.compat.pillow.unregister()
    """
    Image.init()
    if jpeg and ("OPEN", "JPEG") not in _replaced:
        _replaced["OPEN", "JPEG"], _replaced["SAVE", "JPEG"] = Image.OPEN["JPEG"], Image.SAVE["JPEG"]
        Image.register_open("JPEG", _open_jpeg, _is_jpeg)
        Image.register_save("JPEG", _save_jpeg)
    if h264 and H264 not in Image.OPEN:
        Image.register_open(H264, H264ImageFile, _is_h264)
        Image.register_extensions(H264, list(H264_SUFFIXES))
        Image.register_mime(H264, "video/h264")


def unregister() -> None:
    """Give Pillow its own handlers back. Images that are open stay as they are."""
    for registry, name in list(_replaced):
        getattr(Image, registry)[name] = _replaced.pop((registry, name))
    if H264 in Image.OPEN:
        del Image.OPEN[H264], Image.MIME[H264]
        Image.ID.remove(H264)
        for suffix in H264_SUFFIXES:
            Image.EXTENSION.pop(suffix, None)


def _is_jpeg(prefix):
    return prefix.startswith(b"\xff\xd8\xff")


def _is_h264(prefix):
    return any(
        prefix.startswith(code) and len(prefix) > len(code) and _may_begin(prefix[len(code)]) for code in START_CODES
    )


def _may_begin(header):
    """By forbidden_zero_bit and nal_unit_type (H.264 7.3.1)."""
    return header < 128 and header & 31 in FIRST_UNITS


def _on_error() -> OnError:
    return "conceal" if ImageFile.LOAD_TRUNCATED_IMAGES else "raise"


# ---------------------------------------------------------------- JPEG


def _open_jpeg(fp: IO[bytes], filename: str | bytes | None = None) -> ImageFile.ImageFile:
    theirs = JpegImagePlugin.jpeg_factory(fp, filename)
    if type(theirs) is not JpegImagePlugin.JpegImageFile:
        return theirs
    fp.seek(0)
    return JpegImageFile(fp, filename)


class JpegImageFile(JpegImagePlugin.JpegImageFile):
    """A JPEG whose headers Pillow reads, and whose samples this package decodes."""

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> None:
        """No effect: the picture is decoded at its size."""

    def load(self) -> Any:
        """Decode the samples.

        Raises
        ------
        OSError
            They are damaged, incomplete or not supported.
        """
        if self.tile:
            assert self.fp is not None
            self.fp.seek(0)
            try:
                decoded = jpeg.decode(self.fp.read(), on_error=_on_error())
            except CodecError as error:
                raise OSError(str(error)) from error
            report = ([decoded.damage.report] if decoded.damage else []) + list(decoded.doubts)
            if report:
                warnings.warn("; ".join(report), DamageWarning, stacklevel=2)
            self._take(decoded.pixels)
        return Image.Image.load(self)

    def _take(self, pixels):
        mode = {2: "L", 3: "RGB" if pixels.shape[-1] == 3 else "CMYK"}[pixels.ndim]
        if mode != self.mode or pixels.shape[1::-1] != self.size:
            raise OSError(f"the headers promise {self.mode} {self.size}, the data has {mode} {pixels.shape[1::-1]}")
        self.im, self.tile = _core_image(pixels, mode), []
        if self._exclusive_fp and self._close_exclusive_fp_after_loading:
            self.fp.close()
        self.fp = None


def _core_image(pixels, mode):
    return Image.frombytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes()).im


def _save_jpeg(im: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    given = im.encoderinfo
    quality = given.get("quality", -1)
    theirs = [name for name in PILLOWS if given.get(name)]
    if not isinstance(quality, (int, float)):
        theirs.insert(0, f"quality={quality!r}")
    if given.get("subsampling") == "keep" or isinstance(given.get("extra"), bytes) and given["extra"]:
        theirs.append("subsampling='keep'")
    if im.mode not in MODES:
        theirs.append(f"mode {im.mode}")
    if theirs:
        ours = [name for name in OURS if name in given]
        if ours:
            raise ValueError(f"{theirs[0]} is for Pillow's writer, and {ours[0]} for that of codec: leave one out")
        _pillows_save()(im, fp, filename)
        return
    try:
        fp.write(_encoded(im, given, quality))
    except CodecError as error:
        raise ValueError(str(error)) from error


def _pillows_save() -> Callable[[Image.Image, IO[bytes], str | bytes], None]:
    save: Callable[[Image.Image, IO[bytes], str | bytes], None] = _replaced["SAVE", "JPEG"]
    return save


def _encoded(im, given, quality):
    mode = MODES[im.mode]
    options = {name: given[name] for name in OURS if name in given}
    if "target" not in options:
        options["quality"] = _clamped(quality) if isinstance(quality, int) else quality
    asked = given.get("subsampling", -1)
    options["subsampling"] = SUBSAMPLING.get(asked, asked)
    if mode == "L":
        options["subsampling"] = "auto"
    if mode == "CMYK":
        options["color"] = "ycck"
    if "progressive" in given or "progression" in given:
        options["progressive"] = bool(given.get("progressive") or given.get("progression"))
    pixels = np.asarray(im if im.mode == mode else im.convert(mode))
    return jpeg.encode(pixels, metadata=_metadata(im, given), **options).data


def _clamped(quality):
    """What Pillow makes of an integer: -1 is its default, others are clamped."""
    return QUALITY if quality == -1 else max(1, min(100, int(quality)))


def _metadata(im, given):
    """What `save` was given; the comment also of the image, as Pillow has it."""
    exif = given.get("exif", b"")
    comment = given.get("comment", im.info.get("comment"))
    comment = comment.encode() if isinstance(comment, str) else comment
    xmp = given.get("xmp")
    dots = [round(count) for count in given.get("dpi", (0, 0))]
    return jpeg.Metadata(
        icc=given.get("icc_profile") or None,
        exif=(exif.tobytes() if isinstance(exif, Image.Exif) else exif) or None,
        xmp=(xmp.encode() if isinstance(xmp, str) else xmp) or None,
        comments=(comment,) if comment else (),
        density=(1, *dots) if all(0 < count <= 65535 for count in dots) else None,
    )


# ---------------------------------------------------------------- H.264


class H264ImageFile(ImageFile.ImageFile):
    """The frames of a byte stream: mode RGB, or L for 4:0:0. `seek` decodes up to the frame, from the start where it
    goes back; `n_frames` decodes all. `info` has fps (None if the stream does not say), key, type and damaged.
    """

    format = H264
    format_description = "H.264 byte stream"

    def _open(self) -> None:
        assert self.fp is not None
        self.fp.seek(0)
        self._data = self.fp.read()
        try:
            found = video.probe(self._data)
        except CodecError as error:
            raise SyntaxError(str(error)) from error
        if found.bit_depth > 8:
            raise OSError(f"the video has {found.bit_depth} bits, and Pillow has no such mode: use codec.decode_video")
        self._mode = "L" if found.chroma == "4:0:0" else "RGB"
        self._size = (found.width, found.height)
        self._fps = None if found.fps is None else float(found.fps)
        # The shown frame, and the one that the decoder gives next.
        self._number, self._next = -1, 0
        self._frames: Iterator[Frame] | None = None
        self._count: int | None = None
        self.seek(0)

    def tell(self) -> int:
        """Number of the frame, from 0."""
        return self._number

    @property
    def n_frames(self) -> int:
        """How many frames there are."""
        if self._count is None:
            self._count = sum(1 for _ in self._decoded())
        return self._count

    @property
    def is_animated(self) -> bool:
        """Whether there are several."""
        return self.n_frames > 1

    def seek(self, frame: int) -> None:
        """Go to a frame.

        Raises
        ------
        EOFError
            There are fewer frames.
        OSError
            The stream is damaged. The frame that is shown stays, after either error.
        """
        if frame == self._number:
            return
        if frame < 0:
            raise EOFError("frames count from 0")
        if self._frames is None or frame < self._next:
            self._frames, self._next = self._decoded(), 0
        for shown in self._frames:
            self._next += 1
            if self._next > frame:
                self._number = frame
                self._show(shown)
                return
        self._frames = None
        raise EOFError(f"there are {self._next} frames")

    def _decoded(self):
        try:
            yield from video.decode_video(self._data, on_error=_on_error())
        except CodecError as error:
            self._frames = None
            raise OSError(str(error)) from error

    def _show(self, frame):
        pixels = frame.to_rgb()
        self._mode, self._size = ("L" if pixels.ndim == 2 else "RGB"), pixels.shape[1::-1]
        self.im, self.tile = _core_image(pixels, self._mode), []
        damaged = frame.damage is not None
        self.info = {"fps": self._fps, "type": frame.type, "key": frame.key, "damaged": damaged}
        if damaged:
            reason = "; ".join(frame.damage.errors) or "it is predicted from missing or damaged frames"
            warnings.warn(f"frame {self._number} is damaged: {reason}", DamageWarning, stacklevel=3)
