// Quantizers for one set of values: ranks, histogram with thresholds, rate-distortion plane, error.

const state = { choice: DATA.chosen, logCounts: false, hidden: new Set() };
const chosen = () => DATA.ranked[state.choice];
const db = (value) => (finite(value) ? number(value, 2) + "\u202fdB" : number(value, 2));
const share = (value) => (value ? significant(100 * value, 3) + "\u202f%" : "none");
const value = (v) => (v === 0 ? "0" : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(2).replace("-", MINUS) : significant(v, 4));

// One figure: axes, lines of points for pointer and keyboard, a tooltip.
function figureOf(id, label, keys) {
  const figure = byId(id), plot = element("div"), tip = (figure.append(plot), tooltip(figure));
  const self = { figure, lines: [], cursor: null };
  self.hide = () => { self.cursor = null; tip.hide(); if (self.ring) self.ring.setAttribute("visibility", "hidden"); };
  self.show = (point, speak) => {
    self.ring.setAttribute("cx", point.x); self.ring.setAttribute("cy", point.y); self.ring.setAttribute("visibility", "visible");
    tip.show(point.x, point.y, point.title, point.facts, speak);
  };
  self.go = (line, point) => {
    if (!self.lines.length) return;
    const l = (line + self.lines.length) % self.lines.length, p = Math.max(0, Math.min(self.lines[l].length - 1, point));
    self.cursor = [l, p];
    self.show(self.lines[l][p], true);
  };
  const hover = (event) => {
    const box = event.currentTarget.getBoundingClientRect(), scale = event.currentTarget.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = null, least = Infinity;
    for (const point of self.lines.flat()) {
      const away = (point.x - x) ** 2 + (self.across ? 0 : (point.y - y) ** 2);
      if (away < least) { least = away; best = point; }
    }
    if (best && (self.across || least < 32 ** 2)) self.show(best, false); else self.hide();
  };
  const beside = (step) => {
    const [line, point] = self.cursor, now = self.lines[line][point], other = self.lines[(line + step + self.lines.length) % self.lines.length];
    return other.reduce((best, p, i) => (Math.abs(p.x - now.x) < Math.abs(other[best].x - now.x) ? i : best), 0);
  };
  const key = (event) => {
    const [line, point] = self.cursor || [0, -1];
    const moves = {
      ArrowRight: () => self.go(line, point + 1), ArrowLeft: () => self.go(line, point - 1), Home: () => self.go(line, 0), End: () => self.go(line, Infinity),
      ArrowUp: () => self.go(line - 1, self.cursor ? beside(-1) : 0), ArrowDown: () => self.go(line + 1, self.cursor ? beside(1) : 0), Escape: self.hide,
    };
    if (moves[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) { event.preventDefault(); moves[event.key](); }
  };
  // Axes from x0..x1 and y0..y1; gives the functions that place a point.
  self.begin = ([x0, x1], [y0, y1], { xTitle, yTitle, height, log }) => {
    const width = Math.max(260, figure.clientWidth), top = 26, bottom = 46, right = 12;
    const yTicks = log ? { ticks: logTicks(y0, y1, 6), digits: 0 } : linearTicks(y0, y1, 6);
    const names = yTicks.ticks.map((tick) => (log ? String(Number(tick.toPrecision(3))) : tick === 0 ? "0" : Math.abs(y1 - y0) < 1e-3 || Math.abs(y1 - y0) > 1e6 ? value(tick) : number(tick, yTicks.digits)));
    const left = 22 + 7.5 * Math.max(1, ...names.map((name) => name.length));
    const px = (x) => left + (width - left - right) * (x - x0) / (x1 - x0);
    const py = (y) => height - bottom - (height - top - bottom) * (log ? Math.log(Math.max(y, y0) / y0) / Math.log(y1 / y0) : (y - y0) / (y1 - y0));
    self.lines = []; self.cursor = null; tip.hide();
    const svg = self.svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "group", "aria-roledescription": "chart", id: id + "-chart", "aria-label": `${label} ${keys}` });
    const xTicks = linearTicks(x0, x1, Math.floor(width / 110));
    for (const tick of xTicks.ticks) {
      svg.append(draw("line", { x1: px(tick), x2: px(tick), y1: top, y2: height - bottom, class: "grid" }));
      svg.append(draw("text", { x: px(tick), y: height - bottom + 18, "text-anchor": "middle" }, Math.abs(x1 - x0) < 1e-3 || Math.abs(x1 - x0) > 1e6 ? value(tick) : number(tick, xTicks.digits)));
    }
    yTicks.ticks.forEach((tick, i) => {
      svg.append(draw("line", { x1: left, x2: width - right, y1: py(tick), y2: py(tick), class: "grid" }));
      svg.append(draw("text", { x: left - 8, y: py(tick) + 4, "text-anchor": "end" }, names[i]));
    });
    svg.append(draw("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: "axis" }));
    svg.append(draw("text", { x: 2, y: 14, class: "title" }, yTitle), draw("text", { x: width - right, y: height - 6, "text-anchor": "end", class: "title" }, xTitle));
    return { px, py, bottom: height - bottom, top };
  };
  self.end = () => {
    const svg = self.svg;
    self.ring = draw("circle", { r: 7, class: "ring", visibility: "hidden" });
    svg.append(self.ring);
    svg.addEventListener("pointermove", hover); svg.addEventListener("pointerdown", hover); svg.addEventListener("keydown", key);
    svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== svg) self.hide(); });
    svg.addEventListener("focus", () => { if (svg.matches(":focus-visible") && !self.cursor) self.go(0, 0); });
    svg.addEventListener("blur", self.hide);
    const focused = document.activeElement && document.activeElement.id === svg.id;
    plot.replaceChildren(svg);
    if (focused) svg.focus();
  };
  self.empty = (text) => { self.lines = []; self.hide(); plot.replaceChildren(element("p", { class: "empty" }, text)); };
  return self;
}

