"""Whose profiles are whose. Only the owner reads a profile's settings, changes it, exports or reports on it; not even
an admin. Where its figures are shown besides is explicit (reports.models.visible_in)."""

from django.db.models import QuerySet

from accounts.models import Chat, User
from reports.models import AvitoProfile, ProfileChat


def own_profiles(user: User) -> "QuerySet[AvitoProfile]":
    """Of a person, by name, with their tasks; without what is sealed, which a card has no use for."""
    rows = AvitoProfile.objects.filter(owner=user).select_related("owner", "task__schedule", "task__chat")
    return rows.defer("credentials", "task__hook_secret").order_by("name", "id")


def own(user: User, key: object) -> AvitoProfile | None:
    """The person's own profile with that key; None when there is none or it is somebody else's."""
    return own_profiles(user).filter(pk=key).first() if isinstance(key, int) else None


def stands_in(chat: Chat, user: User) -> "QuerySet[AvitoProfile]":
    """Of the person's own profiles those whose figures may be seen in ``chat``."""
    return own_profiles(user).filter(places__chat=chat)


def places_of(profile: AvitoProfile) -> list[Chat]:
    """Groups and channels where everybody may see the profile's figures, oldest first."""
    rows = ProfileChat.objects.filter(profile=profile).select_related("chat").order_by("created_at", "id")
    return [row.chat for row in rows]
