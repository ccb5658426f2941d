// Photos on the map: thousands of points on one canvas, and what belongs to the chosen one.
// Each kind of point is drawn once and then stamped: paths for thousands would take a filter's time.
const STAMP = 48; // pixels a side
const TURN = 5; // degrees between two arrows
const stamps = new Map();
const stampOf = (status, turn, isChosen) => {
  const ratio = window.devicePixelRatio || 1;
  const key = `${status} ${turn} ${isChosen} ${ratio}`;
  if (!stamps.has(key)) stamps.set(key, drawStamp(status, turn, isChosen, ratio));
  return stamps.get(key);
};
const drawStamp = (status, turn, isChosen, ratio) => {
  const stamp = document.createElement("canvas");
  stamp.width = stamp.height = STAMP * ratio;
  const context = stamp.getContext("2d");
  context.scale(ratio, ratio);
  context.translate(STAMP / 2, STAMP / 2);
  const { colour } = SYMBOLS[status];
  if (turn !== null) {
    const angle = (turn * TURN * Math.PI) / 180;
    const tip = [20 * Math.sin(angle), -20 * Math.cos(angle)];
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(...tip);
    [-0.45, 0.45].forEach((apart) => {
      context.moveTo(...tip);
      context.lineTo(tip[0] - 7 * Math.sin(angle + apart), tip[1] + 7 * Math.cos(angle + apart));
    });
    context.lineCap = "round";
    [["#fff", 4], [colour, 2]].forEach(([paint, width]) => Object.assign(context, { strokeStyle: paint, lineWidth: width }).stroke());
  }
  symbolPath(context, status, 0, 0, isChosen ? 10 : 7);
  Object.assign(context, { fillStyle: colour, strokeStyle: isChosen ? "#ffd400" : "#fff", lineWidth: isChosen ? 3 : 1.5 });
  context.fill();
  context.stroke();
  return stamp;
};
const LAYERS = ["footprints", "radii", "arrows", "track", "truth"];
const Marks = L.Layer.extend({
  onAdd(map) {
    this._canvas = L.DomUtil.create("canvas", "marks leaflet-zoom-hide", map.getPane("marks"));
    map.on("moveend zoomend viewreset resize", this.draw, this);
    this.draw();
  },
  onRemove(map) {
    this._canvas.remove();
    map.off("moveend zoomend viewreset resize", this.draw, this);
  },
  // Once a frame, however much has changed.
  drawSoon() {
    this._frame ??= requestAnimationFrame(() => {
      this._frame = null;
      this.draw();
    });
  },
  draw() {
    const map = this._map;
    if (!map || !map._loaded) return;
    const size = map.getSize();
    const ratio = window.devicePixelRatio || 1;
    const pad = size.multiplyBy(0.15).round();
    this._corner = map.containerPointToLayerPoint(L.point(-pad.x, -pad.y));
    const whole = size.add(pad.multiplyBy(2));
    L.DomUtil.setPosition(this._canvas, this._corner);
    this._canvas.width = whole.x * ratio;
    this._canvas.height = whole.y * ratio;
    this._canvas.style.width = `${whole.x}px`;
    this._canvas.style.height = `${whole.y}px`;
    const context = this._canvas.getContext("2d");
    context.scale(ratio, ratio);
    this._world = 256 * 2 ** map.getZoom();
    this._origin = map.getPixelOrigin().add(this._corner);
    this._places = page.shown
      .filter((photo) => placeOf(photo))
      .map((photo) => ({ photo, ...this._point(placeOf(photo)) }));
    const isOn = Object.fromEntries(LAYERS.map((name) => [name, byId(`show-${name}`).checked]));
    this._hasArrows = isOn.arrows;
    if (isOn.track) this._drawTrack(context);
    if (isOn.footprints) this._places.forEach((place) => this._drawFootprint(context, place));
    if (isOn.radii) this._places.forEach((place) => this._drawRadius(context, place));
    if (hasTruth && isOn.truth) this._places.forEach((place) => this._drawTruth(context, place));
    this._places.forEach((place) => this._drawPoint(context, place));
    const chosen = this._places.find((place) => place.photo === page.chosen);
    if (chosen) this._drawPoint(context, chosen);
  },
  nearest(layerPoint) {
    const { x, y } = layerPoint.subtract(this._corner);
    let found = null;
    let best = 14;
    this._places.forEach((place) => {
      const away = Math.hypot(place.x - x, place.y - y);
      if (away <= best) [best, found] = [away, place.photo];
    });
    return found;
  },
  // Web Mercator, as Leaflet has it, but for thousands of points without an object for each step.
  _point([lon, lat]) {
    const sine = Math.sin((lat * Math.PI) / 180);
    const x = (lon / 360 + 0.5) * this._world - this._origin.x;
    const y = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * this._world - this._origin.y;
    return { x, y };
  },
  _drawTrack(context) {
    const ordered = this._places
      .filter((place) => place.photo.time)
      .sort((a, b) => (a.photo.time < b.photo.time ? -1 : 1));
    context.beginPath();
    ordered.forEach(({ x, y }, i) => context[i ? "lineTo" : "moveTo"](x, y));
    context.strokeStyle = "#fff";
    context.lineWidth = 3;
    context.stroke();
    context.strokeStyle = "#333";
    context.lineWidth = 1.2;
    context.stroke();
  },
  _drawFootprint(context, { photo }) {
    Object.assign(context, { strokeStyle: SYMBOLS[statusOf(photo)].colour, lineWidth: 1.2 });
    (photo.rings ?? []).forEach((ring) => {
      context.beginPath();
      ring.forEach((at, i) => {
        const point = this._point(at);
        context[i ? "lineTo" : "moveTo"](point.x, point.y);
      });
      context.stroke();
    });
  },
  _drawRadius(context, { photo, x, y }) {
    const radius = photo.columns.ce90_m ?? photo.columns.conf_radius_m;
    if (radius === undefined) return;
    Object.assign(context, { strokeStyle: SYMBOLS[statusOf(photo)].colour, lineWidth: 1.2 });
    context.beginPath();
    context.arc(x, y, radius / metresPerPixel(this._map, placeOf(photo)), 0, 2 * Math.PI);
    context.setLineDash([4, 3]);
    context.stroke();
    context.setLineDash([]);
  },
  _drawTruth(context, { photo, x, y }) {
    if (!photo.truth) return;
    const true_ = this._point(photo.truth);
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(true_.x, true_.y);
    [-1, 1].forEach((way) => {
      context.moveTo(true_.x - 5, true_.y - 5 * way);
      context.lineTo(true_.x + 5, true_.y + 5 * way);
    });
    context.stroke();
  },
  _drawPoint(context, { photo, x, y }) {
    const isChosen = photo === page.chosen;
    const { heading, confidence } = photo.columns;
    const hasArrow = this._hasArrows && heading !== undefined && !reviewOf(photo)?.at;
    const stamp = stampOf(statusOf(photo), hasArrow ? Math.round(heading / TURN) % (360 / TURN) : null, isChosen);
    context.globalAlpha = isChosen ? 1 : 0.45 + 0.55 * (confidence ?? 1);
    context.drawImage(stamp, Math.round(x) - STAMP / 2, Math.round(y) - STAMP / 2, STAMP, STAMP);
    context.globalAlpha = 1;
  },
});

