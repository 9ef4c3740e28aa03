"""Google Cloud: the Cloud Run function, the deployment, the SecOps feed."""
