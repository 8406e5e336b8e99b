"""IAM and STS: what moto accepts or forgets there, and whose right a request is held to."""
