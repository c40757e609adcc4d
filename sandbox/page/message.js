// One message (or album) as an element: sender, quote, media, text, time, buttons.
//
// A `view` says who looks and what can be done: {personId, chat, actions}, with the actions of the pane:
// command(text), link(url), notify(text), reply(message), menu(message, where), press(message, data),
// vote(message, options), stop(draft), jump(id).

import { alike, avatar, h, icon, iconButton, tintOf } from "./dom.js";
import { copy, renderText } from "./entities.js";
import { clock, day, t } from "./i18n.js";
import { isVisual, renderAlbum, renderMedia } from "./media.js";
import { isPrivate, nameOf, personName, reactionsOf, state } from "./store.js";
import { richText, serviceText, summary } from "./summary.js";

const GROUP_SECONDS = 300;

/** What tells a message of a chat from all others; ephemeral ones have a number of their own. */
const keyOf = (message) => (message.ephemeral_message_id ? `e${message.ephemeral_message_id}` : message.message_id);

export const authorOf = (message) => message.sender_chat ?? message.from ?? { id: 0, first_name: "?" };

/**
 * Rows for a list of messages: day lines, service notes, and bubbles with albums joined.
 * Each is {key, parts, make} for `reconcile`; neighbours of one author within five minutes stand close together.
 */
export function messageRows(view, messages) {
  const blocks = joinAlbums(messages);
  const rows = [];
  blocks.forEach((block, i) => {
    const before = blocks[i - 1];
    if (!before || day(before[0].date) !== day(block[0].date)) rows.push(dayRow(block[0]));
    const first = !together(before, block);
    const last = !together(block, blocks[i + 1]);
    rows.push(messageRow(view, block, first, last));
  });
  return rows;
}

function joinAlbums(messages) {
  const blocks = [];
  for (const message of messages) {
    const album = message.media_group_id;
    if (album && blocks.at(-1)?.[0].media_group_id === album) blocks.at(-1).push(message);
    else blocks.push([message]);
  }
  return blocks;
}

function together(a, b) {
  if (!a || !b || serviceText(a[0]) || serviceText(b[0])) return false;
  if (Boolean(a[0].receiver_user) !== Boolean(b[0].receiver_user)) return false;
  const near = b[0].date - a.at(-1).date < GROUP_SECONDS && day(a[0].date) === day(b[0].date);
  return near && authorOf(a[0]).id === authorOf(b[0]).id;
}

function dayRow(message) {
  const label = day(message.date);
  return { key: `day ${label} ${keyOf(message)}`, parts: [label], make: () => h("div", { class: "note day" }, h("span", {}, label)) };
}

function messageRow(view, block, first, last) {
  const [message] = block;
  const parts = [first, last, block.length, view.chat.reactions?.[message.message_id], ...block];
  const service = serviceText(message);
  const make = () => (service ? serviceNote(message) : messageElement(view, block, first, last));
  const refresh = (element, old) => {
    const sameFrame = old[0] === first && old[1] === last && old[2] === block.length && !service;
    return sameFrame && alike(old[4].reply_markup, message.reply_markup) ? refreshMessage(element, view, block, first) : null;
  };
  return { key: `message ${keyOf(message)}`, parts, make, refresh };
}

/** Show an edited message in its old element: keys stay where they are, with their pressed state. */
function refreshMessage(element, view, block, first) {
  element.message = block[0];
  element.querySelector(".bubble").replaceWith(bubble(view, block, first));
  return element;
}

function serviceNote(message) {
  const data = { testid: "message", messageId: message.message_id, service: "true" };
  return h("div", { class: "note", data }, h("span", {}, serviceText(message)));
}

function messageElement(view, block, first, last) {
  const [message] = block;
  const author = authorOf(message);
  const own = author.id === view.personId;
  const named = isNamed(view, author);
  const kind = ["message", own ? "own" : "theirs", first && "first", last && "last", named && "named", message.receiver_user && "whisper"].filter(Boolean).join(" ");
  const element = h("article", { class: kind, data: { testid: "message", messageId: keyOf(message), own, ...(message.receiver_user && { ephemeral: "true" }) }, "aria-label": `${nameOf(author)}, ${clock(message.date)}` },
    named && (last ? avatar(author) : h("span", { class: "avatar-space" })),
    h("div", { class: "column" }, bubble(view, block, first), inlineKeyboard(view, message)),
    actionsButton(view));
  element.message = message;
  element.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a, .keyboard")) return;
    event.preventDefault();
    view.actions.menu(element.message, { point: { x: event.clientX, y: event.clientY } });
  });
  element.addEventListener("dblclick", (event) => event.target.closest("button, a, .pre") || message.receiver_user || view.actions.reply(element.message));
  return element;
}

const isNamed = ({ chat, personId }, author) => author.id !== personId && !isPrivate(chat) && chat.type !== "channel";

function actionsButton(view) {
  const open = ({ currentTarget: anchor }) => view.actions.menu(anchor.closest(".message").message, { anchor });
  return iconButton("more", t("actions"), open, { class: "icon-button message-actions", "aria-haspopup": "menu", data: { testid: "message-menu" } });
}