const figures = {
  values: figureOf("values-figure", "Histogram of the data with the thresholds of the quantizer.", "Arrow keys move along the bins."),
  plane: figureOf("plane-figure", "Signal to noise over rate.", "Arrow keys move along and between the curves."),
  time: figureOf("time-figure", "Least and greatest error over time.", "Arrow keys move along it."),
  error: figureOf("error-figure", "Histogram of the error.", "Arrow keys move along the bins."),
  lag: figureOf("lag-figure", "Autocorrelation of the error.", "Arrow keys move along the lags."),
};
for (const name of ["values", "time", "error", "lag"]) figures[name].across = true;

function bars(figure, { start, width, counts }, options, more) {
  const total = counts.reduce((a, b) => a + b, 0), most = Math.max(...counts), low = options.log ? 0.5 : 0;
  const span = [start - width / 2, start + (counts.length + 0.5) * width];
  const at = figure.begin(span, [low, options.log ? most * 1.5 : most * 1.05], options);
  let d = `M${at.px(start).toFixed(2)} ${at.bottom}`;
  counts.forEach((count, i) => { const y = count ? at.py(count) : at.bottom; d += `V${y.toFixed(2)}H${at.px(start + (i + 1) * width).toFixed(2)}`; });
  figure.svg.append(draw("path", { d: d + `V${at.bottom}Z`, class: "fill dot s0" }));
  if (more) more(at, span);
  figure.lines = [counts.map((count, i) => ({
    x: at.px(start + (i + 0.5) * width), y: count ? at.py(count) : at.bottom, title: `${value(start + i * width)} to ${value(start + (i + 1) * width)}`,
    facts: [["values", String(count)], ["share", share(count / total)], ...(options.facts ? options.facts(start + (i + 0.5) * width) : [])],
  }))];
  figure.end();
}

// The level that a value becomes: thresholds belong to the cell below.
function becomes(x) {
  const { thresholds, levels } = chosen();
  if (!thresholds) return [];
  let cell = 0;
  while (cell < thresholds.length && x > thresholds[cell]) cell++;
  return [["becomes", value(levels[cell])]];
}

function drawValues() {
  const one = chosen(), log = state.logCounts;
  bars(figures.values, DATA.data, { xTitle: "value", yTitle: "values", height: 340, log, facts: becomes }, (at, [low, high]) => {
    for (const t of one.thresholds || []) {
      if (t >= low && t <= high) figures.values.svg.append(draw("line", { x1: at.px(t), x2: at.px(t), y1: at.top, y2: at.bottom, class: "one stroke s1 threshold" }));
    }
    if (DATA.density) {
      const d = DATA.density.points.filter(([, y]) => !log || y > 0.5).map(([x, y], i) => (i ? "L" : "M") + at.px(x).toFixed(2) + " " + Math.max(at.top, at.py(y)).toFixed(2)).join("");
      figures.values.svg.append(draw("path", { d, class: "mean stroke s2", "stroke-dasharray": "7 3" }));
    }
    figures.values.svg.style.setProperty("--thin", "0.75");
  });
  const lines = one.thresholds ? `Vertical lines are its ${plural(one.thresholds.length, "threshold")}.` : "It has too many thresholds to draw them.";
  const curve = DATA.density ? ` The dashed curve is the fitted density, ${DATA.density.name}.` : " The data is constant: no density fits.";
  byId("values-lead").textContent = `${one.method}: ${lines}${curve}`;
}

