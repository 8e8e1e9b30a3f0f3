// The list of slides, errors first, and the table of true and predicted classes that filters it.

export function percent(probability) {
  if (probability > 0.995 && probability < 1) return "> 99 %";
  if (probability < 0.005 && probability > 0) return "< 1 %";
  return `${(100 * probability).toFixed(0)} %`;
}

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Words of a verdict: what was predicted of which class.
export function verdictWords({ label, prediction, is_error: isError }) {
  if (!label) return `predicted ${prediction}`;
  return isError ? `${label}, predicted ${prediction}` : `${label}, as predicted`;
}

export class SlideList {
  constructor(study, choose) {
    Object.assign(this, { study, choose, filter: null, words: "", model: null, slide: null });
    this.list = document.querySelector("#slides");
    this.clear = document.querySelector("#search button");
    this.clear.onclick = () => this.show({ filter: null });
    document.querySelector("#search input").oninput = (event) =>
      this.show({ words: event.target.value.trim().toLowerCase() });
  }

  show(changes) {
    Object.assign(this, changes);
    this.drawConfusion();
    this.clear.hidden = !this.filter;
    this.clear.textContent = this.filter ? `${this.filter.join(" → ")} ✕` : "";
    const rows = this.rows().filter(
      ({ slide_id: id, verdict }) =>
        id.toLowerCase().includes(this.words) &&
        (!this.filter ||
          (verdict && verdict.label === this.filter[0] && verdict.prediction === this.filter[1])),
    );
    this.list.replaceChildren(...rows.map((row) => element("li", {}, this.button(row))));
  }

  // Every slide once: those with a verdict in its order, then those that were left out.
  rows() {
    const bySlide = new Map(this.study.slides.map((slide) => [slide.slide_id, slide]));
    const verdicts = this.model ? this.model.verdicts : [];
    const judged = verdicts.filter((verdict) => bySlide.has(verdict.slide_id));
    const rest = new Set(bySlide.keys());
    judged.forEach((verdict) => rest.delete(verdict.slide_id));
    return [
      ...judged.map((verdict) => ({ ...bySlide.get(verdict.slide_id), verdict })),
      ...[...rest].map((id) => bySlide.get(id)),
    ];
  }

  button({ slide_id: id, label, status, reason, verdict }) {
    const words = verdict ? verdictWords(verdict) : label;
    const made = element(
      "button",
      { type: "button", className: verdict && verdict.is_error ? "wrong" : "", title: reason || id },
      thumbnail(id, status),
      element("b", { textContent: id }),
      element("span", {
        className: "probability",
        textContent: verdict ? percent(verdict.confidence) : status === "ok" ? "" : status,
      }),
      element("small", { textContent: status === "ok" ? words : reason }),
    );
    made.dataset.slide = id;
    made.setAttribute("aria-current", String(id === this.slide));
    made.onclick = () => this.choose(id);
    return made;
  }

  mark(slide) {
    this.slide = slide;
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.slide === slide));
    }
  }

  drawConfusion() {
    const { model } = this, table = element("table");
    const box = document.querySelector("#confusion");
    box.hidden = !model || !model.verdicts.some((verdict) => verdict.label);
    if (box.hidden) return;
    table.append(
      element("tr", {}, element("th", { textContent: "true ↓  predicted →" }), ...heads(model.classes)),
    );
    for (const truth of model.classes) {
      const cells = model.classes.map((guess) => element("td", {}, this.cell(truth, guess)));
      table.append(element("tr", {}, element("th", { textContent: truth }), ...cells));
    }
    box.querySelector("div").replaceChildren(table);
  }

  cell(truth, guess) {
    const held = this.model.verdicts.filter((v) => v.label === truth && v.prediction === guess);
    const isChosen = this.filter && this.filter[0] === truth && this.filter[1] === guess;
    const made = element("button", {
      type: "button",
      textContent: held.length,
      disabled: !held.length,
      className: held.length ? (truth === guess ? "right" : "wrong") : "",
      title: `${truth}, predicted ${guess}: ${held.length} slides`,
      onclick: () => this.show({ filter: isChosen ? null : [truth, guess] }),
    });
    made.setAttribute("aria-pressed", String(Boolean(isChosen)));
    return made;
  }
}

function heads(classes) {
  return classes.map((name) => element("th", { textContent: name }));
}

function thumbnail(id, status) {
  const picture = element("img", { loading: "lazy", alt: "" });
  picture.onerror = () => picture.removeAttribute("src");
  if (status === "ok") picture.src = `slides/${encodeURIComponent(id)}/thumbnail.jpg`;
  return picture;
}
