"""Ctrl-C, SIGTERM and SIGHUP end a command at once, whatever it computes, and leave no temporary file."""

import contextlib
import os
import signal
import sys
import threading
import time

from ._common import say

GRACE_SECONDS = 0.4
MESSAGE = "interrupted; finished files are complete, the others were not written"
GOES_ON = ": the same command goes on with them"
WITHOUT_OVERWRITE = ": the same command without --overwrite goes on with them"
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A signal asks the command to end."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Ending:
    """While it is entered, a signal of `SIGNALS` ends the process with exit code 128 + its number.

    Python runs signal handlers in the main thread, between two steps of Python code: it waits for a kernel that runs
    there, and then for the threads that the unwinding joins. Therefore a thread, which the interpreter wakes when the
    signal arrives (`signal.set_wakeup_fd`), ends the process if the unwinding takes longer than `GRACE_SECONDS`. It
    runs, since kernels release the GIL. Where the work has ended in this time, what is said of it may take longer
    (`is_unwound`), until another signal comes. Signals that were ignored when the process began stay ignored (nohup).
    `remedy` is the end of the message, where there is a way on.
    """

    def __init__(self):
        self.number, self.said, self.is_unwound, self.remedy = None, False, False, ""

    def __enter__(self):
        self._woken, wakes = os.pipe()
        if os.name == "posix":  # as it must be there
            os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                signal.signal(number, self._handle)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind, error, traceback):
        if self.number is not None:
            self._end()

    def _handle(self, number, frame):
        if self.number is None:
            self.number = number
            raise Stopped(number)

    def _watch(self):
        while True:
            arrived = [number for number in os.read(self._woken, 64) if number in SIGNALS]
            if arrived and signal.getsignal(arrived[0]) == self._handle:
                break
        time.sleep(GRACE_SECONDS)
        if self.is_unwound:
            os.read(self._woken, 64)
        self.number = self.number or arrived[0]
        self._end()

    def say(self):
        """The message of an interruption, once."""
        if not self.said:
            self.said = True
            say(MESSAGE + self.remedy)

    def _end(self):
        files = sys.modules.get("codec.sources.files")  # an import could wait for the main thread
        if files:
            files.remove_unfinished()
        # Not through sys.stderr: a thread that does not end may hold its lock. Progress bars hide the cursor.
        with contextlib.suppress(OSError):
            shown = b"\x1b[?25h\r" if os.isatty(2) else b""
            os.write(2, shown + (b"" if self.said else f"codec: {MESSAGE}{self.remedy}\n".encode()))
        os._exit(128 + self.number)
