#!/bin/sh
# Looks for system parts; installs them with apt where that is allowed, else says what is missing.
# Usage: need.sh COMMAND...   (ONE|OTHER: either will do, the first is installed)
set -u
here() { for one in $(echo "$1" | tr '|' ' '); do command -v "$one" >/dev/null 2>&1 && return 0; done; return 1; }
missing=""
for part in "$@"; do here "$part" || missing="$missing ${part%%|*}"; done
[ -z "$missing" ] && exit 0
packages=""
for part in $missing; do
  case "$part" in node) packages="$packages nodejs" ;; *) packages="$packages $part" ;; esac
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing:$packages"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages >/dev/null
fi
still=""
for part in "$@"; do here "$part" || still="$still ${part%%|*}"; done
[ -z "$still" ] && exit 0
echo "missing:$still (install with your system's package tool; tests that need them are skipped)" >&2
for part in $still; do
  case "$part" in node | npm) exit 1 ;; esac
done
exit 0
