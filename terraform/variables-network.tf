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
