"""The annotations: complete, equal to the tables that they repeat, and checked in a user's program."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import codec
from codec import _types
from codec.frame import CHROMA_STEPS, Damage, Video
from codec.jpeg.params import EncodeKeywords, EncodeOptions
from codec.metrics.names import METRICS
from codec.metrics.ssim import PRESETS
from codec.palette.animator import FORMATS
from codec.palette.choose import METHODS
from codec.palette.dither import DITHERS
from codec.palette.spaces import SPACES
from codec.rd import interpolation

PACKAGE = Path(codec.__file__).parent
PROGRAM = Path(__file__).with_name("uses_everything.py")
ROOMS = {name: getattr(codec, name) for name, module in codec._PUBLIC.items() if module is None}


def names_of(room):
    """The public names of a module: its __all__, or the functions and classes that it defines."""
    if hasattr(room, "__all__"):
        return list(room.__all__)
    return [
        name
        for name, value in vars(room).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == room.__name__
    ]


OFFERED = {f"codec.{name}": getattr(codec, name) for name in codec.__all__ if name not in ("__version__", *ROOMS)}
for _room in (*ROOMS.values(), codec.quantizers.kmeans, codec.quantizers.vector):
    OFFERED |= {f"{_room.__name__}.{name}": getattr(_room, name) for name in names_of(_room)}


# ---------------------------------------------------------------- complete


def functions(name, value):
    """(name, function) of a public function, or of the public methods and properties of a class of ours."""
    if inspect.isfunction(value):
        yield name, value
    elif inspect.isclass(value) and value.__module__.startswith("codec"):
        for attribute, member in vars(value).items():
            member = (
                getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__func__", member)
            )
            if not attribute.startswith("_") and inspect.isfunction(member):
                yield f"{name}.{attribute}", member


REACHED = {"codec.frame.Damage": Damage, "codec.frame.Video": Video}


@pytest.mark.parametrize("name", [*OFFERED, *REACHED])
def test_public_functions_are_annotated(name):
    for where, function in functions(name, {**OFFERED, **REACHED}[name]):
        signature = inspect.signature(function)
        bare = [
            p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")
        ]
        assert not bare and signature.return_annotation is not signature.empty, f"{where}: {bare or 'what it returns'}"


# ---------------------------------------------------------------- lists that are kept twice


@pytest.mark.parametrize(
    "alias, known",
    [
        ("MetricName", METRICS),
        ("SsimPresetName", PRESETS),
        ("PaletteMethod", METHODS),
        ("PaletteSpace", SPACES),
        ("Dither", DITHERS),
        ("AnimationFormat", FORMATS),
        ("BDMethod", interpolation.METHODS),
        ("Chroma", CHROMA_STEPS),
    ],
)
def test_literals_are_what_the_code_knows(alias, known):
    assert set(get_args(getattr(_types, alias))) == set(known)


def test_encode_keywords_are_the_fields_of_encode_options():
    options = {field.name: field.type for field in fields(EncodeOptions)}
    assert {"quality": options["quality"], **EncodeKeywords.__annotations__} == options


@pytest.mark.parametrize(
    "keywords, function, receiver",
    [
        (_types.QuantizeKeywords, codec.palette.write_png, codec.quantize_colors),
        (_types.AnimateKeywords, codec.animate, codec.palette.animate),
    ],
)
def test_keywords_that_are_passed_on_are_those_of_the_receiver(keywords, function, receiver):
    own, signature = inspect.signature(function).parameters, inspect.signature(receiver).parameters
    passed_on = {name for name, p in signature.items() if p.kind is p.KEYWORD_ONLY and name not in own}
    # `animate` takes the times from its sources.
    passed_on -= {"seconds"}
    assert set(keywords.__annotations__) == passed_on | ({"colors"} if "colors" not in own else set())


# ---------------------------------------------------------------- stubs


def defined(body):
    """{name: node} of what a stub says."""
    found = {}
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
    return {name: node for name, node in found.items() if not name.startswith("_") or name == "__version__"}


def test_the_stub_of_the_package_names_what_it_loads():
    found = {"__version__": None}
    for node in ast.parse((PACKAGE / "__init__.pyi").read_text()).body:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 1 and all(alias.asname == alias.name for alias in node.names)
            found |= {alias.name: node.module for alias in node.names}
        elif isinstance(node, ast.AnnAssign):
            assert node.target.id == "__version__"
    assert found == {"__version__": None, **codec._PUBLIC} and set(found) == set(codec.__all__)


STUBS = sorted(
    path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
    for path in PACKAGE.rglob("*.pyi")
    if path.name != "__init__.pyi"
)


def parameters(function):
    """[(name, whether it has a default)] of a compiled function; specializations of a fused one have the same."""
    function = next(iter(getattr(function, "__signatures__", {}).values()), function)
    return [(p.name, p.default is not p.empty) for p in inspect.signature(function).parameters.values()]


def parameters_of_stub(node):
    positional = [argument.arg for argument in node.args.args]
    required = len(positional) - len(node.args.defaults)
    keywords = [
        (argument.arg, default is not None) for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults)
    ]
    return [(name, i >= required) for i, name in enumerate(positional)] + keywords


def test_what_is_compiled_and_public_has_a_stub():
    assert {"codec._core", "codec._pixel", "codec.h264.macroblock._kernels"} <= set(STUBS)
    for name, value in OFFERED.items():
        module = sys.modules.get(getattr(value, "__module__", None))
        if module is not None and not module.__file__.endswith(".py"):
            assert module.__name__ in STUBS, name


@pytest.mark.parametrize("name", STUBS)
def test_stubs_are_true(name):
    module = importlib.import_module(name)
    stub = defined(ast.parse((PACKAGE.parent / (name.replace(".", "/") + ".pyi")).read_text()).body)
    built = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", name) in (name, None)
    }
    assert set(stub) == set(built)
    for key, node in stub.items():
        if isinstance(node, ast.FunctionDef):
            assert parameters_of_stub(node) == parameters(built[key]), key
        elif isinstance(node, ast.ClassDef):
            members = defined(node.body)
            assert set(members) == {attribute for attribute in vars(built[key]) if not attribute.startswith("_")}
            for attribute, method in members.items():
                if not method.decorator_list:
                    assert parameters_of_stub(method) == parameters(getattr(built[key], attribute)), (
                        f"{key}.{attribute}"
                    )


def test_constructors_of_compiled_classes_take_what_their_stubs_say():
    """Cython keeps no signature of __cinit__."""
    points, weights = np.zeros((2, 3), np.float32), np.ones(2)
    made = {
        "codec.quantizers._kmeans": ("PointTree", dict(points=points, weights=weights, level=0)),
        "codec.palette._nearest": ("NearestColor", dict(palette=points, level=0)),
        "codec.palette._histogram": ("Histogram", dict(channels=3, most=2)),
    }
    for name in STUBS:
        body = ast.parse((PACKAGE.parent / (name.replace(".", "/") + ".pyi")).read_text()).body
        for node in (node for node in body if isinstance(node, ast.ClassDef) and name in made):
            expected, arguments = made[name]
            init = next(one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
            assert node.name == expected and [a.arg for a in init.args.args[1:]] == list(arguments)
            getattr(importlib.import_module(name), node.name)(**arguments)


# ---------------------------------------------------------------- a program that uses everything


def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def test_the_program_uses_every_public_name():
    used = {dotted(node) for node in ast.walk(ast.parse(PROGRAM.read_text())) if isinstance(node, ast.Attribute)}
    used = {name if name.startswith("codec.") else f"codec.{name}" for name in used}
    assert {name for name, value in OFFERED.items() if not inspect.ismodule(value)} - used == set()


def test_the_program_runs(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH")))),
    }
    command = [sys.executable, "-W", "ignore::codec.DamageWarning", str(PROGRAM), str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert made.returncode == 0, made.stderr


# Calls that a type checker must refuse, each by a line of its own; the last one tells a type instead.
MISUSE = """
import codec, numpy
image = numpy.zeros((8, 8, 3), numpy.uint8)
codec.encode(image, qualiti=3)
codec.encode(image, subsampling="4:1:9")
codec.encode(image, quality="high")
codec.jpeg.encode(image, metadata=b"")
codec.write(3, image)
codec.decode(5)
codec.decode(b"", on_error="skip")
codec.decode_video(b"", on_error="ignore")
codec.animate([b""], loop=3)
codec.quantize_colors(image, method="best")
codec.palette.write_png(image, dithr=None)
codec.metrics.by_name("sim")
codec.metrics.psnr(image, image, "255")
codec.Limits(pixels="many")
codec.rd.sweep("a.png", metrics=3)
codec.registry.Codec("mine", 3, 4, {})
codec.nonsense
reveal_type(codec.encode(image))
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """What mypy --strict says of the program and of MISUSE: {file: {line: messages}}."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("typing")
    (folder / "misuse.py").write_text(MISUSE)
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    if "site-packages" not in PACKAGE.parts:
        environment["MYPYPATH"] = str(PACKAGE.parent)
    options = ["--strict", "--follow-imports=silent", "--no-error-summary", "--cache-dir", str(folder / "cache")]
    command = [sys.executable, "-m", "mypy", *options, "--config-file=", str(PROGRAM), "misuse.py"]
    made = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    assert made.returncode in (0, 1) and not made.stderr, made.stdout + made.stderr
    found = {}
    for file, line, message in re.findall(r"^(.*?):(\d+): (.*)$", made.stdout, re.M):
        found.setdefault(Path(file).name, {}).setdefault(int(line), []).append(message)
    return found


def test_the_program_is_well_typed(checked):
    assert PROGRAM.name not in checked, checked[PROGRAM.name]


def test_mistakes_are_found(checked):
    lines = MISUSE.splitlines()
    wrong = checked["misuse.py"]
    calls = [number for number, text in enumerate(lines, 1) if text.startswith("codec.")]
    assert [number for number in calls if not any("error:" in message for message in wrong.get(number, ()))] == []
    assert re.search(r'Revealed type is "(builtins\.)?bytes"', wrong[len(lines)][0])
    assert set(wrong) == {*calls, len(lines)}
