#!/usr/bin/env bash
# Install Slurm and munge where they are missing and that is possible: as root on Debian or Ubuntu.
# Elsewhere the tests of the cluster skip themselves, with the reason.
set -uo pipefail
has() { command -v "$1" >/dev/null; }
if { has slurmctld && has slurmd && has munged; } || [ "$(id -u)" != 0 ] || ! has apt-get; then
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
{ apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends slurm-wlm munge; } >/dev/null ||
  echo "Slurm could not be installed; the tests of the cluster will be skipped." >&2
