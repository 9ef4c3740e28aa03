# How long the alerts wait, for schedules of many kinds: the longest time between two runs.

mock_provider "google" {}
mock_provider "google-beta" {}
mock_provider "time" {}

variables {
  project_id    = "acme-logs-123"
  region        = "europe-west3"
  mule_org_id   = "0a12b3c4-d5e6-789f-1021-1a2b34cd5e6f"
  client_id     = "0123456789abcdef0123456789abcdef"
  client_secret = "not-a-secret"
  source_zip    = "versions.tf" # any file
}

run "every_quarter_of_an_hour" {
  command = plan

  variables {
    schedule = "*/15 * * * *"
  }
  assert {
    condition     = output.interval_minutes == 15 && output.silence_minutes == 45
    error_message = "Interval ${output.interval_minutes}, silence ${output.silence_minutes} minutes."
  }
}

run "working_hours" {
  command = plan

  variables {
    schedule = "*/30 8-18 * * *"
  }
  assert {
    condition     = output.interval_minutes == 810 && output.silence_minutes == 930
    error_message = "Interval ${output.interval_minutes}, silence ${output.silence_minutes} minutes."
  }
}

run "a_list" {
  command = plan

  variables {
    schedule = "0 2,3,14 * * *"
  }
  assert {
    condition     = output.interval_minutes == 720 && output.silence_minutes == 840
    error_message = "Interval ${output.interval_minutes}, silence ${output.silence_minutes} minutes."
  }
}

run "uneven_step" {
  command = plan

  variables {
    schedule = "*/25 * * * *"
  }
  assert {
    condition     = output.interval_minutes == 25 && output.silence_minutes == 55
    error_message = "Interval ${output.interval_minutes}, silence ${output.silence_minutes} minutes."
  }
}

run "weekdays_with_an_interval" {
  command = plan

  variables {
    schedule                  = "0 2 * * MON-FRI"
    schedule_interval_minutes = 4320
  }
  assert {
    condition     = output.silence_minutes == 4440
    error_message = "Silence is ${output.silence_minutes} minutes."
  }
}
