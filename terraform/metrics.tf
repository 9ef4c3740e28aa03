# Metrics of the function's own log lines: each run ends with one line of which jsonPayload.event is "run" (see
# docs/cloud-run.md, "Logs"). They are counted even where an exclusion keeps the lines out of storage.
locals {
  function_log = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${local.names.function}\"",
    "resource.labels.location=\"${var.region}\"",
  ])
  run_log = "${local.function_log} AND jsonPayload.event=\"run\""

  counters = {
    runs      = { filter = local.run_log, description = "Runs that ended" }
    successes = { filter = "${local.run_log} AND jsonPayload.exit_code=0", description = "Runs that ended with exit status 0" }
    errors    = { filter = "${local.function_log} AND severity>=ERROR", description = "Errors, those of the platform among them" }
  }

  # Fields of that line, in its units.
  distributions = {
    new_entries        = "Entries that were new to the archive"
    requests           = "Requests to Anypoint"
    over_limit_answers = "Responses of Anypoint that the request limit was exceeded (503)"
    duration_seconds   = "Seconds a run took"
    lag_seconds        = "Age of the newest entry held when a run ended, in seconds"
  }

  # In PromQL, logging.googleapis.com/user/NAME is called so.
  series    = { for name in concat(keys(local.counters), keys(local.distributions)) : name => "logging_googleapis_com:user_${local.names.metrics}_${name}" }
  of_series = "{monitored_resource=\"cloud_run_revision\"}"
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  project     = var.project_id
  name        = "${local.names.metrics}_${each.key}"
  description = "${each.value.description} (${local.names.function})"
  filter      = each.value.filter

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [time_sleep.apis]
}

resource "google_logging_metric" "distribution" {
  for_each = local.distributions

  project         = var.project_id
  name            = "${local.names.metrics}_${each.key}"
  description     = "${each.value} (${local.names.function})"
  filter          = local.run_log
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = endswith(each.key, "_seconds") ? "s" : "1"
  }

  depends_on = [time_sleep.apis]
}
