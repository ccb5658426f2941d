// The map: the index's own pixels. Where a tile is missing, a coarser one is drawn out.
const zooms = Object.keys(tiles).map((key) => Number(key.split("/")[0]));
const finestZoom = zooms.length ? zooms.reduce((a, b) => Math.max(a, b)) : 19;
const coarsestZoom = zooms.length ? zooms.reduce((a, b) => Math.min(a, b)) : 1;
const Ground = L.GridLayer.extend({
  createTile({ x, y, z }) {
    const frame = document.createElement("div");
    frame.className = "ground";
    for (let up = 0; z - up >= coarsestZoom; up += 1) {
      const source = tiles[`${z - up}/${x >> up}/${y >> up}`];
      if (!source) continue;
      const picture = document.createElement("img");
      const scale = 2 ** up;
      picture.alt = "";
      picture.draggable = false;
      // A pixel more than a tile's side: between two zooms its neighbour would leave a seam.
      picture.style.width = picture.style.height = `${256 * scale + 1}px`;
      picture.style.left = `${-256 * (x % scale)}px`;
      picture.style.top = `${-256 * (y % scale)}px`;
      picture.src = source;
      frame.append(picture);
      break;
    }
    return frame;
  },
});
const openMap = (id, options) => {
  const opened = L.map(id, {
    minZoom: Math.max(0, coarsestZoom - 2),
    maxZoom: Math.min(24, finestZoom + 3),
    zoomSnap: 0.25,
    attributionControl: false,
    fadeAnimation: false,
    ...options,
  });
  new Ground({ keepBuffer: 1 }).addTo(opened);
  return opened;
};
const latLng = ([lon, lat]) => L.latLng(lat, lon);
const fit = (map, places, maxZoom) => {
  if (!places.length) return;
  const bounds = L.latLngBounds(places.map(latLng));
  map.fitBounds(bounds, { padding: [24, 24], maxZoom: places.length > 1 ? maxZoom : maxZoom - 1, animate: false });
};
const metresPerPixel = (map, at) =>
  (40075016.686 * Math.cos((at[1] * Math.PI) / 180)) / (256 * 2 ** map.getZoom());

