"""A Slurm of one node on this machine, started in a folder of its own and stopped at the end."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

PROGRAMS = (
    *("setpriv", "unshare", "munged", "slurmctld", "slurmd"),
    *("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo"),
)
GPUS = 2
PATIENCE_S = 300
WITHOUT_ACCOUNTING = Path(__file__).resolve().parents[2] / "slurm" / "without_accounting"

# Whoever kills pytest ends its daemons too.
_WITH_US = ("setpriv", "--pdeathsig", "TERM")
# Jobs outlive slurmd, as they should on a cluster. In a PID namespace of its own they do not.
_WITH_US_AND_ALL_BELOW = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"),
)

# No accounting, no cgroups: the poorest site. Memory is watched by sampling, every second. CPUs
# enough for all jobs, so that only GPUs are scarce. A srun that asks for its step before the node
# has registered with a controller just started asks again after SlurmctldTimeout, 60 s or more.
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
SlurmctldTimeout=60
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
            "PATH": f"{folder / 'bin'}:{WITHOUT_ACCOUNTING}:{os.environ['PATH']}",
        }
        self._daemons: list[subprocess.Popen] = []
        self._controller: subprocess.Popen | None = None
        self._node: subprocess.Popen | None = None
        self._write_files()

    def start(self) -> None:
        """Start all daemons and wait until the node takes jobs."""
        files = {name: self.folder / f"munge.{name}" for name in ("sock", "pid", "log", "seed")}
        self._start_daemon(
            *(*_WITH_US, "munged", "--foreground", "--force"),
            *(f"--key-file={self.folder / 'munge.key'}", f"--socket={files['sock']}"),
            *(f"--pid-file={files['pid']}", f"--log-file={files['log']}"),
            f"--seed-file={files['seed']}",
        )
        self.start_controller()
        self._node = self._start_daemon(*_WITH_US_AND_ALL_BELOW, "slurmd", "-D", "-N", self.host)
        self.wait_for(lambda: "idle" in self.node_state(), "the node to come up")

    def stop(self) -> None:
        """End all daemons and what their jobs left."""
        for daemon in reversed(self._daemons):
            if daemon is self._node:
                daemon.kill()  # and, with its namespace, every job
            else:
                daemon.terminate()
            daemon.wait(timeout=PATIENCE_S)

    def start_controller(self) -> None:
        """Start the controller and wait until it answers; it knows the jobs of its last life."""
        self._controller = self._start_daemon(*_WITH_US, "slurmctld", "-D")
        self.wait_for(lambda: self.run("sinfo", check=False).returncode == 0, "the controller")

    def stop_controller(self) -> None:
        """Stop the controller; jobs go on without it."""
        self._controller.terminate()
        self._controller.wait(timeout=PATIENCE_S)

    def drain(self) -> None:
        """Let the node finish its jobs and take no new ones."""
        self._update_node("drain")

    def resume(self) -> None:
        """Let the node take jobs again."""
        self._update_node("resume")

    def node_state(self) -> str:
        """State of the node in sinfo's words."""
        return self.run("sinfo", "--noheader", "--Node", "--format=%T", check=False).stdout

    def steps(self) -> set[str]:
        """Jobs whose work, not only their script, has begun."""
        listed = self.run("squeue", "--noheader", "--steps", "--format=%i", check=False).stdout
        return {step.partition(".")[0] for step in listed.split() if step.endswith(".0")}

    def time_limit(self, job_id: str) -> timedelta:
        """How long a job may take."""
        shown = self.run("scontrol", "show", "job", job_id).stdout
        hours, minutes, seconds = re.search(r"TimeLimit=(\d+):(\d+):(\d+)", shown).groups()
        return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))

    def launches(self) -> list[str]:
        """Numbers of the jobs that the node has started, in their order."""
        log = (self.folder / "slurmd.log").read_text()
        return re.findall(r"Launching batch job (\d+)", log)

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

    def _start_daemon(self, *command: str) -> subprocess.Popen:
        daemon = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._daemons.append(daemon)
        return daemon


def die_with_parent() -> None:
    """Let a worker of pytest-xdist end when pytest is killed, and its cluster with it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def missing_for_a_cluster() -> str:
    """What keeps this machine from running a cluster; empty if nothing does."""
    if os.geteuid() != 0:
        return "Slurm's daemons run jobs only as root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"{', '.join(absent)} not installed (Debian: slurm-wlm and munge)"
    tried = subprocess.run([*_WITH_US_AND_ALL_BELOW, "true"], capture_output=True, text=True)
    if tried.returncode:
        return f"no PID namespace for the node's jobs: {tried.stderr.strip()}"
    return ""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
