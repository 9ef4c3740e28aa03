"""The deployment in Google Cloud: Terraform run over the module, and what Terraform cannot do."""
