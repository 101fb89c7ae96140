"""What a run finds of earlier runs: done before, ours to make again, or somebody else's."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .ledger import hash_of, settled_key, stat_key, stat_of

DONE_BEFORE = "done before"
CHANGED = "the output was changed after it was made"


class Seen(NamedTuple):
    """What was found of an output.

    Attributes
    ----------
    output : str or None
        Its path.
    ours : bool
        It was made of the same source, and may be replaced. What was made of another one, or is an original itself, may
        be all that there is.
    content : bytes or None
        The hash of what is there.
    verdict : str or None
        `DONE_BEFORE` or `CHANGED`: nothing is to be done. None: the output is to be made.
    row : dict
        What the ledger tells about an output that was done before.
    """

    output: str | None = None
    ours: bool = False
    content: bytes | None = None
    verdict: str | None = None
    row: Mapping = MappingProxyType({})

    @property
    def replaceable(self):
        """The path of an output that may be replaced, or None."""
        return self.output if self.ours else None

    @property
    def removable(self):
        """The path of an output that is still what a run made, or None."""
        return self.replaceable if self.verdict != CHANGED else None


def unchanged(job, known, settings):
    """Whether source, settings and output of a job are as recorded, by size, time and inode.

    Parameters
    ----------
    job : Job
    known : Known or None
        What the ledger says of its output.
    settings : bytes
        `fingerprint` of the task.
    """
    if known is None or known.settings != settings or known.source_stat is None:
        return False
    source, there = stat_of(job.source), stat_of(known.output)
    return bool(source and there and (stat_key(source), stat_key(there)) == (known.source_stat, known.output_stat))


def look(job, known, ledger, settings, sources=frozenset()):
    """Compare what the ledger knows of a job's output with the files that are there.

    Files whose size, time and inode are as recorded are not read; of others the content decides.

    Parameters
    ----------
    job : Job
    known : Known or None
        What the ledger says of its output.
    ledger : Ledger
    settings : bytes
        `fingerprint` of the task.
    sources : set of str
        `sources_of` the jobs planned together. An output of one of them that has another name now may be replaced too.

    Returns
    -------
    Seen

    Raises
    ------
    FileError
        If the ledger cannot be written.
    """
    there = known and stat_of(known.output)
    if not there:
        return Seen()
    if os.path.islink(known.output):
        return Seen(known.output, verdict=CHANGED)
    content = known.output_hash if stat_key(there) == known.output_stat else hash_of(known.output, ledger.version)
    ours = os.path.realpath(job.source) == os.path.realpath(known.source)
    if known.output != known.source:
        ours = ours or os.path.abspath(known.source) in sources
    if content not in (known.output_hash, known.replaced_hash):
        return Seen(known.output, ours, content, CHANGED)
    source = stat_of(job.source)
    if content != known.output_hash or known.settings != settings or source is None:
        return Seen(known.output, ours, content)
    if stat_key(source) != known.source_stat and hash_of(job.source, ledger.version) != known.source_hash:
        return Seen(known.output, ours, content)
    stats = settled_key(source), stat_key(there)
    if stats != (known.source_stat, known.output_stat):
        ledger.refresh(job.target, *stats)
    return Seen(known.output, ours, content, DONE_BEFORE, known.row)


def sources_of(jobs):
    """The paths of the sources that a run makes outputs of."""
    return frozenset(os.path.abspath(job.source) for job in jobs if not job.status)
