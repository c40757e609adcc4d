// What the page knows: the sandbox's state, kept current by events. Selectors below it, then the shared marks.

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
  state.chats = new Map((raw.chats ?? []).map((chat) => [chat.id, adopt(chat)]));
  state.commands = raw.commands ?? [];
  state.loaded = true;
  changed();
}

/** A chat of the control API with its messages, drafts and actions as maps. */
function adopt(raw, old) {
  const messages = new Map((raw.messages ?? []).map((message) => [message.message_id, message]));
  const drafts = new Map(Object.values(raw.drafts ?? {}).map((draft) => [String(draft.draft_id), draft]));
  return {
    ...raw,
    messages: raw.messages ? messages : (old?.messages ?? messages),
    drafts: raw.drafts ? drafts : (old?.drafts ?? drafts),
    actions: old?.actions ?? [],
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
  user({ user }) {
    if (user) state.users.set(user.id, user);
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
export function onAnswer(hear) {
  answerListeners.add(hear);
  return () => answerListeners.delete(hear);
}
export const wasAnswered = (callbackQueryId) => answered.has(String(callbackQueryId));

// --- selectors ---------------------------------------------------------------------------------

export const isPrivate = (chat) => chat.type === "private";

export function nameOf(user) {
  if (!user) return "";
  return [user.first_name, user.last_name].filter(Boolean).join(" ") || user.title || String(user.id);
}

export const personName = (id) => nameOf(state.users.get(id) ?? (id === state.bot.id ? state.bot : { id }));
export const titleOf = (chat) => (isPrivate(chat) ? nameOf(state.bot) : (chat.title ?? String(chat.id)));
export const avatarId = (chat) => (isPrivate(chat) ? 6 : Math.abs(chat.id) % 1000);
export const people = () => [...state.users.values()].filter((user) => !user.is_bot);
export const isBlocked = (chat) => isPrivate(chat) && ["kicked", "blocked"].includes(chat.bot_status);

export function memberIds(chat) {
  const members = Array.isArray(chat.members) ? chat.members : Object.keys(chat.members ?? {});
  return members.map((member) => Number(member?.id ?? member?.user?.id ?? member));
}

export function messagesOf(chat) {
  return [...chat.messages.values()].sort((a, b) => a.message_id - b.message_id);
}

export const lastMessage = (chat) => messagesOf(chat).at(-1);

/** The chats one person sees, the newest first; an untouched chat with the bot stays on top. */
export function chatsOf(personId) {
  const seen = [...state.chats.values()].filter((chat) =>
    isPrivate(chat) ? chat.id === personId : memberIds(chat).includes(personId),
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
  return messagesOf(chat).filter((message) => message.message_id > mark && message.from?.id !== personId).length;
}
