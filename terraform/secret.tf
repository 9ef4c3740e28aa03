locals {
  secret_locations = var.secret_locations == null ? [var.region] : var.secret_locations

  # projects/PROJECT/secrets/SECRET
  secret_parts = var.existing_secret == null ? [] : split("/", var.existing_secret)
  secret = {
    project = var.existing_secret == null ? var.project_id : local.secret_parts[1]
    name    = var.existing_secret == null ? google_secret_manager_secret.client[0].secret_id : local.secret_parts[3]

    # A secret of ours is pinned to the version that was stored last: a new one makes a new revision of the function,
    # so that it counts at once and everywhere, and a rollback brings the old one back. One that is managed elsewhere
    # is rotated elsewhere: "latest" lets every new instance of the function have it.
    version = var.existing_secret == null ? google_secret_manager_secret_version.client[0].version : var.existing_secret_version
  }
}

resource "google_secret_manager_secret" "client" {
  count = var.existing_secret == null ? 1 : 0

  project   = var.project_id
  secret_id = local.names.secret
  labels    = local.labels

  replication {
    dynamic "auto" {
      for_each = length(local.secret_locations) == 0 ? [true] : []
      content {}
    }

    dynamic "user_managed" {
      for_each = length(local.secret_locations) > 0 ? [local.secret_locations] : []
      content {
        dynamic "replicas" {
          for_each = user_managed.value
          content {
            location = replicas.value
          }
        }
      }
    }
  }

  depends_on = [time_sleep.apis]
}

resource "google_secret_manager_secret_version" "client" {
  count = var.existing_secret == null ? 1 : 0

  secret                 = google_secret_manager_secret.client[0].id
  secret_data_wo         = var.client_secret
  secret_data_wo_version = var.client_secret_version

  # The version before is disabled, and can be enabled again, once the function has the new one.
  deletion_policy = "DISABLE"
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "collector" {
  project   = local.secret.project
  secret_id = local.secret.name
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.collector.member
}
