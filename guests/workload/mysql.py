"""A MariaDB server with one seeded table, and sysbench as its clients: point reads, range reads, updates, a delete and an
insert in each transaction (the mix of its oltp_read_write), flushed to the disk at each commit, as MariaDB does by default.
"""

import json
import os
import socket
import subprocess
import time

UNIT = "queries"


def run(config, progress):
    directory = os.path.join(config["directory"], "mysql")
    server_socket = os.path.join(os.path.dirname(progress.path), "mysql.sock")
    server = start_server(directory, server_socket, config["bufferPoolMiB"])
    sysbench = [
        "sysbench",
        os.path.join(os.path.dirname(os.path.abspath(__file__)), "mysql.lua"),
        "--db-driver=mysql",
        "--mysql-user=root",
        "--mysql-db=testbed",
        "--mysql-socket=" + server_socket,
        "--table-size=%d" % config["rows"],
        "--verbosity=1",
    ]
    seed(sysbench, directory, server_socket, config["rows"])
    clients = subprocess.Popen(
        [
            *sysbench,
            "--threads=%d" % config["clients"],
            "--queries-per-second=%g" % config.get("queriesPerSecond", 0),
            "--time=0",
            "--events=0",
            "--report-interval=1",
            "run",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in clients.stdout:
        if line.startswith("{"):
            progress.write(json.loads(line))
    raise RuntimeError("sysbench ended (%s), MariaDB: %s" % (clients.wait(), state(server)))


def start_server(directory, server_socket, buffer_pool_mib):
    # No settings of the distribution's: the same server in every image. It is root's, as its packages without a service of
    # their own bring no account, and it listens to nobody outside.
    own = ["--no-defaults", "--user=root", "--datadir=" + directory]
    made = os.path.join(directory, "made")
    if not os.path.exists(made):
        os.makedirs(directory, exist_ok=True)
        subprocess.run(["mariadb-install-db", *own, "--skip-test-db", "--skip-name-resolve"], check=True)
        open(made, "w").close()
    server = subprocess.Popen(
        [
            "mariadbd",
            *own,
            "--skip-networking",
            "--socket=" + server_socket,
            "--pid-file=" + server_socket + ".pid",
            "--innodb-buffer-pool-size=%dM" % buffer_pool_mib,
            # Its default of 96 MiB, which it maps into memory, is for larger machines.
            "--innodb-log-file-size=32M",
        ]
    )
    while not answers(server_socket):
        if server.poll() is not None:
            raise RuntimeError("MariaDB did not start: %s" % state(server))
        time.sleep(0.2)
    return server


def answers(path):
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(path) == 0


def state(process):
    return "runs" if process.poll() is None else "ended with %d" % process.returncode


def seed(sysbench, directory, server_socket, rows):
    """Fills the table, once. What a seeding that was cut short has left is removed."""
    seeded = os.path.join(directory, "seeded-%d" % rows)
    if os.path.exists(seeded):
        return
    database = "CREATE DATABASE IF NOT EXISTS testbed"
    subprocess.run(["mariadb", "--no-defaults", "--socket=" + server_socket, "--execute=" + database], check=True)
    for step in ["cleanup", "prepare"]:
        subprocess.run([*sysbench, step], check=True)
    open(seeded, "w").close()
