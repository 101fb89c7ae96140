"""Animations as decoded by other programs: every frame equals what was painted, at exact times."""

import io
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from clips import clip
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import codec
from codec import cpu
from codec.errors import ParameterError
from codec.formats.animation import load
from codec.palette import animate, animator, canvas, reach
from codec.palette.quantize import PaletteQuantizer
from codec.palette.scenes import Palettes
from codec.palette.spaces import coordinates
from codec.palette.timing import durations, gif_delays, png_delay
from codec.targets import parse_target


@pytest.fixture
def painted(monkeypatch):
    """(H, W, 4) of every frame as painted; pixels that are not opaque are (0, 0, 0, 0)."""
    seen = []

    class Recorded(canvas.Canvas):
        def paint(self, pixels, opaque, *args, **kwargs):
            made = super().paint(pixels, opaque, *args, **kwargs)
            seen.append(np.dstack([self.shown, np.full(opaque.shape, 255, np.uint8)]) * opaque[..., None])
            return made

    monkeypatch.setattr(animator, "Canvas", Recorded)
    return seen


def shown_by_pillow(data):
    """(frames, seconds of each)."""
    image, frames, seconds = Image.open(io.BytesIO(data)), [], []
    for number in range(image.n_frames):
        image.seek(number)
        pixels = np.array(image.convert("RGBA"))
        frames.append(pixels * (pixels[..., 3:] > 0))
        seconds.append(Fraction(image.info["duration"]).limit_denominator(10**6) / 1000)
    return frames, seconds


def shown_by_ffmpeg(data):
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(data)) as container:
        frames = [(frame.to_ndarray(format="rgba"), frame.pts * frame.time_base) for frame in container.decode(video=0)]
    return [pixels * (pixels[..., 3:] > 0) for pixels, _ in frames], [time for _, time in frames]


def chunks(data):
    """(type, data) of a PNG, every CRC compared."""
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert zlib.crc32(data[at + 4 : at + 8 + size]) == struct.unpack_from(">I", data, at + 8 + size)[0]
        yield kind, data[at + 8 : at + 8 + size]
        at += 12 + size


