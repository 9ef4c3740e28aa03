# A way out of its own, if static_egress_ip is set: one network, one static address.
resource "google_compute_network" "egress" {
  # checkov:skip=CKV2_GCP_18:A network of its own has no rules but the implied ones: nothing comes in.
  count = var.static_egress_ip ? 1 : 0

  project                 = var.project_id
  name                    = local.names.network
  auto_create_subnetworks = false

  depends_on = [time_sleep.apis]
}

resource "google_compute_subnetwork" "egress" {
  count = var.static_egress_ip ? 1 : 0

  project                  = var.project_id
  region                   = var.region
  name                     = local.names.network
  network                  = google_compute_network.egress[0].id
  ip_cidr_range            = var.egress_cidr
  private_ip_google_access = true # Cloud Storage and Pub/Sub are reached without the NAT

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

resource "google_compute_address" "egress" {
  count = var.static_egress_ip ? 1 : 0

  project      = var.project_id
  region       = var.region
  name         = local.names.network
  address_type = "EXTERNAL"

  depends_on = [time_sleep.apis]
}

resource "google_compute_router" "egress" {
  count = var.static_egress_ip ? 1 : 0

  project = var.project_id
  region  = var.region
  name    = local.names.network
  network = google_compute_network.egress[0].id
}

resource "google_compute_router_nat" "egress" {
  count = var.static_egress_ip ? 1 : 0

  project                            = var.project_id
  region                             = var.region
  name                               = local.names.network
  router                             = google_compute_router.egress[0].name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.egress[0].self_link]
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.egress[0].id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
