// The chat page: a top bar, and one or two windows (panes), each showing one person's Telegram.
//
// data-testid on the page, for tests (all except `tab-*`, `welcome`, `offline` stand inside a pane):
//   pane-left, pane-right   a window; data-user-id and data-chat-id say who looks at which chat
//   person-select           <select> of the person; the value is the user id
//   chat-item               one chat of the list; data-chat-id. unread: its counter
//   composer, send          the text field and its button; attach, file-input, command-menu, command (data-command)
//   start                   the big button of an untouched chat with the bot
//   message                 a message or a whole album; data-message-id, data-own="true|false"; service notes have
//                           data-service, what only this person sees has data-ephemeral
//   message-menu            opens reply, edit, copy; chat-menu: block the bot, membership
//   inline-button           a key under a message (class "pending" until answered); reply-button: a key of the reply keyboard
//   reply-keyboard, topic   the reply keyboard's box; a forum topic's chip
//   draft, stop-draft       the preview of an answer being written, and its Stop; typing: the chat action in the head
//   toast, alert            the two ways a callback answer shows
//   tab-left, tab-right     on narrow screens, which window shows
//   welcome, offline        the hint at the top; the notice that the sandbox is gone
//   language, theme, panes  the switches in the top bar; avito opens a panel, see avito.js
//
// The address keeps the view: #left=101:101&right=100:-1001000000001 (person:chat), single=1, tab=right.

import { get, listen } from "./api.js";
import { avitoButton, isAvitoOpen, openAvito } from "./avito.js";
import { avatar, h, icon, iconButton } from "./dom.js";
import { switchLanguage, t } from "./i18n.js";
import { Pane } from "./pane.js";
import * as store from "./store.js";

const NEWCOMER = 101;
const USUAL_ADMIN = 100;
const RETRY_MS = 2000;
const SIDES = ["left", "right"];
const NARROW = matchMedia("(max-width: 899px)");

const panes = {};
const page = { tab: "left", single: false };
let tabs = [];

// --- where we are: the address ------------------------------------------------------------------

function readPlaces() {
  const address = new URLSearchParams(location.hash.slice(1));
  page.single = address.get("single") === "1";
  page.tab = address.get("tab") === "right" ? "right" : "left";
  return {
    left: parsePlace(address.get("left")) ?? newcomersPlace(),
    right: parsePlace(address.get("right")) ?? adminsPlace(),
  };
}

function newcomersPlace() {
  const known = store.people().map((user) => user.id);
  const personId = known.includes(NEWCOMER) ? NEWCOMER : known[0];
  return { personId, chatId: personId };
}

/**
 * Where requests for access appear: the group whose owner made the bot an administrator. A sandbox that was started
 * with the id of a person for its admin chat has another owner there, who gets the requests in private.
 */
function adminsPlace() {
  const led = [...store.state.chats.values()].filter((chat) => chat.type.endsWith("group") && chat.bot_status === "administrator");
  for (const chat of led) {
    const owner = store.people().find((user) => chat.statuses?.[user.id] === "creator");
    if (owner) return { personId: owner.id, chatId: owner.id === USUAL_ADMIN ? chat.id : owner.id };
  }
  return newcomersPlace();
}

function parsePlace(text) {
  const [personId, chatId] = (text ?? "").split(":").map(Number);
  return store.state.users.has(personId) && store.state.chats.has(chatId) ? { personId, chatId } : null;
}

function writePlaces() {
  const parts = SIDES.map((side) => `${side}=${panes[side].personId}:${panes[side].chatId}`);
  if (page.single) parts.push("single=1");
  if (page.tab === "right") parts.push("tab=right");
  history.replaceState(null, "", `#${parts.join("&")}`);
}

// --- the page -----------------------------------------------------------------------------------

function build(places) {
  for (const side of SIDES) panes[side]?.destroy();
  const main = h("main", { class: "panes" });
  document.getElementById("app").replaceChildren(topBar(), offlineNotice(), welcome(places), tabBar(), main);
  document.title = `${t("title")}: ${t("sandbox")}`;
  for (const side of SIDES) {
    panes[side] = new Pane(side, places[side], arrange);
    main.append(panes[side].element);
  }
  arrange();
  for (const side of SIDES) {
    panes[side].update();
    panes[side].toBottom();
  }
}

/** The first showing: whoever has a keyboard may write at once. */
function open() {
  build(readPlaces());
  if (matchMedia("(pointer: fine)").matches) panes[page.tab].composer.focus();
}

