// Where a person writes: text, reply and edit headers, files, the command menu, and the bot's reply keyboard.
//
// The pane gives `host`: {view(), send(content), saveEdit(message, text), lastOwn(), notify(text), startBot()}.

import { alike, h, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";
import { commandsFor, isPrivate, nameOf, replyKeyboard } from "./store.js";
import { authorOf } from "./message.js";
import { summary } from "./summary.js";

const LARGEST_FILE = 20 * 1024 * 1024;
const unsent = new Map();

export class Composer {
  constructor(host) {
    this.host = host;
    this.files = [];
    this.reply = null;
    this.editing = null;
    this.keyboardHidden = false;
    this.markup = null;
    this.chosen = 0;
    this.element = this.build();
  }

  build() {
    this.suggestions = h("div", { class: "suggestions", role: "listbox", "aria-label": t("commands"), hidden: true });
    this.context = h("div", { class: "context", hidden: true });
    this.chips = h("div", { class: "chips", hidden: true });
    this.input = h("textarea", { class: "input", rows: 1, placeholder: t("message"), "aria-label": t("message"), autocomplete: "off", data: { testid: "composer" },
      oninput: () => this.typed(), onkeydown: (event) => this.key(event), onpaste: (event) => this.pasted(event) });
    this.slash = iconButton("slash", t("commands"), () => this.toggleMenu(), { data: { testid: "command-menu" } });
    this.keys = iconButton("keyboard", t("showKeyboard"), () => this.toggleKeyboard(), { hidden: true });
    this.picker = h("input", { type: "file", multiple: true, hidden: true, tabindex: -1, "aria-label": t("attach"), data: { testid: "file-input" },
      onchange: () => this.addFiles(this.picker.files) });
    const attach = iconButton("attach", t("attach"), () => this.picker.click(), { data: { testid: "attach" } });
    this.sendButton = iconButton("send", t("send"), null, { type: "submit", class: "icon-button send", data: { testid: "send" } });
    this.form = h("form", { class: "composer", onsubmit: (event) => this.submit(event) },
      attach, this.picker, h("div", { class: "field" }, this.slash, this.input, this.keys), this.sendButton);
    this.keyboard = h("div", { class: "reply-keyboard", hidden: true, data: { testid: "reply-keyboard" } });
    return h("div", { class: "composer-area" }, this.suggestions, this.context, this.chips, this.form, this.keyboard);
  }

  // --- moving between chats: unsent text waits for its chat -------------------------------------

  leave(key) {
    if (!this.editing) unsent.set(key, this.input.value);
  }

  enter(key) {
    Object.assign(this, { files: [], reply: null, editing: null });
    this.setText(unsent.get(key) ?? "");
    this.showContext();
    this.showFiles();
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  setText(text) {
    this.input.value = text;
    this.typed();
  }

  /** Refresh what depends on the chat: commands and the reply keyboard. */
  update() {
    const { chat, personId } = this.host.view();
    this.slash.hidden = !commandsFor(chat, personId).length;
    this.showKeyboard(replyKeyboard(chat));
  }

  // --- typing ---------------------------------------------------------------------------------

  typed() {
    this.grow();
    const query = /^\/([a-z0-9_]*)$/i.exec(this.input.value);
    if (query && !this.editing) this.suggest(query[1].toLowerCase());
    else this.hideMenu();
    this.sendButton.classList.toggle("ready", Boolean(this.input.value.trim() || this.files.length));
  }

  /** As high as its text, up to the maximum in the style sheet. */
  grow() {
    this.input.style.height = "";
    if (this.input.scrollHeight) this.input.style.height = `${this.input.scrollHeight}px`;
  }

  key(event) {
    if (event.isComposing || this.menuKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey) this.submit(event);
    else if (event.key === "Escape") this.clearContext();
    else if (event.key === "ArrowUp" && !this.input.value) this.editLast(event);
  }

  editLast(event) {
    const message = this.host.lastOwn();
    if (!message) return;
    event.preventDefault();
    this.startEdit(message);
  }

  async submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text && !this.files.length) return;
    const { files, reply, editing } = this;
    this.files = [];
    this.setText("");
    this.clearContext();
    this.showFiles();
    this.hideOnce();
    try {
      if (editing) await this.host.saveEdit(editing, text);
      else await this.host.send({ text, files, reply });
    } catch (error) {
      this.host.notify(error.message);
      if (!this.input.value) this.setText(text);
    }
  }

  // --- reply and edit -------------------------------------------------------------------------

  startReply(message) {
    Object.assign(this, { reply: message, editing: null });
    this.showContext();
    this.focus();
  }

  startEdit(message) {
    Object.assign(this, { reply: null, editing: message });
    this.setText(message.text ?? message.caption ?? "");
    this.showContext();
    this.focus();
  }

  clearContext() {
    if (this.editing) this.setText("");
    Object.assign(this, { reply: null, editing: null });
    this.showContext();
    this.hideMenu();
  }

  showContext() {
    const message = this.editing ?? this.reply;
    this.context.hidden = !message;
    this.sendButton.replaceChildren(icon(this.editing ? "check" : "send"));
    this.sendButton.setAttribute("aria-label", t(this.editing ? "save" : "send"));
    if (!message) return;
    const title = this.editing ? t("editing") : t("replyTo", nameOf(authorOf(message)));
    this.context.replaceChildren(
      icon(this.editing ? "edit" : "reply"),
      h("div", { class: "context-words" }, h("strong", {}, title), h("span", {}, summary(message))),
      iconButton("close", t("cancel"), () => this.clearContext()));
  }

  // --- files ------------------------------------------------------------------------------------

  pasted(event) {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    this.addFiles(event.clipboardData.files);
  }

  addFiles(list) {
    for (const file of list) {
      if (file.size > LARGEST_FILE) this.host.notify(t("tooBig"));
      this.files.push({ file, kind: kindOf(file) });
    }
    this.picker.value = "";
    this.showFiles();
    this.focus();
  }

  showFiles() {
    this.chips.hidden = !this.files.length;
    this.input.placeholder = t(this.files.length ? "caption" : "message");
    this.chips.replaceChildren(...this.files.map((item) => this.chip(item)));
    this.typed();
  }

  chip(item) {
    const drop = () => {
      this.files = this.files.filter((one) => one !== item);
      this.showFiles();
    };
    const asFile = (event) => (item.kind = event.target.checked ? "document" : "photo");
    const choice = kindOf(item.file) === "photo" &&
      h("label", {}, h("input", { type: "checkbox", onchange: asFile, checked: item.kind === "document" }), t("asFile"));
    return h("span", { class: "chip" }, h("span", { class: "chip-name" }, item.file.name), choice, iconButton("close", t("remove"), drop));
  }

  // --- commands ---------------------------------------------------------------------------------

  toggleMenu() {
    if (this.suggestions.hidden) this.suggest("");
    else this.hideMenu();
    this.focus();
  }

  suggest(prefix) {
    const { chat, personId } = this.host.view();
    const found = commandsFor(chat, personId).filter((one) => one.command.startsWith(prefix));
    this.chosen = 0;
    this.suggestions.hidden = !found.length;
    this.suggestions.replaceChildren(...found.map((one) => this.suggestion(one, chat)));
    this.highlight();
  }

  suggestion(one, chat) {
    const word = commandWord(`/${one.command}`, chat, this.host.botName());
    const run = () => {
      this.hideMenu();
      this.setText(word);
      this.form.requestSubmit();
    };
    return h("button", { type: "button", role: "option", tabindex: -1, data: { testid: "command", command: one.command }, onclick: run },
      h("strong", {}, `/${one.command}`), h("span", {}, one.description));
  }

  hideMenu() {
    this.suggestions.hidden = true;
  }

  highlight() {
    [...this.suggestions.children].forEach((node, i) => {
      node.setAttribute("aria-selected", String(i === this.chosen));
      if (i === this.chosen) node.scrollIntoView({ block: "nearest" });
    });
  }

  /** Keys while the command menu is open; true when the key was used. */
  menuKey(event) {
    if (this.suggestions.hidden) return false;
    const count = this.suggestions.children.length;
    if (event.key === "ArrowDown") this.chosen = (this.chosen + 1) % count;
    else if (event.key === "ArrowUp") this.chosen = (this.chosen + count - 1) % count;
    else if (event.key === "Escape") this.hideMenu();
    else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) this.suggestions.children[this.chosen].click();
    else return false;
    event.preventDefault();
    this.highlight();
    return true;
  }

  // --- the bot's reply keyboard -----------------------------------------------------------------

  showKeyboard(markup) {
    const same = alike(markup, this.markup);
    if (!same) Object.assign(this, { markup, keyboardHidden: false });
    this.keys.hidden = !markup;
    this.keyboard.hidden = !markup || this.keyboardHidden;
    this.keys.setAttribute("aria-expanded", String(!this.keyboard.hidden));
    this.input.placeholder = markup?.input_field_placeholder || t(this.files.length ? "caption" : "message");
    if (same) return;
    this.keyboard.replaceChildren(...(markup?.keyboard ?? []).map((row) =>
      h("div", { class: "keyboard-row" }, row.map((spec) => this.replyKey(spec)))));
  }

  replyKey(spec) {
    const text = typeof spec === "string" ? spec : spec.text;
    const send = () => {
      this.hideOnce();
      this.host.send({ text, files: [], reply: null }).catch((error) => this.host.notify(error.message));
    };
    return h("button", { type: "button", class: `key key-${spec.style ?? "plain"}`, data: { testid: "reply-button" }, onclick: send }, h("span", {}, text));
  }

  hideOnce() {
    if (!this.markup?.one_time_keyboard) return;
    this.keyboardHidden = true;
    this.update();
  }

  toggleKeyboard() {
    this.keyboardHidden = !this.keyboardHidden;
    this.update();
  }
}

/** A command as it must be sent: groups need the bot's name, or the bot would not hear it. */
export function commandWord(word, chat, botName) {
  return isPrivate(chat) || word.includes("@") ? word : `${word}@${botName}`;
}

function kindOf(file) {
  if (/^image\/(png|jpeg|webp|gif|bmp)$/.test(file.type)) return "photo";
  return /^audio\/(ogg|mpeg|mp4|webm|opus)$/.test(file.type) ? "voice" : "document";
}
