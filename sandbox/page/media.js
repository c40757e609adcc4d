// What a message holds besides text: pictures, files, voice, polls and the rest. One table: kind -> how it looks.

import { h, icon } from "./dom.js";
import { fileSize, t } from "./i18n.js";

// Each takes the Bot API object, `url` where this server has the file (null: nothing to load), and `vote([option])`.

const KINDS = {
  photo: (sizes, url) => picture(sizes.at(-1), url),
  animation: (file, url) => moving(file, url, { autoplay: true, loop: true, muted: true }),
  video: (file, url) => moving(file, url, { controls: true }),
  video_note: (file, url) => moving(file, url, { controls: true }),
  sticker: (file) => h("span", { class: "big-emoji" }, file.emoji ?? "🙂"),
  voice: (file, url) => player(file, url, t("voice")),
  audio: (file, url) => player(file, url, file.title ?? file.file_name ?? t("audio")),
  document: (file, url) => attachment(file, url),
  dice: (dice) => h("span", { class: "big-emoji" }, `${dice.emoji} ${dice.value}`),
  poll: (poll, url, vote) => pollCard(poll, vote),
  venue: (venue) => fact("📍", venue.title, venue.address),
  location: (place) => fact("📍", t("location"), `${place.latitude}, ${place.longitude}`),
  contact: (contact) => fact("👤", [contact.first_name, contact.last_name].filter(Boolean).join(" "), contact.phone_number),
};

const ORDER = Object.keys(KINDS);

/** The kind of media in a message (an animation also carries `document`, a venue `location`), or undefined. */
export const mediaKind = (message) => ORDER.find((kind) => message[kind]);

const VISUAL = new Set(["photo", "animation", "video"]);
export const isVisual = (message) => VISUAL.has(mediaKind(message));

/** The media part of one message as an element, or null; a vote in a poll calls `actions.vote(message, [option])`. */
export function renderMedia(message, actions) {
  const kind = mediaKind(message);
  if (!kind) return null;
  const cover = message.has_media_spoiler ? "covered" : "";
  const box = h("div", { class: `media media-${kind} ${cover}` }, KINDS[kind](message[kind], message.file_url ?? null, (options) => actions.vote(message, options)));
  if (cover) box.addEventListener("click", (event) => uncover(box, event), { capture: true });
  return box;
}

function uncover(box, event) {
  if (!box.classList.contains("covered")) return;
  event.preventDefault();
  event.stopPropagation();
  box.classList.remove("covered");
}

/** An album: pictures in a grid, files one under another. */
export function renderAlbum(messages, actions) {
  const visual = messages.every(isVisual);
  const kind = visual ? `album-grid count-${Math.min(messages.length, 4)}` : "album-list";
  return h("div", { class: `album ${kind}` }, messages.map((message) => renderMedia(message, actions)));
}

function picture(size, url) {
  if (!url) return attachment({ file_name: t("photo"), file_size: size.file_size }, null);
  const image = h("img", { src: url, alt: t("photo"), width: size.width, height: size.height });
  return h("a", { href: url, target: "_blank", rel: "noopener" }, image);
}

function moving(file, url, props) {
  if (!url) return attachment(file, url);
  const video = h("video", { src: url, preload: "metadata", ...props });
  video.muted = Boolean(props.muted);
  return video;
}

function player(file, url, label) {
  const sound = url ? h("audio", { src: url, controls: true, preload: "metadata", "aria-label": label }) : null;
  return h("div", { class: "sound" }, h("span", { class: "sound-name" }, `${label} ${duration(file.duration)}`), sound);
}

function duration(seconds) {
  if (!seconds) return "";
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function attachment(file, url) {
  const name = file.file_name ?? t("document");
  const extension = /\.([\p{L}\p{N}]{1,5})$/u.exec(name)?.[1] ?? "";
  const parts = [
    h("span", { class: "file-icon", "aria-hidden": "true" }, extension || icon("file")),
    h("span", { class: "file-facts" }, h("span", { class: "file-name" }, name), h("span", { class: "file-size" }, fileSize(file.file_size))),
  ];
  return url ? h("a", { class: "file", href: url, download: name }, parts) : h("span", { class: "file" }, parts);
}

function fact(sign, title, detail) {
  return h("div", { class: "fact" }, h("span", { class: "big-emoji", "aria-hidden": "true" }, sign), h("div", {}, h("strong", {}, title), h("div", { class: "quiet" }, detail)));
}

function pollCard(poll, vote) {
  const kind = poll.is_closed ? "closedPoll" : poll.type === "quiz" ? "quiz" : poll.is_anonymous ? "anonymousPoll" : "openPoll";
  const total = poll.total_voter_count ?? 0;
  return h("div", { class: "poll" },
    h("strong", {}, poll.question),
    h("div", { class: "quiet" }, t(kind)),
    poll.options.map((option, i) => pollOption(option, total, !poll.is_closed && (() => vote([i])))),
    h("div", { class: "quiet" }, t("votes", total)));
}

function pollOption(option, total, choose) {
  const share = total ? Math.round((100 * option.voter_count) / total) : 0;
  const fill = h("i");
  fill.style.width = `${share}%`;
  const bar = h("span", { class: "poll-bar", "aria-hidden": "true" }, fill);
  const props = { class: "poll-option", data: { testid: "poll-option" } };
  return h(choose ? "button" : "div", choose ? { type: "button", onclick: choose, ...props } : props, h("span", { class: "poll-share" }, `${share}%`), h("span", {}, option.text), bar);
}
