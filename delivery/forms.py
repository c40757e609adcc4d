"""Form of the operator's page of webhooks: where a key's events go."""

from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminURLInputWidget

from accounts.models import ApiKey
from core.outward import OutwardError, checked
from delivery.models import Webhook


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    url = forms.URLField(label=_("Address"), max_length=500, assume_scheme="https", widget=UnfoldAdminURLInputWidget)

    class Meta:
        model = Webhook
        fields = ("key", "url", "all_posts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "key" in self.fields:
            key: Any = self.fields["key"]
            lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
            open_ones = ApiKey.objects.filter(lasting, revoked_at=None)
            key.queryset = open_ones.exclude(pk__in=Webhook.objects.values("key"))

    def clean_url(self) -> str:
        try:
            return str(checked(self.cleaned_data["url"]))
        except OutwardError as error:
            raise forms.ValidationError(str(error)) from error
