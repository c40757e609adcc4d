"""How the operator's site looks and what stands in its sidebar. Read by the settings: imports nothing of ours."""

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext_lazy

# Topic -> (title, icon, page of which model). What a person may not see is left out.
TOPICS: list[tuple[Any, list[tuple[Any, str, str]]]] = [
    (
        _("Access"),
        [
            (_("People"), "group", "accounts.user"),
            (_("Chats"), "forum", "accounts.chat"),
            (_("Invitations"), "mail", "accounts.invite"),
            (_("API keys"), "key", "accounts.apikey"),
            (_("Sessions of admins"), "lock_clock", "telegram_bot.adminsession"),
        ],
    ),
    (
        _("Dialogs"),
        [
            (_("Requests"), "bolt", "conversations.request"),
            (_("Sums of requests"), "functions", "conversations.requestsum"),
            (_("Dialogs"), "chat", "conversations.conversation"),
            (_("Assistants"), "face", "conversations.assistant"),
            (_("Versions of assistants"), "history", "conversations.assistantversion"),
            (_("Assistants of chats"), "keep", "conversations.binding"),
            (_("Files"), "attach_file", "files.storedfile"),
        ],
    ),
    (
        _("Reminders"),
        [
            (_("Reminders"), "alarm", "reminders.reminder"),
            (_("Occurrences"), "event_repeat", "reminders.occurrence"),
            (_("Stand-ups"), "groups", "conversations.standup"),
            (_("Webhooks"), "webhook", "delivery.webhook"),
            (_("Schedules"), "calendar_clock", "delivery.schedule"),
        ],
    ),
    (
        _("Posts"),
        [
            (_("Posts"), "newspaper", "posts.post"),
            (_("Calendar"), "calendar_month", "admin:posts_post_calendar"),
        ],
    ),
    (
        _("Reports"),
        [
            (_("Avito profiles"), "storefront", "reports.avitoprofile"),
            (_("What is reported"), "calendar_clock", "reports.reporttask"),
            (_("Reports"), "monitoring", "reports.report"),
            (_("Days of figures"), "calendar_view_month", "reports.snapshot"),
            (_("Exports of chats"), "table_view", "reports.export"),
            (_("Alerts"), "notification_important", "reports.alert"),
        ],
    ),
    (
        _("Models"),
        [
            (_("Catalogue"), "neurology", "llm.model"),
            (_("Providers"), "cloud", "llm.providerstate"),
            (_("Refreshes"), "sync", "llm.syncrun"),
            (_("Budgets"), "savings", "llm.budget"),
            (_("Spending"), "payments", "llm.spending"),
        ],
    ),
    (
        _("Messages"),
        [
            (_("Inbox"), "inbox", "telegram_bot.update"),
            (_("Outbox"), "outbox", "delivery.delivery"),
            (_("Announcements"), "campaign", "telegram_bot.broadcast"),
            (_("Traces"), "timeline", "traces"),
        ],
    ),
    (
        _("Jobs"),
        [
            (_("Plan"), "schedule", "django_apscheduler.djangojob"),
            (_("Runs"), "history", "django_apscheduler.djangojobexecution"),
            (_("Asked for"), "touch_app", "delivery.jobrequest"),
        ],
    ),
    (
        _("Site"),
        [
            (_("Audit"), "policy", "accounts.auditentry"),
            (_("Groups of operators"), "admin_panel_settings", "auth.group"),
        ],
    ),
]


# Pages of no table, by the name of their address -> the rights they ask for.
OWN_PAGES = {
    "traces": ("telegram_bot.view_update", "conversations.view_request", "delivery.view_delivery"),
    "admin:posts_post_calendar": ("posts.view_post",),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: the overview, then the topics, with the number of people who wait to be let in."""
    overview = {"title": _("Overview"), "icon": "space_dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"title": "", "items": [overview]}]
    for title, pages in TOPICS:
        items = [_item(request, *page) for page in pages if _may_see(request, page[2])]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    _mark_where_one_is(request, groups)
    return groups


def _mark_where_one_is(request: HttpRequest, groups: list[dict[str, Any]]) -> None:
    """Of pages below each other (a list, its calendar) the one that is open, not both."""
    items = [item for group in groups[1:] for item in group["items"]]
    here = max((item["link"] for item in items if request.path.startswith(item["link"])), key=len, default="")
    for item in items:
        item["active"] = item["link"] == here


def _may_see(request: HttpRequest, label: str) -> bool:
    if label in OWN_PAGES:
        return bool(request.user.has_perms(OWN_PAGES[label]))
    app, model = label.split(".")
    return any(request.user.has_perm(f"{app}.{right}_{model}") for right in ("view", "change"))


def _item(request: HttpRequest, title: Any, icon: str, label: str) -> dict[str, Any]:
    page = label if label in OWN_PAGES else f"admin:{label.replace('.', '_')}_changelist"
    item = {"title": capfirst(title), "icon": icon, "link": reverse(page)}
    if label == "accounts.user" and (waiting := _waiting()):
        item |= {"badge": str(waiting), "badge_variant": "warning", "badge_style": "solid"}
    return item


def _waiting() -> int:
    from accounts.models import Access, User

    return User.objects.filter(status=Access.PENDING, requested_at__isnull=False).count()


def languages_shown(_request: HttpRequest) -> bool:
    """The language switch needs Django's own address for it."""
    try:
        reverse("set_language")
    except NoReverseMatch:
        return False
    return True


# In the page itself, so that browsers do not ask for /favicon.ico.
ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' fill='#0284c7'/>"
    "<path d='M9 10h14v9H14l-5 4z' fill='white'/></svg>"
)


