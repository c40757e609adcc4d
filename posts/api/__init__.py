"""Posts over REST. Fixed paths come before those with an id, so that no id captures them."""

from posts.api.routing import router  # isort: skip
from posts.api import many, media, single, deciding, targets  # isort: skip

__all__ = ["deciding", "many", "media", "router", "single", "targets"]
