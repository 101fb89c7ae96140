"""Plugin of imageio 3: JPEG, animated GIF and PNG, and H.264, read and written by this package.

    import codec.compat.imageio as plugin
    iio.imwrite("photo.jpg", pixels, plugin=plugin.Plugin, quality=85)

`register()` makes the name "codec" known to imageio, for `plugin="codec"`.
"""

from __future__ import annotations

import difflib
import inspect
import os
import warnings
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..api import JPEG_SUFFIXES, decode, encode
from ..errors import CodecError, DamageWarning, MissingPackageError, ParameterError
from ..formats import animation, apng, gif
from ..h264.decode import video
from ..h264.encode.video import write_video
from ..jpeg import probe
from ..palette import animate, png
from ..sources.files import read_bytes, write_atomic

try:
    from imageio.config import PluginConfig, known_plugins
    from imageio.core.request import InitializationError, IOMode, Request
    from imageio.core.v3_plugin_api import ImageProperties, PluginV3
except ImportError as error:
    raise MissingPackageError("codec.compat.imageio needs imageio 2.22 or newer: pip install imageio") from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

NAME = "codec"
ANIMATION_SUFFIXES = {".gif": "gif", ".apng": "apng"}
VIDEO_SUFFIXES = (".h264", ".264", ".avc", ".mp4", ".m4v", ".mov", ".mkv")


def register() -> None:
    """Make the plugin known to imageio as "codec", for this process. Files are opened by it where it is named:
    `plugin="codec"`.

    Examples
    --------
    >>> import numpy as np, imageio.v3 as iio                                               # doctest: +SKIP
    >>> import codec.compat.imageio
    >>> codec.compat.imageio.register()                                                     # doctest: +SKIP
    >>> iio.imwrite("<bytes>", np.zeros((8, 8), np.uint8), extension=".jpg", plugin="codec") # doctest: +SKIP
    """
    known_plugins[NAME] = PluginConfig(name=NAME, class_name="Plugin", module_name=__name__)


def unregister() -> None:
    """Make imageio forget the name "codec"."""
    known_plugins.pop(NAME, None)


