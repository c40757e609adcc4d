// Things above the chat: toasts, the alert of a bot, and menus.

import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

/** A short note over a pane; it goes by itself. */
export function toast(pane, text, seconds = 4) {
  const note = h("div", { class: "toast", data: { testid: "toast" } }, text);
  pane.querySelector(".toasts").append(note);
  setTimeout(() => note.remove(), seconds * 1000);
}

/** The alert of a callback answer: stays until it is closed. */
export function alertBox(pane, text, url) {
  const label = t("answerFromBot");
  const close = () => dialog.close();
  const follow = url && h("a", { class: "button primary", href: url, target: "_blank", rel: "noopener", onclick: close }, t("open"));
  const okay = h("button", { type: "button", class: url ? "button" : "button primary", onclick: close }, t("ok"));
  const dialog = h("dialog", { class: "alert", role: "alertdialog", "aria-label": label, data: { testid: "alert" } },
    h("h2", {}, label), h("p", {}, text), h("div", { class: "row" }, okay, follow));
  dialog.addEventListener("close", () => dialog.remove());
  pane.append(dialog);
  dialog.showModal();
}

/**
 * A menu next to `anchor` (an element) or at `point` {x, y}. Items: {label, icon, run, danger}; above them, when
 * given, a row of `emoji` that call `react(one)`.
 * Arrow keys move, Enter runs, Escape or a click elsewhere closes and gives the focus back.
 */
export function openMenu(items, { anchor, point, emoji = [], react }) {
  document.querySelector(".menu-cover")?.remove();
  const back = document.activeElement;
  const close = () => {
    cover.remove();
    back?.focus?.({ preventScroll: true });
  };
  const entry = (item) => menuItem(item, close);
  const quick = emoji.map((one) => entry({ label: one, run: () => react(one) }));
  const menu = h("div", { class: "menu", role: "menu" }, quick.length > 0 && h("div", { class: "quick", role: "group" }, quick), items.map(entry));
  const cover = h("div", { class: "menu-cover" }, menu);
  cover.addEventListener("click", (event) => event.target === cover && close());
  cover.addEventListener("contextmenu", (event) => [event.preventDefault(), close()]);
  cover.addEventListener("keydown", (event) => steer(event, menu, close));
  document.body.append(cover);
  place(menu, point ?? corner(anchor));
  (menu.querySelector(":scope > button") ?? menu.querySelector("button")).focus();
}

function menuItem(item, close) {
  const run = () => {
    close();
    item.run();
  };
  return h("button", { type: "button", role: "menuitem", class: item.danger ? "danger" : "", onclick: run }, item.icon && icon(item.icon), item.label);
}

function steer(event, menu, close) {
  const buttons = [...menu.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const move = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") close();
  else if (move !== undefined) buttons.at(move % buttons.length).focus();
  else return;
  event.preventDefault();
}

function corner(anchor) {
  const box = anchor.getBoundingClientRect();
  return { x: box.left, y: box.bottom + 4 };
}

function place(menu, { x, y }) {
  const box = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - box.width - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - box.height - 8))}px`;
}
