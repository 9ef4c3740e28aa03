"""Every kind of entry the products document, as a table (Access Management: Audit Logging, October 2024).

A line reads `object type [+ second type] [< parent type]: action[/subaction]; …`. Spelling follows the products,
whose casing differs on purpose: filters and readers must not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass

ACCESS = """
User: Create; Delete; Edit/Password reset; Edit/Password changed; Edit/Disable user; Edit/Enable user; Login;
User: Login/Reauthenticate; Login/Failure; Login/Reauthentication Failure; Logout
Role: Create; Delete; Edit/Edit role mapping
Role + User: Edit/Add user; Edit/Remove user
User + Resource: Permissions change
Role + Resource: Permissions Change
Environment: Permissions change; Create; Edit; Delete
Team: Create; Update; Move; Delete; Edit/Add Members; Edit/Remove Members; Permissions change/Add permissions
Team: Permissions change/Remove permissions; Edit/Edit external group mapping
Identity management: Create; Edit; Delete
Identity management + User: None
Identity management key: Create; Edit/Set primary key; Delete
Organization < Organization: Create; Edit; Edit/Edit name; Edit/Edit owner; Delete
Entitlement: Edit/Edit entitlement
Connected Application: Create; Edit; Delete; Permissions Change/Add Assignments; Login/Token; Revoke Tokens
External Authorization: Approved; Denied
User IdP Profile: Create
"""
APIS = """
API: Create; Delete; Edit; Edit/update endpoint; Edit/edit endpoint URI
API version < API: Create; Create/Import API version; Delete; Deploy; Edit/Edit name; Edit/Edit description
API Version < API: Edit/Edit API URL; Edit/Add tag; Edit/Remove tag; Edit/Deprecate API
API version < API: Edit/Set terms & conditions; Edit/Create RAML; Edit/Edit RAML; Edit/Create endpoint
API version < API: Edit/Update endpoint; Edit/Configure endpoint
API (in environment) < API: create; delete; deploy
automated policy: create; edit; delete
Tier < API version: Create; Edit; Edit/Deprecate SLA tier; Delete
API policy < API version: Create; Edit; Delete
Policy: Create; Delete
Application: Create; Delete; Edit/Reset client secret
Application + API version: Create; Edit/Request tier change; Edit/Request tier change approval
Contract + API version: Create; Edit/Contract approval; Edit/Contract revoked; Edit/Contract restored
Terms & conditions < API version: Create; Edit
Portal theme: Create; Edit
Bus. Group: Edit
Portal: Create; Delete; Edit/Change portal association; Edit/Add portal page; Edit/Make page visible
Portal: Edit/Hide portal page; Edit/Set portal theme; Edit/Modify portal theme; Edit/Set security
Page < Portal: Edit/Edit portal page; Delete/Delete portal page
"""
RUNTIME = """
Application: Create; Start; Restart; Stop; Delete; Deploy; Redeploy; Redeploy/Update binary; Clear; Modify/Scaling
Application: Modify; Modify/Runtime update; Modify/Worker size; Modify/Properties; Modify/Queues; Modify/Log levels
Application: Modify/Schedules; Modify/Static IP
LoadBalancer: Create; Modify; Delete
Alert: Create; Modify; Delete
VPC: Create; Modify; Delete
VPN: Create; Modify; Delete
Server: Create; Delete; Modify/Rename
Server group: Create; Delete; Modify/Rename; Modify/Add server; Modify/Remove server
Cluster: Create; Delete; Modify/Rename; Modify/Add server; Modify/Remove server
Private Space: Create; Modify; Delete
"""
EXCHANGE = """
Asset: Create; Update; Delete; Granted or revoked permissions
Asset Version Group: Publish to public portal; Remove from public portal
Asset icon: Update; Delete
Asset managed tag: Create; Delete
Asset tags: Update
Tag configuration: Create; Update; Delete
Asset portal: Create; Publish
Asset portal page: Create; Update; Delete
API instance: Create; Update; Delete
Exchange file: Create; Update; Delete
Public portal: Create; Publish; Update; Delete
Public portal domain: Update; Delete
Public portal page: Create; Update; Delete
Asset portal review: Create; Update; Delete
Asset portal review comment: Create; Update; Delete
Organization: Delete
"""
DESIGN = """
Project: Create project; Delete project; Rename project; Import project; Share project; Clean branch; Create branch
Project: Delete branch; Save branch; Rename branch; Merge Branch; Delete file; Move file; Add dependencies
Project: Remove dependencies; Change dependencies; Reload dependencies; Publish to Exchange
Project: Publish to API Platform; Sync with Github; Unsync with Github; Modify organization settings
Project: Modify project settings
Files: Delete files
"""
QUEUES = """
Queue: create; modify; delete; purge
Exchange: create; modify; delete
Binding: create; delete
Client: create; delete; regenerate
"""
SECRETS = """
secretGroup: Create; Delete
sharedSecret < secretGroup: Create; Update
keystore < secretGroup: Create; Update
truststore < secretGroup: Create; Update
certificate < secretGroup: Create; Update
TLS context < secretGroup: Create; Update
pinset < secretGroup: Create; Update
"""
ROBOTS = """
Run configuration: Create; Edit; Delete; Deploy; Publish; Revoke; Pause; Continue
Process: Create; Edit; Delete
Bot: Register; Delete
Credential: Create; Edit; Delete
Global variable: Create; Edit; Delete
Application: Create; Edit; Delete
Service time: Create; Edit; Delete
"""
PRODUCTS = {
    "CoreServices": ("Access Management", ACCESS),
    "api-platform-api": ("API Manager", APIS),
    "Runtime Manager": ("Runtime Manager", RUNTIME),
    "cloudhub": ("CloudHub", "Application: Deploy; Start; Stop; Modify\nSchedule: Modify\n"),
    "exchange": ("Exchange", EXCHANGE),
    "designcenter": ("Design Center", DESIGN),
    "Mocking Service": ("Mocking Service", "Link: Create/Create Link; Delete/Delete Link\n"),
    "API Governance": ("API Governance", "Profile: Create; Update; Delete; Activate\n"),
    "DataGraph": ("DataGraph", "User: Add API; Update API; Remove API\n"),
    "Anypoint MQ": ("Anypoint MQ", QUEUES),
    "Object Store v2": ("Object Store v2", "Store: create; modify; delete\n"),
    "Secrets Manager": ("Secrets Manager", SECRETS),
    "RPA": ("RPA", ROBOTS),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: what a product writes when something is done to its objects."""

    platform: str
    types: tuple[str, ...]
    parent: str
    action: str
    subaction: str

    @property
    def root_only(self) -> bool:
        """Whether only the root organization has it: logins, logouts and client applications."""
        if self.platform == "CoreServices":
            return self.action in {"Login", "Logout", "Revoke Tokens"}
        return self.platform == "api-platform-api" and self.types == ("Application",)


def parse(platform: str, table: str) -> list[Kind]:
    """Read one product's table."""
    kinds = []
    for line in table.strip().splitlines():
        head, actions = line.split(": ", 1)
        types, _, parent = head.partition(" < ")
        for step in filter(None, (part.strip() for part in actions.split(";"))):
            action, _, subaction = step.partition("/")
            kinds.append(Kind(platform, tuple(types.split(" + ")), parent, action, subaction))
    return kinds


KINDS = tuple(kind for platform, (_, table) in PRODUCTS.items() for kind in parse(platform, table))
INDEX = {(kind.platform, kind.types[0], kind.action, kind.subaction): kind for kind in KINDS}


def find(platform: str, object_type: str, action: str, subaction: str = "") -> Kind:
    """Return the kind of that description; the story refers to kinds this way."""
    return INDEX[platform, object_type, action, subaction]
