#!/usr/bin/env bash
# Sets this checkout up on a fresh Debian and runs it. Outside the checkout it installs Debian's own packages
# only; inside, only what requirements/*.txt name by hash. Which servers they come from is the machine's
# business (apt's and pip's own configuration); none is named here.
#
# Exit codes: 0 done, 1 a test failed, 2 wrong usage or unknown system, 3 something is in the way.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly CHECKOUT=$PWD
readonly SYSTEM_PYTHON=/usr/bin/python3
# What pip can't bring: venv, the zbar library behind pyzbar, certificates for pip itself, time zones.
PACKAGES=(python3 python3-venv ca-certificates tzdata)

usage() {
    cat <<'TEXT'
usage: ./setup.sh demo [OPTION...]   set up, then watch people walk past a simulated gate (kiosk demo)
       ./setup.sh test [OPTION...]   set up, then run the tests; options go to pytest, such as -k lamp
       ./setup.sh prepare            set up for the tests and run nothing
       ./setup.sh install            on a gate's own device: comes with a later release

For Debian 12 and 13 on 64 bit, as root or as a user who may use sudo. A second run takes seconds.
TEXT
}

say() { printf '%s\n' "$*"; }

stop() {  # stop CODE SENTENCE
    printf 'setup.sh: %s\n' "$2" >&2
    exit "$1"
}

# -- is this a system we know? ----------------------------------------------------------------------------

check_system() {
    local ID='' VERSION_ID='' PRETTY_NAME='an unknown system' machine
    local release=${KIOSK_OS_RELEASE:-/etc/os-release} # another file: for the tests of this script
    # shellcheck disable=SC1090
    [ ! -r "$release" ] || . "$release"
    case "$ID $VERSION_ID" in
        'debian 12' | 'raspbian 12') PACKAGES+=(libzbar0) ;;
        'debian 13' | 'raspbian 13') PACKAGES+=(libzbar0t64) ;;
        *) stop 2 "this is $PRETTY_NAME, but only Debian 12 and 13 are known to work; nothing was changed" ;;
    esac
    machine=$(dpkg --print-architecture)
    case "$machine" in
        amd64 | arm64) ;;
        *) stop 2 "this system is for $machine, but the libraries exist for 64 bit only (amd64, arm64); nothing was changed" ;;
    esac
    # The 64-bit Raspberry Pi OS calls itself Debian and leaves this file.
    if [ "$ID" = raspbian ] || [ -e /etc/rpi-issue ]; then
        say 'This is Raspberry Pi OS: it should work like Debian, but that has not been proven yet.'
    fi
}

# -- who does what ----------------------------------------------------------------------------------------

is_root() { [ "$(id -u)" = 0 ]; }

owner() { # the user whose files the environment's are: through sudo in one's own checkout, oneself
    if is_root && [ "${SUDO_UID:-0}" != 0 ] && [ "$(stat -c %u .)" = "$SUDO_UID" ]; then
        say "$SUDO_USER"
    else
        id -un
    fi
}

become() { # become NAME: RUN is what goes before a command, so that it runs without root's rights and home
    RUN=(env)
    [ "$1" = "$(id -un)" ] ||
        RUN=(env "HOME=$(getent passwd "$1" | cut -d: -f6)"
            setpriv --reuid "$1" --regid "$(id -g "$1")" --init-groups)
}

as_root() { if is_root; then "$@"; else sudo "$@"; fi; }

# -- steps: a line each, with its time ----------------------------------------------------------------------

step() { # step WORDS COMMAND...
    local words=$1 began=$SECONDS
    shift
    printf '%s ... ' "$words"
    if "$@" >"$LOG" 2>&1 </dev/null; then
        say "done ($((SECONDS - began)) s)"
    else
        say 'failed'
        trap - EXIT
        stop 3 "$(why) (what was said: $LOG)"
    fi
}

why() { # what the log of a failed step means, and what to do
    local said now
    said=$(tail -n 80 "$LOG" | tr -d '\0')
    now=$(date '+%Y-%m-%d %H:%M')
    case "$said" in
        *'No space left on device'*) say 'the disk is full: make room and try again' ;;
        *'Could not get lock'* | *'is another process using it'*)
            say 'another program is installing packages: try again when it is done' ;;
        *'ot valid yet'* | *'ot yet valid'* | *'s expired'*)
            say "this machine's clock says $now: set it (timedatectl set-ntp true) and try again" ;;
        *CERTIFICATE_VERIFY_FAILED* | *'certificate verify failed'*)
            say "a server's certificate can't be verified: set the clock (it says $now), or tell pip your network's own certificate (pip config set global.cert FILE)" ;;
        *'DO NOT MATCH THE HASHES'*)
            say 'a package differs from what requirements/ name by hash, so it was not installed: try another network' ;;
        *'emporary failure'* | *'ould not resolve'* | *'etwork is unreachable'* | *'Max retries'* | \
            *'onnection refused'* | *'timed out'* | *'Could not connect'* | *'Unable to connect'* | \
            *'Failed to establish'* | *NewConnectionError* | *NameResolutionError*)
            say 'no package server can be reached: connect this machine to a network and try again' ;;
        *'No matching distribution'*)
            say "the package server lacks a package that requirements/ name: check pip's configuration" ;;
        *'Permission denied'*)
            say "some files here are another user's (made as root?): sudo chown -R $(id -un) $CHECKOUT" ;;
        *) say "that failed: $(tail -n 1 <<<"$said")" ;;
    esac
}

