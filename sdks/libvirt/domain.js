"use strict";
var __createBinding = (this && this.__createBinding) || (Object.create ? (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    var desc = Object.getOwnPropertyDescriptor(m, k);
    if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
      desc = { enumerable: true, get: function() { return m[k]; } };
    }
    Object.defineProperty(o, k2, desc);
}) : (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    o[k2] = m[k];
}));
var __setModuleDefault = (this && this.__setModuleDefault) || (Object.create ? (function(o, v) {
    Object.defineProperty(o, "default", { enumerable: true, value: v });
}) : function(o, v) {
    o["default"] = v;
});
var __importStar = (this && this.__importStar) || (function () {
    var ownKeys = function(o) {
        ownKeys = Object.getOwnPropertyNames || function (o) {
            var ar = [];
            for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k;
            return ar;
        };
        return ownKeys(o);
    };
    return function (mod) {
        if (mod && mod.__esModule) return mod;
        var result = {};
        if (mod != null) for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== "default") __createBinding(result, mod, k[i]);
        __setModuleDefault(result, mod);
        return result;
    };
})();
Object.defineProperty(exports, "__esModule", { value: true });
exports.Domain = void 0;
const pulumi = __importStar(require("@pulumi/pulumi"));
const utilities = __importStar(require("./utilities"));
class Domain extends pulumi.CustomResource {
    static get(name, id, state, opts) {
        return new Domain(name, state, { ...opts, id: id });
    }
    static __pulumiType = 'libvirt:index/domain:Domain';
    static isInstance(obj) {
        if (obj === undefined || obj === null) {
            return false;
        }
        return obj['__pulumiType'] === Domain.__pulumiType;
    }
    constructor(name, argsOrState, opts) {
        let resourceInputs = {};
        opts = opts || {};
        if (opts.id) {
            const state = argsOrState;
            resourceInputs["arch"] = state?.arch;
            resourceInputs["autostart"] = state?.autostart;
            resourceInputs["bootDevices"] = state?.bootDevices;
            resourceInputs["cloudinit"] = state?.cloudinit;
            resourceInputs["cmdlines"] = state?.cmdlines;
            resourceInputs["consoles"] = state?.consoles;
            resourceInputs["coreosIgnition"] = state?.coreosIgnition;
            resourceInputs["cpu"] = state?.cpu;
            resourceInputs["description"] = state?.description;
            resourceInputs["disks"] = state?.disks;
            resourceInputs["domainId"] = state?.domainId;
            resourceInputs["emulator"] = state?.emulator;
            resourceInputs["filesystems"] = state?.filesystems;
            resourceInputs["firmware"] = state?.firmware;
            resourceInputs["fwCfgName"] = state?.fwCfgName;
            resourceInputs["graphics"] = state?.graphics;
            resourceInputs["initrd"] = state?.initrd;
            resourceInputs["kernel"] = state?.kernel;
            resourceInputs["machine"] = state?.machine;
            resourceInputs["memory"] = state?.memory;
            resourceInputs["metadata"] = state?.metadata;
            resourceInputs["name"] = state?.name;
            resourceInputs["networkInterfaces"] = state?.networkInterfaces;
            resourceInputs["nvram"] = state?.nvram;
            resourceInputs["qemuAgent"] = state?.qemuAgent;
            resourceInputs["running"] = state?.running;
            resourceInputs["timeouts"] = state?.timeouts;
            resourceInputs["tpm"] = state?.tpm;
            resourceInputs["type"] = state?.type;
            resourceInputs["vcpu"] = state?.vcpu;
            resourceInputs["video"] = state?.video;
            resourceInputs["xml"] = state?.xml;
        }
        else {
            const args = argsOrState;
            resourceInputs["arch"] = args?.arch;
            resourceInputs["autostart"] = args?.autostart;
            resourceInputs["bootDevices"] = args?.bootDevices;
            resourceInputs["cloudinit"] = args?.cloudinit;
            resourceInputs["cmdlines"] = args?.cmdlines;
            resourceInputs["consoles"] = args?.consoles;
            resourceInputs["coreosIgnition"] = args?.coreosIgnition;
            resourceInputs["cpu"] = args?.cpu;
            resourceInputs["description"] = args?.description;
            resourceInputs["disks"] = args?.disks;
            resourceInputs["domainId"] = args?.domainId;
            resourceInputs["emulator"] = args?.emulator;
            resourceInputs["filesystems"] = args?.filesystems;
            resourceInputs["firmware"] = args?.firmware;
            resourceInputs["fwCfgName"] = args?.fwCfgName;
            resourceInputs["graphics"] = args?.graphics;
            resourceInputs["initrd"] = args?.initrd;
            resourceInputs["kernel"] = args?.kernel;
            resourceInputs["machine"] = args?.machine;
            resourceInputs["memory"] = args?.memory;
            resourceInputs["metadata"] = args?.metadata;
            resourceInputs["name"] = args?.name;
            resourceInputs["networkInterfaces"] = args?.networkInterfaces;
            resourceInputs["nvram"] = args?.nvram;
            resourceInputs["qemuAgent"] = args?.qemuAgent;
            resourceInputs["running"] = args?.running;
            resourceInputs["timeouts"] = args?.timeouts;
            resourceInputs["tpm"] = args?.tpm;
            resourceInputs["type"] = args?.type;
            resourceInputs["vcpu"] = args?.vcpu;
            resourceInputs["video"] = args?.video;
            resourceInputs["xml"] = args?.xml;
        }
        opts = pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts);
        super(Domain.__pulumiType, name, resourceInputs, opts, false, utilities.getPackage());
    }
}
exports.Domain = Domain;
