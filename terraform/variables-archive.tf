variable "existing_bucket" {
  description = "A bucket with uniform access that is managed elsewhere, without gs://. Null makes one."
  type        = string
  default     = null

  validation {
    condition     = var.existing_bucket == null || can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.existing_bucket))
    error_message = "Expected a bucket's name, without gs://."
  }
}

variable "bucket_prefix" {
  description = "A folder in the bucket for everything, without slashes at its ends. Archives that share a bucket need different ones."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9][A-Za-z0-9._=-]*(/[A-Za-z0-9][A-Za-z0-9._=-]*)*)?$", var.bucket_prefix))
    error_message = "Expected nothing, or a folder such as mulesoft/emea, without slashes at its ends."
  }
}

variable "bucket_location" {
  description = "The bucket's region, dual-region or multi-region; null for `region`. It cannot be changed later."
  type        = string
  default     = null

  validation {
    condition     = var.bucket_location == null || can(regex("^[A-Za-z]+([0-9]+|-[A-Za-z]+[0-9]+)?$", var.bucket_location))
    error_message = "Expected a location such as europe-west3, EUR4 or EU."
  }
}

variable "bucket_storage_class" {
  description = "The storage class of new objects. The feed reads each log once; the collector reads and writes `state/` at every run, so STANDARD is nearly always the cheapest."
  type        = string
  default     = "STANDARD"
  nullable    = false

  validation {
    condition     = contains(["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"], var.bucket_storage_class)
    error_message = "Expected STANDARD, NEARLINE, COLDLINE or ARCHIVE."
  }
}

variable "bucket_versioning" {
  description = "Whether what is overwritten or deleted in the bucket is kept for `noncurrent_days`."
  type        = bool
  default     = true
  nullable    = false
}

variable "noncurrent_days" {
  description = "Days for which overwritten and deleted objects are kept, with `bucket_versioning`."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.noncurrent_days >= 1 && var.noncurrent_days <= 3650
    error_message = "Expected 1 to 3650 days."
  }
}

variable "soft_delete_days" {
  description = "Days for which a deletion in the bucket, even of old versions, can be undone: 7 to 90, or 0 for not at all."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "Expected 0, or 7 to 90 days."
  }
}

variable "keep_logs_days" {
  description = "Days after which logs are deleted; 0 keeps them for ever. What the collector keeps under `state/` is never deleted by age."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.keep_logs_days == 0 || (var.keep_logs_days >= 7 && var.keep_logs_days <= 36500)
    error_message = "Expected 0, or 7 to 36500 days: the feed must have had time to read them."
  }
}

variable "delete_logs_on_destroy" {
  description = "Whether `terraform destroy` may delete the bucket with the logs in it. It has to be applied before it counts."
  type        = bool
  default     = false
  nullable    = false
}

variable "feed_service_account" {
  description = "The service account of the Google SecOps feed, to be given the roles on the bucket that the feed needs; null leaves that to whoever makes the feed."
  type        = string
  default     = null

  validation {
    condition     = var.feed_service_account == null || can(regex("^[^@[:space:]:]+@[^@[:space:]]+\\.gserviceaccount\\.com$", var.feed_service_account))
    error_message = "Expected an address that ends in .gserviceaccount.com, without serviceAccount: before it."
  }
}

variable "feed_deletes_logs" {
  description = "Whether the feed deletes what it has read (its source deletion option), for which it needs another role."
  type        = bool
  default     = false
  nullable    = false
}
