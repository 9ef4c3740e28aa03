variable "project_id" {
  description = "The project in which everything is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "Expected a project ID such as my-project-123 (not its number, not its display name)."
  }
}

variable "region" {
  description = "The region of the function, the schedule, the secret and, unless `bucket_location` says otherwise, the archive."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+(-[a-z]+)+[0-9]+$", var.region))
    error_message = "Expected a region such as europe-west3."
  }
}

variable "name" {
  description = "What the names of all resources are made of. Two deployments in one project need different ones."
  type        = string
  default     = "mulesoft"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", var.name))
    error_message = "Expected 1 to 20 lower-case letters, digits and hyphens, beginning with a letter and not ending in a hyphen."
  }
}

variable "names" {
  description = "Names that are to differ from what `name` makes of them, such as those of resources that exist and are imported."
  type = object({
    service_account          = optional(string)
    push_service_account     = optional(string)
    build_service_account    = optional(string)
    bucket                   = optional(string)
    source_bucket            = optional(string)
    secret                   = optional(string)
    topic                    = optional(string)
    subscription             = optional(string)
    dead_letter_topic        = optional(string)
    dead_letter_subscription = optional(string)
    function                 = optional(string)
    job                      = optional(string)
    network                  = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for account in [var.names.service_account, var.names.push_service_account, var.names.build_service_account] :
      account == null || can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", account))
    ])
    error_message = "A service account's name has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
  validation {
    condition = alltrue([
      for bucket in [var.names.bucket, var.names.source_bucket] :
      bucket == null || can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", bucket))
    ])
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits, hyphens, underscores and dots; no gs://."
  }
}

variable "labels" {
  description = "Labels for everything that can have labels."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "A label's key and value have lower-case letters, digits, hyphens and underscores, 63 at most; a key begins with a letter."
  }
}

variable "enable_apis" {
  description = "Whether to switch on the APIs that are needed. They are never switched off again. False if somebody else does it."
  type        = bool
  default     = true
  nullable    = false
}
