// Clips: every frame in numbers, and the macroblocks of the frame whose pixels are shown.

const PANELS = [
  { key: "psnr", title: "PSNR of luma (dB)", log: false, tell: (value) => number(value, 2) + "\u202fdB" },
  { key: "bits", title: "Bits of the macroblocks (kbit, log)", log: true, tell: (value) => plural(value, "bit") },
  { key: "qp", title: "QP, mean of the macroblocks", log: false, tell: (value) => "QP " + number(value, 1) },
];
const frameNow = () => entryNow().frame;

// A panel of lines over the frames: its values by family, and its scale. The axis of bits is in kbit, from 1 bit on.
function panelOf({ key, title, log }) {
  const lines = DATA.families.map((_, family) => {
    const one = version(family), values = one && one.frames && one.frames[key];
    return values && values.length ? values.map((value) => (!finite(value) ? null : log ? Math.max(1, value) / 1000 : value)) : null;
  });
  let [low, high] = span(lines.flatMap((line) => line || []).filter(finite));
  if (low > high) return null;
  if (log) { low /= 1.3; high *= 1.3; } else { const padding = 0.06 * (high - low) || 1; low -= padding; high += padding; }
  const { ticks, digits } = log ? { ticks: logTicks(low, high, 4) } : linearTicks(low, high, 4);
  return { key, title, lines, ticks, share: (value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)),
    label: (tick) => (log ? String(tick) : number(tick, digits)) };
}