function drawPlane() {
  const figure = figures.plane, curves = DATA.curves.map((curve, i) => ({ ...curve, i })).filter((curve) => !state.hidden.has(curve.i) && curve.points.length);
  if (!curves.length) { figure.empty(DATA.curves.length ? "Every quantizer is switched off." : "There are no curves: the data is constant."); return; }
  const all = curves.flatMap((curve) => curve.points), [, x1] = span(all.map((p) => p[0])), [y0, y1] = span(all.map((p) => p[1]));
  const at = figure.begin([0, x1 * 1.03], [Math.min(0, y0), y1 * 1.05], { xTitle: "rate, bits per value (entropy of the codes)", yTitle: "SQNR (dB)", height: 420 });
  if (DATA.bound) {
    const [a, b] = DATA.bound, right = Math.min(x1 * 1.03, (y1 * 1.05 - a) / b), left = Math.max(0, (Math.min(0, y0) - a) / b);
    figure.svg.append(draw("path", { d: `M${at.px(left)} ${at.py(a + b * left)}L${at.px(right)} ${at.py(a + b * right)}`, class: "mean stroke bound s6", "stroke-dasharray": "2 2.5" }));
    figure.svg.append(draw("text", { x: at.px(right) - 6, y: at.py(a + b * right) + 4, "text-anchor": "end", class: "name" }, "Shannon's bound"));
  }
  figure.lines = curves.map((curve) => curve.points.map(([rate, sqnr, label]) => ({
    x: at.px(rate), y: at.py(sqnr), title: curve.name, facts: [["setting", label], ["rate", significant(rate, 4) + " bits"], ["SQNR", db(sqnr)]],
  })));
  curves.forEach((curve, n) => {
    const d = figure.lines[n].map((p, i) => (i ? "L" : "M") + p.x.toFixed(2) + " " + p.y.toFixed(2)).join("");
    figure.svg.append(draw("path", { d, class: `mean stroke ${look(curve.i).series}`, "stroke-dasharray": look(curve.i).dash }));
    for (const p of figure.lines[n]) figure.svg.append(mark(curve.i, p.x, p.y, 3.5));
  });
  const one = chosen();
  if (finite(one.sqnr)) figure.svg.append(draw("circle", { cx: at.px(one.entropy), cy: at.py(one.sqnr), r: 9, class: "ring chosen-point" }));
  figure.end();
}

function drawError() {
  const one = chosen(), [low, high] = span(one.envelope.flat().slice(0)), pad = (high - low) * 0.05 || 1;
  const time = figures.time, at = time.begin([0, 100], [low - pad, high + pad], { xTitle: "position in the data, %", yTitle: "error", height: 240 });
  const n = one.envelope.length, place = (i) => at.px(100 * (i + 0.5) / n);
  const top = one.envelope.map(([, y], i) => `${i ? "L" : "M"}${place(i).toFixed(2)} ${at.py(y).toFixed(2)}`).join("");
  const back = one.envelope.map(([y], i) => `L${place(i).toFixed(2)} ${at.py(y).toFixed(2)}`).reverse().join("");
  time.svg.append(draw("path", { d: top + back + "Z", class: "fill dot s1" }));
  time.lines = [one.envelope.map(([least, greatest], i) => ({
    x: place(i), y: at.py(greatest), title: `${number(100 * i / n, 1)} to ${number(100 * (i + 1) / n, 1)} %`, facts: [["greatest error", value(greatest)], ["least error", value(least)]],
  }))];
  time.end();
  bars(figures.error, one.error, { xTitle: "error", yTitle: "values", height: 240 });
  const lag = figures.lag, [bottom, top2] = span([...one.autocorrelation, -DATA.band, DATA.band, 0]);
  const axes = lag.begin([0.5, one.autocorrelation.length + 0.5], [bottom * 1.1, top2 * 1.1], { xTitle: "lag", yTitle: "correlation", height: 220 });
  for (const y of [-DATA.band, DATA.band]) lag.svg.append(draw("line", { x1: axes.px(0.5), x2: axes.px(one.autocorrelation.length + 0.5), y1: axes.py(y), y2: axes.py(y), class: "mean stroke s2", "stroke-dasharray": "7 3" }));
  lag.svg.append(draw("line", { x1: axes.px(0.5), x2: axes.px(one.autocorrelation.length + 0.5), y1: axes.py(0), y2: axes.py(0), class: "zero" }));
  one.autocorrelation.forEach((r, i) => lag.svg.append(draw("line", { x1: axes.px(i + 1), x2: axes.px(i + 1), y1: axes.py(0), y2: axes.py(r), class: "whisker stroke s0" }), mark(0, axes.px(i + 1), axes.py(r), 4)));
  lag.lines = [one.autocorrelation.map((r, i) => ({ x: axes.px(i + 1), y: axes.py(r), title: `lag ${i + 1}`, facts: [["correlation", number(r, 4)]] }))];
  lag.end();
  const white = one.whiteness > 0.01 ? "no pattern over time" : "a pattern over time";
  byId("error-lead").textContent = `The errors of ${one.method} have ${white} (Ljung-Box p = ${value(one.whiteness)}); their correlation with the data is ${number(one.correlation, 3)}. `
    + "Dashed lines around the autocorrelation hold 95 % of the lags of independent errors.";
}

