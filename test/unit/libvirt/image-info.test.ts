import { expect, test } from "vitest";
import { parseImageInfo } from "../../../libvirt/image-info.ts";

/** Of QEMU 7.2. The image that it lies over is not there. */
const printed = `{
    "backing-filename-format": "qcow2",
    "virtual-size": 4294967296,
    "filename": "/tmp/vm1.qcow2",
    "cluster-size": 65536,
    "format": "qcow2",
    "actual-size": 200704,
    "format-specific": {
        "type": "qcow2",
        "data": {
            "compat": "1.1",
            "compression-type": "zlib",
            "lazy-refcounts": false,
            "refcount-bits": 16,
            "corrupt": false,
            "extended-l2": false
        }
    },
    "full-backing-filename": "/export/testbed/debian-12.qcow2",
    "backing-filename": "/export/testbed/debian-12.qcow2",
    "dirty-flag": false
}
`;

test("the size of an image, as the guest sees it", () => {
  expect(parseImageInfo(printed)).toEqual({ virtualBytes: 4 * 2 ** 30 });
  expect(() => parseImageInfo("{}")).toThrow("qemu-img says no size of an image: {}");
});
