// The page around the figures: controls, origins of the rows, failures.

function tellSummary() {
  const families = plural(DATA.families.length, "family of settings", "families of settings"), rows = plural(DATA.rows.length, "row");
  byId("summary").replaceChildren(element("strong", {}, plural(DATA.images.length, DATA.noun)), ", ", element("strong", {}, families), ", ",
    element("strong", {}, rows), ": every one measured on the decoded file, none averaged before it was stored.",
    DATA.unusable ? ` ${plural(DATA.unusable, "row")} without a rate, or measured again later, ${DATA.unusable === 1 ? "is" : "are"} not used.` : "");
}

function buildSwitches() {
  const options = (id, list, value, choose) => {
    byId(id).replaceChildren(...list.map(([key, text]) => element("option", { value: key, selected: key === value }, text)));
    byId(id).addEventListener("change", (event) => choose(Number(event.target.value)));
  };
  options("metric", DATA.metrics.map((metric, m) => [m, metric.label + (metric.unit ? `, ${metric.unit}` : "")]), state.metric, (metric) => change({ metric }));
  options("anchor", DATA.families.map((name, family) => [family, name]), state.anchor, (anchor) => change({ anchor }));
  const all = DATA.images.length === 1 ? [] : [[-1, `all ${DATA.images.length}: their means`]];
  options("image", [...all, ...DATA.images.map((image, i) => [i, image.name])], state.image, (image) => change({ image }));
  byId("log").addEventListener("change", (event) => change({ log: event.target.checked }));
  byId("each").addEventListener("change", (event) => change({ each: event.target.checked }));
}

// The template is written for pictures; for videos the nouns are replaced.
function nameThings() {
  if (DATA.noun === "picture") return;
  for (const node of document.querySelectorAll(".noun")) node.textContent = node.textContent.replace(/picture/g, DATA.noun).replace(/Picture/g, "Video");
}

const LABELS = { rows: "rows", versions: "packages", codec: "codec", codec_version: "version", python: "Python", machine: "machine", cpu: "vector level", workers: "encoders side by side", command: "command line" };
const title = (name) => LABELS[name] || name.replaceAll("_", " ");

// What tells two builds of one version apart, by setting.
function fingerprints() {
  const found = DATA.origins.filter((origin) => origin.fingerprints.length);
  if (!found.length) return [];
  return [element("details", {}, element("summary", {}, plural(found.reduce((sum, origin) => sum + origin.fingerprints.length, 0), "fingerprint") + " of what the codecs make of a small fixed picture"),
    element("pre", { class: "commands code" }, found.map((origin) => `${origin.codec} (${origin.codec_version})\n  ${origin.fingerprints.join("\n  ")}`).join("\n")))];
}

// Fields that all rows share once, differing ones as a table.
function originFacts() {
  const names = Object.keys(DATA.origins[0]).filter((name) => !["command", "rows", "fingerprints"].includes(name));
  const shared = names.filter((name) => name !== "codec" && name !== "codec_version" && DATA.origins.every((origin) => origin[name] === DATA.origins[0][name]));
  const differ = names.filter((name) => !shared.includes(name));
  const facts = shared.filter((name) => DATA.origins[0][name] !== "").flatMap((name) => [element("dt", {}, title(name)), element("dd", {}, String(DATA.origins[0][name]))]);
  return [element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Codecs under test" }, element("table", {},
    element("thead", {}, element("tr", {}, ...differ.map((name) => element("th", { scope: "col", class: "words" }, title(name))), element("th", { scope: "col" }, "rows"))),
    element("tbody", {}, ...DATA.origins.map((origin) => element("tr", {}, ...differ.map((name, i) => element(i ? "td" : "th", i ? { class: "words" } : { scope: "row" }, String(origin[name]))),
      element("td", {}, String(origin.rows))))))), element("dl", { class: "facts" }, ...facts), ...fingerprints()];
}

function tellOrigin() {
  const body = byId("origin-body"), commands = [...new Set(DATA.origins.map((origin) => origin.command).filter(Boolean))];
  body.replaceChildren(
    element("h3", {}, "Command lines"),
    commands.length ? element("pre", { class: "commands code" }, commands.join("\n")) : element("p", {}, "The rows do not say which command made them."),
    element("h3", {}, "Software and machine"),
    ...originFacts(),
    element("h3", {}, "Originals"),
    element("details", { open: DATA.images.length <= 24 }, element("summary", {}, plural(DATA.images.length, "original") + " with SHA-256"),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Originals" }, element("table", { class: "originals" },
        element("thead", {}, element("tr", {}, ...[["file", "words"], ["size", ""], ["SHA-256", "words"]].map(([name, kind]) => element("th", { scope: "col", class: kind }, name)))),
        element("tbody", {}, ...DATA.images.map((image) => element("tr", {}, element("th", { scope: "row" }, image.path),
          element("td", {}, extent(image)), element("td", { class: "words code" }, image.sha256))))))));
  byId("colophon").textContent = `Written by codec ${DATA.version}. This page is self-contained.`;
}

function tellFailures() {
  const items = DATA.failures.map((text) => element("li", {}, text));
  for (const [family, image, labels] of DATA.gaps) {
    const what = labels === null ? "no row at all" : `no row at ${DATA.dial} ` + labels.join(", ");
    items.push(element("li", {}, element("b", {}, DATA.images[image].name), ` has ${what} of `, element("b", {}, DATA.families[family]), "."));
  }
  byId("failures-body").replaceChildren(items.length ? element("ul", {}, ...items) : element("p", {}, `None: every ${DATA.noun} has a row at every setting.`));
}

nameThings();
buildSwitches();
tellSummary();
tellOrigin();
tellFailures();
drawLegend();
buildViewer();
firstLook();
function refresh(changed) {
  const all = changed.length === 0, has = (...names) => all || names.some((name) => changed.includes(name));
  byId("image").value = String(state.image);
  if (has("metric", "image", "log", "each", "hidden")) { tellCurves(); drawCurves(); }
  if (has("metric", "anchor")) tellDeltas();
  if (has("metric", "anchor", "image", "hidden")) drawStrips();
  if (has("metric")) { tellPictures(); drawStage(); }
}
listeners.push(refresh);
refresh([]);
whenResized(curves.figure, drawCurves);
whenResized(strips.figure, drawStrips);
