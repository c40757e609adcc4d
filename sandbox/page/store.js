// What the page knows: the sandbox's state, kept current by events. Selectors below it, then the shared marks.

import { alike } from "./dom.js";
import { t } from "./i18n.js";

const TYPING_SECONDS = 5;

export const state = { bot: {}, users: new Map(), chats: new Map(), commands: [], connected: true, loaded: false };

const watchers = new Set();
const answered = new Map();
let scheduled = false;

/** Run `watch()` after every change, at most once per frame. Returns the function that stops it. */
export function subscribe(watch) {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

export function changed() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => {
    scheduled = false;
    for (const watch of [...watchers]) watch();
  });
}

export function load(raw) {
  state.bot = raw.bot ?? {};
  state.users = new Map((raw.users ?? []).map((user) => [user.id, user]));
  state.chats = new Map((raw.chats ?? []).map((chat) => [chat.id, adopt(chat, state.chats.get(chat.id))]));
  state.commands = raw.commands ?? [];
  state.loaded = true;
  changed();
}

/** A chat of the control API with maps for its messages and drafts. What did not change stays the same object. */
function adopt(raw, old) {
  const kept = (message) => {
    const known = old?.messages.get(message.message_id);
    return alike(known, message) ? known : message;
  };
  const messages = new Map((raw.messages ?? []).map((message) => [message.message_id, kept(message)]));
  const whispers = new Map((raw.ephemeral ?? []).map((message) => [message.ephemeral_message_id, message]));
  const drafts = new Map(Object.values(raw.drafts ?? {}).map((draft) => [String(draft.draft_id), draft]));
  return {
    ...raw,
    messages: raw.messages ? messages : (old?.messages ?? messages),
    whispers: raw.ephemeral ? whispers : (old?.whispers ?? whispers),
    drafts: raw.drafts ? drafts : (old?.drafts ?? drafts),
    actions: raw.actions ? raw.actions.map(({ until, ...action }) => ({ ...action, until: until * 1000 })) : (old?.actions ?? []),
  };
}

const APPLY = {
  message({ chat_id, message }) {
    const chat = chatFor(chat_id, message.chat);
    chat.messages.set(message.message_id, message);
    if (message.from?.id === state.bot.id) chat.actions = [];
  },
  edit({ chat_id, message }) {
    chatFor(chat_id, message.chat).messages.set(message.message_id, message);
  },
  delete({ chat_id, message_ids }) {
    for (const id of message_ids) state.chats.get(chat_id)?.messages.delete(id);
  },
  ephemeral({ chat_id, message }) {
    chatFor(chat_id, message.chat).whispers.set(message.ephemeral_message_id, message);
  },
  ephemeral_end({ chat_id, ephemeral_message_id }) {
    state.chats.get(chat_id)?.whispers.delete(ephemeral_message_id);
  },
  draft(draft) {
    const chat = chatFor(draft.chat_id);
    chat.drafts.set(String(draft.draft_id), draft);
    chat.actions = [];
  },
  draft_end({ chat_id, draft_id }) {
    state.chats.get(chat_id)?.drafts.delete(String(draft_id));
  },
  action({ chat_id, action, message_thread_id }) {
    const chat = chatFor(chat_id);
    chat.actions = [{ action, message_thread_id, until: Date.now() + TYPING_SECONDS * 1000 }];
    setTimeout(changed, TYPING_SECONDS * 1000 + 50);
  },
  callback_answer(answer) {
    answered.set(String(answer.callback_query_id), answer);
    for (const hear of answerListeners) hear(answer);
  },
  chat({ chat, ...rest }) {
    const raw = chat ?? rest;
    state.chats.set(raw.id, adopt(raw, state.chats.get(raw.id)));
  },
  reaction({ chat_id, message_id, reactions }) {
    const chat = chatFor(chat_id);
    chat.reactions = { ...chat.reactions, [message_id]: reactions };
  },
  pin({ chat_id, pinned }) {
    if (pinned) chatFor(chat_id).pinned = pinned;
  },
};

function chatFor(id, known = {}) {
  if (!state.chats.has(id)) state.chats.set(id, adopt({ members: [], ...known, id }));
  return state.chats.get(id);
}

/** Take one event of the stream in. False: this page cannot apply it alone, the state must be loaded again. */
export function apply(kind, data) {
  if (!APPLY[kind]) return false;
  APPLY[kind](data);
  changed();
  return true;
}

const answerListeners = new Set();

/** Run `hear(answer)` for every answer to a callback query. Returns the function that stops it. */
export function onAnswer(hear) {
  answerListeners.add(hear);
  return () => answerListeners.delete(hear);
}

/** Wait until the bot answered that press, at most `seconds`; the answer may already be here. */
export function answerTo(callbackQueryId, seconds) {
  const id = String(callbackQueryId);
  return new Promise((resolve) => {
    const timer = setTimeout(done, seconds * 1000);
    const stop = onAnswer((answer) => String(answer.callback_query_id) === id && done());
    function done() {
      clearTimeout(timer);
      stop();
      resolve();
    }
    if (answered.has(id)) done();
  });
}

// --- selectors ---------------------------------------------------------------------------------

export const isPrivate = (chat) => chat.type === "private";

