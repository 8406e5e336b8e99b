"""A tree of plain values from which wrong parts are cut, and the way back to the paths of the whole tree.

Cutting an item out of a list moves those behind it; `original` gives the path a value had before any cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from eksprov.config.document import Path, Value


class Pruned:
    """`value` is what is left of a mapping; it is cut in place."""

    def __init__(self, value: dict[str, Value]) -> None:
        self.value = value
        self._cut: set[Path] = set()
        self._kept: dict[Path, list[int]] = {}  # original path of a list: the original places of what is left

    def original(self, path: Path) -> Path:
        """The path that a value of today's tree had in the whole one."""
        found: Path = ()
        for part in path:
            kept = self._kept.get(found)
            moved = kept[part] if kept is not None and isinstance(part, int) and part < len(kept) else part
            found = (*found, moved)
        return found

    def lost(self, original: Path) -> bool:
        """Whether the value at an original path, or something around it, was cut out."""
        return any(original[:length] in self._cut for length in range(1, len(original) + 1))

    def cut_out(self, errors: Iterable[tuple[Path, bool]]) -> None:
        """Cut out every wrong value; of a missing one (True) what it is missing from."""
        places = {path[:-1] if missing else path for path, missing in errors}
        if () in places:  # only the stack's name is required at the top
            self._cut.add(("name",))
            self.value["name"] = "unnamed"
        for place in sorted(places - {()}, reverse=True):  # backwards, so that places in a list stay true
            self._cut_one(place)

    def _cut_one(self, path: Path) -> None:
        holder: Value = self.value
        for part in path[:-1]:
            holder = holder[part]
        self._cut.add(self.original(path))
        last = path[-1]
        if isinstance(holder, list) and isinstance(last, int):
            kept = self._kept.setdefault(self.original(path[:-1]), list(range(len(holder))))
            del holder[last], kept[last]
        else:
            del holder[last]
