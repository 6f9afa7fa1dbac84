import { expect, test } from "vitest";
import { withPlainErrors } from "../../../provider/plain-errors.ts";

const failing = (error: unknown) =>
  withPlainErrors({
    async update() {
      throw error;
    },
  }).update();

test("a refusal is its message alone", async () => {
  const refusal = new Error("Guest vm1 cannot move to host2");
  await expect(failing(refusal)).rejects.toBe(refusal);
  expect(`${refusal}: ${refusal.stack}`).toBe("Error: Guest vm1 cannot move to host2: ");
});

test("a fault of the program keeps the place where it is", async () => {
  const fault = new TypeError("guest is not a function");
  await expect(failing(fault)).rejects.toBe(fault);
  expect(fault.stack).toContain("plain-errors.test.ts");
});

test("what a method returns is passed on", async () => {
  expect(await withPlainErrors({ diff: async (id: string) => ({ id }) }).diff("a")).toEqual({ id: "a" });
});
