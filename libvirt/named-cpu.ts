/** The `<cpu>` element of a model by its name, as the host's libvirt knows it. */
export const namedCpuXml = (model: string): string =>
  `<cpu mode="custom" match="exact" check="partial"><model fallback="forbid">${model}</model></cpu>`;

/** A guest's `<cpu>` element: of the model that it names, or else the one that it was given; undefined: QEMU's default model. */
export const cpuXmlOf = ({ cpu, cpuXml }: { cpu?: string; cpuXml?: string }): string | undefined =>
  cpu === undefined ? cpuXml : namedCpuXml(cpu);
