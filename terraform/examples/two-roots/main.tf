# Two root organizations in one project: the module twice, each with its own name, its own archive, its own secret and
# its own address towards Anypoint, whose limit is per address. Either can be destroyed without the other noticing.
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
}

variable "project_id" {
  description = "The project in which everything is made."
  type        = string
}

variable "client_secrets" {
  description = "The connected apps' client secrets, by the root's name."
  type        = map(string)
  ephemeral   = true
  sensitive   = true
}

locals {
  region = "europe-west3"

  roots = {
    mulesoft-emea = {
      mule_org_id    = "0a12b3c4-d5e6-789f-1021-1a2b34cd5e6f"
      client_id      = "0123456789abcdef0123456789abcdef"
      anypoint_plane = "eu"
      schedule       = "*/15 * * * *"
      egress_cidr    = "10.8.0.0/26"
    }
    mulesoft-us = {
      mule_org_id    = "1b23c4d5-e6f7-890a-2132-2b3c45de6f70"
      client_id      = "fedcba9876543210fedcba9876543210"
      anypoint_plane = "us"
      schedule       = "0 * * * *"
      egress_cidr    = "10.8.0.64/26"
    }
  }
}

provider "google" {
  project = var.project_id
}

provider "google-beta" {
  project = var.project_id
}

module "collector" {
  source   = "../.."
  for_each = local.roots

  project_id       = var.project_id
  region           = local.region
  name             = each.key
  mule_org_id      = each.value.mule_org_id
  client_id        = each.value.client_id
  client_secret    = var.client_secrets[each.key]
  anypoint_plane   = each.value.anypoint_plane
  schedule         = each.value.schedule
  static_egress_ip = true
  egress_cidr      = each.value.egress_cidr
  source_zip       = "${path.module}/source.zip" # made by `mulesoft-audit deploy write`
}

output "feed_uris" {
  description = "What the Google SecOps feeds are to read: one feed each."
  value       = { for name, root in module.collector : name => root.feed_uri }
}

output "egress_ips" {
  description = "The addresses that requests come from."
  value       = { for name, root in module.collector : name => root.egress_ip }
}
