locals {
  # How late a run may be before somebody is told: as much as the schedule's interval, but half an hour at least, for
  # the retries, and two hours at most. Daily: 26 h after the last success. Every quarter of an hour: 45 min.
  quiet_minutes   = max(local.interval_minutes, 10) # log-based metrics have a point a minute, and lag
  slack_minutes   = min(max(local.interval_minutes, 30), 120)
  silence_minutes = local.quiet_minutes + local.slack_minutes

  # Silence is asked for in PromQL, because an absence condition looks back 23.5 hours at most and knows nothing of
  # what never was. The interval is the range, the slack is how long nothing may be in it.
  policies = {
    silence = {
      title    = "no successful run in ${local.silence_minutes} min"
      query    = "(sum(increase(${local.series.successes}${local.of_series}[${local.quiet_minutes}m])) or vector(0)) < 0.5"
      minutes  = local.slack_minutes
      severity = "ERROR"
      advice   = "The function `${local.names.function}` has not ended a run with success for ${local.silence_minutes} minutes. Nothing is lost: the next successful run catches up, as long as Anypoint still holds the logs. `mulesoft-audit doctor` says what is wrong."
    }
    errors = {
      title    = "errors"
      query    = "sum(increase(${local.series.errors}${local.of_series}[15m])) > 0"
      minutes  = 0
      severity = "ERROR"
      advice   = "The function `${local.names.function}` logged an error; its log says what is safe and what to do. Failures that no repetition cures (settings, credentials, permissions) are told here and not delivered again."
    }
    dead-letters = {
      title    = "messages that could not be delivered"
      query    = "max(pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\",subscription_id=\"${local.names.dead_letter_subscription}\"}) > 0"
      minutes  = 0
      severity = "WARNING"
      advice   = "A message failed ${var.delivery_attempts} times and waits in the subscription `${local.names.dead_letter_subscription}` for a week. Scheduled runs catch up by themselves. A message with `since` is to be published again once the cause is gone; then pull and acknowledge it."
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  count = var.alerts && var.alert_email != null ? 1 : 0

  project      = var.project_id
  display_name = "MuleSoft audit logs (${local.names.function})"
  type         = "email"
  labels       = { email_address = var.alert_email }
  user_labels  = local.labels

  depends_on = [time_sleep.apis]
}

resource "google_monitoring_alert_policy" "collector" {
  for_each = var.alerts ? local.policies : {}

  project      = var.project_id
  display_name = "MuleSoft audit logs (${local.names.function}): ${each.value.title}"
  combiner     = "OR"
  severity     = each.value.severity
  user_labels  = merge(local.labels, { alert = each.key })

  notification_channels = concat(var.notification_channels, google_monitoring_notification_channel.email[*].name)

  documentation {
    content   = each.value.advice
    mime_type = "text/markdown"
  }

  conditions {
    display_name = each.value.title

    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = "${each.value.minutes * 60}s"
      evaluation_interval       = "60s"
      disable_metric_validation = true # there is no series before the first run
    }
  }

  depends_on = [google_logging_metric.counter]
}

# The feed, in the project where SecOps writes its metrics -----------------------------------------------------------

locals {
  feed_alert = var.alerts && var.secops_project_id != null
  feed_here  = var.secops_project_id == var.project_id

  # A day without an entry is nothing unusual for a small organization. Where both metrics are in one project, only a
  # feed that leaves new entries unread is silent; elsewhere, one that reads nothing for a day and a run's interval.
  feed_minutes = max(local.quiet_minutes, 24 * 60)
  feed_query = join(" and on() ", compact([
    "(sum(increase(chronicle_googleapis_com:ingestion_log_record_count{monitored_resource=\"chronicle.googleapis.com/Collector\",log_type=\"MULESOFT\"}[${local.feed_minutes}m])) or vector(0)) < 0.5",
    local.feed_here ? "sum(increase(${local.series.new_entries}_sum${local.of_series}[${local.feed_minutes}m])) > 0" : "",
  ]))
}

resource "google_monitoring_notification_channel" "feed_email" {
  count = local.feed_alert && !local.feed_here && var.alert_email != null ? 1 : 0

  project      = var.secops_project_id
  display_name = "MuleSoft audit logs (${local.names.function})"
  type         = "email"
  labels       = { email_address = var.alert_email }
  user_labels  = local.labels
}

resource "google_monitoring_alert_policy" "feed" {
  count = local.feed_alert ? 1 : 0

  project      = var.secops_project_id
  display_name = "MuleSoft audit logs (${local.names.function}): SecOps ingested nothing"
  combiner     = "OR"
  severity     = "WARNING"
  user_labels  = merge(local.labels, { alert = "feed-silent" })

  notification_channels = (
    local.feed_here
    ? concat(var.notification_channels, google_monitoring_notification_channel.email[*].name)
    : concat(var.secops_notification_channels, google_monitoring_notification_channel.feed_email[*].name)
  )

  documentation {
    content   = "Google SecOps has ingested no MULESOFT record for ${floor(local.feed_minutes / 60) + 4} hours. The logs stay in gs://${local.bucket}/${local.root}audit/; `mulesoft-audit feed status` says what the feed reports."
    mime_type = "text/markdown"
  }

  conditions {
    display_name = "nothing ingested"

    condition_prometheus_query_language {
      query                     = local.feed_query
      duration                  = "14400s" # the feed comes by in its own time
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }
}
