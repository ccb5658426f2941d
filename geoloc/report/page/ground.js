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
      picture.style.width = picture.style.height = `${256 * scale}px`;
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
    zoomSnap: 0.5,
    attributionControl: false,
    fadeAnimation: false,
    ...options,
  });
  new Ground({ keepBuffer: 1 }).addTo(opened);
  return opened;
};
const latLng = ([lon, lat]) => L.latLng(lat, lon);
const metresPerPixel = (map, at) =>
  (40075016.686 * Math.cos((at[1] * Math.PI) / 180)) / (256 * 2 ** map.getZoom());

// The matrix that lays four points of a plane on four others, as CSS wants it.
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
  return `matrix3d(${[a, d, 0, g, b, e, 0, h, 0, 0, 1, 0, c, f, 0, 1].join(",")})`;
};

// A photo laid over the map, as level ground has it.
const Warp = L.Layer.extend({
  onAdd(map) {
    this._frame = L.DomUtil.create("div", "warp leaflet-zoom-hide", map.getPane("warp"));
    map.on("zoomend viewreset", this._place, this);
  },
  onRemove(map) {
    this._frame.remove();
    map.off("zoomend viewreset", this._place, this);
  },
  show(photo, opacity) {
    if (this._photo !== photo) {
      this._photo = photo;
      this._frame.replaceChildren();
      this._picture = null;
    }
    const source = photo && photo.warp && opacity > 0 ? pictureOf(photo) : null;
    if (source && !this._picture) {
      this._picture = document.createElement("img");
      this._picture.alt = "";
      this._picture.addEventListener("load", () => this._place());
      this._picture.src = source;
      this._frame.append(this._picture);
    }
    if (this._picture) this._picture.style.opacity = opacity;
  },
  _place() {
    const picture = this._picture;
    if (!picture || !picture.naturalWidth) return;
    const { photo_width: width, photo_height: height } = this._photo.columns;
    const scale = [picture.naturalWidth / width, picture.naturalHeight / height];
    const from = this._photo.warp.px.map(([x, y]) => [x * scale[0], y * scale[1]]);
    const to = this._photo.warp.at.map((at) => {
      const point = this._map.latLngToLayerPoint(latLng(at));
      return [point.x, point.y];
    });
    picture.style.clipPath = `inset(${from[0][1]}px 0 0 0)`;
    picture.style.transform = homography(from, to) ?? "scale(0)";
  },
});
