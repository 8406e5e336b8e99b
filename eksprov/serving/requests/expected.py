"""What a model says that it takes: the `inputs` of its description in the Open Inference Protocol v2. Pure.

`GET /v2/models/NAME` gives what model-settings.json says: one entry a column where columns have names, or one entry
whose shape is `[-1, n]`. A model may also say nothing, or nothing of use: then all questions are answered with None.
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#model-metadata
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SHOWN: Final = 8  # inputs named in a sentence


@dataclass(frozen=True)
class Input:
    """One described input; a size of -1 is any."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.datatype} [{', '.join(map(str, self.shape))}]"

    @property
    def one_wide(self) -> bool:
        """Whether it is one value a row."""
        return all(size == 1 for size in self.shape[1:]) and (len(self.shape) != 1 or self.shape[0] in (-1, 1))


@dataclass(frozen=True)
class Expected:
    """The inputs that a model describes; none where it says nothing."""

    inputs: tuple[Input, ...] = ()

    @classmethod
    def of(cls, described: Any) -> Expected:
        """From a description, or from a request, as far as it is one."""
        inputs = described.get("inputs") if isinstance(described, Mapping) else None
        read = [_input(one) for one in inputs] if isinstance(inputs, list) else []
        return cls(tuple(one for one in read if one is not None)) if all(read) else cls()

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The names of the columns, where there are several of one value a row."""
        several = len(self.inputs) > 1 and all(one.one_wide for one in self.inputs)
        return tuple(one.name for one in self.inputs) if several else None

    @property
    def width(self) -> int | None:
        """How many values a row has, where the model takes rows of numbers in one tensor."""
        shape = self.inputs[0].shape if len(self.inputs) == 1 else ()
        if len(shape) == 2 and shape[1] > 0:
            return shape[1]
        return None

    def datatype(self, name: str) -> str:
        """The declared datatype of an input; empty for one that isn't described."""
        return next((one.datatype for one in self.inputs if one.name == name), "")

    def __str__(self) -> str:
        """For people: "x FP64 [-1, 4]", or the columns "age FP64, city BYTES and 3 more"."""
        columns = self.columns is not None
        shown = [f"{one.name} {one.datatype}" if columns else str(one) for one in self.inputs[:SHOWN]]
        more = f" and {len(self.inputs) - SHOWN} more" if len(self.inputs) > SHOWN else ""
        return f"{'the columns ' if columns else ''}{', '.join(shown)}{more}"


def _input(one: Any) -> Input | None:
    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
        return None
    shape = one.get("shape")
    sizes = shape if isinstance(shape, list) and all(type(size) is int for size in shape) else []
    return Input(one["name"], str(one.get("datatype") or "?"), tuple(sizes))
