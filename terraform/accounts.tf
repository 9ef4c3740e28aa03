# What the function runs as. It has roles on single things only: the bucket, the secret, the topic.
resource "google_service_account" "collector" {
  project      = var.project_id
  account_id   = local.names.service_account
  display_name = "Collects MuleSoft audit logs (${local.names.function})"

  depends_on = [time_sleep.apis]
}

# What Pub/Sub calls the function as. It may call that function, and nothing else.
resource "google_service_account" "push" {
  project      = var.project_id
  account_id   = local.names.push_service_account
  display_name = "Delivers messages to ${local.names.function}"

  depends_on = [time_sleep.apis]
}
