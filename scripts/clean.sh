#!/bin/sh
# Frees what can be made again, and says how much it was: .venv, the caches named as arguments, eksprov's own cache.
# Leaves state/, any local world, and what belongs to other tools (uv's and Go's caches), but says what they hold.
set -eu
cd "$(dirname "$0")/.."

size() { du -sh "$1" 2>/dev/null | cut -f1; }

free() {
    [ -e "$1" ] || return 0
    printf 'freed %6s  %s (%s)\n' "$(size "$1")" "$1" "$2"
    chmod -R u+w "$1" 2>/dev/null || true # Go's module cache is read-only
    rm -rf "$1"
}

left() {
    [ -n "$1" ] && [ -e "$1" ] || return 0
    printf 'left  %6s  %s (%s)\n' "$(size "$1")" "$1" "$2"
}

uv=''
[ ! -x .venv/bin/uv ] || uv=$(.venv/bin/uv cache dir 2>/dev/null || true)
free .venv 'the Python environment; make sets it up again'
for path in "$@"; do
    free "$path" "a tool's cache"
done
find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
for model in examples/*/model; do
    free "$model" 'a trained example; make provision trains it again'
done
free "${XDG_CACHE_HOME:-$HOME/.cache}/eksprov" 'the Kubernetes built from source; the next local run builds it again'

left "${XDG_STATE_HOME:-$HOME/.local/state}/eksprov" 'local worlds; make teardown or eksprov local down ends one'
left "$uv" "uv's packages, shared with other projects; uv cache clean frees them"
if command -v go >/dev/null 2>&1; then
    left "$(go env GOCACHE)" "Go's builds, shared with other projects; go clean -cache frees them"
    left "$(go env GOMODCACHE)" "Go's modules, shared with other projects; go clean -modcache frees them"
fi
