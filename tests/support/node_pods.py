"""What is put on the nodes of a cluster: a model in S3, the pods that fetch and serve it, pods for Auto Mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import joblib
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from eksprov.local.contract import Json

BUCKET = "models"
MLSERVER = "docker.io/seldonio/mlserver:1.7.1-slim"
VOLUMES = [{"name": "model", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]


def upload(s3: str, folder: Path) -> Any:
    """Train, upload, and give back the trained model."""
    images, labels = load_digits(return_X_y=True)
    model = GaussianNB().fit(images[:500], labels[:500])
    joblib.dump(model, folder / "model.joblib")
    settings: Json = {"name": "digits", "implementation": "mlserver_sklearn.SKLearnModel"}
    settings |= {"parameters": {"uri": "./model.joblib"}}
    (folder / "model-settings.json").write_text(json.dumps(settings))
    client = boto3.client(
        "s3", endpoint_url=s3, region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for path in folder.iterdir():
        client.upload_file(str(path), BUCKET, f"digits/v1/{path.name}")
    return model


def deployment(name: str, containers: list[Json], **pod: Any) -> Json:
    labels = {"app": name}
    spec = {"terminationGracePeriodSeconds": 5, "containers": containers, **pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def fetcher(prefix: str) -> Json:
    return {
        "name": "fetch",
        "image": "public.ecr.aws/aws-cli/aws-cli:2.31.0",
        "args": ["s3", "sync", f"s3://{BUCKET}/{prefix}", "/mnt/models", "--no-progress"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "model", "mountPath": "/mnt/models"}],
    }


def server() -> Json:
    def probe(path: str, **more: int) -> Json:
        return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1, **more}

    return {
        "name": "server",
        "image": MLSERVER,
        "env": [{"name": "MLSERVER_MODELS_DIR", "value": "/mnt/models"}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "startupProbe": probe("/v2/health/ready", failureThreshold=90, timeoutSeconds=5),
        "livenessProbe": probe("/v2/health/live", timeoutSeconds=5),
        "readinessProbe": probe("/v2/models/digits/ready", timeoutSeconds=5),
        "volumeMounts": [
            {"name": "model", "mountPath": "/mnt/models", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }


def automatic(name: str, cpu: str, **selector: str) -> Json:
    """A pod that only a node of Auto Mode takes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "nodeSelector": {"eks.amazonaws.com/compute-type": "auto", **selector},
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": "main", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": {"cpu": cpu}}}
            ],
        },
    }
