"""Files behind URLs, through fsspec (extra `remote`): s3://, gs://, https://, zip://INNER::ARCHIVE, ...

A URL is a scheme of two letters or more and "://"; what follows "::" is where the first file system finds its own files
(fsspec's chained URLs). Writing an object is one call, after which it is there as a whole.
"""

import contextlib
import os
import re
import sys
from functools import lru_cache
from threading import get_ident
from typing import NamedTuple

from ..errors import CodecError, FileError, LimitError, MissingPackageError, TruncatedError
from ..limits import checked_limits
from .files import CHUNK_BYTES

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
CHAIN = "::"
READ_ONLY = ("zip", "tar", "http", "https", "github")  # an archive would be written anew for each file
PACKED = {(".tgz",): "gzip", (".tbz", ".tbz2"): "bz2", (".txz",): "xz"}  # short names of tar archives; not fsspec's
# What file systems raise besides OSError, by module: these are loaded only where they are in use.
FOREIGN = {
    "botocore.exceptions": "BotoCoreError",
    "aiohttp": "ClientError",
    "gcsfs.retry": "HttpError",
    "zipfile": "BadZipFile",
    "tarfile": "TarError",
    "zlib": "error",
}


class Stat(NamedTuple):
    """What tells that an object is the same, under the names of os.stat_result."""

    st_size: int
    st_mtime_ns: int
    st_ino: str


def is_url(path):
    """Whether a path is a URL.

    >>> from codec.sources.remote import is_url
    >>> is_url("s3://bucket/a.png"), is_url("zip://a.png::b.zip"), is_url("c://a.png"), is_url("in/a.png")
    (True, True, False, False)
    """
    return isinstance(path, str) and "://" in path and URL.match(path) is not None


def split(url):
    """(folder, name) of a URL; the folder keeps its chain.

    >>> from codec.sources.remote import split
    >>> split("s3://bucket/in/a.png"), split("zip://in/a.png::b.zip")
    (('s3://bucket/in', 'a.png'), ('zip://in::b.zip', 'a.png'))
    """
    first, chain, rest = url.partition(CHAIN)
    at = max(first.rfind("/") + 1, URL.match(first).end())
    folder = first[:at] if at == URL.match(first).end() else first[: at - 1]
    return folder + chain + rest, first[at:]


def join(url, *inner):
    """The URL of a path below one.

    >>> from codec.sources.remote import join
    >>> join("s3://bucket/in/", "a.png"), join("zip://::b.zip", "in", "a.png")
    ('s3://bucket/in/a.png', 'zip://in/a.png::b.zip')
    """
    first, chain, rest = url.partition(CHAIN)
    start = first if first.endswith("/") else first + "/"
    return start + "/".join(part.replace(os.sep, "/") for part in inner if part) + chain + rest


@contextlib.contextmanager
def _said(verb, url):
    """Errors of fsspec and its file systems as ours."""
    try:
        yield
    except CodecError:
        raise
    except ImportError as error:
        raise MissingPackageError(f"cannot {verb} {url}: {error}; install that package beside codec[remote]") from error
    except FileNotFoundError as error:
        raise FileError(f"cannot {verb} {url}: there is nothing of this name; check the URL") from error
    except (OSError, ValueError, KeyError, NotImplementedError, *_foreign()) as error:
        raise FileError(f"cannot {verb} {url}: {error or type(error).__name__}") from error


def _foreign():
    return tuple(getattr(sys.modules[module], name) for module, name in FOREIGN.items() if module in sys.modules)


