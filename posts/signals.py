"""What edges may want to know of a post. Sent inside the transaction that records it."""

from django.dispatch import Signal

# post=Post, locked: nothing is on its way any more, or it is not to go out by itself (published, partly so, error,
# expired, held, cancelled). What a listener raises changes nothing of that (services.notices.settled).
post_settled = Signal()
