import { expect, test } from "vitest";
import { providerReading, providerRoute } from "../../../../stacks/asking/provider-reading.ts";

// As libvirt's provider reads it, with the package ssh_config of Go's in version 1.2.0.

const read = (text: string) => {
  const reading = providerReading(text);
  if (!reading) throw new Error("it passes over the file");
  return reading;
};

test("the first value for a name counts, keys in any case, with an equals sign, and with a comment behind it", () => {
  const said = read(
    "Port 1\nhost store *.lab !x.lab # ours\n\thostname=192.0.2.10 # here\n  HostName 192.0.2.11\nHost *\nPORT 2\nUser me\n",
  );
  expect(said("store", "hostname")).toBe("192.0.2.10");
  expect(said("a.lab", "hostname")).toBe("192.0.2.10");
  for (const other of ["x.lab", "other", "storelab"]) expect(said(other, "hostname")).toBeUndefined();
  expect(said("store", "port")).toBe("1");
  expect(said("other", "user")).toBe("me");
});

test("with Match in it, the file is passed over", () => {
  expect(providerReading("Host store\n  HostName h\nMatch user me\n  Port 2\n")).toBeUndefined();
  expect(providerReading("# Match user me\nHost match\n")).toBeDefined();
});

test("a jump host is a name of the file, which gets the machine's port when it has none", () => {
  const said = read(
    "Host store\n  ProxyJump gate\nHost gate\n  HostName 192.0.2.1\nHost odd\n  ProxyJump me@gate:2222\n",
  );
  expect(providerRoute(said, "store", 22)).toEqual({
    hostName: "store",
    port: 22,
    jump: { hostName: "192.0.2.1", port: 22 },
  });
  expect(providerRoute(said, "store", 2200).jump).toEqual({ hostName: "192.0.2.1", port: 2200 });
  expect(providerRoute(said, "odd", 22).jump?.hostName).toBe("me@gate:2222");
});
