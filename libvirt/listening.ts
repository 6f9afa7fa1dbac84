import { systemUri, virshCommand } from "./virsh.ts";

/** What a listener says first. */
export const isListening = systemUri;

/**
 * Has virsh listen to events, in a process that is connected before it says so: `uri` is answered by the same connection that listens
 * next. A listener that is just started hears nothing yet, and a host that is busy may take longer to start it than to do what it is to hear.
 */
export const listening = (command: string): string => virshCommand([`uri; ${command}`]);