function topBar() {
  const language = h("button", { type: "button", class: "text-button", title: t("language"), "aria-label": t("language"), data: { testid: "language" }, onclick: changeLanguage },
    document.documentElement.lang === "ru" ? "EN" : "RU");
  return h("header", { class: "top" },
    h("img", { src: "/page/icon.svg", alt: "", width: 28, height: 28 }),
    h("h1", {}, t("title"), h("span", {}, t("sandbox"))),
    h("span", { class: "spring" }),
    avitoButton(),
    iconButton("columns", t("twoPanes"), togglePanes, { class: "icon-button wide-only", data: { testid: "panes" } }),
    iconButton(isDark() ? "sun" : "moon", t("theme"), changeTheme, { data: { testid: "theme" } }),
    language);
}

function offlineNotice() {
  return h("div", { class: "offline", role: "alert", hidden: store.state.connected, data: { testid: "offline" } }, t("lost"));
}

function welcome(places) {
  if (localStorage.getItem("sandbox.welcome") === "hidden") return "";
  const hide = () => {
    localStorage.setItem("sandbox.welcome", "hidden");
    strip.remove();
  };
  const strip = h("div", { class: "welcome", data: { testid: "welcome" } },
    h("p", { class: "for-two" }, t("welcome", store.personName(places.left.personId))), h("p", { class: "for-one" }, t("welcomeSingle")),
    iconButton("close", t("hide"), hide));
  return strip;
}

function tabBar() {
  tabs = SIDES.map((side) =>
    h("button", { type: "button", role: "tab", class: "tab", data: { testid: `tab-${side}` }, onclick: () => showTab(side) }));
  return h("div", { class: "tabs", role: "tablist", "aria-label": t("windows") }, tabs);
}

function refreshTabs() {
  SIDES.forEach((side, i) => {
    const { personId, chat } = panes[side];
    const unread = chat && side !== page.tab ? store.unreadCount(personId, chat) : 0;
    tabs[i].setAttribute("aria-selected", String(side === page.tab));
    const parts = [store.personName(personId), chat ? store.titleOf(chat) : "", unread].join("|");
    if (tabs[i].dataset.shown === parts) return;
    tabs[i].dataset.shown = parts;
    tabs[i].replaceChildren(avatar(store.userOf(personId), "small"),
      h("span", { class: "tab-words" }, h("strong", {}, store.personName(personId)), h("span", {}, chat ? store.titleOf(chat) : "")),
      unread ? h("span", { class: "unread" }, String(unread)) : "");
  });
}

/** Put classes and the address in line with what is open. */
function arrange() {
  const one = page.single || NARROW.matches;
  document.body.classList.toggle("one-pane", one);
  for (const side of SIDES) panes[side]?.element.classList.toggle("off", one && side !== page.tab);
  if (!panes.right) return;
  writePlaces();
  refreshTabs();
}

function showTab(side) {
  page.tab = side;
  arrange();
  panes[side].update();
  panes[side].toBottom();
}

function togglePanes() {
  page.single = !page.single;
  arrange();
  store.changed();
}

function changeLanguage() {
  const avito = isAvitoOpen();
  switchLanguage();
  build({ left: place("left"), right: place("right") });
  if (avito) openAvito();
}

const place = (side) => ({ personId: panes[side].personId, chatId: panes[side].chatId });

// --- theme: as the system has it, until the person chooses -----------------------------------------

function isDark() {
  const chosen = localStorage.getItem("sandbox.theme");
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function applyTheme() {
  const chosen = localStorage.getItem("sandbox.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}

function changeTheme(event) {
  localStorage.setItem("sandbox.theme", isDark() ? "light" : "dark");
  applyTheme();
  event.currentTarget.replaceChildren(icon(isDark() ? "sun" : "moon"));
}

// --- state and events -------------------------------------------------------------------------------

let waiting = null;

/** Load the whole state; events that come meanwhile wait, so that none is lost between the two. */
async function reload() {
  if (waiting) return;
  waiting = [];
  const state = await get("state").catch(() => null);
  const missed = waiting;
  waiting = null;
  setConnected(state !== null);
  if (state === null) {
    setTimeout(reload, RETRY_MS);
    return;
  }
  store.load(state);
  if (!panes.left) open();
  for (const [kind, data] of missed) take(kind, data);
}

function take(kind, data) {
  if (waiting) waiting.push([kind, data]);
  else if (!store.apply(kind, data)) reload();
  else followMigration(data.message);
}

/** A group that became a supergroup goes on under a new id; panes that show it move along. */
function followMigration(message) {
  if (!message?.migrate_to_chat_id) return;
  for (const side of SIDES) {
    if (panes[side]?.chatId !== message.chat.id) continue;
    panes[side].open(panes[side].personId, message.migrate_to_chat_id);
  }
}

function setConnected(connected) {
  store.state.connected = connected;
  const notice = document.querySelector(".offline");
  if (notice) notice.hidden = connected;
}

applyTheme();
NARROW.addEventListener("change", () => panes.right && (arrange(), store.changed()));
document.addEventListener("visibilitychange", store.changed);
store.subscribe(() => panes.right && refreshTabs());
listen({ onEvent: take, onOpen: reload, onLost: () => setConnected(false) });
