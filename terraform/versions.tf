terraform {
  # Ephemeral variables and write-only arguments: the client secret is in no plan and in no state.
  required_version = ">= 1.11"

  required_providers {
    # 7.21 is the first with Direct VPC egress for functions (Google: "Direct VPC egress for 2nd gen functions").
    google = {
      source  = "hashicorp/google"
      version = ">= 7.21.0"
    }
    # For google_project_service_identity alone, which the google provider does not have.
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.21.0"
    }
    # Fresh APIs and grants take a while until they are known everywhere.
    time = {
      source  = "hashicorp/time"
      version = ">= 0.9.0"
    }
  }
}
