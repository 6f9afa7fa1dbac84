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
var __exportStar = (this && this.__exportStar) || function(m, exports) {
    for (var p in m) if (p !== "default" && !Object.prototype.hasOwnProperty.call(exports, p)) __createBinding(exports, m, p);
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.types = exports.config = exports.Volume = exports.Pool = exports.Network = exports.Ignition = exports.getNodeInfoOutput = exports.getNodeInfo = exports.getNodeDevicesOutput = exports.getNodeDevices = exports.getNodeDeviceInfoOutput = exports.getNodeDeviceInfo = exports.getNetworkDnsmasqOptionsTemplateOutput = exports.getNetworkDnsmasqOptionsTemplate = exports.getNetworkDnsSrvTemplateOutput = exports.getNetworkDnsSrvTemplate = exports.getNetworkDnsHostTemplateOutput = exports.getNetworkDnsHostTemplate = exports.Domain = exports.Combustion = exports.CloudinitDisk = void 0;
const pulumi = __importStar(require("@pulumi/pulumi"));
const utilities = __importStar(require("./utilities"));
exports.CloudinitDisk = null;
utilities.lazyLoad(exports, ["CloudinitDisk"], () => require("./cloudinitDisk"));
exports.Combustion = null;
utilities.lazyLoad(exports, ["Combustion"], () => require("./combustion"));
exports.Domain = null;
utilities.lazyLoad(exports, ["Domain"], () => require("./domain"));
exports.getNetworkDnsHostTemplate = null;
exports.getNetworkDnsHostTemplateOutput = null;
utilities.lazyLoad(exports, ["getNetworkDnsHostTemplate", "getNetworkDnsHostTemplateOutput"], () => require("./getNetworkDnsHostTemplate"));
exports.getNetworkDnsSrvTemplate = null;
exports.getNetworkDnsSrvTemplateOutput = null;
utilities.lazyLoad(exports, ["getNetworkDnsSrvTemplate", "getNetworkDnsSrvTemplateOutput"], () => require("./getNetworkDnsSrvTemplate"));
exports.getNetworkDnsmasqOptionsTemplate = null;
exports.getNetworkDnsmasqOptionsTemplateOutput = null;
utilities.lazyLoad(exports, ["getNetworkDnsmasqOptionsTemplate", "getNetworkDnsmasqOptionsTemplateOutput"], () => require("./getNetworkDnsmasqOptionsTemplate"));
exports.getNodeDeviceInfo = null;
exports.getNodeDeviceInfoOutput = null;
utilities.lazyLoad(exports, ["getNodeDeviceInfo", "getNodeDeviceInfoOutput"], () => require("./getNodeDeviceInfo"));
exports.getNodeDevices = null;
exports.getNodeDevicesOutput = null;
utilities.lazyLoad(exports, ["getNodeDevices", "getNodeDevicesOutput"], () => require("./getNodeDevices"));
exports.getNodeInfo = null;
exports.getNodeInfoOutput = null;
utilities.lazyLoad(exports, ["getNodeInfo", "getNodeInfoOutput"], () => require("./getNodeInfo"));
exports.Ignition = null;
utilities.lazyLoad(exports, ["Ignition"], () => require("./ignition"));
exports.Network = null;
utilities.lazyLoad(exports, ["Network"], () => require("./network"));
exports.Pool = null;
utilities.lazyLoad(exports, ["Pool"], () => require("./pool"));
__exportStar(require("./provider"), exports);
const provider_1 = require("./provider");
exports.Volume = null;
utilities.lazyLoad(exports, ["Volume"], () => require("./volume"));
const config = __importStar(require("./config"));
exports.config = config;
const types = __importStar(require("./types"));
exports.types = types;
const _module = {
    version: utilities.getVersion(),
    construct: (name, type, urn) => {
        switch (type) {
            case "libvirt:index/cloudinitDisk:CloudinitDisk":
                return new exports.CloudinitDisk(name, undefined, { urn });
            case "libvirt:index/combustion:Combustion":
                return new exports.Combustion(name, undefined, { urn });
            case "libvirt:index/domain:Domain":
                return new exports.Domain(name, undefined, { urn });
            case "libvirt:index/ignition:Ignition":
                return new exports.Ignition(name, undefined, { urn });
            case "libvirt:index/network:Network":
                return new exports.Network(name, undefined, { urn });
            case "libvirt:index/pool:Pool":
                return new exports.Pool(name, undefined, { urn });
            case "libvirt:index/volume:Volume":
                return new exports.Volume(name, undefined, { urn });
            default:
                throw new Error(`unknown resource type ${type}`);
        }
    },
};
pulumi.runtime.registerResourceModule("libvirt", "index/cloudinitDisk", _module);
pulumi.runtime.registerResourceModule("libvirt", "index/combustion", _module);
pulumi.runtime.registerResourceModule("libvirt", "index/domain", _module);
pulumi.runtime.registerResourceModule("libvirt", "index/ignition", _module);
pulumi.runtime.registerResourceModule("libvirt", "index/network", _module);
pulumi.runtime.registerResourceModule("libvirt", "index/pool", _module);
pulumi.runtime.registerResourceModule("libvirt", "index/volume", _module);
pulumi.runtime.registerResourcePackage("libvirt", {
    version: utilities.getVersion(),
    constructProvider: (name, type, urn) => {
        if (type !== "pulumi:providers:libvirt") {
            throw new Error(`unknown provider type ${type}`);
        }
        return new provider_1.Provider(name, undefined, { urn });
    },
});
