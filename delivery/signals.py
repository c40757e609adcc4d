"""What others may want to know of a delivery. Sent inside the transaction that records it."""

from django.dispatch import Signal

# delivery=Delivery: it will not be tried again (failed), or a person must say whether it arrived (unknown).
delivery_ended_badly = Signal()

# delivery=Delivery: an operator says that it is not to be sent. Nothing of it holds if it has left meanwhile.
delivery_called_off = Signal()

# schedule=Schedule, error=Exception: its source could not fire it, so it was paused.
schedule_broke = Signal()
