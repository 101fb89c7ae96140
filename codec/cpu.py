"""Which vector instructions the kernels may use: those of the machine, lowered by the environment or by a test.

Users name a level ("avx2"). Compiled code takes its position on the ladder of this kind of CPU, 0 = scalar:
`level_index`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _core
from .errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

_forced: int | None = None
# name -> positions of the levels that have a variant of it, lowest first
_kernels: dict[str, tuple[int, ...]] = dict(_core.KERNELS)


def _index(name, origin):
    ladder = _core.CPU_LADDER
    if name not in ladder:
        raise ParameterError(f"{origin}: unknown CPU level {name!r}; this kind of CPU has {', '.join(ladder)}")
    return ladder.index(name)


def detected() -> str:
    """Highest level that this machine and its operating system support.

    Returns
    -------
    str
        One of "scalar", "sse4.1", "avx2", "avx512" on x86-64; "scalar" or "neon" on arm64; "scalar" elsewhere.
    """
    return _core.CPU_LADDER[_core.detected_level()]


def level() -> str:
    """Level in force: `detected()`, lowered by the environment variable ``CODEC_CPU`` and by `force`.

    A level that the machine lacks is capped, so that one setting serves a mixed fleet. The level changes speed, never
    output.

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        If ``CODEC_CPU`` names no level of this architecture.

    Examples
    --------
    >>> import codec.cpu
    >>> codec.cpu.level() in ("scalar", "sse4.1", "avx2", "avx512", "neon")
    True
    """
    return _core.CPU_LADDER[level_index()]


def level_index() -> int:
    """The level in force as compiled code takes it: its position among the levels of this kind of CPU, 0 = scalar."""
    index, asked = _core.detected_level(), _core.environment()
    if asked:
        index = min(index, _index(asked, "CODEC_CPU"))
    return index if _forced is None else min(index, _forced)


class force:
    """Lower the level, at once and for the whole process; as a context manager, until the block ends.

    Parameters
    ----------
    name : str
        A level of this architecture. A level above the one that `detected` and ``CODEC_CPU`` allow is capped.

    Raises
    ------
    ParameterError
        If there is no such level on this architecture.

    Notes
    -----
    The level is process-wide state, written without a lock: call it from one thread, while no other encodes or decodes.

    Examples
    --------
    >>> import codec.cpu
    >>> with codec.cpu.force("scalar"):
    ...     codec.cpu.level()
    'scalar'
    """

    def __init__(self, name: str) -> None:
        global _forced
        self._previous, _forced = _forced, _index(name, "codec.cpu.force")

    def __enter__(self) -> force:
        return self

    def __exit__(self, *exc_info: object) -> None:
        global _forced
        _forced = self._previous


def has(name: str) -> bool:
    """Whether kernels may use the instructions of level `name`: this kind of CPU has it, and the level in force
    includes it."""
    return name in _core.CPU_LADDER and _core.CPU_LADDER.index(name) <= level_index()


def register(kernels: Mapping[str, tuple[int, ...]]) -> None:
    """Add kernels to those that `kernels` lists; compiled modules call it when they are imported.

    Parameters
    ----------
    kernels : dict of str to tuple of int
        Kernel name to the positions of the levels that have a variant of it, lowest first.
    """
    _kernels.update(kernels)


def kernels() -> dict[str, str]:
    """Which instruction set each kernel runs on, of the modules that are loaded; `codec doctor` loads all of them.

    Returns
    -------
    dict of str to str
        Kernel name to level name.

    Examples
    --------
    >>> import codec.cpu
    >>> with codec.cpu.force("scalar"):
    ...     set(codec.cpu.kernels().values())
    {'scalar'}
    """
    top = level_index()
    return {name: _core.CPU_LADDER[max(i for i in levels if i <= top)] for name, levels in _kernels.items()}
