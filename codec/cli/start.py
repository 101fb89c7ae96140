"""The process of the command `codec`, which is ours from its first line to its end."""

import gc
import os
import sys

GARBAGE = 50_000  # objects between searches for it; modules are none, and with Python's 700 loading them is searching
# How long a thread that comes out of a kernel waits for one that runs Python, such as the one that loads the encoder.
# Python's 5 ms are the time of two pictures.
SWITCH_SECONDS = 0.0005


def command():
    """Entry point of the command `codec`: `main`, and then the end of the process at once. All that must be in files
    is there, and to take the interpreter apart takes as long as two files."""
    gc.set_threshold(GARBAGE)
    sys.setswitchinterval(SWITCH_SECONDS)
    from .main import main

    try:
        main()
    except SystemExit as ended:
        try:
            sys.stderr.flush()
        finally:  # also if it is closed, or there is none, or a signal comes now
            os._exit(ended.code or 0)
