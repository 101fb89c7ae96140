// Pictures, and one frame of each clip: crops side by side, with a slider or flicker, error and bit maps.

const SHOW = DATA.show, CLIPS = DATA.noun === "video";
const MODES = [...(CLIPS ? [["frames", "Frame by frame"]] : []), ["side", "Side by side"], ["slider", "Slider"], ["flicker", "Flicker"], ["error", "Errors"], ["bits", "Bits"],
  ...(CLIPS ? [["blocks", "Macroblocks"]] : [])];
const viewer = { entry: 0, rate: 0, mode: MODES[0][0], layer: "modes", left: -1, right: 0, zoom: { crop: 1, pair: 2, blocks: 2 }, whole: false, full: 32, seam: 50, pause: calm.matches, half: 600, timer: 0 };

// The score that ranks a picture: the metric at the rate, linear over log rate, mean over the families.
function rankScore(image, wanted) {
  const at = ROW.metric + state.metric, scores = [];
  DATA.families.forEach((_, family) => {
    const rows = rowsOf(family, image).filter((row) => finite(row[at]));
    if (!rows.length) return;
    const above = rows.findIndex((row) => row[ROW.rate] >= wanted);
    if (above <= 0) { scores.push(rows[above < 0 ? rows.length - 1 : 0][at]); return; }
    const [a, b] = [rows[above - 1], rows[above]], t = Math.log(wanted / a[ROW.rate]) / Math.log(b[ROW.rate] / a[ROW.rate]);
    scores.push(a[at] + t * (b[at] - a[at]));
  });
  return scores.length ? scores.reduce((sum, one) => sum + one, 0) / scores.length : null;
}

function ranking() {
  const sign = DATA.metrics[state.metric].lower ? -1 : 1;
  const scored = DATA.images.map((_, image) => ({ image, score: rankScore(image, SHOW.rates[viewer.rate]) })).filter((one) => one.score !== null);
  scored.sort((a, b) => sign * (a.score - b.score));
  return new Map(scored.map((one, place) => [one.image, { place: place + 1, of: scored.length, score: one.score }]));
}

function tellPictures() {
  const lead = byId("pictures-lead");
  if (!SHOW.entries.length) {
    lead.textContent = `No ${DATA.noun}s were asked for.`;
    byId("viewer").hidden = true;
    return;
  }
  const kind = DATA.metrics[state.metric];
  lead.replaceChildren("Ranked by mean ", element("strong", {}, kind.label), " of all families at ", element("strong", {}, rate(SHOW.rates[viewer.rate])),
    ", worst first. Every family is shown by its row nearest to that rate, made again from the original. ",
    CLIPS ? `Pixels are of one frame of each video, the one where the families together err most at ${rate(SHOW.rates[0])}; the crop is where they err most in it.`
      : "The crop is where the families together err most.",
    SHOW.left_out ? ` ${plural(SHOW.left_out, "crop or map", "crops and maps")} left out to keep this page below ${significant(SHOW.limit / 1e6, 2)} MB.` : "");
  const ranks = ranking(), place = (number) => (ranks.get(SHOW.entries[number].image) || { place: Infinity }).place;
  const order = SHOW.entries.map((_, number) => number).sort((a, b) => place(a) - place(b));
  const cards = order.map((number) => card(number, ranks.get(SHOW.entries[number].image)));
  const focused = document.activeElement && document.activeElement.name === "entry";
  byId("cards").replaceChildren(...cards);
  if (focused) byId("cards").querySelector("input:checked").focus();
}

function card(number, rank) {
  const entry = SHOW.entries[number], name = DATA.images[entry.image].name;
  const extreme = !rank ? "" : rank.place === 1 ? "worst of " + rank.of : rank.place === rank.of ? "best of " + rank.of : `${rank.place} of ${rank.of}`;
  return element("label", { class: "card", title: name },
    element("input", { type: "radio", name: "entry", checked: number === viewer.entry, onchange: () => { viewer.entry = number; drawStage(); } }),
    element("span", { class: "frame" }, entry.thumbnail ? element("img", { src: entry.thumbnail, alt: "" }) : "no original"),
    element("span", { class: "file" }, name), CLIPS && entry.crop ? element("span", { class: "rank" }, `frame ${entry.frame} (0 to ${DATA.images[entry.image].frames - 1})`) : null,
    element("span", { class: "rank" }, rank ? `${extreme}, ${score(rank.score)}` : "not ranked"));
}

