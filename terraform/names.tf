# Every name comes from var.name; with its default, "mulesoft", they are those of Google's page "Collect MuleSoft
# Anypoint platform logs". var.names replaces single ones.
locals {
  names = {
    # An account's name has 30 characters at most.
    service_account          = coalesce(var.names.service_account, length(var.name) <= 12 ? "${var.name}-logs-collector-sa" : "${var.name}-sa")
    push_service_account     = coalesce(var.names.push_service_account, "${var.name}-push-sa")
    build_service_account    = coalesce(var.names.build_service_account, "${var.name}-build-sa")
    bucket                   = coalesce(var.names.bucket, "${local.bucket_start}-${var.name}-audit-logs")
    source_bucket            = coalesce(var.names.source_bucket, "${local.bucket_start}-${var.name}-audit-src")
    secret                   = coalesce(var.names.secret, "${var.name}-audit-client-secret")
    topic                    = coalesce(var.names.topic, "${var.name}-audit-trigger")
    subscription             = coalesce(var.names.subscription, "${var.name}-audit-trigger-push")
    dead_letter_topic        = coalesce(var.names.dead_letter_topic, "${var.name}-audit-trigger-dead-letter")
    dead_letter_subscription = coalesce(var.names.dead_letter_subscription, "${var.name}-audit-trigger-dead-letter-sub")
    function                 = coalesce(var.names.function, "${var.name}-audit-collector")
    job                      = coalesce(var.names.job, "daily-${var.name}-audit-export")
    network                  = coalesce(var.names.network, "${var.name}-audit-egress")
    metrics                  = replace("${var.name}_audit", "-", "_")
  }

  # Bucket names are shared by the whole world, so they begin with the project; a project of a domain ("example.com:x")
  # has characters in its name that a bucket's may not have.
  bucket_start = substr(replace(var.project_id, "/[^a-z0-9-]/", "-"), 0, 30)

  labels = merge(var.labels, { managed-by = "terraform", app = "mulesoft-audit" })
}
