"""What was made of which file, so that a run does again only what changed, and goes on after it was killed.

One SQLite file in WAL mode. Each output has one record, which is committed after the output was written under a
temporary name, and before it is renamed: a process killed between the two leaves a record whose output is absent or the
one before. Both are recognized by their hashes. The connection holds SQLite's exclusive lock, so that two runs never
work on one ledger; the lock of a killed process ends with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from blake3 import blake3

from ..errors import CodecError, FileError
from ..limits import Limits
from ..sources import remote
from ..sources.files import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

LEDGER_NAME = ".codec-ledger.sqlite"
VERSION = 3
YOUNG_SECONDS = 2  # a file can change within the resolution of its time, which is up to 2 s (FAT)

# Paths are bytes, relative to the folder of the ledger: that folder can be moved. A stat is "size mtime_ns inode".
TABLES = (
    """
CREATE TABLE files (
    target BLOB PRIMARY KEY, settings BLOB NOT NULL,
    source BLOB NOT NULL, source_stat TEXT, source_hash BLOB NOT NULL,
    output BLOB NOT NULL, output_stat TEXT, output_hash BLOB NOT NULL, replaced_hash BLOB,
    row TEXT NOT NULL
) WITHOUT ROWID
""",
    "CREATE TABLE runs (number INTEGER PRIMARY KEY, run TEXT UNIQUE, backup BLOB, ended TEXT)",
    """
