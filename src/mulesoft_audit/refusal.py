"""What Google's error bodies say: a policy's constraint, an API that is off, permissions that are missing.

The texts differ by API and are held in tests/cloud/google/refusals.json, each with its source.
"""

from __future__ import annotations

import re
from typing import Any

DOMAINS = "iam.allowedPolicyMemberDomains"
SECOPS_CUSTOMER = "C02h8e9nw"  #: Google SecOps' directory customer ("Use the Feed Management UI")
_DISABLED = ("SERVICE_DISABLED", "accessNotConfigured")
_CONSTRAINT = re.compile(r"\bconstraints/([a-zA-Z]+(?:\.[a-zA-Z0-9]+)+)")
_DOMAINS_SAID = re.compile(r"permitted customer|" + re.escape(DOMAINS))
_LOCATION_SAID = re.compile(r"violates constraint.*location", re.IGNORECASE)
# "Service account service-802…@gcp-sa-logging.iam.gserviceaccount.com does not exist."
_AGENT_MISSING = re.compile(r"service-(\d+)@([a-z-]+)\.iam\.gserviceaccount\.com does not exist")
_AGENTS = {"gcf-admin-robot": "cloudfunctions", "serverless-robot-prod": "run"}  #: those not called after their service
_BUILD_ROLES = {
    "Storage Object Viewer": "roles/storage.objectViewer",
    "Logs Writer": "roles/logging.logWriter",
    "Artifact Registry Writer": "roles/artifactregistry.writer",
}
_BUILDS = re.compile(rf"\bgrant (?:the )?({'|'.join(_BUILD_ROLES)})\b")
_DENIED = re.compile(r"permission|access|denied|lacks", re.IGNORECASE)
_OFF = re.compile(r"has not been used in project ([a-z0-9][a-z0-9-]*) before or it is disabled")
_PROJECT = re.compile(r"\bproject[ =]#?([a-z0-9][a-z0-9-]+)")
_API = re.compile(r"\b([a-z0-9-]+\.googleapis\.com)\b")
# "Permission 'run.services.get' denied on …", "… does not have storage.buckets.get access to …", "missing permission
# on …: cloudscheduler.jobs.create".
_PERMISSION = re.compile(r"\b([a-z][a-zA-Z]+\.[a-zA-Z]+\.[a-zA-Z]+)\b(?!\.)")


def details(error: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of an `error` object that say more, of both shapes that Google uses."""
    items = [*error.get("details", []), *error.get("errors", [])]
    return [item for item in items if isinstance(item, dict)]


def constraint(error: dict[str, Any]) -> str:
    """Return the organization policy's constraint that an `error` object names, without `constraints/`; "" for none."""
    said = f"{error.get('message', '')} {details(error)}"
    if _DOMAINS_SAID.search(said):
        return DOMAINS
    if found := _CONSTRAINT.search(said):
        return found[1]
    return "gcp.resourceLocations" if _LOCATION_SAID.search(said) else ""


def lift(name: str) -> str:
    """Return who can lift a constraint, and what has to be allowed where that is known."""
    who = "Whoever holds roles/orgpolicy.policyAdmin can make an exception for this project."
    if name == DOMAINS:
        return f"For the SecOps feed's account, allow customer ID {SECOPS_CUSTOMER} in {DOMAINS}. {who}"
    return who


def disabled(error: dict[str, Any]) -> tuple[str, str] | None:
    """Return the API and the project that a SERVICE_DISABLED names, each "" if it does not; None for other errors."""
    items = details(error)
    if not any(item.get("reason") in _DISABLED for item in items):
        return None
    said = str(error.get("message", ""))
    data: dict[str, Any] = next((one["metadata"] for one in items if isinstance(one.get("metadata"), dict)), {})
    api = str(data.get("service", "")) or _first(_API, said)
    return api, str(data.get("consumer", "")).removeprefix("projects/") or _first(_PROJECT, said)


def enable(api: str, project: str) -> str:
    """Return the command that enables an API."""
    return f"Run `gcloud services enable {api or 'API'} --project {project or 'PROJECT'}`."


def permissions(error: dict[str, Any]) -> list[str]:
    """Return the permissions that an error names, in the order it names them."""
    data = [item["metadata"] for item in details(error) if isinstance(item.get("metadata"), dict)]
    spoken = _PERMISSION.findall(str(error.get("message", "")))
    found = [name for name in (*(str(one.get("permission", "")) for one in data), *spoken) if name]
    return [name for name in dict.fromkeys(found) if not name.endswith((".com", ".html"))]


def remedy(error: dict[str, Any]) -> str:
    """Return what to do about an `error` object, or a state's message; "" if it names nothing that is known here."""
    said = str(error.get("message", ""))
    if name := constraint(error):
        return lift(name)
    if found := _AGENT_MISSING.search(said):
        number, domain = found.groups()
        service = _AGENTS.get(domain, domain.removeprefix("gcp-sa-"))
        made = f"`gcloud beta services identity create --service {service}.googleapis.com --project {number}`"
        return f"Run {made}, wait a minute, and run the command again."
    if found := _BUILDS.search(said):
        role = _BUILD_ROLES[found[1]]
        return (
            f"Give whoever builds the function {role}, or run `mulesoft-audit deploy`, which makes an account for it."
        )
    if found := _OFF.search(said):
        return enable(_first(_API, said), found[1])
    missing = permissions(error) if _DENIED.search(said) else []
    if any(name.lower() == "iam.serviceaccounts.actas" for name in missing):
        return f"Missing: {', '.join(missing)}. Ask for roles/iam.serviceAccountUser on the project."
    return f"Missing: {', '.join(missing)}. docs/deploy.md lists the roles that hold it." if missing else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
