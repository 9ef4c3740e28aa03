variable "alerts" {
  description = "Whether to make alert policies: no successful run, errors, undeliverable messages and, with `secops_project_id`, a silent feed."
  type        = bool
  default     = true
  nullable    = false
}

variable "alert_email" {
  description = "An address that alerts are sent to; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.alert_email == null || can(regex("^[^@[:space:]\"']+@[^@[:space:]\"']+\\.[^@[:space:]\"']+$", var.alert_email))
    error_message = "Expected an e-mail address."
  }
}

variable "notification_channels" {
  description = "Channels that alerts are sent to: projects/PROJECT/notificationChannels/ID, in `project_id`."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "Expected projects/PROJECT/notificationChannels/ID."
  }
}

variable "secops_project_id" {
  description = "The project that Google SecOps is linked to, in which its ingestion metrics are; null for no alert on the feed."
  type        = string
  default     = null

  validation {
    condition     = var.secops_project_id == null || can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.secops_project_id))
    error_message = "Expected a project ID such as my-secops-123."
  }
}

variable "secops_notification_channels" {
  description = "Channels in `secops_project_id` for the alert on the feed, if that is another project."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.secops_notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "Expected projects/PROJECT/notificationChannels/ID."
  }
}

variable "dashboard" {
  description = "Whether to make a dashboard."
  type        = bool
  default     = true
  nullable    = false
}