def _opened(url):
    """(file system, path in it)."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingPackageError(f"{url} needs fsspec: pip install 'codec[remote]'") from error
    first, chain, rest = url.partition(CHAIN)
    try:
        if not chain:
            return url_to_fs(url)
        changed = os.stat(rest).st_mtime_ns if os.path.isfile(rest) else stat(rest) if is_url(rest) else None
        system = _chained(URL.match(first)[0] + chain + rest, changed, get_ident())
    except (TypeError, AttributeError) as error:
        raise FileError(f"{url}: this kind of URL does not say all that its file system must know") from error
    return system, system._strip_protocol(first)


@lru_cache(32)
def _chained(url, changed, thread):
    """A file system inside of another one: reading the index of an archive for each of its files would take long. One
    for each thread: the members of a tar share the position in its file.
    """
    from fsspec.core import url_to_fs

    outer = url.rpartition(CHAIN)[2]
    packed = next((name for suffixes, name in PACKED.items() if outer.lower().endswith(suffixes)), None)
    system = url_to_fs(url, **({"tar": {"compression": packed}} if packed and url.startswith("tar:") else {}))[0]
    system.clear_instance_cache()  # fsspec would find it again when the archive has changed
    return system


def read(url, limits=None):
    """All bytes of a URL.

    Raises
    ------
    FileError, LimitError, TruncatedError, MissingPackageError
        As `codec.sources.files.read_bytes`.
    """
    limits = checked_limits(limits)
    with _said("read", url):
        system, path = _opened(url)
        with system.open(path, "rb") as stream:
            parts, size = [], 0
            while part := stream.read(CHUNK_BYTES):
                parts.append(part)
                size += len(part)
                if size > limits.file_bytes:
                    most = limits.file_bytes
                    raise LimitError(f"{url} is longer than {most} bytes; raise Limits.file_bytes if you trust it")
    if not size:
        raise TruncatedError(f"{url} is empty")
    return b"".join(parts)


def head(url, count):
    """The first bytes."""
    with _said("read", url):
        system, path = _opened(url)
        with system.open(path, "rb") as stream:
            return stream.read(count)


def is_only_read(url):
    """Whether nothing is written to this kind of URL."""
    return URL.match(url)[0][:-3] in READ_ONLY


def write(url, data):
    """An object with these bytes, in place of what was there.

    Raises
    ------
    FileError, MissingPackageError
    """
    if is_only_read(url):
        raise FileError(f"cannot write {url}: this kind of URL is only read; write to a folder or a bucket")
    with _said("write", url):
        system, path = _opened(url)
        if not {"s3", "gs", "gcs", "abfs", "az", "memory"} & set(_protocols(system)):  # stores have no folders
            system.makedirs(system._parent(path), exist_ok=True)
        system.pipe_file(path, bytes(data))


def _protocols(system):
    return (system.protocol,) if isinstance(system.protocol, str) else system.protocol


def stat(url):
    """`Stat` of a URL, or None if there is none. An object without a time has 0, and what else it tells of itself."""
    try:
        with _said("read", url):
            system, path = _opened(url)
            info = system.info(path)
    except FileError:
        return None
    if info.get("type") != "file":
        return None
    tag = str(info.get("ETag") or info.get("etag") or info.get("md5Hash") or info.get("CRC") or "0").strip('"')
    return Stat(int(info.get("size") or 0), _time_ns(info), tag.replace(" ", ""))


def _time_ns(info):
    found = info.get("LastModified") or info.get("mtime") or info.get("updated") or info.get("created") or 0
    if isinstance(found, (int, float)):
        return int(found * 10**9)
    return int(found.timestamp() * 10**9) if hasattr(found, "timestamp") else 0


def is_folder(url):
    """Whether there is something below a URL; not asked of a web server, which has no folders."""
    if URL.match(url)[0] in ("http://", "https://"):
        return False
    with _said("read", url):
        system, path = _opened(url)
        return system.isdir(path)


def listed(url):
    """Relative paths of all files below a URL, sorted.

    Raises
    ------
    FileError, MissingPackageError
    """
    with _said("list", url):
        system, path = _opened(url)
        root = path.rstrip("/")
        return sorted(found[len(root) :].lstrip("/") for found in system.find(path))
