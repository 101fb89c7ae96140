"""Load modules at their first use. `codec compress` of usual PNG files at low effort needs no NumPy, which takes a
quarter of a short run to load. Commands need one function of `inspect`, which takes a tenth of their start, and few of
`gettext` and `platform`, which take a twentieth."""

import importlib
import importlib.machinery
import sys
import threading
import types


class Later(types.ModuleType):
    """Stands for a module, in `sys.modules` too, until something of it is asked for. Any thread may ask.

    Modules that imported it keep it; it then has all that the module has. Until then it has what is `given`.
    """

    def __init__(self, name, spec=None, **given):
        super().__init__(name)
        self.__dict__.update(given)
        self.__spec__, self._leaving = spec, threading.Lock()

    def __getattr__(self, name):
        if name == "__path__" and self.__spec__ and self.__spec__.submodule_search_locations is None:
            raise AttributeError(f"module {self.__name__!r} is no package")  # "from module import name" asks first
        with self._leaving:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        module = importlib.import_module(self.__name__)  # under the locks of the import system, and none of ours
        self.__dict__.update(module.__dict__)
        return getattr(module, name)

    def __reduce__(self):  # functions that hold it go to other processes
        return importlib.import_module, (self.__name__,)


def postpone(name, **given):
    """Let imports of a module bind a `Later`; nothing is done where it is loaded already, or is not there."""
    if name not in sys.modules and (spec := importlib.machinery.PathFinder.find_spec(name)):
        sys.modules[name] = Later(name, spec, **given)


def number_form(one, several, number):
    """As `gettext.ngettext` without translations.

    >>> from codec.cli._later import number_form
    >>> number_form("file", "files", 1), number_form("file", "files", 2)
    ('file', 'files')
    """
    return one if number == 1 else several


def cleandoc(text):
    """As `inspect.cleandoc`: a docstring without its indentation, and without blank lines around it.

    >>> from codec.cli._later import cleandoc
    >>> cleandoc(" One.\\n\\n      Two.\\n    Three.\\n    ")
    'One.\\n\\n  Two.\\nThree.'
    """
    first, *rest = text.expandtabs().split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first.lstrip(), *(line[indent:] for line in rest)]).strip("\n")
