// BD-rate against the anchor: means with intervals, and single pictures.

const strips = { figure: byId("strips-figure"), rows: [], cursor: null };
strips.plot = element("div");
strips.figure.append(strips.plot);
strips.tip = tooltip(strips.figure);

const delta = (metric, family) => (DATA.deltas[DATA.metrics[metric].name][state.anchor] || {})[family];
const others = () => DATA.families.map((_, family) => family).filter((family) => family !== state.anchor);
const verdict = (one) => (one.low === null ? "" : one.high < 0 ? "good" : one.low > 0 ? "bad" : "");

function tellDeltas() {
  const anchor = DATA.families[state.anchor], kind = DATA.metrics[state.metric], lead = byId("deltas-lead");
  if (DATA.families.length < 2) {
    lead.textContent = "There is one family of settings only: nothing to compare it with. Sweep a second codec or setting.";
    byId("deltas-table").replaceChildren(); byId("deltas-note").textContent = ""; byId("refused").hidden = true;
    return;
  }
  const best = others().filter((family) => delta(state.metric, family).mean !== null).sort((a, b) => delta(state.metric, a).mean - delta(state.metric, b).mean)[0];
  if (best === undefined) lead.replaceChildren(`No family can be compared with ${anchor} by ${kind.label}; the reasons are below.`);
  else {
    const one = delta(state.metric, best), known = one.low !== null;
    const interval = known ? ` (${Math.round(100 * DATA.confidence)} % interval ${percent(one.low)} to ${percent(one.high)})` : "";
    const [name, base] = [DATA.families[best], anchor].map((text) => element("strong", {}, text)), size = percent(one.mean, false);
    lead.replaceChildren(
      ...(one.mean < 0 ? [name, ` takes ${size} fewer bytes than `, base] : ["No family takes fewer bytes than ", base, "; ", name, ` comes nearest and takes ${size} more`]),
      ` at equal ${kind.label}, mean of ${plural(one.n, DATA.noun)}${interval}.`,
      !known ? ` Too few ${DATA.noun}s for an interval.` : one.high < 0 || one.low > 0 ? "" : ` The interval contains zero: these ${DATA.noun}s do not distinguish them.`);
  }
  const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "against ", anchor),
    ...DATA.metrics.map((metric, m) => element("th", { scope: "col", class: m === state.metric ? "chosen" : null }, metric.label)),
    element("th", { scope: "col" }, "encode"), element("th", { scope: "col" }, "decode")));
  const body = element("tbody", {}, ...DATA.families.map((name, family) => {
    const speeds = DATA.speeds[family].slice(0, 2).map((value) => element("td", {}, value === null ? "none" : significant(value, 3), element("span", { class: "interval" }, "MP/s")));
    return element("tr", { class: family === state.anchor ? "anchor" : null }, element("th", { scope: "row" }, swatch(family), name),
      ...DATA.metrics.map((_, m) => deltaCell(m, family)), ...speeds);
  }));
  byId("deltas-table").replaceChildren(head, body);
  const crowded = DATA.speeds.some((one) => one[2] > 1) ? " Times were taken with several encoders side by side: compare them with care." : "";
  byId("deltas-note").textContent =
    `Mean change of bytes at equal score over the ${DATA.noun}s (PCHIP over the log of the rate, one by one); below it the ${Math.round(100 * DATA.confidence)} % bootstrap interval of that mean and the number of ${DATA.noun}s. Negative is smaller.${crowded}`;
  tellRefused();
}

function deltaCell(metric, family) {
  const chosen = metric === state.metric ? "chosen" : null;
  if (family === state.anchor) return element("td", { class: chosen }, "anchor");
  const one = delta(metric, family), total = one.n + one.refused.length;
  if (one.mean === null) return element("td", { class: chosen }, "none", element("span", { class: "interval" }, total ? "refused, see below" : `no ${DATA.noun} in common`));
  const interval = one.low === null ? "no interval" : `${percent(one.low)} to ${percent(one.high)}`;
  return element("td", { class: chosen }, element("span", { class: "value " + verdict(one) }, percent(one.mean)),
    element("span", { class: "interval" }, interval), element("span", { class: "interval" }, one.n === total ? `n = ${total}` : `n = ${one.n} of ${total}`));
}

