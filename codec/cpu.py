"""Which vector level the kernels may use: what the machine has, lowered by the environment or by a test."""

from __future__ import annotations

import os

from . import _core
from .errors import ParameterError

_forced: str | None = None


def _lower(name, ceiling, origin):
    ladder = _core.CPU_LADDER
    if name not in ladder:
        raise ParameterError(f"{origin}: unknown CPU level {name!r}; this kind of CPU has {', '.join(ladder)}")
    return min(name, ceiling, key=ladder.index)


def detected() -> str:
    """Highest level that this machine and its operating system support.

    Returns
    -------
    str
        One of "scalar", "sse4.1", "avx2", "avx512" on x86-64; "scalar" or "neon" on arm64; "scalar" elsewhere.
    """
    return _core.detected_level()


def level() -> str:
    """Level in force: `detected()`, lowered by the environment variable ``CODEC_CPU`` and by `force`.

    A higher level than the machine has is no error: it is capped, so that one setting serves a mixed fleet.
    Output never depends on the level, only speed does.

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
    name = os.environ.get("CODEC_CPU") or detected()
    ceiling = _lower(name, detected(), "CODEC_CPU")
    return ceiling if _forced is None else _lower(_forced, ceiling, "codec.cpu.force")


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
        _lower(name, detected(), "codec.cpu.force")
        self._previous, _forced = _forced, name

    def __enter__(self) -> force:
        return self

    def __exit__(self, *exc_info: object) -> None:
        global _forced
        _forced = self._previous


def has(name: str) -> bool:
    """Whether the instructions of level `name` may be used: it exists on this kind of CPU, and the level in force includes it."""
    return name in _core.CPU_LADDER and _core.CPU_LADDER.index(name) <= _core.CPU_LADDER.index(level())


def kernels() -> dict[str, str]:
    """Which instruction set each kernel runs on.

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
    vector = "avx2" if _core.HAS_AVX2 and has("avx2") else "scalar"
    return {name: vector if name in _core.AVX2_KERNELS else "scalar" for name in _core.KERNELS}
