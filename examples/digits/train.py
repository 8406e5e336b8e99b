"""Trains the example: a classifier of handwritten digits (1,797 images of 8x8), deterministic, in a second or two.

    python examples/digits/train.py                      writes model/model.joblib and sample.json
    python examples/digits/train.py --images all.json    also writes a request with all 1,797 images

The requests are of the Open Inference Protocol v2, which `eksprov invoke digits --data FILE` sends as they are.
Data: https://archive.ics.uci.edu/dataset/80, a copy of which comes with scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SEED = 0
SAMPLES = 3


def request(images: Any) -> dict[str, Any]:
    """An inference request: `images` has shape [n, 64], grey values 0 to 16."""
    data = [float(value) for image in images for value in image]
    return {"inputs": [{"name": "images", "shape": [len(images), 64], "datatype": "FP64", "data": data}]}


def train(folder: Path, images_file: Path | None) -> str:
    """Train on three quarters of the images, write model and requests, and say how well the rest is read."""
    import joblib
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, labels = load_digits(return_X_y=True)
    seen, unseen, answers, wanted = train_test_split(images, labels, random_state=SEED, stratify=labels)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500, random_state=SEED))
    model.fit(seen, answers)

    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".model.joblib"
    joblib.dump(model, draft)
    draft.replace(folder / "model.joblib")  # never half a model under the real name
    (HERE / "sample.json").write_text(json.dumps(request(images[:SAMPLES])) + "\n")
    if images_file:
        images_file.write_text(json.dumps(request(images)) + "\n")
    where, right = os.path.relpath(folder / "model.joblib"), model.score(unseen, wanted)
    return f"{where}: {right:.1%} of {len(unseen)} unseen digits read right"


def main() -> int:
    """Read the arguments, train, print one line."""
    parser = argparse.ArgumentParser(description="Train the digits example.")
    parser.add_argument("--images", type=Path, metavar="FILE", help="also write a request with all 1,797 images")
    arguments = parser.parse_args()
    try:
        print(train(HERE / "model", arguments.images))
    except ModuleNotFoundError as error:
        print(f"train.py needs {error.name}: use the Python of .venv (3.11 or 3.12) that make sets up", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
