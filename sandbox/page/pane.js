// One window: who I am, my chats, and one open chat with its composer. A page has one or two of them.

import { encodeFile, post } from "./api.js";
import { avatar, h, icon, iconButton, reconcile, tintOf } from "./dom.js";
import { clock, currentLanguage, day, memberCount, t } from "./i18n.js";
import { commandWord, Composer } from "./composer.js";
import { dots, draftRow, messageRows } from "./message.js";
import { chatMenu, messageMenu } from "./menus.js";
import { alertBox, toast } from "./overlay.js";
import * as store from "./store.js";
import { serviceText, summary } from "./summary.js";

const SHOWN_AT_FIRST = 150;
const TEXT_UNITS = 4096;
const ANSWER_SECONDS = 20;
// A message of a chat without a public name: its id without -100, perhaps a topic, the message.
const POSTED = /^https:\/\/t\.me\/c\/(\d+)\/(?:\d+\/)?(\d+)$/;

const ACTIONS = {
  upload_photo: "actPhoto", upload_document: "actDocument", record_voice: "actVoice", upload_voice: "actVoice",
  upload_video: "actVideo", record_video: "actVideo",
};

export class Pane {
  constructor(side, place, onMove) {
    Object.assign(this, { side, onMove, ...place, topicId: null, limit: SHOWN_AT_FIRST, listing: false, stuck: true });
    this.view = { personId: this.personId, chat: null, actions: this.actions() };
    this.composer = new Composer(this.composerHost());
    this.element = this.build();
    this.stops = [store.subscribe(() => this.update()), store.onAnswer((answer) => this.hear(answer))];
    this.composer.enter(this.key());
    this.update();
    this.toBottom();
  }

  destroy() {
    for (const stop of this.stops) stop();
    this.sizes.disconnect();
    this.composer.leave(this.key());
  }

  /** Who acts where, as the control API wants it. */
  place() {
    return { chat_id: this.chatId, user_id: this.personId };
  }

  key() {
    return `${this.personId}:${this.chatId}`;
  }

  get chat() {
    return store.state.chats.get(this.chatId) ?? null;
  }

  visible() {
    return this.element.offsetParent !== null && document.visibilityState === "visible";
  }

  // --- the frame --------------------------------------------------------------------------------

