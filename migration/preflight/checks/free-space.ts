import type { Survey } from "../../../libvirt/survey.ts";
import type { Endpoint } from "../../context/moving.ts";
import { known } from "./evidence.ts";

/** What is free in a folder of a host, in MiB. Throws when the host did not say it. */
export const freeAt = (host: Endpoint, { spaceMiB }: Survey, directory: string): number =>
  known(host, "free disk space", spaceMiB[directory]);
