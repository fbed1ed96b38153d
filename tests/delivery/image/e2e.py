# SPDX-License-Identifier: Apache-2.0
"""From the image to a rolling restart: scripts/e2e.sh runs this. The first condition that doesn't hold ends it.

A cluster differs in four ways. Here the containers share the network of this machine, so each listens on its own ports.
A small proxy is the Service. Prometheus scrapes each second. No seccomp profile and no cgroup limit applies.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import hashlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from container import Image, ServiceContainer, why_not
from harness import DOG, MODEL, SOURCE, eventually
from prometheus_server import MONITORING, PrometheusServer
from round_robin import RoundRobin

sys.path.insert(0, str(MONITORING))
from dashboard_queries import DASHBOARDS, Prometheus, ask, load  # noqa: E402

LIMIT = 240


class Failed(Exception):
    """Says which condition doesn't hold."""


def require(condition: object, why: str) -> None:
    if not condition:
        raise Failed(why)


def wait_for(condition: Callable[[], object], why: Callable[[], str]) -> None:
    if not eventually(condition, LIMIT, pause=0.2):
        raise Failed(why())


class Report:
    """The page as it comes about; each line is printed at once too."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def heading(self, text: str) -> None:
        print(f"== {text}", flush=True)
        self.lines += ([] if self.lines[-1] == "" else [""]) + [f"## {text}", ""]

    def fact(self, text: str) -> None:
        print(f"   {text}", flush=True)
        self.lines.append(f"- {text}")

    def block(self, text: str) -> None:
        print(text, flush=True)
        self.lines += ([] if self.lines[-1] == "" else [""]) + ["```text", *text.rstrip().splitlines(), "```", ""]


class Manifests:
    """What k8s/base and an overlay say about the pods."""

    def __init__(self, overlay: Path) -> None:
        base = SOURCE / "k8s" / "base"
        generators = yaml.safe_load((base / "kustomization.yaml").read_text())["configMapGenerator"]
        require(len(generators) == 1, f"{base} makes {len(generators)} ConfigMaps, not one")
        self.settings = dict(literal.split("=", 1) for literal in generators[0]["literals"])
        patch = overlay / "configmap.yaml"
        if patch.exists():
            self.settings |= yaml.safe_load(patch.read_text())["data"]
        spec = yaml.safe_load((base / "deployment.yaml").read_text())["spec"]
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        # A cluster also takes a pod out when it is deleted; here it's the probe that finds out.
        self.probe_seconds = float(container["readinessProbe"]["periodSeconds"])
        self.probe_path = str(container["readinessProbe"]["httpGet"]["path"])
        self.termination_seconds = int(pod["terminationGracePeriodSeconds"])
        self.replicas = int(spec["replicas"])
        require(spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}, "another way of rolling")
        self.user = int(pod["securityContext"]["runAsUser"])
        self.group = int(pod["securityContext"]["runAsGroup"])
        require(container["securityContext"]["readOnlyRootFilesystem"] is True, "the root isn't to be read-only")


class Cluster:
    """The instances behind one address, and Prometheus, which knows where they are."""

    def __init__(self, image: Image, manifests: Manifests, stack: contextlib.ExitStack) -> None:
        self.image = image
        self.manifests = manifests
        self.stack = stack
        self.service = stack.enter_context(RoundRobin(manifests.probe_seconds, manifests.probe_path))
        self.instances: list[ServiceContainer] = []
        self.prometheus: PrometheusServer | None = None

    def start_instance(self) -> ServiceContainer:
        instance = ServiceContainer(self.image, self.manifests.settings)
        self.stack.enter_context(instance)
        self.service.add(instance.port)
        self.instances.append(instance)
        self.tell_prometheus()
        return instance

    def replace(self, old: ServiceContainer) -> None:
        """maxSurge 1, maxUnavailable 0: the new one is ready before the old one is told to end."""
        self.start_instance()
        old.terminate()
        try:
            status = old.wait(self.manifests.termination_seconds)
        except subprocess.TimeoutExpired:
            raise Failed(
                f"still there {self.manifests.termination_seconds} s after SIGTERM: {old.log[-2000:]}"
            ) from None
        require(status == 0, f"the old instance ended with {status}: {old.log[-2000:]}")
        self.instances.remove(old)
        self.tell_prometheus()

    def tell_prometheus(self) -> None:
        if self.prometheus is None:
            return
        targets = Path(self.prometheus.folder.name) / "monitoring" / "targets"
        for name, urls in (
            ("api", [one.url for one in self.instances]),
            ("metrics", [one.admin_url for one in self.instances]),
        ):
            text = json.dumps([{"targets": [url.removeprefix("http://") for url in urls]}])
            (targets / f"{name}.new").write_text(text)
            (targets / f"{name}.new").rename(targets / f"{name}.yml")

    def watch(self) -> PrometheusServer:
        first = self.instances[0]
        server = PrometheusServer(first.url.removeprefix("http://"), first.admin_url.removeprefix("http://"))
        self.prometheus = self.stack.enter_context(server)
        self.tell_prometheus()
        return server

    def scraped(self) -> dict[str, int]:
        """How many targets of each job are up, and no others are known."""
        assert self.prometheus is not None
        active = self.prometheus.api("targets?state=active")["activeTargets"]
        jobs: dict[str, int] = {}
        for target in active:
            if target["labels"]["job"] != "prometheus":
                jobs[target["labels"]["job"]] = jobs.get(target["labels"]["job"], 0) + (
                    1 if target["health"] == "up" else -99
                )
        return jobs

    def is_scraped(self) -> bool:
        """Both ports of each instance, and nothing else."""
        return self.scraped() == dict.fromkeys(("cats-dogs-api", "cats-dogs-metrics"), self.manifests.replicas)


def send(url: str, body: bytes, headers: dict[str, str]) -> int:
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("POST", "/predict", body, {"Content-Type": "application/octet-stream"} | headers)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()


@contextlib.contextmanager
def wrong_requests(url: str) -> Iterator[None]:
    """Some of each that is refused, so that the panels on refusals have something to show."""
    stop = threading.Event()
    picture = DOG.read_bytes()
    kinds = itertools.cycle(((picture[:2000], {}), (b"no picture", {}), (picture, {"X-Request-Timeout-Ms": "1"})))

    def run() -> None:
        while not stop.wait(0.2):
            body, headers = next(kinds)
            send(url, body, headers)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run_script(name: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SOURCE / "scripts" / name), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def simulate(url: str, data: Path, seconds: int, name: Path) -> subprocess.Popen[str]:
    arguments = ["--url", url, "--data", str(data), "--concurrency", "4", "--duration", str(seconds)]
    arguments += ["--max-error-rate", "0", "--min-accuracy", "0.8"]
    return run_script("simulate_performance.py", *arguments, "--json", f"{name}.json", "--html", f"{name}.html")


def check_confinement(report: Report, instance: ServiceContainer, user: int, group: int) -> None:
    status = instance.status()
    require(status["Uid"].split() == [str(user)] * 4, f"user {status['Uid']}")
    require(status["Gid"].split() == [str(group)] * 4, f"group {status['Gid']}")
    capabilities = {kind: int(status[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
    require(not any(capabilities.values()), f"capabilities {capabilities}")
    require(status["NoNewPrivs"] == "1", "it could gain privileges")
    require("ro" in instance.mounts()["/"], "its root can be written")
    report.fact(
        f"user {user}, group {group}, no capability in any set, none to be gained, root read-only, process 1 of its own"
    )


def check_dashboards(report: Report, prometheus: PrometheusServer, output: Path) -> None:
    dashboards = [load(path) for path in sorted(DASHBOARDS.glob("*.json"))]
    queries = Prometheus(prometheus.url)
    empty: list[str] = []
    asked = [0, 0]

    def complete() -> bool:
        panels = [panel for dashboard in dashboards for panel in ask(queries, dashboard, 5)]
        empty[:] = [f"{panel.title}: {query}" for panel in panels for query in panel.empty]
        asked[:] = [len(panels), sum(len(panel.definition["targets"]) for panel in panels)]
        return not empty

    wait_for(complete, lambda: f"these queries of the dashboards return nothing: {empty}")
    report.fact(f"{asked[1]} queries of {asked[0]} panels in {len(dashboards)} dashboards: each returned data")
    command = [sys.executable, str(MONITORING / "render_dashboards.py"), "--url", prometheus.url]
    drawn = subprocess.run([*command, "--output", str(output), "--minutes", "2"], capture_output=True, text=True)
    require(drawn.returncode == 0, f"render_dashboards.py: {drawn.stdout}{drawn.stderr}")
    pictures = sorted(path.name for path in output.glob("*.png"))
    report.fact(f"drawn: {', '.join(pictures)}")
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    bad = [rule["name"] for rule in rules if rule["health"] != "ok"]
    require(rules and not bad, f"rules that can't be evaluated: {bad}")
    report.fact(f"{len(rules)} rules evaluated without an error")


def check_smoke(report: Report, cluster: Cluster) -> None:
    version = cluster.image.config["Labels"]["org.opencontainers.image.version"]
    arguments = ["--url", cluster.service.url, "--wait", "60", "--expect-version", version]
    smoke = run_script(
        "smoke_test.py", *arguments, "--expect-model-sha256", hashlib.sha256(MODEL.read_bytes()).hexdigest()
    )
    output = smoke.communicate(timeout=LIMIT)[0]
    require(smoke.returncode == 0, f"smoke_test.py: {output}")
    report.block(output)


def finished(process: subprocess.Popen[str], name: Path) -> dict[str, Any]:
    output = process.communicate(timeout=LIMIT)[0]
    require(process.returncode == 0, f"simulate_performance.py ended with {process.returncode}: {output}")
    found: dict[str, Any] = json.loads(Path(f"{name}.json").read_text())
    requests = found["requests"]
    require(requests["outcomes"] == {"200": requests["meant"]}, f"lost or refused: {requests}")
    return found | {"printed": output}


def roll(report: Report, cluster: Cluster, data: Path, output: Path, seconds: int) -> None:
    name = output / "rolling-restart"
    load_ = simulate(cluster.service.url, data, seconds, name)
    before = list(cluster.instances)
    first = [instance.connections for instance in cluster.service.instances]
    wait_for(
        lambda: all(one.connections > then for one, then in zip(cluster.service.instances, first)),
        lambda: "the load doesn't reach each instance",
    )
    begin = time.monotonic()
    for old in before:
        cluster.replace(old)
    took = time.monotonic() - begin
    require(load_.poll() is None, f"the load ended before the restart, which took {took:.0f} s: give --seconds more")
    figures = finished(load_, name)
    require(cluster.service.refused == 0, f"{cluster.service.refused} connections found nobody ready")
    fresh = [instance for instance in cluster.service.instances if instance.ready]
    require(
        len(fresh) == cluster.manifests.replicas and all(instance.connections for instance in fresh),
        "the new ones got no load",
    )
    report.fact(
        f"{cluster.manifests.replicas} instances replaced one after the other in {took:.1f} s under load; "
        "each old one ended with 0"
    )
    report.fact(f"{figures['requests']['meant']} requests in that run: all answered with 200, none lost, none refused")
    report.block(figures["printed"])
    wait_for(cluster.is_scraped, lambda: f"Prometheus still sees {cluster.scraped()}")
    report.fact("Prometheus scrapes the new ones")


def run(options: argparse.Namespace, report: Report, stack: contextlib.ExitStack) -> None:
    output: Path = options.output
    output.mkdir(parents=True, exist_ok=True)
    report.heading("Image")
    image = stack.enter_context(Image(os.environ["CATDOG_IMAGE"]))
    labels = image.config["Labels"]
    report.fact(f"version {labels['org.opencontainers.image.version']}, {image.megabytes:.0f} MB with its base")

    report.heading("Started as Kubernetes would")
    manifests = Manifests(options.overlay.resolve())
    shown = ", ".join(f"`{name}={value}`" for name, value in manifests.settings.items())
    report.fact(f"environment of the ConfigMap of {options.overlay.resolve().relative_to(SOURCE)}: {shown}")
    cluster = Cluster(image, manifests, stack)
    for _ in range(manifests.replicas):
        check_confinement(report, cluster.start_instance(), manifests.user, manifests.group)
    health = cluster.instances[0].run(*image.config["Healthcheck"]["Test"][1:])
    require(health.returncode == 0, f"the image's health check says {health.returncode}")
    report.fact("the image's HEALTHCHECK passes")

    report.heading("Smoke test through the service's address")
    check_smoke(report, cluster)

    report.heading("Prometheus, load with true labels, dashboards")
    prometheus = cluster.watch()
    name = output / "load"
    with wrong_requests(cluster.service.url):
        load_ = simulate(cluster.service.url, options.data, options.seconds, name)
        wait_for(cluster.is_scraped, lambda: f"Prometheus sees {cluster.scraped()}")
        report.fact(
            f"Prometheus on monitoring/prometheus.yml scrapes both ports of {cluster.manifests.replicas} instances"
        )
        figures = finished(load_, name)
        report.block(figures["printed"])
        report.fact("feedback 400: it went to another instance than its answer came from, and they share no key")
        check_dashboards(report, prometheus, output)

    report.heading("Rolling restart under load")
    roll(report, cluster, options.data, output, options.seconds)

    report.heading("Smoke test of the new instances")
    check_smoke(report, cluster)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overlay", type=Path, default=SOURCE / "k8s" / "local" / "overlay")
    parser.add_argument("--data", type=Path, default=SOURCE / "examples" / "images")
    parser.add_argument("--seconds", type=int, default=60, help="of load in each of the two runs")
    parser.add_argument("--output", type=Path, default=SOURCE / "build" / "e2e")
    options = parser.parse_args()
    if why_not():
        parser.error(why_not())
    report = Report()
    today = datetime.date.today().isoformat()
    report.lines += [
        "# From the image to a rolling restart",
        "",
        "After this page you know which conditions the service met from the built image to a rolling restart",
        "under load. One command checks them again:",
        "",
        "<!-- snippet: elsewhere: .ci/run e2e -->",
        "```sh",
        "scripts/e2e.sh --update-docs    # writes this page",
        "```",
        "",
        f"Run of {today}: {os.cpu_count()} cores, {options.seconds} s of load in each of two runs.",
        "Every line is a condition that held. The script exits with 1 at the first one that doesn't hold.",
    ]
    report.lines += ["", *" ".join((__doc__ or "").split("\n\n")[1].split()).replace(". ", ".\n").splitlines()]
    try:
        with contextlib.ExitStack() as stack:
            run(options, report, stack)
    except Failed as failure:
        print(f"e2e: FAILED: {failure}", file=sys.stderr)
        return 1
    (options.output / "e2e.md").write_text("\n".join(report.lines).rstrip() + "\n")
    print(f"e2e: everything holds; report, figures and pictures: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
