locals {
  # Requests a minute that Anypoint allows one address ("Audit Logging"; planes that it does not name are taken for the
  # strictest), unless the collector was told another number.
  allowance = tonumber(lookup(var.environment, "REQUESTS_PER_MINUTE", var.anypoint_plane == "us" ? "700" : "40"))

  # What a chart shows, by PromQL over the metrics above. ${__interval} is the time between two points of the chart.
  charts = [
    {
      title = "Runs"
      lines = [
        { legend = "ended", query = "sum(increase(${local.series.runs}${local.of_series}[$${__interval}]))" },
        { legend = "with success", query = "sum(increase(${local.series.successes}${local.of_series}[$${__interval}]))" },
        { legend = "errors", query = "sum(increase(${local.series.errors}${local.of_series}[$${__interval}]))" },
      ]
      threshold = null
    },
    {
      title     = "New entries"
      lines     = [{ legend = "entries", query = "sum(increase(${local.series.new_entries}_sum${local.of_series}[$${__interval}]))" }]
      threshold = null
    },
    {
      title     = "Lag: age of the newest entry when a run ended, seconds"
      lines     = [{ legend = "lag", query = "sum(increase(${local.series.lag_seconds}_sum${local.of_series}[$${__interval}])) / sum(increase(${local.series.lag_seconds}_count${local.of_series}[$${__interval}]))" }]
      threshold = null
    },
    {
      title     = "Requests a minute while running, against the allowance of ${local.allowance}"
      lines     = [{ legend = "requests", query = "60 * sum(increase(${local.series.requests}_sum${local.of_series}[$${__interval}])) / sum(increase(${local.series.duration_seconds}_sum${local.of_series}[$${__interval}]))" }]
      threshold = local.allowance
    },
    {
      title     = "Responses over the limit (503)"
      lines     = [{ legend = "503s", query = "sum(increase(${local.series.over_limit_answers}_sum${local.of_series}[$${__interval}]))" }]
      threshold = null
    },
    {
      title     = "Seconds a run took"
      lines     = [{ legend = "seconds", query = "sum(increase(${local.series.duration_seconds}_sum${local.of_series}[$${__interval}])) / sum(increase(${local.series.duration_seconds}_count${local.of_series}[$${__interval}]))" }]
      threshold = var.timeout_seconds
    },
  ]

  # How long ago: the latest of the moments, five minutes apart, at which the last ten minutes held a success; looked
  # for over a day, or three intervals, up to a fortnight.
  since_success = "time() - max_over_time(timestamp(sum(increase(${local.series.successes}${local.of_series}[10m])) > 0)[${min(max(local.quiet_minutes * 3, 24 * 60), 14 * 24 * 60)}m:5m])"

  tiles = concat(
    [{
      title = "Minutes since the last success"
      scorecard = {
        timeSeriesQuery = { prometheusQuery = "(${local.since_success}) / 60" }
        thresholds      = [{ value = local.silence_minutes, color = "RED", direction = "ABOVE" }]
      }
    }],
    [for chart in local.charts : {
      title = chart.title
      xyChart = {
        dataSets = [for line in chart.lines : {
          plotType        = "LINE"
          targetAxis      = "Y1"
          legendTemplate  = line.legend
          timeSeriesQuery = { prometheusQuery = line.query }
        }]
        thresholds = chart.threshold == null ? [] : [{ value = chart.threshold, targetAxis = "Y1" }]
      }
    }],
    [{
      title = "What runs reported"
      logsPanel = {
        filter        = local.run_log
        resourceNames = ["projects/${var.project_id}"]
      }
    }],
  )
}

resource "google_monitoring_dashboard" "collector" {
  count = var.dashboard ? 1 : 0

  project = var.project_id
  dashboard_json = jsonencode({
    displayName = "MuleSoft audit logs (${local.names.function})"
    labels      = { mulesoft-audit = "" }
    mosaicLayout = {
      columns = 12
      tiles = [for index, tile in local.tiles : {
        xPos   = 6 * (index % 2)
        yPos   = 4 * floor(index / 2)
        width  = 6
        height = 4
        widget = tile
      }]
    }
  })

  depends_on = [google_logging_metric.counter, google_logging_metric.distribution]
}
