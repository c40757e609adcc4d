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
  ].filter(Boolean);
  const react = (emoji) => pane.control("react", { ...pane.place(), message_id: message.message_id, emoji });
  openMenu(items, { ...where, emoji: passing ? [] : EMOJI, react });
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
  const become = (userId, status) => () => pane.control("member", { chat_id: chat.id, user_id: userId, status });
  const bot = store.state.bot.id;
  const inside = ["member", "administrator"].includes(chat.bot_status);
  const admin = chat.bot_status === "administrator";
  return [
    inside && { label: t(admin ? "demoteBot" : "promoteBot"), icon: "check", run: become(bot, admin ? "member" : "administrator") },
    inside && { label: t("removeBot"), icon: "block", danger: true, run: become(bot, "kicked") },
    !inside && { label: t("addBot"), icon: "check", run: become(bot, "member") },
    { label: t("leave"), icon: "leave", danger: true, run: become(personId, "left") },
  ].filter(Boolean);
}
