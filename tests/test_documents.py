"""The documents are true: examples run, paths and names exist, commands parse."""

import doctest
import pathlib
import re
import shlex

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]


@pytest.mark.parametrize(
    "name", ["README.md", "docs/pixel_to_bitstream.md", "docs/lab.md", "docs/palette.md", "docs/quantization.md"]
)
def test_examples_in_documents_run(name):
    result = doctest.testfile(
        str(ROOT / name), module_relative=False, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert result.attempted > 5 and result.failed == 0


NEEDED = {"imageio": ["imageio"], "Zarr and numcodecs": ["zarr", "numcodecs"]}


@pytest.mark.parametrize("section", ["imageio", "Pillow", "OpenCV", "Zarr and numcodecs"])
def test_examples_with_other_libraries_run(section, tmp_path, monkeypatch):
    """The examples before the first section, and those of one section; skipped where its library is absent."""
    for library in NEEDED.get(section, ()):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    sections = dict(re.findall(r"^#+ (.*)\n((?:(?!^#).*\n)*)", (ROOT / "docs/ecosystem.md").read_text(), re.M))
    text = sections["In other libraries"] + sections[section]
    test = doctest.DocTestParser().get_doctest(text, {}, section, "docs/ecosystem.md", 0)
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.attempted > 5 and result.failed == 0


def code_in(text):
    """Code spans and code blocks of a Markdown text."""
    return re.findall(r"```.*?```|`[^`\n]+`", text, re.S)


def source_named(path):
    """Whether a path from the root or from codec/, or a bare file name, names a file or folder of the project."""
    rooms = ("codec", "tests", "benchmarks")
    bare = [] if "/" in path else [found for room in rooms for found in (ROOT / room).rglob(path)]
    return bool(bare) or (ROOT / path).exists() or (ROOT / "codec" / path).exists()


@pytest.mark.parametrize("page", PAGES)
def test_paths_in_documents_exist(page):
    """Source files, and whatever lies under a folder of the project, in code spans and code blocks."""
    source = r"(?<![\w/.-])(?:[\w-]+/)*[\w-]+\.(?:pyx|pxd|py|c)\b"
    inside = r"(?<![\w/.-])(?:codec|tests|benchmarks|docs)/[\w./-]*\w/?"
    for code in code_in((ROOT / page).read_text()):
        for path in re.findall(f"{source}|{inside}", code):
            assert source_named(path), path


def test_links_in_documents_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
            assert (ROOT / page).parent.joinpath(target).exists(), (page, target)


def test_names_in_the_glossary_exist():
    """`name` in the last column occurs in the package, and in the file where one is given: `name` in `path`."""
    sources = {
        path: path.read_text() for pattern in ("*.py", "*.pyx", "*.pxd") for path in (ROOT / "codec").rglob(pattern)
    }
    everything = "\n".join(sources.values())
    rows = re.findall(r"^\| .* \| (.*) \|$", (ROOT / "docs/glossary.md").read_text(), re.M)
    assert len(rows) > 40
    for cell in rows:
        for names, path in re.findall(r"((?:`\w+`, )*`\w+`)(?: in `([\w/.]+)`)?", cell):
            text = sources[ROOT / "codec" / path] if path else everything
            for name in re.findall(r"\w+", names):
                assert re.search(rf"\b{name}\b", text), (name, path)


def understood(line):
    """Parse a command line; nothing is run."""
    from codec.cli.main import cli

    command, words = cli, shlex.split(line, comments=True)[1:]
    while hasattr(command, "get_command"):
        context = command.make_context("codec", [words[0], "--help"], resilient_parsing=True)
        command = command.get_command(context, words.pop(0))
        assert command, line
    command.make_context("codec", words)


def test_commands_of_the_laboratory_are_understood():
    """Every `$ codec ...` line of docs/lab.md: its verb, options and their values are valid (nothing is run)."""
    text = (ROOT / "docs/lab.md").read_text().replace("\\\n", " ")
    lines = re.findall(r"^\$ (codec .*)$", text, re.MULTILINE)
    assert len(lines) > 7
    for line in lines:
        understood(line)


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{name}.md" for name in ("batch", "scale", "h264", "animation"))]
)
def test_commands_in_documents_are_understood(page, tmp_path, monkeypatch):
    """Lines of code blocks, and code spans, that begin with `codec` and a verb in small letters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "incoming").mkdir()
    blocks = re.findall(r"^```\w*\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if re.match(r"codec [a-z]", line)]
    for line in lines:
        understood(re.split(r" [|>] ", line)[0])
    assert len(lines) > 15 or page != "README.md"


def test_examples_of_batches_run(tmp_path, monkeypatch):
    """The Python of docs/batch.md, in its order, in a folder with pictures."""
    import numpy as np

    import codec

    monkeypatch.chdir(tmp_path)
    (tmp_path / "holiday").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    codec.write("holiday/a.jpg", np.kron(pixels, np.ones((4, 4, 1), np.uint8)), quality=97, effort=1)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/batch.md").read_text(), re.M | re.S)
    names = {}
    for block in blocks:
        exec(compile(block, "docs/batch.md", "exec"), names)
    assert len(blocks) >= 2 and (tmp_path / "smaller/a.jpg").exists()


def figure_marks():
    """(page, section, region) of every figure; docs_figures.py says what the marks mean."""
    for page in PAGES:
        for section, name in re.findall(r"<!-- figures ([\w-]+)\.([\w-]+) -->", (ROOT / page).read_text()):
            yield page, section, name


def test_every_figure_names_a_section_that_makes_it(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import figures

    marks = list(figure_marks())
    assert len(marks) > 40
    assert {section for _, section, _ in marks} | {"demo"} == set(figures.SECTIONS)
    for page, section, _ in marks:
        assert any((section, "origin") == found[1:] for found in marks), f"{section}, in {page}, states no origin"


def test_figures_are_closed_and_filled():
    for page in PAGES:
        text = (ROOT / page).read_text()
        marked = re.findall(r"<!-- figures [\w.-]+ -->(.*?)<!-- end -->", text, re.S)
        assert len(marked) == text.count("<!-- figures ") == text.count("<!-- end -->"), page
        for content in marked:
            assert content.strip() not in ("", "?") and "<!-- figures" not in content, (page, content)


def test_a_figure_is_replaced_where_it_stands(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import docs_figures

    page = tmp_path / "page.md"
    page.write_text(
        "a <!-- figures lab.x -->1<!-- end --> b <!-- figures speed.x -->2<!-- end -->\n"
        "<!-- figures lab.t -->\n| 3 |\n<!-- end -->\n"
    )
    monkeypatch.setattr(docs_figures, "PAGES", [page])
    assert docs_figures.regions("lab") == {"x": "1", "t": "\n| 3 |\n"}
    docs_figures.write("lab", {"x": "10", "t": "| 30 |\n| 31 |"})
    assert page.read_text() == (
        "a <!-- figures lab.x -->10<!-- end --> b <!-- figures speed.x -->2<!-- end -->\n"
        "<!-- figures lab.t -->\n| 30 |\n| 31 |\n<!-- end -->\n"
    )
