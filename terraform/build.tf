# Who builds the function. Without an account of its own the build would run as the project's default Compute account,
# which new organizations leave without any role, so that every build fails.
locals {
  makes_build_account = var.build_service_account == null
  build_account       = local.makes_build_account ? google_service_account.build[0].email : var.build_service_account
}

resource "google_service_account" "build" {
  count = local.makes_build_account ? 1 : 0

  project      = var.project_id
  account_id   = local.names.build_service_account
  display_name = "Builds ${local.names.function}"

  depends_on = [time_sleep.apis]
}

# Roles: Cloud Run functions, "Custom service account for Cloud Build". They are on the project because Google makes the
# bucket and the repository that they are needed for, at the first deployment.
resource "google_project_iam_member" "build" {
  for_each = local.makes_build_account ? toset(["roles/logging.logWriter", "roles/artifactregistry.writer"]) : []

  project = var.project_id
  role    = each.value
  member  = google_service_account.build[0].member
}

# The source is read from a bucket that Google makes; the logs are none of the build's business.
resource "google_project_iam_member" "build_reads_source" {
  count = local.makes_build_account ? 1 : 0

  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build[0].member

  condition {
    title       = "${local.names.function} build"
    description = "Everything but the audit logs"
    expression  = "!resource.name.startsWith(\"projects/_/buckets/${local.bucket}\")"
  }
}