def icon(_request: HttpRequest) -> str:
    return f"data:image/svg+xml,{quote(ICON)}"


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Sekretar",
    "SITE_HEADER": "Sekretar",
    "SITE_SUBHEADER": _("the team's secretary"),
    "SITE_SYMBOL": "support_agent",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": languages_shown,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "config.dashboard.dashboard",
    "COMMAND": {"search_models": ["accounts.user", "accounts.chat", "llm.model"]},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": navigation,
    },
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 236.6)",
            "100": "oklch(95.1% .026 236.8)",
            "200": "oklch(90.1% .058 230.9)",
            "300": "oklch(82.8% .111 230.3)",
            "400": "oklch(74.6% .16 232.7)",
            "500": "oklch(66% .15 240)",
            "600": "oklch(57% .15 245)",
            "700": "oklch(50% .134 242.7)",
            "800": "oklch(44.3% .11 240.8)",
            "900": "oklch(39.1% .09 240.9)",
            "950": "oklch(29.3% .066 243.2)",
        },
    },
}

# Unfold's own words, which it does not bring in Russian: named here so that our catalogue has them.
WORDS: tuple[Any, ...] = (
    gettext_noop("Add row"),
    gettext_noop("After you've created a user, you’ll be able to edit more user options."),
    gettext_noop("Apply Filters"),
    gettext_noop("Cancel"),
    gettext_noop("Dark"),
    gettext_noop("Date"),
    gettext_noop("Expand row"),
    gettext_noop("False"),
    gettext_noop("Filters"),
    gettext_noop("Forgotten your password or username?"),
    gettext_noop("General"),
    gettext_noop("Go back"),
    gettext_noop("Light"),
    gettext_noop("Loading more results..."),
    gettext_noop("More actions"),
    gettext_noop("Next"),
    gettext_noop("No data"),
    gettext_noop("No recent searches"),
    gettext_noop("No results found"),
    gettext_noop("No results matching your query"),
    gettext_noop("Previous"),
    gettext_noop(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the "
        'password using <a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    gettext_noop("Recent searches"),
    gettext_noop("Record picture"),
    gettext_noop("Reset filters"),
    gettext_noop("Return to site"),
    gettext_noop("Run"),
    gettext_noop("Search apps and models..."),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Select all rows"),
    gettext_noop("Select record"),
    gettext_noop("Select value"),
    gettext_noop("Submit"),
    gettext_noop("System"),
    gettext_noop("This item will be deleted."),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("Toggle password visibility"),
    gettext_noop("True"),
    gettext_noop("Type to search"),
    gettext_noop("Welcome"),
    gettext_noop("Welcome back to"),
    gettext_noop("You have been successfully logged out from the administration"),
    # With its line breaks, as its template has it.
    ngettext_lazy(
        "\n                Found %(counter)s result in %(time)s seconds\n            ",
        "\n                Found %(counter)s results in %(time)s seconds\n            ",
        "counter",
    ),
)

# Django's own sentences about a row. Its Russian takes every row for a masculine noun in the nominative.
ROW_WORDS = (
    gettext_noop("Add %(name)s"),
    gettext_noop("Add %s"),
    gettext_noop("Change %s"),
    gettext_noop("View %s"),
    gettext_noop("Select %s to change"),
    gettext_noop("Select %s to view"),
    gettext_noop("The {name} “{obj}” was added successfully."),
    gettext_noop("The {name} “{obj}” was added successfully. You may add another {name} below."),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may edit it again below."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    gettext_noop("The %(name)s “%(obj)s” was deleted successfully."),
    gettext_noop("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),
    gettext_noop(
        'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? '
        "All of the following related items will be deleted:"
    ),
    gettext_noop("Yes, I’m sure"),
)
