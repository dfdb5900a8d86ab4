#!/usr/bin/env bash
# The Slurm example of docs/slurm on a real Slurm of one node: slurm_array.sh PROGRAM SOURCE_DIR.
# As root, with slurm-wlm and munge installed.  The cluster lives in a temporary folder under keys and
# ports of its own, needs no systemd and no cgroups, and is gone at the end.  It takes two minutes.
set -uo pipefail
usage="usage: $0 PROGRAM SOURCE_DIR"
set -- "$(realpath "${1:?$usage}")" "$(realpath "${2:?$usage}")"
# shellcheck source=tests/end_to_end.sh
. "$(dirname "$0")/end_to_end.sh"
PATH=$PATH:/usr/sbin
for needed in munged slurmctld slurmd sbatch; do
    command -v $needed >/dev/null || {
        echo "$needed is not here; to add it: apt-get install slurm-wlm munge"
        exit 77
    }
done
[ "$(id -u)" = 0 ] || {
    echo 'the daemons of Slurm want to be started by root'
    exit 77
}

# ---- The cluster ----
daemons=()
stop_cluster() {
    scancel --user=root >/dev/null 2>&1
    [ ${#daemons[@]} -eq 0 ] || kill "${daemons[@]}" 2>/dev/null
    wait
    rm -rf "$PWD"
}
trap stop_cluster EXIT
trap 'exit 130' INT TERM
chmod 755 . # munged wants its socket's folder to be reachable
mkdir state spool
host=$(hostname -s)
port=$((20000 + $$ % 20000))
export SLURM_CONF=$PWD/slurm.conf
cat >slurm.conf <<CONF
ClusterName=assay
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$PWD/munge.socket,cred_expire=5
StateSaveLocation=$PWD/state
SlurmdSpoolDir=$PWD/spool
SlurmctldPidFile=$PWD/slurmctld.pid
SlurmdPidFile=$PWD/slurmd.pid
SlurmctldLogFile=$PWD/slurmctld.log
SlurmdLogFile=$PWD/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=bench Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
head -c 1024 /dev/urandom >munge.key
chmod 400 munge.key
munged --foreground --force --key-file="$PWD/munge.key" --socket="$PWD/munge.socket" \
    --pid-file="$PWD/munge.pid" --log-file="$PWD/munge.log" --seed-file="$PWD/munge.seed" 2>/dev/null &
daemons+=($!)
slurmctld -D >/dev/null 2>&1 &
daemons+=($!)
slurmd -D >/dev/null 2>&1 &
daemons+=($!)

# within SECONDS COMMAND...: until the command succeeds.
within() {
    local left=$(($1 * 5))
    shift
    until "$@"; do
        [ $((left -= 1)) -gt 0 ] || return 1
        sleep 0.2
    done
}
idle() { sinfo --noheader --format=%T 2>/dev/null | grep -qx idle; }
within 30 idle || {
    tail -n 5 ./*.log
    echo 'FAILED: the cluster does not come up'
    exit 1
}

# ---- The example ----
ended() { ! squeue --noheader --jobs="$1" 2>/dev/null | grep -q .; }
journal() { echo "zen/shard-$1/journal.jsonl"; }
has_begun() { [ "$(wc -l 2>/dev/null <"$(journal "$1")" || echo 0)" -ge 3 ]; }
# keeps SHARD: what its journal said when it was stopped is where it was.
keeps() {
    head -c "$(stat -c %s "before-$1")" "$(journal "$1")" | cmp -s - "before-$1" ||
        fail "shard $1: a round that was measured before is lost"
}
submit() { sbatch --parsable "$@"; }
give_up() {
    fail "$*"
    tail -n 3 assay-*.log slurmctld.log slurmd.log
    exit 1
}
array=$source_dir/docs/slurm/array.sbatch join=$source_dir/docs/slurm/join.sbatch
export ASSAY=$program
options=(--preset smoke --rounds 40)
# The paths and threads that a plan in one piece names.
"$program" bench "${options[@]}" --dry-run 2>/dev/null | awk '
    /^[^ ].* threads?$/ { split($1, part, "/"); sub(/,$/, "", part[4]); threads = $2 }
    /^  [^ ]/ && $1 != "variant" { print part[1] "/" part[2] "/" $1 "/" part[4], threads }' |
    sort >planned
[ -s planned ] || fail 'the plan is empty'
planned_are() { cut -d' ' -f1,2 <(cells "$1") | sort | cmp -s - planned; }

job=$(submit --array=1-3 "$array" zen 3 "${options[@]}") || give_up 'the array was not accepted'
first=$(submit --dependency=afterany:"$job" "$join" zen) || give_up 'the job that joins was not accepted'
# task 2 goes back into the queue while it measures; task 3 is killed without a warning, as by a node
# that fails, and stays dead
within 120 has_begun 2 || give_up 'task 2 does not begin'
cp "$(journal 2)" before-2
expect 0 '' scontrol requeue "${job}_2"
within 120 has_begun 3 || give_up 'task 3 does not begin'
cp "$(journal 3)" before-3
task=$(squeue --noheader --jobs="${job}_3" --format=%A)
# shellcheck disable=SC2046 # one word for each process
kill -KILL $(scontrol listpids "$task" | awk '$1 ~ /^[0-9]+$/ { print $1 }')
within 240 ended "$job" || give_up 'the array does not end'
within 60 ended "$first" || give_up 'the job that joins does not end'
grep -q . "assay-${job}_2.log" || fail 'task 2 has no log'
keeps 2
keeps 3
[ "$(member zen/shard-1/bench.json 'd["run"]["status"]')" = complete ] || fail 'task 1 is not complete'
[ "$(member zen/shard-2/bench.json 'd["run"]["status"]')" = complete ] ||
    fail "task 2 was not resumed: $(tail -1 "assay-${job}_2.log")"
[ ! -e zen/shard-3/bench.json ] || fail 'task 3 ended although it was killed'
[ "$(member zen/all/bench.json 'd["run"]["status"]')" = interrupted ] ||
    fail 'a run without all of its third part is called complete'

# the killed task is sent again by itself, and all are joined anew
rm -r zen/all
again=$(submit --array=3 "$array" zen 3 "${options[@]}") || give_up 'one task alone was not accepted'
last=$(submit --dependency=afterany:"$again" "$join" zen)
within 240 ended "$last" || give_up 'the second end does not come'
keeps 3
document=zen/all/bench.json
validate $document
[ "$(member $document 'd["run"]["status"]')" = complete ] || fail 'the joined run is not complete'
planned_are $document || fail "the joined run has other cells than the plan: $(cells $document |
    cut -d' ' -f1,2 | sort | diff - planned | head -3)"
[ "$(member $document 'all(len(c["samples"]) == 40 for c in d["cells"])')" = True ] ||
    fail "rounds are missing or doubled: $(cells $document | grep -v ' 40$'| head -3)"
[ -s zen/all/report.html ] || fail 'there is no report'
[ "$(find zen/all/plots -name '*.svg' -size +0 | wc -l)" -gt 0 ] || fail 'there are no figures'
grep -q . "assay-join-$last.log" || fail 'the job that joins says nothing'

# ---- Two kinds of nodes: the second is this one held to AVX2 ----
other=$(ASSAY_ISA=avx2 submit --array=1-2 "$array" avx2 2 "${options[@]}")
last=$(submit --dependency=afterok:"$other" "$join" avx2)
within 240 ended "$last" || give_up 'the run of the second kind does not end'
planned_are avx2/all/bench.json || fail 'the second kind has other cells'
"$program" compare zen/all avx2/all --out kinds.json >stdout 2>stderr
[ $? -le 1 ] || fail "the kinds cannot be compared: $(tail -1 stderr)"
validate kinds.json
[ "$(member kinds.json 'len(d["cells"])')" = "$(wc -l <planned)" ] || fail 'cells were not compared'

[ "$failures" -eq 0 ] && echo "Slurm $(sinfo --version | cut -d' ' -f2): all as it should be"
exit $((failures > 0))
