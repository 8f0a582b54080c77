# shellcheck shell=bash disable=SC2034
# What every script here shares. Source it after `set -euo pipefail`.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/v2g_vpp"
VENV="$ROOT/.venv"
MACHINE="$(uname -m)"

# Progress goes to standard error: standard output stays for what a caller reads.
say() { printf '%s\n' "$*" >&2; }

# Exit code 2 means "this machine lacks something"; 1 means "a check failed".
die() {
  say "error: $*"
  exit 2
}

# Print the comment block at the top of a script as its help text.
print_help() {
  awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$1"
}

# Run a noisy command; show what it printed only if it fails.
quietly() {
  local log
  log="$(mktemp)"
  if "$@" >"$log" 2>&1; then
    rm -f "$log"
  else
    local code=$?
    cat "$log" >&2
    rm -f "$log"
    return "$code"
  fi
}
