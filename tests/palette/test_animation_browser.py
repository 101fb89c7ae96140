"""Animations in a real browser: its decoded frames, their times, and the displayed picture."""

import base64
import io
import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from codec.palette import animate
from codec.sources import clips as videos

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests need Playwright: pip install 'codec[browser]'"
)
CHROMIUM = os.environ.get("CODEC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM:
    pytest.skip(
        "the browser tests need Debian's chromium: apt-get install chromium (or CODEC_CHROMIUM=path)",
        allow_module_level=True,
    )

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip
DECODE = """async ([text, type]) => {
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), decoder = new ImageDecoder({ data, type });
  await decoder.tracks.ready; await decoder.completed;
  const canvas = new OffscreenCanvas(1, 1), frames = [];
  for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++) {
    const { image } = await decoder.decode({ frameIndex });
    [canvas.width, canvas.height] = [image.displayWidth, image.displayHeight];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let text = ''; for (const value of pixels) text += String.fromCharCode(value);
    frames.push([canvas.height, canvas.width, btoa(text), image.duration]);
  }
  return frames;
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page on a local file, where ImageDecoder exists."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text("<!doctype html><title>x</title><body style='margin:0'>")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 400, "height": 300})
        page.goto(path.as_uri())
        yield page
        browser.close()


def shown_by_pillow(data):
    image, frames = Image.open(io.BytesIO(data)), []
    for number in range(image.n_frames):
        image.seek(number)
        pixels = np.array(image.convert("RGBA"))
        frames.append(pixels * (pixels[..., 3:] > 0))
    return frames


def moving(count=9):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:60, :80]
    for number in range(count):
        pixels = np.stack(
            [2 * x + 10 * number, 3 * y, 120 + 60 * np.sin((x + 5 * number) / 9), 255 + 0 * x], -1
        ) + rng.integers(0, 5, (60, 80, 1))
        pixels[20:40, 6 * number : 6 * number + 20] = [255, 40 * (number % 5), 0, 255]
        pixels[45:, 8 * number : 8 * number + 16, 3] = 0
        yield pixels.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("format, type", [("gif", "image/gif"), ("apng", "image/png")])
@pytest.mark.parametrize("colors", (16, 256))
def test_the_browser_decodes_every_frame(page, format, type, colors):
    made = animate(moving(), fps=30, format=format, colors=colors)
    decoded = page.evaluate(DECODE, [base64.b64encode(made.data).decode(), type])
    assert len(decoded) == 9
    for ours, (height, width, text, _) in zip(shown_by_pillow(made.data), decoded):
        assert np.array_equal(ours, np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4))
    lengths = [microseconds for *_, microseconds in decoded]
    if format == "gif":
        assert lengths == [30_000, 40_000, 30_000] * 3
    else:
        assert all(abs(length - 1e6 / 30) < 500 for length in lengths)


def test_the_screen_shows_a_middle_frame_in_its_time(page, data_folder, tmp_path):
    """Twenty frames at 50 per second, then one that lasts a minute: it is on display a second later."""
    clip = videos.load(data_folder / "video" / "BasketballPass_416x240.ffv1.mkv", frames=40)
    frames = [np.asarray(Image.fromarray(pixels).resize((320, 184))) for pixels in clip.pictures()]
    made = animate(frames, seconds=[0.02] * 20 + [60] + [0.02] * 19)
    page.set_content(
        f"<body style='margin:0'>"
        f"<img style='display:block' src='data:image/gif;base64,{base64.b64encode(made.data).decode()}'>"
    )
    wanted, seen, end = shown_by_pillow(made.data)[20][..., :3], None, time.monotonic() + 20
    while time.monotonic() < end and not np.array_equal(seen, wanted):
        seen = np.array(
            Image.open(io.BytesIO(page.screenshot(clip={"x": 0, "y": 0, "width": 320, "height": 184}))).convert("RGB")
        )
    Image.fromarray(seen).save(tmp_path / "screen.png")
    assert np.array_equal(seen, wanted)
