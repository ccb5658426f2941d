// As in the styles for QGIS: a status in colour and in shape, for eyes that see the one or the other.
const SYMBOLS = {
  located: { colour: "#009e73", corners: null },
  ambiguous: { colour: "#e69f00", corners: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]] },
  rejected: { colour: "#d55e00", corners: [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]] },
  unreadable: {
    colour: "#666666",
    corners: [[-0.35, -1], [0.35, -1], [0.35, -0.35], [1, -0.35], [1, 0.35], [0.35, 0.35], [0.35, 1], [-0.35, 1], [-0.35, 0.35], [-1, 0.35], [-1, -0.35], [-0.35, -0.35]],
  },
  corrected: {
    colour: "#0072b2",
    corners: [[0, -1.25], [0.29, -0.4], [1.19, -0.39], [0.48, 0.15], [0.73, 1.01], [0, 0.5], [-0.73, 1.01], [-0.48, 0.15], [-1.19, -0.39], [-0.29, -0.4]],
  },
};
const STATUSES = Object.keys(SYMBOLS);
const SVG = "http://www.w3.org/2000/svg";
const svg = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  return element;
};
const symbolElement = (status) => {
  const { colour, corners } = SYMBOLS[status];
  const root = svg("svg", { width: 18, height: 18, viewBox: "-9 -9 18 18", "aria-hidden": "true" });
  const paint = { fill: colour, stroke: "#fff", "stroke-width": 1 };
  root.append(
    corners
      ? svg("polygon", { points: corners.map(([x, y]) => `${7 * x},${7 * y}`).join(" "), ...paint })
      : svg("circle", { r: 6.5, ...paint }),
  );
  return root;
};
const symbolPath = (context, status, x, y, size) => {
  const { corners } = SYMBOLS[status];
  context.beginPath();
  if (!corners) context.arc(x, y, 0.95 * size, 0, 2 * Math.PI);
  else corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + size * dx, y + size * dy));
  context.closePath();
};
