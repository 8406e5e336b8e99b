"""Random graphs of steps."""

from __future__ import annotations

from hypothesis import strategies as st

from eksprov.core.executor import Node


@st.composite
def graphs(draw: st.DrawFn, size: int = 12) -> list[Node]:
    """A random graph without circles, its nodes in random order."""
    count = draw(st.integers(1, size))
    made = []
    for index in range(count):
        needs = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        made.append(Node(f"s{index}", tuple(f"s{n}" for n in sorted(needs)), draw(st.floats(0, 100))))
    return draw(st.permutations(made))
