"""`codec rd codecs`."""

import click

from .. import _options as options
from .._common import echo_json
from .lab import cells


@click.command()
@options.as_json()
def codecs(as_json):
    """List the codecs for sweeps: settings with defaults, versions, and what to install for missing ones. Video codecs
    are listed if PyAV has them (pip install codec[video]).

    \b
    Examples:
      codec rd codecs
    """
    from ... import registry
    from ...errors import CodecError

    found = []
    for name, codec in registry.codecs().items():
        try:
            codec.require()
            version = codec.version()
        except CodecError as error:
            version = str(error)
        settings = " ".join(f"{key}={parameter.default}" for key, parameter in codec.parameters.items())
        found.append(
            {
                "codec": name,
                "of": f"{codec.kind}s",
                "settings": settings,
                "version": version,
                "installed": not codec.missing,
            }
        )
    if as_json:
        echo_json("rd codecs", codecs=found)
    else:
        cells([{key: line[key] for key in ("codec", "of", "settings", "version")} for line in found])
