resource "google_cloud_scheduler_job" "export" {
  project     = var.project_id
  region      = var.region
  name        = local.names.job
  description = "Starts a collection of MuleSoft audit logs"
  schedule    = var.schedule
  time_zone   = var.time_zone
  paused      = var.schedule_paused

  pubsub_target {
    topic_name = google_pubsub_topic.trigger.id
    data       = base64encode("{}")
  }

  retry_config {
    retry_count = 3
  }

  depends_on = [google_pubsub_topic_iam_member.scheduler_publishes]
}

# The longest time between two runs, of which the alerts are made: every minute of a day on which the schedule starts a
# run, in order, and the largest step from one to the next.
locals {
  cron = split(" ", var.schedule)

  cron_numbers = [
    for index, last in [59, 23] : flatten([
      for part in split(",", local.cron[index]) : range(
        startswith(part, "*") ? 0 : tonumber(regex("^[0-9]+", part)),
        # "5/15" goes on to the end, "5" does not, "5-20" says where it ends.
        1 + (
          can(regex("-", part)) ? tonumber(regex("-([0-9]+)", part)[0]) :
          can(regex("^[*]|/", part)) ? last : tonumber(part)
        ),
        can(regex("/", part)) ? tonumber(regex("/([0-9]+)", part)[0]) : 1,
      )
    ])
  ]
  starts = [
    for start in sort([for pair in setproduct(local.cron_numbers[1], local.cron_numbers[0]) : format("%04d", pair[0] * 60 + pair[1])]) :
    tonumber(start)
  ]
  steps = [
    for index, start in local.starts :
    (index + 1 < length(local.starts) ? local.starts[index + 1] : local.starts[0] + 24 * 60) - start
  ]

  interval_minutes = var.schedule_interval_minutes != null ? var.schedule_interval_minutes : max(local.steps...)
}
