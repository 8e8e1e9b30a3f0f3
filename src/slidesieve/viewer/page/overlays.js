// Draws the overlays of a slide on a canvas over the slide.
// A view says where the slide lies: {x, y} of its corner and `scale`, both in CSS px.

const TISSUE = "#00823c", TILES = "#2850c8", KEPT = 0, MERGED = 1, PRUNED = 2;
const BAR_UM = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000];

export function drawOverlays(context, view, layers, show, legend) {
  const { width, height } = context.canvas;
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.restore();
  if (show.truth && layers.truth) drawTruth(context, view, layers.info, layers.truth);
  if (show.attention && layers.tokens) drawAttention(context, view, layers.tokens, show, legend);
  if (show.tokens && layers.tokens) drawTokens(context, view, layers.tokens, show, legend);
  if (show.tiles && layers.tiles) drawTiles(context, view, layers.tiles);
  if (show.tissue && layers.tissue) drawTissue(context, view, layers.tissue);
  if (layers.info.mpp) drawScaleBar(context, view, layers.info.mpp);
}

function shadeOf(attention, { attention: colours, lowest, highest }) {
  const along = Math.log(attention / lowest) / Math.log(highest / lowest);
  return Math.round(Math.min(Math.max(along, 0), 1) * (colours.length - 1));
}

// The rows of each shade, so that a colour is set once for all its tiles; made once per model.
function rowsOfShades(tokens, legend) {
  tokens.rowsOfShades ??= tokens.attention.reduce((rows, attention, row) => {
    if (attention !== null) rows[shadeOf(attention, legend)].push(row);
    return rows;
  }, legend.attention.map(() => []));
  return tokens.rowsOfShades;
}

// The row of the tile at a place in px of the slide; -1 where there is none.
export function tileAt(tiles, x, y) {
  return tiles.corners.findIndex(
    ([left, top]) => left <= x && x < left + tiles.side && top <= y && y < top + tiles.side,
  );
}

// Calls draw(row, left, top, width, height) for the tiles in sight. Edges lie on whole px, so that
// neighbours neither overlap nor leave a gap.
function eachTile(context, view, { corners, side }, draw, rows = corners.keys()) {
  const ratio = devicePixelRatio;
  const right = context.canvas.width / ratio, bottom = context.canvas.height / ratio;
  const snap = (value) => Math.round(value * ratio) / ratio;
  for (const row of rows) {
    const [x, y] = corners[row];
    const left = snap(view.x + x * view.scale), top = snap(view.y + y * view.scale);
    const width = snap(view.x + (x + side) * view.scale) - left;
    const height = snap(view.y + (y + side) * view.scale) - top;
    if (left < right && top < bottom && left + width > 0 && top + height > 0) {
      draw(row, left, top, Math.max(width, 1 / ratio), Math.max(height, 1 / ratio));
    }
  }
}

function drawAttention(context, view, tokens, show, legend) {
  context.globalAlpha = show.opacity;
  rowsOfShades(tokens, legend).forEach((rows, shade) => {
    context.fillStyle = legend.attention[shade];
    eachTile(context, view, tokens, (row, x, y, w, h) => context.fillRect(x, y, w, h), rows);
  });
  context.globalAlpha = 1;
}

function drawTokens(context, view, tokens, show, legend) {
  const colours = legend.outcomes.map((outcome) => outcome.colour);
  const hatch = hatching(context, colours[PRUNED]);
  const line = Math.min(Math.max(1.5, (tokens.side * view.scale) / 24), 3);
  eachTile(context, view, tokens, (row, left, top, width, height) => {
    const outcome = tokens.outcome[row];
    if (outcome === KEPT) {
      context.strokeStyle = colours[KEPT];
      context.lineWidth = line;
      context.strokeRect(left + line / 2, top + line / 2, width - line, height - line);
      return;
    }
    context.globalAlpha = outcome === MERGED ? show.opacity : 1;
    context.fillStyle = outcome === MERGED ? tokens.colour[row] : hatch;
    context.fillRect(left, top, width, height);
    context.globalAlpha = 1;
  });
}

function hatching(context, colour) {
  const cell = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
  const pen = cell.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  for (const start of [-8, 0, 8]) {
    pen.moveTo(start, 8);
    pen.lineTo(start + 8, 0);
  }
  pen.stroke();
  return context.createPattern(cell, "repeat");
}

function drawTiles(context, view, tiles) {
  context.strokeStyle = TILES;
  context.lineWidth = 1;
  eachTile(context, view, tiles, (row, x, y, w, h) => context.strokeRect(x, y, w, h));
}

function drawTissue(context, view, { rings }) {
  context.strokeStyle = TISSUE;
  context.lineWidth = 2;
  context.beginPath();
  for (const ring of rings) {
    ring.forEach(([x, y], number) => {
      const place = [view.x + x * view.scale, view.y + y * view.scale];
      if (number) context.lineTo(...place);
      else context.moveTo(...place);
    });
    context.closePath();
  }
  context.stroke();
}

function drawTruth(context, view, info, mask) {
  const [width, height] = info.level0;
  context.save();
  context.beginPath();
  context.rect(view.x, view.y, info.width * view.scale, info.height * view.scale);
  context.clip();
  context.drawImage(
    mask,
    view.x - info.left * view.scale,
    view.y - info.top * view.scale,
    width * view.scale,
    height * view.scale,
  );
  context.restore();
}

function drawScaleBar(context, view, mpp) {
  const height = context.canvas.height / devicePixelRatio;
  const fitting = BAR_UM.filter((um) => (um / mpp) * view.scale <= 180);
  const um = fitting.length ? fitting.at(-1) : BAR_UM[0];
  const length = (um / mpp) * view.scale;
  context.fillStyle = "#ffffffd0";
  context.fillRect(8, height - 36, length + 16, 28);
  context.fillStyle = "#1a1a1a";
  context.fillRect(16, height - 16, length, 3);
  context.font = "12px system-ui, sans-serif";
  context.fillText(um >= 1000 ? `${um / 1000} mm` : `${um} µm`, 16, height - 21);
}
