locals {
  bucket = var.existing_bucket == null ? google_storage_bucket.archive[0].name : var.existing_bucket

  # Below it: audit/, which the feed reads and where nothing but logs lies, and state/, the collector's own.
  root = var.bucket_prefix == "" ? "" : "${var.bucket_prefix}/"
}

# No retention policy: it would forbid overwriting manifests under state/, which nearly every run does. What is
# overwritten or deleted is kept by versioning and by soft delete instead.
resource "google_storage_bucket" "archive" {
  count = var.existing_bucket == null ? 1 : 0

  project                     = var.project_id
  name                        = local.names.bucket
  location                    = upper(coalesce(var.bucket_location, var.region))
  storage_class               = var.bucket_storage_class
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.delete_logs_on_destroy
  labels                      = local.labels

  versioning {
    enabled = var.bucket_versioning
  }

  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 24 * 60 * 60
  }

  dynamic "lifecycle_rule" {
    for_each = var.keep_logs_days > 0 ? [var.keep_logs_days] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = ["${local.root}audit/"]
        with_state     = "LIVE"
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.bucket_versioning ? [var.noncurrent_days] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  depends_on = [time_sleep.apis]
}

# What the collector may do: read and list everything, create objects, and overwrite or delete below state/ alone.
# Overwriting takes storage.objects.delete (Cloud Storage: "IAM permissions"); logs are never overwritten.
resource "google_storage_bucket_iam_member" "collector_reads" {
  bucket = local.bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.collector.member
}

resource "google_storage_bucket_iam_member" "collector_creates" {
  bucket = local.bucket
  role   = "roles/storage.objectCreator"
  member = google_service_account.collector.member

  dynamic "condition" {
    for_each = var.bucket_prefix == "" ? [] : [local.root]
    content {
      title       = "${local.names.function} folder"
      description = "New objects in the collector's own folder only"
      expression  = "resource.name.startsWith(\"projects/_/buckets/${local.bucket}/objects/${condition.value}\")"
    }
  }
}

resource "google_storage_bucket_iam_member" "collector_replaces_state" {
  bucket = local.bucket
  role   = "roles/storage.objectUser"
  member = google_service_account.collector.member

  condition {
    title       = "${local.names.function} state"
    description = "Overwriting and deleting below state/ only"
    expression  = "resource.name.startsWith(\"projects/_/buckets/${local.bucket}/objects/${local.root}state/\")"
  }
}

# Roles of the feed's account: Google SecOps, "Configure Cloud Storage feeds". The legacy role has storage.buckets.get.
resource "google_storage_bucket_iam_member" "feed" {
  for_each = var.feed_service_account == null ? [] : toset([
    "roles/storage.objectViewer",
    var.feed_deletes_logs ? "roles/storage.legacyBucketWriter" : "roles/storage.legacyBucketReader",
  ])

  bucket = local.bucket
  role   = each.value
  member = "serviceAccount:${var.feed_service_account}"
}
