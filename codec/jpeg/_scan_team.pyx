"""Progressive scans, read side by side: a scan follows those before it that share components, some rows behind.

Each scan reads its own segments, and changes rows of blocks that no scan before it has yet to change. The levels and
the first error are those of scans read one after the other.
"""
from libc.stdlib cimport calloc, free

from codec._core cimport OK
from codec._stop cimport stopped
from codec._team cimport Team, turns_lock, turns_unlock, turns_wait, turns_wake
from codec.jpeg._scan_read cimport PreparedScan, ReadScan, read_mcu_row


cdef enum:
    AT_A_TIME = 1 << 10         # blocks that a thread reads before it looks for others: about 0.1 ms

cdef struct Progress:
    ReadScan *scan
    int component[4]            # of the frame
    Py_ssize_t row              # rows of MCUs that are read
    bint at_work


cdef class ScanTeam(Team):
    cdef Progress *scans        # owned
    cdef Py_ssize_t count       # of scans that count: one that fails is the last
    cdef Py_ssize_t unfinished  # the first scan that is not read completely

    def __dealloc__(self):
        free(self.scans)

    cdef Py_ssize_t readable(self, Py_ssize_t which) noexcept nogil:
        """How many rows of a scan may be read by now."""
        cdef Progress *p = &self.scans[which]
        cdef Progress *before
        cdef Py_ssize_t most = p.scan.mcus_high, done, other
        cdef int i, j
        for other in range(self.unfinished, which):
            before = &self.scans[other]
            for i in range(p.scan.Ns):
                for j in range(before.scan.Ns):
                    if p.component[i] == before.component[j] and before.row < before.scan.mcus_high:
                        done = before.row * before.scan.component[j].V      # rows of blocks
                        most = min(most, done // p.scan.component[i].V)
        return most

    cdef Py_ssize_t choose(self, Py_ssize_t *past) noexcept nogil:
        """The scan to go on with, and the row before which to stop; -1: none for now. The caller holds the lock.

        The last one that can go on: the last scans are the largest, and one thread at a time reads a scan.
        """
        cdef Progress *p
        cdef Py_ssize_t which, some
        for which in range(self.count - 1, self.unfinished - 1, -1):
            p = &self.scans[which]
            if p.at_work or p.row == p.scan.mcus_high:
                continue
            some = 1 + AT_A_TIME // p.scan.mcus_wide
            past[0] = min(p.row + some, p.scan.mcus_high)
            if self.readable(which) >= past[0]:
                return which
        return -1

    cdef void work(self) noexcept nogil:
        cdef Py_ssize_t which, past = 0, my
        cdef Progress *p
        cdef int status
        turns_lock(&self.turns)
        while self.unfinished < self.count:
            which = self.choose(&past)
            if which < 0:
                turns_wait(&self.turns)
                continue
            p = &self.scans[which]
            p.at_work = True
            my, status = p.row, OK
            turns_unlock(&self.turns)
            while my < past and status == OK:
                status = -1 if stopped() else read_mcu_row(p.scan, my, 0)
                my += 1
            turns_lock(&self.turns)
            p.at_work = False
            p.row = my if status == OK else p.scan.mcus_high
            if status:
                self.count = min(self.count, which + 1)
            while self.unfinished < self.count and self.finished(&self.scans[self.unfinished]):
                self.unfinished += 1
            turns_wake(&self.turns)
        turns_unlock(&self.turns)

    cdef bint finished(self, Progress *p) noexcept nogil:
        return p.row == p.scan.mcus_high and not p.at_work


def read_scans(scans, int threads):
    """Read progressive scans, in the order of the file as far as it matters.

    Parameters
    ----------
    scans : list of (PreparedScan, indices of its components in the frame); the scans share planes and masks of those.
        None has a map of lost MCUs
    threads : at least 1

    Returns
    -------
    None, or the `BitstreamError` of the first scan that has one, for the caller to raise
    """
    cdef ScanTeam team = ScanTeam()
    cdef PreparedScan prepared
    cdef Py_ssize_t n = 0
    cdef int i
    team.count = team.parts = len(scans)
    team.scans = <Progress *>calloc(max(1, len(scans)), sizeof(Progress))
    if team.scans == NULL:
        raise MemoryError
    for prepared, indices in scans:
        team.scans[n].scan = prepared.scan
        for i in range(prepared.scan.Ns):
            team.scans[n].component[i] = indices[i]
        n += 1
    team.share(threads)
    for prepared, indices in scans:
        if prepared.error() is not None:
            return prepared.error()
    return None
