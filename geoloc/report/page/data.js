// What the page is made of, who is chosen, and who wants to hear of it.
const byId = (id) => document.getElementById(id);
const read = (name) => JSON.parse(byId(`report-${name}`).textContent);
const about = read("about");
const tiles = read("tiles");
const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const photos = read("photos").map((entry, number) => {
  const { filename, photo, error, status, timestamp } = entry.columns;
  return {
    ...entry,
    number,
    status,
    name: filename || `photo ${number + 1}`,
    time: timestamp || "",
    text: fold([filename, photo, error, timestamp].filter(Boolean).join(" ")),
  };
});
const hasTruth = photos.some((photo) => photo.error_m !== undefined || photo.truth);
let pictureTable = null;
const pictureOf = (photo) => (pictureTable ??= read("pictures"))[photo.number] ?? null;

const heard = { choose: [], shown: [], review: [] };
const on = (event, listener) => heard[event].push(listener);
const tell = (event, value) => heard[event].forEach((listener) => listener(value));

const page = { chosen: null, shown: photos };
const choose = (photo, { pan = true } = {}) => {
  page.chosen = photo;
  tell("choose", { photo, pan });
};

const percent = (share) => {
  if (share > 0 && share < 0.005) return "under 1 %";
  if (share < 1 && share >= 0.995) return "over 99 %";
  return `${Math.round(100 * share)} %`;
};
const isPlaced = (photo) => ["located", "ambiguous", "corrected"].includes(photo.status);
// What a photo's row says: one line of the list has room for the short form.
const sentence = (photo, { isShort = false } = {}) => {
  const { confidence, conf_radius_m: radius, ce90_m: wide, error } = photo.columns;
  const parts = [photo.status];
  if (isPlaced(photo) && confidence !== undefined) {
    const within = radius === undefined || isShort ? "" : ` within ${Math.round(radius)} m`;
    parts.push(`${percent(confidence)} sure${within}`);
  }
  if (wide !== undefined && !isShort) parts.push(`90 % within ${Math.round(wide)} m`);
  if (photo.error_m !== undefined) parts.push(`${photo.error_m.toFixed(1)} m off${isShort ? "" : " the truth"}`);
  if (error !== undefined) parts.push(error);
  return parts.join(", ");
};
