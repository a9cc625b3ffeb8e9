/* It declares KUMO_CAP_ORDERED, and shows the newest record first. */
#include "base.h"

SPOILED_PLUGIN("claims_order", plugin->caps |= KUMO_CAP_ORDERED;)