export function nameOf(user) {
  if (!user) return "";
  return [user.first_name, user.last_name].filter(Boolean).join(" ") || user.title || String(user.id);
}

export const userOf = (id) => state.users.get(id) ?? (id === state.bot.id ? state.bot : { id });
export const personName = (id) => nameOf(userOf(id));
export const titleOf = (chat) => (isPrivate(chat) ? nameOf(state.bot) : (chat.title ?? String(chat.id)));
export const faceOf = (chat) => (isPrivate(chat) ? state.bot : { id: Math.abs(chat.id) % 1000, title: titleOf(chat) });
export const people = () => [...state.users.values()].filter((user) => !user.is_bot);
export const isBlocked = (chat) => isPrivate(chat) && Boolean(chat.blocked);

export function messagesOf(chat) {
  return [...chat.messages.values()].sort((a, b) => a.message_id - b.message_id);
}

/** The same with what only this person sees, each where it was said. */
export function messagesSeenBy(personId, chat) {
  const mine = [...chat.whispers.values()].filter((message) => message.receiver_user.id === personId);
  return [...messagesOf(chat), ...mine].sort((a, b) => a.date - b.date);
}

export const lastMessage = (chat) => messagesOf(chat).at(-1);

/** The chats one person sees, the newest first; an untouched chat with the bot stays on top. */
export function chatsOf(personId) {
  const seen = [...state.chats.values()].filter((chat) =>
    isPrivate(chat) ? chat.id === personId : !chat.migrated_to && chat.members.includes(personId),
  );
  const weight = (chat) => lastMessage(chat)?.date ?? 0;
  return seen.sort((a, b) => weight(b) - weight(a) || isPrivate(b) - isPrivate(a));
}

export function currentAction(chat, threadId) {
  const now = Date.now();
  return chat.actions.find((one) => one.until > now && (!threadId || !one.message_thread_id || one.message_thread_id === threadId));
}

// --- what each person has read; kept for the life of the page ------------------------------------

const readMarks = new Map();

export function markRead(personId, chat) {
  readMarks.set(`${personId}:${chat.id}`, lastMessage(chat)?.message_id ?? 0);
}

export function unreadCount(personId, chat) {
  const mark = readMarks.get(`${personId}:${chat.id}`) ?? 0;
  let count = 0;
  for (const message of messagesOf(chat).reverse()) {
    if (message.message_id <= mark || message.from?.id === personId) break;
    count += 1;
  }
  return count;
}

// --- what belongs to a chat ------------------------------------------------------------------------

/** The message pinned last, or null. */
export function pinnedMessage(chat) {
  return chat.messages.get(chat.pinned?.at(-1)) ?? null;
}

/** The topics of a chat: [{id, name}], with the general one (0) first; [] where there are none. */
export function topicsOf(chat) {
  const names = new Map((chat.topics ?? []).map((topic) => [topic.message_thread_id, topic.name]));
  for (const message of chat.messages.values()) {
    const id = message.message_thread_id;
    const name = (message.forum_topic_edited ?? message.forum_topic_created)?.name;
    if (id && message.is_topic_message && (name || !names.has(id))) names.set(id, name ?? t("topic", id));
  }
  if (!names.size) return [];
  return [{ id: 0, name: t("general") }, ...[...names].map(([id, name]) => ({ id, name }))];
}

/** Reactions of one message as [{emoji, count}]. */
export function reactionsOf(chat, messageId) {
  const counts = new Map();
  for (const given of Object.values(chat.reactions?.[messageId] ?? {})) {
    for (const { emoji } of given) counts.set(emoji ?? "⭐", (counts.get(emoji ?? "⭐") ?? 0) + 1);
  }
  return [...counts].map(([emoji, count]) => ({ emoji, count }));
}

export const leads = (chat, personId) => ["administrator", "creator"].includes(chat.statuses?.[personId]);

/** Scopes that fit, the narrowest first, as Telegram clients look them up. */
function scopes(chat, personId) {
  const here = (type) => (scope) => scope.type === type && scope.chat_id === chat.id;
  const everywhere = (type) => (scope) => scope.type === type;
  if (isPrivate(chat)) return [here("chat"), everywhere("all_private_chats"), everywhere("default")];
  const admin = leads(chat, personId);
  return [
    (scope) => here("chat_member")(scope) && scope.user_id === personId,
    admin && here("chat_administrators"),
    here("chat"),
    admin && everywhere("all_chat_administrators"),
    everywhere("all_group_chats"),
    everywhere("default"),
  ].filter(Boolean);
}

/** The command list this person gets in this chat, [{command, description}]: in each scope first by language. */
export function commandsFor(chat, personId) {
  const language = state.users.get(personId)?.language_code ?? "";
  for (const fits of scopes(chat, personId)) {
    for (const code of [language, ""]) {
      const list = state.commands.find((one) => fits(one.scope) && (one.language_code ?? "") === code);
      if (list?.commands.length) return list.commands;
    }
  }
  return [];
}

/** The reply keyboard the bot left in the chat (a ReplyKeyboardMarkup), or null. */
export function replyKeyboard(chat) {
  return chat.reply_keyboard?.keyboard ? chat.reply_keyboard : null;
}
