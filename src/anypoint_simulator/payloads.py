"""What the products put into `payload`: mostly `{subaction, properties}`, some a flat object, some nothing.

Shapes follow the vendor's samples where there are any (Anypoint MQ: Audit Logs; CloudHub 2.0: Horizontal Autoscaling)
and the tables of "Access Management: Audit Logging" elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anypoint_simulator.organizations import Organization, make_uuid

if TYPE_CHECKING:
    import random

    from anypoint_simulator.catalogue import Kind
    from anypoint_simulator.people import Actor
    from anypoint_simulator.things import Thing

Properties = dict[str, Any]
REGIONS = ("us-east-1", "eu-central-1", "ap-northeast-1", "sa-east-1")
ROLES = (
    "Exchange Viewer",
    "Exchange Contributor",
    "Manage APIs Configuration",
    "Audit Log Viewer",
    "View Organization",
)
SCOPES = ("read:audit_logs", "manage:runtime_fabrics", "admin:cloudhub", "profile", "edit:organization")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known when a payload is written."""

    rng: random.Random
    organization: Organization
    kind: Kind
    actor: Actor
    things: tuple[Thing, ...]
    moment: int

    @property
    def environment_id(self) -> str | None:
        """The environment of the first object, if it has one."""
        environment = self.things[0].environment
        return environment.id if environment else None


def payload_of(scene: Scene) -> Properties:
    """Return the whole payload of an entry."""
    kind = scene.kind
    if kind.platform == "Anypoint MQ":
        return queue(scene)  # flat, as the vendor's sample is: no subaction, no properties
    if kind.platform == "DataGraph" or kind.action == "Logout":
        return {}
    properties = BUILDERS.get((kind.platform, kind.types[0]), metadata)(scene)
    if kind.subaction == "Scaling":
        properties = scaling(scene)
    return {"subaction": kind.subaction, "properties": properties} if kind.subaction else {"properties": properties}


def metadata(scene: Scene) -> Properties:
    """The description of an object, before and after."""
    thing, rng = scene.things[0], scene.rng
    described: Properties = {
        "id": thing.id,
        "name": thing.name_at(scene.moment),
        "organizationId": scene.organization.id,
        "description": f"{thing.name} of {scene.organization.name}, kept by {scene.actor.user_name or 'automation'}",
        "createdDate": scene.moment - rng.randrange(10**10),
        "updatedDate": scene.moment,
        "labels": [f"label-{rng.randrange(50)}" for _ in range(rng.randrange(2, 7))],
        "enabled": rng.random() < 0.9,
        "revision": rng.randrange(1, 400),
    }
    if rng.random() < 0.3:
        described["tags"] = {f"key{number}": make_uuid(rng) for number in range(rng.randrange(1, 9))}
    return {"before": {**described, "revision": described["revision"] - 1}, "after": described}


def user(scene: Scene) -> Properties:
    """A user: the error of a failed login, nothing for a good one, the user's object otherwise."""
    kind = scene.kind
    if "Failure" in kind.subaction:
        return {
            "error": scene.rng.choice(("Invalid username or password", "Account is locked", "MFA challenge failed"))
        }
    return {} if kind.action == "Login" else {"user": metadata(scene)["after"]}


def permission(scene: Scene) -> Properties:
    """New permissions, a few or many."""
    rng, context = scene.rng, {"org": scene.organization.id, "envId": scene.organization.environments[0].id}
    return {
        "permissions": [
            {"role_id": make_uuid(rng), "name": rng.choice(ROLES), "context_params": context}
            for _ in range(rng.randrange(1, 8))
        ]
    }


def team(scene: Scene) -> Properties:
    """A team, its members, permissions or external groups."""
    rng, thing = scene.rng, scene.things[0]
    properties: Properties = {
        "org_id": scene.organization.id,
        "team_id": thing.id,
        "team_name": thing.name_at(scene.moment),
        "team_type": "internal",
        "ancestor_team_ids": [make_uuid(rng) for _ in range(rng.randrange(1, 4))],
        "previous_ancestor_team_ids": [],
    }
    if "Members" in scene.kind.subaction:
        members = [{"id": make_uuid(rng), "membership_type": "member"} for _ in range(rng.randrange(1, 9))]
        properties["members"] = members
    return properties | (permission(scene) if "permissions" in scene.kind.subaction else {})


def connected_app(scene: Scene) -> Properties:
    """A connected app or a token of it; a refused token has an error and the same action."""
    actor, rng = scene.actor, scene.rng
    app = {
        "client_id": scene.things[0].id,
        "client_name": scene.things[0].name_at(scene.moment),
        "org_id": scene.organization.id,
        "grant_types": ["client_credentials"],
        "scopes": sorted(rng.sample(SCOPES, rng.randrange(1, len(SCOPES)))),
    }
    properties: Properties = {"connectedApp": app}
    if scene.kind.action == "Login":
        properties["clientIP"] = actor.ip or "198.51.100.7"
        if rng.random() < 0.03:
            properties["error"] = "invalid_client"
    return properties


