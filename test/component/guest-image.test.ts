import { expect, test } from "vitest";
import { GuestImage } from "../../components/guest-image.ts";
import { record, resolved } from "./recorder.ts";

const image = {
  path: "/cache/debian-12-0123.qcow2",
  sha256: "a".repeat(64),
  format: "qcow2",
  virtualSizeBytes: 700 << 20,
  name: "debian-12",
  user: "debian",
};
const answers = () => ({ stdout: JSON.stringify(image) });

test("what the image turned out to be are its outputs", async () => {
  const { result, one } = await record(() => new GuestImage("image", {}), answers);
  expect(await resolved(result.path)).toBe(image.path);
  expect(await resolved(result.imageName)).toBe("debian-12");
  expect(await resolved(result.user)).toBe("debian");
  expect(await resolved(result.virtualSizeBytes)).toBe(image.virtualSizeBytes);
  expect(one("image-file").parent).toContain("testbed:index:GuestImage::image");
  expect(one("image-file").inputs).toMatchObject({
    environment: { SOURCE: "auto", SHA256: "" },
    logging: "stderr",
  });
});

test("source and sum reach the command as data, not as shell", async () => {
  const sha256 = "b".repeat(64);
  const source = "/srv/it's $(here).qcow2";
  const { one } = await record(() => new GuestImage("image", { source, sha256 }), answers);
  expect(one("image-file").inputs).toMatchObject({ environment: { SOURCE: source, SHA256: sha256 } });
  expect(one("image-file").inputs.create).not.toContain("here");
});

test("what it is built with is said by name", async () => {
  const { one } = await record(() => new GuestImage("image", { programs: ["mysql"] }), answers);
  expect(one("image-file").inputs.create).toMatch(/ --with mysql$/);
});