function tellRefused() {
  const groups = new Map();
  for (const family of others()) {
    for (const [image, reason] of delta(state.metric, family).refused) {
      const key = family + " " + reason;
      if (!groups.has(key)) groups.set(key, { family, reason, images: [] });
      groups.get(key).images.push(DATA.images[image].name);
    }
  }
  const count = [...groups.values()].reduce((sum, group) => sum + group.images.length, 0);
  byId("refused").hidden = !count;
  byId("refused").open = others().some((family) => delta(state.metric, family).mean === null);
  byId("refused").firstElementChild.textContent = `${plural(count, "comparison")} refused, with reasons`;
  byId("refused-list").replaceChildren(element("ul", {}, ...[...groups.values()].map((group) =>
    element("li", {}, element("b", {}, DATA.families[group.family]), `: ${group.reason} (${group.images.join(", ")})`))));
}

function drawStrips() {
  const rows = others().filter((family) => !state.hidden.has(family) && delta(state.metric, family).values.length);
  strips.rows = []; strips.cursor = null; strips.tip.hide();
  if (!rows.length) {
    const why = DATA.families.length < 2 ? `One family only: no ${DATA.noun} can be compared.` : `No ${DATA.noun} has a BD-rate here.`;
    strips.plot.replaceChildren(element("p", { class: "empty" }, why));
    return;
  }
  const width = Math.max(260, strips.figure.clientWidth), row = 64, top = 8, bottom = 44, height = top + row * rows.length + bottom, side = 14;
  let [x0, x1] = span([0, ...rows.flatMap((family) => delta(state.metric, family).values.map((one) => one[1]))]);
  const room = (x1 - x0) * 0.06 || 1;
  x0 -= room; x1 += room;
  const px = (x) => side + (width - 2 * side) * (x - x0) / (x1 - x0);
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`, tabindex: 0, role: "group", "aria-roledescription": "strip plot", id: "strips-chart",
    "aria-label": `BD-rate of every ${DATA.noun} by ${DATA.metrics[state.metric].label} against ${DATA.families[state.anchor]}. Arrow keys move between ${DATA.noun}s and families, Enter chooses one.`,
  });
  const ticks = linearTicks(x0, x1, Math.floor(width / 90));
  for (const tick of ticks.ticks) {
    svg.append(draw("line", { x1: px(tick), x2: px(tick), y1: top, y2: height - bottom, class: Math.abs(tick) < 1e-9 ? "zero" : "grid" }));
    svg.append(draw("text", { x: px(tick), y: height - bottom + 18, "text-anchor": "middle" }, Math.abs(tick) < 1e-9 ? "0" : (tick > 0 ? "+" : "") + number(tick, ticks.digits)));
  }
  svg.append(draw("text", { x: width - side, y: height - 6, "text-anchor": "end", class: "title" }, "bytes at equal " + DATA.metrics[state.metric].label + ", %"));
  svg.append(draw("text", { x: side, y: height - 6, class: "title" }, "\u2190 smaller"));
  rows.forEach((family, line) => {
    const y = top + row * line + 44, one = delta(state.metric, family);
    svg.append(draw("text", { x: side, y: y - 27, class: "name" }, DATA.families[family]));
    const dots = one.values.map(([image, value, low, high, share]) => ({ family, image, value, low, high, share, x: px(value), y })).sort((a, b) => a.x - b.x);
    swarm(dots, y);
    for (const dot of dots) {
      const shape = mark(family, dot.x, dot.y, 4.2, "dot" + (dot.image === state.image ? " chosen" : ""));
      shape.addEventListener("click", () => change({ image: dot.image === state.image ? -1 : dot.image }));
      svg.append(shape);
    }
    if (one.low !== null) svg.append(draw("line", { x1: px(one.low), x2: px(one.high), y1: y + 15, y2: y + 15, class: `whisker stroke ${look(family).series}` }));
    if (one.mean !== null) svg.append(draw("path", { d: MARKS[3](5), transform: `translate(${px(one.mean).toFixed(2)} ${y + 15})`, class: `fill mark ${look(family).series}` }));
    strips.rows.push(dots);
  });
  strips.ring = draw("circle", { r: 8, class: "ring", visibility: "hidden" });
  svg.append(strips.ring);
  svg.addEventListener("pointermove", stripsHover);
  svg.addEventListener("pointerdown", stripsHover);
  svg.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== svg) stripsHide(); });
  svg.addEventListener("keydown", stripsKey);
  svg.addEventListener("focus", () => { if (svg.matches(":focus-visible") && !strips.cursor) stripsGo(0, 0); });
  svg.addEventListener("blur", stripsHide);
  const focused = document.activeElement && document.activeElement.id === "strips-chart";
  strips.plot.replaceChildren(svg);
  if (focused) svg.focus();
}

// Overlapping dots are moved, alternately up and down.
function swarm(dots, y) {
  const placed = [];
  for (const dot of dots) {
    const near = placed.filter((other) => Math.abs(other.x - dot.x) < 8.5);
    dot.y = [0, -8, 8, -14, 4, -4].map((step) => y + step).find((level) => near.every((other) => Math.abs(other.y - level) >= 7.5 || Math.hypot(other.x - dot.x, other.y - level) >= 8.5)) ?? y;
    placed.push(dot);
  }
}

function stripsHide() { strips.cursor = null; strips.tip.hide(); if (strips.ring) strips.ring.setAttribute("visibility", "hidden"); }

function stripsShow(dot, speak) {
  strips.ring.setAttribute("cx", dot.x); strips.ring.setAttribute("cy", dot.y); strips.ring.setAttribute("visibility", "visible");
  const facts = [["family", DATA.families[dot.family]], ["BD-rate", percent(dot.value)]];
  facts.push(["over", `${score(dot.low)} to ${score(dot.high)}`], ["overlap", number(100 * dot.share, 0) + "\u202f%"]);
  strips.tip.show(dot.x, dot.y, DATA.images[dot.image].name, facts, speak);
}

function stripsHover(event) {
  const box = event.currentTarget.getBoundingClientRect(), scale = event.currentTarget.viewBox.baseVal.width / box.width;
  const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
  let best = null, least = 18 ** 2;
  for (const dot of strips.rows.flat()) {
    const away = (dot.x - x) ** 2 + (dot.y - y) ** 2;
    if (away < least) { least = away; best = dot; }
  }
  if (best) stripsShow(best, false); else stripsHide();
}

function stripsGo(row, dot) {
  if (!strips.rows.length) return;
  const r = (row + strips.rows.length) % strips.rows.length, d = Math.max(0, Math.min(strips.rows[r].length - 1, dot));
  strips.cursor = [r, d];
  stripsShow(strips.rows[r][d], true);
}

function stripsKey(event) {
  const [row, dot] = strips.cursor || [0, -1];
  const same = (step) => {
    const now = strips.cursor ? strips.rows[row][dot].image : -1;
    return Math.max(0, strips.rows[(row + step + strips.rows.length) % strips.rows.length].findIndex((one) => one.image === now));
  };
  const choose = () => {
    if (!strips.cursor) return;
    const image = strips.rows[row][dot].image, again = [row, dot];
    change({ image: image === state.image ? -1 : image });
    stripsGo(...again);
  };
  const moves = {
    ArrowRight: () => stripsGo(row, dot + 1), ArrowLeft: () => stripsGo(row, dot - 1), ArrowUp: () => stripsGo(row - 1, same(-1)),
    ArrowDown: () => stripsGo(row + 1, same(1)), Home: () => stripsGo(row, 0), End: () => stripsGo(row, Infinity), Escape: stripsHide, Enter: choose,
  };
  if (moves[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) { event.preventDefault(); moves[event.key](); }
}
