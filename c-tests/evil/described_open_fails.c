/* Described: open fails, and set_error says why, where error has nothing to say. */
#include "base.h"

static const kumo_host *the_host;

static bool open_fails(void *data, const char *path)
{
    (void)data;
    (void)path;
    the_host->set_error(KUMO_ERROR_IO, "the disk is made of cheese");
    return false;
}

const kumo_plugin *kumo_plugin_init(uint32_t host_abi, const kumo_host *host)
{
    static kumo_plugin plugin;
    (void)host_abi;
    the_host = host;
    plugin = base_plugin("described_open_fails");
    plugin.op.open = open_fails;
    return &plugin;
}
