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
exports.Network = void 0;
const pulumi = __importStar(require("@pulumi/pulumi"));
const utilities = __importStar(require("./utilities"));
class Network extends pulumi.CustomResource {
    static get(name, id, state, opts) {
        return new Network(name, state, { ...opts, id: id });
    }
    static __pulumiType = 'libvirt:index/network:Network';
    static isInstance(obj) {
        if (obj === undefined || obj === null) {
            return false;
        }
        return obj['__pulumiType'] === Network.__pulumiType;
    }
    constructor(name, argsOrState, opts) {
        let resourceInputs = {};
        opts = opts || {};
        if (opts.id) {
            const state = argsOrState;
            resourceInputs["addresses"] = state?.addresses;
            resourceInputs["autostart"] = state?.autostart;
            resourceInputs["bridge"] = state?.bridge;
            resourceInputs["dhcp"] = state?.dhcp;
            resourceInputs["dns"] = state?.dns;
            resourceInputs["dnsmasqOptions"] = state?.dnsmasqOptions;
            resourceInputs["domain"] = state?.domain;
            resourceInputs["mode"] = state?.mode;
            resourceInputs["mtu"] = state?.mtu;
            resourceInputs["name"] = state?.name;
            resourceInputs["networkId"] = state?.networkId;
            resourceInputs["routes"] = state?.routes;
            resourceInputs["xml"] = state?.xml;
        }
        else {
            const args = argsOrState;
            resourceInputs["addresses"] = args?.addresses;
            resourceInputs["autostart"] = args?.autostart;
            resourceInputs["bridge"] = args?.bridge;
            resourceInputs["dhcp"] = args?.dhcp;
            resourceInputs["dns"] = args?.dns;
            resourceInputs["dnsmasqOptions"] = args?.dnsmasqOptions;
            resourceInputs["domain"] = args?.domain;
            resourceInputs["mode"] = args?.mode;
            resourceInputs["mtu"] = args?.mtu;
            resourceInputs["name"] = args?.name;
            resourceInputs["networkId"] = args?.networkId;
            resourceInputs["routes"] = args?.routes;
            resourceInputs["xml"] = args?.xml;
        }
        opts = pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts);
        super(Network.__pulumiType, name, resourceInputs, opts, false, utilities.getPackage());
    }
}
exports.Network = Network;