function bubble(view, block, first) {
  const [message] = block;
  const author = first && isNamed(view, authorOf(message)) ? authorOf(message) : null;
  const captioned = block.find((one) => one.caption) ?? message;
  const media = block.length > 1 ? renderAlbum(block, view.actions) : renderMedia(message, view.actions);
  const words = textPart(view, captioned);
  const bare = isVisual(message) && !words;
  const above = captioned.show_caption_above_media;
  return h("div", { class: `bubble ${isVisual(message) ? "visual" : ""} ${bare ? "bare" : ""}` },
    author && h("div", { class: `author ${tintOf(author.id)}` }, nameOf(author)),
    forwardLine(message),
    quoteHeader(view, message),
    message.receiver_user && h("div", { class: "whispered" }, icon("eye"), t("onlyYou")),
    above ? null : media,
    h("div", { class: "words" }, words, meta(block.at(-1))),
    above ? media : null,
    reactionLine(view.chat, message));
}

function reactionLine(chat, message) {
  const found = reactionsOf(chat, message.message_id);
  if (!found.length) return null;
  return h("div", { class: "reactions" }, found.map(({ emoji, count }) => h("span", { class: "reaction" }, `${emoji} ${count}`)));
}

function textPart(view, message) {
  const text = message.text ?? message.caption;
  if (text) return h("div", { class: "text" }, renderText(text, message.entities ?? message.caption_entities, view.actions));
  if (message.rich_message) return h("div", { class: "text" }, richText(message.rich_message).trim());
  return summary(message) === t("unsupported") ? h("div", { class: "text quiet" }, t("unsupported")) : null;
}

function meta(message) {
  return h("span", { class: "meta" },
    message.edit_date && h("span", { class: "edited" }, t("edited")),
    message.via_bot && h("span", {}, t("via", message.via_bot.username)),
    h("time", { datetime: new Date(message.date * 1000).toISOString() }, clock(message.date)));
}

function forwardLine(message) {
  const origin = message.forward_origin;
  if (!origin) return null;
  const source = origin.sender_user ?? origin.sender_chat ?? origin.chat ?? { first_name: origin.sender_user_name };
  return h("div", { class: "forwarded" }, t("forwarded", nameOf(source)));
}

function quoteHeader(view, message) {
  const target = message.reply_to_message;
  if (!target || target.forum_topic_created) return null;
  const words = message.quote?.text ?? summary(target);
  const jump = () => view.actions.jump(target.message_id);
  return h("button", { type: "button", class: `quote ${tintOf(authorOf(target).id)}`, onclick: jump },
    h("span", { class: "quote-author" }, nameOf(authorOf(target))), h("span", { class: "quote-text" }, words));
}

// --- inline keyboards --------------------------------------------------------------------------

function inlineKeyboard(view, message) {
  const rows = message.reply_markup?.inline_keyboard;
  if (!rows?.length) return null;
  return h("div", { class: "keyboard" }, rows.map((row) => h("div", { class: "keyboard-row" }, row.map((spec) => inlineButton(view, message, spec)))));
}

function inlineButton(view, message, spec) {
  const props = { class: `key ${spec.style ? `key-${spec.style}` : ""}`, data: { testid: "inline-button" } };
  if (spec.url) return linkKey(view, spec, props);
  const node = h("button", { type: "button", ...props }, h("span", {}, spec.text));
  if (spec.callback_data !== undefined) node.addEventListener("click", () => hold(node, () => view.actions.press(message, spec.callback_data)));
  else if (spec.copy_text) node.append(icon("copy"));
  else node.disabled = true;
  if (spec.copy_text) node.addEventListener("click", () => copy(spec.copy_text.text, view.actions));
  return node;
}

function linkKey(view, spec, props) {
  const url = URL.parse(spec.url);
  const safe = url && ["http:", "https:", "tg:"].includes(url.protocol) ? url.href : null;
  const follow = (event) => view.actions.link(spec.url) && event.preventDefault();
  return h("a", { ...props, href: safe, target: "_blank", rel: "noopener noreferrer", title: spec.url, onclick: follow }, h("span", {}, spec.text), icon("link"));
}

/** Show a key as pressed until the bot has answered; a second press meanwhile does nothing. */
async function hold(node, press) {
  if (node.classList.contains("pending")) return;
  node.classList.add("pending");
  node.setAttribute("aria-busy", "true");
  await press();
  node.classList.remove("pending");
  node.removeAttribute("aria-busy");
}

// --- the preview of an answer that is being written ----------------------------------------------

export function draftRow(view, draft) {
  const refresh = (element) => {
    element.querySelector(".text").replaceWith(draftWords(view, draft));
    return element;
  };
  return { key: `draft ${draft.draft_id}`, parts: [draft], make: () => draftElement(view, draft), refresh };
}

function draftWords(view, draft) {
  if (!draft.text) return h("div", { class: "text thinking" }, t("thinking"), dots());
  return h("div", { class: "text streaming" }, renderText(draft.text, draft.entities, view.actions));
}

function draftElement(view, draft) {
  const stop = draft.can_stop &&
    h("button", { type: "button", class: "stop", data: { testid: "stop-draft" }, onclick: () => view.actions.stop(draft) }, icon("stop"), t("stop"));
  return h("article", { class: "message theirs first last draft", data: { testid: "draft", draftId: draft.draft_id }, "aria-label": personName(state.bot.id), "aria-live": "off" },
    h("div", { class: "column" }, h("div", { class: "bubble" }, h("div", { class: "words" }, draftWords(view, draft))), stop));
}

export const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
