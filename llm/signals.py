"""What happens here that others tell people about. Receivers run in the transaction, in a database thread.

models_synced      sender SyncRun, run: SyncRun, first: bool (the catalogue was filled for the first time: keep quiet)
model_retired      sender Model, model: Model, replacement: Model | None
provider_paused    sender ProviderState, name: str, kind: str, until: datetime (the breaker opened)
provider_recovered sender ProviderState, name: str (the breaker closed)
quota_reached      sender ProviderState, name: str, model: str (the provider's own limit for the day or month)
model_unknown      sender ProviderState, name: str, model: str (a model that was asked is not there: the list is old)
"""

from django.dispatch import Signal

models_synced = Signal()
model_retired = Signal()
provider_paused = Signal()
provider_recovered = Signal()
quota_reached = Signal()
model_unknown = Signal()
