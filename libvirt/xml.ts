import { convert } from "xmlbuilder2";

// Reads the XML that libvirt prints.

/** An element as xmlbuilder2 gives it when everything is an array. */
export type Element = { readonly [name: string]: unknown };

export const readXml = (xml: string): Element =>
  convert(xml, { format: "object", verbose: true }) as unknown as Element;

const isElement = (value: unknown): value is Element => typeof value === "object" && value !== null;

/** An element's children in their order, each with its name. */
export function allChildren(element: Element | undefined): [name: string, child: Element][] {
  return Object.entries(element ?? {}).flatMap(([name, value]): [string, Element][] => {
    // Attributes, comments and the like.
    if (/^[@!?$]/.test(name)) return [];
    // Children of one name that do not stand together are in groups.
    if (name === "#")
      return Array.isArray(value) ? value.flatMap((group) => allChildren(group as Element)) : [];
    return (value as unknown[]).map((child) => [name, isElement(child) ? child : { "#": child }]);
  });
}

export const children = (element: Element | undefined, name: string): Element[] =>
  allChildren(element).flatMap(([each, child]) => (each === name ? [child] : []));

export const firstChild = (element: Element | undefined, name: string): Element | undefined =>
  children(element, name)[0];

export const attributes = (element: Element | undefined): [name: string, value: string][] =>
  Object.entries(element ?? {}).flatMap(([name, value]): [string, string][] =>
    name.startsWith("@") ? [[name.slice(1), withoutEntities(value)]] : [],
  );

export const attribute = (element: Element | undefined, name: string): string | undefined => {
  const value = element?.[`@${name}`];
  return value === undefined ? undefined : withoutEntities(value);
};

/** The text in an element; undefined: there is none. */
export function ownText(element: Element | undefined): string | undefined {
  const value = element?.["#"];
  return value === undefined || value === null || Array.isArray(value) ? undefined : withoutEntities(value);
}

/** The text of a child, whether that has attributes or not. */
export const childText = (element: Element | undefined, name: string): string | undefined =>
  ownText(firstChild(element, name));

/** xmlbuilder2 leaves entities in what it reads. */
export const withoutEntities = (value: unknown): string =>
  String(value)
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&apos;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
