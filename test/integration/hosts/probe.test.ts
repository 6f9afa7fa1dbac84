import { expect, test } from "vitest";
import { parseProbe } from "../../../hosts/facts.ts";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

const custom =
  "<mode name='custom' supported='yes'><model usable='yes' vendor='unknown'>qemu64</model></mode>";

/** A host without KVM whose libvirt says this of its CPU. */
function probe(cpuModes: string) {
  const done = runOnSandbox(
    "probe",
    { ACCELERATOR: "tcg" },
    {
      programs: {
        "qemu-system-x86_64": "echo pc-q35-7.2",
        modprobe: "exit 0",
        virsh: `case "$*" in
*domcapabilities*) cat <<'XML'
<domainCapabilities><machine>pc-q35-7.2</machine><cpu>${cpuModes}</cpu></domainCapabilities>
XML
;;
*cpu-models*) printf 'qemu64\\nEPYC\\n\\n' ;;
*version*) printf 'Using library: libvirt 9.0.0\\nRunning hypervisor: QEMU 7.2.22\\n' ;;
*capabilities*) echo "<capabilities><host><cpu><uuid>no</uuid></cpu><uuid>00000000-0000-4000-8000-00000000000a</uuid></host></capabilities>" ;;
esac`,
      },
    },
  );
  expect(done.stderr).toBe("");
  return parseProbe(done.stdout.trim());
}

test.runIf(hasSandbox("python3"))(
  "a probe tells of the host model, in whatever lines libvirt writes it",
  () => {
    const mode = `<mode name="host-model" supported="yes"><model fallback='forbid'>EPYC</model>
    <feature policy='require' name='acpi'/></mode>`;
    const found = probe(`<mode name='host-passthrough' supported='no'/>${mode}${custom}`);
    expect(found).toMatchObject({ cpuModel: "EPYC", models: ["qemu64", "EPYC"], libvirt: "9.0.0" });
    expect(found.uuid).toBe("00000000-0000-4000-8000-00000000000a");
    expect(found.hostModel).toBe(
      '<mode name="host-model" supported="yes"><model fallback="forbid">EPYC</model> <feature policy="require" name="acpi" /></mode>',
    );
  },
);

test.runIf(hasSandbox("python3")).each([`<mode name='host-model' supported='no'/>${custom}`, custom, ""])(
  "without a host model there is none: not that of the next mode (%s)",
  (modes) => {
    expect(probe(modes)).toMatchObject({ cpuModel: "", hostModel: "" });
  },
);
