variable "source_zip" {
  description = "Path of the function's source, a zip file made of what `mulesoft-audit function build` writes."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists(var.source_zip)
    error_message = "There is no such file. `mulesoft-audit deploy write` makes it."
  }
}

variable "source_bucket" {
  description = "A bucket that is there already, for the function's source; null makes a small one."
  type        = string
  default     = null

  validation {
    condition     = var.source_bucket == null || can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.source_bucket))
    error_message = "Expected a bucket's name, without gs://."
  }
}

variable "runtime" {
  description = "The function's runtime: python312 or later."
  type        = string
  default     = "python312"
  nullable    = false

  validation {
    condition     = can(regex("^python3(1[2-9]|[2-9][0-9])$", var.runtime))
    error_message = "Expected python312 or later."
  }
}

variable "memory" {
  description = "The function's memory. 512Mi is enough for any number of entries."
  type        = string
  default     = "512Mi"
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi|M|G)$", var.memory))
    error_message = "Expected an amount such as 512Mi or 1Gi."
  }
}

variable "cpu" {
  description = "The function's CPUs."
  type        = string
  default     = "1"
  nullable    = false

  validation {
    condition     = contains(["1", "2", "4", "6", "8"], var.cpu)
    error_message = "Expected 1, 2, 4, 6 or 8."
  }
}

variable "timeout_seconds" {
  description = "Seconds for one run. One that needs longer is continued by the next message. Pub/Sub waits 600 s, so that it must be less."
  type        = number
  default     = 570
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 60 && var.timeout_seconds <= 590
    error_message = "Expected 60 to 590 seconds: Pub/Sub delivers a message again if it is not acknowledged in 600."
  }
}

variable "min_instances" {
  description = "Instances that are kept running."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.min_instances >= 0 && var.min_instances <= var.max_instances
    error_message = "Expected 0 or more, and not more than max_instances."
  }
}

variable "max_instances" {
  description = "Instances that may run at once. One is enough for scheduled runs; a backfill by messages may use more, which then need RATE_SHARE in `environment`."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 1000
    error_message = "Expected 1 to 1000."
  }
}

variable "build_service_account" {
  description = "Address of an account that builds the function and has the roles for it; null makes one."
  type        = string
  default     = null

  validation {
    condition     = var.build_service_account == null || can(regex("^[^@[:space:]:]+@[^@[:space:]]+\\.gserviceaccount\\.com$", var.build_service_account))
    error_message = "Expected an address that ends in .gserviceaccount.com."
  }
}
