variable "delivery_attempts" {
  description = "Failed deliveries after which a message goes to the dead-letter topic."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.delivery_attempts >= 5 && var.delivery_attempts <= 100
    error_message = "Expected 5 to 100."
  }
}

variable "schedule" {
  description = "When to collect, in five cron fields. Every quarter of an hour: `*/15 * * * *`."
  type        = string
  default     = "0 2 * * *"
  nullable    = false

  validation {
    condition = can(regex(join("", [
      "^(\\*|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?(,(\\*|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]?)?)*",
      " (\\*|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?(,(\\*|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]?)?)*",
      "( [A-Za-z0-9*,/-]+){3}$",
    ]), var.schedule))
    error_message = "Expected five cron fields, one space between them: minute, hour, day of month, month, day of week."
  }
  validation {
    condition     = var.schedule_interval_minutes != null || can(regex("^[^ ]+ [^ ]+ [*] [*] [*]$", var.schedule))
    error_message = "For a schedule that does not run every day, set schedule_interval_minutes: the longest time between two runs. The alerts need it."
  }
}

variable "time_zone" {
  description = "The time zone of `schedule`."
  type        = string
  default     = "UTC"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z]+(/[A-Za-z0-9_+-]+)*$", var.time_zone))
    error_message = "Expected a name of the tz database, such as UTC or Europe/Berlin."
  }
}

variable "schedule_interval_minutes" {
  description = "The longest time between two runs, from which the alerts follow; null derives it from `schedule`."
  type        = number
  default     = null

  validation {
    condition     = var.schedule_interval_minutes == null || try(var.schedule_interval_minutes >= 1 && var.schedule_interval_minutes <= 44640, false)
    error_message = "Expected 1 to 44640 minutes (31 days)."
  }
}

variable "schedule_paused" {
  description = "Whether the schedule is paused, as during a large backfill."
  type        = bool
  default     = false
  nullable    = false
}
