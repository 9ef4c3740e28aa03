"""Connections to one host: verified, within bounds, through the proxy that the environment names."""

from __future__ import annotations

import urllib.request

import urllib3
from urllib3.exceptions import HTTPError

from mulesoft_audit.anypoint.bounds import BoundedConnection, BoundedTlsConnection
from mulesoft_audit.errors import UsageError


def connections_to(base_url: str, connections: int, timeout: float) -> urllib3.HTTPConnectionPool:
    """Return the connections to one host, through the proxy that the environment names for it, if it does.

    Raises:
        UsageError: the proxy's address is malformed.
    """
    timeouts = urllib3.Timeout(connect=min(10.0, timeout), read=timeout)
    scheme, host = base_url.split("://", 1)
    proxy = urllib.request.getproxies().get(scheme)
    manager = urllib3.PoolManager(maxsize=connections, timeout=timeouts)
    if proxy and scheme == "https" and not urllib.request.proxy_bypass(host):
        try:
            manager = urllib3.ProxyManager(proxy, maxsize=connections, timeout=timeouts)
        except (HTTPError, ValueError) as error:  # its text stays out of the message: it may hold a password
            raise UsageError(
                "HTTPS_PROXY is not the address of a proxy; expected http://HOST:PORT.",
                "Correct it, or name the host in NO_PROXY.",
            ) from error
    pool = manager.connection_from_url(base_url)
    pool.ConnectionCls = BoundedTlsConnection if scheme == "https" else BoundedConnection
    return pool