const select = (label, id, options, value, choose) => element("label", { id: id + "-label" }, label,
  element("select", { id, onchange: (event) => choose(event.target.value) }, ...options.map(([key, text]) => element("option", { value: key, selected: String(key) === String(value) }, text))));

function buildViewer() {
  if (!SHOW.entries.length) return;
  if (byId("viewer").clientWidth < 620) viewer.zoom.pair = 1;
  if (DATA.families.length > 1) viewer.right = DATA.anchor === 0 ? 1 : 0;
  const sides = [[-1, "original"], ...DATA.families.map((name, family) => [family, name])];
  byId("viewer").replaceChildren(
    element("div", { class: "strip", id: "cards", role: "radiogroup", "aria-label": (CLIPS ? "Video" : "Picture") + " to look at, worst first" }),
    element("div", { class: "controls" },
      element("div", { class: "modes", role: "radiogroup", "aria-label": "How to compare" }, ...MODES.map(([key, text]) => element("label", {},
        element("input", { type: "radio", name: "mode", value: key, checked: key === viewer.mode, onchange: () => { viewer.mode = key; drawStage(); } }), text))),
      select("Rate", "rate", SHOW.rates.map((wanted, r) => [r, rate(wanted)]), 0, (value) => { viewer.rate = Number(value); tellPictures(); drawStage(); }),
      select("Zoom", "zoom", [1, 2, 3, 4].map((zoom) => [zoom, zoom + "\u00d7"]), 1, (value) => { viewer.zoom[zoomKey()] = Number(value); drawStage(); }),
      select("Left", "left", sides, viewer.left, (value) => { viewer.left = Number(value); drawStage(); }),
      select("Right", "right", sides, viewer.right, (value) => { viewer.right = Number(value); drawStage(); }),
      select("Extent", "whole", [["", "the crop"], ["1", CLIPS ? "whole frame" : "whole picture"]], "", (value) => { viewer.whole = Boolean(value); drawStage(); }),
      select("Full scale", "full", [8, 16, 32, 64, 128].map((full) => [full, full + " levels"]), viewer.full, (value) => { viewer.full = Number(value); drawStage(); }),
      select("Each for", "half", [[1000, "1 s"], [600, "0.6 s"], [350, "0.35 s"]], viewer.half, (value) => { viewer.half = Number(value); drawStage(); }),
      select("Show", "layer", LAYERS, viewer.layer, (value) => { viewer.layer = value; drawStage(); })),
    element("div", { class: "stage", id: "stage" }));
  if (CLIPS) whenResized(byId("viewer"), () => { if (viewer.mode === "frames") drawStage(); });
  calm.addEventListener("change", () => { viewer.pause = viewer.pause || calm.matches; drawStage(); });
}

const isPair = () => viewer.mode === "slider" || viewer.mode === "flicker";
const zoomKey = () => (isPair() ? "pair" : viewer.mode === "blocks" ? "blocks" : "crop");
const entryNow = () => SHOW.entries[viewer.entry];
const version = (family) => (family < 0 ? null : entryNow().rates[viewer.rate].versions[family]);
const sideName = (family) => (family < 0 ? "original" : DATA.families[family]);
const sideData = (family) => (family < 0 ? entryNow().original : (version(family) || {}).data);
function sideReason(family) {
  if (family < 0) return entryNow().original ? "" : "The original is left out: the report has reached its size.";
  const one = version(family);
  return !one ? `This family has no row of this ${DATA.noun}.` : one.data ? "" : one.reason || "left out";
}

function drawStage() {
  if (!SHOW.entries.length) return;
  clearInterval(viewer.timer);
  const shows = { zoom: !["frames", "bits"].includes(viewer.mode) && !(viewer.mode === "error" && viewer.whole) && !(viewer.mode === "blocks" && viewer.layer === "qp"), left: isPair(), right: isPair(), whole: viewer.mode === "error",
    full: viewer.mode === "error" && !viewer.whole, half: viewer.mode === "flicker", layer: viewer.mode === "blocks", rate: SHOW.rates.length > 1 };
  for (const [name, on] of Object.entries(shows)) byId(name + "-label").hidden = !on;
  byId("zoom").value = String(viewer.zoom[zoomKey()]);
  const entry = entryNow(), stage = byId("stage");
  if (!entry.crop) {
    stage.replaceChildren(element("p", { class: "empty" }, `${DATA.images[entry.image].name} cannot be shown: ${entry.reason}.`));
    return;
  }
  const make = { side: gallery, slider, flicker, error: errors, bits, frames: frameByFrame, blocks };
  stage.replaceChildren(...make[viewer.mode]());
}

