"""One setting, many files: plan what becomes what, then run a task over the plan; one row per file, failures included.

    from codec import batch
    task = batch.CompressTask(codec.jpeg.EncodeOptions(quality=80))
    rows = batch.run(batch.plan(["holiday"], "smaller", task), task)

Jobs, tasks, results and rows are plain data that pickles, so that other processes and machines can do the work.
"""

from typing import TYPE_CHECKING

# Import NumPy first, while the stack is shallow. Python 3.11 keeps frames in pieces of 16 kB. At the end of a piece
# each further call allocates one and frees it, thousands of times within NumPy's modules: 8 ms.
import numpy  # noqa: F401

from .._lazy import lazy

if TYPE_CHECKING:
    from ..sources.files import PIPE
    from .compression import CompressTask
    from .indexed import IndexedTask
    from .inplace import InPlace
    from .ledger import LEDGER_NAME, Ledger
    from .planning import Job, OutputError, plan, plan_by_folder, plan_in_place, plan_in_place_by_folder
    from .result import Result
    from .rows import Row, row_of
    from .running import run, run_by_folder
    from .selection import Selection
    from .tasks import DecompressTask, PaletteTask, TranscodeTask
    from .undoing import Run, runs, undo

__all__ = [
    "LEDGER_NAME",
    "PIPE",
    "CompressTask",
    "DecompressTask",
    "InPlace",
    "IndexedTask",
    "Job",
    "Ledger",
    "OutputError",
    "PaletteTask",
    "Result",
    "Row",
    "Run",
    "Selection",
    "TranscodeTask",
    "plan",
    "plan_by_folder",
    "plan_in_place",
    "plan_in_place_by_folder",
    "row_of",
    "run",
    "run_by_folder",
    "runs",
    "undo",
]

# name -> its module, which loads on first use
_MODULES = {
    "CompressTask": "compression",
    "IndexedTask": "indexed",
    "InPlace": "inplace",
    **dict.fromkeys(("LEDGER_NAME", "Ledger"), "ledger"),
    **dict.fromkeys(
        ("PIPE", "Job", "OutputError", "plan", "plan_by_folder", "plan_in_place", "plan_in_place_by_folder"), "planning"
    ),
    "Result": "result",
    **dict.fromkeys(("Row", "row_of"), "rows"),
    **dict.fromkeys(("run", "run_by_folder"), "running"),
    "Selection": "selection",
    **dict.fromkeys(("DecompressTask", "PaletteTask", "TranscodeTask"), "tasks"),
    **dict.fromkeys(("Run", "runs", "undo"), "undoing"),
}

__getattr__, __dir__ = lazy(__name__, _MODULES)
