"""One setting, many files: plan what becomes what, then run a task over the plan; one row per file, failures included.

    from codec import batch
    task = batch.CompressTask(codec.jpeg.EncodeOptions(quality=80))
    rows = batch.run(batch.plan(["holiday"], "smaller", task), task)

Jobs, tasks, results and rows are plain data that pickles, so that other processes and machines can do the work.
"""

import importlib
from typing import TYPE_CHECKING, Any

# Import NumPy first, while the stack is shallow. Python 3.11 keeps frames in pieces of 16 kB. At the end of a piece
# each further call allocates one and frees it, thousands of times within NumPy's modules: 8 ms.
import numpy  # noqa: F401

from .inplace import InPlace
from .ledger import NAME as LEDGER_NAME
from .ledger import Ledger
from .plan import PIPE, Job, OutputError, plan, plan_by_folder, plan_in_place, plan_in_place_by_folder
from .result import Result
from .rows import Row, row_of
from .run import run, run_by_folder
from .selection import Selection
from .tasks import CompressTask, DecompressTask, PaletteTask, TranscodeTask
from .undo import Run, runs, undo

if TYPE_CHECKING:
    from .indexed import IndexedTask

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

# name -> its module, which few need and which loads on first use
_LATER = {"IndexedTask": "indexed"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'codec.batch' has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(f"codec.batch.{_LATER[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
