"""Kubernetes and Cloud Run: manifests against the published schemas, what they start against the program."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.recipes.containerfile import read
from tests.recipes.running import RECIPES, ROOT, assert_options_exist, assert_settings

KUBERNETES = list(yaml.safe_load_all((RECIPES / "kubernetes.yaml").read_text()))
JOB = yaml.safe_load((RECIPES / "cloud-run-job.yaml").read_text())
VERSIONS = ("1.29", "1.37")
IMAGE = read(ROOT / "Containerfile")[-1]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", KUBERNETES, ids=lambda one: one["kind"])
def test_kubernetes_own_schema_knows_every_field(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def deployment() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pod of the Deployment and its container."""
    (found,) = [one for one in KUBERNETES if one["kind"] == "Deployment"]
    pod = found["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert found["spec"]["selector"]["matchLabels"] == found["spec"]["template"]["metadata"]["labels"]
    return pod, container


def test_the_pod_keeps_to_the_restricted_standard() -> None:
    """Kubernetes, "Pod Security Standards": restricted, and a read-only root besides."""
    pod, container = deployment()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {
        volume.keys() - {"name"} == {"secret"} or "persistentVolumeClaim" in volume for volume in pod["volumes"]
    } == {True}
    assert pod["automountServiceAccountToken"] is False
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert [step.text for step in IMAGE.steps if step.name == "USER"] == [user]


def test_what_the_pod_starts_and_is_asked_exists() -> None:
    pod, container = deployment()
    assert_options_exist(container["args"])
    for probe in (container["startupProbe"], container["livenessProbe"]):
        name, *words = probe["exec"]["command"]
        assert name == "mulesoft-audit"
        assert words[:2] == ["status", "--max-age"]
        assert_options_exist(words)
    assert_settings(one["name"] for one in container["env"])
    mounted = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounted.keys() == {one["name"] for one in pod["volumes"]}
    given = {one["name"]: one["value"] for one in container["env"]}
    assert given["ARCHIVE"] == mounted["archive"] == IMAGE.environment["ARCHIVE"]
    assert given["CLIENT_SECRET_FILE"] == f"{mounted['settings']}/client-secret"
    assert mounted["settings"] == f"{IMAGE.environment['XDG_CONFIG_HOME']}/mulesoft-audit"


def test_google_own_description_knows_every_field_of_the_job() -> None:
    path = files("googleapiclient.discovery_cache.documents") / "run.v1.json"
    schemas = json.loads(path.read_text(encoding="utf-8"))["schemas"]

    def check(value: Any, schema: dict[str, Any], where: str) -> None:
        if "$ref" in schema:
            schema = {"type": "object", **schemas[schema["$ref"]]}
        kind = schema["type"]
        if kind == "array":
            assert isinstance(value, list), where
            for one in value:
                check(one, schema["items"], where)
        elif kind == "object" and "properties" in schema:
            assert isinstance(value, dict), where
            assert value.keys() <= schema["properties"].keys(), where
            for name, one in value.items():
                check(one, schema["properties"][name], f"{where}.{name}")
        elif kind == "object":
            assert isinstance(value, dict), where
        else:
            expected = {"string": str, "integer": int, "boolean": bool, "number": float}[kind]
            assert isinstance(value, expected), f"{where} is {value!r}"

    check(JOB, {"$ref": "Job"}, "job")


def test_what_the_job_starts_exists_and_its_secrets_are_in_secret_manager() -> None:
    task = JOB["spec"]["template"]["spec"]["template"]["spec"]
    (container,) = task["containers"]
    assert_options_exist(container["args"])
    assert_settings(one["name"] for one in container["env"])
    given = {one["name"]: one.get("value") for one in container["env"]}
    (mount,), (volume,) = container["volumeMounts"], task["volumes"]
    assert mount["name"] == volume["name"]
    assert given["CLIENT_SECRET_FILE"] == f"{mount['mountPath']}/{volume['secret']['items'][0]['path']}"
    assert given["PING_URL"] is None, "it comes from Secret Manager"
