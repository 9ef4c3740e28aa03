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
