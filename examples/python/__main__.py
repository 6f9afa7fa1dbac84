"""Two hosts and a guest that moves when the config changes."""

import pulumi
import pulumi_kvmtestbed as kvmtestbed

config = pulumi.Config()

testbed = kvmtestbed.Testbed(
    "testbed",
    lab=kvmtestbed.TestbedLabArgs(
        network=config.get("network") or "10.77.0.0/24",
        bridge=config.get("bridge") or "lab0",
    ),
    hosts=[
        kvmtestbed.TestbedHostArgs(name="host1"),
        kvmtestbed.TestbedHostArgs(name="host2"),
    ],
    guests=[kvmtestbed.TestbedGuestArgs(name="vm1", memory_mi_b=512, disk_gi_b=3)],
    placement={"vm1": config.get("host") or "host1"},
)

pulumi.export("guests", testbed.guests)
pulumi.export("migrations", testbed.migrations)
