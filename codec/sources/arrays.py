"""Named arrays from files: .npy, .npz, and the initializers of .onnx."""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CodecError, FileError, LimitError, MissingPackageError, ParameterError
from ..limits import checked_limits

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..limits import Limits

# What NumPy and zipfile raise for damaged files.
MALFORMED = (ValueError, EOFError, LookupError, RuntimeError, zipfile.BadZipFile, zlib.error)
SUFFIXES = (".npy", ".npz", ".onnx")


def suffix_of(path: str | os.PathLike[str]) -> str:
    """The suffix of a file name in lower case, with its dot."""
    return os.path.splitext(os.fsdecode(path))[1].lower()


def named_arrays(path: str | os.PathLike[str], limits: Limits | None = None) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file by name.

    Parameters
    ----------
    path : str or os.PathLike
        .npy: one array, named by the file, memory-mapped. .npz: its arrays. .onnx: the initializers of the graph with
        their data inside the file or beside it, through the onnx package.
    limits : codec.Limits, optional
        `file_bytes` bounds what an .npz unpacks to.

    Raises
    ------
    FileError
        If the file cannot be read, or is none of these.
    ParameterError
        For another suffix.
    LimitError
        If an .npz unpacks to more than the limit.
    MissingPackageError
        For .onnx without the onnx package.
    """
    name, suffix = os.fsdecode(path), suffix_of(path)
    if suffix not in SUFFIXES:
        raise ParameterError(f"{name}: arrays are read from {', '.join(SUFFIXES)}")
    try:
        if suffix == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            return {os.path.splitext(os.path.basename(name))[0]: array}
        return _initializers(path) if suffix == ".onnx" else _members(path, limits)
    except CodecError:
        raise
    except OSError as error:
        raise FileError(f"cannot read {name}: {error.strerror or error}") from error
    except MALFORMED as error:
        what = "" if "pickle" in str(error) else f": {error}"  # NumPy takes anything without its signature for a pickle
        raise FileError(f"{name} is no file of numeric arrays ({suffix}){what}") from error


def _members(path, limits):
    most = checked_limits(limits).file_bytes
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > most:
        raise LimitError(
            f"{os.fsdecode(path)} unpacks to {unpacked} bytes, more than {most}; "
            "raise Limits.file_bytes if you trust it"
        )
    with np.load(path, allow_pickle=False) as members:
        found = {name: members[name] for name in members.files}
    strange = [name for name, array in found.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise FileError(f"{os.fsdecode(path)}: the member {strange[0]!r} is no array")
    return found


def _initializers(path):
    try:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingPackageError("reading .onnx needs the onnx package: pip install onnx") from error
    try:
        model = onnx.load(os.fspath(path))
    except DecodeError as error:
        raise FileError(f"{os.fsdecode(path)} is no ONNX model: {error}") from error
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
