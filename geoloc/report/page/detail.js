// The chosen photo beside the map where it was found, and its numbers.
const picture = byId("picture");
const lines = byId("lines");
const small = openMap("window", {
  zoomControl: false, keyboard: false, scrollWheelZoom: true, zoomAnimation: false, inertia: false,
});
const onWindow = L.layerGroup().addTo(small);
const drawLines = () => {
  lines.replaceChildren();
  const photo = page.chosen;
  if (!photo || !photo.points || !byId("show-lines").checked || !small._loaded || !picture.naturalWidth) return;
  const base = byId("pair").getBoundingClientRect();
  const seen = picture.getBoundingClientRect();
  const ground = byId("window").getBoundingClientRect();
  const { photo_width: width, photo_height: height } = photo.columns;
  photo.points.forEach(([column, row, lon, lat, misfit]) => {
    const at = small.latLngToContainerPoint([lat, lon]);
    if (at.x < 0 || at.y < 0 || at.x > ground.width || at.y > ground.height) return;
    const x1 = seen.left - base.left + (column / width) * seen.width;
    const y1 = seen.top - base.top + (row / height) * seen.height;
    const x2 = ground.left - base.left + at.x;
    const y2 = ground.top - base.top + at.y;
    lines.append(svg("line", { x1, y1, x2, y2 }), svg("circle", { cx: x1, cy: y1, r: 2.5 }), svg("circle", { cx: x2, cy: y2, r: 2.5 }));
  });
};
const showWindow = (photo) => {
  onWindow.clearLayers();
  const at = placeOf(photo);
  byId("window").hidden = !at || !zooms.length || about.redact !== "none";
  if (byId("window").hidden) return;
  small.invalidateSize();
  const corners = [at, ...(photo.rings ?? []).flat(), ...(photo.points ?? []).map((point) => point.slice(2, 4))];
  const bounds = L.latLngBounds(corners.map(latLng));
  if (corners.length > 1) small.fitBounds(bounds, { padding: [6, 6], animate: false });
  else small.setView(latLng(at), finestZoom - 1, { animate: false });
  outline(photo, onWindow);
};
// What one looks at first; the others follow in the order of the columns.
const FIRST = [
  "error_m", "status", "error", "confidence", "conf_kind", "conf_radius_m", "ce90_m", "acc95_m", "longitude", "latitude",
  "position_kind", "heading", "heading_sd", "pitch_deg", "roll_deg", "height_m", "altitude_m", "hfov_deg", "exif_dist_m",
];
const meaningOf = (name) => (name === "error_m" ? "Distance of the answer from the truth, metres." : about.described[name] ?? "");
const element = (name, facts) => Object.assign(document.createElement(name), facts);
const showNumbers = (photo) => {
  const stated = { ...(photo.error_m === undefined ? {} : { error_m: photo.error_m }), ...photo.columns };
  const names = [...FIRST.filter((name) => name in stated), ...Object.keys(stated).filter((name) => !FIRST.includes(name))];
  byId("numbers").tBodies[0].replaceChildren(
    ...names.map((name) => {
      const row = element("tr");
      const cell = element("td", { dir: "auto", textContent: String(stated[name]) });
      if (byId("show-meanings").checked) cell.append(element("small", { dir: "ltr", textContent: meaningOf(name) }));
      row.append(element("th", { scope: "row", textContent: name, title: meaningOf(name) }), cell);
      return row;
    }),
  );
};
// A place that competes, on the map and in the window beside the photo.
const lookAt = (one, rank) => {
  byId("candidates").querySelectorAll("[aria-pressed]").forEach((button, i) => button.setAttribute("aria-pressed", i === rank));
  map.setView(latLng(one.at), Math.max(map.getZoom(), finestZoom - 1), { animate: false });
  if (!zooms.length || about.redact !== "none") return;
  onWindow.clearLayers();
  byId("window").hidden = false;
  small.invalidateSize();
  const circle = L.circle(latLng(one.at), { radius: one.radius_m, color: "#ffd400", weight: 2, fill: false, interactive: false });
  const reach = circle.getRadius() * 4;
  small.fitBounds(latLng(one.at).toBounds(Math.max(reach, 150)), { animate: false });
  circle.addTo(onWindow);
  rankMarker(one, rank).addTo(onWindow);
};
const showCandidates = (photo) => {
  const places = photo.candidates ?? [];
  byId("candidates").hidden = !places.length;
  byId("candidates").querySelector("ol").replaceChildren(
    ...places.map((one, rank) => {
      const item = element("li");
      const says = `${percent(one.probability)} likely, within ${Math.round(one.radius_m)} m`;
      const title = "Show it on the map and beside the photo. If it is this place, the radius holds the truth 90 % of the time.";
      const look = element("button", { type: "button", textContent: says, title });
      look.setAttribute("aria-pressed", false);
      look.addEventListener("click", () => lookAt(one, rank));
      item.append(look);
      if (about.redact === "none") {
        const take = element("button", { type: "button", textContent: "Move here" });
        take.setAttribute("aria-label", `Move here, to place ${rank + 1}`);
        take.addEventListener("click", () => review(photo, "move", one.at));
        item.append(" ", take);
      }
      return item;
    }),
  );
};
const showPhoto = (photo) => {
  byId("nothing").hidden = true;
  byId("chosen").hidden = false;
  byId("name").textContent = photo.name;
  byId("says").textContent = sentence(photo);
  const source = pictureOf(photo);
  picture.hidden = !source;
  picture.alt = source ? `Photo ${photo.name}` : "";
  if (source) picture.src = source;
  else picture.removeAttribute("src");
  byId("lines-switch").hidden = !photo.points || !source;
  byId("opacity-switch").hidden = !photo.warp || !source;
  showCandidates(photo);
  showNumbers(photo);
  showWindow(photo);
  drawLines();
};
picture.addEventListener("load", () => {
  if (small._loaded) small.invalidateSize();
  drawLines();
});
small.on("move zoom resize", drawLines);
new ResizeObserver(drawLines).observe(byId("pair"));
byId("show-lines").addEventListener("change", drawLines);
byId("show-meanings").addEventListener("change", () => page.chosen && showNumbers(page.chosen));
if (about.plot) byId("truth").querySelector("img").src = about.plot;
else byId("truth").querySelector("img").remove();
