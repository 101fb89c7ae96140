import dataclasses
import os
import pathlib
import shutil

import pytest

from codec.rd import Point

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="the browser tests need Playwright: pip install 'codec[browser]'"
    )
    chromium = os.environ.get("CODEC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("the browser tests need Debian's chromium: apt-get install chromium (or CODEC_CHROMIUM=path)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """A function that opens a page; afterwards checks that there were no console errors and no requests."""
    pages, troubles, requests = [], [], []

    def visit(path, viewport=DESKTOP, **options):
        page = browser.new_page(viewport=viewport, **options)
        page.set_default_timeout(10_000)
        page.on(
            "console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(pathlib.Path(path).as_uri())
        pages.append(page)
        return page

    yield visit
    for page in pages:
        page.close()
    assert troubles == []
    assert [url for url in requests if not url.startswith(("data:", "file:"))] == []
    assert sum(url.startswith("file:") for url in requests) == len(pages)


def make_point(image="a.png", quality=75, **changes):
    row = Point(
        image=image,
        sha256="0" * 64,
        width=20,
        height=10,
        codec="jpeg",
        setting={"subsampling": "4:2:0", "effort": 5, "quality": quality},
        bytes=50,
        bpp=2.0,
        metrics={"psnr": 30.0, "ssim": 0.9},
        encode_seconds=0.5,
        decode_seconds=0.25,
        workers=1,
        codec_version="0.1.0",
        python="3.12.0",
        machine="Linux x86_64",
        cpu="avx2",
    )
    return dataclasses.replace(row, **changes)


@pytest.fixture(scope="session")
def point():
    """A function that makes one row; the test overrides the fields it is about."""
    return make_point