CREATE TABLE replaced (
    run TEXT, path BLOB, backup BLOB, old_hash BLOB NOT NULL, old_stat TEXT NOT NULL, new_hash BLOB NOT NULL,
    PRIMARY KEY (run, path)
) WITHOUT ROWID
""",
)
SELECT = (
    "SELECT target, settings, source_stat, source_hash, output, output_stat, output_hash, replaced_hash, row, source "
    "FROM files"
)
QUERY_VALUES = 500  # in one statement; old versions of SQLite allow 999
# Two runs that make a ledger at the same moment refuse each other, both: each then asks again, at another moment.
TRIES, MOST_SECONDS = 5, 0.05


def new_hash(version: int = VERSION) -> Any:
    """A hash object for contents in ledgers of a version, of 32 bytes: BLAKE3, before that SHA-256 (FIPS 180-4), and
    first BLAKE2b (RFC 7693)."""
    if version == VERSION:
        return blake3()
    import hashlib  # OpenSSL takes 2 ms to load

    return hashlib.sha256(usedforsecurity=False) if version == 2 else hashlib.blake2b(digest_size=32)


def content_hash(data: bytes, version: int = VERSION) -> bytes:
    """The hash of bytes in ledgers of a version."""
    made = new_hash(version)
    made.update(data)
    return made.digest()


def hash_of(path, version=VERSION):
    """`content_hash` of a file in pieces; None if it cannot be read."""
    if remote.is_url(path):
        with contextlib.suppress(CodecError):
            return content_hash(remote.read(path), version)
        return None
    made = new_hash(version)
    try:
        with open(path, "rb", buffering=0) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                made.update(chunk)
    except OSError:
        return None
    return made.digest()


def stat_key(found):
    """What tells quickly that a file is the same: "size mtime_ns inode" of an os.stat_result."""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"


def settled_key(found):
    """`stat_key` of a source; None where the file is so young that a change would not show in it."""
    return None if time.time_ns() - found.st_mtime_ns < YOUNG_SECONDS * 10**9 else stat_key(found)


def stat_of(path):
    """os.stat_result of a path, or None; of a URL what stands for it."""
    if remote.is_url(path):
        return remote.stat(path)
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def fingerprint(task: Any, version: int = VERSION) -> bytes:
    """16 bytes that are the same for tasks that make the same of every file, in ledgers of a version. Limits do not
    count: they only refuse.

    >>> from codec.batch import CompressTask
    >>> from codec.batch.ledger import fingerprint
    >>> fingerprint(CompressTask()) == fingerprint(CompressTask(force=True))
    False
    """
    text = _canonical(task).encode()
    if version == VERSION:
        return content_hash(text)[:16]
    from hashlib import blake2b

    return blake2b(text, digest_size=16).digest()


def _canonical(value):
    """Text that is the same for equal values. Fields that have their defaults are left out, so that a new option with a
    default changes no fingerprint.
    """
    if is_dataclass(value):
        value = {
            type(value).__name__: {each.name: getattr(value, each.name) for each in fields(value) if _set(value, each)}
        }
    if isinstance(value, dict):
        parts = [f"{name}={_canonical(item)}" for name, item in sorted(value.items()) if not isinstance(item, Limits)]
        return f"{{{','.join(parts)}}}"
    if isinstance(value, (tuple, list)):
        return f"({','.join(map(_canonical, value))})"
    if hasattr(value, "tobytes"):
        return f"{value.dtype}{value.shape}{value.tobytes().hex()}"
    return repr(value)


def _set(value, each):
    """Whether a field of a dataclass has another value than its default."""
    if each.default is MISSING:
        return True
    return _canonical(getattr(value, each.name)) != _canonical(each.default)


@lru_cache(maxsize=64)  # of many files
def _relative(folder, start):
    """The path of a folder from another one, "" from itself."""
    try:
        found = os.path.relpath(folder, start)
    except ValueError:  # another drive of Windows
        return folder
    return "" if found == os.curdir else found


def _is_locked(error):
    """Whether an OperationalError says that another connection has the ledger."""
    return "locked" in str(error)


class Known(NamedTuple):
    """What the ledger says of one output.

    Attributes
    ----------
    settings : bytes
        `fingerprint` of the task that made it.
    source_stat : str or None
    source_hash : bytes
    output : str
        Path.
    output_stat : str or None
    output_hash : bytes
    replaced_hash : bytes or None
        Of the output that this one replaced, if that was ours too.
    row : dict
        `status`, `before`, `after`, `reason` and `facts` of the row.
    source : str or None
        Path, as `find` gives it.
    """

    settings: bytes
    source_stat: str | None
    source_hash: bytes
    output: str
    output_stat: str | None
    output_hash: bytes
    replaced_hash: bytes | None
    row: dict
    source: str | None = None


class Ledger:
    """The ledger of a folder, locked until it is closed.

    Parameters
    ----------
    path : str or os.PathLike
        Created, with its folder, if there is none.
    read_only : bool
        Only look, without the lock: also where nothing may be written.

    Attributes
    ----------
    version : int
        Of its format. One of an older version stays so.

    Raises
    ------
    FileError
        If it cannot be opened, another run has it, or it is no ledger.

    Examples
    --------
    >>> import os, tempfile
    >>> from codec.batch import Ledger
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Ledger(os.path.join(folder, "done.sqlite")) as ledger:
    ...         ledger.find(os.path.join(folder, "a.jpg")) is None
    True
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.folder = os.path.dirname(self.path)
        self._below = os.path.join(self.folder, "")
        self._lock = threading.Lock()
        if os.path.isdir(self.path):
            raise FileError(f"the ledger {self.path} is a folder: name a file, such as {LEDGER_NAME} in it")
        try:
            os.makedirs(self.folder, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"cannot create the folder {self.folder}: {error.strerror}; choose another folder"
            ) from error
        with self._said():
            for _ in range(TRIES - 1):
                try:
                    return self._open(read_only)
                except sqlite3.OperationalError as error:
                    if not _is_locked(error):
                        raise
                time.sleep(MOST_SECONDS * (1 + os.urandom(1)[0]) / 256)
            self._open(read_only)

    def _open(self, read_only):
        self._db = self._connected(read_only)
        try:
            self._check_version() if read_only else self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _connected(self, read_only):
        name = self.path
        # Without a log that a killed run left, the file is all there is: SQLite then needs to create nothing beside it.
        if read_only and not os.path.exists(f"{self.path}-wal"):
            from pathlib import Path  # few need it

            name = f"{Path(self.path).as_uri()}?immutable=1"
        return sqlite3.connect(name, timeout=0, isolation_level=None, check_same_thread=False, uri=name != self.path)

    def _prepare(self):
        # Exclusive first: WAL then needs no shared memory, and works on network disks too.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._check_version()  # before anything is written
        self._db.execute("PRAGMA journal_mode = WAL")
        # A power cut may lose the last commits, never the file; a kill loses nothing.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("BEGIN EXCLUSIVE")
        if self._check_version() == 0:
            for table in TABLES:
                self._db.execute(table)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")

    def _check_version(self):
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in range(VERSION + 1):
            raise FileError(
                f"the ledger {self.path} has version {version}, and this codec reads up to {VERSION}: update codec, or "
                "choose another place with ledger=PATH"
            )
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        if tables if version == 0 else not tables >= {"files", "runs", "replaced"}:
            raise FileError(
                f"{self.path} is no ledger, but a database of something else: choose another place with ledger=PATH"
            )
        self.version = version or VERSION
        return version

    @contextlib.contextmanager
    def _said(self):
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if _is_locked(error):
                raise FileError(f"another run is using the ledger {self.path}: wait until it has ended") from error
            closed = [
                path for path in (self.path, self.folder) if os.path.exists(path) and not os.access(path, os.W_OK)
            ]
            if closed:
                raise FileError(
                    f"cannot write the ledger {self.path}: {closed[0]} is read-only; make it writable, or choose "
                    "another folder"
                ) from error
            raise FileError(
                f"cannot use the ledger {self.path}: {error}; free some space, or choose another place with ledger=PATH"
            ) from error
        except sqlite3.DatabaseError as error:
            raise FileError(
                f"{self.path} is damaged, or no ledger ({error}): move it away; a new one knows of no outputs, and "
                "those that exist are skipped. Originals that a run replaced are in its backup folder"
            ) from error

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """All rows of one SQL statement, which is a transaction of its own."""
        with self._lock, self._said():
            return self._db.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def transaction(self):
        """A function like `execute`, whose statements take effect together."""
        with self._lock, self._said():
            self._db.execute("BEGIN")
            try:
                yield lambda statement, *values: self._db.execute(statement, values).fetchall()
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise

    def name(self, path: str) -> bytes:
        """A path as the ledger stores it; a URL as it is."""
        if remote.is_url(path):
            return path.encode()
        path = os.path.abspath(path)
        if path.startswith(self._below):  # the usual case
            return os.fsencode(path[len(self._below) :])
        folder, name = os.path.split(path)
        return os.fsencode(os.path.join(_relative(folder, self.folder), name))

    def path_of(self, name: bytes) -> str:
        """The path that the ledger stored."""
        path = os.fsdecode(name)
        return path if os.path.isabs(path) or remote.is_url(path) else self._below + path

    def find(self, target: str) -> Known | None:
        """What is known of the output that the plan calls `target`, or None.

        Returns
        -------
        Known or None
        """
        return self.find_all([target]).get(target)

    def find_all(self, targets: Sequence[str]) -> dict[str, Known]:
        """What is known of the outputs that the plan calls `targets`; those of which nothing is known are left out.

        Returns
        -------
        dict of target to Known
        """
        named = {target: self.name(target) for target in targets}
        asked, found = list(named.values()), {}
        for begin in range(0, len(asked), QUERY_VALUES):
            some = asked[begin : begin + QUERY_VALUES]
            marks = ",".join("?" * len(some))
            for name, *columns in self.execute(f"{SELECT} WHERE target IN ({marks})", *some):
                found[name] = self._known(*columns)
        return {target: found[name] for target, name in named.items() if name in found}

    def _known(self, settings, source_stat, source_hash, output, output_stat, output_hash, replaced_hash, row, source):
        return Known(
            settings, source_stat, source_hash, self.path_of(output), output_stat, output_hash, replaced_hash,
            json.loads(row), self.path_of(source),
        )  # fmt: skip

    def record(self, target: str, known: Known, source: str) -> None:
        """Store what is known of an output, in place of what was.

        Parameters
        ----------
        target : str
        known : Known
        source : str
            Path, for people who read the ledger.
        """
        self.execute(*self.statement(target, known, source))

    def statement(self, target, known, source):
        """The SQL of `record`, and its values."""
        name = self.name(target)
        return (
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            name,
            known.settings,
            self.name(source),
            known.source_stat,
            known.source_hash,
            name if known.output == target else self.name(known.output),
            known.output_stat,
            known.output_hash,
            known.replaced_hash,
            json.dumps(known.row),
        )

    def refresh(self, target: str, source_stat: str | None, output_stat: str | None) -> None:
        """Store that files whose contents were compared have these stats now."""
        self.execute(
            "UPDATE files SET source_stat = ?, output_stat = ? WHERE target = ?",
            source_stat,
            output_stat,
            self.name(target),
        )

    def forget(self, target: str) -> None:
        """Delete the record of an output."""
        self.execute("DELETE FROM files WHERE target = ?", self.name(target))

    def close(self) -> None:
        """Release the ledger. Nothing is lost without it."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
