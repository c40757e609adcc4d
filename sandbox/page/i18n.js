// The words of the page in Russian and English. `t(key, ...values)` puts the values in place of {0}, {1}.

const WORDS = {
  title: ["Секретарь", "Sekretar"],
  sandbox: ["песочница", "sandbox"],
  welcome: [
    "Это учебный Telegram: слева пишет {0}. Отправьте боту /start, нажмите «Одобрить» у администратора справа и задайте вопрос.",
    "A practice Telegram: {0} writes on the left. Send /start to the bot, press “Approve” as the admin on the right, then ask anything.",
  ],
  welcomeSingle: [
    "Это учебный Telegram. Отправьте боту /start, на второй вкладке нажмите «Одобрить» и задайте вопрос.",
    "A practice Telegram. Send /start to the bot, press “Approve” on the second tab, then ask anything.",
  ],
  hide: ["Скрыть", "Hide"],
  avito: ["Авито", "Avito"],
  avitoHint: [
    "Учебные продавцы Авито. Отправьте боту /add_profile и вставляйте ключи, когда он о них спросит.",
    "Practice sellers of Avito. Send /add_profile to the bot and paste the keys when it asks for them.",
  ],
  avitoRevoked: ["Ключи отозваны", "Keys are revoked"],
  lost: ["Нет связи с песочницей. Подключаюсь снова…", "No connection to the sandbox. Reconnecting…"],
  you: ["Вы:", "You:"],
  person: ["От чьего имени писать", "Who you are"],
  chats: ["Чаты", "Chats"],
  back: ["К списку чатов", "Back to the chats"],
  windows: ["Окна", "Windows"],
  twoPanes: ["Одно окно или два", "One window or two"],
  theme: ["Светлая или тёмная тема", "Light or dark theme"],
  language: ["Switch to English", "Переключить на русский"],
  noMessages: ["Сообщений пока нет", "No messages yet"],
  bot: ["бот", "bot"],
  notYours: ["Вас нет в этом чате; посмотрите от имени того, кто в нём есть", "You are not in this chat; look as somebody who is"],
  botAway: ["бота здесь нет", "the bot is not here"],
  botBlocked: ["бот заблокирован", "the bot is blocked"],
  channel: ["канал", "channel"],
  me: ["Вы", "You"],
  draft: ["Черновик", "Draft"],
  message: ["Сообщение", "Message"],
  caption: ["Подпись", "Caption"],
  send: ["Отправить", "Send"],
  save: ["Сохранить", "Save"],
  attach: ["Прикрепить файл", "Attach a file"],
  asFile: ["как файл", "as a file"],
  remove: ["Убрать", "Remove"],
  commands: ["Команды бота", "The bot's commands"],
  showKeyboard: ["Показать или скрыть кнопки", "Show or hide the buttons"],
  start: ["Запустить", "Start"],
  startHint: ["Нажмите «Запустить», чтобы начать разговор с ботом", "Press “Start” to begin talking to the bot"],
  adminsHint: ["Здесь появятся просьбы новичков о доступе: одобрите их одной кнопкой", "Requests for access appear here; approve them with one button"],
  blocked: ["Вы заблокировали бота", "You blocked the bot"],
  unblock: ["Разблокировать бота", "Unblock the bot"],
  block: ["Заблокировать бота", "Block the bot"],
  onlyAdmins: ["Писать в канал могут только администраторы", "Only admins post in this channel"],
  menu: ["Меню чата", "Chat menu"],
  leave: ["Выйти из группы", "Leave the group"],
  removeBot: ["Убрать бота из группы", "Remove the bot from the group"],
  addBot: ["Вернуть бота в группу", "Bring the bot back"],
  leaveChannel: ["Выйти из канала", "Leave the channel"],
  removeBotChannel: ["Убрать бота из канала", "Remove the bot from the channel"],
  addBotChannel: ["Вернуть бота в канал администратором", "Bring the bot back as an admin"],
  promoteBot: ["Сделать бота администратором", "Make the bot an admin"],
  demoteBot: ["Снять бота с администраторов", "Demote the bot to a member"],
  actions: ["Действия с сообщением", "Message actions"],
  reply: ["Ответить", "Reply"],
  replyTo: ["Ответ: {0}", "Reply to {0}"],
  edit: ["Изменить", "Edit"],
  editing: ["Изменение сообщения", "Editing a message"],
  pin: ["Закрепить", "Pin"],
  forwardToBot: ["Переслать боту", "Forward to the bot"],
  copyText: ["Копировать текст", "Copy text"],
  copy: ["Копировать", "Copy"],
  copied: ["Скопировано", "Copied"],
  cancel: ["Отмена", "Cancel"],
  onlyYou: ["Видите только вы", "Only you see this"],
  edited: ["изменено", "edited"],
  ok: ["Понятно", "OK"],
  open: ["Открыть", "Open"],
  answerFromBot: ["Ответ бота", "The bot says"],
  thinking: ["Думает", "Thinking"],
  stop: ["Остановить", "Stop"],
  down: ["К новым сообщениям", "To the newest messages"],
  earlier: ["Показать раньше", "Show earlier"],
  pinned: ["Закреплённое сообщение", "Pinned message"],
  today: ["Сегодня", "Today"],
  yesterday: ["Вчера", "Yesterday"],
  allTopics: ["Все темы", "All topics"],
  general: ["Общая", "General"],
  topic: ["Тема {0}", "Topic {0}"],
  forwarded: ["Переслано от {0}", "Forwarded from {0}"],
  via: ["через @{0}", "via @{0}"],
  more: ["Показать целиком", "Show all"],
  less: ["Свернуть", "Show less"],
  spoiler: ["Скрытый текст, нажмите, чтобы показать", "Hidden text, press to reveal"],
  code: ["код", "code"],
  photo: ["Фото", "Photo"],
  video: ["Видео", "Video"],
  animation: ["Анимация", "GIF"],
  audio: ["Аудио", "Audio"],
  voice: ["Голосовое сообщение", "Voice message"],
  document: ["Файл", "File"],
  sticker: ["Стикер", "Sticker"],
  poll: ["Опрос", "Poll"],
  location: ["Место на карте", "Location"],
  contact: ["Контакт", "Contact"],
  anonymousPoll: ["Анонимный опрос", "Anonymous poll"],
  openPoll: ["Открытый опрос", "Public poll"],
  quiz: ["Викторина", "Quiz"],
  closedPoll: ["Опрос закрыт", "Poll closed"],
  votes: ["голосов: {0}", "votes: {0}"],
  unsupported: ["Сообщение этого вида здесь не показывается", "This kind of message is not shown here"],
  dropHere: ["Отпустите, чтобы прикрепить", "Drop to attach"],
  tooBig: ["Файл больше 20 МБ: бот не сможет его скачать", "The file is over 20 MB: the bot cannot download it"],
  actTyping: ["печатает", "typing"],
  actPhoto: ["отправляет фото", "sending a photo"],
  actDocument: ["отправляет файл", "sending a file"],
  actVoice: ["отправляет голосовое", "sending a voice message"],
  actVideo: ["отправляет видео", "sending a video"],
  svcJoined: ["{0} теперь в группе", "{0} joined the group"],
  svcLeft: ["{0} больше не в группе", "{0} left the group"],
  svcPinned: ["{0} закрепляет сообщение", "{0} pinned a message"],
  svcMigrated: ["Группа стала супергруппой, её новый номер {0}", "The group became a supergroup with the id {0}"],
  svcMigratedFrom: ["Супергруппа, бывшая группа {0}", "A supergroup, formerly the group {0}"],
  svcTitle: ["Новое название: «{0}»", "New title: “{0}”"],
  svcCreated: ["Группа создана", "The group was created"],
  svcChannelCreated: ["Канал создан", "The channel was created"],
  svcTopic: ["Создана тема «{0}»", "Topic “{0}” was created"],
  svcTopicEdited: ["Тема переименована в «{0}»", "The topic is now “{0}”"],
  svcTopicClosed: ["Тема закрыта", "The topic was closed"],
  svcTopicReopened: ["Тема снова открыта", "The topic was reopened"],
  svcPhoto: ["Новое фото группы", "The group has a new photo"],
  svcPhotoDeleted: ["Фото группы удалено", "The group photo was removed"],
  svcWrite: ["Бот получил право писать первым", "The bot may write first"],
};

