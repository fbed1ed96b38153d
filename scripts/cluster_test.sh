#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cluster_test.sh --url URL [--context NAME]: what only a cluster shows. The image cats-dogs-api:local must be in it, and port
# 30080 of a node must answer at URL. Uses the current context of kubectl, or NAME; needs helm and the internet besides.
#   1. a cluster without operators takes k8s/local, which passes the smoke test, and k8s/production as a dry run
#   2. a restart under load loses no request
#   3. kube-prometheus-stack and the definitions of ArgoCD are installed, and a receiver of alerts
#   4. an outage pages the receiver by way of k8s/components/prometheus-operator
# Everything stays in the cluster, for a look at it: give it one that is thrown away.
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

url='' context=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage && exit 0 ;;
    --url | --context) [ $# -ge 2 ] || die "$1 needs a value; see --help" ;;
    *) die "unknown argument '$1'; see --help" ;;
  esac
  case "$1" in
    --url) url=$2 ;;
    --context) context=$2 ;;
  esac
  shift 2
done
[ -n "$url" ] || die "--url is needed; see --help"
for program in kubectl helm curl python3; do
  command -v "$program" >/dev/null || die "$program is not installed"
done
cd "$CATDOG_ROOT" || exit 2
name=cats-dogs-classifier
kubectl() { command kubectl ${context:+--context "$context"} "$@"; }
helm() { command helm ${context:+--kube-context "$context"} "$@"; }

say "1. a plain cluster takes local and production"
kubectl apply -f k8s/local
kubectl -n "$name" rollout status "deployment/$name" --timeout=180s
scripts/smoke_test.py --url "$url" --wait 60
kubectl apply -k k8s/production --dry-run=server

say "2. a restart under load"
scripts/simulate_performance.py --url "$url" --data examples/images --rate 20 --duration 60 --no-feedback --max-error-rate 0 &
load=$!
sleep 10
kubectl -n "$name" rollout restart "deployment/$name"
kubectl -n "$name" rollout status "deployment/$name" --timeout=180s
wait "$load" || die "requests were lost while the pods were replaced (the report is above)"

say "3. operators and a receiver"
helm upgrade --install kube-prometheus-stack kube-prometheus-stack --namespace monitoring --create-namespace --wait --timeout 10m \
  --repo https://prometheus-community.github.io/helm-charts \
  --set prometheus.prometheusSpec.scrapeInterval=5s --set prometheus.prometheusSpec.evaluationInterval=5s
kubectl create namespace argocd --dry-run=client -o yaml | kubectl apply -f -
kubectl apply --server-side -f \
  https://raw.githubusercontent.com/argoproj/argo-cd/v3.1.0/manifests/crds/application-crd.yaml
kubectl apply --dry-run=server -f k8s/argocd-application.yaml
kubectl apply --dry-run=server -f k8s/cd-access.yaml
kubectl apply -f tests/delivery/k8s/receiver.yaml
kubectl -n monitoring rollout status deployment/receiver --timeout=180s
receiver=http://receiver.monitoring.svc:8080
kubectl -n "$name" create secret generic cats-dogs-alerts --dry-run=client -o yaml --from-literal="page-url=$receiver/page" \
  --from-literal="ticket-url=$receiver/ticket" --from-literal="heartbeat-url=$receiver/heartbeat" | kubectl apply -f -
overlay=build/cluster-test
mkdir -p "$overlay"
cat >"$overlay/kustomization.yaml" <<YAML
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $name
resources: [../../k8s/local]
components: [../../k8s/components/prometheus-operator]
YAML
kubectl apply --server-side --force-conflicts -k "$overlay"

say "4. an outage: each request's deadline is 1 ms"
scripts/simulate_performance.py --url "$url" --data examples/images --rate 5 --duration 900 --no-feedback --deadline-ms 1 \
  --max-error-rate 1 >/dev/null 2>&1 &
load=$!
trap 'kill "$load" 2>/dev/null || true' EXIT
for _ in $(seq 90); do
  if kubectl -n monitoring logs deployment/receiver | grep -q '^/page .*CatdogErrorBudgetBurnsFast'; then
    say "the receiver was paged"
    exit 0
  fi
  sleep 10
done
kubectl -n monitoring logs deployment/receiver | tail -n 20 >&2
die "nobody was paged within 15 minutes (what the receiver got is above)"
