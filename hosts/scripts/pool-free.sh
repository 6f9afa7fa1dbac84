# Before anything is made: no pool of somebody else's has the folder or the name, since libvirt takes neither twice, and says only
# "Storage source conflict" in the middle of an update.
# POOL: the name that libvirt's pool is to have. EXPORT: its folder.

python3 - "$POOL" "$EXPORT" <<'PYTHON' || exit 1
import os.path, socket, subprocess, sys
import xml.etree.ElementTree as xml

name, folder = sys.argv[1:]

def virsh(*words):
    return subprocess.run(
        ["virsh", "--quiet", "--connect", "qemu:///system", *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

def described(pool):
    """A pool's name and folder. Its name may have blanks, and in lists it has more."""
    known = xml.fromstring(virsh("pool-dumpxml", pool))
    path = known.findtext("./target/path")
    return known.findtext("./name"), path and os.path.realpath(path)

def refuse(why, mend):
    sys.exit(f"{socket.gethostname()}: {why}. Nothing was changed for it; {mend}, then run `pulumi up`")

pools = dict(described(uuid) for uuid in virsh("pool-list", "--all", "--uuid").split())
wanted = os.path.realpath(folder)
if pools.get(name) == wanted:
    sys.exit(0)
if name in pools:
    refuse(
        f"libvirt has a pool called {name} already, on {pools[name]}, where the testbed's is to be on {folder}",
        f"take that one away if nobody needs it (virsh pool-destroy {name}; virsh pool-undefine {name}: its files stay)",
    )
for pool, path in pools.items():
    if path == wanted:
        refuse(
            f"libvirt's pool {pool} is on {folder} already, and libvirt takes a folder for one pool only",
            f"take that pool away if nobody needs it (virsh pool-destroy {pool}; virsh pool-undefine {pool}: its files stay), or set storage.export to another folder",
        )
PYTHON
