"""Eventual consistency: what was only just made is not seen by everybody yet.

EC2 warns of it for every resource
(https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html): a read by id may say NotFound, a list may
leave it out, its tags may be missing. IAM's new roles are slow to be seen, by IAM's own reads a little, by other
services for 2 to 20 seconds and rarely minutes
(https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).

While a reading is answered, what is still hidden is taken out of the emulator; so the answer is the emulator's own, in
any protocol. Deletions and their guards see everything, and so does the world where it moves on by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import IAMBackend

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.faults.plan import Lag
from eksprov.local.faults.wire import Asked
from eksprov.local.partitions import partition_of

BY_ID = ("vpcs", "internet_gateways", "route_tables")
LISTED = "nat_gateways"  # found by tags alone
SEES_ALL = ("Delete", "Detach", "Release", "Disassociate", "Remove")
ROLE_READS = ("GetRole", "ListRoles", "ListAttachedRolePolicies", "GetRolePolicy", "ListRoleTags")
Undo = Callable[[], object]


class Hiding:
    """What is hidden until when, in seconds of the world's clock; when, is drawn for each resource."""

    def __init__(self, world: LocalAws, lag: Lag, region: str, chance: random.Random) -> None:
        self._world, self._lag, self._region, self._chance = world, lag, region, chance
        self._ec2: Any = ec2_backends[ACCOUNT][region]
        self._known = set(self._ids())
        self._seen_at: dict[str, float] = {}
        self._tagged_at: dict[str, float] = {}
        self._roles_at: dict[str, float] = {}
        self.hidden = 0  # how often a reading missed something

    def note(self, call: Asked) -> None:
        """After a call that changes something: what is new is hidden from now on."""
        if call.operation == "CreateRole":
            self._note_roles()
        if call.service != "ec2":
            return
        now, ids = self._world.now(), set(self._ids())
        for new in sorted(ids - self._known):
            self._seen_at[new] = now + self._chance.uniform(0, self._lag.ec2_s)
            self._tagged_at[new] = max(self._seen_at[new], now + self._chance.uniform(0, self._lag.tags_s))
        self._known = ids

    @contextmanager
    def around(self, call: Asked) -> Iterator[None]:
        """What is hidden from this call is out of the emulator for as long as it lasts."""
        self._world.advance()  # before anything is out: a gateway that is due would find no way to the internet
        undo: list[Undo] = []
        if call.service == "ec2" and not call.operation.startswith(SEES_ALL):
            late = [one for one, at in self._seen_at.items() if self._is_late(at)]
            for one in late:
                if not call.mutating or one in call.text:
                    undo += self._take_out(one)
            if not call.mutating:
                untagged = [one for one, at in self._tagged_at.items() if self._is_late(at)]
                undo += [self._untag(one) for one in untagged if one in self._ec2.tags]
        elif call.service == "iam" and call.operation in ROLE_READS:
            undo = [self._take_role(key) for key in self._late_roles()]
        self.hidden += len(undo)
        try:
            yield
        finally:
            for put_back in reversed(undo):
                put_back()

    def _iam(self) -> IAMBackend:
        return self._world.iam(partition_of(self._region))

    def _is_late(self, at: float) -> bool:
        if self._world.now() >= at:
            return False
        return not self._lag.flaps or self._chance.random() < 0.7

    def _note_roles(self) -> None:
        now = self._world.now()
        for role in self._iam().get_roles():
            if role.name not in self._roles_at:
                self._roles_at[role.name] = now + self._chance.uniform(0, self._lag.iam_s)
                usable = now + self._chance.uniform(0, self._lag.usable_s)
                if self._lag.usable_s and role.name in self._world.roles_made:
                    self._world.roles_made[role.name] = usable - self._world.latency("role-usable")

    def _ids(self) -> Iterator[str]:
        for name in BY_ID:
            yield from getattr(self._ec2, name)
        yield from getattr(self._ec2, LISTED)
        for zone in self._ec2.subnets.values():
            yield from zone
        yield from (address.allocation_id for address in self._ec2.addresses if address.allocation_id)

    def _take_out(self, one: str) -> list[Undo]:
        found = [place for name in BY_ID if one in (place := getattr(self._ec2, name))]
        found += [zone for zone in self._ec2.subnets.values() if one in zone]
        undo = [_taken(place, one) for place in found]
        for address in [a for a in self._ec2.addresses if a.allocation_id == one]:
            self._ec2.addresses.remove(address)
            undo.append(lambda address=address: self._ec2.addresses.append(address))  # type: ignore[misc]  # mypy cannot infer a lambda's default
        return undo

    def _untag(self, one: str) -> Undo:
        return _taken(self._ec2.tags, one)

    def _late_roles(self) -> list[str]:
        late = {name for name, at in self._roles_at.items() if self._is_late(at)}
        return [key for key, role in self._iam().roles.items() if role.name in late]

    def _take_role(self, key: str) -> Undo:
        return _taken(self._iam().roles, key)


def _taken(place: dict[str, Any], key: str) -> Undo:
    """Take an entry out; gives what puts the dictionary back as it was, order and all."""
    before = dict(place)
    del place[key]

    def put_back() -> None:
        new = {name: value for name, value in place.items() if name not in before}
        place.clear()
        place.update({**before, **new})

    return put_back
