"""Addresses of the web side."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import include, path

from config import tracing
from config.api import api
from telegram_bot.webhook import webhook

admin.autodiscover()


def home(_request: HttpRequest) -> HttpResponse:
    return redirect("admin:index")


urlpatterns = [
    path("", home),
    path("admin/trace/", admin.site.admin_view(tracing.search), name="traces"),
    path("admin/trace/<str:trace_id>", admin.site.admin_view(tracing.show), name="trace"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("telegram/webhook", webhook),
    path("api/", api.urls),
]
