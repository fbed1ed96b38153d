# SPDX-License-Identifier: Apache-2.0
"""The scrape configuration that the Prometheus operator makes of a ServiceMonitor, with fixed targets for pods.

The order of the relabelings is the operator's (pkg/prometheus/promcfg.go, generateServiceMonitorConfig): first the
labels of the Kubernetes objects, then `endpoint` with the name of the port, then those of the ServiceMonitor itself.
"""

from __future__ import annotations

import re
from typing import Any

Config = dict[str, Any]


def snake_case(rule: Config) -> Config:
    """A RelabelConfig of the operator, as Prometheus writes it."""
    return {re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), key): value for key, value in rule.items()}


def copied(source: str, target: str) -> Config:
    return {"source_labels": [source], "target_label": target}


def scrape_configs(monitor: Config, service: str, namespace: str, targets: dict[str, str]) -> list[Config]:
    """`targets` has an address for each port of the Service, by the port's name."""
    made = []
    for number, endpoint in enumerate(monitor["spec"]["endpoints"]):
        port = endpoint["port"]
        found = {
            "__meta_kubernetes_namespace": namespace,
            "__meta_kubernetes_service_name": service,
            "__meta_kubernetes_pod_name": f"{service}-7d4b9c-x2v8p",
            "__meta_kubernetes_pod_container_name": "cats-dogs-api",
            "__meta_kubernetes_endpoint_port_name": port,
        }
        made.append(
            {
                "job_name": f"serviceMonitor/{namespace}/{monitor['metadata']['name']}/{number}",
                "honor_labels": endpoint.get("honorLabels", False),
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "metrics_path": endpoint.get("path", "/metrics"),
                "static_configs": [{"targets": [targets[port]], "labels": found}],
                "relabel_configs": [
                    copied("__meta_kubernetes_namespace", "namespace"),
                    copied("__meta_kubernetes_service_name", "service"),
                    copied("__meta_kubernetes_pod_name", "pod"),
                    copied("__meta_kubernetes_pod_container_name", "container"),
                    copied("__meta_kubernetes_service_name", "job"),
                    {"target_label": "endpoint", "replacement": port},
                    *map(snake_case, endpoint.get("relabelings", [])),
                ],
                "metric_relabel_configs": [*map(snake_case, endpoint.get("metricRelabelings", []))],
            }
        )
    return made
