import { join } from "node:path";
import { execa } from "execa";
import type { Fault } from "./fault.ts";
import type { Struck } from "./moments.ts";

// Certificates that do not fit: beside the testbed's own, made by the same scripts.

const folder = "/etc/pki/qemu";
const aside = "/root/certificates-of-the-testbed";
const script = (name: string) => join(import.meta.dirname, "..", "..", "hosts", `${name}.sh`);

type End = "from" | "to";
const restore = ({ stack, from, to }: Struck) =>
  Promise.all(
    [from, to].map((host) =>
      stack.on(host, `if [ -d ${aside} ]; then rm -rf ${folder} && mv ${aside} ${folder}; fi`),
    ),
  );

/** @param change what becomes of the certificates, on either end, before the move */
const wrong = (name: string, change: (struck: Struck) => Promise<unknown>): Fault => ({
  name,
  async prepare(struck) {
    const { stack, from, to } = struck;
    await Promise.all([from, to].map((host) => stack.on(host, `cp -a ${folder} ${aside}`)));
    await change(struck);
  },
  fix: restore,
  told: /certificate|tls|x509|credentials/i,
});

const missing = (end: End, files: string) => (struck: Struck) =>
  struck.stack.on(struck[end], `rm ${folder}/${files}`);

const authority = async (): Promise<string> =>
  (await execa("bash", [script("tls-ca")], { env: { NAME: "somebody else's" } })).stdout;

/** A key and a certificate, as PEM. */
async function certificate(ca: string, address: string, name: string): Promise<string> {
  const env = { NAME: name, ADDRESS: address };
  return (await execa("bash", [script("tls-certificate")], { env, input: ca })).stdout;
}

/** What openssl prints of a key and a certificate, in a host's files. */
async function install(
  { stack }: Struck,
  host: string,
  pem: string,
  files: readonly ("ca" | "server" | "client")[],
): Promise<void> {
  const block = (title: string) =>
    pem.slice(pem.indexOf(`-----BEGIN ${title}`), pem.indexOf(`-----END ${title}`)) +
    `-----END ${title}-----\n`;
  const [key, own] = [block("PRIVATE KEY"), block("CERTIFICATE")];
  for (const file of files) {
    if (file !== "ca") await write(`${file}-key.pem`, key);
    await write(`${file}-cert.pem`, own);
  }
  function write(name: string, text: string): Promise<string> {
    return stack.on(host, `base64 -d <<< ${Buffer.from(text).toString("base64")} > ${folder}/${name}`);
  }
}

/** Both ends trust another authority, which signed both's certificates; the destination's is not as it should be. */
const signedAnew = (sign: (struck: Struck, ca: string) => Promise<string>) => async (struck: Struck) => {
  const { stack, from, to } = struck;
  const ca = await authority();
  for (const host of [from, to]) await install(struck, host, ca, ["ca"]);
  await install(struck, from, await certificate(ca, stack.hostAddress(from), from), ["client"]);
  await install(struck, to, await sign(struck, ca), ["server"]);
};

const addressOf = ({ stack, to }: Struck) => stack.hostAddress(to);

export const tlsFaults = {
  noSourceCertificate: wrong("no certificate at the source", missing("from", "client-cert.pem")),
  noDestinationCertificate: wrong("no certificate at the destination", missing("to", "server-cert.pem")),
  otherName: wrong(
    "the destination's certificate names another host",
    signedAnew((_, ca) => certificate(ca, "192.0.2.99", "elsewhere")),
  ),
  expired: wrong(
    "the destination's certificate has expired",
    signedAnew(async (struck, ca) => expired(await certificate(ca, addressOf(struck), struck.to), ca)),
  ),
  otherAuthority: wrong("the destination's certificate is another authority's", async (struck) =>
    install(struck, struck.to, await certificate(await authority(), addressOf(struck), struck.to), [
      "server",
    ]),
  ),
} satisfies Record<string, Fault>;

/** A certificate for the same key that has ended before now: nothing else of it is looked at then. */
async function expired(pem: string, ca: string): Promise<string> {
  const { stdout } = await execa(
    "bash",
    [
      "-c",
      `folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; echo "$PEM" > "$folder/own"; echo "$CA" > "$folder/ca"
openssl pkey -in "$folder/own"
openssl req -new -key "$folder/own" -subj /CN=expired |
  openssl x509 -req -days -1 -set_serial 1 -CA "$folder/ca" -CAkey "$folder/ca"`,
    ],
    { env: { PEM: pem, CA: ca } },
  );
  return stdout;
}