const saved = () => localStorage.getItem("sandbox.language");
let language = saved() ?? (navigator.language.toLowerCase().startsWith("en") ? "en" : "ru");
document.documentElement.lang = language;

export const currentLanguage = () => language;

export function switchLanguage() {
  language = language === "ru" ? "en" : "ru";
  localStorage.setItem("sandbox.language", language);
  document.documentElement.lang = language;
}

export function t(key, ...values) {
  const text = WORDS[key][language === "ru" ? 0 : 1];
  return text.replace(/\{(\d)\}/g, (_, i) => values[i]);
}

const MEMBERS = {
  ru: { one: "участник", few: "участника", many: "участников" },
  en: { one: "member", other: "members" },
};

export function memberCount(count) {
  const forms = MEMBERS[language];
  return `${count} ${forms[new Intl.PluralRules(language).select(count)] ?? forms.other}`;
}

const BYTES = { ru: ["Б", "КБ", "МБ"], en: ["B", "KB", "MB"] };

/** A file size for people: 0 -> "0 Б", 2048 -> "2 КБ". */
export function fileSize(bytes) {
  let size = bytes ?? 0;
  let unit = 0;
  while (size >= 1024 && unit < 2) [size, unit] = [size / 1024, unit + 1];
  const digits = size < 10 && unit > 0 ? 1 : 0;
  return `${size.toLocaleString(language, { maximumFractionDigits: digits })} ${BYTES[language][unit]}`;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** The day of a message: "Сегодня", "Вчера" or "12 марта" (with the year when it is not this one). */
export function day(seconds) {
  const date = new Date(seconds * 1000);
  const midnight = new Date().setHours(0, 0, 0, 0);
  if (date >= midnight) return t("today");
  if (date >= midnight - 86_400_000) return t("yesterday");
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return date.toLocaleDateString(language, { day: "numeric", month: "long", ...year });
}
