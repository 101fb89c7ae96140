"use strict";
// All text from rows goes through `element` and `draw`, which set attributes and append text: nothing is parsed as HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const listeners = [];

const byId = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
const element = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function change(patch) {
  Object.assign(state, patch);
  for (const listen of listeners) listen(Object.keys(patch));
}

const MINUS = "\u2212";
function number(value, digits) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") return value.replace("-", MINUS).replace("inf", "\u221e");
  return value.toFixed(digits).replace("-", MINUS);
}
const significant = (value, digits) => (value === 0 ? "0" : number(value, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))))));
const rate = (value) => significant(value, 3) + " " + DATA.rate[0];
function percent(value, sign = true) {
  if (value === null || value === undefined) return "none";
  const digits = Math.abs(value) >= 100 ? 0 : 1;
  const text = number(Math.abs(value), digits);
  const zero = Number(text) === 0;
  return (sign && !zero ? (value < 0 ? MINUS : "+") : "") + text + "\u202f%";
}
function score(value, metric = state.metric) {
  const kind = DATA.metrics[metric];
  return number(value, kind.digits) + (kind.unit && typeof value === "number" ? "\u202f" + kind.unit : "");
}
function bytes(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f") + "\u202fB";
}
const plural = (count, one, many) => `${count} ${count === 1 ? one : many || one + "s"}`;
const setting = (row) => DATA.settings[row[ROW.setting]];
const quality = (row) => (setting(row)[0] === "" ? "" : DATA.dial + " " + setting(row)[0]);
const speed = (row, way) => {
  const { size: [width, height], frames } = DATA.images[row[ROW.image]];
  return row[way] > 0 ? significant(width * height * frames / 1e6 / row[way], 3) + " MP/s" : "none";
};
const extent = ({ size }) => size.join(" \u00d7 ") + " pixels";
const finite = (value) => typeof value === "number";
const metricKey = () => DATA.metrics[state.metric].name;

// Colour, dash and mark each identify a family, so no single one is needed.
const DASHES = ["", "7 3", "2 2.5", "9 3 2 3"];
const MARKS = [
  (r) => `M${-r} 0A${r} ${r} 0 1 0 ${r} 0A${r} ${r} 0 1 0 ${-r} 0Z`,
  (r) => `M${-r * 0.9} ${-r * 0.9}H${r * 0.9}V${r * 0.9}H${-r * 0.9}Z`,
  (r) => `M0 ${-r * 1.15}L${r * 1.1} ${r * 0.85}H${-r * 1.1}Z`,
  (r) => `M0 ${-r * 1.3}L${r * 1.3} 0L0 ${r * 1.3}L${-r * 1.3} 0Z`,
  (r) => `M0 ${r * 1.15}L${r * 1.1} ${-r * 0.85}H${-r * 1.1}Z`,
];
const look = (family) => ({ series: "s" + (family % 7), dash: DASHES[family % DASHES.length], mark: MARKS[family % MARKS.length] });
const mark = (family, x, y, r, extra = "") =>
  draw("path", { d: look(family).mark(r), transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`, class: `fill mark ${look(family).series} ${extra}` });
function swatch(family) {
  const svg = draw("svg", { width: 30, height: 14, viewBox: "0 0 30 14", "aria-hidden": "true", class: "swatch" });
  svg.append(draw("path", { d: "M0 7H30", class: `mean stroke ${look(family).series}`, "stroke-dasharray": look(family).dash }), mark(family, 15, 7, 4));
  return svg;
}

function linearTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return { ticks, digits: Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (String(step / power).startsWith("2.5") ? 1 : 0)) };
}
function logTicks(low, high, count) {
  for (const marks of [[1], [1, 2, 5], [1, 1.5, 2, 3, 4, 5, 7]]) {
    const ticks = [];
    for (let e = Math.floor(Math.log10(low)) - 1; e <= Math.ceil(Math.log10(high)); e++) {
      for (const m of marks) {
        const tick = Number((m * 10 ** e).toPrecision(3));
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    if (ticks.length >= Math.min(4, count)) return ticks;
  }
  return linearTicks(low, high, count).ticks.filter((tick) => tick > 0);
}

// A tooltip beside a point of a figure; its text is also announced when the keyboard moves it.
function tooltip(figure) {
  const tip = element("div", { class: "tip", hidden: true });
  figure.append(tip);
  return {
    show(x, y, title, facts, speak) {
      tip.replaceChildren(element("b", {}, title), element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])));
      tip.hidden = false;
      const width = tip.offsetWidth, height = tip.offsetHeight, room = figure.clientWidth;
      const left = x + 16 + width <= room ? x + 16 : Math.max(0, x - 16 - width);
      const covered = x + 16 + width > room && x - 16 - width < 0;
      const top = covered ? (y + 16 + height <= figure.clientHeight ? y + 16 : y - 16 - height) : Math.max(0, Math.min(y - height / 2, figure.clientHeight - height));
      tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
      if (speak) byId("spoken").textContent = title + ": " + facts.map((fact) => fact.join(" ")).join(", ");
    },
    hide() { tip.hidden = true; },
  };
}

// Redraw only when the width of the figure changes.
function whenResized(figure, redraw) {
  let last = 0;
  new ResizeObserver(() => {
    if (Math.abs(figure.clientWidth - last) >= 1) { last = figure.clientWidth; redraw(); }
  }).observe(figure);
}

function span(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  return [low, high];
}

byId("theme").addEventListener("change", (event) => {
  if (event.target.value) document.documentElement.dataset.theme = event.target.value; else delete document.documentElement.dataset.theme;
});
