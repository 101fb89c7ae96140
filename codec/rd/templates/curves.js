// Rate against distortion: means over the pictures, or one picture; the nearest point shows its row.

const ROW = { family: 0, image: 1, setting: 2, bytes: 3, rate: 4, encode: 5, decode: 6, memory: 7, metric: 8 };
const state = { metric: 0, anchor: DATA.anchor, image: DATA.images.length === 1 ? 0 : -1, log: true, each: true, hidden: new Set() };

const curves = { figure: byId("curves-figure"), points: [], lines: [], cursor: null };
curves.plot = element("div");
curves.figure.append(curves.plot);
curves.tip = tooltip(curves.figure);

const rowsOf = (() => {
  const index = new Map();
  for (const row of DATA.rows) {
    const key = row[ROW.family] + "/" + row[ROW.image];
    if (!index.has(key)) index.set(key, []);
    index.get(key).push(row);
  }
  for (const rows of index.values()) rows.sort((a, b) => a[ROW.rate] - b[ROW.rate]);
  return (family, image) => index.get(family + "/" + image) || [];
})();

const hasMeans = () => DATA.means[metricKey()].curves.some((curve) => curve.some((one) => finite(one[2])));

// The curves of the figure in its current state: {family, image, thick, points: [{rate, value, row or label}]}.
function currentCurves() {
  const shown = DATA.families.map((_, family) => family).filter((family) => !state.hidden.has(family));
  const at = ROW.metric + state.metric;
  const ofImage = (family, image, thick) => ({
    family, image, thick, points: rowsOf(family, image).filter((row) => finite(row[at])).map((row) => ({ rate: row[ROW.rate], value: row[at], row })),
  });
  if (state.image >= 0) return shown.map((family) => ofImage(family, state.image, true));
  const means = DATA.means[metricKey()];
  const thick = shown.map((family) => ({
    family, image: -1, thick: true,
    points: means.curves[family].filter((one) => finite(one[2])).map(([label, rate, value]) => ({ rate, value, label })),
  }));
  const thin = state.each || !hasMeans() ? shown.flatMap((family) => DATA.images.map((_, image) => ofImage(family, image, false))) : [];
  return [...thin, ...thick].filter((curve) => curve.points.length);
}

// Thin curves are drawn initially unless they would squeeze the means into a small part of the figure.
function firstLook() {
  const heights = (curve) => { const [low, high] = span(curve.flatMap((one) => one.points.map((point) => point.value))); return high - low; };
  const all = currentCurves();
  state.each = !hasMeans() || heights(all.filter((curve) => curve.thick)) > 0.4 * heights(all);
  byId("each").checked = state.each;
}