function scaled(node, zoom = viewer.zoom[zoomKey()]) {
  const [, , width, height] = entryNow().crop;
  node.style.width = width * zoom + "px"; node.style.height = height * zoom + "px";
  return node;
}
const cropImage = (family) => scaled(element("img", { src: sideData(family), alt: `${DATA.images[entryNow().image].name}, ${sideName(family)}`, draggable: "false" }));

function caption(family, ...more) {
  if (family < 0) {
    const [x, y, width, height] = entryNow().crop;
    return element("figcaption", {}, element("b", {}, "original" + (CLIPS ? `, frame ${entryNow().frame}` : "")), element("span", {}, `${width} \u00d7 ${height} pixels at ${x}, ${y}`), ...more);
  }
  const one = version(family);
  if (!one) return element("figcaption", {}, element("b", {}, DATA.families[family]), ...more);
  const row = DATA.rows[one.row], kind = DATA.metrics[state.metric];
  return element("figcaption", {}, element("b", {}, DATA.families[family]),
    element("span", {}, `${quality(row) ? quality(row) + ", " : ""}${rate(row[ROW.rate])}`), element("span", {}, `${kind.label}: ${score(row[ROW.metric + state.metric])}`),
    ...one.notes.map((note) => element("span", {}, note)), ...more);
}

const figure = (family, content, ...more) => element("figure", {}, content, caption(family, ...more));
const absent = (why) => element("div", { class: "absent" }, why);
const windowOf = (content, label) => element("div", { class: "window", tabindex: 0, role: "group", "aria-label": label }, content);

function gallery() {
  const sides = [-1, ...DATA.families.map((_, family) => family)];
  return [element("div", { class: "gallery" }, ...sides.map((family) =>
    figure(family, sideData(family) ? windowOf(cropImage(family), "Crop, " + sideName(family)) : absent(sideReason(family)))))];
}

// Both sides of a comparison, or figures with the reason why there is none.
function pairOrReasons(build) {
  const missing = [viewer.left, viewer.right].filter((family) => !sideData(family));
  if (missing.length) return [element("div", { class: "gallery" }, ...missing.map((family) => figure(family, absent(sideReason(family)))))];
  return build();
}

// Names and scores of the two sides, beside the picture.
function against(pair) {
  const sides = [viewer.left, viewer.right].filter((family) => family >= 0);
  const [x, y, width, height] = entryNow().crop;
  const facts = [["setting", quality], ["rate", (row) => rate(row[ROW.rate])], ["size", (row) => bytes(row[ROW.bytes])],
    ...DATA.metrics.map((metric, m) => [metric.label, (row) => score(row[ROW.metric + m], m)])];
  const table = element("table", {},
    element("thead", {}, element("tr", {}, element("td"), ...sides.map((family) => element("th", { scope: "col" }, sideName(family))))),
    element("tbody", {}, ...facts.map(([name, of]) => element("tr", {}, element("th", { scope: "row" }, name),
      ...sides.map((family) => element("td", {}, of(DATA.rows[version(family).row])))))));
  const notes = sides.flatMap((family) => version(family).notes.map((note) => element("p", { class: "keys" }, `${sideName(family)}: ${note}`)));
  return element("div", { class: "beside" }, pair, element("div", { class: "against" }, sides.length ? table : null,
    element("p", { class: "keys" }, `Crop of ${width} \u00d7 ${height} pixels at ${x}, ${y}${CLIPS ? ` of frame ${entryNow().frame}` : ""}; values are of the whole ${DATA.noun}.`), ...notes));
}

