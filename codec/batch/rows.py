"""What happened to one file, and how the row of one output is made."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ..errors import CodecError, FileError
from ..sources import folders, remote
from ..sources.files import PIPE, is_own_link, read_bytes, read_stdin, write_atomic, write_stdout

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .result import Result

THERE = "the output exists already"


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to one file.

    Attributes
    ----------
    input : str
    output : str or None
        Where the result is; None if there is none, and never will be.
    status : str
        "done"; "kept": the source is the better result and was copied; "skipped": the output exists; "ignored": left
        out by a rule, such as hidden files; "failed".
    before, after : int or None
        Bytes.
    ratio : float or None
        before / after: more is smaller.
    warnings : tuple of str
    error : str or None
        Why it failed.
    reason : str or None
        Why it was kept, skipped or ignored; of a "done" one, what it lost, or why it is not as asked for.
    facts : dict
        What the task tells about it; JSON types.
    """

    input: str
    output: str | None
    status: str
    before: int | None = None
    after: int | None = None
    ratio: float | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    reason: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A flat dict of JSON types."""
        return {name: getattr(self, name) for name in NAMES} | {"warnings": list(self.warnings)} | self.facts


NAMES = tuple(each.name for each in fields(Row) if each.name != "facts")


def row_of(
    source: str,
    target: str,
    work: Callable[[], tuple[int, Result]],
    *,
    keep_as: str | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    keep_dates: bool = False,
    ours: str | None = None,
    top: str | None = None,
    record: Callable[[Row, Result], Callable[[str], object]] | None = None,
    writing: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Row:
    """The row of one output, whatever it is made of.

    Parameters
    ----------
    source, target : str
        For the row. The target is written.
    work : callable
        ``work() -> (bytes before, Result)``; not called if the target exists and may not be replaced.
    keep_as : str, optional
        Written in place of the target if the result is the source.
    overwrite, dry_run, keep_dates : bool
        As for `run`.
    ours : str, optional
        A path that may be replaced in any case.
    top : str, optional
        The folder below which the output is, and no symbolic link to a folder is followed.
    record : callable, optional
        ``record(row, Result)`` gives the `before_rename` of `write_atomic`.
    writing : callable, optional
        Gives the context in which the output is written.

    Returns
    -------
    Row
    """
    there = None if overwrite else skipped(source, target, keep_as, ours)
    if there:
        return there
    try:
        before, made = work()
        path = keep_as if made.as_source and keep_as is not None else target
        after, warnings = len(made.data), tuple(made.warnings)
        ratio = round(before / after, 4)
        row = Row(source, path, made.status, before, after, ratio, warnings, None, made.reason, made.facts)
        if dry_run:
            return row
        before_rename = record(row, made) if record else None
        if made.as_source and not os.path.islink(path) and _is_same_file(source, path):
            if before_rename:
                before_rename(path)
            return row
        if made.as_source and (_is_file(path) or os.path.lexists(path)) and not overwrite and not _is(path, ours):
            raise FileError(f"it is kept as it is, and {path} exists and holds something else")
        with writing():
            write_target(path, made.data, source, keep_dates, before_rename, top)
    except (CodecError, MemoryError) as error:
        return Row(source, target, "failed", error=str(error) or "out of memory")
    return row


def _is(path, other):
    return other is not None and os.path.abspath(path) == os.path.abspath(other)


def remove_former(output, row):
    """Delete an output of ours whose successor has another name: a copy of the source, which is smaller now."""
    if not _is(row.output, output) and not _is_same_file(row.input, output):
        with contextlib.suppress(OSError):
            os.unlink(output)


def skipped(source, target, keep_as, ours):
    """The row of an output that exists and is not `ours`, or None."""
    there = _there(source, target, keep_as, ours)
    if there is None:
        return None
    old = _is_older(there, source)
    warnings = ("the output that exists is older than its source",) if old else ()
    return Row(source, there, "skipped", warnings=warnings, reason=THERE)


def _there(source, target, keep_as, ours):
    """The path of an output that exists and is not `ours`, or None."""
    if target == PIPE:
        return None
    if (_is_file(target) or is_own_link(target)) and not _is(target, ours):
        return target
    if keep_as is None or _is(keep_as, ours):
        return None
    try:
        if not _is_file(keep_as) or _is_same_file(source, keep_as):
            return None
        if remote.is_url(source) or remote.is_url(keep_as):
            return keep_as if read_source(source) == read_source(keep_as) else None
        import filecmp  # few need it

        return keep_as if filecmp.cmp(source, keep_as, shallow=False) else None
    except (CodecError, OSError):
        return None  # reading the source tells


def _is_file(path):
    return remote.stat(path) is not None if remote.is_url(path) else os.path.isfile(path)


def _is_same_file(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _is_older(output, source):
    try:
        return source != PIPE and os.stat(output).st_mtime_ns < os.stat(source).st_mtime_ns
    except OSError:
        return False


def read_source(source):
    """Bytes of a path or URL, or of stdin for "-"."""
    if remote.is_url(source):
        return remote.read(source)
    return read_stdin() if source == PIPE else read_bytes(source)


def write_target(target, data, source=PIPE, keep_dates=False, before_rename=None, top=None):
    """Bytes made of a source to a path (a link is replaced, its folder created), to a URL, or to stdout for "-".

    `before_rename` is called for a URL when the object is there: stores have no rename. `top` as for `row_of`.
    """
    if target == PIPE:
        write_stdout(data)
        return
    if remote.is_url(target):
        remote.write(target, data)
        if before_rename is not None:
            before_rename(target)
        return
    try:
        like = None if source == PIPE else os.stat(source)
    except OSError:  # several frames, or gone
        like = None
    keep_dates = keep_dates and like is not None
    options = {"keep_dates": keep_dates, "before_rename": before_rename, "synced": False, "follow": False}
    with folders.opened(os.path.dirname(target), top) as folder:
        write_atomic(target, data, like=like, folder=folder, **options)
