from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TelegramBotConfig(AppConfig):
    name = "telegram_bot"
    verbose_name = _("Telegram")

    def ready(self) -> None:
        from telegram_bot import access, model_news

        access.connect()
        model_news.connect()