function tellRanking() {
  const names = ["", "SQNR", "rate, bits", "bits of a code", "clipped", "largest error", "to the bound"];
  const cells = (one) => [db(one.sqnr), significant(one.entropy, 4), String(one.bits), share(one.clipped), value(one.max_error), finite(one.gap) ? db(one.gap) : "none"];
  byId("ranking-table").replaceChildren(
    element("thead", {}, element("tr", {}, ...names.map((name, i) => element("th", { scope: "col" }, i ? name : "quantizer")))),
    element("tbody", {}, ...DATA.ranked.map((one, i) => element("tr", {},
      element("th", { scope: "row", class: i === state.choice ? "chosen" : null }, element("button", { type: "button", "aria-pressed": String(i === state.choice), onclick: () => change({ choice: i }) }, one.method)),
      ...cells(one).map((text) => element("td", { class: i === state.choice ? "chosen" : null }, text))))));
  const one = chosen();
  byId("reasons-title").textContent = one.method;
  byId("reasons").replaceChildren(...one.reasons.map((reason) => element("li", {}, reason)));
  byId("facts").replaceChildren(...[["call", one.quantizer], ["codes used", String(one.used)], ["mean squared error", value(one.mse)], ["mean error", value(one.mean_error)]].flatMap(([name, text]) =>
    [element("dt", {}, name), element("dd", {}, text)]));
  byId("choice").value = String(state.choice);
}

function tellAll() {
  byId("summary").replaceChildren(element("strong", {}, DATA.name), `: ${DATA.shape}. `, DATA.goal);
  const first = DATA.ranked[0];
  byId("ranking-lead").replaceChildren("Recommended: ", element("strong", {}, first.method), `, ${first.reasons[0]}. Each quantizer was fitted to ${DATA.sample} and measured on the same values.`);
  byId("choice").replaceChildren(...DATA.ranked.map((one, i) => element("option", { value: i, selected: i === state.choice }, `${i + 1}. ${one.method}`)));
  byId("choice").addEventListener("change", (event) => change({ choice: Number(event.target.value) }));
  byId("logcounts").addEventListener("change", (event) => change({ logCounts: event.target.checked }));
  byId("legend").replaceChildren(...DATA.curves.map((curve, i) => element("button", {
    type: "button", class: "chip", "aria-pressed": "true",
    onclick: (event) => {
      if (state.hidden.has(i)) state.hidden.delete(i); else state.hidden.add(i);
      event.currentTarget.setAttribute("aria-pressed", String(!state.hidden.has(i)));
      change({ hidden: state.hidden });
    },
  }, swatch(i), curve.name)));
  byId("plane-lead").textContent = (DATA.bound ? "No quantizer of independent values of the fitted density reaches the area above the dotted line; data of few distinct values, such as integers, can. " : "") + "The ring is the quantizer chosen above. Settings below 0 dB, worse than no data at all, are not drawn.";
  byId("origin-body").replaceChildren(
    ...(DATA.notes.length ? [element("h3", {}, "Notes"), element("ul", {}, ...DATA.notes.map((note) => element("li", {}, note)))] : []),
    element("h3", {}, "Command line"), element(DATA.command ? "pre" : "p", { class: DATA.command ? "commands code" : null }, DATA.command || "This page was not made by a command."),
    element("h3", {}, "Data and software"),
    element("dl", { class: "facts" }, ...DATA.facts.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)])));
  byId("colophon").textContent = `Written by codec ${DATA.version}. This page is self-contained.`;
}

tellAll();
function refresh(changed) {
  const has = (...names) => !changed.length || names.some((name) => changed.includes(name));
  if (has("choice")) { tellRanking(); drawError(); }
  if (has("choice", "logCounts")) drawValues();
  if (has("choice", "hidden")) drawPlane();
}
listeners.push(refresh);
refresh([]);
whenResized(figures.values.figure, () => refresh(["choice"]));
