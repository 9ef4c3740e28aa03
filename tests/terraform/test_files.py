"""The module's files against each other, and against the collector: nothing of this needs a terraform."""

from __future__ import annotations

import re

from tests.terraform import readme
from tests.terraform.workspace import MODULE

from mulesoft_audit.anypoint.planes import PLANES
from mulesoft_audit.cloud.function import TIMEOUT
from mulesoft_audit.collect.report import as_fields
from mulesoft_audit.collect.summary import Summary
from mulesoft_audit.settings import Settings

NOT_SETTINGS = {TIMEOUT, "GOOGLE_CLOUD_PROJECT"}


def text(name: str) -> str:
    return (MODULE / name).read_text(encoding="utf-8")


def test_the_readme_lists_every_input_and_output_as_it_is() -> None:
    assert readme.README.read_text(encoding="utf-8") == readme.written(), "python -m tests.terraform.readme"


def test_every_variable_has_a_type_and_a_sentence_and_a_validation_unless_its_type_is_one() -> None:
    found = dict(readme.blocks("variable", *readme.VARIABLES))
    assert len(found) > 40
    for name, one in found.items():
        assert {"type", "description"} <= set(one), name
        assert readme.unquoted(one["description"]).endswith("."), name
    assert set(readme.VARIABLES) == {file.name for file in MODULE.glob("variables*.tf")}
    bodies = readme.bodies("variable", *readme.VARIABLES)
    unchecked = {name for name, body in bodies if "validation {" not in body}
    assert {name for name in unchecked if found[name]["type"] != "bool"} == {"vpc"}
    for name, one in readme.blocks("output", "outputs.tf"):
        assert readme.unquoted(one["description"]).endswith("."), name


def test_metrics_read_fields_that_a_run_logs() -> None:
    fields = as_fields(Summary(), "gs://bucket")
    inside = re.search(r"distributions = {\n(.*?)\n  }", text("metrics.tf"), re.DOTALL)
    assert inside
    extracted = re.findall(r"^    (\w+) +=", inside[1], re.MULTILINE)
    assert len(extracted) == 5
    assert set(extracted) <= set(fields)
    assert set(re.findall(r"jsonPayload\.(\w+)", text("metrics.tf"))) <= set(fields)
    assert fields["event"] == "run"
    assert 'jsonPayload.event=\\"run\\"' in text("metrics.tf")
    assert fields["exit_code"] == 0


def test_the_function_is_given_settings_that_it_has() -> None:
    inside = re.search(r"environment = merge\((.*?)\n  \)", text("function.tf"), re.DOTALL)
    assert inside
    given = set(re.findall(r"\b([A-Z][A-Z_]+) += ", inside[1])) | set(
        re.findall(r'key += "(\w+)"', text("function.tf"))
    )
    assert given - NOT_SETTINGS <= {name.upper() for name in Settings.__struct_fields__}
    assert {"MULE_ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "GCS_BUCKET", "CONTINUE_TOPIC"} <= given


def test_planes_and_their_allowance_are_the_collectors() -> None:
    (planes,) = re.findall(r"contains\((\[.*?\]), var.anypoint_plane", text("variables-anypoint.tf"))
    assert set(re.findall(r"\w+", planes)) == set(PLANES)
    assert 'var.anypoint_plane == "us" ? "700" : "40"' in text("dashboard.tf")
    assert {name: plane.requests_per_minute for name, plane in PLANES.items()} == {
        **dict.fromkeys(PLANES, 40),
        "us": 700,
    }


def test_nothing_in_the_module_is_a_secret_or_of_a_person() -> None:
    for file in MODULE.rglob("*.tf"):
        assert not re.search(r"-----BEGIN|AIza|ya29\.|@gmail", file.read_text(encoding="utf-8")), file
