"""Who we are to Google: Application Default Credentials, or nobody at a control plane on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mulesoft_audit.cloud.google.endpoint import ENDPOINT, local_endpoint
from mulesoft_audit.errors import CredentialsError
from mulesoft_audit.extras import require

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from google.auth.credentials import Credentials

    from mulesoft_audit.clock import Stop
    from mulesoft_audit.cloud.google.client import Google

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def connect(stop: Stop, tell: Callable[[str], None] = lambda _: None, *, project: str = "") -> Google:
    """Return a client for Google's APIs.

    The environment variable `MULESOFT_AUDIT_GOOGLE_ENDPOINT` sends every call to a control plane on this machine
    instead, without credentials; any other host is refused, because it would be handed an access token.

    Args:
        stop: the wish to stop, and the clock.
        tell: where progress of waits is shown, a line each.
        project: whose quota a person's own credentials use, if they name no other.

    Raises:
        CredentialsError: no Application Default Credentials.
        UsageError: the Google libraries are not installed, or the endpoint is not on this machine.
    """
    require("gcp", "Talking to Google Cloud")
    from mulesoft_audit.cloud.google.client import Google

    endpoint = local_endpoint(os.environ.get(ENDPOINT, ""))
    return Google(_anonymous() if endpoint else _authorized(project), stop, endpoint=endpoint, tell=tell)


def _anonymous() -> requests.Session:
    import requests

    session = requests.Session()
    session.trust_env = False
    return session


def _authorized(project: str) -> requests.Session:
    import google.auth
    import google.auth.exceptions
    import google.auth.transport.requests

    from mulesoft_audit.cloud.google.errors import LOGIN

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except google.auth.exceptions.GoogleAuthError as error:
        raise CredentialsError("There are no Application Default Credentials on this machine.", LOGIN) from error
    credentials = _with_quota(credentials, project)
    session: requests.Session = google.auth.transport.requests.AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return session


def _with_quota(credentials: Credentials, project: str) -> Credentials:
    """Return a person's credentials with a project whose quota they use.

    Without one, several APIs refuse them, with words about a project that nobody knows ("Troubleshoot your ADC setup").
    """
    import google.oauth2.credentials

    person = isinstance(credentials, google.oauth2.credentials.Credentials)
    if person and project and not credentials.quota_project_id:
        return credentials.with_quota_project(project)  # type: ignore[attr-defined, no-any-return]
    return credentials
