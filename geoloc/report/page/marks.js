// Photos on the map: thousands of points on one canvas, and what belongs to the chosen one.
const CROWD = 1500; // of which no arrow needs a rim
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
    const pad = size.multiplyBy(0.3).round();
    this._corner = map.containerPointToLayerPoint(L.point(-pad.x, -pad.y));
    const whole = size.add(pad.multiplyBy(2));
    L.DomUtil.setPosition(this._canvas, this._corner);
    this._canvas.width = whole.x * ratio;
    this._canvas.height = whole.y * ratio;
    this._canvas.style.width = `${whole.x}px`;
    this._canvas.style.height = `${whole.y}px`;
    const context = this._canvas.getContext("2d");
    context.scale(ratio, ratio);
    this._places = page.shown
      .filter((photo) => placeOf(photo))
      .map((photo) => ({ photo, ...this._point(placeOf(photo)) }));
    if (byId("show-track").checked) this._drawTrack(context);
    this._places.forEach((place) => this._drawGround(context, place));
    if (hasTruth && byId("show-truth").checked) this._places.forEach((place) => this._drawTruth(context, place));
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
  _point(at) {
    return this._map.latLngToLayerPoint(latLng(at)).subtract(this._corner);
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
  _drawGround(context, { photo, x, y }) {
    const { colour } = SYMBOLS[statusOf(photo)];
    context.strokeStyle = colour;
    context.lineWidth = 1.2;
    if (byId("show-footprints").checked && photo.rings) {
      photo.rings.forEach((ring) => {
        context.beginPath();
        ring.forEach((at, i) => {
          const point = this._point(at);
          context[i ? "lineTo" : "moveTo"](point.x, point.y);
        });
        context.stroke();
      });
    }
    const radius = photo.columns.ce90_m ?? photo.columns.conf_radius_m;
    if (byId("show-radii").checked && radius !== undefined) {
      context.beginPath();
      context.arc(x, y, radius / metresPerPixel(this._map, placeOf(photo)), 0, 2 * Math.PI);
      context.setLineDash([4, 3]);
      context.stroke();
      context.setLineDash([]);
    }
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
    const status = statusOf(photo);
    const { heading, confidence } = photo.columns;
    context.globalAlpha = isChosen ? 1 : 0.45 + 0.55 * (confidence ?? 1);
    if (byId("show-arrows").checked && heading !== undefined && !reviewOf(photo)?.at) {
      const angle = (heading * Math.PI) / 180;
      const tip = [x + 20 * Math.sin(angle), y - 20 * Math.cos(angle)];
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(...tip);
      [-0.45, 0.45].forEach((turn) => {
        context.moveTo(...tip);
        context.lineTo(tip[0] - 7 * Math.sin(angle + turn), tip[1] + 7 * Math.cos(angle + turn));
      });
      context.lineCap = "round";
      if (this._places.length < CROWD) {
        context.strokeStyle = "#fff";
        context.lineWidth = 4;
        context.stroke();
      }
      context.strokeStyle = SYMBOLS[status].colour;
      context.lineWidth = 2;
      context.stroke();
    }
    symbolPath(context, status, x, y, isChosen ? 10 : 7);
    context.fillStyle = SYMBOLS[status].colour;
    context.fill();
    context.strokeStyle = isChosen ? "#ffd400" : "#fff";
    context.lineWidth = isChosen ? 3 : 1.5;
    context.stroke();
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
const drawAround = (photo) => {
  around.clearLayers();
  if (!photo || !placeOf(photo)) return;
  if (!reviewOf(photo)?.at) {
    outline(photo, around);
    [["ce90_m", null], ["acc95_m", "6 5"]].forEach(([name, dashArray]) => {
      const radius = photo.columns[name];
      if (radius === undefined || about.redact !== "none") return;
      L.circle(latLng(placeOf(photo)), { radius, dashArray, color: "#fff", weight: 1.5, fill: false, interactive: false }).addTo(around);
    });
  }
  (photo.candidates ?? []).forEach((one, i) => {
    const icon = L.divIcon({ className: "rank", html: String(i + 1), iconSize: [22, 22] });
    L.marker(latLng(one.at), { icon, keyboard: false, interactive: false }).addTo(around);
  });
};
map.on("click", (event) => {
  if (placing(event.latlng)) return;
  const photo = marks.nearest(event.layerPoint);
  if (photo) choose(photo, { pan: false });
});