function drawCurves() {
  const width = Math.max(260, curves.figure.clientWidth), height = Math.round(Math.min(470, Math.max(300, width * 0.52)));
  const all = currentCurves();
  curves.lines = []; curves.points = []; curves.cursor = null; curves.tip.hide();
  const kind = DATA.metrics[state.metric];
  const values = all.flatMap((curve) => curve.points);
  if (!values.length) {
    const why = DATA.families.length === state.hidden.size ? "Every family is switched off." : `No row shown here has a finite ${kind.label}.`;
    curves.plot.replaceChildren(element("p", { class: "empty" }, why));
    return;
  }
  let [x0, x1] = span(values.map((v) => v.rate)), [y0, y1] = span(values.map((v) => v.value));
  if (x0 === x1) { x0 *= 0.8; x1 *= 1.25; }
  const padding = (y1 - y0) * 0.05 || Math.abs(y1) * 0.05 || 1;
  y0 -= padding; y1 += padding;
  if (state.log) { const r = (x1 / x0) ** 0.025; x0 /= r; x1 *= r; } else { x0 = 0; x1 *= 1.03; }
  const yTicks = linearTicks(y0, y1, 8);
  const left = 22 + 7.5 * Math.max(...yTicks.ticks.map((tick) => number(tick, yTicks.digits).length)), right = 12, top = 26, bottom = 46;
  const px = (x) => left + (width - left - right) * (state.log ? Math.log(x / x0) / Math.log(x1 / x0) : (x - x0) / (x1 - x0));
  const py = (y) => height - bottom - (height - top - bottom) * (y - y0) / (y1 - y0);
  const who = state.image < 0 ? "means over the " + DATA.noun + "s" : DATA.images[state.image].name;
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "group", "aria-roledescription": "line chart", id: "curves-chart",
    "aria-label": `${kind.label} over ${DATA.rate[1]}, ${who}, ${plural(all.filter((c) => c.thick).length, "curve")}. Arrow keys move along and between the curves.`,
  });
  const xTicks = state.log ? logTicks(x0, x1, Math.floor(width / 90)) : linearTicks(x0, x1, Math.floor(width / 110)).ticks;
  for (const tick of xTicks) {
    svg.append(draw("line", { x1: px(tick), x2: px(tick), y1: top, y2: height - bottom, class: "grid" }));
    svg.append(draw("text", { x: px(tick), y: height - bottom + 18, "text-anchor": "middle" }, String(Number(tick.toPrecision(3)))));
  }
  for (const tick of yTicks.ticks) {
    svg.append(draw("line", { x1: left, x2: width - right, y1: py(tick), y2: py(tick), class: "grid" }));
    svg.append(draw("text", { x: left - 8, y: py(tick) + 4, "text-anchor": "end" }, number(tick, yTicks.digits)));
  }
  svg.append(draw("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: "axis" }));
  svg.append(draw("text", { x: 2, y: 14, class: "title" }, kind.label + (kind.unit ? ` (${kind.unit})` : "") + (kind.lower ? ", lower is better" : "")));
  svg.append(draw("text", { x: width - right, y: height - 6, "text-anchor": "end", class: "title" }, DATA.rate[1] + (state.log ? ", log" : "")));
  svg.style.setProperty("--thin", Math.min(0.32, Math.max(0.05, 25 / all.length)).toFixed(2));
  for (const curve of all) {
    const placed = curve.points.map((point) => ({ ...point, curve, x: px(point.rate), y: py(point.value) }));
    const d = placed.map((p, i) => (i ? "L" : "M") + p.x.toFixed(2) + " " + p.y.toFixed(2)).join("");
    svg.append(draw("path", { d, class: `${curve.thick ? "mean" : "one"} stroke ${look(curve.family).series}`, "stroke-dasharray": curve.thick ? look(curve.family).dash : "" }));
    if (curve.thick || placed.length === 1) for (const p of placed) svg.append(mark(curve.family, p.x, p.y, width < 500 ? 3 : 4));
    if (curve.thick || !hasMeans()) curves.lines.push(placed);
    curves.points.push(...placed);
  }
  curves.ring = draw("circle", { r: 8, class: "ring", visibility: "hidden" });
  svg.append(curves.ring);
  svg.addEventListener("pointermove", curvesHover);
  svg.addEventListener("pointerdown", curvesHover);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== svg) curvesHide(); });
  svg.addEventListener("keydown", curvesKey);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible") && !curves.cursor) curvesGo(0, 0); });
  svg.addEventListener("blur", curvesHide);
  const focused = document.activeElement && document.activeElement.id === "curves-chart";
  curves.plot.replaceChildren(svg);
  if (focused) svg.focus();
}

function curvesHide() { curves.cursor = null; curves.tip.hide(); if (curves.ring) curves.ring.setAttribute("visibility", "hidden"); }

function curvesShow(point, speak) {
  curves.ring.setAttribute("cx", point.x); curves.ring.setAttribute("cy", point.y); curves.ring.setAttribute("visibility", "visible");
  const { family, image } = point.curve;
  const facts = [["family", DATA.families[family]]];
  if (point.row) {
    if (quality(point.row)) facts.push(["setting", quality(point.row)]);
    facts.push(["rate", rate(point.rate)], ["size", bytes(point.row[ROW.bytes])]);
    DATA.metrics.forEach((metric, m) => facts.push([metric.label, score(point.row[ROW.metric + m], m)]));
    facts.push(["encode", speed(point.row, ROW.encode)], ["decode", speed(point.row, ROW.decode)]);
    if (point.row[ROW.memory] !== null) facts.push(["peak memory", significant(point.row[ROW.memory] / 1e6, 3) + " MB"]);
  } else {
    if (point.label !== "") facts.push(["setting", DATA.dial + " " + point.label]);
    facts.push(["rate", rate(point.rate)], [DATA.metrics[state.metric].label, score(point.value)]);
  }
  const title = image < 0 ? `Mean of ${plural(DATA.means[metricKey()].images, DATA.noun)}` : DATA.images[image].name;
  curves.tip.show(point.x, point.y, title, facts, speak);
}

