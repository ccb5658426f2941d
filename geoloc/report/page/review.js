// Accept, reject, move: kept in this browser, saved as corrections.geojson.
const SHELF = `geoloc-report:${about.id}`;
const reviews = new Map();
try {
  Object.entries(JSON.parse(localStorage.getItem(SHELF) ?? "{}")).forEach(([number, one]) => {
    if (photos[number]) reviews.set(Number(number), one);
  });
} catch {
  // No storage here, or not ours: reviews last as long as the page.
}
const STATUS_AFTER = { accept: "corrected", move: "corrected", reject: "rejected" };
// Functions, because the scripts before this one call them.
function reviewOf(photo) {
  return reviews.get(photo.number);
}
function statusOf(photo) {
  const review = reviewOf(photo);
  return review ? STATUS_AFTER[review.action] : photo.status;
}
function placeOf(photo) {
  return reviewOf(photo)?.at ?? photo.at;
}
function review(photo, action, at) {
  if (action) reviews.set(photo.number, { action, ...(at ? { at } : {}) });
  else reviews.delete(photo.number);
  try {
    localStorage.setItem(SHELF, JSON.stringify(Object.fromEntries(reviews)));
  } catch {
    // As above.
  }
  stopMoving();
  tell("review", photo);
}
let handle = null;
const move = byId("move");
function stopMoving() {
  handle?.remove();
  handle = null;
  move.setAttribute("aria-pressed", "false");
  byId("centre").hidden = byId("hint").hidden = true;
}
const startMoving = () => {
  if (!page.chosen || about.redact !== "none") return;
  move.setAttribute("aria-pressed", "true");
  byId("centre").hidden = byId("hint").hidden = false;
  const at = placeOf(page.chosen);
  if (!at) return; // clicked into place
  const icon = L.divIcon({ className: "handle", iconSize: [22, 22] });
  handle = L.marker(latLng(at), { icon, draggable: true, keyboard: false }).addTo(map);
  handle.on("dragend", () => placing(handle.getLatLng()));
};
function placing({ lng, lat }) {
  if (move.getAttribute("aria-pressed") !== "true" || !page.chosen) return false;
  review(page.chosen, "move", [Number(lng.toFixed(7)), Number(lat.toFixed(7))]);
  return true;
}
const corrections = () => ({
  type: "FeatureCollection",
  features: [...reviews].sort(([a], [b]) => a - b).map(([number, { action, at }]) => {
    const { photo = null, filename, longitude, latitude, position_kind = null } = photos[number].columns;
    const answer = action === "accept" && longitude !== undefined ? [longitude, latitude] : null;
    const [lon, lat] = at ?? answer ?? [];
    const place = lon === undefined ? null : [((((lon + 180) % 360) + 360) % 360) - 180, lat];
    return {
      type: "Feature",
      geometry: place && { type: "Point", coordinates: place },
      properties: { photo, filename, row: number, action, position_kind },
    };
  }),
});
const save = () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(corrections(), null, 1)], { type: "application/geo+json" }));
  link.download = "corrections.geojson";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};
const canAccept = (photo) => photo.columns.longitude !== undefined || (about.redact !== "none" && ["located", "ambiguous"].includes(photo.status));
const showReview = () => {
  const photo = page.chosen;
  byId("save").disabled = !reviews.size;
  byId("reviewed").textContent = reviews.size ? `${reviews.size} reviewed` : "nothing reviewed yet";
  if (!photo) return;
  const action = reviewOf(photo)?.action;
  byId("accept").disabled = !canAccept(photo);
  byId("accept").setAttribute("aria-pressed", action === "accept");
  byId("reject").setAttribute("aria-pressed", action === "reject");
  move.hidden = about.redact !== "none";
  byId("clear").hidden = !action;
};
const accept = () => page.chosen && canAccept(page.chosen) && review(page.chosen, "accept");
const reject = () => page.chosen && review(page.chosen, "reject");
const toggleMoving = () => (move.getAttribute("aria-pressed") === "true" ? stopMoving() : startMoving());
byId("accept").addEventListener("click", accept);
byId("reject").addEventListener("click", reject);
move.addEventListener("click", toggleMoving);
byId("centre").addEventListener("click", () => placing(map.getCenter()));
byId("clear").addEventListener("click", () => review(page.chosen, null));
byId("save").addEventListener("click", save);
const WAYS = { ArrowDown: 1, ArrowUp: -1 };
const SHORTCUTS = { a: accept, r: reject, m: toggleMoving, z: zoomToChosen, 0: showAll, Escape: stopMoving };
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input[type=search], select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const hasArrowsOfItsOwn = event.target.closest("#list, #map, #window, input[type=range]");
  if (event.key in WAYS && !hasArrowsOfItsOwn) {
    event.preventDefault();
    step(WAYS[event.key]);
  }
  if (event.key === "/") {
    event.preventDefault();
    byId("text").focus();
  }
  SHORTCUTS[event.key]?.();
});
