# SPDX-License-Identifier: GPL-2.0-only
"""Guest images of the benchmark: an initramfs each, from this machine's own Debian packages."""
import os
import shutil
import subprocess

from bench import BUILD, fail
from icount import VHOST, modules, write

HERE = os.path.dirname(os.path.abspath(__file__))
# botocore brings models of 300 services; an image of a function that uses two has no more than these.
SDK_DATA = ("s3", "lambda", "endpoints.json", "partitions.json", "_retry.json", "sdk-default-configuration.json")
SITE = "usr/lib/python3/dist-packages"
KERNEL_APPEND = "console=ttyS0 pci=noearly panic=-1 quiet mitigations=off"


def read(name):
    with open(os.path.join(HERE, name)) as file:
        return file.read()


def pack(root, out):
    """An initramfs of a directory, owned by root."""
    subprocess.run("find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0 --reproducible",
                   shell=True, check=True, cwd=root, stdout=open(out, "wb"))
    return out


def depends(image):
    """Files and directories that a guest's image is made of, beside the packages of this machine."""
    guest = f"{BUILD}/guest-lib"
    of = {
        "python_network": [f"{HERE}/handler.py", f"{HERE}/work.py", f"{HERE}/serve.py"],
        "python_nexus": [f"{HERE}/handler.py", f"{HERE}/work.py", f"{guest}/python", f"{guest}/nexus-init", f"{guest}/libnexus-guest.so.1"],
        "python_gateway": [f"{HERE}/handler.py", f"{HERE}/work.py", f"{HERE}/poll.py", f"{guest}/nexus-runtime", f"{guest}/nexus-init",
                           f"{guest}/libnexus-guest.so.1"],
        "c_network": [f"{BUILD}/selftests/bench/function_network"],
        "c_vsock": [f"{BUILD}/selftests/bench/function_vsock"],
        "c_nexus": [f"{BUILD}/selftests/bench/function_nexus", f"{guest}/nexus-init", f"{guest}/libnexus-guest.so.1"],
    }
    of["c_nexus_ahead"] = of["c_nexus"]
    return of.get(image, [])


def python_root(root, sdk):
    """A guest's root with Debian's python3 and the function: with the shims, or (sdk) the genuine SDK instead."""
    packages = ["python3-pil", *(["python3-boto3"] if sdk else [])]
    subprocess.run([f"{BUILD}/guest-lib/python/image", *(word for name in packages for word in ("--package", name)), root], check=True,
                   stderr=subprocess.DEVNULL)
    shutil.copy(f"{BUILD}/guest-lib/nexus-init", f"{root}/init")
    if sdk:
        shutil.rmtree(f"{root}/usr/lib/nexus")
        os.unlink(f"{root}/{SITE}/nexus.pth")
        data = f"{root}/{SITE}/botocore/data"
        for name in os.listdir(data):
            if name in SDK_DATA:
                continue
            path = f"{data}/{name}"
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    for name in ("handler.py", "work.py"):
        shutil.copy(f"{HERE}/{name}", f"{root}/var/task/{name}")
    subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", root,
                    f"{root}/var/task"], check=True)


def module_files(root, *names):
    """Modules in /modules.d, and /modules: their names in the order of loading."""
    os.makedirs(f"{root}/modules.d")
    files = modules(*names)
    for file in files:
        shutil.copy(file, f"{root}/modules.d/")
    write(f"{root}/modules", "".join(f"/modules.d/{os.path.basename(file)}\n" for file in files), 0o644)


def busybox(root, command):
    """Makes guest.sh the first process."""
    os.makedirs(f"{root}/usr/bin", exist_ok=True)
    shutil.copy(shutil.which("busybox") or fail("busybox-static is missing"), f"{root}/usr/bin/busybox")
    for name in ("bin", "sbin"):
        if not os.path.lexists(f"{root}/{name}"):
            os.symlink("usr/bin", f"{root}/{name}")
    if os.path.lexists(f"{root}/init"):
        os.unlink(f"{root}/init")
    write(f"{root}/init", read("guest.sh").replace("@COMMAND@", command))


def init_arguments(root, *words):
    write(f"{root}/etc/nexus-init.args", "\n".join(words) + "\n", 0o644)


def python_network(directory):
    """Genuine boto3 over virtio-net."""
    root = f"{directory}/python_network"
    python_root(root, sdk=True)
    shutil.copy(f"{HERE}/serve.py", f"{root}/var/task/")
    module_files(root, "virtio_mmio", "virtio_pci", "virtio_net")
    busybox(root, "/usr/bin/python3 /var/task/serve.py handler.handler")
    return pack(root, f"{root}.cpio")


def python_nexus(directory):
    """The shims, no network device."""
    root = f"{directory}/python_nexus"
    python_root(root, sdk=False)
    init_arguments(root, "--uid", "1000", "--env", "LAMBDA_TASK_ROOT=/var/task", "--env", "HOME=/tmp", "--",
                   "/usr/bin/python3", "/usr/bin/nexus-python", "handler.handler")
    return pack(root, f"{root}.cpio")


def python_gateway(directory):
    """Genuine boto3 over nexus-runtime's gateway, no network device."""
    root = f"{directory}/python_gateway"
    python_root(root, sdk=True)
    shutil.copy(f"{HERE}/poll.py", f"{root}/var/task/")
    shutil.copy(f"{BUILD}/guest-lib/nexus-runtime", f"{root}/usr/bin/")
    init_arguments(root, "--uid", "1000", "--env", "PYTHONPATH=/var/task", "--env", "HOME=/tmp", "--",
                   "/usr/bin/nexus-runtime", "--prefetch", "1", "--", "/usr/bin/python3", "/var/task/poll.py", "handler.handler")
    return pack(root, f"{root}.cpio")


def c_root(root, program):
    """A guest's root with the C function and its libraries; the first process is still to be put."""
    subprocess.run([f"{VHOST}/initrd", f"{root}.part", f"{BUILD}/selftests/bench/{program}:/usr/bin/function",
                    f"{BUILD}/guest-lib/libnexus-guest.so.1:/usr/lib/libnexus-guest.so.1",
                    f"{BUILD}/guest-lib/nexus-init:/init"], check=True)
    os.makedirs(root)
    subprocess.run(["cpio", "--quiet", "-idu", "-F", f"{root}.part"], check=True, cwd=root)
    os.unlink(f"{root}.part")
    for name in os.listdir(f"{root}/usr/bin"):
        if name != "function":
            os.unlink(f"{root}/usr/bin/{name}")


def c_network(directory):
    """libcurl over virtio-net."""
    root = f"{directory}/c_network"
    c_root(root, "function_network")
    module_files(root, "virtio_mmio", "virtio_pci", "virtio_net")
    busybox(root, "/usr/bin/function 10.9.0.1 8080")
    return pack(root, f"{root}.cpio")


def c_vsock(directory):
    """virtio-vsock."""
    root = f"{directory}/c_vsock"
    c_root(root, "function_vsock")
    module_files(root, "virtio_mmio", "vmw_vsock_virtio_transport")
    busybox(root, "/usr/bin/function")
    return pack(root, f"{root}.cpio")


def c_nexus(directory, prefetches=0):
    """libnexus-guest, no network device."""
    root = f"{directory}/c_nexus{prefetches or ''}"
    c_root(root, "function_nexus")
    init_arguments(root, "--uid", "1000", "--", "/usr/bin/function", "262144", str(prefetches))
    return pack(root, f"{root}.cpio")


def c_nexus_ahead(directory):
    """The same, with a window lent for the input."""
    return c_nexus(directory, 1)
