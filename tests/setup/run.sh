#!/usr/bin/env bash
# Proves setup.sh where it matters: in a bare Debian that has never seen this project.
#
#     tests/setup/run.sh bookworm|trixie [WORKDIR] [-- COMMAND...]
#
# Builds a minimal root with mmdebstrap (mirror: the one this machine's apt uses), clones the committed state
# into /srv/kiosk there, runs `./setup.sh test` in it as root, then checks that a second run is quick and calls
# no apt. Another COMMAND than ./setup.sh test may follow "--". Needs root, mmdebstrap, git; WORKDIR (default:
# a temporary folder that is removed again) keeps the bare root for the next run.
#
# What only this workplace needs (an own package index, its certificate) is handed in here through pip's own
# variables, so that setup.sh stays as a stranger would run it.
set -euo pipefail

suite=${1:?bookworm or trixie}
shift
work=''
if [ "${1:-}" ] && [ "$1" != -- ]; then
    work=$1
    shift
fi
[ "${1:-}" != -- ] || shift
[ $# -gt 0 ] || set -- ./setup.sh test

here=$(cd "$(dirname "$0")/../.." && pwd)
keep=$work
work=${work:-$(mktemp -d)}
bare=$work/$suite.tar
root=$work/$suite

mirror() { # of this machine's apt, deb822 or one-line
    sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' \
        /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | head -1
}

mounted() { mount | grep -qF " $root$1 "; }

unmount() {
    local place
    for place in /shared /dev/pts /dev/shm /proc ''; do
        ! mounted "$place" || umount "$root$place"
    done
}

build() {
    [ -e "$bare" ] || mmdebstrap --quiet --variant=minbase --format=tar "$suite" "$bare" "$(mirror)"
    unmount
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    tar -xf "$bare" -C "$root"
    cp --remove-destination "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
    # clone over file://, so that no object is shared with the original
    git clone --quiet "file://$here" "$root/srv/kiosk"
    [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$root/etc/pip.conf"
    cp "${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/handed-in.pem"
}

mount_system() {
    # A mount point of its own, or tests could not make mount namespaces in it.
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    # The root has device files of its own (mmdebstrap): the machine's /dev is never bound where rm -rf goes.
    mkdir -p "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    if [ -d "$here/../shared/data" ]; then
        mkdir -p "$root/shared"
        mount --bind -o ro "$here/../shared" "$root/shared"
    fi
}

inside() { # inside COMMAND...: as a login of root would see it, and nothing of this machine's environment
    chroot "$root" env -i HOME=/root TERM=dumb LANG=C.UTF-8 CI="${CI:-}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        PIP_CERT=/etc/handed-in.pem KIOSK_CONFORMANCE_DATA=/shared/data \
        sh -c 'cd /srv/kiosk && "$@"' sh "$@"
}

trap 'unmount || true; [ -n "$keep" ] || rm -rf --one-file-system "$work"' EXIT
began=$SECONDS
build
mount_system
echo "== $suite: bare root after $((SECONDS - began)) s; running $*"
began=$SECONDS
status=0
inside "$@" || status=$?
echo "== $suite: $* ended with $status after $((SECONDS - began)) s"
[ "$status" = 0 ] || exit "$status"

# Again, with an apt-get that tells on whoever calls it.
mv "$root/usr/bin/apt-get" "$root/usr/bin/apt-get.real"
printf '#!/bin/sh\necho "apt-get was called: $*" >&2\nexit 99\n' >"$root/usr/bin/apt-get"
chmod +x "$root/usr/bin/apt-get"
began=$SECONDS
inside ./setup.sh prepare
took=$((SECONDS - began))
echo "== $suite: set up again in $took s, without apt"
[ "$took" -le 10 ]
