"""What happens here that others tell people about. Receivers run in the transaction, in a database thread.

models_synced      sender SyncRun, run: SyncRun, first: bool (the catalogue was filled for the first time: keep quiet)
model_retired      sender Model, model: Model, replacement: Model | None
provider_paused    sender ProviderState, name: str, kind: str, until: datetime (the breaker opened)
provider_recovered sender ProviderState, name: str (the breaker closed)
"""

from django.dispatch import Signal

models_synced = Signal()
model_retired = Signal()
provider_paused = Signal()
provider_recovered = Signal()
