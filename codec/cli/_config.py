"""`[tool.codec]` in pyproject.toml: defaults of commands, for a project.

[tool.codec.compress]
quality = 80
strip = "gps,thumbnail"

[tool.codec.check]
max-size = "500kB"
"""

import os

import click

from ..errors import MissingPackageError

NAME = "pyproject.toml"
# Options that a file may set: what is made, never what is overwritten, where it goes, or who does it.
SHARED = (
    "quality",
    "target",
    "effort",
    "subsampling",
    "progressive",
    "tune",
    "strip",
    "background",
    "max-size",
    "srgb",
    "budget",
    "keep-dates",
)
LIMITS = ("max-pixels", "jobs")
SETTABLE = {
    "compress": (*SHARED, "min-gain", "timeout", *LIMITS),
    "watch": (*SHARED, "settle", *LIMITS),
    "check": ("max-waste", "max-size", *LIMITS),
}
FLAGS = ("progressive", "keep-dates", "srgb")
RIVALS = {
    "quality": ("--target",),
    "target": ("--quality", "-q"),
    "effort": ("--budget",),
    "budget": ("--effort",),
}  # the command line wins over the file
PARAMETERS = {"max-pixels": "limits"}  # where a command has another name for an option


def defaults(verb, words):
    """Defaults of a verb, as click has them (`default_map`), and the file that sets them.

    Parameters
    ----------
    verb : str
    words : sequence of str
        The command line after the verb.

    Returns
    -------
    ({parameter: value}, path or None)

    Raises
    ------
    click.UsageError
        If the file cannot be read, or sets what it cannot.
    """
    if verb not in SETTABLE:
        return {}, None
    path = _found(os.getcwd())
    if path is None:
        return {}, None
    table = _table(path)
    unknown = [name for name in table if name not in SETTABLE]
    if unknown:
        raise click.UsageError(f"{path}: [tool.codec.{unknown[0]}]: there are {', '.join(SETTABLE)}")
    given = {_option(name): value for name, value in _checked(path, verb, table.get(verb, {})).items()}
    for name, rivals in RIVALS.items():
        if any(word == rival or word.startswith(f"{rival}=") for word in words for rival in rivals):
            given.pop(name, None)
    return given, path if given else None


def _found(folder):
    """The nearest pyproject.toml, upwards, that has [tool.codec]; others do not end the search."""
    while True:
        path = os.path.join(folder, NAME)
        if os.path.isfile(path) and _mentions(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _mentions(path):
    """Whether a file may have the table: most have not, and are not parsed."""
    try:
        with open(path, "rb") as stream:
            return b"tool.codec" in stream.read()
    except OSError:
        return False


def _table(path):
    try:
        import tomllib
    except ImportError:  # Python 3.10
        try:
            import tomli as tomllib
        except ImportError as error:
            raise MissingPackageError(f"reading {path} needs tomli: pip install tomli") from error
    try:
        with open(path, "rb") as stream:
            return tomllib.load(stream).get("tool", {}).get("codec", {})
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot read {path}: {error}") from error


def _option(name):
    return PARAMETERS.get(name, name.replace("-", "_"))


def _checked(path, verb, table):
    where = f"{path}: [tool.codec.{verb}]"
    if not isinstance(table, dict):
        raise click.UsageError(f"{where} must be a table of options")
    if table.get("strip") is True:
        table = table | {"strip": "all"}  # as --strip without a value
    for name, value in table.items():
        spelled = name.replace("_", "-")
        if spelled not in SETTABLE[verb]:
            import difflib

            near = difflib.get_close_matches(spelled, SETTABLE[verb], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SETTABLE[verb])}"
            raise click.UsageError(f"{where} cannot set {name!r}: {hint}")
        if not isinstance(value, (str, int, float, bool)):
            raise click.UsageError(f"{where}: {name} must be one value, not {value!r}")
        if isinstance(value, bool) != (spelled in FLAGS):
            wanted = "true or false" if spelled in FLAGS else "a value"
            raise click.UsageError(f"{where}: {name} must be {wanted}, not {str(value).lower()}")
    return {name.replace("_", "-"): _plain(value) for name, value in table.items()}


def _plain(value):
    """A value as the command line would have it; click takes booleans as they are."""
    return value if isinstance(value, bool) else str(value)


def apply(ctx, args):
    """Give the verb of a command line the defaults of its project, and say so on stderr."""
    from ._common import say

    verb, words = args[0], args[1:]
    if ctx.resilient_parsing or {"-h", "--help"} & set(words):
        return
    given, path = defaults(verb, words)
    if given:
        ctx.default_map = {**(ctx.default_map or {}), verb: given}
        say(f"options of {path}: {', '.join(sorted(name.replace('_', '-') for name in given))}")
