"""MP4 files of the encoder in a real browser: they play, and show the source."""

import base64
import os
import shutil
from fractions import Fraction

import numpy as np
import pytest
from made_clips import moving, write_at

import codec

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the browser tests need Playwright: pip install 'codec[browser]'"
)
av = pytest.importorskip("av", reason="PyAV is not installed: MP4 is not written")
CHROMIUM = os.environ.get("CODEC_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM:
    pytest.skip(
        "the browser tests need Debian's chromium: apt-get install chromium (or CODEC_CHROMIUM=path)",
        allow_module_level=True,
    )

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip

# Seek to each time, draw the frame, and read it back.
DRAW = """async ([text, times]) => {
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), video = document.createElement('video');
  const wait = (name) => new Promise((found, failed) => {
    video.addEventListener(name, found, { once: true });
    video.addEventListener('error', () => failed(new Error(video.error.message)), { once: true });
  });
  document.body.append(video);
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([data], { type: 'video/mp4' }));
  await wait('loadeddata');
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight), frames = [];
  const context = canvas.getContext('2d', { willReadFrequently: true });
  for (const time of times) {
    const seeked = wait('seeked'), shown = new Promise((found) => video.requestVideoFrameCallback(found));
    video.currentTime = time;
    await seeked;  // the frame may come later; none comes if it is the one that is shown already
    await Promise.race([shown, new Promise((found) => setTimeout(found, 500))]);
    context.drawImage(video, 0, 0);
    let bytes = ''; for (const one of context.getImageData(0, 0, canvas.width, canvas.height).data) bytes += String.fromCharCode(one);
    frames.push(btoa(bytes));
  }
  video.currentTime = 0;
  video.playbackRate = 4;
  const ended = wait('ended');
  await video.play();
  await ended;
  const played = video.getVideoPlaybackQuality();
  return { width: canvas.width, height: canvas.height, duration: video.duration, frames, ended: video.ended,
           corrupted: played.corruptedVideoFrames };
}"""


@pytest.fixture(scope="module")
def page():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def shown(page, path, times):
    """(what the browser says, its frames as RGB) at these times."""
    text = base64.b64encode(path.read_bytes()).decode()
    found = page.evaluate(DRAW, [text, [float(time) for time in times]])
    shape = found["height"], found["width"], 4
    return found, [np.frombuffer(base64.b64decode(one), np.uint8).reshape(shape)[..., :3] for one in found["frames"]]


def difference(one, other):
    """Mean, of RGB."""
    return np.abs(one.astype(float) - other).mean()


def floor(pixels):
    """What 4:2:0 alone costs."""
    return difference(codec.Frame.from_rgb(pixels).to_rgb(), pixels)


@pytest.mark.parametrize(
    "width, height, preset", [(64, 48, "medium"), (64, 48, "ultrafast"), (66, 38, "veryfast"), (176, 144, "slow")]
)
def test_a_clip_plays_and_shows_the_frames_at_their_times(page, tmp_path, width, height, preset):
    path, frames, fps = tmp_path / "clip.mp4", moving(width, height, 15), Fraction(30000, 1001)
    codec.write_video(path, frames, fps=fps, qp=20, preset=preset, keyint=6)
    places = (0, 1, 5, 6, 9, 14)
    found, drawn = shown(page, path, [(place + Fraction(1, 2)) / fps for place in places])
    assert (found["width"], found["height"], found["ended"], found["corrupted"]) == (width, height, True, 0)
    assert found["duration"] == pytest.approx(15 / fps, abs=0.002)
    errors = np.array([[difference(one, frame) for frame in frames] for one in drawn])
    assert tuple(errors.argmin(1)) == places
    assert max(error - floor(frames[place]) for error, place in zip(errors.min(1), places)) < 3


def test_the_command(page, tmp_path):
    from click.testing import CliRunner

    from codec.cli.main import cli

    frames = [codec.Frame.from_rgb(one) for one in moving(80, 64, 10)]
    planes = [b"FRAME\n" + b"".join(plane.tobytes() for plane in frame.planes) for frame in frames]
    (tmp_path / "in.y4m").write_bytes(b"YUV4MPEG2 W80 H64 F24:1 A1:1 C420\n" + b"".join(planes))
    words = ["video", "encode", str(tmp_path / "in.y4m"), "-o", str(tmp_path / "out.mp4"), "--crf", "20"]
    assert CliRunner().invoke(cli, words, prog_name="codec").exit_code == 0
    found, drawn = shown(page, tmp_path / "out.mp4", [(place + Fraction(1, 2)) / 24 for place in range(10)])
    assert found["ended"] and found["duration"] == pytest.approx(10 / 24, abs=0.002)
    assert max(difference(one, frame.to_rgb()) for one, frame in zip(drawn, frames)) < 8


def test_uneven_times(page, tmp_path):
    """As those of a screen recording, in a clip with B pictures."""
    ticks, frames, source = [0, 40, 80, 600, 640, 1000, 1020], moving(64, 48, 7), tmp_path / "source.mkv"
    write_at(source, frames, ticks)
    path = tmp_path / "clip.mp4"
    codec.write_video(path, source, qp=20)
    found, drawn = shown(page, path, [Fraction(tick + 5, 1000) for tick in ticks] + [Fraction(590, 1000)])
    errors = np.array([[difference(one, frame) for frame in frames] for one in drawn])
    assert errors.argmin(1).tolist() == [0, 1, 2, 3, 4, 5, 6, 2] and found["ended"]
    assert found["duration"] == pytest.approx(1.06, abs=0.002)


def test_a_rotated_clip_is_shown_upright(page, tmp_path):
    path, pixels = tmp_path / "clip.mp4", moving(64, 48, 3)
    frames = [codec.Frame.from_rgb(one, rotation=90) for one in pixels]
    codec.write_video(path, frames, fps=25, qp=20)
    found, (drawn,) = shown(page, path, [0.02])
    assert (found["width"], found["height"]) == (48, 64)
    assert difference(drawn, np.rot90(pixels[0])) < floor(pixels[0]) + 3


def test_what_is_read_back_exactly(tmp_path):
    path, fps = tmp_path / "clip.mp4", Fraction(24000, 1001)
    codec.write_video(path, moving(64, 48, 37), fps=fps, keyint=10)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert video.frames == 37 and video.average_rate == fps
        assert [frame.pts * video.time_base for frame in container.decode(video)] == [n / fps for n in range(37)]
