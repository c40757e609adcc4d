// The sellers of the practice Avito: their keys to copy for the bot, and a switch that revokes them.
//
// data-testid: avito (the button in the top bar), avito-panel; in it avito-account (data-uid), in that avito-keys
// (data-client-id) with copy-id, copy-secret and revoked (the switch).

import { get, post } from "./api.js";
import { h, iconButton } from "./dom.js";
import { copy } from "./entities.js";
import { currentLanguage, t } from "./i18n.js";
import { toast } from "./overlay.js";

let panel = null;
let opener = null;

/** The button that opens the panel and closes it. */
export function avitoButton() {
  opener = h("button", { type: "button", class: "text-button", "aria-expanded": "false", "aria-controls": "avito", data: { testid: "avito" }, onclick: toggle },
    t("avito"));
  return opener;
}

export const isAvitoOpen = () => panel?.isConnected === true;

/** Show the panel over the right edge. It stays while its keys are carried to a chat, until it is closed. */
export function openAvito() {
  const list = h("div", { class: "avito-list" });
  panel = h("aside", { id: "avito", class: "avito", "aria-label": t("avito"), data: { testid: "avito-panel" } },
    h("header", {}, h("h2", {}, t("avito")), iconButton("close", t("hide"), close)),
    h("p", { class: "quiet" }, t("avitoHint")), list, h("div", { class: "toasts", role: "status", "aria-live": "assertive" }));
  panel.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.getElementById("app").append(panel);
  opener.setAttribute("aria-expanded", "true");
  panel.querySelector("button").focus();
  show(list);
}

function close() {
  panel.remove();
  opener.setAttribute("aria-expanded", "false");
  opener.focus();
}

function toggle() {
  if (isAvitoOpen()) close();
  else openAvito();
}

async function show(list) {
  try {
    const accounts = await get("avito/accounts");
    list.replaceChildren(...accounts.map(accountCard));
  } catch (error) {
    list.replaceChildren(h("p", { class: "quiet" }, error.message));
  }
}

function accountCard(account) {
  const about = account.about[currentLanguage()];
  return h("section", { class: "avito-account", data: { testid: "avito-account", uid: account.uid } },
    h("h3", {}, account.name), about && h("p", { class: "quiet" }, about), account.keys.map((keys) => keysCard(account, keys)));
}

function keysCard(account, keys) {
  const revoked = h("input", { type: "checkbox", role: "switch", checked: keys.revoked, data: { testid: "revoked" }, onchange: () => revoke(keys, revoked) });
  return h("div", { class: "avito-keys", data: { testid: "avito-keys", clientId: keys.client_id } },
    keyLine(account, "client_id", keys.client_id, "copy-id"), keyLine(account, "client_secret", keys.client_secret, "copy-secret"),
    h("label", {}, revoked, t("avitoRevoked")));
}

function keyLine(account, name, value, testid) {
  const label = `${t("copy")}: ${name}, ${account.name}`;
  const take = () => copy(value, { notify: (text) => toast(panel, text, 2) });
  return h("div", { class: "avito-key" }, h("span", { class: "quiet" }, name), h("code", { title: value }, value),
    iconButton("copy", label, take, { data: { testid } }));
}

/** What the sandbox refuses is taken back on the page. */
async function revoke(keys, box) {
  try {
    await post("avito/keys", { client_id: keys.client_id, revoked: box.checked });
  } catch (error) {
    box.checked = !box.checked;
    toast(panel, error.message);
  }
}
