"""Model files that stand for real ones where nobody loads them: small, whole, and of scikit-learn by their names."""

from __future__ import annotations

# sklearn.dummy.DummyClassifier(), as the first protocol writes it: two names, an empty tuple, a call.
TINY_MODEL = b"csklearn.dummy\nDummyClassifier\n)R."
