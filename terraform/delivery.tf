resource "google_pubsub_topic" "trigger" {
  # checkov:skip=CKV_GCP_83:A message is {}, or ids and times. Google encrypts it with keys of its own.
  project = var.project_id
  name    = local.names.topic
  labels  = local.labels

  depends_on = [time_sleep.apis]
}

resource "google_pubsub_topic" "dead_letter" {
  # checkov:skip=CKV_GCP_83:A message is {}, or ids and times. Google encrypts it with keys of its own.
  project = var.project_id
  name    = local.names.dead_letter_topic
  labels  = local.labels

  depends_on = [time_sleep.apis]
}

# A topic alone keeps nothing.
resource "google_pubsub_subscription" "dead_letter" {
  project                    = var.project_id
  name                       = local.names.dead_letter_subscription
  topic                      = google_pubsub_topic.dead_letter.id
  message_retention_duration = "604800s"
  labels                     = local.labels

  expiration_policy {
    ttl = "" # never
  }
}

resource "google_pubsub_subscription" "push" {
  project                    = var.project_id
  name                       = local.names.subscription
  topic                      = google_pubsub_topic.trigger.id
  ack_deadline_seconds       = 600 # the most that Pub/Sub waits; longer than the function may take
  message_retention_duration = "604800s"
  labels                     = local.labels

  push_config {
    push_endpoint = google_cloudfunctions2_function.collector.service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = google_cloudfunctions2_function.collector.service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "60s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter.id
    max_delivery_attempts = var.delivery_attempts
  }

  expiration_policy {
    ttl = "" # never
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push_invokes,
    google_pubsub_topic_iam_member.pubsub_forwards,
  ]
}

# Who may do what ----------------------------------------------------------------------------------------------------

# The function's Cloud Run service has the function's name.
resource "google_cloud_run_v2_service_iam_member" "push_invokes" {
  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.collector.name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

# Pub/Sub makes the token that it calls the function with (needed in projects older than April 2021).
resource "google_service_account_iam_member" "pubsub_signs" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agents["pubsub"]
}

# Pub/Sub moves what cannot be delivered: it publishes to the one and takes it from the other.
resource "google_pubsub_topic_iam_member" "pubsub_forwards" {
  project = var.project_id
  topic   = google_pubsub_topic.dead_letter.name
  role    = "roles/pubsub.publisher"
  member  = local.agents["pubsub"]
}

resource "google_pubsub_subscription_iam_member" "pubsub_takes" {
  project      = var.project_id
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = local.agents["pubsub"]
}

# A run that is out of time asks for its own continuation.
resource "google_pubsub_topic_iam_member" "collector_continues" {
  project = var.project_id
  topic   = google_pubsub_topic.trigger.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.collector.member
}

resource "google_pubsub_topic_iam_member" "scheduler_publishes" {
  project = var.project_id
  topic   = google_pubsub_topic.trigger.name
  role    = "roles/pubsub.publisher"
  member  = local.agents["cloudscheduler"]
}