function slider() {
  return pairOrReasons(() => {
    const over = cropImage(viewer.left), seam = element("div", { class: "seam" });
    over.classList.add("over");
    const pair = element("div", { class: "pair" }, cropImage(viewer.right), over, seam,
      element("span", { class: "tag left" }, sideName(viewer.left)), element("span", { class: "tag right" }, sideName(viewer.right)));
    const range = element("input", { type: "range", min: 0, max: 100, step: 1, value: viewer.seam, id: "seam", "aria-label": `Seam between ${sideName(viewer.left)} on the left and ${sideName(viewer.right)} on the right` });
    const place = () => {
      viewer.seam = Number(range.value);
      over.style.clipPath = `inset(0 ${100 - viewer.seam}% 0 0)`;
      seam.style.left = viewer.seam + "%";
      range.setAttribute("aria-valuetext", viewer.seam + " % " + sideName(viewer.left));
    };
    const follow = (event) => {
      const box = pair.getBoundingClientRect();
      range.value = String(100 * (event.clientX - box.left) / box.width);
      place();
    };
    // If the crop is wider than the screen, a finger moves the crop and the range input below moves the seam.
    const roams = (event) => event.pointerType === "touch" && pair.parentElement.clientWidth < pair.clientWidth;
    range.addEventListener("input", place);
    pair.addEventListener("pointerdown", (event) => { if (!roams(event)) { pair.setPointerCapture(event.pointerId); follow(event); } });
    pair.addEventListener("pointermove", (event) => { if (!roams(event) && (event.buttons || event.pointerType === "mouse")) follow(event); });
    requestAnimationFrame(() => { pair.style.touchAction = roams({ pointerType: "touch" }) ? "auto" : "pan-y"; });
    place();
    return [against(element("div", {}, element("div", { class: "window" }, pair), element("div", { class: "under" }, range)))];
  });
}

function flicker() {
  return pairOrReasons(() => {
    const over = cropImage(viewer.right), tag = element("span", { class: "tag left" });
    over.classList.add("over");
    const pair = element("div", { class: "pair still" }, cropImage(viewer.left), over, tag);
    let second = false;
    const turn = () => { over.style.visibility = second ? "visible" : "hidden"; tag.textContent = sideName(second ? viewer.right : viewer.left); };
    const swap = () => { second = !second; turn(); };
    const button = element("button", { type: "button", id: "play", onclick: () => { viewer.pause = !viewer.pause; run(); } });
    const run = () => {
      clearInterval(viewer.timer);
      if (!viewer.pause) viewer.timer = setInterval(swap, viewer.half);
      button.textContent = viewer.pause ? "Play" : "Pause";
    };
    turn(); run();
    const once = element("button", { type: "button", id: "swap", onclick: () => { viewer.pause = true; run(); swap(); } }, "Swap once");
    return [against(element("div", {}, element("div", { class: "window" }, pair), element("div", { class: "under" }, button, once,
      calm.matches ? "It stands still because your system asks for reduced motion." : "")))];
  });
}

