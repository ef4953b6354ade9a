# SPDX-License-Identifier: GPL-2.0-only
"""An emulated host that counts instructions: QEMU's -icount makes its clock, and so the TSC of the
host and of its guests, tick once for each instruction that the whole machine executes."""
import fcntl
import os
import subprocess
import time

from bench import TOP, cpu_seconds, fail

VHOST = f"{TOP}/selftests/vhost"
CACHE = os.environ.get("NEXUS_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "nexus")
# An instruction of the `rep` kind counts once for each step: with erms and fsrm, copies would
# count once for each byte, where a processor moves many at a time. Without, eight bytes or 32.
CPU = "max,+svm,+npt,-erms,-fsrm"
SEEDS = (1, 2, 3, 4, 5, 6)
# Nobody looks at the guests' displays or firmware menus.
QEMU_FILES = ["/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-x86_64-microvm", "/usr/share/qemu/qboot.rom",
              "/usr/share/qemu/bios-microvm.bin",
              "/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/kvmvapic.bin",
              "/usr/share/qemu/linuxboot_dma.bin", "/usr/share/qemu/pvh.bin"]
HOST_MODULES = ["kvm-amd", "vhost_net", "tun"]
KERNEL_ARGS = ("console=ttyS0 loglevel=4 panic=-1 mitigations=off pci=noearly cryptomgr.notests audit=0 "
               "apparmor=0 tsc=reliable")


def kernel(part, series="6.1"):
    return subprocess.run([f"{VHOST}/kernel", "--kernel", series, part], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def module_name(path):
    return os.path.basename(path).removesuffix(".ko").replace("-", "_")


def modules(*names):
    """Files of these modules and of what they need, in the order of loading."""
    directory = kernel("modules")
    depends = {}
    with open(f"{directory}/modules.dep") as lines:
        for line in lines:
            path, _, needs = line.partition(":")
            depends[module_name(path)] = (path, needs.split())
    files = []
    for name in names:
        if name.replace("-", "_") not in depends:
            continue    # built in
        path, needs = depends[name.replace("-", "_")]
        for file in [*reversed(needs), path]:
            if file not in files:
                files.append(file)
    return [f"{directory}/{file}" for file in files]


def initramfs(out, items):
    """items: {path there: file here}."""
    subprocess.run([f"{VHOST}/initrd", out, *(f"{source}:{dest}" for dest, source in items.items())], check=True)
    return out


def write(path, text, mode=0o755):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def attempts(directory, initrd, done, mem=3072, limit=600, quiet=180, extra=(), shared=False, counted=True):
    """Boots it until `done` is on its console; yields its lines, the seed, and the seconds it took. Under -icount QEMU
    may deliver an interrupt twice into a nested guest, which then hangs: whoever asks for another attempt
    gets one with another seed. limit: seconds; quiet: seconds of processor time without a word. shared: beside others of
    the kind. counted: its clock counts instructions; what measures memory only does without, and does not hang."""
    console = f"{directory}/console"
    os.makedirs(f"{CACHE}/vhost", exist_ok=True)
    lock = open(f"{CACHE}/vhost/lock", "w")
    fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    for seed in SEEDS:
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,thread=single",
                   *(["-icount", "shift=0,sleep=off"] if counted else []), "-seed", str(seed),
                   "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-smp", "1", "-m", str(mem), "-cpu", CPU, "-nodefaults", "-display", "none", "-no-reboot",
                   "-kernel", kernel("vmlinux"), "-initrd", initrd, "-serial", f"file:{console}", "-append", KERNEL_ARGS,
                   *extra]
        begin, size, grown = time.monotonic(), 0, 0
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as qemu:
            while qemu.poll() is None:
                time.sleep(0.5)
                cpu = cpu_seconds([qemu.pid])
                if os.path.exists(console) and os.path.getsize(console) != size:
                    size, grown = os.path.getsize(console), cpu
                if cpu - grown > quiet or time.monotonic() - begin > limit:
                    qemu.kill()
        with open(console, errors="replace", newline="") as file:    # a lone \r is no end of line
            lines = file.read().replace("\r", "").splitlines()
        if done not in lines:
            print(f"  seed {seed}: the emulation ended or hung after {time.monotonic() - begin:.0f} s; its last lines:\n    "
                  + "\n    ".join(line[:200] for line in lines[-4:]), flush=True)
        yield lines, seed, time.monotonic() - begin


def run(directory, initrd, done, **kwargs):
    """The first attempt that comes to its end."""
    for lines, seed, seconds in attempts(directory, initrd, done, **kwargs):
        if done in lines:
            return lines, seed, seconds
    fail(f"no run of the emulated host came to its end; its console is in {directory}/console")
