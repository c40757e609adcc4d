"""What the fake models say. Everything is deterministic: the same request gets the same answer."""

from __future__ import annotations

import re
from collections.abc import Callable

from .wire import Turn, dumps, words

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
GREETING = re.compile(
    r"\s*(привет|здравствуй|добр(ый|ое|ого)\s|хай\b|hi\b|hello\b|hey\b|good\s(morning|evening|day))",
    re.IGNORECASE,
)
EXCERPT = 400  # characters of the question that are repeated
VOCABULARY = {
    "ru": words("утро письмо встреча команда отчёт город море список чай окно дорога книга вечер проект вопрос"),
    "en": words("morning letter meeting team report city sea list tea window road book evening project question"),
}
WORDS = {
    "ru": {
        "hello": "Привет! 👋 Рада знакомству.\n\nЯ учебная модель **{model}**: живу в песочнице и отвечаю "
        "без интернета. {history} Спросите меня о чём-нибудь, и я повторю, что услышала.",
        "echo": "Я услышала вот что:\n\n{quote}\n\n{history} Отвечает учебная модель **{model}**: она не "
        "думает по-настоящему, зато показывает, что беседа работает.",
        "first": "Это начало нашего разговора.",
        "later": "До этого в нашем разговоре вы написали сообщений: **{n}**.",
        "attached": "Вложений: **{n}** ({kinds}).",
        "nothing": "Вы прислали сообщение без слов.",
        "tools": "Инструменты ответили:\n\n{results}\n\nЭто всё, что я хотела узнать.",
        "no_tools": "У меня нет инструментов, поэтому отвечаю словами.",
        "thought": "Сначала пойму вопрос. Затем вспомню разговор. Потом отвечу коротко и по делу.",
        "sentence": "Предложение {n}: {words}.",
        "code": "Вот пример, часть {n}. Функция считает сумму и печатает её:",
    },
    "en": {
        "hello": "Hello! 👋 Nice to meet you.\n\nI am the practice model **{model}**: I live in a sandbox "
        "and answer without the internet. {history} Ask me something and I will repeat what I heard.",
        "echo": "Here is what I heard:\n\n{quote}\n\n{history} This is the practice model **{model}**: it "
        "does not really think, but it shows that the conversation works.",
        "first": "This is where our conversation begins.",
        "later": "Earlier messages from you in this conversation: **{n}**.",
        "attached": "Attachments: **{n}** ({kinds}).",
        "nothing": "Your message had no words.",
        "tools": "The tools answered:\n\n{results}\n\nThat is all I wanted to know.",
        "no_tools": "I have no tools, so I answer in words.",
        "thought": "First I read the question. Then I recall the conversation. Then I answer briefly.",
        "sentence": "Sentence {n}: {words}.",
        "code": "Here is an example, part {n}. The function adds numbers and prints the sum:",
    },
}
MARKDOWN = """# Заголовок первого уровня

Обычный текст, **жирный**, *курсив*, ***оба сразу***, ~~зачёркнутый~~, `код в строке` и [ссылка](https://example.com/a_b?c=1&d=2).

## Списки

- первый
- второй с **жирным**
  - вложенный
  - ещё один: `a_b * c`
1. раз
2. два

> Цитата в одну строку,
> и ещё в одну с *курсивом*.

| Город | Население | Доля |
|:------|----------:|:----:|
| Москва | 13 100 000 | 9 % |
| Казань | 1 300 000 | 1 % |

```python
def greet(name: str) -> str:
    return f"Привет, {name}! <b> & *не курсив*"
```

---

- [x] готово
- [ ] не готово

Знаки, которые нельзя потерять: < > & _ * [ ] ( ) ~ ` # + - = | { } . !
"""
EMOJI = ("😀", "👍🏽", "👨‍👩‍👧‍👦", "🇷🇺", "❤️", "1️⃣", "🏳️‍🌈", "🧑🏿‍🚀", "🐈‍⬛", "✍🏻", "𝕏", "🪿")


