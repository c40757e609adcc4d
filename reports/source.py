"""What the tick and the outbox ask of reports: what firing means, and how what was ordered is worked on.

fire(due)         reports and the deliveries that work on them, inside the tick's transaction
send(delivery)    settings.DELIVERY_BACKENDS["report"]: one step of the work, at most two minutes; what must wait for
                  Avito puts itself back and holds neither a slot nor a connection meanwhile
"""

from uuid import UUID

from django.db import DatabaseError

from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from reports import running
from reports.services import firing

fire = firing.fire


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError."""
    try:
        await running.step(UUID(delivery.content["report"]))
    except DatabaseError as error:
        # What was found out is stored; the rest is asked again.
        raise DeliveryError("database", type(error).__name__) from error
    return Sent()