def walk(count=7, height=37, width=50, noise=6, seed=0):
    """A texture that moves over a still background, with noise in its left half only."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    ground = np.stack([120 + 80 * np.sin(x / 9) * np.cos(y / 7), 3 * x + y, 200 - 2 * y], -1)
    frames = []
    for number in range(count):
        pixels = ground.copy()
        pixels[10:22, 3 * number : 3 * number + 12] = rng.integers(0, 255, 3)
        pixels[:, :25] += rng.integers(-noise, noise + 1, (height, 25, 3)) if noise else 0
        frames.append(pixels.clip(0, 255).astype(np.uint8))
    return frames


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for number, (a, b) in enumerate(zip(ours, theirs)):
        assert np.array_equal(a, b), f"frame {number}: {(a != b).any(-1).sum()} pixels differ"


# ---------------------------------------------------------------- displayed frames


@pytest.mark.parametrize("options", [
    {"lossy": 0}, {"lossy": 0, "dither_strength": 0}, {"lossy": 20}, {"lossy": 120, "dither_strength": 1.0},
    {"colors": 16}, {"colors": 2}, {"colors": 255},
    {"space": "srgb", "colors": 40},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("format", ["gif", "apng"])
def test_others_show_what_was_painted(painted, format, options):
    made = animate(walk(), fps=10, format=format, **options)
    frames, seconds = shown_by_pillow(made.data)
    same(painted, frames)
    assert seconds == [Fraction(1, 10)] * 7 and made.seconds == Fraction(7, 10)
    same(painted, shown_by_ffmpeg(made.data)[0])


def hole(count=6):
    """An opaque shape over transparency: it moves, so pixels that it leaves must be cleared; one frame lacks it."""
    frames = []
    for number in range(count):
        pixels = np.zeros((20, 30, 4), np.uint8)
        if number != 3:
            pixels[4:12, 3 * number : 3 * number + 9] = [200, 30 * number, 10, 255]
            pixels[15:, :] = [0, 90, 200, 255]
            pixels[6, 3 * number : 3 * number + 9, 3] = [0, 60, 127, 128, 200, 255, 255, 255, 0]
        frames.append(pixels)
    return frames


@pytest.mark.parametrize("lossy", (0, 20))
@pytest.mark.parametrize("format", ["gif", "apng"])
def test_transparent_frames(painted, format, lossy):
    frames = hole()
    if format == "apng":  # which keeps partial transparency
        for pixels in frames:
            pixels[..., 3] = np.where(pixels[..., 3] >= 128, 255, 0)
    made = animate(frames, format=format, lossy=lossy)
    assert any("partial" in warning for warning in made.warnings) == (format == "gif")
    for ours, source in zip(painted, hole()):
        opaque = source[..., 3] >= 128
        assert np.array_equal(ours[..., 3] > 0, opaque) and np.array_equal(ours[opaque][:, :3], source[opaque][:, :3])
    same(painted, shown_by_pillow(made.data)[0])
    same(painted, shown_by_ffmpeg(made.data)[0])


@pytest.mark.parametrize("others", [shown_by_pillow, shown_by_ffmpeg])
def test_an_apng_keeps_partial_transparency(others):
    frames = hole()
    made = animate(frames, format="apng", fps=10)
    same([pixels * (pixels[..., 3:] > 0) for pixels in frames], others(made.data)[0])
    assert made.seconds == Fraction(6, 10) and made.warnings == () and made.palettes == 1


def test_partial_transparency_of_many_colours():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :60]
    frames = []
    for number in range(4):
        pixels = np.stack([4 * x, 6 * y, 0 * x + 200, 255 - 4 * x], -1).astype(np.uint8)
        pixels[10:20, 10 * number : 10 * number + 10] = rng.integers(0, 256, (10, 10, 4))
        frames.append(pixels)
    made = animate(frames, format="apng")
    shown, _ = shown_by_pillow(made.data)
    for ours, theirs in zip(frames, shown):
        ground = [pixels[..., :3].astype(float) * pixels[..., 3:] / 255 for pixels in (ours, theirs)]
        assert (
            np.square(ground[0] - ground[1]).mean() < 100
            and np.abs(ours[..., 3].astype(int) - theirs[..., 3]).mean() < 12
        )
    assert len(np.unique(shown[0][..., 3])) > 20
    for before, after in zip(shown, shown[1:]):
        assert np.array_equal(before[25:], after[25:])  # still areas do not flicker
    small = animate(frames, format="apng", target=f"size:{made.size * 2 // 3}")
    assert small.size <= made.size * 2 // 3 and small.colors < made.colors


def test_frames_that_are_cleared_leave_no_trail(painted):
    """A shape of one colour that fills its rectangle: the frames need no transparent index of their own."""
    frames = []
    for number in range(4):
        pixels = np.zeros((20, 60, 4), np.uint8)
        pixels[5:15, 12 * number : 12 * number + 10] = [255, 60 * number, 0, 255]
        frames.append(pixels)
    made = animate(frames, fps=5)
    same(frames, shown_by_pillow(made.data)[0])
    same(frames, shown_by_ffmpeg(made.data)[0])
    again = load(made.data)
    assert (
        all(np.array_equal(a, b) for a, b in zip(frames, again.pictures))
        and animate(again.pictures, fps=5).data == made.data
    )


def test_nothing_opaque_at_all():
    frames, _ = shown_by_pillow(animate([np.zeros((5, 4, 4), np.uint8)] * 2).data)
    same([np.zeros((5, 4, 4), np.uint8)] * 2, frames)


@pytest.mark.parametrize("format", ["gif", "apng"])
@pytest.mark.parametrize("lossy", (0, 20, 200))
def test_few_colours_stay_exact(format, lossy):
    """As many colours as the palette has, all very dark, which many spaces cannot distinguish."""
    rng = np.random.default_rng(2)
    colors = np.unique(rng.integers(0, 12, (255, 3)), axis=0).astype(np.uint8)[:255]
    frames = [colors[rng.integers(0, len(colors), (20, 30))] for _ in range(3)]
    shown, _ = shown_by_pillow(animate(frames, format=format, lossy=lossy).data)
    same(frames, [pixels[..., :3] for pixels in shown])


@pytest.mark.parametrize("lossy", (0, 20))
def test_what_stands_still_does_not_flicker(lossy):
    frames, _ = shown_by_pillow(animate(walk(12), colors=24, lossy=lossy).data)
    still = np.ones((37, 50), bool)
    still[:, :25], still[10:22] = False, False
    for before, after in zip(frames, frames[1:]):
        assert np.array_equal(before[still], after[still])


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_small_and_thin(painted, shape):
    rng = np.random.default_rng(4)
    for format in ("gif", "apng"):
        painted.clear()
        made = animate([rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(3)], format=format)
        same(painted, shown_by_pillow(made.data)[0])


def test_a_pixel_is_no_further_off_than_the_lossiness_allows(painted):
    frames = walk(5)
    animate(frames, colors=30, lossy=30, dither_strength=0, shared=True)
    entries = np.unique(np.concatenate([pixels[..., :3].reshape(-1, 3) for pixels in painted]), axis=0)
    points = coordinates(entries, "oklab").astype(int)
    _, error = Palettes(frames, [None] * 5, "oklab").whole(30)
    for pixels, shown in zip(frames, painted):
        wanted = canvas.points_of(pixels, "oklab").astype(int)
        distance = ((wanted - canvas.points_of(shown[..., :3], "oklab")) ** 2).sum(-1)
        nearest = ((wanted[:, :, None] - points) ** 2).sum(-1).min(-1)
        assert (
            distance <= nearest + 64 / canvas.weights_of(wanted.astype(np.int16)) * error * (30 / 20) ** 2 + 1
        ).all()


def test_files_become_smaller_the_lossier_they_are():
    frames = walk(6, 60, 80)
    sizes = [animate(frames, lossy=lossy).size for lossy in (10, 20, 40, 100)]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < 0.5 * animate(frames, lossy=0).size


def test_frames_that_are_equal_cost_next_to_nothing_and_are_all_there():
    frame = walk(1)[0]
    one, many = animate([frame]), animate([frame] * 11, fps=10)
    assert many.size - one.size < 10 * 30 and many.frames == 11 == len(shown_by_pillow(many.data)[0])


def test_scenes_have_palettes_of_their_own_where_these_pay():
    rng = np.random.default_rng(8)
    y, x = np.mgrid[:90, :120]
    red = np.stack([x * 2, y, 0 * x], -1)
    blue = np.stack([0 * x, y, 255 - x], -1)
    frames = [
        (ground + rng.integers(0, 9, (90, 120, 3))).clip(0, 255).astype(np.uint8) for ground in [red] * 5 + [blue] * 5
    ]
    several, one = animate(frames, colors=32), animate(frames, colors=32, shared=True)
    assert several.palettes == 2 and one.palettes == 1

    def off(made):
        return np.mean(
            [
                ((shown[..., :3].astype(float) - pixels) ** 2).mean()
                for shown, pixels in zip(shown_by_pillow(made.data)[0], frames)
            ]
        )

    assert off(several) < 0.8 * off(one)


def test_the_same_bytes_on_every_processor():
    made = animate(walk(), colors=50)
    with cpu.force("scalar"):
        assert animate(walk(), colors=50).data == made.data


def test_a_video_is_its_pictures_at_its_rate():
    video = clip(6, fps=Fraction(25))
    made = animate(video)
    assert made.seconds == Fraction(6, 25) and made.data == animate(list(video.pictures()), fps=25).data


def test_more_than_8_bits_are_scaled_where_the_range_is_known_and_else_refused():
    deep = clip(3, depth=10)
    pictures = [np.round(picture / 257).astype(np.uint8) for picture in deep.pictures()]
    made = animate(pictures, fps=25)
    assert animate(deep).data == codec.animate(deep).data == made.data
    frames = [codec.Frame(planes, bit_depth=10, matrix=deep.matrix) for planes in deep.frames]
    assert animate(frames, fps=25).data == codec.animate(frames, fps=25).data == made.data
    for paint in (animate, codec.animate):
        with pytest.raises(ParameterError, match="frame 0: image must be uint8, not uint16.*astype"):
            paint([picture.astype(np.uint16) for picture in pictures])


# ---------------------------------------------------------------- times


@given(st.fractions(min_value=Fraction(1, 50), max_value=3, max_denominator=1000), st.integers(1, 400))
def test_every_frame_begins_within_half_a_tick_of_its_time(length, count):
    delays = gif_delays([length] * count)
    for number in range(count + 1):
        assert abs(sum(delays[:number]) - 100 * number * length) <= Fraction(1, 2)


@pytest.mark.parametrize("fps", [25, 50, 30, 29.97, "30000/1001", 12, 7, 1])
def test_times_of_a_gif_as_others_read_them(fps):
    frames = [np.full((2, 2), 20 * i, np.uint8) for i in range(11)]
    made = animate(frames, fps=fps)
    _, seconds = shown_by_pillow(made.data)
    times = [sum(seconds[:i], Fraction(0)) for i in range(11)]
    rate = Fraction(repr(fps) if isinstance(fps, float) else fps)
    assert all(abs(time - i / rate) <= Fraction(1, 200) for i, time in enumerate(times)) and made.seconds == sum(
        seconds
    )
    assert shown_by_ffmpeg(made.data)[1] == times


def test_an_apng_holds_fractions():
    made = animate([np.full((2, 2), 20 * i, np.uint8) for i in range(3)], fps="60000/1001", format="apng")
    delays = [struct.unpack_from(">HH", data, 20) for kind, data in chunks(made.data) if kind == b"fcTL"]
    assert delays == [(1001, 60000)] * 3 and made.seconds == Fraction(3003, 60000)


@given(st.fractions(min_value=Fraction(1, 10**6), max_value=65535))
def test_delays_of_an_apng_fit_and_are_near(length):
    numerator, denominator = png_delay(length)
    assert (
        0 <= numerator <= 65535
        and 1 <= denominator <= 65535
        and abs(Fraction(numerator, denominator) - length) <= Fraction(1, 2) * max(length, Fraction(1, 32767))
    )


def test_what_no_browser_shows_in_time_is_refused():
    frames = [np.zeros((2, 2), np.uint8)] * 3
    with pytest.raises(ParameterError, match="50 frames per second"):
        animate(frames, fps=60)
    assert animate(frames, fps=60, format="apng").seconds == Fraction(1, 20)
    assert animate(frames, seconds=[1, 0.5, "1/4"]).seconds == Fraction(7, 4)
    for wrong in ([1, 2], [1, 1, 0], ["x"] * 3, -1):
        with pytest.raises(ParameterError):
            durations(3, 25, wrong)


@pytest.mark.parametrize("loops", (0, 3, None))
def test_loops_and_comments(loops):
    frames = [np.full((2, 2), 90 * i, np.uint8) for i in range(2)]
    image = Image.open(io.BytesIO(animate(frames, loops=loops, comment="caf\xe9").data))
    assert image.info.get("loop") == loops and image.info["comment"] == b"caf\xe9"
    parts = dict(chunks(animate(frames, format="apng", loops=loops, comment="caf\xe9").data))
    assert (
        struct.unpack(">II", parts[b"acTL"]) == (2, {0: 0, 3: 4, None: 1}[loops])
        and parts[b"tEXt"] == b"Comment\0caf\xe9"
    )


def test_numbers_of_an_apng_count_up():
    numbers = [
        struct.unpack_from(">I", data)[0]
        for kind, data in chunks(animate(walk(4), format="apng").data)
        if kind in (b"fcTL", b"fdAT")
    ]
    assert numbers == list(range(7))


# ---------------------------------------------------------------- targets, refusals


def test_a_size_is_reached():
    frames = walk(6, 60, 80)
    free = animate(frames, lossy=0).size
    for share, colors in ((1.1, 255), (0.7, 255), (0.25, 254)):
        made = animate(frames, target=f"size:{int(free * share)}")
        assert made.size <= free * share and made.target and made.passes <= 40
        assert (made.lossy == 0) == (share > 1) and made.colors <= colors
    with pytest.raises(ParameterError, match="cannot be reached"):
        animate(frames, target="size:200")


@pytest.mark.parametrize("wrong, says", [
    ({"colors": 1}, "colors"), ({"colors": 257}, "colors"), ({"colors": 8.5}, "colors"), ({"lossy": -1}, "lossy"),
    ({"lossy": 201}, "lossy"),
    ({"space": "hsv"}, "space"), ({"dither_strength": 2}, "dither_strength"), ({"target": "psnr:40"}, "size"),
    ({"format": "webp"}, "format"),
    ({"fps": 0}, "fps"), ({"fps": "x"}, "fps"), ({"loops": -1}, "loops"), ({"loops": "once"}, "loops.*None"),
    ({"loops": -1, "format": "apng"}, "loops"), ({"loops": True}, "loops"), ({"comment": "\u20ac"}, "comment"),
], ids=str)  # fmt: skip
def test_wrong_arguments(tmp_path, wrong, says):
    with pytest.raises(ParameterError, match=says):
        animate(
            [np.zeros((4, 4), np.uint8)] * 2, **({"path": tmp_path / "a.gif"} if "format" not in wrong else {}), **wrong
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames", [
    [], [np.zeros((0, 4), np.uint8)], [np.zeros((4, 4))], [np.zeros((4, 4, 2), np.uint8)],
    [np.zeros((4, 4), np.uint8), np.zeros((4, 5), np.uint8)],
    [np.zeros((1, 65536), np.uint8)], [np.full((4, 4), np.nan)],
], ids=lambda frames: str([frame.shape for frame in frames]))  # fmt: skip
def test_wrong_frames(tmp_path, frames):
    with pytest.raises(ParameterError, match="frame|sides"):
        animate(frames, tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_the_suffix_says_the_format(tmp_path):
    frames = [np.zeros((4, 4), np.uint8)] * 2
    for name, format in (("a.gif", "GIF"), ("a.apng", "PNG"), ("a.PNG", "PNG")):
        animate(frames, tmp_path / name)
        assert Image.open(io.BytesIO((tmp_path / name).read_bytes())).format == format
    with pytest.raises(ParameterError, match="suffix"):
        animate(frames, tmp_path / "a.webp")


# ---------------------------------------------------------------- one buffer for all frames


def refilled(frames):
    """One array, filled again for every frame, as readers of cameras and clips do."""
    buffer = np.empty_like(frames[0])
    for frame in frames:
        buffer[:] = frame
        yield buffer


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_generator_may_fill_the_same_array_again(channels):
    frames = walk(4)
    if channels != 3:
        frames = [pixels[..., 0] if channels == 1 else np.dstack([pixels, pixels[..., :1]]) for pixels in frames]
    for format in ("gif", "apng"):
        assert animate(refilled(frames), format=format).data == animate(frames, format=format).data


def test_one_picture_is_one_frame():
    frame = walk(1)[0]
    for one in (frame, frame[..., 0], Image.fromarray(frame)):
        assert animate(one).frames == 1
    assert animate(np.stack(walk(3))).frames == 3
    for wrong in (5, "a.png", ["a.png"], [b"\x89PNG"]):
        with pytest.raises(ParameterError, match="frames? "):
            animate(wrong)


# ---------------------------------------------------------------- the search for a size


def test_a_search_estimates_from_strips_and_ends_near_the_size():
    """A picture large enough for strips: two or three passes over the frames, and a bar that only moves forward."""
    rng = np.random.default_rng(5)
    frames = [pixels + rng.integers(0, 9, pixels.shape, dtype=np.uint8) for pixels in walk(6, 256, 300, noise=3)]
    sizes = {lossy: animate(frames, lossy=lossy).size for lossy in (0, 20)}
    assert len(reach.rows_of_sample(256, 300)) == 32
    for size in (sizes[0] * 11 // 10, sizes[20] * 8 // 10, sizes[20] * 6 // 10, sizes[20] // 2, sizes[20] // 4):
        told = []
        made = animate(frames, target=f"size:{size}", progress=lambda *at: told.append(at))
        # With 8 colours the size of noise falls by a step, which a quarter is on.
        assert made.size >= size * (0.85 if size == sizes[20] // 4 else 0.9)
        assert made.size <= size and made.passes <= 3
        if made.colors == 255:  # fewer are chosen from bins of colours
            assert animate(frames, lossy=made.lossy).size <= made.size * 1.01  # some frames may have less
        totals, done = {total for _, total in told}, [at for at, _ in told]
        assert len(totals) == 1 and done == sorted(set(done)) and told[-1] == (done[-1], done[-1])


def scripted(sizes, takes=lambda colors, lossy: 1, sampled=0.9):
    """A plan of `reach` whose frames have the bytes ``sizes(colors, lossy)`` and take the work ``takes(colors, lossy)``, and
    its sample an eighth of them; `sampled`: the share of its bytes that strips say.
    """

    class Plan:
        def __init__(self, share):
            self.pictures, self.has_lossy, self.passes, self.work = [None] * 40, True, 0, 0
            self.share, self.made, self.tail = share, {}, reach.tail(40)

        def sample(self):
            self.strips = Plan(1 / 8)
            return self.strips, 8, 8

        def tables(self, colors, most_work):
            return 0

        def choosing(self, colors):
            return 0

        def rest(self, made):
            return 0

        def sizes(self, colors, lossy):
            return self.made[colors, lossy]

        def frame(self, number, colors, lossy):
            # strips say what frames cost up to a fifth, and to a tenth in all
            drift = 0.9 + 0.2 * (5 * number % 8) / 7 if self.share == 1 else sampled
            self.used.append(lossy)
            self.work += takes(colors, lossy) * self.share
            return sizes(colors, lossy) * self.share * drift

        def paint(self, colors, lossy, steer=None):
            self.used, found, now = [], [], lossy
            for number in range(40):
                found.append(self.frame(number, colors, now))
                if steer and number + 1 in reach.judged(40):
                    now = steer(self.used, found)
                    if now is None:
                        return None
            self.passes += 1
            return self.file(colors, lossy, found)

        def repaint(self, colors, lossy, begun):
            found, self.used = self.made[colors, begun][: self.tail], self.used[: self.tail]
            found += [self.frame(number, colors, lossy) for number in range(self.tail, 40)]
            return self.file(colors, begun, found)

        def file(self, colors, begun, found):
            self.made[colors, begun] = found
            return animator.Animation(b"x" * int(sum(found)), "gif", 1, 1, 40, Fraction(1), colors, 1, max(self.used))

    return Plan(1)


@pytest.mark.parametrize("share", [1.5, 0.9, 0.5, 0.2, 0.08])
def test_a_pass_is_steered_to_the_size_or_given_up_early(share):
    """Whole frames are painted for less than one and a half passes, whatever the size; no frame differs much from the first."""
    plan = scripted(lambda colors, lossy: 20 * colors * max(lossy, 5) ** -0.5)
    size = int(40 * 20 * 255 * 20**-0.5 * share)
    made = reach.reach(plan, parse_target(f"size:{size}"), 255)
    assert 0.95 * size <= made.size <= size and plan.work < 60
    assert plan.used[0] / 1.5 <= min(plan.used) and max(plan.used) <= 1.5 * plan.used[0]


@pytest.mark.parametrize("share", [1.3, 0.8, 0.6, 0.4, 0.3, 0.15, 0.05])
@pytest.mark.parametrize("sampled", [0.6, 0.9, 1.1])
@pytest.mark.parametrize("power", [0.05, 0.4, 1.2])
@pytest.mark.parametrize("explodes", [False, True])
def test_a_search_takes_at_most_three_plain_passes(share, sampled, power, explodes):
    """However sizes fall, whatever strips say, and where great lossiness takes half as much work again; or the size is not
    reached, which takes no longer to find."""
    plan = scripted(
        lambda colors, lossy: 20 * colors**0.4 * max(lossy, 5) ** -power,
        lambda colors, lossy: (0.3 + 0.7 * colors / 255) * (1 + 0.5 * (explodes and lossy > 50)),
        sampled,
    )
    plain = 40 * 20 * 255**0.4 * 20**-power
    try:
        made = reach.reach(plan, parse_target(f"size:{int(plain * share)}"), 255)
        assert made.size <= plain * share
    except ParameterError:
        assert 40 * 20 * 8**0.4 * 200**-power > 0.95 * plain * share
    assert plan.work + plan.strips.work <= 3 * 40


def test_a_size_far_below_the_smallest_file_is_refused_by_its_first_frames():
    plan = scripted(lambda colors, lossy: 20 * colors**0.2 * max(lossy, 5) ** -0.2)
    smallest = 40 * 20 * 8**0.2 * 200**-0.2
    with pytest.raises(ParameterError, match="with 8 colours gives about"):
        reach.reach(plan, parse_target(f"size:{int(smallest * 0.5)}"), 255)
    assert plan.work <= 10


@pytest.mark.parametrize("sampled", [1.3, 4, 8])
def test_a_size_that_only_the_smallest_file_has_is_not_refused(sampled):
    """Though strips say more than whole frames take, eight times where they hold all that moves."""
    plan = scripted(lambda colors, lossy: 20 * colors**0.2 * max(lossy, 5) ** -0.2, sampled=sampled)
    size = int(40 * 20 * 8**0.2 * 200**-0.2 * 1.02)
    assert reach.reach(plan, parse_target(f"size:{size}"), 255).size <= size


@pytest.mark.parametrize("count, height, width", [(60, 20, 28), (1, 48, 64), (24, 12, 400)])
@pytest.mark.parametrize("share", [0.7, 0.4])
def test_small_pictures_take_at_most_three_plain_runs_too(count, height, width, share, monkeypatch):
    frames, painted, paint = walk(count, height, width), [], animator._Plan.paint
    monkeypatch.setattr(animator._Plan, "paint", lambda plan, *how: painted.append(plan) or paint(plan, *how))

    def work(**options):
        painted.clear()
        made = animate(frames, **options)
        return made, sum({id(plan): plan.work for plan in painted}.values())

    plain, once = work()
    made, searched = work(target=f"size:{int(plain.size * share)}")
    assert made.size <= plain.size * share and searched <= 3 * once


def test_a_sample_of_blocks_stands_for_the_frames_between_them():
    frames = reach.frames_of_sample(300, 1)
    assert len(frames) <= 300 // 6 and frames[:8] == [0, 1, 2, 3, 4, 5, 47, 48]
    assert reach.frames_of_sample(300, 8) == list(range(300)) and reach.frames_of_sample(20, 1) == list(range(20))
    sizes = [900 if at == 0 else 100 + at // 48 for at in range(300)]
    coded = [7777 if at and at - 1 not in frames else sizes[at] for at in frames]  # blocks begin over another frame
    assert all(abs(found - size) <= 1 for found, size in zip(reach.spread(coded, frames, 300), sizes))


@pytest.mark.parametrize("colors", [5, 40, 255])
def test_palettes_are_those_of_the_quantizer(colors):
    frames = walk(4, 90, 120)
    chosen, error = Palettes(frames, [None] * 4, "oklab").whole(colors)
    pixels = np.concatenate(frames)
    expected = PaletteQuantizer(colors, dither=None).fit([pixels])
    assert np.array_equal(chosen.entries, expected.palette_)
    off = chosen.off(canvas.points_of(pixels, "oklab"))
    assert error == off.astype(np.int64).sum() / off.size


def test_the_sample_is_all_of_a_small_picture_and_never_nothing():
    assert reach.rows_of_sample(60, 80) == list(range(60))
    for height, width in ((1, 60000), (240, 320), (4000, 2), (1080, 1920), (17, 9000)):
        rows = reach.rows_of_sample(height, width)
        assert rows == sorted(set(rows)) and 0 <= rows[0] and rows[-1] < height
        assert height * width // len(rows) // height * height <= 8 * height * width


# ---------------------------------------------------------------- frames below the asked quality


def test_frames_far_below_the_asked_quality_are_named():
    frames = [pixels for pixels in walk(6, 60, 80)]
    plain = animate(frames)
    assert plain.below == () and animate(frames, lossy=200).below == () and animate(frames, colors=4).below == ()
    made = animate(frames, target=f"size:{plain.size // 6}")
    assert made.below and any("far below the quality of 255 colours and a lossiness of 20" in w for w in made.warnings)
    assert animate(frames, target=f"size:{plain.size}").below == ()


@pytest.mark.parametrize("alpha", [False, True])
def test_a_frame_that_the_palette_of_the_others_does_not_serve(alpha):
    rng = np.random.default_rng(3)
    frames = [pixels // 8 * 8 for pixels in walk(30, noise=9)]
    frames[17] = rng.integers(0, 256, frames[0].shape, dtype=np.uint8)
    if alpha:
        soft = np.arange(50, dtype=np.uint8).repeat(37).reshape(50, 37).T + 100
        frames = [np.dstack([pixels, soft]) for pixels in frames]
    made = animate(frames, format="apng", colors=32)
    assert 17 in made.below and len(made.below) <= 2 and f"{len(made.below)} of 30 frames" in made.warnings[-1]
    shown, _ = shown_by_pillow(made.data)
    off = [np.square(a[..., :3].astype(float) - b[..., :3]).mean() for a, b in zip(shown, frames)]
    assert off[17] == max(off) > 3 * np.median(off)


def test_a_target_of_partial_transparency_names_its_frames():
    rng = np.random.default_rng(4)
    frames = [rng.integers(0, 256, (30, 40, 4), dtype=np.uint8) for _ in range(3)]
    plain = animate(frames, format="apng")
    assert plain.below == ()
    assert animate(frames, format="apng", target=f"size:{plain.size * 2 // 5}").below == (0, 1, 2)


def test_profiles_of_pillow_images_are_not_dropped_in_silence():
    images = [Image.fromarray(pixels) for pixels in walk(2)]
    images[1].info["icc_profile"] = b"some profile"
    for format in ("gif", "apng"):
        assert "ICC profiles of 1 images" in animate(images, format=format).warnings[-1]
    assert animate(images, format="apng", icc=b"a profile").warnings == ()
    with pytest.raises(ParameterError, match="convert the frames to sRGB"):
        animate(images, icc=b"a profile")
