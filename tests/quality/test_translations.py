"""Every text has its Russian words, they are whole and well set, and what is compiled is what was written."""

import gettext
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Callable

import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.models import Role, User
from telegram_bot import commands, refusals
from telegram_bot.incoming import Verdict
from telegram_bot.markdown import MESSAGE_UNITS, units
from tests.house import BORIS, OLGA, open_house
from tests.quality.texts import ROOT, Entry, Text, entries, texts_of_code

FOLDER = ROOT / "locale" / "ru" / "LC_MESSAGES"
HEADER, *ENTRIES = entries(FOLDER / "django.po")
NEWS = "Run `make messages`, then translate what is new in locale/ru/LC_MESSAGES/django.po and run it again."

LATIN, CYRILLIC = re.compile("[A-Za-z]"), re.compile("[А-Яа-яЁё]")
PLACEHOLDER = re.compile(r"%\(\w+\)[-+ #0]*[\d.]*[a-z]|\{\w*\}")
# What a program reads: commands, code, settings, addresses, Markdown's marks, HTML's tags.
FIXED = re.compile(r"(?<!\w)/[a-z]+\b|`[^`]+`|\*\*|<[^>]+>|[A-Z]+_[A-Z_]+|https?://[^\s»”),]+")
# Examples that people type, in their own language.
OWN_WORDS = {"`/ask how are you?`", "`/ask как дела?`", "`code`", "`код`"}


def name(entry: Entry) -> str:
    return " ".join(entry.text.singular.split())[:40]


def test_every_text_has_a_translation() -> None:
    known = {entry.text for entry in ENTRIES if all(entry.translations)}
    missing = [f"{file}: {text.singular!r}" for text, file in texts_of_code().items() if text not in known]
    assert missing == [], NEWS


def test_nothing_is_translated_that_nobody_says() -> None:
    said = texts_of_code()
    assert [entry.text.singular for entry in ENTRIES if entry.text not in said] == [], NEWS


def test_no_translation_is_a_guess() -> None:
    assert [name(entry) for entry in ENTRIES if entry.fuzzy] == []


def test_text_is_translated_once() -> None:
    assert [text for text, count in Counter(entry.text for entry in ENTRIES).items() if count > 1] == []


# --- the compiled catalogue -----------------------------------------------------------------------------------------


