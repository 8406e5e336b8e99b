"""Who runs what when `make test` shares the tests between processes.

A file stays together, for its fixtures; files that live in one provisioned world stay together too. What takes longest
comes first, so that no process is left alone with it at the end.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

# Files that share one world (tests/journey/conftest.py). The interrupted journey ends a world of its own.
TOGETHER = {
    "tests/journey/test_journey_model.py": "journey",
    "tests/journey/test_journey_refusals.py": "journey",
    "tests/journey/test_journey_stack.py": "journey",
}
LONGEST = (
    "tests/faults/test_matrix.py",
    "tests/journey/test_journey_",
    "tests/laws/test_crash_anywhere.py",
    "tests/laws/test_fallback.py",
    "tests/local/node/test_node_agent_kubernetes.py",
    "tests/permissions/",
    "tests/controllers/",
    "tests/laws/",
)


class Shares(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files, and groups of files, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


def place(nodeid: str) -> tuple[int, str]:
    """Where a test stands in the line: by its share, and among shares of one length as they are grouped."""
    file = nodeid.split("::", 1)[0]
    first = next((index for index, prefix in enumerate(LONGEST) if file.startswith(prefix)), len(LONGEST))
    return first, TOGETHER.get(file, file)
