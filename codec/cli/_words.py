"""Messages of the library in the words of the command line: options in place of arguments.

The library writes an argument as `name=value`, and a limit as `Limits.name`. Here each becomes the option of the
command that sets it. A way out that the command does not offer is left out.
"""

import re

import click

# Patterns, compiled when there is something to say.
VALUE = r"""('[^']*'|"[^"]*"|\([^()]*\)|[^\s,;:)]*[^\s,;:).])?"""
ARGUMENT = r"(?<![^\s(])([a-z][a-z_0-9]*)=" + VALUE
LIMIT = (
    r"; Limits(?:\.(?P<one>\w+))? allows (?P<most>[^:]*?)"
    r"(?:: pass limits=Limits\(\w+=\.\.\.\) if you trust the data)?$"
    r"|; raise Limits\.\w+ if you trust (?:the data|it)"
)
# Ways out, and the argument without which they are left out.
WAYS_OUT = (
    (r", or pass\s+check=False", "check"),
    (r", or pass\s+format=", "format"),
    (r": read fewer of them, with frames=N", "frames"),
    (r", or the codec\.Frame objects", "frames of Python"),
    (r": decode it with side_data=True", "side_data"),
    (r" \(force=True encodes it\)", "force"),
    (r"; background=COLOR is another colour", "background"),
    (r", or put channels last", "channels of Python"),
)
# Arguments whose option has another name, and those without an option that messages name.
OTHER_NAMES = {"on_error": "conceal"}
ARGUMENTS = {"bit_depth", "bits", "color", "data_range", "optimize", "preset", "replace", "on_error"}


def spoken(text, command):
    """A message in the words of a command.

    Parameters
    ----------
    text : str
    command : click.Command

    Examples
    --------
    >>> import click
    >>> from codec.cli._words import spoken
    >>> turn = click.Command("turn", params=[click.Option(["--auto-rotate"], is_flag=True), click.Option(["--edge"])])
    >>> spoken("auto_rotate=True turns it; edge='trim' cuts it off", turn)
    '--auto-rotate turns it; --edge trim cuts it off'
    """
    options = {param.name: param for param in command.params if isinstance(param, click.Option)}
    for way, name in WAYS_OUT:
        text = text if name in options else re.sub(way, "", text)
    text = re.sub(LIMIT, lambda match: _limit(match, options), text)
    return re.sub(ARGUMENT, lambda match: _option(match, options), text)


def _limit(match, options):
    if not match["most"]:
        return "; no option raises this limit"
    said = f"; the limit is {match['most']}"
    raised = match["one"] == "pixels" and "limits" in options
    return f"{said}: raise it with --max-pixels if you trust the data" if raised else said


def _option(match, options):
    name, value = match[1], (match[2] or "").strip("'\"")
    option = options.get(name) or options.get(OTHER_NAMES.get(name, ""))
    if option is not None and option.is_flag:
        return option.secondary_opts[-1] if value == "False" and option.secondary_opts else option.opts[-1]
    if option is not None:
        return f"{max(option.opts, key=len)} {value}".rstrip()
    return f"{name.replace('_', ' ')} {value}".rstrip() if name in ARGUMENTS else match[0]


def command_of(group, words):
    """The command that the words of a command line name below a group."""
    command = group
    for word in words:
        found = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if found is None:
            break
        command = found
    return command