def compiled() -> gettext.GNUTranslations:
    with (FOLDER / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def test_compiled_catalogue_says_what_is_written() -> None:
    words = compiled()
    stale = [name(entry) for entry in ENTRIES if looked_up(words, entry.text) != entry.translations]
    assert stale == [], "Run `make messages`."


def looked_up(words: gettext.GNUTranslations, text: Text) -> list[str]:
    """What ``words`` holds for ``text``: one translation, or those for 1, 2 and 5 of a thing."""
    if text.plural and text.context:
        return [words.npgettext(text.context, text.singular, text.plural, n) for n in (1, 2, 5)]
    if text.plural:
        return [words.ngettext(text.singular, text.plural, n) for n in (1, 2, 5)]
    if text.context:
        return [words.pgettext(text.context, text.singular)]
    return [words.gettext(text.singular)]


def test_compiled_catalogue_holds_nothing_else() -> None:
    (count,) = struct.unpack_from("<I", (FOLDER / "django.mo").read_bytes(), 8)
    assert count == len(ENTRIES) + 1  # and the header


def test_catalogue_holds_no_dates() -> None:
    assert "Date:" not in HEADER.translations[0]


# --- each translation -----------------------------------------------------------------------------------------------


def wrong(is_wrong: Callable[[str, str], object]) -> list[str]:
    """The texts with a translation for which ``is_wrong(text, translation)``."""
    return [name(entry) for entry in ENTRIES for said in entry.translations if is_wrong(entry.text.singular, said)]


def test_placeholders_are_those_of_the_source() -> None:
    assert wrong(lambda text, said: Counter(PLACEHOLDER.findall(said)) != Counter(PLACEHOLDER.findall(text))) == []


def test_what_programs_read_is_kept() -> None:
    def fixed(text: str) -> Counter[str]:
        return Counter(item for item in FIXED.findall(text) if item not in OWN_WORDS)

    assert wrong(lambda text, said: fixed(said) != fixed(text)) == []


def test_blanks_and_symbols_at_the_ends_are_kept() -> None:
    def ends(text: str) -> tuple[str, str]:
        return text[0] if unicodedata.category(text[0]) == "So" else "", text[len(text.rstrip()) :]

    assert wrong(lambda text, said: ends(said) != ends(text)) == []


def test_no_word_mixes_two_alphabets() -> None:
    """A Latin "c" looks like a Russian one and is found by no search."""

    def mixed(_text: str, said: str) -> list[str]:
        words = re.findall(r"\w+", PLACEHOLDER.sub(" ", said))
        return [word for word in words if LATIN.search(word) and CYRILLIC.search(word)]

    assert wrong(mixed) == []


def test_no_latin_letter_stands_for_a_russian_word() -> None:
    def letters(text: str) -> set[str]:
        return set(re.findall(r"(?<![\w/<.%])[aceokuxyABCEHKMOPTX](?![\w>./])", text))

    assert wrong(lambda text, said: letters(said) - letters(text)) == []


def test_russian_is_set_as_russian() -> None:
    """«Quotes» like these, a long dash, one sign for an ellipsis."""
    code = re.compile(r"<[^>]+>|`[^`]+`|\{\"[^}]*\}")
    assert wrong(lambda _text, said: re.search(r"[\"“”]|\.\.\.| - | – ", code.sub("", said))) == []


def test_people_are_addressed_with_a_small_letter_within_a_sentence() -> None:
    assert wrong(lambda _text, said: re.search(r"(?<=[а-яё,;:] )(?:Вы|Вас|Вам|Вами|Ваш[а-я]*)\b", said)) == []


def test_plurals_have_all_their_forms() -> None:
    (forms,) = re.findall(r"nplurals=(\d)", HEADER.translations[0])
    plurals = [entry for entry in ENTRIES if entry.text.plural]
    assert plurals
    assert [name(entry) for entry in plurals if len(entry.translations) != int(forms)] == []


# --- what people see ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1 модель"), (2, "2 модели"), (5, "5 моделей"), (11, "11 моделей"), (21, "21 модель"), (112, "112 моделей")],
)
def test_number_takes_its_form(number: int, words: str) -> None:
    with translation.override("ru"):
        assert translation.ngettext("%(n)d model", "%(n)d models", number) % {"n": number} == words


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_command_menu_fits_telegrams_limits(language: str, role: Role | None) -> None:
    """https://core.telegram.org/bots/api#botcommand: at most 256 characters."""
    listed = commands.menu(role, language)
    assert listed
    assert all(1 <= len(item["description"]) <= 256 for item in listed)


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict not in (Verdict.PASS, Verdict.IGNORE)])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_refusal_fits_into_a_toast(language: str, verdict: Verdict) -> None:
    """https://core.telegram.org/bots/api#answercallbackquery: at most 200 characters."""
    with translation.override(language):
        assert len(refusals.words(verdict)) <= 200


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("**Models updated:**", "**Обновлены модели:**"),
        ("📋 Models", "📋 Модели"),
        ("✅ Approve", "✅ Одобрить"),
        ("🚫 Reject", "🚫 Отклонить"),
        ("⛔ Block", "⛔ Заблокировать"),
        ("⏹ Stop", "⏹ Стоп"),
    ],
)
def test_words_that_people_are_promised(text: str, begins: str) -> None:
    assert compiled().gettext(text) == begins


@pytest.mark.parametrize(("language", "starts"), [("en", "Just write"), ("ru", "Просто напишите")])
async def test_help_comes_in_one_message(
    transactional_db: None, settings: Settings, language: str, starts: str
) -> None:
    async with open_house(settings) as house:
        await house.db(User.objects.filter(telegram_id=OLGA).update, language=language)
        said = await house.ask(OLGA, "/help")

    assert said.startswith(starts)
    assert said.count("\n/") == len(commands.COMMANDS)
    assert units(said) <= MESSAGE_UNITS


async def test_stranger_with_a_russian_app_is_answered_in_russian(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings) as house:
        assert "запрос отправлен" in await house.ask(BORIS, "Здравствуйте")


async def test_whoever_chooses_russian_is_told_so_in_russian(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings) as house:
        await house.ask(OLGA, "/language")
        house.press(OLGA, "Русский")
        await house.quiet()

        assert house.heard(OLGA)[-1] == "Хорошо, говорим по-русски."
        assert await house.ask(OLGA, "/ping") == "Бот готов"
