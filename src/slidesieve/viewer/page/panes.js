// A pane is one zoomable slide under one model. Panes move in step.

import { drawOverlays, tileAt } from "./overlays.js";

export class Pane {
  constructor(root, app, hasNavigator) {
    Object.assign(this, { root, app, slide: null, model: null, layers: {} });
    const stage = root.querySelector(".stage");
    this.viewer = OpenSeadragon({
      element: stage,
      drawer: "canvas",
      showNavigationControl: false,
      showNavigator: hasNavigator,
      navigatorPosition: "TOP_RIGHT",
      navigatorBackground: "#eceff1",
      navigatorBorderColor: "#b8b8b8",
      navigatorWidth: "9rem",
      navigatorHeight: "8rem",
      navigatorAutoFade: false,
      maxZoomPixelRatio: 4,
      animationTime: 0.4,
      gestureSettingsMouse: { clickToZoom: false },
    });
    this.canvas = Object.assign(document.createElement("canvas"), { className: "overlay" });
    this.viewer.canvas.append(this.canvas); // below the navigator
    for (const event of ["update-viewport", "open", "resize"]) {
      this.viewer.addHandler(event, () => this.draw());
    }
    for (const event of ["animation", "animation-finish"]) {
      this.viewer.addHandler(event, () => app.follow(this));
    }
    this.viewer.addHandler("open", () => {
      this.showNavigator(true);
      app.catchUp(this);
    });
    this.showNavigator(false);
    this.viewer.addHandler("tile-drawn", () => (root.dataset.drawn = this.slide));
    this.viewer.addHandler("open-failed", (event) => this.say(event.message));
    this.viewer.addHandler("tile-load-failed", () => this.say("a part cannot be read"));
    for (const event of ["pointerenter", "pointerdown", "wheel", "focusin"]) {
      stage.addEventListener(event, () => app.lead(this), { capture: true, passive: true });
    }
    stage.addEventListener("pointermove", (event) => this.point(event));
    stage.addEventListener("pointerleave", () => (this.root.querySelector(".pointer").textContent = ""));
  }

  // Opens a slide; what is slow comes when it comes, unless another slide was chosen meanwhile.
  async open(slide) {
    this.slide = slide;
    this.layers = {};
    delete this.root.dataset.drawn;
    this.viewer.close();
    this.showNavigator(false);
    this.draw();
    this.say("");
    this.root.querySelector(".pointer").textContent = "";
    const info = await this.fetch(`slides/${encodeURIComponent(slide)}/info.json`);
    if (!info) return;
    this.layers.info = info;
    this.viewer.open({
      width: info.width,
      height: info.height,
      tileSize: info.tile_px,
      tileOverlap: info.overlap_px,
      maxLevel: info.max_level,
      getTileUrl: (level, x, y) =>
        `slides/${encodeURIComponent(slide)}/tiles/${level}/${x}_${y}.jpg`,
    });
    await this.load();
  }

  setModel(model) {
    this.model = model;
    delete this.layers.tokens;
    return this.load();
  }

  // Fetches the layers that are to be shown and are not there yet.
  async load() {
    const { show } = this.app;
    const folder = `slides/${encodeURIComponent(this.slide)}`;
    if (!this.layers.info) return;
    const wanted = [];
    if (show.tissue) wanted.push(this.want("tissue", `${folder}/tissue.json`));
    if (show.tiles) wanted.push(this.want("tiles", `${folder}/tiles.json`));
    if ((show.attention || show.tokens) && this.model) {
      const { encoder, model } = this.model;
      wanted.push(this.want("tokens", `${folder}/tokens/${encoder}/${model}.json`));
    }
    if (show.truth && this.layers.info.has_truth) {
      wanted.push(this.want("truth", `${folder}/truth.png`, fetchPicture));
    }
    this.draw();
    await Promise.all(wanted);
    this.draw();
  }

  async want(layer, address, fetchLayer = (place) => this.fetch(place)) {
    const { layers, model } = this;
    if (layers[layer]) return;
    const slow = setTimeout(() => this.say(`${layer} are being made …`), 500);
    const found = await fetchLayer(address);
    clearTimeout(slow);
    if (found) this.say("");
    const still = this.layers === layers && (layer !== "tokens" || this.model === model);
    if (found && still) layers[layer] = found;
  }

  async fetch(address) {
    const { slide } = this;
    const answer = await fetch(address).catch(() => null);
    if (!answer) {
      this.say("The viewer has been stopped.");
      return null;
    }
    if (answer.ok) return this.slide === slide ? answer.json() : null;
    const why = await answer.text();
    if (this.slide === slide) this.say(why);
    return null;
  }

  showNavigator(isOpen) {
    if (this.viewer.navigator) this.viewer.navigator.element.style.visibility = isOpen ? "" : "hidden";
  }

  say(words) {
    const message = this.root.querySelector(".message");
    message.textContent = words;
    message.hidden = !words;
  }

  draw() {
    const { canvas, viewer } = this;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (!this.layers.info || !viewer.world.getItemCount()) return;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    drawOverlays(context, this.view(), this.layers, this.app.show, this.app.legend);
  }

  view() {
    const place = (x) =>
      this.viewer.viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(x, 0));
    const corner = place(0), { width } = this.layers.info;
    return { x: corner.x, y: corner.y, scale: (place(width).x - corner.x) / width };
  }

  // Says where the pointer is, and what the model made of that tile.
  point(event) {
    const { info, tokens, tiles } = this.layers;
    if (!info || !this.viewer.world.getItemCount()) return;
    const view = this.view(), box = this.canvas.getBoundingClientRect();
    const x = Math.floor((event.clientX - box.x - view.x) / view.scale);
    const y = Math.floor((event.clientY - box.y - view.y) / view.scale);
    const words = [`x ${x + info.left}, y ${y + info.top} px of level 0`];
    const row = tokens ? tileAt(tokens, x, y) : -1;
    if (row >= 0) {
      const attention = tokens.attention[row];
      words.push(this.app.legend.outcomes[tokens.outcome[row]].name);
      if (attention !== null) words.push(`attention ${attention.toPrecision(2)} × even`);
    } else if (tiles && tileAt(tiles, x, y) < 0) {
      words.push("no tile");
    }
    this.root.querySelector(".pointer").textContent = words.join(" · ");
  }
}

async function fetchPicture(address) {
  const picture = new Image();
  picture.src = address;
  await picture.decode().catch(() => null);
  return picture.naturalWidth ? picture : null;
}
