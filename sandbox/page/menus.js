// The menus of a pane: of one message, and of the chat.

import { copy } from "./entities.js";
import { t } from "./i18n.js";
import { openMenu } from "./overlay.js";
import * as store from "./store.js";

const EMOJI = ["👍", "👎", "❤️", "🔥", "🎉", "🤔"];

/** React, reply, edit, copy; `where` is {anchor} or {point}. */
export function messageMenu(pane, message, where) {
  const own = message.from?.id === pane.personId;
  const text = message.text ?? message.caption;
  const passing = Boolean(message.receiver_user);
  const writable = !pane.composer.element.hidden && !passing;
  const items = [
    writable && { label: t("reply"), icon: "reply", run: () => pane.composer.startReply(message) },
    writable && own && text && { label: t("edit"), icon: "edit", run: () => pane.composer.startEdit(message) },
    text && { label: t("copyText"), icon: "copy", run: () => copy(text, pane.view.actions) },
    ...(passing ? [] : placedItems(pane, message)),
  ].filter(Boolean);
  const react = (emoji) => pane.control("react", { ...pane.place(), message_id: message.message_id, emoji });
  openMenu(items, { ...where, emoji: passing ? [] : EMOJI, react });
}

/** What one does with a message where many see it: pin it, or show the bot a post of a channel. */
function placedItems(pane, message) {
  const { chat, personId } = pane;
  const where = { ...pane.place(), message_id: message.message_id };
  const forward = () => pane.control("forward", { user_id: personId, from_chat_id: chat.id, message_id: message.message_id });
  return [
    !store.isPrivate(chat) && store.leads(chat, personId) && { label: t("pin"), icon: "pin", run: () => pane.control("pin", where) },
    chat.type === "channel" && !message.pinned_message && !message.has_protected_content &&
      { label: t("forwardToBot"), icon: "leave", run: forward },
  ];
}

export function chatMenu(pane, anchor) {
  openMenu(store.isPrivate(pane.chat) ? privateItems(pane) : groupItems(pane), { anchor });
}

function privateItems(pane) {
  const blocked = store.isBlocked(pane.chat);
  const run = () => pane.control("block", { user_id: pane.personId, blocked: !blocked });
  return [{ label: t(blocked ? "unblock" : "block"), icon: blocked ? "check" : "block", danger: !blocked, run }];
}

function groupItems(pane) {
  const { chat, personId } = pane;
  const become = (userId, status) => () => pane.control("member", { chat_id: chat.id, user_id: userId, status, by: personId });
  const channel = chat.type === "channel";
  const mine = !channel || store.leads(chat, personId);
  const items = mine ? botItems(chat, (status) => become(store.state.bot.id, status)) : [];
  return [...items, { label: t(channel ? "leaveChannel" : "leave"), icon: "leave", danger: true, run: become(personId, "left") }];
}

/** In a channel a bot is an administrator or nothing. */
function botItems(chat, become) {
  const channel = chat.type === "channel";
  if (!["member", "administrator"].includes(chat.bot_status)) {
    return [{ label: t(channel ? "addBotChannel" : "addBot"), icon: "check", run: become(channel ? "administrator" : "member") }];
  }
  const admin = chat.bot_status === "administrator";
  return [
    !channel && { label: t(admin ? "demoteBot" : "promoteBot"), icon: "check", run: become(admin ? "member" : "administrator") },
    { label: t(channel ? "removeBotChannel" : "removeBot"), icon: "block", danger: true, run: become("kicked") },
  ].filter(Boolean);
}
