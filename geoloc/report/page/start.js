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
["footprints", "radii", "arrows", "track", "truth"].forEach((name) =>
  byId(`show-${name}`).addEventListener("change", () => marks.drawSoon()),
);
byId("truth-switch").hidden = !photos.some((photo) => photo.truth);
byId("opacity-switch").hidden = true;
const placed = photos.filter((photo) => photo.at);
if (placed.length) {
  const bounds = L.latLngBounds(placed.flatMap((photo) => [photo.at, ...(photo.rings ?? []).flat()]).map(latLng));
  map.fitBounds(bounds, { padding: [30, 30], maxZoom: finestZoom, animate: false });
} else {
  map.setView([0, 0], coarsestZoom);
}
marks.addTo(map);
countStatuses();
showReview();
filter();
if (page.shown.length) choose(page.shown[0], { pan: false });
document.documentElement.dataset.ready = "true";
