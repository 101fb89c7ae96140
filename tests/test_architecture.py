"""Allowed imports, what a plain import loads, the size of modules and functions, and a correct layout table."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import codec

PACKAGE = Path(codec.__file__).parent
ROOT = Path(__file__).resolve().parents[1]

# Imports go down only, never sideways between units of one level. A unit is a module or package directly in codec/.
LEVELS = (
    ("__main__",),
    ("cli",),
    ("rd", "batch", "compat"),
    ("registry", "formats"),
    ("api",),
    ("jpeg", "h264", "palette"),
    ("targets",),
    ("metrics", "quantizers"),
    ("sources",),
    ("_pixel",),
    ("cpu",),
    ("frame",),
    ("limits", "quality", "_core", "pixels", "executors", "_team"),
    ("errors", "color", "signatures", "_types", "_stop", "_lazy"),
)
LEVEL = {unit: len(LEVELS) - i for i, units in enumerate(LEVELS) for unit in units}

# Functions longer than 60 lines (docstring not counted), with the reason; the limit for these is 120.
LONG_FUNCTIONS = {}
LINE_LENGTH = 120
# Files with longer lines, with the reason.
LONG_LINES = {
    "h264/decode/output.py": "frames are made from records of many members",
    "h264/decode/video.py": "frames are made from records of many members",
    "h264/stream/nal.py": "table of names",
    "h264/stream/parameter_sets.py": "table of default scaling lists; a type comment",
    "h264/stream/sei.py": "table of names",
    "jpeg/params.py": "a type comment",
}
MODULES = sorted(path for suffix in ("*.py", "*.pyx", "*.pxd") for path in PACKAGE.rglob(suffix))
SOURCES = [path.relative_to(PACKAGE).as_posix() for path in MODULES]
each_module = pytest.mark.parametrize("name", SOURCES)


def unit_of(name):
    return name.split("/")[0].removesuffix(".py").removesuffix(".pyx").removesuffix(".pxd")


def absolute(module, level, name):
    """'codec.x.y' for `from ..x import y` inside the module `name`."""
    if not level:
        return module
    package = ["codec", *name.split("/")[:-1]]
    return ".".join([*package[: len(package) - level + 1], *([module] if module else [])])


def is_module(dotted):
    path = PACKAGE.parent.joinpath(*dotted.split("."))
    return path.is_dir() or any(path.with_suffix(suffix).exists() for suffix in (".py", ".pyx"))


def definer(module, name):
    """The module behind `from module import name`: a submodule, the module of a lazy name, or the module itself."""
    if module == "codec" and codec._PUBLIC.get(name):
        return f"codec.{codec._PUBLIC[name]}"
    return f"{module}.{name}" if is_module(f"{module}.{name}") else module


def imports(name):
    """Modules of this package that a source file imports or cimports anywhere, as 'codec.x[.y]'."""
    text = (PACKAGE / name).read_text()
    found = set()
    if name.endswith(".py"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = absolute(node.module, node.level, name)
                found |= {definer(module, alias.name) for alias in node.names}
    else:
        for dots, module in re.findall(r"^\s*from\s+(\.*)([\w.]*)\s+c?import\b", text, re.M):
            found.add(absolute(module, len(dots), name))
        found |= set(re.findall(r"^\s*c?import\s+([\w.]+)", text, re.M))
    return {module for module in found if module == "codec" or module.startswith("codec.")}


# ---------------------------------------------------------------- imports


def test_the_reader_of_imports_finds_them():
    """Without this, the tests below could not fail."""
    assert (
        "codec.jpeg" in imports("api.py")
        and "codec.errors" in imports("jpeg/decoder.py")
        and "codec.jpeg.markers" not in imports("jpeg/markers.py")
    )
    if (PACKAGE / "jpeg/_scan_read.pyx").exists():
        assert {"codec._core", "codec.errors"} <= imports("jpeg/_scan_read.pyx")


@each_module
def test_imports_go_down_only(name):
    unit = unit_of(name)
    if unit == "__init__":
        assert imports(name) <= {"codec", "codec._lazy"}, "codec/__init__.py loads everything lazily"
        return
    assert unit in LEVEL, f"say in LEVELS where {unit} belongs"
    for module in imports(name):
        other = module.split(".")[1] if "." in module else unit  # codec itself: the version
        if other != unit:
            assert LEVEL[unit] > LEVEL[other], f"{name} (level {LEVEL[unit]}) imports {module} (level {LEVEL[other]})"


def test_modules_import_in_no_circle():
    graph = {}
    for name in SOURCES:
        if not name.endswith(".pxd"):
            module = "codec." + name.rsplit(".", 1)[0].replace("/", ".").removesuffix(".__init__")
            graph[module] = imports(name)
    visiting, done = [], set()

    def visit(module):
        assert module not in visiting, " -> ".join([*visiting, module])
        if module in graph and module not in done:
            visiting.append(module)
            for other in graph[module] - {"codec", module}:
                visit(other)
            done.add(visiting.pop())

    for module in graph:
        if not module.startswith("codec.__"):
            visit(module)


OPTIONAL = ("PIL", "matplotlib", "scipy", "dask", "av", "click", "rich", "skimage", "imagecodecs", "imageio", "zarr")


@pytest.mark.parametrize(
    "statement",
    [
        "import codec",
        "import codec; dir(codec)",
        "import numpy, codec; codec.decode(codec.encode(numpy.zeros((8, 8, 3), numpy.uint8)))",
        "import codec; codec.metrics.ssim; codec.rd.sweep; codec.jpeg.inspect; codec.Limits",
    ],
)
def test_no_optional_package_is_loaded(statement):
    code = f"{statement}\nimport sys\nprint(*sorted(set({OPTIONAL!r}) & set(sys.modules)))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert made.stdout.split() == []


def test_a_plain_import_loads_nothing_of_its_own():
    code = "import sys, codec; print(*(m for m in sys.modules if m.startswith('codec.') or m == 'numpy'))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert made.stdout.split() == ["codec._lazy"]


# ---------------------------------------------------------------- conduct


def blanket_handlers(text):
    """Line numbers of handlers that catch everything; BaseException is allowed if the handler ends by re-raising it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            caught = (
                {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else {"everything"}
            )
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if caught & {"Exception", "everything"} or ("BaseException" in caught and not again):
                yield node.lineno


# Of a thread, which keeps an exception for the thread that waits for it; and of Gate.call, which raises it again.
KEPT_FOR_OTHERS = {"_team.pyx": 1, "executors.py": 1, "h264/decode/_crew.pyx": 2, "h264/encode/team.py": 1}


@each_module
def test_no_blanket_except(name):
    text = (PACKAGE / name).read_text()
    if name.endswith(".py"):
        found = blanket_handlers(text)
    else:
        found = re.findall(r"^\s*except\b\s*(:|.*\b(Base)?Exception\b)", text, re.M)
    assert len(list(found)) == KEPT_FOR_OTHERS.get(name, 0)


def test_a_blanket_except_would_be_found():
    for handler in (
        "except:\n  raise",
        "except Exception:\n  raise",
        "except (OSError, Exception):\n  x",
        "except BaseException:\n  x",
    ):
        assert list(blanket_handlers(f"try:\n  x\n{handler}")) == [3]
    assert not list(blanket_handlers("try:\n  x\nexcept BaseException:\n  y\n  raise"))


@each_module
def test_no_printing_outside_of_the_command_line(name):
    if not name.startswith("cli/"):
        assert not re.search(r"(?<![\w.])print\(", (PACKAGE / name).read_text())


@each_module
def test_rooms_are_small(name):
    assert len((PACKAGE / name).read_text().splitlines()) <= 900


def longest_line(path):
    return max(map(len, path.read_text().splitlines()), default=0)


def test_lines_are_short():
    """In the tables of H.264 a row of a standard's table is a line."""
    suffixes = (".py", ".pyx", ".pxd", ".pyi", ".c", ".h")
    lengths = {
        path.relative_to(PACKAGE).as_posix(): longest_line(path)
        for path in PACKAGE.rglob("*")
        if path.suffix in suffixes
    }
    long = {name for name, length in lengths.items() if length > LINE_LENGTH and not name.startswith("h264/tables/")}
    assert long - set(LONG_LINES) == set(), f"lines of more than {LINE_LENGTH} columns"
    assert set(LONG_LINES) & set(lengths) <= long, "short now: take it off the list"


def functions(name):
    """(name, lines without the docstring) of every function of a source file."""
    lines = (PACKAGE / name).read_text().splitlines()
    for i, line in enumerate(lines):
        head = re.match(r"(\s*)(?:async\s+)?(?:def|c(?:p)?def\s(?!extern|struct|enum|class)[^=]*?)\s*(\w+)\s*\(", line)
        if not head or line.lstrip().startswith(("cdef extern", "ctypedef")):
            continue
        end = i + 1
        while end < len(lines) and (
            not lines[end].strip()
            or len(lines[end]) - len(lines[end].lstrip()) > len(head[1])
            or re.match(r"\s*[\])]", lines[end])
        ):
            end += 1
        body = "\n".join(lines[i:end]).rstrip()
        if not body.split("\n")[-1].startswith(head[1] + " ") and "\n" not in body:
            continue
        yield head[2], len(re.sub(r'^\s+r?"""(.|\n)*?"""\n?', "", body, count=1, flags=re.M).split("\n"))


def test_the_reader_of_functions_finds_them():
    found = dict(functions("jpeg/pipeline.py"))
    assert found["as_pixels"] == len(inspect.getsource(codec.jpeg.encode.__globals__["as_pixels"]).splitlines()) - 1
    if (PACKAGE / "jpeg/_scan_read.pyx").exists():
        found = dict(functions("jpeg/_scan_read.pyx"))
        assert {"read_mcu", "decode_scan", "idct_plane", "set"} <= set(found) and 3 < found["decode_scan"] < 20


@each_module
def test_functions_are_short(name):
    for function, lines in functions(name):
        limit = 120 if f"{name}:{function}" in LONG_FUNCTIONS else 60
        assert lines <= limit, f"{name}: {function} has {lines} lines; at most {limit}"


def test_exceptions_are_still_needed():
    sources = {f"{name}:{function}": lines for name in SOURCES for function, lines in functions(name)}
    for key in LONG_FUNCTIONS:
        assert key.split(":")[0] not in SOURCES or sources[key] > 60, f"{key} is short now: take it off the list"


def public():
    """(dotted name, object) of the whole public API."""
    for name in codec.__all__:
        if name != "__version__":
            yield f"codec.{name}", getattr(codec, name)
    for room in ("jpeg", "h264", "metrics", "palette", "quantizers", "rd", "batch"):
        module = importlib.import_module(f"codec.{room}")
        for name in module.__all__:
            yield f"codec.{room}.{name}", getattr(module, name)


@pytest.mark.parametrize("name, value", list(public()), ids=[name for name, _ in public()])
def test_every_public_name_has_a_docstring(name, value):
    assert inspect.getdoc(value), name
    if inspect.isclass(value):
        for attribute, member in vars(value).items():
            if (
                not attribute.startswith("_")
                and (callable(member) or isinstance(member, (property, classmethod, staticmethod)))
                and value.__module__.startswith("codec")
            ):
                assert inspect.getdoc(getattr(value, attribute, member)), f"{name}.{attribute}"


@each_module
def test_sections_of_docstrings_have_lines_of_their_own(name):
    run_together = re.compile(r"^ *(?:[A-Z]\w+ -{4,}|[A-Z]\w+\n *-{4,} *[^\s-])", re.M)
    assert not run_together.findall((PACKAGE / name).read_text(encoding="utf-8"))


@each_module
def test_every_module_says_what_it_is_for(name):
    text = (PACKAGE / name).read_text()
    assert not text or text.startswith('"""')


# ---------------------------------------------------------------- the git tree, if any


def tracked():
    if not (ROOT / ".git").exists():
        pytest.skip("no git here")
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_generated_file_is_in_git():
    paths = tracked()
    built = [path for path in paths if path.endswith((".so", ".pyd", ".pyc", ".o"))]
    from_cython = [
        path for path in paths if path.endswith((".c", ".cpp", ".html")) and path.rsplit(".", 1)[0] + ".pyx" in paths
    ]
    assert built + from_cython == []


def layout():
    """Paths in the first column of the table under "Layout" in CONTRIBUTING.md."""
    page = ROOT / "CONTRIBUTING.md"
    if not page.exists():
        pytest.skip("no CONTRIBUTING.md here")
    section = re.search(r"^#+ Layout\n(.*?)(?=^#|\Z)", page.read_text(), re.M | re.S)
    return re.findall(r"^\| `([^`]+)` \|", section[1], re.M)


def test_what_the_layout_names_exists():
    assert len(layout()) > 10
    for path in layout():
        assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file(), path


def test_what_exists_is_in_the_layout():
    """Every folder at the top, and every module and package of codec/."""
    files = tracked()
    folders = {path.split("/")[0] + "/" for path in files if "/" in path and not path.startswith(".")}
    inside = [path.split("/") for path in files if path.startswith("codec/")]
    units = {f"codec/{parts[1]}/" if len(parts) > 2 else f"codec/{parts[1]}" for parts in inside}
    units = {path for path in units if path.endswith(("/", ".py", ".pyx")) and not path.startswith("codec/__")}
    assert (folders | units) - set(layout()) == set()
