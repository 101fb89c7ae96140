"""Names of a package that load on first use (PEP 562)."""

import importlib
import sys


def lazy(package, modules):
    """`__getattr__` and `__dir__` of a package.

    Parameters
    ----------
    package : str
        Its `__name__`.
    modules : dict
        Name to the module below the package that defines it, such as "encode.video". None: the name is a module.

    Examples
    --------
    >>> from codec._lazy import lazy
    >>> load, names = lazy("codec.jpeg", {"probe": "decoder"})
    >>> load("probe").__module__
    'codec.jpeg.decoder'
    """

    def load(name):
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{modules[name] or name}")
        value = getattr(module, name) if modules[name] else module
        setattr(sys.modules[package], name, value)
        return value

    def names():
        return sorted({*vars(sys.modules[package]), *modules})

    return load, names
