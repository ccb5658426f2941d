// The list: only the rows that are seen are in the page, so that thousands stay quick.
const ROW = 46;
const list = byId("list");
const rows = byId("rows");
const switches = {};
STATUSES.filter((status) => status === "corrected" || photos.some((photo) => photo.status === status)).forEach((status) => {
  const label = document.createElement("label");
  const box = document.createElement("input");
  const number = document.createElement("span");
  box.type = "checkbox";
  box.checked = true;
  box.addEventListener("change", () => filter());
  label.append(box, symbolElement(status), status, number);
  byId("statuses").append(label);
  switches[status] = { box, number, label };
});
const ORDERS = {
  doubt: (a, b) => b.doubt - a.doubt || a.number - b.number,
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.number - b.number),
  time: (a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.number - b.number),
  error: (a, b) => (b.error_m ?? -1) - (a.error_m ?? -1) || a.number - b.number,
};
const filter = () => {
  const words = fold(byId("text").value).split(/\s+/).filter(Boolean);
  page.shown = photos
    .filter((photo) => switches[statusOf(photo)].box.checked && words.every((word) => photo.text.includes(word)))
    .sort(ORDERS[byId("order").value]);
  byId("count").textContent = `${page.shown.length} of ${photos.length}`;
  rows.style.height = `${ROW * page.shown.length}px`;
  drawRows();
  tell("shown");
};
const drawRows = () => {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const last = Math.min(page.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 5);
  const drawn = page.shown.slice(first, last).map((photo, i) => rowOf(photo, first + i));
  rows.replaceChildren(...drawn);
  const isDrawn = page.chosen && byId(`row-${page.chosen.number}`);
  if (isDrawn) list.setAttribute("aria-activedescendant", `row-${page.chosen.number}`);
  else list.removeAttribute("aria-activedescendant");
};
const rowOf = (photo, place) => {
  const row = document.createElement("div");
  const name = document.createElement("b");
  const says = document.createElement("small");
  row.className = "row";
  row.id = `row-${photo.number}`;
  row.setAttribute("role", "option");
  row.setAttribute("aria-selected", photo === page.chosen);
  row.setAttribute("aria-setsize", page.shown.length);
  row.setAttribute("aria-posinset", place + 1);
  row.style.top = `${ROW * place}px`;
  name.dir = "auto";
  name.textContent = photo.name;
  const review = reviewOf(photo);
  says.textContent = review ? `${review.action}: was ${sentence(photo, { isShort: true })}` : sentence(photo, { isShort: true });
  row.append(symbolElement(statusOf(photo)), name, says);
  row.addEventListener("click", () => choose(photo));
  return row;
};
const KEYS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
const step = (by) => {
  if (!page.shown.length) return;
  const now = page.shown.indexOf(page.chosen);
  const next = now < 0 ? 0 : Math.min(page.shown.length - 1, Math.max(0, now + by));
  choose(page.shown[next]);
};
list.addEventListener("scroll", drawRows, { passive: true });
list.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  step(KEYS[event.key]);
});
new ResizeObserver(drawRows).observe(list);
byId("text").addEventListener("input", filter);
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") {
    event.preventDefault();
    list.focus();
    step(page.chosen ? 1 : 0);
  }
});
byId("order").addEventListener("change", filter);
if (!photos.some((photo) => photo.error_m !== undefined)) byId("order").querySelector("[value=error]").remove();
on("choose", ({ photo }) => {
  const place = page.shown.indexOf(photo);
  if (place >= 0) {
    if (ROW * place < list.scrollTop) list.scrollTop = ROW * place;
    if (ROW * (place + 1) > list.scrollTop + list.clientHeight) list.scrollTop = ROW * (place + 1) - list.clientHeight;
  }
  drawRows();
});
const countStatuses = () => {
  const counts = {};
  photos.forEach((photo) => {
    counts[statusOf(photo)] = (counts[statusOf(photo)] ?? 0) + 1;
  });
  Object.entries(switches).forEach(([status, { number, label }]) => {
    number.textContent = ` ${counts[status] ?? 0}`;
    label.hidden = !counts[status];
  });
};
