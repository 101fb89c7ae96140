"""What a task makes of one picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """What a task made of one picture.

    Attributes
    ----------
    data : bytes
    status : str
        "done", or "kept": the source is the better result.
    warnings : tuple of str
    facts : dict
        JSON types, for the row.
    reason : str or None
        Why the source was kept; what a "done" one lost, or why it is not as asked for.
    as_source : bool
        `data` is the source, in its own format: it belongs under `keep_as` of the job.
    doubts : tuple of str
        Those of the warnings that say that the source is damaged.
    """

    data: bytes
    status: str = "done"
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    as_source: bool = False
    doubts: tuple[str, ...] = ()
