import { expect, test } from "vitest";
import { refuseOtherForLife, refuseUnlikeDefinition } from "../../../domain/hardware.ts";
import { specOfDefinition } from "../../../domain/own-definition.ts";
import { domainXml } from "../../../libvirt/domain-xml.ts";
import { domainSpec } from "../helpers/domain-spec.ts";

const imported = specOfDefinition(domainXml(domainSpec));

test("of an imported guest, memory and CPUs can be changed, and where the server is reached", () => {
  const changed = { ...imported, memoryMiB: 1024, vcpus: 4 };
  changed.storage = { ...changed.storage, server: "192.0.2.1" };
  expect(() => refuseOtherForLife(imported, changed)).not.toThrow();
  expect(() => refuseUnlikeDefinition(changed)).not.toThrow();
});

test("of an imported guest, nothing else can be, since its definition stays as it is", () => {
  const otherwise =
    /definition of its own, which says otherwise of mac, nics: of an imported guest memoryMiB and vcpus/;
  const changed = { ...imported, mac: "52:54:00:00:00:01", nics: [] };
  expect(() => refuseOtherForLife(imported, changed)).toThrow(otherwise);
  expect(() => refuseUnlikeDefinition(changed)).toThrow(otherwise);
  const { definition: _, ...without } = imported;
  expect(() => refuseOtherForLife(imported, without)).toThrow("says otherwise of definition");
  expect(() => refuseOtherForLife(without, imported)).toThrow("says otherwise of definition");
});

test("a definition that is none of a guest's that can be looked after is refused", () => {
  expect(() => refuseUnlikeDefinition({ ...imported, definition: "<domain/>" })).toThrow(
    "Guest vm1 can't be made from the definition that is said to be its own: it has no name",
  );
});
