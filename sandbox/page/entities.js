// Text with entities -> DOM nodes. Offsets count UTF-16 units, as JavaScript strings do, so slices just work.

import { h, iconButton } from "./dom.js";
import { currentLanguage, t } from "./i18n.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

/** What a click inside a text may ask for: `command("/help")`, `link(url)` (true: handled), `notify("Copied")`. */
const NO_ACTIONS = { command() {}, link() {}, notify() {} };

const INLINE = {
  bold: () => h("strong"),
  italic: () => h("em"),
  underline: () => h("u"),
  strikethrough: () => h("s"),
  spoiler: () => spoiler(),
  code: (entity, text, actions) => copyable(h("code", { class: "code" }), text, actions),
  pre: (entity, text, actions) => codeBlock(entity, text, actions),
  blockquote: () => h("blockquote"),
  expandable_blockquote: () => h("blockquote", { class: "expandable" }),
  url: (entity, text, actions) => anchor(text, actions),
  text_link: (entity, text, actions) => anchor(entity.url, actions),
  email: (entity, text, actions) => anchor(`mailto:${text}`, actions),
  phone_number: (entity, text, actions) => anchor(`tel:${text}`, actions),
  mention: () => h("span", { class: "mention" }),
  text_mention: () => h("span", { class: "mention" }),
  hashtag: () => h("span", { class: "hashtag" }),
  cashtag: () => h("span", { class: "hashtag" }),
  custom_emoji: () => h("span", { class: "custom-emoji" }),
  date_time: (entity) => moment(entity),
  bot_command: (entity, text, actions) =>
    h("button", { type: "button", class: "command", onclick: () => actions.command(text) }),
};

/** Nodes for `text`; unknown entity kinds show as plain text, overlapping ones are cut at the border. */
export function renderText(text, entities = [], actions = NO_ACTIONS) {
  const valid = entities.filter((e) => e.length > 0 && e.offset >= 0 && e.offset + e.length <= text.length);
  const order = [...valid].sort((a, b) => a.offset - b.offset || b.length - a.length || rank(a) - rank(b));
  return renderRange(text, 0, text.length, order, actions);
}

const rank = (entity) => (BLOCKS.has(entity.type) ? 0 : 1);

function renderRange(text, start, end, entities, actions) {
  const nodes = [];
  let at = start;
  let queue = entities;
  while (queue.length) {
    const [entity, ...rest] = queue;
    const stop = Math.min(entity.offset + entity.length, end);
    const from = Math.max(entity.offset, at);
    const [inside, after] = divide(rest, stop);
    queue = after;
    if (from >= stop) continue;
    if (from > at) nodes.push(text.slice(at, from));
    nodes.push(element(text, { ...entity, offset: from, length: stop - from }, inside, actions));
    at = stop;
    if (BLOCKS.has(entity.type) && text[at] === "\n" && at < end) at += 1;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

/** Split entities at `stop`: those (or those parts) before it, and those after it. */
function divide(entities, stop) {
  const inside = [];
  const after = [];
  for (const entity of entities) {
    const end = entity.offset + entity.length;
    if (entity.offset >= stop) after.push(entity);
    else inside.push({ ...entity, length: Math.min(end, stop) - entity.offset });
    if (entity.offset < stop && end > stop) after.push({ ...entity, offset: stop, length: end - stop });
  }
  return [inside, after.sort((a, b) => a.offset - b.offset || b.length - a.length)];
}

function element(text, entity, inside, actions) {
  const own = text.slice(entity.offset, entity.offset + entity.length);
  const make = INLINE[entity.type] ?? (() => h("span"));
  const outer = make(entity, own, actions);
  const slot = outer.querySelector(".slot") ?? outer;
  slot.append(...renderRange(text, entity.offset, entity.offset + entity.length, inside, actions));
  if (entity.type === "expandable_blockquote") addToggle(outer);
  return outer;
}

const SAFE = new Set(["http:", "https:", "mailto:", "tel:", "tg:"]);

/** A link people may follow; an address with any other scheme stays plain text. */
function anchor(address, actions) {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`);
  if (!url || !SAFE.has(url.protocol)) return h("span");
  const follow = (event) => {
    if (actions.link(url.href)) event.preventDefault();
  };
  return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", title: url.href, onclick: follow });
}

function spoiler() {
  const reveal = (event) => {
    if (!node.classList.contains("hidden")) return;
    event.preventDefault();
    event.stopPropagation();
    node.classList.remove("hidden");
    for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
  };
  const onkeydown = (event) => ["Enter", " "].includes(event.key) && reveal(event);
  const node = h("span", { class: "spoiler hidden", role: "button", tabindex: 0, "aria-label": t("spoiler"), onkeydown });
  node.addEventListener("click", reveal, true);
  return node;
}

function copyable(node, text, actions) {
  node.title = t("copy");
  node.addEventListener("click", () => copy(text, actions));
  return node;
}

export async function copy(text, actions = NO_ACTIONS) {
  try {
    await navigator.clipboard.writeText(text);
    actions.notify(t("copied"));
  } catch (error) {
    actions.notify(error.message);
  }
}

function codeBlock(entity, text, actions) {
  const body = h("code", { class: "slot", tabindex: 0 });
  const head = h("span", { class: "pre-head" }, h("span", {}, entity.language || t("code")),
    iconButton("copy", t("copy"), () => copy(text, actions)));
  return h("span", { class: "pre", data: { language: entity.language ?? "" } }, head, body);
}

function moment(entity) {
  const when = new Date((entity.unix_time ?? 0) * 1000);
  return h("time", { datetime: when.toISOString(), title: when.toLocaleString(currentLanguage()) });
}

function addToggle(quote) {
  const label = () => (quote.classList.contains("open") ? t("less") : t("more"));
  const toggle = h("button", { type: "button", class: "quote-toggle", "aria-expanded": "false" }, label());
  toggle.addEventListener("click", () => {
    toggle.setAttribute("aria-expanded", String(quote.classList.toggle("open")));
    toggle.textContent = label();
  });
  quote.append(toggle);
}
