"""Peak memory of one call (Linux)."""

import ctypes
import re


def peak_memory(function):
    """Peak increase of the resident memory of this process during the call, in bytes; None if the system does not
    report it.

    Valid only while nothing else runs in the process. The allocator returns its free memory first, since reuse would
    not be counted. Faulting the pages back in takes time, so do not time the same call.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass
    try:
        before = _reset()
    except (OSError, TypeError):  # no such file, not allowed, or no such line in it
        return None
    function()
    return max(0, _status("VmHWM") - before)


def _reset():
    """Reset the high-water mark to the current resident size (proc_pid_clear_refs(5)); return that size."""
    with open("/proc/self/clear_refs", "w") as stream:
        stream.write("5")
    return _status("VmRSS")


def _status(name):
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        return 1024 * int(re.search(rf"^{name}:\s*(\d+) kB", stream.read(), re.MULTILINE)[1])
