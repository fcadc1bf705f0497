#!/usr/bin/env bash
# A real SLURM of one node, this machine, for tests. `. one-node.sh` and then `slurm_start DIR` and `slurm_stop DIR`; all it writes is in DIR, and
# what the machine may have of its own is left alone. Needs root and Debian's packages, which it installs; returns 77 where they cannot be had.

slurm_install() {
  local program
  for program in slurmctld slurmd sbatch munged; do
    command -v "$program" >/dev/null || {
      [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 77
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
      break
    }
  done
  command -v slurmctld >/dev/null && command -v munged >/dev/null || return 77
}

slurm_start() {
  local dir=$1 host
  [ "$(id -u)" = 0 ] && slurm_install || return 77
  host=$(hostname -s)
  mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
  chmod 755 "$dir" "$dir/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
  munged --force --socket="$dir/munge/socket" --key-file="$dir/munge.key" --pid-file="$dir/munge/pid" --log-file="$dir/munge.log" --seed-file="$dir/munge.seed" || return 77
  export SLURM_CONF="$dir/slurm.conf"
  # Ports beside SLURM's own.
  cat >"$SLURM_CONF" <<CONF
ClusterName=gairat
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmUser=root
ReturnToService=2
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/MemTotal/ { print int($2 / 1024 * 0.9) }' /proc/meminfo) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  slurmctld && slurmd || return 77
  for _ in $(seq 40); do
    sinfo --noheader 2>/dev/null | grep -q idle && return 0
    sleep 0.5
  done
  tail -n 5 "$dir/slurmctld.log" "$dir/slurmd.log"
  return 77
}

slurm_stop() {
  local file pid
  for file in "$1/slurmd.pid" "$1/slurmctld.pid" "$1/munge/pid"; do
    [ -e "$file" ] || continue
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || continue
    # They write until they are gone.
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
}