  build() {
    this.person = h("select", { class: "person-select", "aria-label": t("person"), data: { testid: "person-select" },
      onchange: () => this.open(Number(this.person.value)) });
    this.badge = h("span", { class: "person-badge" });
    this.list = h("nav", { class: "chat-list", "aria-label": t("chats") });
    this.head = h("header", { class: "chat-head" });
    this.topics = h("div", { class: "topics", role: "group", hidden: true });
    this.pinned = h("button", { type: "button", class: "pinned", hidden: true });
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t("message") });
    this.earlier = h("button", { type: "button", class: "button earlier", hidden: true, onclick: () => this.showEarlier() }, t("earlier"));
    this.empty = h("div", { class: "empty" });
    this.scroller = h("div", { class: "scroller", tabindex: -1, onscroll: () => this.scrolled() }, this.earlier, this.empty, this.log);
    this.down = iconButton("down", t("down"), () => this.toBottom(true), { class: "icon-button to-bottom", hidden: true });
    this.bar = h("div", { class: "bar", hidden: true });
    const chat = h("section", { class: "chat" }, this.head, this.pinned, this.topics,
      h("div", { class: "stage" }, this.scroller, this.down, h("div", { class: "toasts", role: "status", "aria-live": "assertive" })),
      this.composer.element, this.bar);
    this.dropTarget(chat);
    this.sizes = new ResizeObserver(() => this.resized());
    for (const node of [this.scroller, this.log]) this.sizes.observe(node);
    return h("section", { class: "pane", data: { testid: `pane-${this.side}` } },
      h("header", { class: "pane-head" }, this.badge, h("label", { class: "who" }, h("span", {}, t("you")), this.person)),
      h("div", { class: "pane-body" }, this.list, chat));
  }

  dropTarget(chat) {
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    chat.dataset.drop = t("dropHere");
    chat.addEventListener("dragover", (event) => carries(event) && (event.preventDefault(), chat.classList.add("dropping")));
    chat.addEventListener("dragleave", (event) => chat.contains(event.relatedTarget) || chat.classList.remove("dropping"));
    chat.addEventListener("drop", (event) => {
      chat.classList.remove("dropping");
      if (!carries(event)) return;
      event.preventDefault();
      this.composer.addFiles(event.dataTransfer.files);
    });
  }

  /** Become `personId`, in `chatId` or in the chat that fits: the same one if this person sees it, else the first. */
  open(personId, chatId = null) {
    this.composer.leave(this.key());
    const seen = store.chatsOf(personId);
    const wanted = chatId ?? this.chatId;
    const chat = seen.find((one) => one.id === wanted) ?? seen.find(store.isPrivate) ?? seen[0];
    Object.assign(this, { personId, chatId: chat?.id ?? null, topicId: null, limit: SHOWN_AT_FIRST, listing: false, stuck: true });
    this.log.replaceChildren();
    this.log.rowsByKey = null;
    this.composer.enter(this.key());
    this.update();
    this.toBottom();
    this.onMove();
    if (matchMedia("(pointer: fine)").matches) this.composer.focus();
  }

  // --- showing ----------------------------------------------------------------------------------

  update() {
    this.view.personId = this.personId;
    this.view.chat = this.chat;
    this.element.classList.toggle("listing", this.listing || !this.chat);
    Object.assign(this.element.dataset, { userId: this.personId, chatId: this.chatId ?? "" });
    this.showPerson();
    if (this.chat && this.visible() && !this.listing) store.markRead(this.personId, this.chat);
    this.showChats();
    if (this.chat) this.showChat();
    this.element.querySelector(".chat").classList.toggle("none", !this.chat);
  }

  showPerson() {
    const people = store.people();
    const signature = people.map((user) => `${user.id} ${store.nameOf(user)}`).join("|");
    if (this.peopleShown !== signature) {
      this.peopleShown = signature;
      this.person.replaceChildren(...people.map((user) => h("option", { value: user.id }, store.nameOf(user))));
    }
    this.person.value = String(this.personId);
    this.badge.replaceChildren(avatar(store.userOf(this.personId), "small"));
    this.badge.parentElement.className = `pane-head ${tintOf(this.personId)}`;
  }

  showChats() {
    const rows = store.chatsOf(this.personId).map((chat) => {
      const last = store.lastMessage(chat);
      const unread = store.unreadCount(this.personId, chat);
      const action = store.currentAction(chat)?.action ?? null;
      const parts = [this.personId, last, unread, action, chat.id === this.chatId, store.titleOf(chat), day(last?.date ?? 0)];
      return { key: chat.id, parts, make: () => this.chatItem(chat, last, unread, action) };
    });
    reconcile(this.list, rows);
  }

  chatItem(chat, last, unread, action) {
    const open = chat.id === this.chatId;
    const line = action ? h("span", { class: "typing-line" }, t(ACTIONS[action] ?? "actTyping"), dots()) : this.lastLine(chat, last);
    return h("button", { type: "button", class: "chat-item", title: store.titleOf(chat), "aria-current": open ? "true" : null, data: { testid: "chat-item", chatId: chat.id },
      onclick: () => this.open(this.personId, chat.id) },
      avatar(store.faceOf(chat)),
      h("span", { class: "chat-item-words" },
        h("span", { class: "chat-item-top" }, h("span", { class: "chat-item-title" }, store.titleOf(chat)), last && h("time", {}, day(last.date) === t("today") ? clock(last.date) : day(last.date))),
        h("span", { class: "chat-item-last" }, line)),
      unread > 0 && h("span", { class: "unread", data: { testid: "unread" } }, unread > 99 ? "99+" : String(unread)));
  }

  lastLine(chat, last) {
    if (!last) return t("noMessages");
    if (store.isPrivate(chat) || chat.type === "channel" || serviceText(last)) return summary(last);
    const sender = last.from?.id === this.personId ? t("me") : store.nameOf(last.from);
    return `${sender}: ${summary(last)}`;
  }

  showChat() {
    const all = this.messages();
    const shown = all.slice(-this.limit);
    const drafts = [...this.chat.drafts.values()].filter((draft) => !this.topicId || draft.message_thread_id === this.topicId);
    const view = { ...this.view };
    const rows = [...messageRows(view, shown), ...drafts.map((draft) => draftRow(view, draft))];
    for (const row of rows) row.parts.push(currentLanguage());
    reconcile(this.log, rows);
    this.earlier.hidden = all.length <= this.limit;
    this.showHead();
    this.showPinned();
    this.showTopics();
    this.showEmpty(rows.length === 0);
    this.showBar();
    this.composer.update();
    if (this.stuck) this.toBottom();
    else this.scrolled();
  }

  messages() {
    const all = store.messagesSeenBy(this.personId, this.chat);
    if (this.topicId === null) return all;
    return all.filter((message) => (message.message_thread_id ?? 0) === this.topicId);
  }

  showHead() {
    const { chat } = this;
    const action = store.currentAction(chat, this.topicId)?.action;
    const signature = [chat.id, store.titleOf(chat), action, this.subtitle(), currentLanguage()].join("|");
    if (this.headShown === signature) return;
    this.headShown = signature;
    const line = action
      ? h("span", { class: "typing-line", data: { testid: "typing" } }, t(ACTIONS[action] ?? "actTyping"), dots())
      : this.subtitle();
    this.head.replaceChildren(
      iconButton("back", t("back"), () => this.showList(), { class: "icon-button back" }),
      avatar(store.faceOf(chat)),
      h("div", { class: "chat-title" }, h("h2", {}, store.titleOf(chat)), h("div", { class: "quiet", role: "status" }, line)),
      iconButton("more", t("menu"), (event) => chatMenu(this, event.currentTarget), { "aria-haspopup": "menu", data: { testid: "chat-menu" } }));
  }

  subtitle() {
    if (store.isPrivate(this.chat)) return t(store.isBlocked(this.chat) ? "botBlocked" : "bot");
    const line = this.chat.type === "channel" ? t("channel") : memberCount(this.chat.members.length);
    return ["left", "kicked"].includes(this.chat.bot_status) ? `${line} · ${t("botAway")}` : line;
  }

  showPinned() {
    const message = store.pinnedMessage(this.chat);
    this.pinned.hidden = !message;
    if (!message) return;
    this.pinned.onclick = () => this.jump(message.message_id);
    this.pinned.replaceChildren(icon("pin"), h("span", {}, h("strong", {}, t("pinned")), h("span", {}, summary(message))));
  }

  showTopics() {
    const topics = store.topicsOf(this.chat);
    this.topics.hidden = topics.length === 0;
    const choices = [{ id: null, name: t("allTopics") }, ...topics];
    reconcile(this.topics, topics.length ? choices.map((topic) => this.topicRow(topic)) : []);
  }

  topicRow(topic) {
    const pressed = topic.id === this.topicId;
    const choose = () => {
      this.topicId = topic.id;
      this.update();
      this.toBottom();
    };
    const make = () => h("button", { type: "button", class: "topic", "aria-pressed": String(pressed), data: { testid: "topic" }, onclick: choose }, topic.name);
    return { key: String(topic.id), parts: [topic.name, pressed], make };
  }

  showEmpty(empty) {
    this.empty.hidden = !empty;
    if (!empty || this.emptyShown === this.key()) return;
    this.emptyShown = this.key();
    const start = store.isPrivate(this.chat) && h("button", { type: "button", class: "button primary", data: { testid: "start" }, onclick: () => this.say("/start") }, t("start"));
    this.empty.replaceChildren(avatar(store.faceOf(this.chat), "large"), h("h3", {}, store.titleOf(this.chat)),
      h("p", {}, this.emptyHint()), start || "");
  }

  emptyHint() {
    if (store.isPrivate(this.chat)) return t("startHint");
    const cards = this.chat.type !== "channel" && this.chat.bot_status === "administrator" && store.leads(this.chat, this.personId);
    return t(cards ? "adminsHint" : "noMessages");
  }

  /** Instead of the composer: the person blocked the bot, or may not write here. */
  showBar() {
    const blocked = store.isBlocked(this.chat);
    const mute = this.chat.type === "channel" && !store.leads(this.chat, this.personId);
    this.bar.hidden = !blocked && !mute;
    this.composer.element.hidden = blocked || mute;
    const unblock = () => this.control("block", { user_id: this.personId, blocked: false });
    if (blocked) this.bar.replaceChildren(h("span", {}, t("blocked")), h("button", { type: "button", class: "button primary", onclick: unblock }, t("unblock")));
    else if (mute) this.bar.replaceChildren(h("span", { class: "quiet" }, t("onlyAdmins")));
  }

  showList() {
    this.listing = true;
    this.update();
    this.list.querySelector("[aria-current]")?.focus();
  }

  showEarlier() {
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.limit += SHOWN_AT_FIRST;
    this.update();
    this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
  }

  // --- scrolling --------------------------------------------------------------------------------

  atBottom() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 90;
  }

  toBottom(smooth = false) {
    this.stuck = !smooth;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.scrolled();
  }

  /** While the newest message is in view it stays there, also when a picture or the keyboard takes room. */
  scrolled() {
    const top = this.scroller.scrollTop;
    if (this.atBottom()) this.stuck = true;
    else if (top < this.lastTop - 1) this.stuck = false;
    this.lastTop = top;
    this.down.hidden = this.stuck;
  }

  resized() {
    if (this.stuck) this.toBottom();
  }

  jump(messageId) {
    const target = this.log.querySelector(`[data-message-id="${Number(messageId)}"]`);
    if (!target) return;
    target.scrollIntoView({ block: "center", behavior: "smooth" });
    target.classList.remove("flash");
    requestAnimationFrame(() => target.classList.add("flash"));
  }

  // --- doing ------------------------------------------------------------------------------------

  notify(text) {
    toast(this.element, text);
  }

  /** One call of the control API; an error becomes a toast. Returns the answer or null. */
  async control(path, body) {
    try {
      return await post(path, body);
    } catch (error) {
      this.notify(error.message);
      return null;
    }
  }

  actions() {
    return {
      command: (word) => this.say(commandWord(word, this.chat, store.state.bot.username)),
      link: (url) => this.follow(url),
      notify: (text) => this.notify(text),
      reply: (message) => this.composer.element.hidden || this.composer.startReply(message),
      menu: (message, where) => messageMenu(this, message, where),
      press: (message, data) => this.press(message, data),
      stop: (draft) => this.control("stop_draft", { ...this.place(), draft_id: draft.draft_id }),
      vote: (message, options) => this.control("vote", { ...this.place(), message_id: message.message_id, option_ids: options }),
      jump: (id) => this.jump(id),
    };
  }

  composerHost() {
    return {
      view: () => this.view,
      botName: () => store.state.bot.username,
      send: (content) => this.send(content),
      saveEdit: (message, text) => post("edit", { ...this.place(), message_id: message.message_id, text }),
      lastOwn: () => this.messages().findLast((message) => message.from?.id === this.personId && message.text),
      notify: (text) => this.notify(text),
    };
  }

  say(text) {
    return this.send({ text, files: [], reply: null }).catch((error) => this.notify(error.message));
  }

  async send({ text, files, reply }) {
    const place = this.place();
    if (this.topicId) place.message_thread_id = this.topicId;
    const extra = reply ? { reply_to_message_id: reply.message_id } : {};
    this.toBottom();
    if (files.length) await this.sendFiles({ ...place, ...extra }, files, text);
    else if (text.length > TEXT_UNITS) await post("paste", { ...place, text });
    else await post("message", { ...place, ...extra, text });
    this.toBottom();
  }

  async sendFiles(place, files, caption) {
    const album = files.length > 1 ? { media_group_id: String(Date.now()) } : {};
    for (const [i, { file, kind }] of files.entries()) {
      const words = i === 0 && caption ? { caption } : {};
      await post("message", { ...place, ...album, ...words, [kind]: await encodeFile(file) });
    }
  }

  async press(message, data) {
    const answer = await this.control("press", {
      ...this.place(), message_id: message.message_id, ephemeral_message_id: message.ephemeral_message_id, data,
    });
    if (answer) await store.answerTo(answer.callback_query_id, ANSWER_SECONDS);
  }

  hear(answer) {
    if (answer.user_id !== this.personId || !this.visible()) return;
    if (answer.chat_id && answer.chat_id !== this.chatId) return;
    if (answer.show_alert || answer.url) alertBox(this.element, answer.text ?? answer.url, answer.url);
    else if (answer.text) this.notify(answer.text);
  }

  /** A link to a message of a group or channel of this world shows it; true when there is such a chat. */
  followPost(chatId, messageId) {
    if (!store.state.chats.has(chatId)) return false;
    if (!store.chatsOf(this.personId).some((chat) => chat.id === chatId)) this.notify(t("notYours"));
    else {
      this.open(this.personId, chatId);
      this.jump(messageId);
    }
    return true;
  }

  /** A link to the bot itself is played here (`?start=x` sends `/start x`); true when that happened. */
  follow(url) {
    const link = URL.parse(url);
    const posted = POSTED.exec(url);
    if (posted) return this.followPost(Number(`-100${posted[1]}`), Number(posted[2]));
    const bot = store.state.bot.username?.toLowerCase();
    if (!link || !["t.me", "telegram.me"].includes(link.hostname) || link.pathname.slice(1).toLowerCase() !== bot) return false;
    const start = link.searchParams.get("start");
    this.open(this.personId, this.personId);
    if (start !== null) this.say(`/start ${start}`.trim());
    return true;
  }
}
