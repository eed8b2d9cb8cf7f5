#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests batches on several machines, all of them this one, with workers that
are killed: test-cluster.py PROGRAM. Prints TAP. All servers listen on loopback
only."""
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
CLUSTER = os.path.join(HERE, "..", "..", "pipelines", "cluster")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)
import media  # noqa: E402
import tap  # noqa: E402
from common import copy_plan, same_masks  # noqa: E402
from program import PROGRAM, good  # noqa: E402

os.environ["PATH"] += ":/usr/sbin:/sbin"
WHAT = ("--to", "masks,results", "-t", "1", "-j", "1")
N = 3


class Place:
    """Holds recordings and the results of one machine for them."""

    def __init__(self, folder):
        self.folder = folder
        self.media = self.path("recordings here")
        self.reference = self.path("reference")
        os.mkdir(self.media)
        raw = self.path("raw")
        media.make_raw(raw)
        for i in range(4):
            done, said = media.make_video(
                os.path.join(self.media, "clip %d.mkv" % i),
                raw,
                "jpegenc",
                None,
                "matroskamux",
            )
            assert done, said
        self.good = os.listdir(self.media)
        good("batch", self.media, "-o", self.reference, *WHAT)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def check(self, out):
        good("join", out)
        for name in self.good:
            same_masks(
                os.path.join(self.reference, name), os.path.join(out, name)
            )


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise tap.Skip("no " + program)


def wait_for(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return True
        time.sleep(0.2)
    return False


def workers(out):
    """Returns the processes of the program that work on that folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if words[0] == PROGRAM.encode() and os.fsencode(out) in words:
            found.append(int(pid))
    return found


def kill_one(out):
    """Kills a worker without warning, as a machine that fails does. Returns
    False where none is left, which is no failure."""
    if wait_for(lambda: workers(out)):
        for pid in workers(out)[:1]:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


# ---- GNU parallel over ssh --------------------------------------------------


def start_sshd(place):
    """Starts sshd for two hosts, 127.0.0.1 and 127.0.0.2."""
    need("ssh", "sshd", "ssh-keygen", "parallel")
    for name in ("host", "user"):
        subprocess.run(
            [
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-f",
                place.path(name),
            ],
            check=True,
        )
    shutil.copy(place.path("user.pub"), place.path("authorized"))
    port = free_port()
    config = place.write(
        "sshd_config",
        f"""
ListenAddress 127.0.0.1:{port}
ListenAddress 127.0.0.2:{port}
HostKey {place.path('host')}
AuthorizedKeysFile {place.path('authorized')}
StrictModes no
UsePAM no
PidFile none
AcceptEnv *
""",
    )
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    server = subprocess.Popen(
        [shutil.which("sshd"), "-D", "-f", config], stderr=subprocess.DEVNULL
    )
    ssh = place.write(
        "ssh",
        f"""#!/bin/sh
exec ssh -q -p {port} -i '{place.path('user')}' -o BatchMode=yes \\
  -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$@"
""",
        0o755,
    )
    user = getpass.getuser()
    if not wait_for(
        lambda: subprocess.run([ssh, user + "@127.0.0.2", "true"]).returncode
        == 0,
        10,
    ):
        server.terminate()
        raise tap.Skip("sshd does not let us in here")
    return server, ssh, user