// The projective map that lays four points of a plane on four others, as a function; null if none.
const homography = (from, to) => {
  const rows = [];
  from.forEach(([x, y], i) => {
    const [u, v] = to[i];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  for (let i = 0; i < 8; i += 1) {
    const best = rows.slice(i).reduce((a, row, k) => (Math.abs(row[i]) > Math.abs(rows[a][i]) ? i + k : a), i);
    [rows[i], rows[best]] = [rows[best], rows[i]];
    if (Math.abs(rows[i][i]) < 1e-12) return null;
    for (let k = 0; k < 8; k += 1) {
      if (k === i) continue;
      const factor = rows[k][i] / rows[i][i];
      for (let c = i; c < 9; c += 1) rows[k][c] -= factor * rows[i][c];
    }
  }
  const [a, b, c, d, e, f, g, h] = rows.map((row, i) => row[8] / row[i]);
  return ([x, y]) => {
    const w = g * x + h * y + 1;
    return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
  };
};

// One triangle of a picture, drawn on another: a plane is flat enough inside a small one.
const drawTriangle = (context, picture, from, to) => {
  const [[x0, y0], [x1, y1], [x2, y2]] = from;
  const area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  if (!area) return;
  const slope = (k) => {
    const [first, second] = [to[1][k] - to[0][k], to[2][k] - to[0][k]];
    const byX = (first * (y2 - y0) - second * (y1 - y0)) / area;
    const byY = (second * (x1 - x0) - first * (x2 - x0)) / area;
    return [byX, byY, to[0][k] - byX * x0 - byY * y0];
  };
  const [ax, bx, cx] = slope(0);
  const [ay, by, cy] = slope(1);
  const middle = [0, 1].map((k) => (to[0][k] + to[1][k] + to[2][k]) / 3);
  context.save();
  context.beginPath();
  // Half a pixel larger, so that no seam shows between neighbours.
  for (const [x, y] of to) {
    const away = Math.hypot(x - middle[0], y - middle[1]) || 1;
    const grown = 1 + 0.7 / away;
    context.lineTo(middle[0] + (x - middle[0]) * grown, middle[1] + (y - middle[1]) * grown);
  }
  context.clip();
  context.transform(ax, ay, bx, by, cx, cy);
  context.drawImage(picture, 0, 0);
  context.restore();
};

const MOST_PIXELS = 4096; // of a side of the canvas: a photo that is shown larger is shown coarser
const PARTS = 24; // of a side of a photo: perspective still bends inside the cells of a coarse mesh

// A photo laid over the map by a mesh, as its camera, its lens and the ground have it.
const Warp = L.Layer.extend({
  onAdd(map) {
    this._canvas = L.DomUtil.create("canvas", "warp leaflet-zoom-hide", map.getPane("warp"));
    map.on("zoomend viewreset", this._place, this);
  },
  onRemove(map) {
    this._canvas.remove();
    map.off("zoomend viewreset", this._place, this);
  },
  show(photo, opacity) {
    if (this._photo !== photo) {
      this._photo = photo;
      this._picture = null;
      this._canvas.width = 0;
    }
    const source = photo && photo.warp && opacity > 0 ? pictureOf(photo) : null;
    if (source && !this._picture) {
      this._picture = new Image();
      this._picture.addEventListener("load", () => this._place());
      this._picture.src = source;
    }
    this._canvas.style.opacity = opacity;
  },
  _place() {
    const picture = this._picture;
    if (!picture || !picture.naturalWidth) return;
    const mesh = this._photo.warp.mesh.map((line) => line.map((at) => at && this._map.latLngToLayerPoint(latLng(at))));
    const known = mesh.flat().filter(Boolean);
    const box = L.bounds(known);
    const size = box.getSize();
    const ratio = Math.min(1, MOST_PIXELS / Math.max(size.x, size.y, 1));
    this._canvas.width = Math.max(1, Math.ceil(size.x * ratio));
    this._canvas.height = Math.max(1, Math.ceil(size.y * ratio));
    this._canvas.style.width = `${size.x}px`;
    this._canvas.style.height = `${size.y}px`;
    L.DomUtil.setPosition(this._canvas, box.min);
    const to = mesh.map((line) => line.map((at) => at && [(at.x - box.min.x) * ratio, (at.y - box.min.y) * ratio]));
    this._draw(this._canvas.getContext("2d"), to);
  },
  _draw(context, to) {
    const [picture, warp] = [this._picture, this._photo.warp];
    const top = (warp.top * picture.naturalHeight) / this._photo.columns.photo_height;
    const [columns, rows] = [to[0].length - 1, to.length - 1];
    const parts = Math.max(1, Math.floor(PARTS / columns));
    const pixel = (i, j) => [(picture.naturalWidth * i) / columns, top + ((picture.naturalHeight - top) * j) / rows];
    for (let j = 0; j < rows; j += 1) {
      for (let i = 0; i < columns; i += 1) {
        const places = [to[j][i], to[j][i + 1], to[j + 1][i + 1], to[j + 1][i]];
        const corners = [pixel(i, j), pixel(i + 1, j), pixel(i + 1, j + 1), pixel(i, j + 1)];
        const laid = places.every(Boolean) && homography(corners, places);
        if (laid) this._drawCell(context, corners, laid, parts);
      }
    }
  },
  _drawCell(context, corners, laid, parts) {
    const [[left, upper], , [right, lower]] = corners;
    const at = (i, j) => [left + ((right - left) * i) / parts, upper + ((lower - upper) * j) / parts];
    for (let j = 0; j < parts; j += 1) {
      for (let i = 0; i < parts; i += 1) {
        const square = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
        for (const triangle of [square.slice(0, 3), [square[0], square[2], square[3]]]) {
          drawTriangle(context, this._picture, triangle, triangle.map(laid));
        }
      }
    }
  },
});
