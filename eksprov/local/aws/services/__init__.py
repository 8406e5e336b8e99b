"""What moto lacks of the other services, a file each: S3, KMS, CloudWatch, SNS and SQS (`messaging.py`), …"""