# -- system packages ----------------------------------------------------------------------------------------

missing_packages() {
    local name
    for name in "${PACKAGES[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
    done
}

install_packages() { # lists that are missing or too old are refreshed, once
    apt_install "$@" || { as_root apt-get -q update && apt_install "$@"; }
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

system_packages() {
    local missing
    read -r -a missing <<<"$(missing_packages)"
    [ "${#missing[@]}" -gt 0 ] || return 0
    local ask="apt-get install ${missing[*]}"
    is_root || command -v sudo >/dev/null || stop 3 "system packages are missing; have root run: $ask"
    is_root || sudo -v || stop 3 "system packages are missing and sudo said no; have root run: $ask"
    step "System packages (${missing[*]})" install_packages "${missing[@]}"
}

# -- the environment ------------------------------------------------------------------------------------------

version_of() { "$1" -c 'import sys; print(sys.version)' 2>/dev/null; }

environment() { # made anew when the system's Python is another one, or the checkout was moved
    if [ "$(version_of .venv/bin/python)" = "$(version_of $SYSTEM_PYTHON)" ] &&
        grep -qsF "$CHECKOUT/.venv/" .venv/bin/pip; then
        return
    fi
    step "Python environment ($CHECKOUT/.venv)" "${RUN[@]}" $SYSTEM_PYTHON -m venv --clear .venv
}

fingerprint() { # of all that the environment is made from
    { version_of $SYSTEM_PYTHON && cat "requirements/$1.txt" pyproject.toml setup.sh; } | sha256sum | cut -c-64
}

is_ready() { [ "$(cat ".venv/ready-$1" 2>/dev/null)" = "$(fingerprint "$1")" ]; }

python_packages() { # python_packages NAME: requirements/NAME.txt, then the product over them
    # dev holds the whole of demo, in the same versions.
    if is_ready "$1" || is_ready dev; then return; fi
    local pip=("${RUN[@]}" .venv/bin/python -m pip --disable-pip-version-check --no-input install)
    step "Python packages ($(grep -c == "requirements/$1.txt"), each checked by its hash)" \
        "${pip[@]}" --require-hashes --only-binary :all: --requirement "requirements/$1.txt"
    step 'The kiosk itself' "${pip[@]}" --no-deps --no-build-isolation --editable .
    "${RUN[@]}" rm -f .venv/ready-demo .venv/ready-dev
    fingerprint "$1" | "${RUN[@]}" tee ".venv/ready-$1" >/dev/null
}

prepare() { # prepare NAME
    check_system
    # Some tests watch the system calls of the journal, or make them fail; some render speech and play it.
    [ "$1" = demo ] || PACKAGES+=(strace espeak-ng alsa-utils)
    LOG=$(mktemp -t kiosk-setup.XXXXXX)
    trap 'rm -f "$LOG"' EXIT
    # Two runs in one checkout would pull the environment from under each other.
    exec 9<setup.sh
    flock --nonblock 9 || { say 'Another setup.sh is at work here; waiting for it.' && flock 9; }
    system_packages
    become "$(owner)"
    environment
    python_packages "$1"
    exec 9<&-
    rm -f "$LOG"
    trap - EXIT
}

# -- the two commands -----------------------------------------------------------------------------------------

# The demo talks to nobody but itself, yet it serves pages and reads pictures: root's rights are no use to it.
demo_user() { # demo_user OPTION...
    local name
    name=$(owner)
    [ "$name" = root ] || { say "$name" && return; }
    become nobody
    if may_use "$@" 2>/dev/null; then
        say nobody
    else
        say 'The demo runs as root: the user nobody may not use this checkout or a folder you named.' >&2
        say root
    fi
}

may_use() { # whether RUN's user can run what is here, write where --keep says and read what else is named
    "${RUN[@]}" test -r pyproject.toml && "${RUN[@]}" .venv/bin/python -c 'import kiosk' || return
    "${RUN[@]}" test -w "${TMPDIR:-/tmp}" || return
    local word previous=''
    for word in "$@"; do
        case $word in
            --keep=*) previous=--keep ;;
        esac
        word=${word#--*=}
        if [ "$previous" = --keep ]; then
            "${RUN[@]}" test -w "$(existing "$word")" || return
        elif [ -e "$word" ]; then
            "${RUN[@]}" test -r "$word" || return
        fi
        previous=$word
    done
}

existing() { # the folder itself, or the nearest one above that is there
    local folder=$1
    until [ -e "$folder" ]; do folder=$(dirname "$folder"); done
    say "$folder"
}

demo() {
    prepare demo
    become "$(demo_user "$@")"
    exec "${RUN[@]}" .venv/bin/kiosk demo "$@"
}

tests() {
    prepare dev
    exec "${RUN[@]}" .venv/bin/python -m pytest "$@"
}

case "${1:-}" in
    demo) demo "${@:2}" ;;
    test) tests "${@:2}" ;;
    prepare) prepare dev ;;
    install) stop 2 'install comes with the device release; demo and test work now' ;;
    help | -h | --help) usage ;;
    *)
        usage >&2
        stop 2 "${1:+there is no ${1@Q}; }say demo or test"
        ;;
esac
