"""What the jobs of a run share, and what is done for one of them."""

import os
from functools import partial

from ..errors import CodecError, FileError
from ..formats import pictures
from ..sources.files import PIPE
from . import generation, resume
from .ledger import Known, content_hash, fingerprint, settled_key, stat_key, stat_of
from .rows import Row, read_source, remove_former, row_of
from .turns import Turns

TOLD = ("before", "after", "ratio", "facts")  # what the ledger keeps of a row


class Worker:
    """What the jobs of a run share."""

    def __init__(self, task, call, room, overwrite, dry_run, keep_dates, ledger, in_place):
        self.task, self.call, self.room, self.ledger, self.in_place = task, call, room, ledger, in_place
        self.overwrite, self.dry_run, self.keep_dates = overwrite, dry_run, keep_dates
        self.settings = ledger and fingerprint(task, ledger.version)
        self.turns = Turns(1)

    def load(self):
        """Load what the work on the first files waits for, if it is done in this process."""
        if self.call is self.task:
            getattr(self.task, "load", lambda: None)()

    def begin(self, jobs):
        """Look up what the ledger knows of jobs, which are all there is until the next call."""
        self._sources, self._known, self._unread = resume.sources_of(jobs), {}, None
        if self.ledger is None:
            return
        try:
            self._known = self.ledger.find_all([job.target for job in jobs if job.status is None])
        except CodecError as error:
            self._unread = str(error)

    def without_work(self, job):
        """The row of a job that is known before any work, or that was done before; None for the others."""
        if job.status:
            told = {"error" if job.status == "failed" else "reason": job.reason}
            return Row(job.source, job.target, job.status, **told)
        if self._unread is not None:
            return Row(job.source, job.target, "failed", error=self._unread)
        known = self._known.get(job.target)
        if self.overwrite or not resume.unchanged(job, known, self.settings):
            return None
        return Row(job.source, known.output, "skipped", reason=resume.DONE_BEFORE, **known.row)

    def row(self, job):
        """Do a job, when it is its turn."""
        with self.turns:
            return self._row(job)

    def _row(self, job):
        replaces = job.source == job.target != PIPE
        if self.ledger is None:
            return self._replaced(job) if replaces else self._made(job)
        try:
            seen = resume.look(job, self._known.get(job.target), self.ledger, self.settings, self._sources)
        except CodecError as error:
            return Row(job.source, job.target, "failed", error=str(error))
        if replaces and (self.overwrite or seen.verdict != resume.DONE_BEFORE):  # other content is another original
            return self._replaced(job)
        if seen.verdict and not self.overwrite:
            return Row(job.source, seen.output, "skipped", reason=seen.verdict, **seen.row)
        return self._made(job, seen)

    def _read(self, source):
        with self.turns.lent("read"):
            return read_source(source)

    def _memory(self, data):
        """Wait for memory, and hold it."""
        return self.room.taken(pictures.pixels_of(data) * self.task.bytes_per_pixel)

    def _replaced(self, job):
        """Do a job whose source is its target."""
        try:
            found = os.stat(job.source)
            if found.st_nlink > 1:  # known only now: `recover` takes back the links of killed runs
                return Row(job.source, None, "ignored", reason="has several names (hard links)")
            if self.in_place and self.in_place.holds(job.source):
                return Row(job.source, None, "ignored", reason="the backup of a run")
            data = self._read(job.source)
            with self._memory(data):
                made = self.call(data, job)
                smaller = made.status == "done" and len(made.data) < len(data)
                problem = self.task.verify(data, made) if smaller else None
            if problem:
                raise FileError(f"the new file is not used, and the original stays: {problem}")
            row = _row_in_place(job.source, data, made, smaller)
            told = {name: getattr(row, name) for name in TOLD}
            if self.dry_run:
                return row
            if smaller:
                with self.turns.lent("replace"):
                    self.in_place.replace(job.source, found, data, made, self.settings, told)
            else:
                same, stat = content_hash(data, self.ledger.version), stat_key(found)
                known = Known(self.settings, settled_key(found), same, job.source, stat, same, None, told)
                self.ledger.record(job.source, known, job.source)
            return row
        except OSError as error:
            return Row(job.source, job.target, "failed", error=str(error))
        except (CodecError, MemoryError) as error:
            return Row(job.source, job.target, "failed", error=str(error) or "out of memory")

    def _made(self, job, seen=None):
        read, ours = {}, seen and seen.replaceable

        def work():
            found = stat_of(job.source)
            data = self._read(job.source)
            if seen is not None:
                read.update(stat=found and settled_key(found), hash=content_hash(data, self.ledger.version))
            with self._memory(data):
                return len(data), self.call(data, job)

        def record(row, made):
            told = {name: getattr(row, name) for name in TOLD}
            output_hash = content_hash(made.data, self.ledger.version)

            def before_rename(path):
                complete = stat_of(path)
                if complete is None:
                    raise FileError(f"{os.path.dirname(path)} was moved while {row.output} was written: run again")
                stat, source = stat_key(complete), (read["stat"], read["hash"])
                known = Known(self.settings, *source, row.output, stat, output_hash, seen.content, told)
                self.ledger.record(job.target, known, job.source)

            return before_rename

        row = row_of(
            job.source,
            job.target,
            work,
            keep_as=job.keep_as,
            overwrite=self.overwrite,
            dry_run=self.dry_run,
            keep_dates=self.keep_dates,
            ours=ours,
            top=job.top,
            record=None if seen is None else record,
            writing=partial(self.turns.lent, "write"),
        )
        if ours and seen.removable and not self.dry_run and row.status in ("done", "kept"):
            remove_former(ours, row)
        return row


def _row_in_place(source, data, made, smaller):
    """The row of a result that replaces its source if it is smaller."""
    before, after = len(data), len(made.data) if smaller else len(data)
    status, reason, facts = ("done", made.reason, made.facts) if smaller else ("kept", *_why_kept(made))
    return Row(source, source, status, before, after, round(before / after, 4), made.warnings, None, reason, facts)


def _why_kept(made):
    """(reason, facts) of a source that stays as it is."""
    facts = {name: value for name, value in made.facts.items() if name != "metadata"}
    undone = made.status == "done" and {"dropped", "converted"} & set(made.facts.get("metadata", ()))
    still = ": what was to go or to be converted is still there" if undone else ""
    return (made.reason or generation.NOT_SMALLER) + still, facts
