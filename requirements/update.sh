#!/usr/bin/env bash
# Pins anew what pyproject.toml asks for, with the hashes of every file of each release, so that one list
# serves CPython 3.11 and 3.13 on x86-64 and aarch64. Run it after a change of dependencies:
#
#     requirements/update.sh            # newest versions that fit
#     requirements/update.sh --check    # that a wheel exists for each of the four machines
#
# The resolver (uv, from the package index this machine is set up for) lives in a folder of its own, which
# is removed again; no index is named in the lists.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

pin() {  # pin NAME OPTION...: requirements/NAME.txt
    local name=$1
    shift
    "$tools/bin/uv" pip compile pyproject.toml "$@" --quiet --upgrade --universal --python-version 3.11 \
        --fork-strategy fewest --generate-hashes --no-annotate \
        --custom-compile-command requirements/update.sh --output-file "requirements/$name.txt"
}

has_wheels() {  # has_wheels NAME PYTHON MACHINE: pip finds every pinned file as a wheel
    # Several tags, because a wheel may ask for any C library up to the one Debian 12 has (2.36).
    local tags=()
    for glibc in 17 24 26 27 28 31 34 35; do tags+=(--platform "manylinux_2_${glibc}_$3"); done
    "$tools/bin/pip" download --quiet --require-hashes --no-deps --only-binary :all: --dest "$tools/wheels" \
        --platform "manylinux2014_$3" "${tags[@]}" --python-version "$2" --implementation cp \
        --requirement "requirements/$1.txt"
    echo "$1: every package has a wheel for CPython $2 on $3"
}

/usr/bin/python3 -m venv "$tools"
if [ "${1:-}" = --check ]; then
    for name in base demo dev device; do
        for python in 3.11 3.13; do
            for machine in x86_64 aarch64; do has_wheels "$name" "$python" "$machine"; done
        done
    done
    exit
fi
"$tools/bin/pip" install --quiet uv
pin dev --extra demo --extra dev
# The smaller lists take their versions from the largest, so that installing one never changes another.
pin demo --extra demo --constraint requirements/dev.txt
pin base --constraint requirements/dev.txt
# On a Pi the distribution brings the camera, numpy and lgpio (see docs/dependencies.md); the rest is the base.
pin device --constraint requirements/dev.txt
