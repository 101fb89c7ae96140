"""The file of a sweep: it survives a kill at any moment, and the next sweep resumes from it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import FileError
from .points import Failure, Point, outstanding, read_line, write_errors

if TYPE_CHECKING:
    from typing import Any, TypeVar

    from .._types import Path

    Record = TypeVar("Record", Point, Failure)

ROW_STARTS = b'{"schema": '


class RowFile:
    """Rows and failures as JSON lines (`codec.rd.points` has the schema), appended and flushed line by line.

    The constructor reads the file; ``with`` opens it for writing and repairs it. An unterminated last line, left by a
    killed sweep, is cut off. A malformed line in the middle stays and is reported; a sweep measures the missing row
    again.

    Parameters
    ----------
    path : str or os.PathLike
        Its folder must exist; the file need not.

    Attributes
    ----------
    points : list of Point
        The rows found in the file.
    failures : list of Failure
        Outstanding failures; kept up to date by `append`.
    problems : list of str
        One message per malformed line.
    repaired : str
        What the repair removes; empty if nothing.

    Raises
    ------
    FileError
        If it cannot be read or written, another sweep is writing it, or it holds something other than rows.

    Examples
    --------
    >>> import os, tempfile
    >>> from codec import rd
    >>> def measure(path, quality):
    ...     file = rd.RowFile(path)
    ...     rows = rd.sweep("samples/coffee.png", quality=quality, done=file.points, failed=file.append)
    ...     with file:
    ...         return [file.append(row).setting["quality"] for row in rows]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "rows.jsonl")
    ...     measure(path, (50, 90)), measure(path, (50, 70, 90))
    ([50, 90], [70])
    """

    _stream: Any  # open inside of `with`

    def __init__(self, path: Path) -> None:
        self.path, self.problems, self.repaired, self._stream, records = os.fsdecode(path), [], "", None, []
        self._keep = self._read(records)
        self.points = [record for record in records if isinstance(record, Point)]
        self.failures = outstanding(records)

    def _read(self, records):
        """Fill `records`; return the number of bytes to keep, up to the end of the last complete line."""
        end = 0
        try:
            with open(self.path, "rb") as stream:
                for number, line in enumerate(stream, 1):
                    if not line.endswith(b"\n"):
                        self.repaired = (
                            f"{self.path}:{number}: the last line is incomplete because a sweep was "
                            "interrupted; its row is measured again"
                        )
                        if not records and not ROW_STARTS.startswith(line[: len(ROW_STARTS)]):
                            raise FileError(self._foreign())
                        break
                    end += len(line)
                    try:
                        records.append(read_line(self.path, number, line))
                    except FileError as error:
                        self.problems.append(str(error))
        except FileNotFoundError:
            return 0
        except FileError:
            raise
        except OSError as error:
            raise FileError(f"cannot read {self.path}: {error.strerror or error}; name another file") from error
        if self.problems and not records:
            raise FileError(self._foreign())
        return end

    def _foreign(self):
        return (
            f"{self.path} exists and holds no rows of a sweep; it was not changed: name another file, or move it away"
        )

    def __enter__(self) -> RowFile:
        with write_errors(self.path):
            self._stream = open(self.path, "ab")
            try:
                _lock(self._stream, self.path)
                self._stream.truncate(self._keep)
            except BaseException:
                self._stream.close()
                raise
        return self

    def append(self, record: Record) -> Record:
        """Write a row or a failure, and return it. A failure already recorded for the same reason is not repeated."""
        if isinstance(record, Failure) and record in self.failures:
            return record
        self.failures = outstanding([*self.failures, record])
        with write_errors(self.path):
            self._stream.write(record.line().encode("ascii") + b"\n")
            self._stream.flush()
        return record

    def __exit__(self, *exception: object) -> None:
        with write_errors(self.path):
            self._stream.close()


def _lock(stream, path):
    """Lock out other sweeps, where the system supports it; the lock ends with the process."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise FileError(f"{path} is being written by another sweep: wait for it, or name another file") from error
    except OSError:  # a file system without locks
        return
