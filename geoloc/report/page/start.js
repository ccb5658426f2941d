// Everything is there: join it, and show the map with all photos, and the most doubtful one.
on("choose", ({ photo, pan }) => {
  stopMoving();
  showPhoto(photo);
  showReview();
  drawAround(photo);
  const at = placeOf(photo);
  if (pan && at && !map.getBounds().pad(-0.15).contains(latLng(at))) map.panTo(latLng(at), { animate: false });
  marks.drawSoon();
  warp.show(photo, byId("opacity").value / 100);
  byId("live").textContent = `${photo.name}: ${sentence(photo)}`;
});
on("shown", () => marks.drawSoon());
on("review", (photo) => {
  countStatuses();
  filter();
  showReview();
  drawAround(photo);
});
byId("opacity").addEventListener("input", () => page.chosen && warp.show(page.chosen, byId("opacity").value / 100));
LAYERS.forEach((name) =>
  byId(`show-${name}`).addEventListener("change", () => marks.drawSoon()),
);
["truth", "footprints", "track"].forEach((name) => {
  byId(`${name}-switch`).hidden = !photos.some({ truth: (p) => p.truth, footprints: (p) => p.rings, track: (p) => p.time && p.at }[name]);
});
byId("opacity-switch").hidden = true;
byId("zoom").addEventListener("click", zoomToChosen);
byId("all").addEventListener("click", showAll);
if (about.truth) {
  byId("truth").hidden = false;
  byId("errors").textContent = about.truth;
}
if (!zooms.length && !photos.some((photo) => photo.at || photo.candidates)) {
  byId("middle").hidden = true;
  document.querySelector("main").className = "unplaced";
}
map.setView([0, 0], coarsestZoom);
showAll();
marks.addTo(map);
countStatuses();
showReview();
filter();
if (page.shown.length) choose(page.shown[0], { pan: false });
document.documentElement.dataset.ready = "true";
