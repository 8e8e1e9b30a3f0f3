// Holds what is chosen (slide, models, overlays) and tells list and panes.

import { Pane } from "./panes.js";
import { SlideList, element, percent, verdictWords } from "./slides.js";

const study = await (await fetch("study.json")).json();
const tools = document.querySelector("#tools");

const app = {
  show: {},
  legend: study.legend,
  panes: [],
  leader: null,

  lead(pane) {
    app.leader = pane;
  },

  // The other panes go where the leading one is.
  follow(pane) {
    if (pane !== app.leader) return;
    for (const other of app.panes) if (other !== pane) move(other, pane);
  },

  // A pane that has just opened its slide goes where the first one is.
  catchUp(pane) {
    if (pane !== app.panes[0]) move(pane, app.panes[0]);
  },
};

const list = new SlideList(study, choose);

function move(pane, like) {
  if (!pane.viewer.isOpen() || !like.viewer.isOpen()) return;
  pane.viewer.viewport.zoomTo(like.viewer.viewport.getZoom(true), null, true);
  pane.viewer.viewport.panTo(like.viewer.viewport.getCenter(true), true);
}

function addPane(number) {
  const root = document.querySelector("#pane").content.cloneNode(true).firstElementChild;
  document.querySelector("#panes").append(root);
  const pane = new Pane(root, app, app.panes.length === 0);
  app.panes.push(pane);
  app.leader ??= pane;
  const select = root.querySelector("select");
  const oneEncoder = new Set(study.models.map((model) => model.encoder)).size < 2;
  study.models.forEach(({ encoder, model }, index) =>
    select.append(new Option(oneEncoder ? model : `${model} on ${encoder}`, index)),
  );
  select.selectedIndex = number % Math.max(study.models.length, 1);
  select.hidden = !study.models.length;
  select.onchange = () => setModel(pane, study.models[select.value]);
  setModel(pane, study.models[select.selectedIndex] ?? null);
  return pane;
}

function setModel(pane, model) {
  pane.setModel(model);
  drawVerdict(pane);
  if (pane === app.panes[0]) list.show({ model, filter: null });
}

function drawVerdict(pane, slide = pane.slide) {
  const verdict = pane.model?.verdicts.find((row) => row.slide_id === slide);
  const parts = [];
  if (verdict) {
    const kind = !verdict.label ? "open" : verdict.is_error ? "wrong" : "right";
    parts.push(element("span", { className: `chip ${kind}`, textContent: verdictWords(verdict) }));
    const shares = pane.model.classes.map((name, i) => `${name} ${percent(verdict.probabilities[i])}`);
    const spread = verdict.spread === null ? "" : ` ± ${(100 * verdict.spread).toFixed(1)} over ${verdict.n_fits}`;
    parts.push(element("span", { className: "others", textContent: shares.join(", ") + spread }));
  }
  const { label, status } = study.slides.find(({ slide_id: id }) => id === slide) ?? {};
  if (!verdict && pane.model && status) {
    parts.push(element("span", { className: "others", textContent: `${label} · no prediction (${status})` }));
  }
  pane.root.querySelector(".verdict").replaceChildren(...parts);
}

async function choose(slide) {
  list.mark(slide);
  location.hash = encodeURIComponent(slide);
  await Promise.all(
    app.panes.map((pane) => {
      drawVerdict(pane, slide);
      return pane.open(slide);
    }),
  );
  const { info } = app.panes[0].layers;
  tools.querySelector("[name=truth]").disabled = !info?.has_truth;
}

function readSwitches() {
  for (const { name, checked } of tools.querySelectorAll("fieldset input")) app.show[name] = checked;
  app.show.opacity = Number(tools.querySelector("[name=opacity]").value);
  drawLegend();
}

function showTwo(two) {
  if (two === app.panes.length > 1) return;
  if (!two) {
    const pane = app.panes.pop();
    pane.viewer.destroy();
    pane.root.remove();
    app.lead(app.panes[0]);
    return;
  }
  const [first] = app.panes;
  const sawAll = seesAll(first);
  const pane = addPane(first.root.querySelector("select").selectedIndex + 1);
  drawVerdict(pane, first.slide);
  pane.open(first.slide);
  // The first pane is narrower now.
  if (sawAll) {
    first.viewer.addOnceHandler("resize", () =>
      setTimeout(() => {
        first.viewer.viewport.goHome(true);
        move(pane, first);
      }),
    );
  }
}

function seesAll({ viewer }) {
  return viewer.isOpen() && viewer.viewport.getZoom() <= viewer.viewport.getHomeZoom() * 1.01;
}

function drawLegend() {
  const { show, legend } = app, parts = [];
  if (show.attention) {
    const bar = element("canvas", { width: legend.attention.length, height: 12 });
    legend.attention.forEach((colour, x) => {
      bar.getContext("2d").fillStyle = colour;
      bar.getContext("2d").fillRect(x, 0, 1, 12);
    });
    const [low, high] = legend.ends;
    parts.push(element("span", {}, `attention, as a multiple of even: ${low}`, bar, high));
  }
  if (show.tokens) {
    const words = { kept: "kept as it is", merged: "merged, a colour per token", pruned: "pruned" };
    for (const { name, colour } of legend.outcomes) parts.push(swatch(colour, words[name]));
  }
  if (show.truth) parts.push(swatch(legend.truth, "truth: lesion"));
  document.querySelector("#legend").replaceChildren(...parts);
}

function swatch(colour, words) {
  const box = element("canvas", { width: 12, height: 12 });
  box.getContext("2d").fillStyle = colour;
  box.getContext("2d").fillRect(0, 0, 12, 12);
  return element("span", {}, box, words);
}

function fewestErrors() {
  const errors = study.models.map(({ verdicts }) => verdicts.filter((v) => v.is_error).length);
  return Math.max(0, errors.indexOf(Math.min(...errors)));
}

function start() {
  document.title = `${study.name}: slides`;
  document.querySelector("#name").textContent = study.name;
  const usable = study.slides.filter((slide) => slide.status === "ok").length;
  const anyError = study.models.some(({ verdicts }) => verdicts.some((verdict) => verdict.is_error));
  document.querySelector("#counts").textContent =
    `${study.slides.length} slides, ${study.slides.length - usable} left out.` +
    (anyError ? " Errors come first, the most confident at the top." : "");
  readSwitches();
  tools.addEventListener("input", (event) => {
    readSwitches();
    if (event.target.name === "two") showTwo(event.target.checked);
    app.panes.forEach((pane) => pane.load());
  });
  const zoom = (factor) => {
    const { viewport } = app.leader.viewer;
    viewport.zoomBy(factor);
    viewport.applyConstraints();
  };
  tools.querySelector("[name=in]").onclick = () => zoom(1.6);
  tools.querySelector("[name=out]").onclick = () => zoom(1 / 1.6);
  tools.querySelector("[name=home]").onclick = () => app.leader.viewer.viewport.goHome();
  tools.querySelector("[name=two]").disabled = study.models.length < 2;
  addPane(fewestErrors());
  window.addEventListener("hashchange", () => {
    const slide = askedFor();
    if (slide && slide !== app.panes[0].slide) choose(slide);
  });
  choose(askedFor() ?? list.rows()[0].slide_id);
}

// The slide that the address names behind its #.
function askedFor() {
  const asked = decodeURIComponent(location.hash.slice(1));
  return study.slides.find((slide) => slide.slide_id === asked)?.slide_id;
}

start();
// For the console, and for tests in a browser.
window.slidesieve = app;
