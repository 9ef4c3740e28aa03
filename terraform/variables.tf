# Where, and how it is called ----------------------------------------------------------------------------------------

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

# Anypoint -----------------------------------------------------------------------------------------------------------

variable "mule_org_id" {
  description = "The ID of Anypoint's root organization; its business groups are collected, too."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", var.mule_org_id))
    error_message = "Expected an organization's ID such as 0a12b3c4-d5e6-789f-1021-1a2b34cd5e6f."
  }
}

variable "client_id" {
  description = "The client ID of the connected app, which needs the scope Audit Log Viewer in every business group to collect."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^[:space:]]+$", var.client_id))
    error_message = "Expected the connected app's client ID, without spaces."
  }
}

variable "client_secret" {
  description = "The connected app's client secret, at every plan and apply (TF_VAR_client_secret): stored in Secret Manager, never in a plan or a state. Empty with `existing_secret`."
  type        = string
  default     = ""
  nullable    = false
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = (var.client_secret == "") == (var.existing_secret != null)
    error_message = "Set either client_secret (in the environment: TF_VAR_client_secret) or existing_secret."
  }
}

variable "client_secret_version" {
  description = "Raise it by one to have a new `client_secret` stored; otherwise the stored one stays as it is."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.client_secret_version >= 1 && floor(var.client_secret_version) == var.client_secret_version
    error_message = "Expected a whole number, 1 or more."
  }
}

variable "anypoint_plane" {
  description = "Anypoint's control plane: us, eu, gov, ca, jp, in or au."
  type        = string
  default     = "us"
  nullable    = false

  validation {
    condition     = contains(["us", "eu", "gov", "ca", "jp", "in", "au"], var.anypoint_plane)
    error_message = "Expected us, eu, gov, ca, jp, in or au. (A private cloud edition: environment = { ANYPOINT_BASE_URL = \"https://HOST\" }.)"
  }
}

variable "environment" {
  description = "Further settings of the collector, as environment variables, such as HTTP_TIMEOUT or REQUESTS_PER_MINUTE. No secrets."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !can(regex("SECRET|PASSWORD", name)) &&
      !contains(["MULE_ORG_ID", "CLIENT_ID", "GCS_BUCKET", "GCS_PREFIX", "ANYPOINT_PLANE", "CONTINUE_TOPIC"], name)
    ])
    error_message = "Expected names in capitals. No secrets: they would be in the state. What has a variable of its own is set by that."
  }
  validation {
    condition     = can(regex("^[1-9][0-9]{0,5}$", lookup(var.environment, "REQUESTS_PER_MINUTE", "1")))
    error_message = "REQUESTS_PER_MINUTE is to be a number, 1 or more."
  }
}

variable "existing_secret" {
  description = "A secret that holds the client secret and is managed elsewhere: projects/PROJECT/secrets/SECRET. Null makes one."
  type        = string
  default     = null

  validation {
    condition     = var.existing_secret == null || can(regex("^projects/[^/]+/secrets/[A-Za-z0-9_-]{1,255}$", var.existing_secret))
    error_message = "Expected projects/PROJECT/secrets/SECRET."
  }
}

variable "existing_secret_version" {
  description = "The version of `existing_secret` that the function is given: a number, or latest."
  type        = string
  default     = "latest"
  nullable    = false

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.existing_secret_version))
    error_message = "Expected latest or a version's number."
  }
}

variable "secret_locations" {
  description = "Regions in which the secret is kept; null for `region`, an empty list for Google's choice, which is refused where an organization policy limits locations. It cannot be changed later."
  type        = list(string)
  default     = null

  validation {
    condition     = alltrue([for location in coalesce(var.secret_locations, []) : can(regex("^[a-z]+(-[a-z]+)+[0-9]+$", location))])
    error_message = "Expected regions such as europe-west3."
  }
}

# The archive --------------------------------------------------------------------------------------------------------

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

# The function -------------------------------------------------------------------------------------------------------

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

# Delivery and schedule ----------------------------------------------------------------------------------------------

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

# Network ------------------------------------------------------------------------------------------------------------

variable "static_egress_ip" {
  description = "Whether requests leave through a static address of their own: a network, Cloud NAT and Direct VPC egress are made for it. Anypoint's limit is per address."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !(var.static_egress_ip && var.vpc != null)
    error_message = "Set static_egress_ip or vpc: a network of yours has its own way out."
  }
}

variable "egress_cidr" {
  description = "Addresses of the network that `static_egress_ip` makes: a /26 or larger."
  type        = string
  default     = "10.8.0.0/26"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.egress_cidr)) && try(tonumber(split("/", var.egress_cidr)[1]) <= 26, false)
    error_message = "Expected an IPv4 range such as 10.8.0.0/26; /26 is the smallest that Direct VPC egress takes."
  }
}

variable "vpc" {
  description = "A network of yours to send all requests through (Direct VPC egress), with Private Google Access and a NAT of its own."
  type = object({
    network    = string
    subnetwork = string
    tags       = optional(list(string), [])
  })
  default = null
}

# Watching -----------------------------------------------------------------------------------------------------------

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
