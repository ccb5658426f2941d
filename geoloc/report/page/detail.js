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
const showNumbers = (photo) => {
  const body = byId("numbers").tBodies[0];
  const stated = photo.error_m === undefined ? photo.columns : { error_m: photo.error_m, ...photo.columns };
  body.replaceChildren(
    ...Object.entries(stated).map(([name, value]) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      const cell = document.createElement("td");
      head.scope = "row";
      head.textContent = name;
      head.title = name === "error_m" ? "Distance of the answer from the truth, metres." : about.described[name] ?? "";
      cell.dir = "auto";
      cell.textContent = String(value);
      row.append(head, cell);
      return row;
    }),
  );
};
const showCandidates = (photo) => {
  const places = photo.candidates ?? [];
  byId("candidates").hidden = !places.length;
  byId("candidates").querySelector("ol").replaceChildren(
    ...places.map((one) => {
      const item = document.createElement("li");
      const look = document.createElement("button");
      look.type = "button";
      look.textContent = `${percent(one.probability)}, 90 % within ${Math.round(one.radius_m)} m`;
      look.addEventListener("click", () => map.setView(latLng(one.at), Math.max(map.getZoom(), finestZoom - 1)));
      item.append(look);
      if (about.redact === "none") {
        const take = document.createElement("button");
        take.type = "button";
        take.textContent = "Move here";
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
if (about.plot) {
  byId("plot").hidden = false;
  byId("plot").querySelector("img").src = about.plot;
}
