"""Configurations that are not run here name options that their tools document, and no others."""

from __future__ import annotations

import re

import pytest
from tests.forward.documented import BLOCKS

#: Every option that a configuration may have, as read in the documentation that docs/forward.md links, in 2026.
DOCUMENTED = {
    # Google Cloud Storage input: "Supported Attributes"
    "filebeat-gcs.yml": "filebeat.inputs type id project_id auth.credentials_file.path content_type "
    "override_content_type max_workers poll poll_interval buckets name file_selectors regex",
    # Tail: "Configuration parameters"; YAML configuration: "service", "pipeline"; File output
    "fluent-bit.yaml": "service flush storage.path storage.sync pipeline inputs name tag path db db.sync "
    "db.compare_filename read_from_head refresh_interval buffer_chunk_size buffer_max_size storage.type outputs match "
    "file format",
    # File source and console sink: "Configuration"
    "vector.yaml": "data_dir sources mulesoft_audit type include read_from fingerprint strategy max_line_bytes "
    "oldest_first file_key offset_key sinks out inputs acknowledgements enabled encoding codec",
    # inputs.conf.spec 10.4: MONITOR
    "inputs.conf": "whitelist crcSalt sourcetype index",
    # props.conf.spec 10.4
    "props.conf": "SHOULD_LINEMERGE LINE_BREAKER TRUNCATE TIME_PREFIX TIME_FORMAT MAX_TIMESTAMP_LOOKAHEAD KV_MODE",
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_option_is_documented(name: str) -> None:
    used = re.findall(r"^[\s-]*([\w.]+)(?::| =)", BLOCKS[name], re.MULTILINE)
    assert used
    assert set(used) == set(DOCUMENTED[name].split())


def test_the_page_prints_every_file_that_it_names() -> None:
    assert set(BLOCKS) == {"unpack.sh", "filebeat.yml", *DOCUMENTED}


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("fluent-bit.yaml", "buffer_max_size: 8M"),
        ("vector.yaml", "max_line_bytes: 4194304"),
        ("props.conf", "TRUNCATE = 4000000"),
    ],
)
def test_the_limit_of_a_line_is_raised_where_the_default_would_cut_an_entry(name: str, limit: str) -> None:
    assert limit in BLOCKS[name]
