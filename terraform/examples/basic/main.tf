# One deployment with the names of Google's page. The client secret comes from the environment (TF_VAR_client_secret);
# it is stored in Secret Manager and in no plan, state or file.
terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.21"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 7.21"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.9"
    }
  }

  # A versioned bucket that is there already:
  # backend "gcs" {
  #   bucket = "my-project-tfstate"
  #   prefix = "mulesoft-audit"
  # }
}

variable "project_id" {
  description = "The project in which everything is made."
  type        = string
}

variable "client_secret" {
  description = "The connected app's client secret."
  type        = string
  ephemeral   = true
  sensitive   = true
}

provider "google" {
  project = var.project_id
}

provider "google-beta" {
  project = var.project_id
}

module "collector" {
  source = "../.."

  project_id    = var.project_id
  region        = "europe-west3"
  mule_org_id   = "0a12b3c4-d5e6-789f-1021-1a2b34cd5e6f"
  client_id     = "0123456789abcdef0123456789abcdef"
  client_secret = var.client_secret
  source_zip    = "${path.module}/source.zip" # made by `mulesoft-audit deploy write`

  alert_email = "secops@example.com"
}

output "feed_uri" {
  description = "What the Google SecOps feed is to read."
  value       = module.collector.feed_uri
}

output "job" {
  description = "Run it to force a run."
  value       = module.collector.job
}
