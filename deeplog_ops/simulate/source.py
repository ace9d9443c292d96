"""The sample's configuration."""

from __future__ import annotations

import json
from pathlib import Path

_TEMPLATE = """\
# The sample: an imaginary object store and the shop that stands on it, from the project's own generator.
name: {name}
description: object store and shop, simulated
tags: [sample]
paths: {paths}

format:
  name: sample-log4j
  title: 'log4j, %d %-5p [%t] %c: %m'
  pattern: '^(?P<time>\\d{{4}}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{{3}}) +(?P<level>[A-Z]+) +\\[(?P<thread>[^\\]]*)\\] (?P<component>\\S+): (?P<message>.*)$'
  time_formats: ['%Y-%m-%d %H:%M:%S,%f']
  multiline: join
  example: '2026-03-02 10:15:30,123 INFO  [gateway-7] gateway.Frontend: req-0f3a9c12be 204 No Content in 31 ms'

sessions:
  by: identifier
  pattern: '\\b((?:req|ord|job)-[0-9a-f]{{10}})\\b'
  idle_timeout: 20m   # the longest pause within a task is a few minutes
  longest: 6h
  buckets: 4

training:
  days: 7
  schedule: null   # by hand alone: the sample does not go on
"""


def source_yaml(raw_folder: Path, name: str = "sample") -> str:
    """The text of config/sources/{name}.yaml for logs written to `raw_folder`; the name must be the file's."""
    return _TEMPLATE.format(name=name, paths=json.dumps([str(raw_folder / "*.log*")]))
