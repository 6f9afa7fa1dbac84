import provider from "@pulumi/pulumi/proto/provider_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

const { getProperties } = provider.ReadRequest.prototype;

/**
 * Has Pulumi's server take the reading of a resource that is to be imported: nothing is known of it yet, so the engine sends no properties,
 * and the server of @pulumi/pulumi 3.256 fails without (dist/provider/server.js, `read`).
 */
export function takeImports(): void {
  provider.ReadRequest.prototype.getProperties = function () {
    return getProperties.call(this) ?? new struct.Struct();
  };
}