def parallel(place):
    """GNU parallel on two hosts completes although a worker is killed"""
    server, ssh, user = start_sshd(place)
    out = place.path("parallel out")
    copy_plan(place.reference, out)
    hosts = ",".join("1/%s %s@127.0.0.%d" % (ssh, user, i) for i in (1, 2))
    try:
        run = subprocess.Popen(
            [
                os.path.join(CLUSTER, "parallel.sh"),
                hosts,
                str(N),
                out,
                place.media,
                "--",
                "--segment",
                "1",
                *WHAT,
            ],
            env=dict(os.environ, UNETSEG=PROGRAM),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        kill_one(out)
        said = run.communicate(timeout=300)[0]
        assert run.returncode == 0, said
    finally:
        server.terminate()
    place.check(out)


# ---- Slurm ------------------------------------------------------------------


def start_munge(place):
    """Starts munged, by which Slurm's daemons authenticate each other."""
    socket_path = place.path("munge.socket")
    with open(place.path("munge.key"), "wb") as f:
        f.write(os.urandom(128))
    os.chmod(place.path("munge.key"), 0o400)
    subprocess.run(
        [
            "munged",
            "--force",
            "--key-file=" + place.path("munge.key"),
            "--socket=" + socket_path,
            "--pid-file=" + place.path("munge.pid"),
            "--log-file=" + place.path("munge.log"),
            "--seed-file=" + place.path("munge.seed"),
        ],
        capture_output=True,
    )
    if not wait_for(lambda: os.path.exists(socket_path), 5):
        raise tap.Skip("munged does not start here")
    return socket_path


def slurm_config(place, munge):
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        os.makedirs(place.path(name), exist_ok=True)
    version = subprocess.run(
        ["slurmd", "-V"], capture_output=True, text=True
    ).stdout.split()[-1]
    # Slurm tracks jobs by process group, so that no cgroups are needed. Only
    # version 23 and later can switch cgroups off.
    place.write(
        "cgroup.conf",
        "CgroupPlugin=%s\n" % ("disabled" if version >= "23" else "cgroup/v1"),
    )
    # A requeued job waits until its credentials have expired.
    return place.write(
        "slurm.conf",
        f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser={getpass.getuser()}
SlurmdUser={getpass.getuser()}
AuthType=auth/munge
AuthInfo=socket={munge},cred_expire=5
CredType=cred/munge
CommunicationParameters=NoInAddrAny
StateSaveLocation={place.path('state')}
SlurmdSpoolDir={place.path('spool')}
SlurmctldPidFile={place.path('slurmctld.pid')}
SlurmdPidFile={place.path('slurmd.pid')}
SlurmctldLogFile={place.path('slurmctld.log')}
SlurmdLogFile={place.path('slurmd.log')}
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,sched_interval=2
ReturnToService=2
MinJobAge=3600
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
""",
    )


def start_slurm(place):
    need("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
    munge = start_munge(place)
    env = dict(os.environ, SLURM_CONF=slurm_config(place, munge))
    daemons = []
    for words in (["slurmctld", "-D", "-i"], ["slurmd", "-D"]):
        with open(place.path(words[0] + ".out"), "w") as log:
            daemons.append(
                subprocess.Popen(words, env=env, stdout=log, stderr=log)
            )

    def idle():
        return (
            "idle"
            in subprocess.run(
                ["sinfo", "-h", "-o", "%T"],
                env=env,
                capture_output=True,
                text=True,
            ).stdout
        )

    if not wait_for(idle, 30):
        stop_slurm(place, daemons)
        logs = ""
        for name in ("slurmctld", "slurmd"):
            for end in (".log", ".out"):
                if os.path.exists(place.path(name + end)):
                    with open(place.path(name + end)) as f:
                        logs += " ".join(f.read().splitlines()[-2:])
        raise tap.Skip("Slurm does not start here: " + logs[-400:])
    return env, daemons


def stop_slurm(place, daemons):
    for daemon in reversed(daemons):
        daemon.terminate()
        daemon.wait()
    with open(place.path("munge.pid")) as f:
        os.kill(int(f.read()), signal.SIGTERM)


def slurm(place):
    """A Slurm job array completes although a worker is killed"""
    env, daemons = start_slurm(place)
    env["UNETSEG"] = PROGRAM
    out = place.path("slurm out")
    copy_plan(place.reference, out)
    try:
        job = subprocess.run(
            [
                "sbatch",
                "--parsable",
                "--array=1-%d" % N,
                "--output=" + place.path("job-%a.log"),
                "--export=ALL",
                os.path.join(CLUSTER, "slurm.sh"),
                out,
                place.media,
                "--",
                "--segment",
                "1",
                *WHAT,
            ],
            env=env,
            capture_output=True,
            text=True,
        )
        assert job.returncode == 0, job.stderr
        kill_one(out)

        def ended():
            return not subprocess.run(
                ["squeue", "-h", "-t", "PD,R,CG,RQ"],
                env=env,
                capture_output=True,
                text=True,
            ).stdout.strip()

        assert wait_for(ended, 400), subprocess.run(
            ["squeue"], env=env, capture_output=True, text=True
        ).stdout
    finally:
        stop_slurm(place, daemons)
    place.check(out)


def main():
    test = tap.Tap()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Place(folder)
        for case in (parallel, slurm):
            test.case(case, place)
    return test.done()


if __name__ == "__main__":
    sys.exit(main())