// Black over violet and orange to pale yellow: ordered by brightness.
const RAMP = [[8, 6, 20], [72, 16, 104], [160, 42, 100], [224, 92, 48], [250, 174, 40], [252, 250, 190]];
function ramp(t) {
  const at = Math.min(1, Math.max(0, t)) * (RAMP.length - 1), i = Math.min(RAMP.length - 2, Math.floor(at));
  return RAMP[i].map((c, k) => c + (RAMP[i + 1][k] - c) * (at - i));
}
function paint(canvas, width, height, value) {
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) { image.data.set(ramp(value(i)), 4 * i); image.data[4 * i + 3] = 255; }
  context.putImageData(image, 0, 0);
}
async function samples(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const canvas = element("canvas");
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
function scaleBar(low, high) {
  const bar = element("canvas", { "aria-hidden": "true" });
  paint(bar, 64, 1, (i) => i / 63);
  return element("div", { class: "scale" }, low, bar, high);
}

function errors() {
  const families = DATA.families.map((_, family) => family);
  if (viewer.whole) return maps("error", "Root mean square error", "levels");
  const figures = families.map((family) => {
    if (!sideData(family) || !entryNow().original) return figure(family, absent(sideReason(family) || sideReason(-1)));
    const canvas = scaled(element("canvas", { role: "img", "aria-label": `Error of ${sideName(family)} in the crop` })), note = element("span", {}, "\u2026");
    Promise.all([samples(sideData(family)), samples(entryNow().original)]).then(([a, b]) => {
      let sum = 0, most = 0;
      const difference = new Float32Array(a.width * a.height);
      for (let i = 0; i < difference.length; i++) {
        let worst = 0;
        for (let k = 0; k < 3; k++) worst = Math.max(worst, Math.abs(a.data[4 * i + k] - b.data[4 * i + k]));
        difference[i] = worst; sum += worst; most = Math.max(most, worst);
      }
      paint(canvas, a.width, a.height, (i) => difference[i] / viewer.full);
      scaled(canvas);
      note.textContent = `error ${number(sum / difference.length, 2)} levels on average, ${most} at most`;
    });
    return figure(family, windowOf(canvas, "Error map, " + sideName(family)), note);
  });
  return [element("div", { class: "gallery" }, ...figures), scaleBar("0", `${viewer.full} levels or more, largest of R, G and B`)];
}

function bits() { return maps("bits", "Bits", "bits"); }

// Whole-picture maps of all families on one scale; the outline is the crop.
function maps(which, title, unit) {
  const entry = entryNow(), [width, height] = DATA.images[entry.image].size, { cell } = entry.rates[viewer.rate];
  const room = Math.min(332, byId("stage").clientWidth), columns = Math.ceil(width / cell), lines = Math.ceil(height / cell);
  const zoom = Math.min(room / columns, 332 / lines), square = `${cell} \u00d7 ${cell}`;
  const amount = (value) => (which === "qp" ? "QP " + number(value, 1) : `${significant(value, 3)} ${unit}`), per = which === "qp" ? "" : ` per ${square} pixels`;
  const silent = [];
  let low = 0, top = 0;
  const figures = DATA.families.map((name, family) => {
    const one = version(family), map = one && one[which];
    if (!map && one && one.data && (which === "bits" || which === "qp" && !one.frames.type)) { silent.push(name); return null; }
    if (!map) return figure(family, absent(sideReason(family) || "left out: the report has reached its size"));
    low = map.low || 0; top = map.top;
    const canvas = element("canvas", { role: "img", "aria-label": `${title} of ${sideName(family)}, whole ${CLIPS ? "frame" : "picture"}: ${amount(map.mean)} on average` });
    const note = element("span", {}, `${amount(map.mean)}${per} on average`), rest = note.textContent;
    samples(map.data).then((grid) => {
      paint(canvas, grid.width, grid.height, (i) => grid.data[4 * i] / 255);
      canvas.addEventListener("pointermove", (event) => {
        const box = canvas.getBoundingClientRect();
        const x = Math.min(grid.width - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * grid.width)));
        const y = Math.min(grid.height - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * grid.height)));
        const level = grid.data[4 * (y * grid.width + x)];
        note.textContent = `${amount(low + level / 255 * (map.top - low))}${level === 255 && which !== "qp" ? " or more" : ""} at ${x * cell}, ${y * cell}`;
      });
      canvas.addEventListener("pointerleave", () => { note.textContent = rest; });
    });
    canvas.style.width = columns * zoom + "px"; canvas.style.height = lines * zoom + "px";
    const [x, y, w, h] = entry.crop;
    const frame = draw("svg", { viewBox: `0 0 ${columns * cell} ${lines * cell}`, class: "crop", "aria-hidden": "true" },
      draw("rect", { x, y, width: w, height: h, fill: "none", stroke: "#000", "stroke-width": 3 * cell / zoom / 2, "stroke-opacity": 0.6 }),
      draw("rect", { x, y, width: w, height: h, fill: "none", stroke: "#fff", "stroke-width": 1.5 * cell / zoom / 1.5 }));
    const box = element("div", { class: "window map" }, canvas, frame);
    return figure(family, box, note);
  });
  const shown = figures.filter(Boolean);
  return [shown.length ? element("div", { class: "gallery" }, ...shown) : "", top ? scaleBar(which === "qp" ? amount(low) : "0", `${amount(top)}${which === "qp" ? "" : " or more"}${per}; the outline is the crop`) : "",
    silent.length ? element("p", { class: "keys" }, `No map of ${silent.join("; ")}: ${CLIPS ? "only H.264 streams are opened" : "only codecs of this package report where their bits go"}.`) : ""];
}
