"""The services that the product has clients of, by their names in botocore."""

from __future__ import annotations

from eksprov.aws.clients import Clients

SERVICES = tuple(name.replace("_", "-") for name in Clients.__annotations__)
