"""What keeps things: `bucket` (S3, models), `repository` (ECR, images), `kms_key` (of the Kubernetes API's data)."""
