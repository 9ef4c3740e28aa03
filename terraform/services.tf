locals {
  apis = toset(concat(
    [
      "artifactregistry.googleapis.com", # holds the function's container
      "cloudbuild.googleapis.com",       # builds it
      "cloudfunctions.googleapis.com",
      "cloudresourcemanager.googleapis.com", # roles on the project, for the build account
      "cloudscheduler.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ],
    var.static_egress_ip ? ["compute.googleapis.com"] : [],
  ))
}

resource "google_project_service" "api" {
  for_each = var.enable_apis ? local.apis : []

  project = var.project_id
  service = each.value

  # Others in the project may use them, a second deployment of this module among them.
  disable_on_destroy = false
}

# An API that was just switched on still responds SERVICE_DISABLED for a while.
resource "time_sleep" "apis" {
  count = var.enable_apis ? 1 : 0

  create_duration = "30s"
  triggers        = { apis = join(" ", local.apis) }

  depends_on = [google_project_service.api]
}

# Google's own accounts for a service. They do not exist before something makes them, and a grant to an account that
# does not exist fails. Removing this removes nothing in Google Cloud.
resource "google_project_service_identity" "agent" {
  provider = google-beta
  for_each = toset(["pubsub", "cloudscheduler"])

  project = var.project_id
  service = "${each.value}.googleapis.com"

  depends_on = [time_sleep.apis]
}

locals {
  agents = { for name, agent in google_project_service_identity.agent : name => "serviceAccount:${agent.email}" }
}
