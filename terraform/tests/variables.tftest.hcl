# What the variables refuse. Run `terraform test` in the module; no credentials are needed.

mock_provider "google" {}
mock_provider "google-beta" {}
mock_provider "time" {}

variables {
  project_id    = "acme-logs-123"
  region        = "europe-west3"
  mule_org_id   = "0a12b3c4-d5e6-789f-1021-1a2b34cd5e6f"
  client_id     = "0123456789abcdef0123456789abcdef"
  client_secret = "not-a-secret"
  source_zip    = "versions.tf" # any file
}

run "defaults_are_accepted" {
  command = plan

  assert {
    condition     = output.archive_url == "gs://acme-logs-123-mulesoft-audit-logs"
    error_message = "The default bucket is ${output.archive_url}."
  }
  assert {
    condition     = output.silence_minutes == 26 * 60
    error_message = "A daily schedule is silent after ${output.silence_minutes} minutes."
  }
}

run "nonsense_is_refused" {
  command = plan

  variables {
    secret_locations             = ["Frankfurt"]
    source_bucket                = "gs://x"
    time_zone                    = "UTC+1"
    secops_project_id            = "1"
    secops_notification_channels = ["x"]
    project_id                   = "123456789012"
    region                       = "Europe"
    name                         = "Mule_Soft"
    names                        = { service_account = "sa" }
    labels                       = { Team = "x" }
    mule_org_id                  = "my organization"
    client_id                    = "a b"
    client_secret_version        = 0
    anypoint_plane               = "uk"
    environment                  = { MY_SECRET = "x" }
    existing_secret              = "my-secret"
    existing_secret_version      = "newest"
    existing_bucket              = "gs://b"
    bucket_prefix                = "/logs/"
    bucket_location              = "europe west"
    bucket_storage_class         = "HOT"
    noncurrent_days              = 0
    soft_delete_days             = 3
    keep_logs_days               = 1
    feed_service_account         = "serviceAccount:x@y.iam.gserviceaccount.com"
    source_zip                   = "no-such.zip"
    runtime                      = "python311"
    memory                       = "512"
    cpu                          = "0.5"
    timeout_seconds              = 600
    min_instances                = 101
    build_service_account        = "me@example.com"
    delivery_attempts            = 4
    schedule_interval_minutes    = 0
    egress_cidr                  = "10.8.0.0/28"
    alert_email                  = "nobody"
    notification_channels        = ["ops"]
  }
  expect_failures = [
    var.secret_locations,
    var.source_bucket,
    var.time_zone,
    var.secops_project_id,
    var.secops_notification_channels,
    var.project_id,
    var.region,
    var.name,
    var.names,
    var.labels,
    var.mule_org_id,
    var.client_id,
    var.client_secret_version,
    var.anypoint_plane,
    var.environment,
    var.existing_secret,
    var.existing_secret_version,
    var.existing_bucket,
    var.bucket_prefix,
    var.bucket_location,
    var.bucket_storage_class,
    var.noncurrent_days,
    var.soft_delete_days,
    var.keep_logs_days,
    var.feed_service_account,
    var.source_zip,
    var.runtime,
    var.memory,
    var.cpu,
    var.timeout_seconds,
    var.min_instances,
    var.build_service_account,
    var.delivery_attempts,
    var.schedule_interval_minutes,
    var.egress_cidr,
    var.alert_email,
    var.notification_channels,
  ]
}

run "nonsense_of_other_kinds_is_refused" {
  command = plan

  variables {
    project_id            = "-acme"
    region                = "europe-west"
    name                  = "a-name-of-over-20-characters"
    names                 = { bucket = "gs://b" }
    labels                = { team = "A B" }
    mule_org_id           = "0a12b3c4d5e6789f10211a2b34cd5e6f"
    client_secret         = ""
    client_secret_version = 1.5
    environment           = { REQUESTS_PER_MINUTE = "many" }
    soft_delete_days      = 91
    timeout_seconds       = 30
    max_instances         = 0
    runtime               = "nodejs22"
    delivery_attempts     = 101
    schedule              = "60 2 * * *"
    egress_cidr           = "10.8.0.0"
    static_egress_ip      = true
    vpc                   = { network = "n", subnetwork = "s" }
  }
  expect_failures = [
    var.project_id,
    var.region,
    var.name,
    var.names,
    var.labels,
    var.mule_org_id,
    var.client_secret,
    var.client_secret_version,
    var.environment,
    var.soft_delete_days,
    var.timeout_seconds,
    var.max_instances,
    var.runtime,
    var.delivery_attempts,
    var.schedule,
    var.egress_cidr,
    var.static_egress_ip,
  ]
}

run "schedules_of_some_days_need_an_interval" {
  command = plan

  variables {
    schedule = "0 2 * * 1-5"
  }
  expect_failures = [
    var.schedule,
  ]
}

run "a_secret_and_an_existing_secret_are_refused" {
  command = plan

  variables {
    existing_secret = "projects/p/secrets/s"
  }
  expect_failures = [
    var.client_secret,
  ]
}
