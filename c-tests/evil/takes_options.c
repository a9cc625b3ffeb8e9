/* No fault: it declares parameters. */
#include "base.h"

static const kumo_param params[] = {
    {"room", KUMO_PARAM_TYPE_SIZE, "1m", "how much it holds"},
    {"fast", KUMO_PARAM_TYPE_BOOL, NULL, "whether it is"},
};

SPOILED_PLUGIN("takes_options", plugin->params = params; plugin->params_num = 2;)
