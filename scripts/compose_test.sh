#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compose_test.sh IMAGE: starts docker-compose.yml with that image, asks the service, Prometheus, Alertmanager and Grafana
# whether each has what it should, and ends them. Needs docker and the ports of docker-compose.yml.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"
case "${1:-}" in -h | --help) usage && exit 0 ;; esac
[ $# -eq 1 ] || die "one image, please; see --help"
cd "$CATDOG_ROOT" || exit 2
export CATDOG_IMAGE=$1
trap 'docker compose down --volumes' EXIT
docker compose up --detach --no-build --wait --wait-timeout 180

# has WHAT URL EXPRESSION: the JSON at URL makes the Python expression true within a minute; `it` is what it holds.
has() {
  for _ in $(seq 30); do
    ! curl -fsS "$2" | python3 -c "import json, sys; it = json.load(sys.stdin); sys.exit(not ($3))" || { say "$1" && return; }
    sleep 2
  done
  curl -fsS "$2" >&2
  die "not so: $1 (the answer is above)"
}
scripts/smoke_test.py --url http://127.0.0.1:8000 --wait 60
has "Prometheus scrapes all its targets" http://127.0.0.1:9090/api/v1/targets \
  'len(it["data"]["activeTargets"]) == 4 and all(t["health"] == "up" for t in it["data"]["activeTargets"])'
has "Prometheus evaluates all rules" http://127.0.0.1:9090/api/v1/rules \
  'it["data"]["groups"] and all(r["health"] == "ok" for g in it["data"]["groups"] for r in g["rules"])'
has "Alertmanager has the watchdog" http://127.0.0.1:9093/api/v2/alerts \
  '"CatdogWatchdog" in [a["labels"]["alertname"] for a in it]'
has "Grafana has both dashboards" 'http://127.0.0.1:3000/api/search?type=dash-db' 'len(it) == 2'
has "Grafana reaches Prometheus" http://127.0.0.1:3000/api/datasources/proxy/uid/prometheus/api/v1/query?query=up \
  'it["data"]["result"]'
