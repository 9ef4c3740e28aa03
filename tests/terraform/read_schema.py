"""Write provider_schema.json again: what the google provider knows of the resources that the module uses.

    python -m tests.terraform.read_schema cdktf_cdktf_provider_google-16.12.1-py3-none-any.whl

The wheel (PyPI; google provider 6.50) has a class for every resource, with each argument and its type. They are read by
syntax tree; nothing of it is run. What the module uses and that version did not have is added by hand below.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "terraform"
LANGUAGE = {"count", "for_each", "depends_on", "lifecycle", "provider", "provisioners", "connection", "scope", "id"}
#: Attributes that Google fills in, as far as the module reads them.
COMPUTED = {"address", "email", "member", "name", "self_link", "version"}

BLOCK: dict[str, Any] = {"blocks": {}, "required": False}

Class = list[tuple[str, bool, str]]  #: arguments: name, whether it is required, type
Spec = dict[str, Any]


def arguments(tree: ast.Module) -> dict[str, Class]:
    """Return the keyword arguments of every class that has any."""
    found: dict[str, Class] = {}
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__" and function.args.kwonlyargs:
                pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
                found[node.name] = [(a.arg, d is None, ast.unparse(a.annotation or a)) for a, d in pairs]
    return found


def kind(annotation: str) -> str:
    """Return Terraform's type of an argument."""
    item = "number" if "Number" in annotation else "bool" if "bool" in annotation else "string"
    if "Mapping[" in annotation:
        return "map"
    return f"list({item})" if "Sequence[" in annotation else item


def block(classes: dict[str, Class], name: str) -> Spec:
    """Return a block's attributes and blocks."""
    attributes: dict[str, Spec] = {}
    blocks: dict[str, Spec] = {}
    for raw, required, annotation in classes[name]:
        argument = raw.rstrip("_")
        if argument in LANGUAGE or argument == "timeouts":
            continue
        inner = [word for word in re.findall(r"\w+", annotation) if word in classes]
        if inner:
            blocks[argument] = {**block(classes, inner[0]), "many": "Sequence" in annotation, "required": required}
        else:
            attributes[argument] = {"type": kind(annotation), **({"required": True} if required else {})}
    return {"attributes": attributes, "blocks": blocks}


def resource(wheel: zipfile.ZipFile, name: str) -> Spec:
    """Return what the provider knows of a resource."""
    path = f"cdktf_cdktf_provider_google/{name.removeprefix('google_')}/__init__.py"
    tree = ast.parse(wheel.read(path).decode())
    classes = arguments(tree)
    spec = block(classes, min((one for one in classes if one.endswith("Config")), key=len))
    members = [node for one in tree.body if isinstance(one, ast.ClassDef) for node in one.body]
    known = {node.name for node in members if isinstance(node, ast.FunctionDef)}
    return {**spec, "computed": sorted({"id"} | (known & COMPUTED) - set(spec["attributes"]))}


def strings(*names: str) -> Spec:
    """Return optional arguments of type string."""
    return {name: {"type": "string"} for name in names}


def main(path: str) -> None:
    """Write the file."""
    module = "\n".join(file.read_text(encoding="utf-8") for file in MODULE.glob("*.tf"))
    used = set(re.findall(r'^resource "(google_\w+)"', module, re.MULTILINE))
    with zipfile.ZipFile(path) as wheel:
        google = {name: resource(wheel, name) for name in sorted(used - {"google_project_service_identity"})}
    service = google["google_cloudfunctions2_function"]["blocks"]["service_config"]
    service["computed"] = ["uri"]
    # Google provider 7.21: "Direct VPC egress for 2nd gen functions".
    service["attributes"] |= strings("direct_vpc_egress")
    interface = strings("network", "subnetwork") | {"tags": {"type": "list(string)"}}
    service["blocks"]["direct_vpc_network_interface"] = {**BLOCK, "attributes": interface, "many": True}
    google["google_compute_address"]["attributes"]["address"]["computed"] = True
    version = google["google_secret_manager_secret_version"]["attributes"]
    version["secret_data_wo"]["write_only"] = version["secret_data_wo_version"]["replaces"] = True
    google["google_storage_bucket_object"]["attributes"]["name"]["replaces"] = True
    identity = {**BLOCK, "attributes": {"service": {"type": "string", "required": True}, **strings("project")}}
    sleep = {**BLOCK, "attributes": strings("create_duration", "destroy_duration") | {"triggers": {"type": "map"}}}
    schema = {
        "google": google,
        "google-beta": {"google_project_service_identity": {**identity, "computed": ["email", "id", "member"]}},
        "time": {"time_sleep": {**sleep, "computed": ["id"]}},
    }
    lines = []
    for provider, kinds in schema.items():
        rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(spec)}" for name, spec in kinds.items())
        lines.append(f" {json.dumps(provider)}: {{\n{rows}\n }}")
    (HERE / "provider_schema.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