def application(scene: Scene) -> Properties:
    """An application as Runtime Manager describes it."""
    rng, thing = scene.rng, scene.things[0]
    return {
        "organizationId": scene.organization.id,
        "environmentId": scene.environment_id,
        "domain": thing.name_at(scene.moment),
        "fullDomain": f"{thing.id[:8]}.eu.cloudhub.io",
        "muleVersion": {"version": rng.choice(("4.6.12", "4.9.0", "4.4.0-20240108")), "updateId": make_uuid(rng)},
        "region": rng.choice(REGIONS),
        "workers": {"amount": rng.randrange(1, 8), "type": {"name": "Micro", "weight": 0.1, "cpu": "0.1 vCores"}},
        "properties": {f"app.{word}.url": f"https://{word}.internal.example/{make_uuid(rng)}" for word in ("db", "mq")},
        "filename": f"{thing.name}-1.{rng.randrange(40)}.{rng.randrange(9)}-mule-application.jar",
        "checksum": f"{rng.getrandbits(256):064x}",
        "staticIPsEnabled": rng.random() < 0.2,
        "monitoringAutoRestart": True,
        "lastUpdateTime": scene.moment - rng.randrange(1000),
    }


def scaling(scene: Scene) -> Properties:
    """A replica change, with the messages of the vendor's sample."""
    thing, count = scene.things[0], scene.rng.randrange(1, 9)
    message = f"Application id:{thing.id} scaled DOWN from {count + 1} to {count} replicas."
    body = {"message": message, "logLevel": "INFO", "context": {"logger": "Runtime Manager"}, "timestamp": scene.moment}
    environment = f"/environments/{scene.environment_id}"
    return {
        "organizationId": scene.organization.id,
        "environmentId": scene.environment_id,
        "response": {"message": body},
        "deploymentId": thing.id,
        "initialRequest": f"/organizations/{scene.organization.id}{environment}/deployments/{thing.id}/specs/1",
    }


def queue(scene: Scene) -> Properties:
    """A queue, an exchange, a binding or a client of Anypoint MQ."""
    thing, rng = scene.things[0], scene.rng
    return {
        "organizationId": scene.organization.id,
        "environmentId": scene.environment_id,
        "objectName": thing.name_at(scene.moment),
        "userName": scene.actor.user_name,
        "objectId": thing.id,
        "regionId": rng.choice(REGIONS),
        "defaultTtlMillis": 604_800_000,
        "defaultLockTtlMillis": 180_000,
        "encrypted": rng.random() < 0.9,
        "deadLetterQueueId": f"{thing.id}-dlq",
        "maxDeliveries": rng.randrange(1, 100),
        "fifo": rng.random() < 0.2,
    }


def project(scene: Scene) -> Properties:
    """A Design Center project."""
    rng, thing = scene.rng, scene.things[0]
    dependency = {"groupId": scene.organization.id, "assetId": "common-types", "version": f"1.{rng.randrange(20)}.0"}
    return {
        "orgID": scene.organization.id,
        "userID": scene.actor.user_id,
        "projectName": thing.name_at(scene.moment),
        "branchName": rng.choice(("master", "feature/größe", "release-2")),
        "targetFile": f"/src/{thing.name}.raml",
        "dependencies": [dependency] * rng.randrange(1, 5),
        "repositoryName": f"{scene.organization.name}/{thing.name}",
    }


def secret(scene: Scene) -> Properties:
    """A secret group or a secret: a path and a transaction, never the secret."""
    group = (
        f"/organizations/{scene.organization.id}/environments/{scene.environment_id}/secretGroups/{scene.things[0].id}"
    )
    return {"path": group, "transactionId": make_uuid(scene.rng)}


Builder = Callable[[Scene], Properties]
BUILDERS: dict[tuple[str, str], Builder] = {
    ("CoreServices", "User"): user,
    ("CoreServices", "Role"): permission,
    ("CoreServices", "Team"): team,
    ("CoreServices", "Connected Application"): connected_app,
    ("CoreServices", "External Authorization"): lambda _: {},
    ("Runtime Manager", "Application"): application,
    ("cloudhub", "Application"): application,
    ("designcenter", "Project"): project,
    ("designcenter", "Files"): project,
    **{("Secrets Manager", name): secret for name in ("secretGroup", "sharedSecret", "keystore", "certificate")},
}