def language(*texts: str) -> str:
    """ "ru" when the first text with any letters has Cyrillic ones, "en" otherwise."""
    for text in texts:
        if CYRILLIC.search(text):
            return "ru"
        if any(letter.isalpha() for letter in text):
            return "en"
    return "en"


def echo(turn: Turn, heard: str) -> str:
    """A friendly answer in the user's language: what was heard, what went before, who answers."""
    phrases = WORDS[language(heard, *reversed(turn.users[:-1]), turn.system)]
    earlier = len(turn.users) - 1
    history = phrases["later"].format(n=earlier) if earlier > 0 else phrases["first"]
    if turn.attachments:
        kinds = ", ".join(turn.attachments)
        history = f"{phrases['attached'].format(n=len(turn.attachments), kinds=kinds)} {history}"
    if GREETING.match(heard) and len(heard) < 60:
        return phrases["hello"].format(model=turn.reported, history=history)
    return phrases["echo"].format(quote=quote(heard) or phrases["nothing"], history=history, model=turn.reported)


def quote(text: str) -> str:
    """The text as a Markdown quotation, its end cut off when it is long."""
    text = text.strip()
    if len(text) > EXCERPT:
        text = f"{text[:EXCERPT]}…"
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def after_tools(turn: Turn, lang: str) -> str:
    """The answer once the tools have spoken."""
    return WORDS[lang]["tools"].format(results="\n".join(f"- `{result}`" for result in turn.results))


def numbered_words(count: int, lang: str) -> str:
    """`count` words in numbered sentences of eight and paragraphs of five sentences.

    The two words of "Sentence 7:" are not counted; the numbers show at a glance whether anything was lost.
    """
    vocabulary = VOCABULARY[lang]
    sentences = []
    for n, start in enumerate(range(0, count, 8), 1):
        chosen = [vocabulary[(index * 7 + n) % len(vocabulary)] for index in range(start, min(start + 8, count))]
        sentences.append(WORDS[lang]["sentence"].format(n=n, words=" ".join(chosen)))
    paragraphs = [" ".join(sentences[at : at + 5]) for at in range(0, len(sentences), 5)]
    return "\n\n".join(paragraphs)


def code(parts: int, lang: str) -> str:
    """Prose and fenced Python, about 800 characters a part; the fences contain Markdown's own marks."""
    return "\n\n".join(f"{WORDS[lang]['code'].format(n=n)}\n\n{_fence(n)}" for n in range(1, parts + 1))


def _fence(n: int) -> str:
    lines = [f"def total_{n}(values: list[int]) -> int:", f'    """Sum number {n}: *not* _marks_ here."""']
    lines += [f"    step_{n}_{line} = sum(value * {line} for value in values if value > {n})" for line in range(9)]
    lines += [f"    print('total_{n} < & >', step_{n}_8)", f"    return step_{n}_8"]
    return "\n".join(["```python", *lines, "```"])


def emoji(count: int) -> str:
    """`count` emoji in lines of ten: surrogate pairs, joined families, flags, keycaps."""
    drawn = [EMOJI[index % len(EMOJI)] for index in range(count)]
    return "\n".join(" ".join(drawn[at : at + 10]) for at in range(0, count, 10))


def _number(value: object, default: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return default


# A behaviour's name -> what is said instead of the echo: (argument, turn, language) -> text
TEXTS: dict[str, Callable[[object, Turn, str], str]] = {
    "text": lambda value, turn, lang: str(value),
    "history": lambda value, turn, lang: dumps(turn.users),
    "system": lambda value, turn, lang: turn.system,
    "words": lambda value, turn, lang: numbered_words(_number(value, 500), lang),
    "code": lambda value, turn, lang: code(_number(value, 7), lang),
    "markdown": lambda value, turn, lang: MARKDOWN,
    "emoji": lambda value, turn, lang: emoji(_number(value, 60)),
}
