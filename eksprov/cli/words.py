"""Small words: counts, durations, and text from outside made harmless."""

from __future__ import annotations

import re

from eksprov.core.words import article, counted, noun, plural

__all__ = ["article", "clean", "counted", "noun", "plural", "seconds"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """Text from outside without control characters, which terminals obey, and lone surrogates, which none can show."""
    return _CONTROL.sub("?", text)


def seconds(value: float) -> str:
    """A duration for people: "0.4 s", "42 s", "3 min 05 s"."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value // 60:.0f} min {value % 60:02.0f} s"
