"""The page: a single file, the same for the same rows, explicit about gaps, and safe against markup in names."""

import base64
import hashlib
import html.parser
import json
import math
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from codec import rd
from codec.errors import FileError, ParameterError
from codec.rd import crops

SAMPLES = pathlib.Path(__file__).parent.parent.parent / "samples"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;\u2028\u2029\u202egnp.exe<!--"


class Page(html.parser.HTMLParser):
    """Elements of a page with their attributes, and the text of its scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self._open = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        kind = dict(attrs).get("type", "")
        self._open = (tag, kind) if tag in ("script", "style", "title") else None

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.text[self._open] = self.text.get(self._open, "") + data

    @property
    def data(self):
        return json.loads(self.text["script", "application/json"])

    @property
    def policy(self):
        (content,) = [a["content"] for tag, a in self.elements if a.get("http-equiv") == "Content-Security-Policy"]
        return dict(part.split(" ", 1) for part in content.split("; "))


def curve(point, image, codec="jpeg", factor=1.0, metrics=("psnr", "ssim"), **changes):
    """Rows of one picture at four qualities, better and longer with quality."""
    values = {"psnr": lambda q: 25 + q / 10, "ssim": lambda q: 0.5 + q / 200, "mse": lambda q: 200.0 - 2 * q}
    return [
        point(
            image,
            q,
            codec=codec,
            bpp=factor * q / 40,
            bytes=q * 10,
            metrics={name: values[name](q) for name in metrics},
            **changes,
        )
        for q in (20, 40, 60, 80)
    ]


@pytest.fixture(scope="module")
def measured():
    names = ("graphics.png", "clock.png", "odd_17x33.png")
    sweep = rd.sweep(
        [SAMPLES / name for name in names],
        quality=(20, 40, 60, 80),
        subsampling=("4:2:0", "4:4:4"),
        metrics=("psnr", "ssim"),
    )
    rows = list(sweep)
    assert not sweep.failures
    return rows


@pytest.fixture(scope="module")
def page(measured):
    return rd.report(measured, crop=64)


def test_one_file_asks_nothing_of_others(page):
    parsed = Page(page)
    assert not [
        tag for tag, _ in parsed.elements if tag in ("iframe", "object", "embed", "base", "form", "video", "audio")
    ]
    for tag, attributes in parsed.elements:
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("style", "srcset", "srcdoc"), (tag, name)
            if name in ("src", "href", "action"):
                assert value.startswith(("#", "data:")), (tag, value)
    style, script = parsed.text["style", ""], parsed.text["script", ""]
    assert "url(" not in style and "@import" not in style
    for call in (
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "import(",
    ):
        assert call not in script
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_the_policy_admits_this_script_and_this_style_only(page):
    parsed = Page(page)
    policy = parsed.policy
    assert policy["default-src"] == "'none'" and policy["img-src"] == "data:" and policy["base-uri"] == "'none'"
    for kind in ("script", "style"):
        digest = hashlib.sha256(parsed.text[kind, ""].encode()).digest()
        assert policy[f"{kind}-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert "</" not in parsed.text["script", "application/json"] and page.isascii()


def test_the_same_rows_give_the_same_page(measured, page):
    assert rd.report(measured, crop=64) == page


def test_it_is_written_whole(tmp_path, measured, page):
    assert rd.report(measured, tmp_path / "report.html", crop=64) == page
    assert (tmp_path / "report.html").read_text("ascii") == page
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileError, match="cannot write .*nowhere"):
        rd.report(measured, tmp_path / "nowhere" / "report.html", pictures=0)


def test_rows_are_all_there(measured, page):
    data = Page(page).data
    assert data["families"] == ["4:2:0", "4:4:4"] and [m["name"] for m in data["metrics"]] == ["psnr", "ssim"]
    assert [image["name"] for image in data["images"]] == ["graphics.png", "clock.png", "odd_17x33.png"]
    for row, point in zip(data["rows"], measured, strict=True):
        assert data["families"][row[0]] == point.setting["subsampling"]
        assert data["images"][row[1]]["path"] == point.image and data["images"][row[1]]["sha256"] == point.sha256
        assert data["settings"][row[2]][0] == str(point.setting["quality"]) and row[3] == point.bytes
        assert row[-2:] == pytest.approx([point.metrics["psnr"], point.metrics["ssim"]], rel=1e-5)


def test_deltas_are_those_of_compare_for_every_anchor(measured, page):
    data = Page(page).data
    for metric in ("psnr", "ssim"):
        for a, anchor in enumerate(data["families"]):
            for name, expected in rd.compare(measured, metric, anchor).items():
                shown = data["deltas"][metric][str(a)][str(data["families"].index(name))]
                assert shown["n"] == expected.n and shown["mean"] == pytest.approx(expected.mean, rel=1e-5)
                assert len(shown["values"]) + len(shown["refused"]) == len(expected.images)
                assert all(reason for _, reason in shown["refused"])


def test_crops_are_what_the_codec_makes_of_the_original(measured, page):
    data = Page(page).data
    (entry,) = [e for e in data["show"]["entries"] if data["images"][e["image"]]["name"] == "graphics.png"]
    original = np.asarray(Image.open(SAMPLES / "graphics.png"))
    x, y, width, height = entry["crop"]
    assert x % 8 == y % 8 == 0 and (width, height) == (64, 64)
    assert np.array_equal(pixels_of(entry["original"]), original[y : y + 64, x : x + 64])
    from codec import decode, encode

    for one in entry["rates"]:
        for family, version in one["versions"].items():
            setting = measured[version["row"]].setting
            assert setting["subsampling"] == data["families"][int(family)] and version["notes"] == []
            again = decode(
                encode(original, setting["quality"], subsampling=setting["subsampling"], effort=setting["effort"])
            )
            assert np.array_equal(pixels_of(version["data"]), again[y : y + 64, x : x + 64])
            assert pixels_of(version["bits"]["data"]).shape == pixels_of(version["error"]["data"]).shape == (25, 40)


def pixels_of(uri):
    import io

    kind, _, data = uri.partition(";base64,")
    assert kind in ("data:image/png", "data:image/webp")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:0", "4:4:4"])
@pytest.mark.parametrize("shape", [(33, 17, 3), (64, 48, 3), (40, 24)])
def test_bits_of_squares_add_up_to_those_of_blocks_inside(subsampling, shape):
    from codec import jpeg

    pixels = np.random.default_rng(3).integers(0, 256, shape, np.uint8)
    encoded = jpeg.encode(pixels, 60, subsampling=subsampling if len(shape) == 3 else "auto")
    squares = crops.bits_of_blocks(encoded)
    assert squares.shape == (-(-shape[0] // 8), -(-shape[1] // 8))
    total = sum(int(bits.sum()) for bits in encoded.block_bits)
    if shape[0] % 16 == shape[1] % 16 == 0 or len(shape) == 2:
        assert squares.sum() == pytest.approx(total)
    else:
        assert 0.5 * total < squares.sum() <= total


def test_the_window_with_the_most_error_is_found():
    a, b = np.zeros((600, 90, 3), np.uint8), np.zeros((600, 90, 3), np.uint8)
    b[550:560, 70:80, 1] = 9
    error = crops.squared_error(a, b)
    assert error.shape == (75, 12) and error.sum() == pytest.approx(100 * 81 / 3)
    x, y, width, height = crops.worst_window(error, 600, 90, 32)
    assert (width, height) == (32, 32) and x <= 70 and x + 32 >= 80 and y <= 550 and y + 32 >= 560
    assert crops.worst_window(np.ones((1, 1)), 5, 7, 32) == (0, 0, 7, 5)
    error[:] = 0
    error[-1, -1] = 1
    assert crops.worst_window(error, 600, 90, 40) == (56, 560, 34, 40)


@pytest.mark.parametrize("kind", ["gray", "inks", "no webp"])
def test_crops_of_other_kinds(tmp_path, monkeypatch, kind):
    path = tmp_path / "picture.tif"
    if kind == "inks":
        Image.effect_noise((64, 48), 60).convert("RGB").convert("CMYK").save(path)
    else:
        Image.effect_noise((64, 48), 60).save(path)
    if kind == "no webp":
        monkeypatch.setattr("PIL.features.check", lambda name: False)
    (entry,) = Page(rd.report(rd.sweep(path, quality=(20, 50, 80, 90)), crop=32)).data["show"]["entries"]
    assert entry["original"].startswith("data:image/" + ("png" if kind == "no webp" else "webp"))
    assert pixels_of(entry["original"]).shape[:2] == (32, 32) and entry["rates"][0]["versions"]["0"]["data"]


def test_worst_and_best_by_turns(point):
    curves = {}
    for number, name in enumerate("abcde"):
        rows = [
            point(name, q, bpp=q / 40, metrics={"psnr": q / 2 + number, "mse": 100.0 - q - number}) for q in (20, 80)
        ]
        curves[name, ""] = {"jpeg": rows}
    assert [name for name, _ in crops.choose(curves, ["psnr"], set(), 1.0, 3)] == ["a", "e", "b"]
    assert [name for name, _ in crops.choose(curves, ["mse"], {"mse"}, 1.0, 2)] == ["a", "e"]
    assert crops.choose(curves, ["ssim"], set(), 1.0, 3) == []


@pytest.mark.parametrize("limit", [0, 60_000, 150_000, 400_000])
def test_the_page_keeps_its_size(measured, limit):
    page = rd.report(measured, crop=128, max_bytes=limit)
    bare = rd.report(measured, pictures=0)
    assert len(page) <= max(limit, len(bare) + 500)
    data = Page(page).data
    assert data["show"]["left_out"] > 0 or limit == 400_000
    for entry in data["show"]["entries"]:
        for version in (v for one in entry["rates"] for v in one["versions"].values()):
            assert version["data"] or "reached its size" in version["reason"]


def test_an_original_that_is_gone_or_changed_is_told(tmp_path, point):
    changed = tmp_path / "changed.png"
    Image.new("RGB", (20, 10), "red").save(changed)
    page = rd.report(curve(point, str(changed)) + curve(point, str(tmp_path / "gone.png")))
    reasons = {entry["reason"] for entry in Page(page).data["show"]["entries"]}
    assert any("changed.png has changed since" in reason for reason in reasons)
    assert any("gone.png" in reason and "No such file" in reason for reason in reasons)


def test_an_original_that_moved_is_found_by_name_and_content(tmp_path, measured):
    rows = [row for row in measured if row.image.endswith("graphics.png")]
    moved = [rd.Point(**{**vars(row), "image": "/elsewhere/graphics.png"}) for row in rows]
    (tmp_path / "graphics.png").write_bytes(b"another picture of that name")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "graphics.png").write_bytes((SAMPLES / "graphics.png").read_bytes())
    assert Page(rd.report(moved, crop=64)).data["show"]["entries"][0]["original"] is None
    assert Page(rd.report(moved, crop=64, images=tmp_path)).data["show"]["entries"][0]["original"]
    with pytest.raises(ParameterError, match="there is no .*nowhere; name files or folders"):
        rd.report(moved, images=[tmp_path / "nowhere"])


def test_a_codec_that_is_not_here_is_told(measured):
    rows = [rd.Point(**{**vars(row), "codec": "wavelets"}) for row in measured]
    for entry in Page(rd.report(rows, crop=64)).data["show"]["entries"]:
        assert entry["original"] and all(
            "wavelets" in v["reason"] for one in entry["rates"] for v in one["versions"].values()
        )


def test_a_row_that_another_version_made_is_told(measured):
    rows = [rd.Point(**{**vars(row), "bytes": row.bytes + 1}) for row in measured]
    entry = Page(rd.report(rows, crop=64)).data["show"]["entries"][0]
    assert "encoded again it takes" in entry["rates"][0]["versions"]["0"]["notes"][0]


def test_hostile_names_stay_data(point):
    rows = []
    for row in curve(point, HOSTILE, codec=HOSTILE, machine=HOSTILE, codec_version=HOSTILE, metrics=("psnr",)):
        rows.append(
            rd.Point(
                **{**vars(row), "setting": {**row.setting, HOSTILE: HOSTILE}, "metrics": {HOSTILE: row.metrics["psnr"]}}
            )
        )
    page = rd.report(rows, title=HOSTILE, failures=[HOSTILE])
    parsed = Page(page)
    assert sum(tag == "script" for tag, _ in parsed.elements) == 2 and not [
        tag for tag, _ in parsed.elements if tag == "img"
    ]
    data = parsed.data
    shown = HOSTILE.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\u202e", "\\u202e")
    assert data["images"][0]["path"] == shown and data["title"] == shown and data["failures"][0] == shown
    assert (
        data["metrics"][0]["name"] == shown
        and shown in data["settings"][0][1]
        and data["origins"][0]["machine"] == shown
    )
    assert parsed.text["title", ""] == shown


def test_a_name_that_is_no_text_is_shown_as_escapes(point):
    page = rd.report(curve(point, b"\xff\x1b[31m.png".decode("utf-8", "surrogateescape")))
    assert Page(page).data["images"][0]["path"] == "\\udcff\\x1b[31m.png"


def test_a_picture_at_no_path_at_all(point):
    (entry,) = Page(rd.report(curve(point, "a\0b.png"))).data["show"]["entries"]
    assert "a\\x00b.png" in entry["reason"]


def test_rows_may_lack_a_metric(point):
    rows = curve(point, "a.png") + curve(point, "b.png", metrics=("psnr",))
    data = Page(rd.report(rows)).data
    assert [row[-1] is None for row in data["rows"]] == [False] * 4 + [True] * 4
    assert data["means"]["psnr"]["images"] == 2 and data["means"]["ssim"]["images"] == 1
    assert data["means"]["ssim"]["note"] == ""


def test_a_lossless_picture_is_left_out_of_the_means_and_named(point):
    rows = curve(point, "a.png") + curve(point, "flat.png")
    for row in rows[4:]:
        row.metrics["psnr"] = math.inf
    found = Page(rd.report(rows)).data["means"]["psnr"]
    assert found["images"] == 1 and found["lossless"] == ["flat.png"]
    assert found["curves"] == [[[str(row.setting["quality"]), row.bpp, row.metrics["psnr"]] for row in rows[:4]]]


def test_one_origin_is_one_line_whatever_its_fingerprints(point):
    rows = [point("a.png", quality, fingerprint=f"{quality:016x}") for quality in (20, 40, 60, 80)]
    rows += [point(row.image, row.setting["quality"], codec_version="0.2.0") for row in rows]
    origins = Page(rd.report(rows)).data["origins"]
    assert [(origin["codec_version"], origin["rows"]) for origin in origins] == [("0.1.0", 4), ("0.2.0", 4)]
    assert [len(origin["fingerprints"]) for origin in origins] == [4, 0]
    assert origins[0]["fingerprints"][1] == f"{40:016x}  subsampling 4:2:0, effort 5, quality 40"


def test_numbers_that_are_none(point):
    rows = curve(point, "a.png")
    rows[0].metrics["psnr"], rows[3].metrics["psnr"] = math.nan, math.inf
    rows += [point("b.png", 20, bpp=math.nan), point("b.png", 40, bpp=0.0), point("b.png", 60, bpp=math.inf)]
    data = Page(rd.report(rows)).data
    assert [row[-2] for row in data["rows"]] == [None, 29.0, 31.0, "inf"] and data["unusable"] == 3
    with pytest.raises(ParameterError, match="no row has a rate"):
        rd.report(rows[4:])


def test_one_picture_and_one_family(point):
    data = Page(rd.report(curve(point, "a.png"))).data
    assert len(data["families"]) == 1 and data["deltas"] == {"psnr": {"0": {}}, "ssim": {"0": {}}}
    assert data["means"]["psnr"]["images"] == 1


def test_curves_that_do_not_meet_are_refused_with_the_reason(point):
    far = [
        rd.Point(**{**vars(row), "metrics": {"psnr": row.metrics["psnr"] + 100}})
        for row in curve(point, "a.png", "other")
    ]
    data = Page(rd.report(curve(point, "a.png") + far, metrics="psnr")).data
    one = data["deltas"]["psnr"]["0"]["1"]
    assert one["mean"] is None and "share no range of scores" in one["refused"][0][1]


def test_a_metric_of_which_less_is_better(point):
    rows = curve(point, "a.png", metrics=("mse",)) + curve(point, "a.png", "other", 0.8, metrics=("mse",))
    data = Page(rd.report(rows)).data
    assert data["metrics"][0]["lower"] and data["deltas"]["mse"]["0"]["1"]["mean"] == pytest.approx(-20)


def test_pictures_without_a_common_setting_have_no_mean(point):
    data = Page(rd.report([point("a.png", 50), point("b.png", 90)])).data
    assert (
        data["means"]["psnr"]["images"] == 0
        and "no picture has a row at every setting" in data["means"]["psnr"]["note"]
    )
    assert data["gaps"] == [[0, 0, ["90"]], [0, 1, ["50"]]]


def test_pictures_of_one_name_are_told_apart(point):
    rows = curve(point, "x/a.png") + curve(point, "y/a.png") + curve(point, "x/a.png", sha256="1" * 64)
    assert [image["name"] for image in Page(rd.report(rows)).data["images"]] == [
        "x/a.png (00000000)",
        "y/a.png",
        "x/a.png (11111111)",
    ]


@pytest.mark.parametrize(
    "options, says",
    [
        ({"metrics": ("psnr", "vmaf")}, "no row has the metric 'vmaf'; the rows have psnr, ssim"),
        ({"metrics": ()}, "there is no metric to show"),
        ({"anchor": "webp"}, "no family is called 'webp'"),
        ({"at": 0}, "at must be bits per pixel, or kbit/s of clips, positive, not 0"),
        ({"at": (1, math.nan)}, "at must be bits per pixel"),
        ({"pictures": -1}, "pictures must be an integer from 0 on"),
        ({"crop": 8}, "crop must be an integer from 16 on"),
        ({"crop": 5000}, "crop must be at most 1024"),
        ({"max_bytes": 1.5}, "max_bytes must be an integer"),
    ],
)
def test_wrong_options_are_refused(point, options, says):
    with pytest.raises(ParameterError, match=says):
        rd.report(curve(point, "a.png"), **options)


def test_no_rows_are_refused():
    with pytest.raises(ParameterError, match="there are no rows to report: run codec rd sweep first"):
        rd.report([])


def test_templates_are_ascii_and_free_of_what_ends_them():
    folder = pathlib.Path(crops.__file__).parent / "templates"
    assert {path.suffix for path in folder.iterdir()} == {".html", ".css", ".js"}
    for path in folder.iterdir():
        text = path.read_text("ascii")
        assert path.suffix == ".html" or not re.search(r"</(script|style)|<!--", text)
