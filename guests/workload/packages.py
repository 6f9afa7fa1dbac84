"""Packages that a workload needs and the guest's image has not got."""

import os
import subprocess


def installed(package):
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def install_missing(packages):
    """Installs them from the guest's own package archive.

    Raises an error that says what to do, when that cannot be reached.
    """
    missing = [package for package in packages if not installed(package)]
    if not missing:
        return
    apt = ["apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300", "--option", "Acquire::Retries=3"]
    for command in [["update"], ["install", "--yes", "--no-install-recommends", *missing]]:
        result = subprocess.run(
            [*apt, *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if result.returncode != 0:
            said = [line for line in result.stdout.splitlines() if line.startswith("E:")] or [result.stdout[-300:]]
            raise RuntimeError(
                "its image has not got %s, and the guest could not install it (apt-get %s: %s). "
                "Take image.source: debian-12, which is built with what workloads need, or give the guest "
                "a gateway to the internet" % (", ".join(missing), command[0], said[0].strip())
            )
