"""A Slurm of one node on this machine, started in a folder of its own and stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = (
    *("setpriv", "munged", "slurmctld", "slurmd"),
    *("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo"),
)
GPUS = 2
PATIENCE_S = 60

# No accounting, no cgroups: the poorest site. Memory is watched by sampling, every second. CPUs
# enough for all jobs, so that only GPUs are scarce.
_SLURM_CONF = """\
ClusterName=slidesieve
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
ReturnToService=2
KillWait=2
SchedulerParameters=sched_interval=1,batch_sched_delay=0
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs=32 RealMemory=64000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=normal Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Job:
    """A job as squeue tells it."""

    job_id: str
    state: str
    reason: str
    what: str


class Cluster:
    """Daemons of Slurm and munge that know of nothing outside `folder`.

    Args:
        folder: Empty, with a short path: munge's socket is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = socket.gethostname()
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }
        self._daemons: dict[str, subprocess.Popen] = {}
        self._write_files()

    def start(self) -> None:
        """Start all daemons and wait until the node takes jobs."""
        files = {name: self.folder / f"munge.{name}" for name in ("sock", "pid", "log", "seed")}
        self._start_daemon(
            *("munged", "--foreground", "--force", f"--key-file={self.folder / 'munge.key'}"),
            *(f"--socket={files['sock']}", f"--pid-file={files['pid']}"),
            *(f"--log-file={files['log']}", f"--seed-file={files['seed']}"),
        )
        self._start_daemon("slurmctld", "-D")
        self.wait_for(lambda: self.run("sinfo", check=False).returncode == 0, "the controller")
        self._start_daemon("slurmd", "-D", "-N", self.host)
        self.wait_for(lambda: "idle" in self.node_state(), "the node to come up")

    def stop(self) -> None:
        """End all daemons and what their jobs left."""
        self.run("scancel", "--state=RUNNING,PENDING", "--user=root", check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            self._stop_daemon(name)

    def drain(self) -> None:
        """Let the node finish its jobs and take no new ones."""
        self._update_node("drain")

    def resume(self) -> None:
        """Let the node take jobs again."""
        self._update_node("resume")

    def node_state(self) -> str:
        """State of the node in sinfo's words."""
        return self.run("sinfo", "--noheader", "--Node", "--format=%T", check=False).stdout

    def jobs(self, *states: str) -> list[Job]:
        """Jobs that are in one of the states, or all that the controller remembers."""
        chosen = ",".join(states) or "all"
        listed = self.run(
            *("squeue", "--noheader", f"--states={chosen}", "--format=%i|%T|%r|%k"), check=False
        )
        return [Job(*line.split("|")) for line in listed.stdout.splitlines()]

    def wait_for(self, happened: Callable[[], object], what: str) -> None:
        """Wait until something is so.

        Raises:
            TimeoutError: It did not happen.
        """
        end = time.monotonic() + PATIENCE_S
        while not happened():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text()[-1500:] for path in self.folder.glob("*.log"))
                raise TimeoutError(f"waited in vain for {what}; {self.jobs()}\n{logs}")
            time.sleep(0.2)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command that belongs to this cluster."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=check
        )

    def _write_files(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        # Within a job Snakemake drops all SLURM_ variables, with them the one that says where the
        # configuration is; a site has it in /etc/slurm, which is none of a test's business.
        srun = self.folder / "bin" / "srun"
        conf = self.folder / "slurm.conf"
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        # munged insists that others may pass, and that its key is nobody else's.
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        text = _SLURM_CONF.format(
            folder=self.folder,
            host=self.host,
            gpus=GPUS,
            controller_port=_free_port(),
            node_port=_free_port(),
        )
        conf.write_text(text)
        # Stand-ins for /dev/nvidia0 and on: Slurm gives out files, whatever is behind them.
        for number in range(GPUS):
            (self.folder / f"gpu{number}").touch()
        gpus = f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n"
        (self.folder / "gres.conf").write_text(gpus)

    def _update_node(self, state: str) -> None:
        reason = ["reason=test"] if state == "drain" else []
        self.run("scontrol", "update", f"nodename={self.host}", f"state={state}", *reason)

    def _start_daemon(self, name: str, *arguments: str) -> None:
        # Whoever kills pytest ends its daemons too.
        self._daemons[name] = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", name, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _stop_daemon(self, name: str) -> None:
        daemon = self._daemons.pop(name, None)
        if daemon is not None:
            daemon.terminate()
            daemon.wait(timeout=PATIENCE_S)


def missing_for_a_cluster() -> str:
    """What keeps this machine from running a cluster; empty if nothing does."""
    if os.geteuid() != 0:
        return "Slurm's daemons run jobs only as root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: slurm-wlm and munge)"
    return ""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