const map = openMap("map", { keyboard: true });
["warp", "marks"].forEach((name, i) => {
  map.createPane(name).style.zIndex = 350 + 100 * i;
  map.getPane(name).style.pointerEvents = "none";
});
L.control.scale({ imperial: false }).addTo(map);
const warp = new Warp().addTo(map);
const marks = new Marks();
const around = L.layerGroup().addTo(map);
const outline = (photo, target) => {
  if (photo.rings) {
    const rings = photo.rings.map((ring) => ring.map(latLng));
    L.polygon(rings, { color: "#ffd400", weight: 2, fill: false, interactive: false }).addTo(target);
  }
};
const rankMarker = (one, rank) => {
  const icon = L.divIcon({ className: "rank", html: String(rank + 1), iconSize: [22, 22] });
  return L.marker(latLng(one.at), { icon, keyboard: false, interactive: false });
};
const drawAround = (photo) => {
  around.clearLayers();
  if (photo.at && !reviewOf(photo)?.at) {
    outline(photo, around);
    [["ce90_m", null], ["acc95_m", "6 5"]].forEach(([name, dashArray]) => {
      const radius = photo.columns[name];
      if (radius === undefined || about.redact !== "none") return;
      L.circle(latLng(placeOf(photo)), { radius, dashArray, color: "#fff", weight: 1.5, fill: false, interactive: false }).addTo(around);
    });
  }
  (photo.candidates ?? []).forEach((one, rank) => rankMarker(one, rank).addTo(around));
};
const showAll = () => {
  const known = photos.filter((photo) => placeOf(photo) || photo.candidates);
  const places = known.flatMap((photo) => [
    placeOf(photo), ...(photo.rings ?? []).flat(), ...(photo.at ? [] : (photo.candidates ?? []).map((one) => one.at)),
  ]);
  fit(map, places.filter(Boolean), finestZoom);
};
// The ground that the chosen photo shows with the place it was taken from, or the places it may be.
const zoomToChosen = () => {
  const photo = page.chosen;
  if (!photo) return;
  const outlines = [...(photo.rings ?? []), ...(photo.rings ? [] : photo.warp?.mesh ?? [])].flat();
  const ground = reviewOf(photo)?.at ? [] : [...outlines, ...(photo.candidates ?? []).map((one) => one.at)];
  fit(map, [placeOf(photo), ...ground].filter(Boolean), finestZoom);
};
const degrees = (value, [above, below]) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? below : above}`;
map.on("mousemove", ({ latlng, layerPoint }) => {
  const photo = marks.nearest(layerPoint);
  const { lat, lng } = latlng.wrap();
  map.getContainer().classList.toggle("on-photo", Boolean(photo));
  byId("under").textContent = photo
    ? `${photo.name}: ${sentence(photo, { isShort: true })}`
    : `${degrees(lat, "NS")}, ${degrees(lng, "EW")}`;
});
map.on("mouseout", () => byId("under").replaceChildren());
map.on("click", (event) => {
  if (placing(event.latlng)) return;
  const photo = marks.nearest(event.layerPoint);
  if (photo) choose(photo, { pan: false });
});
