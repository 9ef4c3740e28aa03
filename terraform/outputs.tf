output "bucket" {
  description = "The bucket that holds the archive."
  value       = local.bucket
}

output "archive_url" {
  description = "The archive, as the collector's commands take it (ARCHIVE)."
  value       = trimsuffix("gs://${local.bucket}/${local.root}", "/")
}

output "feed_uri" {
  description = "What the Google SecOps feed is to read, and nothing else."
  value       = "gs://${local.bucket}/${local.root}audit/"
}

output "service_account" {
  description = "Address of the account that the function runs as."
  value       = google_service_account.collector.email
}

output "push_service_account" {
  description = "Address of the account that Pub/Sub calls the function as."
  value       = google_service_account.push.email
}

output "build_service_account" {
  description = "Address of the account that builds the function."
  value       = local.build_account
}

output "secret" {
  description = "The secret that holds the client secret: projects/PROJECT/secrets/SECRET."
  value       = "projects/${local.secret.project}/secrets/${local.secret.name}"
}

output "secret_version" {
  description = "The secret's version that the function is given."
  value       = local.secret.version
}

output "topic" {
  description = "The topic of which each message is a run: projects/PROJECT/topics/TOPIC."
  value       = google_pubsub_topic.trigger.id
}

output "subscription" {
  description = "The subscription that delivers to the function."
  value       = google_pubsub_subscription.push.id
}

output "dead_letter_subscription" {
  description = "The subscription that keeps what could not be delivered."
  value       = google_pubsub_subscription.dead_letter.id
}

output "function" {
  description = "The function: projects/PROJECT/locations/REGION/functions/FUNCTION. Its Cloud Run service has the same name."
  value       = google_cloudfunctions2_function.collector.id
}

output "function_uri" {
  description = "Where Pub/Sub delivers to; not reachable from outside."
  value       = google_cloudfunctions2_function.collector.service_config[0].uri
}

output "job" {
  description = "The schedule: projects/PROJECT/locations/REGION/jobs/JOB. To force a run, run it."
  value       = google_cloud_scheduler_job.export.id
}

output "interval_minutes" {
  description = "The longest time between two runs, as derived from `schedule` or given."
  value       = local.interval_minutes
}

output "silence_minutes" {
  description = "Time without a successful run after which the alert fires."
  value       = local.silence_minutes
}

output "egress_ip" {
  description = "The static address that requests come from; null without `static_egress_ip`."
  value       = one(google_compute_address.egress[*].address)
}

output "dashboard" {
  description = "The dashboard's ID; null without `dashboard`."
  value       = one(google_monitoring_dashboard.collector[*].id)
}
