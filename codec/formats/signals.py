"""Files of numbers for quantizers: arrays (.npy, .npz, .onnx), pictures, sound (through the soundfile package); and WAV
files of 16-bit samples and of G.711 codes.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FileError, LimitError, MissingPackageError, ParameterError, UnsupportedError
from ..limits import checked_limits
from ..sources import arrays
from . import pictures

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..limits import Limits

SOUND_SUFFIXES = (".wav", ".flac", ".aif", ".aiff", ".au", ".caf", ".ogg")
SUFFIXES = (*arrays.SUFFIXES, *pictures.READABLE_SUFFIXES, *SOUND_SUFFIXES)
# Subtype of soundfile -> (dtype to read, bits to shift it down by, its name in reports)
SOUND = {
    "PCM_U8": ("int16", 8, "8-bit PCM"),
    "PCM_S8": ("int16", 8, "8-bit PCM"),
    "PCM_16": ("int16", 0, "16-bit PCM"),
    "PCM_24": ("int32", 8, "24-bit PCM"),
    "PCM_32": ("int32", 0, "32-bit PCM"),
    "FLOAT": ("float32", 0, "32-bit float"),
    "DOUBLE": ("float64", 0, "64-bit float"),
    "ULAW": ("int16", 0, "G.711 mu-law"),
    "ALAW": ("int16", 0, "G.711 A-law"),
}
# Format tags of WAVE: RFC 2361.
PCM, ALAW, MULAW = 1, 6, 7


@dataclass(frozen=True)
class Signal:
    """Numbers from a file.

    Attributes
    ----------
    values : ndarray
        As stored: uint8 or uint16 samples of a picture (H, W[, channels]); integers of PCM at their own width,
        (frames,) or (frames, channels); arrays unchanged.
    kind : str
        "array", "image" or "audio".
    name : str
        The file, and the array in it.
    format : str
        What the file holds.
    sample_rate : int or None
        Of sound, in Hz.
    warnings : tuple of str
        What was converted or guessed in reading.
    """

    values: npt.NDArray[Any]
    kind: str
    name: str
    format: str
    sample_rate: int | None = None
    warnings: tuple[str, ...] = ()


def load(path: str | os.PathLike[str], *, array: str | None = None, limits: Limits | None = None) -> Signal:
    """Read numbers from a file, by its suffix.

    Parameters
    ----------
    path : str or os.PathLike
    array : str, optional
        Which array of an .npz or .onnx file; needed if there are several.
    limits : codec.Limits, optional

    Raises
    ------
    FileError
        If the file cannot be read.
    UnsupportedError
        For pictures of 16 bits that could be read with 8 only: all but gray ones and usual PNG files in colour.
    ParameterError
        For another suffix, and for an array that is not there or not named.
    MissingPackageError
        For sound without the soundfile package, and for .onnx without onnx.
    LimitError
        For files that exceed the limits.
    """
    name, suffix = os.fsdecode(path), arrays.suffix_of(path)
    if array is not None and suffix not in arrays.SUFFIXES:
        raise ParameterError(f"{name}: only {', '.join(arrays.SUFFIXES)} hold named arrays, so that none can be chosen")
    if suffix in arrays.SUFFIXES:
        members = arrays.named_arrays(path, limits)
        if array is None and len(members) == 1:
            (array,) = members
        if array not in members:
            which = "holds no arrays" if not members else f"holds the arrays {', '.join(members)}"
            raise ParameterError(f"{name} {which}{f', but no {array!r}' if array else ''}: choose one of them")
        values = members[array]
        return Signal(values, "array", f"{name}:{array}", f"{suffix[1:]} array of {values.dtype}")
    if suffix in SOUND_SUFFIXES:
        return _sound(path, limits)
    if suffix in pictures.READABLE_SUFFIXES:
        picture = pictures.load(path, limits=limits, deep=True)
        if pictures.REDUCED in picture.warnings:
            raise UnsupportedError(f"{name} has samples of 16 bits, of which 8 would be read: save its samples as .npy")
        return Signal(picture.pixels, "image", name, picture.format, warnings=tuple(picture.warnings))
    raise ParameterError(f"{name}: data is read from {', '.join(SUFFIXES)}")


def _sound(path, limits):
    try:
        import soundfile
    except ImportError as error:
        raise MissingPackageError("reading sound needs the soundfile package: pip install codec[audio]") from error
    name = os.fsdecode(path)
    try:
        with soundfile.SoundFile(name) as sound:
            dtype, shift, what = SOUND.get(sound.subtype, ("float32", 0, sound.subtype))
            size = sound.frames * sound.channels * np.dtype(dtype).itemsize
            most = checked_limits(limits).file_bytes
            if size > most:
                raise LimitError(
                    f"{name} decodes to {size} bytes, more than {most}; raise Limits.file_bytes if you trust it"
                )
            values = sound.read(dtype=dtype)
            rate, frames, channels = sound.samplerate, sound.frames, sound.channels
    except (soundfile.LibsndfileError, OSError) as error:
        raise FileError(f"cannot read {name}: {error}") from error
    warnings = []
    if len(values) < frames:
        warnings.append(f"the header says {frames} frames, the file holds {len(values)}")
    if channels > 1:
        warnings.append(f"{channels} channels are quantized with one scale")
    if sound.subtype not in SOUND:
        warnings.append(f"{sound.subtype} was decoded to 32-bit float")
    return Signal(values >> shift if shift else values, "audio", name, what, rate, tuple(warnings))


def wav(samples: npt.NDArray[Any], sample_rate: int, law: str | None = None) -> bytes:
    """A WAV file.

    Parameters
    ----------
    samples : (frames,) or (frames, channels) array
        int16 samples, or uint8 codes of G.711.
    sample_rate : int
        In Hz, 1 to 2^32 - 1.
    law : None, "mu" or "a"
        What the codes are.

    Raises
    ------
    ParameterError
        For another dtype, shape or rate, and for more than 4 GiB.
    """
    tag, dtype = {None: (PCM, np.int16), "mu": (MULAW, np.uint8), "a": (ALAW, np.uint8)}[law]
    if samples.dtype != dtype or samples.ndim not in (1, 2) or not samples.size:
        raise ParameterError(
            f"a WAV file takes (frames,) or (frames, channels) {np.dtype(dtype)}, not {samples.dtype} {samples.shape}"
        )
    channels = samples.shape[1] if samples.ndim == 2 else 1
    width = samples.dtype.itemsize
    if not 0 < sample_rate < 2**32 or channels > 65535 // width:
        raise ParameterError(f"a WAV file cannot hold {channels} channels at {sample_rate} Hz")
    data = np.ascontiguousarray(samples, np.dtype(dtype).newbyteorder("<")).tobytes()
    if len(data) > 2**32 - 64:
        raise ParameterError(f"a WAV file holds less than 4 GiB; the samples take {len(data)} bytes")
    frame = channels * width
    header = struct.pack("<HHIIHH", tag, channels, sample_rate, min(sample_rate * frame, 2**32 - 1), frame, 8 * width)
    if law:  # other formats than PCM have the size of an extension, and the number of frames
        header += struct.pack("<H", 0)
    chunks = _chunk(b"fmt ", header)
    if law:
        chunks += _chunk(b"fact", struct.pack("<I", len(samples)))
    chunks += _chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