class Plugin(PluginV3):
    """A resource that imageio opened: `imread`, `imiter`, `imwrite`, `improps` and `immeta` call its methods.

    Reads JPEG, GIF, APNG, H.264 byte streams, and H.264 in containers (extra `video`), by their contents. Writes by the
    suffix, or `extension=`: .jpg, .jpeg, .jpe, .jfif; .gif, .apng; .h264, .264, .avc; .mp4, .m4v, .mov, .mkv.

    Raises
    ------
    imageio.core.request.InitializationError
        The data is of another format, or the suffix is; `imopen` makes an OSError of it.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if request.mode.io_mode == IOMode.write:
            self._writer = _writer_of(request.extension)
            return
        try:
            self._reader = _reader_of(_source_of(request))
        except CodecError as error:
            raise InitializationError(str(error)) from error

    def read(self, *, index: Any = None, rotate: bool = False, on_error: Any = "raise") -> np.ndarray:
        """One picture, or all, stacked.

        Parameters
        ----------
        index : int or ..., optional
            From 0; `...`: all, along a new first axis. Default: the picture of a JPEG, all frames of the rest.
        rotate : bool, default False
            Turn by the EXIF orientation, or by the rotation of the container.
        on_error : "raise" (default) or "conceal"
            For damaged JPEG and H.264. What is concealed gives a `DamageWarning`.

        Returns
        -------
        (H, W) gray, (H, W, 3) RGB, (H, W, 4) RGBA, or CMYK with 0 = no ink; uint8, or uint16 above 8 bits

        Raises
        ------
        ValueError
            An index beyond the last frame.
        CodecError
            Damaged or unsupported data: a ValueError, NotImplementedError or OSError too.
        """
        frames = self._reader.frames(rotate=rotate, on_error=on_error)
        if index is None:
            index = ... if self._reader.moves else 0
        if index is ...:
            return np.stack(list(frames))
        return _nth(frames, index)

    def iter(self, *, rotate: bool = False, on_error: Any = "raise") -> Iterator[np.ndarray]:
        """The pictures, one by one; those of a video are decoded as they are asked for."""
        yield from self._reader.frames(rotate=rotate, on_error=on_error)

    def write(
        self, ndimage: npt.ArrayLike | Iterable[npt.ArrayLike], *, is_batch: bool | None = None, **options: Any
    ) -> bytes | None:
        """Write pictures, completely or not at all.

        Parameters
        ----------
        ndimage : array, list or iterator of arrays
            (H, W) gray, (H, W, 3) RGB; (H, W, 4) RGBA for GIF and APNG, CMYK for JPEG (`color="cmyk"`). uint8. One more
            axis in front, a list, or an iterator such as `imiter`: several frames, which a JPEG cannot hold.
        is_batch : bool, optional
            Whether the first axis counts frames. Default: with four axes, or three of which the last is not 1, 3 or 4.
        **options
            For JPEG those of `codec.encode`, for GIF and APNG those of `codec.animate`, for H.264 those of
            `codec.write_video`. `duration`, in milliseconds, stands for `seconds`, and `loop` for `loops`. Videos need
            `fps`.

        Returns
        -------
        bytes or None
            The file if the resource is "<bytes>".

        Raises
        ------
        ParameterError
            Wrong pictures or options, or a second call: a file is written at once. A ValueError too.
        FileError
            An OSError too.
        """
        if self._writer is None:
            raise ParameterError("the file is written already: pass all frames in one call, as a list or an iterator")
        writer, self._writer = self._writer, None
        path = self.request.get_local_filename()
        writer(path, _as_frames(ndimage, is_batch), options)
        return Path(path).read_bytes() if self.request.raw_uri == "<bytes>" else None

    def properties(self, index: Any = None, *, rotate: bool = False) -> ImageProperties:
        """Shape and dtype of what `read` returns; only headers are read, except to count the frames of a video."""
        if index is None:
            index = ... if self._reader.moves else 0
        shape, dtype = self._reader.shape(rotate)
        if index is not ...:
            return ImageProperties(shape=shape, dtype=dtype)
        count = self._reader.count()
        return ImageProperties(shape=(count, *shape), dtype=dtype, n_images=count, is_batch=True)

    def metadata(self, index: Any = None, exclude_applied: bool = True) -> dict[str, Any]:
        """What the file says besides the pixels: of all of it, or of frame `index`.

        JPEG: icc, exif, xmp, iptc (bytes), comments, density, orientation, color, subsampling, process. GIF and
        APNG: frames, loops (0: forever, None: never again), duration (seconds, of all or of one frame). H.264: codec,
        profile, level, fps, size (width, height), rotation (degrees counterclockwise); of a frame its type, key and
        timestamp. Nothing of it is applied by `read` unless asked to.
        """
        return self._reader.metadata(None if index is ... else index)


# ---------------------------------------------------------------- reading


def _source_of(request):
    """A path where there is one, so that long videos are read piece by piece; else the bytes."""
    if isinstance(request.raw_uri, (str, os.PathLike)) and os.path.isfile(request.filename):
        return request.filename
    return read_bytes(request.get_file())


def _head(source):
    if isinstance(source, bytes):
        return source[:16]
    with open(source, "rb") as stream:
        return stream.read(16)


def _reader_of(source):
    head = _head(source)
    if head.startswith(b"\xff\xd8"):
        return _Jpeg(source)
    if head.startswith(gif.SIGNATURES) or (head.startswith(png.SIGNATURE) and apng.count(read_bytes(source))):
        return _Animation(source)
    return _Video(source)


def _nth(frames, index):
    if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
        raise ParameterError(f"index must be an integer or ..., not {index!r}")
    count = 0
    for count, pixels in enumerate(frames, 1):
        if count == index + 1:
            return pixels
    raise ParameterError(f"index {index} is out of bounds: there are {count} pictures, counted from 0")


class _Jpeg:
    """One picture."""

    moves = False

    def __init__(self, source):
        self._data = read_bytes(source)
        self._info = probe(self._data)

    def frames(self, *, rotate, on_error):
        """The picture."""
        yield decode(self._data, upright=rotate, on_error=on_error)

    def count(self):
        """One."""
        return 1

    def shape(self, rotate):
        """(shape, dtype) of the picture."""
        info = self._info
        size = (info.height, info.width)[:: -1 if rotate and info.orientation >= 5 else 1]
        channels = {"gray": (), "cmyk": (4,), "ycck": (4,)}.get(info.color, (3,))
        return (*size, *channels), np.dtype(np.uint8 if info.precision <= 8 else np.uint16)

    def metadata(self, index):
        """See `Plugin.metadata`."""
        _check_index(index, 1)
        info, found = self._info, vars(self._info.metadata)
        kinds = ("icc", "exif", "xmp", "iptc", "comments", "density")
        described = {name: found[name] for name in kinds if found[name]}
        facts = ("orientation", "color", "subsampling", "process")
        return described | {name: getattr(info, name) for name in facts}


class _Animation:
    """Frames of a GIF or APNG, RGB where all are opaque, else RGBA."""

    moves = True

    def __init__(self, source):
        self._found = animation.load(read_bytes(source))
        for message in self._found.warnings:
            warnings.warn(message, UserWarning, stacklevel=4)
        opaque = all(pixels.ndim == 2 or pixels.shape[2] == 3 or pixels[..., 3].min() == 255 for pixels in self._shown)
        self._channels = 3 if opaque else 4

    @property
    def _shown(self):
        return self._found.pictures

    def frames(self, *, rotate, on_error):
        """All frames."""
        for pixels in self._shown:
            yield _with_channels(pixels, self._channels)

    def count(self):
        """How many."""
        return len(self._shown)

    def shape(self, rotate):
        """(shape, dtype) of a frame."""
        return (*self._shown[0].shape[:2], self._channels), np.dtype(np.uint8)

    def metadata(self, index):
        """See `Plugin.metadata`."""
        _check_index(index, self.count())
        seconds = self._found.seconds
        if index is not None:
            return {"duration": float(seconds[index])}
        return {"frames": len(seconds), "loops": self._found.loops, "duration": float(sum(seconds, Fraction(0)))}


class _Video:
    """Frames of an H.264 byte stream or container."""

    moves = True

    def __init__(self, source):
        self._source = source
        self._info = video.probe(source)

    def _decoded(self, on_error="raise"):
        for number, frame in enumerate(video.decode_video(self._source, on_error=on_error)):
            if frame.damage is not None:
                reason = "; ".join(frame.damage.errors) or "it is predicted from missing or damaged frames"
                warnings.warn(f"frame {number} is damaged: {reason}", DamageWarning, stacklevel=4)
            yield frame

    def frames(self, *, rotate, on_error):
        """All frames, in output order."""
        for frame in self._decoded(on_error):
            pixels = frame.to_rgb()
            yield np.rot90(pixels, frame.rotation // 90) if rotate and frame.rotation else pixels

    def count(self):
        """How many; all are decoded."""
        return sum(1 for _ in self._decoded())

    def shape(self, rotate):
        """(shape, dtype) of a frame, by the first parameter set."""
        info = self._info
        size = (info.height, info.width)[:: -1 if rotate and info.rotation % 180 else 1]
        dtype = np.dtype(np.uint8 if info.bit_depth == 8 else np.uint16)
        return (size if info.chroma == "4:0:0" else (*size, 3)), dtype

    def metadata(self, index):
        """See `Plugin.metadata`."""
        info = self._info
        if index is not None:
            frame = _nth(self._decoded(), index)
            return {"type": frame.type, "key": frame.key, "timestamp": frame.timestamp}
        return {
            "codec": "h264",
            "profile": info.profile,
            "level": info.level,
            "fps": None if info.fps is None else float(info.fps),
            "size": (info.width, info.height),
            "rotation": info.rotation,
        }


def _check_index(index, count):
    if index is not None:
        _nth(range(count), index)


def _with_channels(pixels, channels):
    if pixels.ndim == 2:
        pixels = np.dstack([pixels] * 3)
    if channels == 4 and pixels.shape[2] == 3:
        return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return np.ascontiguousarray(pixels[..., :channels])


# ---------------------------------------------------------------- writing


def _as_frames(ndimage, is_batch):
    """One picture as an array, several as a list or iterator of arrays."""
    if isinstance(ndimage, (list, tuple)) or not (isinstance(ndimage, np.ndarray) or hasattr(ndimage, "__array__")):
        return ndimage
    array = np.asarray(ndimage)
    if is_batch is None:
        is_batch = array.ndim > 3 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))
    if is_batch:
        return list(array)
    return array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array


def _writer_of(suffix):
    """``writer(path, frames, options)`` for a suffix."""
    if suffix in JPEG_SUFFIXES:
        return _write_jpeg
    if suffix in ANIMATION_SUFFIXES:
        return lambda path, frames, options: _write_animation(path, frames, ANIMATION_SUFFIXES[suffix], options)
    if suffix in VIDEO_SUFFIXES:
        return _write_video
    named = f"{suffix!r} is not a suffix of them" if suffix else "pass extension="
    raise InitializationError(
        f"the plugin codec writes {', '.join((*JPEG_SUFFIXES, *ANIMATION_SUFFIXES, *VIDEO_SUFFIXES))}: {named}"
    )


def _write_jpeg(path, frames, options):
    if not isinstance(frames, np.ndarray):
        frames = list(frames)
        if len(frames) != 1:
            raise ParameterError(f"a JPEG holds one picture, not {len(frames)}: write them one by one, or a .gif")
        frames = frames[0]
    write_atomic(path, encode(frames, **options))


def _animation_options():
    """Names of the options of `codec.animate`, without those that are set here."""
    names = {name for each in (animation.animate, animate) for name in inspect.signature(each).parameters}
    return sorted(names - {"sources", "frames", "path", "format", "options"})


def _write_animation(path, frames, form, options):
    options = dict(options)
    if "loop" in options:  # the word of imageio's other plugins
        options["loops"] = options.pop("loop")
    if "duration" in options:
        lengths = options.pop("duration")
        each = [Fraction(length) / 1000 for length in np.atleast_1d(lengths).tolist()]
        options["seconds"] = each if np.ndim(lengths) else each[0]
    known = _animation_options()
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise ParameterError(f"unknown option {name!r} for an animation; {hint}")
    animation.animate(frames, path, format=form, **options)


def _write_video(path, frames, options):
    if "fps" not in options:
        raise ParameterError("a video needs fps=, its frames per second")
    write_video(path, [frames] if isinstance(frames, np.ndarray) else frames, **options)
