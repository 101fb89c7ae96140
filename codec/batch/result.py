"""What a task makes of one picture."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Result:
    """What a task made of one picture.

    Attributes
    ----------
    data : bytes
    status : str
        "done", or "kept": the source is as small already and was copied.
    warnings : tuple of str
    facts : dict
        JSON types, for the row.
    """

    data: bytes
    status: str = "done"
    warnings: tuple = ()
    facts: dict = field(default_factory=dict)
