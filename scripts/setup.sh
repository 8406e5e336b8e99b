#!/bin/sh
# Makes .venv: a Python that serves, uv into it, everything in requirements.lock, and this checkout itself.
# Does nothing when .venv/.ready is newer than the lock file. `PYTHON=/path/to/python` chooses another Python.
# Never silent for more than 2 s at first, and 5 s later on; every way to fail ends in one line that says what to do.
set -eu
cd "$(dirname "$0")/.."

UV=$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)
LOG=.venv/setup.log

say() { printf '%s\n' "set-up: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

# serves PYTHON LEAST BELOW: whether it runs and its version is at least 3.LEAST and below 3.BELOW.
serves() {
    "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info[:2] < (3, $3))" >/dev/null 2>&1
}

# whole PYTHON: whether it can make an environment with pip in it (Debian keeps that in a package of its own).
whole() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

# choose LEAST BELOW: sets `chosen` to the first Python that serves, and `broken` to one that lacks only venv.
choose() {
    for candidate in ${PYTHON:-python3.12 python3.11 python3 python python3.13 python3.14}; do
        serves "$candidate" "$1" "$2" || continue
        if whole "$candidate"; then
            chosen=$candidate
            return 0
        fi
        broken=${broken:-$candidate}
    done
    return 1
}

find_python() {
    chosen='' broken=''
    say "looking for a Python"
    # The local world's model server, mlserver 1.7.1, needs a Python below 3.13.
    choose 11 13 && return
    if choose 13 99; then
        say "$chosen works with target: aws only; the local world's model server needs Python 3.11 or 3.12"
        return
    fi
    if [ -n "$broken" ]; then
        name=$("$broken" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        stop "$broken has no venv or ensurepip: install it (Debian, Ubuntu: apt install $name-venv), then run make again"
    fi
    [ -z "${PYTHON:-}" ] || stop "PYTHON=$PYTHON is not Python 3.11 or later: name another, then run make again"
    stop "no Python 3.11 or 3.12 was found: install one, or name it with make PYTHON=/path/to/python3.12"
}

# tick WHAT: says after 2 s and then every 5 s that WHAT is still going on, until killed or the set-up itself is gone.
tick() {
    passed=0
    while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        passed=$((passed + 1))
        [ "$passed" -ne 2 ] && [ $((passed % 5)) -ne 0 ] || say "$1, $passed s so far"
    done
}

# told WHAT COMMAND...: runs a command with its output in the log, saying that it is still at work.
told() {
    what=$1
    shift
    say "$what"
    tick "$what" 9>&- &
    ticker=$!
    trap 'kill "$ticker" 2>/dev/null' EXIT
    code=0
    "$@" >>"$LOG" 2>&1 || code=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    trap - EXIT
    [ "$code" -eq 0 ] && return
    tail -n 5 "$LOG" >&2
    stop "that failed (all of it in $LOG): see that packages can be had from PyPI or your index, then run make again"
}

ready() { [ -e .venv/.ready ] && [ ! requirements.lock -nt .venv/.ready ] && [ ! pyproject.toml -nt .venv/.ready ]; }

ready && exit 0
mkdir -p .venv
exec 9>.venv/.setup.lock # not .lock: that one is uv's
if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
    told "waiting for another set-up in this folder" flock 9
fi
ready && exit 0

: >"$LOG"
if ! serves .venv/bin/python 11 99; then
    find_python
    rm -rf .venv/bin .venv/lib .venv/lib64 .venv/include
    told "making .venv with $("$chosen" --version)" "$chosen" -m venv .venv
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 UV_NO_PROGRESS=1
if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "${UV#uv==}" ]; then
    # An environment that uv itself made has no pip.
    .venv/bin/python -c 'import pip' 2>/dev/null || told "adding pip to .venv" .venv/bin/python -m ensurepip
    told "installing uv" .venv/bin/python -m pip install --quiet "$UV"
fi
told "installing $(grep -c '^[a-zA-Z]' requirements.lock) packages" \
    .venv/bin/uv pip sync --quiet --python .venv/bin/python requirements.lock
told "installing eksprov itself" \
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
touch .venv/.ready
say "done"