function curvesHover(event) {
  const box = event.currentTarget.getBoundingClientRect(), scale = event.currentTarget.viewBox.baseVal.width / box.width;
  const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
  let best = null, least = 32 ** 2;
  for (const point of curves.points) {
    const away = ((point.x - x) ** 2 + (point.y - y) ** 2) * (point.curve.thick ? 0.6 : 1);
    if (away < least) { least = away; best = point; }
  }
  if (best) curvesShow(best, false); else curvesHide();
}

function curvesGo(line, point) {
  const lines = curves.lines;
  if (!lines.length) return;
  const l = (line + lines.length) % lines.length, p = Math.max(0, Math.min(lines[l].length - 1, point));
  curves.cursor = [l, p];
  curvesShow(lines[l][p], true);
}

function curvesKey(event) {
  const [line, point] = curves.cursor || [0, -1];
  const now = curves.cursor ? curves.lines[line][point] : null;
  const beside = (step) => {
    const other = curves.lines[(line + step + curves.lines.length) % curves.lines.length];
    return now ? other.reduce((best, p, i) => (Math.abs(p.x - now.x) < Math.abs(other[best].x - now.x) ? i : best), 0) : 0;
  };
  const moves = {
    ArrowRight: () => curvesGo(line, point + 1), ArrowLeft: () => curvesGo(line, point - 1),
    ArrowUp: () => curvesGo(line - 1, beside(-1)), ArrowDown: () => curvesGo(line + 1, beside(1)),
    Home: () => curvesGo(line, 0), End: () => curvesGo(line, Infinity), Escape: curvesHide,
  };
  if (moves[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) { event.preventDefault(); moves[event.key](); }
}

function drawLegend() {
  byId("legend").replaceChildren(...DATA.families.map((name, family) =>
    element("button", {
      type: "button", class: "chip", "aria-pressed": String(!state.hidden.has(family)),
      onclick: (event) => {
        if (state.hidden.has(family)) state.hidden.delete(family); else state.hidden.add(family);
        event.currentTarget.setAttribute("aria-pressed", String(!state.hidden.has(family)));
        change({ hidden: state.hidden });
      },
    }, swatch(family), name)));
}

// The first three names, and how many more there are.
const some = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${names.length - 3} more` : "");

function tellCurves() {
  const means = DATA.means[metricKey()], total = DATA.images.length, kind = DATA.metrics[state.metric];
  const lossless = means.lossless.length, absent = total - means.images - lossless;
  let text;
  if (state.image >= 0) text = `${DATA.images[state.image].name}, ${extent(DATA.images[state.image])}.`;
  else {
    text = means.images
      ? `Thick curves are means over ${plural(means.images, DATA.noun)}, thin ones are single ${DATA.noun}s.`
      : [`There is no mean of ${kind.label}.`, means.note, `Thin curves are single ${DATA.noun}s.`].filter(Boolean).join(" ");
    if (lossless) text += ` The means are without ${some(means.lossless)}, which some settings keep without error.`;
    if (means.images && absent) text += ` ${plural(absent, DATA.noun)} without a ${kind.label} at every setting ${absent === 1 ? "is" : "are"} left out of the means.`;
  }
  const lost = DATA.rows.filter((row) => !finite(row[ROW.metric + state.metric]) && (state.image < 0 || row[ROW.image] === state.image)).length;
  if (lost) text += ` ${plural(lost, "row")} without a finite ${kind.label} ${lost === 1 ? "is" : "are"} not drawn.`;
  byId("curves-lead").textContent = text;
  byId("each-label").hidden = state.image >= 0 || total === 1;
  const head = element("thead", {}, element("tr", {}, element("th", {}, "family"), ...["setting", DATA.rate[0], kind.label].map((name) => element("th", { scope: "col" }, name))));
  const body = element("tbody");
  for (const curve of currentCurves().filter((one) => one.thick)) {
    for (const point of curve.points) {
      body.append(element("tr", {}, element("th", { scope: "row" }, DATA.families[curve.family]),
        element("td", {}, point.row ? setting(point.row)[0] : point.label), element("td", {}, significant(point.rate, 3)), element("td", {}, score(point.value))));
    }
  }
  byId("values-table").replaceChildren(head, body);
}
