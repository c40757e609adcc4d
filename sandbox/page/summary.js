// One line about a message: for the chat list, reply headers, pinned bar and service notes.

import { t } from "./i18n.js";
import { mediaKind } from "./media.js";
import { nameOf } from "./store.js";

const names = (users) => users.map(nameOf).join(", ");

/** Service messages: field -> words. A message with one of these fields has no bubble. */
const SERVICE = {
  new_chat_members: (m) => t("svcJoined", names(m.new_chat_members)),
  left_chat_member: (m) => t("svcLeft", nameOf(m.left_chat_member)),
  pinned_message: (m) => t("svcPinned", nameOf(m.from ?? m.sender_chat)),
  migrate_to_chat_id: (m) => t("svcMigrated", m.migrate_to_chat_id),
  migrate_from_chat_id: (m) => t("svcMigratedFrom", m.migrate_from_chat_id),
  new_chat_title: (m) => t("svcTitle", m.new_chat_title),
  group_chat_created: () => t("svcCreated"),
  supergroup_chat_created: () => t("svcCreated"),
  channel_chat_created: () => t("svcChannelCreated"),
  forum_topic_created: (m) => t("svcTopic", m.forum_topic_created.name),
  forum_topic_edited: (m) => t("svcTopicEdited", m.forum_topic_edited.name ?? ""),
  forum_topic_closed: () => t("svcTopicClosed"),
  forum_topic_reopened: () => t("svcTopicReopened"),
  new_chat_photo: () => t("svcPhoto"),
  delete_chat_photo: () => t("svcPhotoDeleted"),
  write_access_allowed: () => t("svcWrite"),
};

/** The words of a service message, or null for an ordinary one. */
export function serviceText(message) {
  const field = Object.keys(SERVICE).find((name) => message[name] !== undefined);
  return field ? SERVICE[field](message) : null;
}

const SIGNS = { photo: "🖼", video: "🎬", animation: "🎞", audio: "🎵", voice: "🎤", document: "📎", poll: "📊", location: "📍", venue: "📍", contact: "👤", sticker: "", dice: "" };

const LABELS = { venue: "location", video_note: "video", dice: "sticker" };

/** The words of a message in one line; never empty. */
export function summary(message) {
  const words = serviceText(message) ?? message.text ?? message.caption ?? richText(message.rich_message);
  const kind = mediaKind(message);
  const sign = SIGNS[kind] ?? "";
  if (words) return `${sign} ${words}`.trim().replace(/\s+/g, " ").slice(0, 160);
  if (!kind) return t("unsupported");
  const label = LABELS[kind] ?? kind;
  const detail = message.document?.file_name ?? message.poll?.question ?? message.sticker?.emoji ?? message.dice?.emoji;
  return `${sign} ${detail ?? t(label)}`.trim();
}

/**
 * The plain words of a rich message. Its blocks and texts nest freely; every piece of text sits in a string, an
 * array, or one of a few fields, so a walk finds them all without knowing each of the forty kinds.
 */
export function richText(node) {
  if (!node) return "";
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return node.map(richText).join("");
  if (node.markdown ?? node.html) return node.markdown ?? node.html;
  const inner = ["blocks", "items", "cells", "rows", "text", "caption", "summary"].map((field) => richText(node[field])).filter(Boolean);
  return inner.join("\n") + (node.type === "paragraph" || node.size ? "\n" : "");
}