function frameByFrame() {
  const count = DATA.images[entryNow().image].frames, shown = PANELS.map(panelOf).filter(Boolean);
  const keys = element("div", { class: "gallery" }, ...DATA.families.map(frameKey));
  if (!shown.length) return [element("p", { class: "empty" }, "No family could be encoded again."), keys];
  const box = element("div", { class: "figure", id: "frames-figure" }), tip = tooltip(box);
  const width = Math.max(260, byId("stage").clientWidth), left = 52, right = 12, tall = 118, step = tall + 44, bottom = 22 + step * shown.length;
  const px = (frame) => left + (width - left - right) * (count > 1 ? frame / (count - 1) : 0.5);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${bottom + 26}`, tabindex: 0, role: "group", "aria-roledescription": "line chart", id: "frames-chart",
    "aria-label": `${DATA.images[entryNow().image].name} frame by frame: ${shown.map((panel) => panel.title).join(", ")}. Arrow keys move along the frames.` });
  for (const tick of linearTicks(0, Math.max(1, count - 1), Math.floor(width / 90)).ticks.filter(Number.isInteger)) {
    svg.append(draw("line", { x1: px(tick), x2: px(tick), y1: 26, y2: bottom - 22, class: "grid" }), draw("text", { x: px(tick), y: bottom - 4, "text-anchor": "middle" }, String(tick)));
  }
  svg.append(draw("text", { x: width - right, y: bottom + 16, "text-anchor": "end", class: "title" }, "frame"));
  svg.append(draw("line", { x1: px(frameNow()), x2: px(frameNow()), y1: 22, y2: bottom - 22, class: "zero", "stroke-dasharray": "4 3" }));
  shown.forEach((panel, place) => drawPanel(svg, panel, { top: 26 + place * step, tall, left, right: width - right, px }));
  const cursor = draw("line", { y1: 22, y2: bottom - 22, class: "zero", visibility: "hidden" });
  svg.append(cursor);
  listenToFrames(svg, { count, frameAt: (x) => (x - left) / (width - left - right) * (count - 1),
    hide: () => { tip.hide(); cursor.setAttribute("visibility", "hidden"); },
    show: (frame, speak) => {
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, px(frame));
      cursor.setAttribute("visibility", "visible");
      tip.show(px(frame), 60, `Frame ${frame}` + (frame === frameNow() ? ", shown by the other views" : ""), factsOfFrame(frame), speak);
    } });
  box.append(svg);
  return [box, keys, element("p", { class: "keys" }, `Marks are I frames. The dashed line is frame ${frameNow()}, where the families together err most: the other views show it. Point at a frame for its values, or focus the figure and press `,
    element("kbd", {}, "\u2190"), " ", element("kbd", {}, "\u2192"), ". Types, bits and QP are read from H.264 streams only.")];
}

function drawPanel(svg, { key, title, lines, ticks, share, label }, { top, tall, left, right, px }) {
  const py = (value) => top + tall * (1 - share(value));
  svg.append(draw("text", { x: 2, y: top - 10, class: "title" }, title));
  for (const tick of ticks) {
    svg.append(draw("line", { x1: left, x2: right, y1: py(tick), y2: py(tick), class: "grid" }), draw("text", { x: left - 8, y: py(tick) + 4, "text-anchor": "end" }, label(tick)));
  }
  svg.append(draw("line", { x1: left, x2: right, y1: top + tall, y2: top + tall, class: "axis" }));
  lines.forEach((values, family) => {
    if (!values) return;
    const d = values.map((value, i) => (value === null ? "" : (i && values[i - 1] !== null ? "L" : "M") + px(i).toFixed(1) + " " + py(value).toFixed(1))).join("");
    svg.append(draw("path", { d, class: `frames-line stroke ${look(family).series}`, "stroke-dasharray": look(family).dash }));
    const types = version(family).frames.type;
    values.forEach((value, i) => {
      if (value !== null && (values.length === 1 || key === "bits" && types[i] === "I")) svg.append(mark(family, px(i), py(value), 4));
    });
  });
}

function factsOfFrame(frame) {
  return DATA.families.flatMap((name, family) => {
    const numbers = version(family) && version(family).frames;
    if (!numbers || !numbers.psnr.length) return [];
    const told = PANELS.filter(({ key }) => numbers[key]).map(({ key, tell }) => tell(numbers[key][frame]));
    return [[name, (numbers.type ? numbers.type[frame] + ", " : "") + told.join(", ")]];
  });
}

function listenToFrames(svg, { count, frameAt, show, hide }) {
  let now = -1;
  const go = (frame, speak) => { now = Math.max(0, Math.min(count - 1, Math.round(frame))); show(now, speak); };
  const leave = () => { now = -1; hide(); };
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    go(frameAt((event.clientX - box.left) * svg.viewBox.baseVal.width / box.width), false);
  };
  svg.addEventListener("pointermove", follow);
  svg.addEventListener("pointerdown", follow);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== svg) leave(); });
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible") && now < 0) go(0, true); });
  svg.addEventListener("blur", leave);
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: () => go(now + 1, true), ArrowLeft: () => go(now - 1, true), Home: () => go(0, true), End: () => go(count - 1, true), Escape: leave };
    if (moves[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) { event.preventDefault(); moves[event.key](); }
  });
}

// A family below the figure: its line, its row, and how many frames of each type it has.
function frameKey(name, family) {
  const one = version(family);
  if (!one || !one.frames.psnr.length) return figure(family, absent(sideReason(family)));
  const { type } = one.frames, mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const counts = type && [...new Set("IPB" + type)].map((letter) => [type.split(letter).length - 1, letter]).filter(([many]) => many);
  const shown = figure(family, null, counts ? element("span", {}, `${counts.map((pair) => pair.join(" ")).join(", ")} frames, QP ${number(mean(one.frames.qp), 1)} on average`) : null);
  shown.querySelector("b").prepend(swatch(family));
  return shown;
}

const LAYERS = [["modes", "types and motion"], ["qp", "QP"]];
const LEGEND = "Intra macroblocks are red to yellow, skipped gray, direct green, others blue, or violet in 8 \u00d7 8. Lines lead to where a block is predicted from: white from list 0, yellow from list 1.";

function blocks() {
  if (viewer.layer === "qp") return [...maps("qp", "QP", ""), element("p", { class: "keys" }, "A macroblock without levels, such as a skipped one, has the QP of the one before it.")];
  const silent = [];
  const figures = DATA.families.map((name, family) => {
    const one = version(family);
    if (!one || !one.frames.psnr.length) return figure(family, absent(sideReason(family)));
    if (!one.modes) { silent.push(name); return null; }
    if (!one.modes.data) return figure(family, absent("left out: the report has reached its size"));
    const picture = scaled(element("img", { src: one.modes.data, alt: `Macroblocks of ${name}`, draggable: "false" }));
    return figure(family, windowOf(picture, "Macroblocks, " + name), element("span", {}, `${one.frames.type[frameNow()]} frame`));
  }).filter(Boolean);
  return [figures.length ? element("div", { class: "gallery" }, ...figures) : "", figures.length ? element("p", { class: "keys" }, LEGEND) : "",
    silent.length ? element("p", { class: "keys" }, `Nothing of ${silent.join("; ")}: only H.264 streams are opened.`) : ""];
}
