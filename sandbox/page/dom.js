// Small helpers that build DOM nodes. Text always becomes a text node, so nothing a person wrote can turn into markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  send: ["M3.6 20.4 21 12 3.6 3.6l2.2 7L14 12l-8.2 1.4z"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  attach: ["m20.5 11.5-8.4 8.4a5.5 5.5 0 0 1-7.8-7.8l8.8-8.8a3.7 3.7 0 0 1 5.2 5.2l-8.7 8.7a1.8 1.8 0 0 1-2.6-2.6l7.9-7.9"],
  slash: ["M15 5 9 19", "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z"],
  keyboard: ["M4 6h16a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2z", "M6 10h.01M10 10h.01M14 10h.01M18 10h.01M8 14h8"],
  more: ["M12 5h.01M12 12h.01M12 19h.01"],
  back: ["m15 5-7 7 7 7"],
  down: ["m5 9 7 7 7-7"],
  close: ["M6 6l12 12M18 6 6 18"],
  reply: ["M9 7 4 12l5 5", "M4 12h10a6 6 0 0 1 6 6"],
  edit: ["m4 20 1-4L16.5 4.5l3 3L8 19z"],
  copy: ["M9 9h10v11H9z", "M5 15V4h10"],
  file: ["M6 3h8l5 5v13H6z", "M14 3v5h5"],
  link: ["M8 16 16 8", "M9 8h7v7"],
  pin: ["M12 21v-6", "M8 3h8l-1 7 3 4H6l3-4z"],
  stop: ["M8 8h8v8H8z"],
  sun: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5"],
  moon: ["M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z"],
  columns: ["M4 4h16a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1z", "M12 4v16"],
  block: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "m5.7 5.7 12.6 12.6"],
  eye: ["M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z", "M12 9.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z"],
  leave: ["M10 4H5v16h5", "M14 8l4 4-4 4", "M18 12H9"],
};

/** Build an element: `h("button", {class: "x", onclick: f, "aria-label": "y"}, "text", node, null)`. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(element, name, value);
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setProp(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "value" || name === "checked") element[name] = value;
  else if (name === "data") Object.assign(element.dataset, value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** A line icon from the table above; decorative, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export const tintOf = (id) => `tint-${Math.abs(Number(id) || 0) % 7}`;

/** A round picture of a user or chat: the first letter of the name, coloured by the id; the bot has its sign. */
export function avatar(face, size = "") {
  if (face.is_bot) return h("span", { class: `avatar bot ${size}`, "aria-hidden": "true" });
  const [first] = graphemes.segment((face.first_name ?? face.title ?? "?").trim() || "?");
  return h("span", { class: `avatar ${tintOf(face.id)} ${size}`, "aria-hidden": "true" }, first.segment.toUpperCase());
}

/**
 * Show `rows` in `container`, touching only what changed.
 * A row is {key, parts, make, refresh?}: the element stays as long as every item of `parts` is the same object or
 * value. Otherwise `refresh(element, oldParts)` may bring the old element up to date and return it (so that a button
 * under the pointer survives); where it returns null, or is missing, `make()` builds a new one.
 */
export function reconcile(container, rows) {
  const known = container.rowsByKey ?? new Map();
  const shown = new Map();
  for (const row of rows) shown.set(row.key, { element: elementOf(row, known.get(row.key)), parts: row.parts });
  for (const [key, old] of known) if (shown.get(key)?.element !== old.element) old.element.remove();
  let cursor = container.firstChild;
  for (const { element } of shown.values()) {
    if (element === cursor) cursor = cursor.nextSibling;
    else container.insertBefore(element, cursor);
  }
  container.rowsByKey = shown;
}

function elementOf({ parts, make, refresh }, old) {
  if (!old) return make();
  const same = old.parts.length === parts.length && old.parts.every((part, i) => part === parts[i]);
  return same ? old.element : (refresh?.(old.element, old.parts) ?? make());
}

/** Two plain data values with the same content; messages are small, so comparing their JSON is enough. */
export function alike(a, b) {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
