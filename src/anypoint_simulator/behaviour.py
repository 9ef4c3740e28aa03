"""How the local Anypoint responds: every documented rule has its default here, every unknown is a switch.

What is not documented anywhere is marked "a guess" in its description: a collector must be right either way.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]


def switch(group: str, text: str) -> Meta:
    """Describe one switch: the heading it is listed under, and what it does."""
    return Meta(description=text, extra={"group": group})


RESPONSES, ACCESS, TOKENS = "Responses", "Access", "Tokens"
LIMITS, TIME, FAULTS = "Limits", "Time and lateness", "Faults (each a probability per request)"

DRAWN = ("status", "reset", "reset_body", "cut", "cut_json", "html", "no_data", "slow", "slow_body")
FAULT_NAMES = ("none", *DRAWN)


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All switches of a running simulator; every one can be changed while it runs."""

    limit_over_200: Annotated[
        Literal["clamp", "refuse"], switch(RESPONSES, "A limit over 200: clamped, or refused with 400 (a guess).")
    ] = "clamp"
    total_cap: Annotated[Count, switch(RESPONSES, "Totals never exceed this; 0 is no cap (a guess).")] = 0
    total_on_empty_page: Annotated[bool, switch(RESPONSES, "The empty last page has the total too (a guess).")] = True
    cursor_expiry_seconds: Annotated[
        Seconds, switch(RESPONSES, "A cursor is refused after this long; 0 is never (a guess).")
    ] = 0
    cursor_bound_to: Annotated[
        Literal["nothing", "filters", "query"],
        switch(RESPONSES, "What may not change under a cursor: filters, or dates too (a guess)."),
    ] = "query"
    roll_up: Annotated[bool, switch(RESPONSES, "A group's query includes its children's entries (a guess).")] = False
    renames: Annotated[
        bool, switch(RESPONSES, "Old entries show current object names unless versioned objects are asked for.")
    ] = True
    case_sensitive: Annotated[bool, switch(RESPONSES, "Filters compare by case (a guess).")] = False
    error_bodies: Annotated[
        Literal["json", "text", "html", "empty"], switch(RESPONSES, "Bodies of 4xx responses (undocumented).")
    ] = "json"
    gzip: Annotated[bool, switch(RESPONSES, "Compress responses for clients that accept gzip.")] = True
    date_header: Annotated[bool, switch(RESPONSES, "Responses say in a Date header what time the simulator has.")] = (
        True
    )
    csv_rows: Annotated[Count, switch(RESPONSES, "Rows of one CSV response at most.")] = 300_000

    forbidden: Annotated[
        tuple[str, ...], switch(ACCESS, "Organization id whose audit log responds 403 (repeatable).")
    ] = ()
    hierarchy_forbidden: Annotated[bool, switch(ACCESS, "The hierarchy endpoint responds 403.")] = False
    me: Annotated[
        Literal["user", "no-user", "refused"], switch(ACCESS, "/accounts/api/me: with a user, without, or 401.")
    ] = "user"
    me_client_org_id: Annotated[bool, switch(ACCESS, "/accounts/api/me has client.org_id.")] = True

    token_seconds: Annotated[Seconds, switch(TOKENS, "Lifetime of a token.")] = 3600
    expires_in: Annotated[bool, switch(TOKENS, "The token response has expires_in.")] = True
    token_cap: Annotated[Count, switch(TOKENS, "Active tokens allowed at once; 0 is no cap (EU, Gov: 100).")] = 0
    over_cap: Annotated[
        Literal["403", "429", "evict"],
        switch(TOKENS, "At the cap: a status, or the oldest token stops working (a guess)."),
    ] = "403"
    token_entries: Annotated[bool, switch(TOKENS, "Each token issued is a Login/Token entry of the root.")] = True

    requests_per_minute: Annotated[
        Count, switch(LIMITS, "Audit requests a minute and IP; over it 503, empty body (US 700, others 40; 0 off).")
    ] = 0
    limit_kind: Annotated[
        Literal["clock", "rolling"], switch(LIMITS, "The minute of the limit: the clock's, or the last 60 s.")
    ] = "clock"
    minute_seconds: Annotated[
        float, Meta(gt=0), switch(LIMITS, "Length of the limiter's minute, shorter for benchmarks.")
    ] = 60
    retry_after: Annotated[
        Literal["none", "seconds", "date"], switch(LIMITS, "Retry-After on responses over the limit (undocumented).")
    ] = "none"
    accounts_per_minute: Annotated[
        Count, switch(LIMITS, "Accounts requests a minute and IP, with X-RateLimit headers; 0 off.")
    ] = 0
    accounts_limit_status: Annotated[
        Literal["429", "503"], switch(LIMITS, "Status of accounts requests over their limit.")
    ] = "429"

    latency_ms: Annotated[Seconds, switch(TIME, "Milliseconds before each response.")] = 0
    late_share: Annotated[
        Share, switch(TIME, "Share of entries that become visible late (existing ones: set it at the start).")
    ] = 0
    late_seconds: Annotated[Seconds, switch(TIME, "How long after its timestamp a late entry is visible.")] = 600
    retention_days: Annotated[
        int, Meta(ge=1), switch(TIME, "Days that entries are kept, as retentionSettings says until it is changed.")
    ] = 365
    retention_deletes: Annotated[
        bool, switch(TIME, "Entries older than that are gone, to the millisecond (a guess); off: only said.")
    ] = False
    clock_offset_seconds: Annotated[float, switch(TIME, "Moves the simulator's clock.")] = 0

    fault_status: Annotated[Share, switch(FAULTS, "A status of --fault-statuses with some body.")] = 0
    fault_statuses: Annotated[
        tuple[Annotated[int, Meta(ge=400, le=599)], ...], switch(FAULTS, "Statuses to choose from (repeatable).")
    ] = (500, 502, 503, 504)
    fault_bodies: Annotated[
        tuple[Literal["json", "html", "empty"], ...], switch(FAULTS, "Bodies of those (repeatable).")
    ] = ("json", "html", "empty")
    fault_reset: Annotated[Share, switch(FAULTS, "Connection reset before the response.")] = 0
    fault_reset_body: Annotated[Share, switch(FAULTS, "Connection reset amid the body.")] = 0
    fault_cut: Annotated[Share, switch(FAULTS, "Body shorter than its Content-Length, then closed.")] = 0
    fault_cut_json: Annotated[Share, switch(FAULTS, "Body of the right length, its JSON cut off.")] = 0
    fault_html: Annotated[Share, switch(FAULTS, "Status 200 with an HTML page.")] = 0
    fault_no_data: Annotated[Share, switch(FAULTS, "Status 200 with a JSON object that has no data.")] = 0
    fault_slow: Annotated[Share, switch(FAULTS, "Response delayed by --slow-seconds.")] = 0
    fault_slow_body: Annotated[Share, switch(FAULTS, "Body dripped over --slow-seconds.")] = 0
    slow_seconds: Annotated[Seconds, switch(FAULTS, "How slow the slow faults are.")] = 2
    fault_script: Annotated[
        tuple[str, ...],
        switch(FAULTS, "Faults of the next requests in order: none, a status, or reset, html… (repeatable)."),
    ] = ()
    fault_limit: Annotated[Count, switch(FAULTS, "No more drawn faults after this many; 0 is no end.")] = 0
    fault_accounts: Annotated[bool, switch(FAULTS, "Faults also hit the accounts endpoints.")] = False
    fault_seed: Annotated[int, switch(FAULTS, "Seed of the faults.")] = 1

    def __post_init__(self) -> None:
        for name in self.fault_script:
            if name not in FAULT_NAMES and not (name.isdigit() and 200 <= int(name) <= 599):
                raise ValueError(f"there is no fault {name!r}; there are {', '.join(FAULT_NAMES)}, and statuses")

    def changed(self, changes: dict[str, Any]) -> Behaviour:
        """Return a copy with these switches changed.

        Raises:
            msgspec.ValidationError: a switch is unknown or its value is not allowed.
        """
        return msgspec.convert(msgspec.structs.asdict(self) | changes, Behaviour)
