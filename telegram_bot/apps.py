from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TelegramBotConfig(AppConfig):
    name = "telegram_bot"
    verbose_name = _("Telegram")

    def ready(self) -> None:
        from telegram_bot import access, delivery_news, model_news, schedule_news

        access.connect()
        delivery_news.connect()
        model_news.connect()
        schedule_news.connect()
