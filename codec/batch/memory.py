"""Memory that jobs share, so that many large pictures at once do not take more than the machine has."""

import contextlib
import os
import threading

SHARE = 0.5  # of the available memory, for all jobs together
UNKNOWN = 4 << 30  # available bytes, where the system does not say


class Room:
    """Bytes that jobs may take together. A job that wants more than there are runs alone.

    >>> from codec.batch.memory import Room
    >>> room = Room(100)
    >>> with room.taken(60):
    ...     room.left
    40
    """

    def __init__(self, size: int) -> None:
        self.size = self.left = size
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, need: int):
        """Wait until `need` bytes are left, and hold them."""
        held = min(need, self.size)
        with self._changed:
            self._changed.wait_for(lambda: self.left >= held)
            self.left -= held
        try:
            yield
        finally:
            with self._changed:
                self.left += held
                self._changed.notify_all()


def available() -> int:
    """Bytes that this process may still take: what the system says is available, and the limit of its control group."""
    found = [_meminfo(), _group()]
    return min((size for size in found if size is not None), default=UNKNOWN)


def room() -> Room:
    """The room of a run that begins now."""
    return Room(int(SHARE * available()))


def _meminfo():
    """MemAvailable of Linux (proc(5)), or the physical memory."""
    with contextlib.suppress(OSError, ValueError, LookupError):
        with open("/proc/meminfo", encoding="utf-8") as lines:
            sizes = dict(line.split(":") for line in lines)
        return int(sizes["MemAvailable"].split()[0]) << 10
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _group():
    """What the control group (version 2) leaves, in containers; None without a limit."""
    sizes = []
    for name in ("memory.max", "memory.current"):
        with contextlib.suppress(OSError, ValueError), open(f"/sys/fs/cgroup/{name}", encoding="utf-8") as file:
            sizes.append(int(file.read()))
    return max(sizes[0] - sizes[1], 0) if len(sizes) == 2 else None
