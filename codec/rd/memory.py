"""How much memory one call takes, where the system tells (Linux)."""

import ctypes
import re


def peak_memory(function):
    """Bytes by which the call raised the resident memory of this process at its highest; None where that cannot be known.

    Meaningful while nothing else runs in the process. Free memory that the allocator holds is given back first, since reusing it would not
    count; the pages then come back one by one, which costs time: a call that is timed must be another one.
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
    """Let the high-water mark start from what is resident now (Linux, proc_pid_clear_refs(5))."""
    with open("/proc/self/clear_refs", "w") as stream:
        stream.write("5")
    return _status("VmRSS")


def _status(name):
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        return 1024 * int(re.search(rf"^{name}:\s*(\d+) kB", stream.read(), re.MULTILINE)[1])
