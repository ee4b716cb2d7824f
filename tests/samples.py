"""Metrics as Prometheus's own client library reads them."""

from collections.abc import Mapping

from prometheus_client import parser

Parsed = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Parsed:
    """The samples of a text by name and labels, each once; ValueError for what is no such text."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type in ("counter", "gauge", "histogram"), family.name
        assert family.documentation, family.name
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def of(samples: Parsed, name: str, **labels: str) -> float:
    """The one sample of a name with just these labels. KeyError where there is none."""
    return samples[f"scim_bridge_{name}", frozenset(labels.items())]
