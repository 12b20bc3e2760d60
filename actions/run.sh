# Sourced by the run step of every action: finds Node >= 20 and becomes it, so that a cancelled job's signals arrive.
# Order: node on PATH, then the runner's own (beside its work folder, then as mounted into job containers).
sluice_node_is_new_enough() {
  [ -n "$1" ] && [ -x "$1" ] && [ "$("$1" -p 'Number(process.versions.node.split(".")[0]) >= 20' 2>/dev/null)" = true ]
}

sluice_node=
sluice_seen=
for sluice_candidate in \
  "$(command -v node || :)" \
  "${RUNNER_TEMP:-}"/../../externals/node24/bin/node{,.exe} \
  "${RUNNER_TEMP:-}"/../../externals/node20/bin/node{,.exe} \
  /__e/node24/bin/node \
  /__e/node20/bin/node; do
  if sluice_node_is_new_enough "$sluice_candidate"; then
    sluice_node=$sluice_candidate
    break
  fi
  if [ -n "$sluice_candidate" ] && [ -x "$sluice_candidate" ]; then
    sluice_seen="$sluice_seen $sluice_candidate ($("$sluice_candidate" --version 2>/dev/null || echo 'does not start'))"
  fi
done

if [ -z "$sluice_node" ]; then
  echo "::error title=Sluice::No Node.js 20 or newer was found.${sluice_seen:+ Passed over:$sluice_seen.} Add a step before this one: uses: actions/setup-node with node-version: 24."
  exit 2
fi

exec "$sluice_node" "${BASH_SOURCE[0]%/*}/../dist/index.js" "$@"
