/* Described: made for a contract that no host speaks yet. */
#include "base.h"

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    static kumo_plugin plugin;
    (void)host_abi;
    (void)host;
    plugin = base_plugin("newer_abi");
    plugin.abi_version = 999;
    return &plugin;
}
