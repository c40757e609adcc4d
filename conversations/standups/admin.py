"""The operator's page of stand-ups: who was asked when, and who answered; never what they said."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conversations.models import StandUp, StandUpMember
from core.admin import ReadOnlyInline, ReadOnlyPage, display
from core.show import badge, stamp

STATE_KIND = {
    StandUpMember.State.ANSWERED: "success",
    StandUpMember.State.ASKED: "info",
    StandUpMember.State.UNREACHABLE: "warning",
}


class MemberInline(ReadOnlyInline):
    model = StandUpMember
    fields = ("user", "asked", "condition")
    readonly_fields = fields
    ordering = ("pk",)

    @display(description=_("asked at"))
    def asked(self, member: StandUpMember) -> str:
        return stamp(member.ask_at)

    @display(description=_("state"))
    def condition(self, member: StandUpMember) -> SafeString:
        return badge(member.get_state_display(), STATE_KIND.get(StandUpMember.State(member.state), ""))


@admin.register(StandUp)
class StandUpPage(ReadOnlyPage):
    list_display = ("day", "chat", "user", "ends", "condition")
    list_filter = ("state",)
    list_select_related = ("chat", "user")
    ordering = ("-created_at", "-id")
    inlines = (MemberInline,)
    fieldsets = ((None, {"fields": (("day", "condition"), ("chat", "user"), ("begun", "ends"), "series")}),)

    @display(description=_("begun"), ordering="created_at")
    def begun(self, standup: StandUp) -> str:
        return stamp(standup.created_at)

    @display(description=_("summed up at"), ordering="post_at")
    def ends(self, standup: StandUp) -> str:
        return stamp(standup.post_at)

    @display(description=_("state"), ordering="state")
    def condition(self, standup: StandUp) -> SafeString:
        kinds = {StandUp.State.POSTED: "success", StandUp.State.OFF: ""}
        return badge(standup.get_state_display(), kinds.get(StandUp.State(standup.state), "info"))
