locals {
  source_bucket = var.source_bucket == null ? google_storage_bucket.source[0].name : var.source_bucket

  environment = merge(
    {
      MULE_ORG_ID    = var.mule_org_id
      CLIENT_ID      = var.client_id
      GCS_BUCKET     = local.bucket
      ANYPOINT_PLANE = var.anypoint_plane
      CONTINUE_TOPIC = google_pubsub_topic.trigger.id

      # So that the collector ends its work in time, and ties its log lines to traces.
      CLOUD_RUN_TIMEOUT_SECONDS = tostring(var.timeout_seconds)
      GOOGLE_CLOUD_PROJECT      = var.project_id
    },
    var.bucket_prefix == "" ? {} : { GCS_PREFIX = var.bucket_prefix },
    var.environment,
  )

  network_interface = (
    var.static_egress_ip ? [{
      network    = google_compute_network.egress[0].id
      subnetwork = google_compute_subnetwork.egress[0].id
      tags       = []
    }] :
    var.vpc != null ? [var.vpc] : []
  )
}

resource "google_storage_bucket" "source" {
  count = var.source_bucket == null ? 1 : 0

  project                     = var.project_id
  name                        = local.names.source_bucket
  location                    = upper(var.region)
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # it holds the function's source and nothing else
  labels                      = local.labels

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  depends_on = [time_sleep.apis]
}

resource "google_storage_bucket_object" "source" {
  bucket       = local.source_bucket
  name         = "${local.names.function}/${filesha256(var.source_zip)}.zip"
  source       = var.source_zip
  content_type = "application/zip"
}

# Permissions that were just granted take up to some minutes until they are known everywhere; a function that may not
# read its secret yet, or whose build account may not write yet, fails to deploy.
resource "time_sleep" "grants" {
  create_duration = "90s"

  depends_on = [
    google_project_iam_member.build,
    google_project_iam_member.build_reads_source,
    google_secret_manager_secret_iam_member.collector,
    google_storage_bucket_iam_member.collector_creates,
    google_storage_bucket_iam_member.collector_reads,
    google_storage_bucket_iam_member.collector_replaces_state,
    google_service_account_iam_member.pubsub_signs,
  ]
}

# Started by HTTP, not by an event: a function with an event trigger has 540 s at most, and no say in how messages are
# delivered.
resource "google_cloudfunctions2_function" "collector" {
  project     = var.project_id
  location    = var.region
  name        = local.names.function
  description = "Collects MuleSoft Anypoint audit logs into gs://${local.bucket}"
  labels      = local.labels

  build_config {
    runtime         = var.runtime
    entry_point     = "main"
    service_account = "projects/${var.project_id}/serviceAccounts/${local.build_account}"

    source {
      storage_source {
        bucket = google_storage_bucket_object.source.bucket
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.collector.email
    available_memory                 = var.memory
    available_cpu                    = var.cpu
    timeout_seconds                  = var.timeout_seconds
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    max_instance_request_concurrency = 1 # a run has its memory and its pace to itself
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true
    environment_variables            = local.environment

    secret_environment_variables {
      key        = "CLIENT_SECRET"
      project_id = local.secret.project
      secret     = local.secret.name
      version    = local.secret.version
    }

    direct_vpc_egress = length(local.network_interface) > 0 ? "VPC_EGRESS_ALL_TRAFFIC" : null

    dynamic "direct_vpc_network_interface" {
      for_each = local.network_interface
      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
        tags       = direct_vpc_network_interface.value.tags
      }
    }
  }

  depends_on = [time_sleep.grants, google_compute_router_nat.egress]
}
