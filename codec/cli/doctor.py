"""`codec doctor`: what a bug report needs."""

import platform
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import click

from .. import __version__
from ._common import echo_json

REQUIRED = ("numpy", "pillow", "click", "rich", "blake3")
OPTIONAL = {
    "matplotlib": "lab",
    "av": "video",
    "soundfile": "audio",
    "pillow-heif": "heif",
    **dict.fromkeys(("imagecodecs", "pyjpegli", "pyvips", "simplejpeg"), "peers"),
}


def found(package):
    try:
        return installed(package)
    except PackageNotFoundError:
        return None


def diagnosis():
    import codec

    from .. import _core, cpu

    for name in codec.__all__:  # loads every room, and with it every kernel
        room = getattr(codec, name)
        for member in getattr(room, "__all__", ()):
            getattr(room, member)
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "system": f"{platform.system()} {platform.machine()}",
        "build": _core.BUILD,
        "cpu": {"detected": cpu.detected(), "in_force": cpu.level()},
        "kernels": cpu.kernels(),
        "packages": {name: found(name) for name in REQUIRED},
        "optional": {name: {"version": found(name), "extra": extra} for name, extra in OPTIONAL.items()},
    }


def line(name, value):
    click.echo(f"{name:<12} {value}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def doctor(as_json):
    """Show versions, build, CPU level, kernels and optional packages.

    CODEC_CPU=scalar (or sse4.1, avx2, neon ...) lowers the CPU level. The output of the codecs does not depend on it.

    \b
    Examples:
      codec doctor
      codec doctor --json
    """
    facts = diagnosis()
    if as_json:
        echo_json("doctor", **facts)
        return
    line("codec", __version__)
    line("python", facts["python"] + ("" if facts["gil"] else ", free-threaded"))
    line("system", facts["system"])
    line("build", facts["build"])
    line("cpu", f"{facts['cpu']['detected']} detected, {facts['cpu']['in_force']} in force")
    for name, value in facts["packages"].items():
        line(name, value or "not installed")
    for name, entry in facts["optional"].items():
        line(name, entry["version"] or f"not installed (pip install codec[{entry['extra']}])")
    click.echo("\nkernels")
    for name, isa in facts["kernels"].items():
        click.echo(f"  {name:<20} {isa}")
